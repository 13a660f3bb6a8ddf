"""Waiting for what other processes do, with a bound and a reason."""

import time
from collections.abc import Callable


def wait_until(holds: Callable[[], object], *, seconds: float, words: Callable[[], str]) -> None:
    """Wait until `holds()` is true; fail with what `words()` says after `seconds`."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, words()
        time.sleep(0.05)
