"""A file that people change under a running process: read anew when it changed, the last good copy kept.

To ask is one `stat`, so whoever needs the value asks each time. What came of a change is told once, however
often one asks.
"""

import pathlib
import threading
from collections.abc import Callable
from typing import Final, Generic, TypeVar

REST_S: Final = 2.0
"""Who writes a file in place has written half of it at some moment: one just written is left for later."""

_Value = TypeVar("_Value")
_Seen = tuple[int, ...] | None
"""What tells a file from a changed one; None: it is not there."""


class Followed(Generic[_Value]):
    """What a file holds.

    known: its last good copy, None if there was never one. Any number of threads may look at once: only
    while there is no good copy at all do they wait for each other.
    """

    def __init__(
        self,
        path: pathlib.Path | None,
        read: Callable[[pathlib.Path], _Value],
        *,
        known: _Value | None,
        taken: Callable[[_Value], None],
        refused: Callable[[Exception, _Value | None], None],
    ) -> None:
        """Take the file's place and what was read of it already.

        path None: `known` never changes. read: raises `OSError` or `ValueError` for what cannot be used.
        taken: is told what is new. refused: is told why a change is not taken, and what stays in force.
        """
        self.path = path
        self.known = known
        self._read_file = read
        self._taken = taken
        self._refused = refused
        self._read: _Seen | str = ""  # it may have changed since, so the first look reads it again
        self._seen: _Seen | str = ""
        self._seen_since = 0.0
        self._one = threading.Lock()

    def look(self, *, now: float) -> _Value | None:
        """Return what is in force, read anew if the file changed. now: seconds since 1970."""
        if self.path is None or not self._one.acquire(blocking=self.known is None):
            return self.known
        try:
            seen, written_at = _seen(self.path)
            if seen != self._seen:
                self._seen, self._seen_since = seen, now
            # A clock that was put back, or a date of the file in times to come, says nothing of rest.
            rests = now - written_at >= REST_S or not 0 <= now - self._seen_since < REST_S
            if rests and seen != self._read:
                self._read = seen
                self._take(self.path)
        finally:
            self._one.release()
        return self.known

    def _take(self, path: pathlib.Path) -> None:
        try:
            fresh = self._read_file(path)
        except (OSError, ValueError) as problem:
            self._refused(problem, self.known)
            return
        changed, self.known = fresh != self.known, fresh
        if changed:
            self._taken(fresh)


def _seen(path: pathlib.Path) -> tuple[_Seen, float]:
    """Return what tells the file from a changed one, and when it was written; a missing one just now."""
    try:
        found = path.stat()
    except OSError:
        return None, float("inf")
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns), found.st_mtime
