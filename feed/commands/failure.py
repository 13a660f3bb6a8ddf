"""How a command ends that cannot do what it was asked: one line in words on standard error."""

import sys
from typing import NoReturn

from feed.commands.serve import CONFIGURATION


def fail(words: str, *, code: int = 1) -> NoReturn:
    """Print `words` and end with `code`."""
    print(f"backscatter-feed: {words}", file=sys.stderr)
    raise SystemExit(code)


def misconfigured(words: str) -> NoReturn:
    """End as a process that no restart would help."""
    fail(words, code=CONFIGURATION)
