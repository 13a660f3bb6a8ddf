"""Following growing logs through rotation and truncation, with positions kept in the index."""

import contextlib
import datetime as dt
import os
import re
from collections.abc import Callable, Iterator

from ingest.report.index import Index
from ingest.report.keys import Keys
from ingest.report.scan import Scan, judge_waiting
from ingest.report.settings import Settings
from ingest.report.sources import BROKEN, opened

HOLD_S = 120
"""Seconds until an arrival is judged: another host's log may bring what it answers a little later."""


class Follower:
    """Reads on in each log whenever `step` is called.

    A log that was rotated away is read to its end first, whatever it is called then: the position is kept
    with the beginning of its content, not with its name.
    """

    def __init__(
        self, paths: list[str], index: Index, keys: Keys, settings: Settings, *, zone: dt.tzinfo
    ) -> None:
        """Take the paths; nothing is read yet."""
        self._paths, self._index, self._settings, self._zone = paths, index, settings, zone
        self._scan = Scan(index, keys, settings)
        self._sizes: dict[str, tuple[int, int, int]] = {}

    def step(self, *, now: dt.datetime, complain: Callable[[str], None]) -> int:
        """Read what is new, judge what waited long enough, and return how many lines were read."""
        before = self._scan.lines
        for path in self._changed():
            try:
                with opened(path, zone=self._zone, now=now) as source:
                    self._scan.read(source, today=_day(now))
            except BROKEN as problem:
                complain(f"{path}: {problem}")
        self._index.begin()
        judge_waiting(self._index, self._settings, before=int(now.timestamp()) - HOLD_S)
        self._index.commit()
        return self._scan.lines - before

    def prune(self, *, now: dt.datetime) -> None:
        """Forget what is too old; once an hour is enough."""
        self._index.begin()
        self._index.prune(today=_day(now))
        self._index.commit()
        self._index.shrink()

    def _changed(self) -> Iterator[str]:
        """Yield files whose identity or size changed; behind a new file, first its rotated predecessor."""
        for path in self._paths:
            with contextlib.suppress(FileNotFoundError):
                found = os.stat(path)  # noqa: PTH116 - a path may be any text
                state = (found.st_dev, found.st_ino, found.st_size)
                old = self._sizes.get(path)
                if state == old:
                    continue
                rotated = _rotated(path) if old is None or old[:2] != state[:2] else None
                if rotated is not None:
                    yield rotated
                self._sizes[path] = state
                yield path


def _rotated(path: str) -> str | None:
    """Return what a log was rotated to last: PATH.1, PATH.1.gz, or PATH-20261125 (logrotate's dateext)."""
    folder, name = os.path.split(path)
    shape = re.compile(re.escape(name) + r"(?:\.[01]|-\d{8}(?:-\d{1,10})?)(?:\.gz)?")
    ages: list[tuple[float, str]] = []
    try:
        names = os.listdir(folder or ".")  # noqa: PTH208 - any text
    except OSError:
        return None  # a folder that may be entered and not listed
    for one in names:
        if shape.fullmatch(one):
            with contextlib.suppress(OSError):
                rotated = os.path.join(folder, one)  # noqa: PTH118
                ages.append((os.stat(rotated).st_mtime, rotated))  # noqa: PTH116
    if not ages:
        return None
    newest = max(ages)[1]
    plain = newest.removesuffix(".gz")  # while it is being compressed both are there, and one is not whole
    return plain if os.path.exists(plain) else newest  # noqa: PTH110 - any text


def _day(now: dt.datetime) -> int:
    return int(now.timestamp()) // 86_400
