"""The intake: reports over HTTP are authenticated, judged and stored as minimal events."""
