"""Words for the operator, on standard error."""

import sys


class StartError(Exception):
    """The server cannot start; the message says why."""


def say(text: str) -> None:
    """Write one line to standard error."""
    print(f"backscatter-dnsbl: {text}", file=sys.stderr, flush=True)
