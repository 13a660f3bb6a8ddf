"""Log files as sources: plain, gzip, standard input; known again after rotation, read on where we were."""

import contextlib
import datetime as dt
import gzip
import hashlib
import io
import os
import pathlib
import sys
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

from ingest.report.events import Line
from ingest.report.lines import LONGEST, LineReader, blocks, exported, is_export
from ingest.report.stamps import Stamps

_MARK_BYTES: Final = 1024
_PEEK_LINES: Final = 200
BROKEN: Final = (OSError, EOFError, zlib.error)


class Source:
    """An open log. mark: stays the same when the file is rotated or compressed, None while it is empty."""

    def __init__(self, stream: BinaryIO, *, host: bytes, zone: dt.tzinfo, latest: dt.datetime) -> None:
        """Look at the beginning, without moving on."""
        self._stream = stream
        self._host, self._zone, self._latest = host, zone, latest
        start = _start(stream)
        self._export = is_export(start)
        first, end, _ = start[: _MARK_BYTES + 1].partition(b"\n")
        self.mark = (
            hashlib.blake2b(first, digest_size=16).digest() if end or len(first) > _MARK_BYTES else None
        )
        self.first_at = self._first(start)

    def batches(self, position: int) -> Iterator[tuple[Iterable[Line | None], int]]:
        """Yield entries from a position on, in portions, with the position after each portion."""
        _skip(self._stream, position)
        reader = self._reader()
        if self._export:
            for line, total in exported(self._stream):
                yield (line,), position + total
            return
        for lines, total in blocks(self._stream):
            yield map(reader.read, lines), position + total

    def _reader(self) -> LineReader:
        return LineReader(Stamps(zone=self._zone, latest=self._latest), host=self._host)

    def _first(self, start: bytes) -> int:
        """Return the time of the first entry among the first lines, 0 if there is none."""
        if self._export:
            found = [line for line, _ in exported(io.BytesIO(start))]
        else:
            found = [self._reader().read(line) for line in start.split(b"\n")[:_PEEK_LINES]]
        return next((line.at for line in found if line is not None), 0)


def _start(stream: BinaryIO) -> bytes:
    assert isinstance(stream, io.BufferedReader | gzip.GzipFile)
    return stream.peek(LONGEST)[:LONGEST]


def _skip(stream: BinaryIO, count: int) -> None:
    if count == 0:
        return
    if stream.seekable():
        stream.seek(count)
        return
    while count > 0 and (part := stream.read(min(count, 1 << 20))):
        count -= len(part)


@contextlib.contextmanager
def opened(path: str, *, zone: dt.tzinfo, now: dt.datetime) -> Iterator[Source]:
    """Open a log, `-` for standard input; raises OSError, and later one of `BROKEN` for a damaged gzip file.

    Lines that name no host belong to the file's folder: a log and its rotated parts lie side by side.
    """
    with contextlib.ExitStack() as stack:
        if path == "-":
            stream: BinaryIO = sys.stdin.buffer
            latest, host = now, b""
        else:
            stream = stack.enter_context(pathlib.Path(path).open("rb"))
            latest = dt.datetime.fromtimestamp(os.fstat(stream.fileno()).st_mtime, dt.UTC)
            host = os.fsencode(pathlib.Path(path).absolute().parent)
        if stream.peek(2)[:2] == b"\x1f\x8b":  # type: ignore[attr-defined]
            stream = stack.enter_context(gzip.GzipFile(fileobj=stream))  # type: ignore[assignment]
        yield Source(stream, host=host, zone=zone, latest=min(latest, now))
