"""The provider file under a running scheduler: read anew when it changed, the last good copy kept.

A file that is gone or broken never lists anybody: what its last good copy held stays held, and without one
nothing new is listed at all.
"""

import pathlib

import structlog

from feed.domain.providers import Providers
from feed.opening import read_providers

_log = structlog.get_logger()

_Seen = tuple[int, ...] | None
"""What tells a file from a changed one; None: it is not there."""


class ProviderFile:
    """The file that the settings name; `path` None: the built-in one, which changes with the program.

    known: the ranges in force, None if there was never a good copy.
    """

    def __init__(self, path: pathlib.Path | None, known: Providers | None) -> None:
        """Take what was read when the process began, None if that failed."""
        self._path = path
        self.known = known
        self._read: _Seen | str = ""  # it may have changed since, so the first look reads it again
        self._seen: _Seen | str = ""

    def look(self) -> Providers | None:
        """Return the ranges in force, read anew if the file changed; asked at each tick and nowhere else."""
        if self._path is None:
            return self.known
        seen = _seen(self._path)
        # Who writes a file in place has written half of it at some moment: one that moves is left for later.
        moves = seen != self._seen
        self._seen = seen
        if not moves and seen != self._read:
            self._read = seen
            self._take(self._path)
        return self.known

    def _take(self, path: pathlib.Path) -> None:
        try:
            fresh = read_providers(path)
        except (OSError, ValueError) as problem:
            kept = "nothing new is listed" if self.known is None else f"that of {self.known.date} stays"
            _log.error("the provider file cannot be used", reason=str(problem), kept=kept)
            return
        if fresh != self.known:
            _log.info("provider file", networks=fresh.network_count, dated=fresh.date.isoformat())
        self.known = fresh


def _seen(path: pathlib.Path) -> _Seen:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
