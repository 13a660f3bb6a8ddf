"""Mirror mode: one process fetches a snapshot by HTTP into the file that the others watch.

It takes what verifies, is of the zone, has not expired and is no older than what it has; it keeps the last
good file whatever the origin does. The file on the disk is the whole state, so a mirror that starts while
its origin is away answers at once.
"""

import contextlib
import email.message
import os
import random
import select
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from dnsbl_server.holder import MAX_BYTES
from feed.snapshot.format import Meta, SnapshotError
from feed.snapshot.reader import Snapshot

TIMEOUT_S: Final = 30
_BLOCK: Final = 1 << 16
_SLOWEST_S: Final = 300
"""A transfer that takes longer is given up."""
_NOT_MODIFIED: Final = 304
_BACKOFF_MAX: Final = 8


class Source(NamedTuple):
    """An origin and the file for it."""

    url: str
    path: Path


class PullError(Exception):
    """The origin has nothing for us; the message says why."""


class _NoRedirectElsewhere(urllib.request.HTTPRedirectHandler):
    """Follows redirects within http and https only."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: object,
        code: int,
        msg: str,
        headers: email.message.Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        if not newurl.startswith(("http://", "https://")):
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


_opener: Final = urllib.request.build_opener(_NoRedirectElsewhere)


class Puller:
    """Fetches one source. clock: unix time."""

    def __init__(self, source: Source, clock: Callable[[], float]) -> None:
        self.source = source
        self._clock = clock
        self._etag: str | None = None
        self._present = self._kept()

    def _kept(self) -> Meta | None:
        try:
            return Snapshot.open(self.source.path.read_bytes()).meta
        except (OSError, SnapshotError):
            return None

    def pull(self) -> bool:
        """Fetch what is new; return whether there was. Raises `PullError`, and then nothing is changed."""
        request = urllib.request.Request(self.source.url, headers={"User-Agent": "backscatter-dnsbl"})  # noqa: S310 - the scheme was checked
        if self._etag is not None and self._present is not None:
            request.add_header("If-None-Match", self._etag)
        try:
            with _opener.open(request, timeout=TIMEOUT_S) as reply:
                etag = reply.headers.get("ETag")
                data = self._body(reply)
        except urllib.error.HTTPError as problem:
            with problem:
                if problem.code == _NOT_MODIFIED:
                    return False
                raise PullError(f"the origin answers with status {problem.code}") from None
        except (OSError, ValueError) as problem:
            reason = getattr(problem, "reason", None) or getattr(problem, "strerror", None) or problem
            raise PullError(f"the origin cannot be reached: {reason}") from None
        self._take(data)
        self._etag = etag
        return True

    def _body(self, reply: object) -> bytes:
        read = reply.read  # type: ignore[attr-defined]
        until = time.monotonic() + _SLOWEST_S
        blocks = bytearray()
        while True:
            block = read(_BLOCK)
            if not block:
                return bytes(blocks)
            blocks += block
            if len(blocks) > MAX_BYTES or time.monotonic() > until:
                raise PullError("the file is too large, or comes too slowly")

    def _take(self, data: bytes) -> None:
        """Put the file in its place if it may be."""
        try:
            meta = Snapshot.open(data).meta
        except SnapshotError as problem:
            raise PullError(str(problem)) from None
        present = self._present
        if present is not None and meta.zone != present.zone:
            raise PullError(f"it holds the zone {meta.zone}, not {present.zone}")
        if meta.expire_at <= self._clock():
            raise PullError("it is out of date")
        if present is not None and (meta.serial, meta.created_at) < (present.serial, present.created_at):
            raise PullError(f"its serial {meta.serial} is older than our {present.serial}")
        aside = self.source.path.with_name(f".{self.source.path.name}.new")
        try:
            with aside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(self.source.path)
        except OSError as problem:
            with contextlib.suppress(OSError):
                aside.unlink()
            raise PullError(f"cannot write {self.source.path}: {problem.strerror}") from None
        self._present = meta


def run(
    sources: Sequence[Source],
    line: socket.socket,
    clock: Callable[[], float],
    say: Callable[[str], None],
    interval_s: float,
) -> None:
    """Fetch all sources every interval until `line` ends; a failing one less and less often."""
    pullers = [Puller(source, clock) for source in sources]
    failures = [0] * len(pullers)
    due = [0.0] * len(pullers)
    while True:
        for at, puller in enumerate(pullers):
            if time.monotonic() < due[at]:
                continue
            try:
                puller.pull()
                if failures[at]:
                    say(f"{puller.source.url}: is there again")
                failures[at] = 0
            except PullError as problem:
                if not failures[at]:
                    say(f"{puller.source.url}: {problem}; keeping what is there")
                failures[at] += 1
            wait = interval_s * min(2 ** failures[at], _BACKOFF_MAX) if failures[at] else interval_s
            due[at] = time.monotonic() + wait * random.uniform(0.9, 1.1)  # noqa: S311 - so that mirrors spread
        poll = select.poll()
        poll.register(line, select.POLLIN)
        wait_ms = max(10, int((min(due) - time.monotonic()) * 1000))
        if poll.poll(wait_ms):
            return  # the parent says nothing to us but that it is gone
