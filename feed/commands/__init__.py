"""The command line of `backscatter-feed`: parse, call, print."""
