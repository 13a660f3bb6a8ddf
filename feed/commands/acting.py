"""Who acts on the command line, and when."""

import getpass
import time


def actor() -> str:
    """Return the name for the audit log."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli"


def now() -> int:
    """Return seconds since 1970."""
    return int(time.time())  # noqa: TID251 - an entry point
