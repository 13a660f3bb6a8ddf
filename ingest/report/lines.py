"""From the bytes of a log to its entries: syslog (classic and ISO), Exim, rspamd, journald (JSON, export).

Which form a line has is told by its first bytes, so the logs of several hosts and programs may be mixed.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from ingest.report.events import Line
from ingest.report.stamps import Stamps

LONGEST: Final = 16 * 1024
"""Bytes of a line that is read at all. Real mail logs stay below 4 kB; what is longer says nothing to us."""
_BLOCK: Final = 1 << 20

_SYSLOG: Final = re.compile(
    rb"(?:<\d{1,3}>)?(?:([A-Z][a-z]{2} [ \d]\d \d\d):(\d\d):(\d\d)"
    rb"|(\d{4}-\d\d-\d\dT\d\d):(\d\d):(\d\d)(?:[.,]\d{1,9})?(Z|[+-]\d\d:?\d\d)) "
    rb"([\w.:-]{1,255}) ([A-Za-z][\w./-]{0,127})(?:\[\d{1,10}\])?: "
)
_OWN_STAMP: Final = re.compile(
    rb"(\d{4}-\d\d-\d\d \d\d):(\d\d):(\d\d)(?:\.\d{1,6})?(?: ([+-]\d{4}))? "
    rb"(?:\[\d{1,10}\] |(#\d{1,10}\([\w. -]{1,40}\) ))?"
)
_JSON_TIME: Final = re.compile(rb'\{"ts": (\d{9,11})(?:\.\d+)?, ')
_EXPORT_START: Final = (b"__CURSOR=", b"__REALTIME_TIMESTAMP=")
_FIELDS: Final = {b"__REALTIME_TIMESTAMP", b"_HOSTNAME", b"SYSLOG_IDENTIFIER", b"MESSAGE"}

EXIM: Final = b"exim"
RSPAMD: Final = b"rspamd"


def blocks(stream: BinaryIO) -> Iterator[tuple[list[bytes], int]]:
    """Yield lists of complete lines without their ends, and how many bytes were read up to there.

    A last line without an end is not complete and is left for the next time. A line beyond `LONGEST` is
    given cut to nothing: it says nothing, but is counted in the bytes.
    """
    rest, dropped, total = b"", 0, 0
    while block := stream.read(_BLOCK):
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        if lines:
            total += sum(map(len, lines)) + len(lines) + dropped
            if dropped:
                lines[0] = b""
            dropped = 0
            yield lines, total
        if len(rest) > LONGEST:
            dropped += len(rest)
            rest = b""


class LineReader:
    """Reads single lines. host: of lines that name none, such as Exim's."""

    def __init__(self, stamps: Stamps, *, host: bytes) -> None:
        """Remember how to read."""
        self._stamps = stamps
        self._host = host

    def read(self, line: bytes) -> Line | None:
        """Return the entry on a line, None if it is none of ours; never raises."""
        if len(line) > LONGEST:
            return None
        found = _SYSLOG.match(line)
        if found is not None:
            classic, minute, second, iso, iso_minute, iso_second, offset, host, program = found.groups()
            if classic is not None:
                at = self._stamps.at(classic, minute, second)
            else:
                at = self._stamps.at(iso, iso_minute, iso_second, offset)
            return Line(at, host, program, line[found.end() :]) if at is not None else None
        if line[:1] == b"{":
            return self._json(line)
        found = _OWN_STAMP.match(line)
        if found is None:
            return None
        hour, minute, second, offset, worker = found.groups()
        at = self._stamps.at(hour, minute, second, offset)
        if at is None:
            return None
        return Line(at, self._host, RSPAMD if worker else EXIM, line[found.end() :])

    def _json(self, line: bytes) -> Line | None:
        found = _JSON_TIME.match(line)
        if found is not None:
            return Line(int(found[1]), self._host, RSPAMD, line)
        try:
            said = json.loads(line.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return None
        return (
            _entry({name: _bytes(said.get(name.decode())) for name in _FIELDS})
            if isinstance(said, dict)
            else None
        )


def _bytes(value: Any) -> bytes:
    """Return a field of journald's JSON: text, or a list of numbers where it is no UTF-8."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    if isinstance(value, list) and all(type(one) is int and 0 <= one <= 255 for one in value):  # noqa: PLR2004
        return bytes(value)
    return b""


def _entry(fields: dict[bytes, bytes]) -> Line | None:
    stamp, program = fields.get(b"__REALTIME_TIMESTAMP", b""), fields.get(b"SYSLOG_IDENTIFIER", b"")
    message = fields.get(b"MESSAGE", b"")
    if not stamp.isdigit() or not 7 <= len(stamp) <= 18 or not program or b"\n" in message:  # noqa: PLR2004
        return None
    return Line(int(stamp) // 1_000_000, fields.get(b"_HOSTNAME", b""), program, message)


def is_export(start: bytes) -> bool:
    """Return whether a source that begins with these bytes is journald's export format."""
    return start.startswith(_EXPORT_START)


def exported(stream: BinaryIO) -> Iterator[tuple[Line | None, int]]:
    """Yield the entries of journald's export format and how many bytes were read up to there.

    A field is `NAME=value`, or `NAME` and a line end, eight bytes of length (little-endian), the value and
    a line end; an empty line ends an entry (systemd, "Journal Export Formats"). An entry that is not
    complete yet is left for the next time.
    """
    fields: dict[bytes, bytes] = {}
    total = 0
    while line := stream.readline(LONGEST):
        total += len(line)
        if line == b"\n":
            yield _entry(fields), total
            fields = {}
            continue
        name, mark, value = line.rstrip(b"\n").partition(b"=")
        if not mark and line.endswith(b"\n"):
            size = int.from_bytes(stream.read(8), "little")
            total += 8 + _binary(stream, size, fields, name)
            continue
        while not line.endswith(b"\n"):  # a long value is of no use to us, but must be passed over
            line = stream.readline(LONGEST)
            if not line:
                return
            total += len(line)
            value = b""
        if name in _FIELDS:
            fields[name] = value


def _binary(stream: BinaryIO, size: int, fields: dict[bytes, bytes], name: bytes) -> int:
    """Read a binary field; returns its bytes with the line end, or what was left of the stream."""
    left, kept = size, b""
    while left > 0:
        part = stream.read(min(left, _BLOCK))
        if not part:
            break
        left -= len(part)
        kept = kept + part if size <= LONGEST else b""
    if name in _FIELDS:
        fields[name] = kept
    return size - left + len(stream.read(1))
