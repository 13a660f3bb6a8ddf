"""The reporter's side, `backscatter-report`: standard library only, runs on a mail server."""
