"""What changed from one served list to the next, as records ready to be sent: the past that IXFR tells.

The parent keeps one log a zone in memory that workers share, and on disk too where a folder is given, so
that secondaries catch up by IXFR also after a restart. An entry is what two following snapshots differ in,
made right after the swap, when nobody waits for it.

Entry, big-endian: magic `BSFD`, u32 length of the rest, then SHA-256 of what follows it: u32 old serial,
u32 new serial, u64 when (unix seconds), 32 bytes identity (zone, SOA names, name servers), u32 records that
left, u32 that came, and these as u16 length and bytes, with the owner ending in a pointer to the question.
"""

import contextlib
import dataclasses
import functools
import hashlib
import os
import struct
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dnsbl_server import wire
from dnsbl_server.zone import TTL
from feed.snapshot.delta import changes
from feed.snapshot.format import Meta, Value
from feed.snapshot.reader import Range, Snapshot
from feed.snapshot.static import owners

KEEP_S: Final = 72 * 3600
KEEP_BYTES: Final = 1 << 26
_FEWEST: Final = 10_000
"""So many changed ranges are always worth an entry; more only if they are less than a fourth of the list."""
_MAGIC: Final = b"BSFD"
_FRAME: Final = struct.Struct(">4sI32s")
_FIELDS: Final = struct.Struct(">IIQ32sII")
_LENGTH: Final = struct.Struct(">H")
_TO_QNAME: Final = b"\xc0\x0c"
_LABELS: Final = tuple(bytes((len(str(octet)),)) + str(octet).encode() for octet in range(256))
_TEXT_HEAD: Final = wire.RECORD.pack(wire.TXT, wire.IN, TTL, 0)[:-2]
_TESTS: Final = (0x7F000002, 0x7F000003)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One step from a serial to the next. left, came: pieces of two records, A and TXT of one owner."""

    old: int
    new: int
    at: int
    identity: bytes
    left: tuple[bytes, ...]
    came: tuple[bytes, ...]

    def packed(self) -> bytes:
        """Return the entry as it stands in the log."""
        pieces = b"".join(_LENGTH.pack(len(piece)) + piece for piece in (*self.left, *self.came))
        fields = _FIELDS.pack(self.old, self.new, self.at, self.identity, len(self.left), len(self.came))
        body = fields + pieces
        return _FRAME.pack(_MAGIC, len(body), hashlib.sha256(body).digest()) + body


def identity(meta: Meta) -> bytes:
    """Return what two lists must share for one to be a later state of the other."""
    return hashlib.sha256(repr((meta.zone, meta.mname, meta.rname, meta.ns)).encode()).digest()


@functools.lru_cache(maxsize=256)
def _around(value: Value) -> tuple[bytes, bytes, bytes] | None:
    """Return A record without owner, and the text before and after the address; None for other texts."""
    if value.unit < 32 or value.text.count("$") != 1:  # noqa: PLR2004
        return None
    before, _, after = value.text.encode().partition(b"$")
    return wire.RECORD.pack(wire.A, wire.IN, TTL, 4) + value.a, before, after


def _single(number: int, value: Value) -> bytes | None:
    """Return what `pieces` yields for one IPv4 address, in a third of the time: lists are made of them."""
    around = _around(value)
    if around is None or number in _TESTS:
        return None
    a, b, c, d = number.to_bytes(4)
    record, before, after = around
    name = _LABELS[d] + _LABELS[c] + _LABELS[b] + _LABELS[a] + _TO_QNAME
    text = b"%s%d.%d.%d.%d%s" % (before, a, b, c, d, after)
    size = len(text)
    return b"".join((name, record, name, _TEXT_HEAD, (size + 1).to_bytes(2), size.to_bytes(1), text))


def pieces(run: Range) -> Iterator[bytes]:
    """Yield the records of a listed range, A and TXT of one owner together."""
    if run.version == 4 and run.first == run.last:  # noqa: PLR2004
        piece = _single(run.first, run.value)
        if piece is not None:
            yield piece
            return
    yield from spelled(run)


def spelled(run: Range) -> Iterator[bytes]:
    """Do what `pieces` does, the plain way."""
    for owner in owners(run):
        labels = b"".join(bytes((len(label),)) + label.encode() for label in owner.name.split("."))
        name = labels + _TO_QNAME
        text = owner.text.encode()
        yield b"".join(
            (
                name,
                wire.RECORD.pack(wire.A, wire.IN, TTL, 4),
                owner.value.a,
                name,
                wire.RECORD.pack(wire.TXT, wire.IN, TTL, len(text) + 1),
                bytes((len(text),)),
                text,
            )
        )


def step(old: Snapshot, new: Snapshot, at: int) -> Entry | None:
    """Return what leads from `old` to `new`; None where the way is none, or longer than a whole transfer."""
    if identity(old.meta) != identity(new.meta) or old.serial >= new.serial:
        return None
    most = max(_FEWEST, (len(old.v4_bound) + len(old.v6_hi)) // 4)
    left: dict[bytes, None] = {}
    came: dict[bytes, None] = {}
    for count, change in enumerate(changes(old, new)):
        if count > most:
            return None
        (came if change.added else left).update(dict.fromkeys(pieces(change.range)))
        if len(left) + len(came) > most * 64:
            return None
    return Entry(
        old=old.serial,
        new=new.serial,
        at=at,
        identity=identity(new.meta),
        left=tuple(piece for piece in left if piece not in came),
        came=tuple(piece for piece in came if piece not in left),
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where an entry is in a log, and what it is without its records."""

    begin: int
    end: int
    old: int
    new: int
    at: int
    identity: bytes
    n_left: int
    n_came: int


def heads(log: bytes | memoryview, *, verify: bool) -> Iterator[Head]:
    """Yield what stands in a log up to the first entry that is damaged or cut short.

    verify: check the digests, for a file; the parent's memory is trusted.
    """
    view = memoryview(log)
    at = 0
    while at + _FRAME.size + _FIELDS.size <= len(view):
        magic, length, digest = _FRAME.unpack_from(view, at)
        begin, end = at + _FRAME.size, at + _FRAME.size + length
        if magic != _MAGIC or end > len(view) or length < _FIELDS.size:
            return
        if verify and hashlib.sha256(view[begin:end]).digest() != digest:
            return
        old, new, when, who, n_left, n_came = _FIELDS.unpack_from(view, begin)
        yield Head(begin=at, end=end, old=old, new=new, at=when, identity=who, n_left=n_left, n_came=n_came)
        at = end


def entry_of(log: bytes | memoryview, head: Head) -> Entry:
    """Return the entry with its records."""
    view = memoryview(log)
    found = []
    here = head.begin + _FRAME.size + _FIELDS.size
    for _ in range(head.n_left + head.n_came):
        (size,) = _LENGTH.unpack_from(view, here)
        here += _LENGTH.size
        found.append(bytes(view[here : here + size]))
        here += size
    return Entry(
        old=head.old, new=head.new, at=head.at, identity=head.identity,
        left=tuple(found[: head.n_left]), came=tuple(found[head.n_left :]),
    )  # fmt: skip


def chain(log: bytes | memoryview, meta: Meta, serial: int) -> list[Head]:
    """Return the steps from `serial` to the list of `meta`; empty when they are not all known."""
    found: list[Head] = []
    who = identity(meta)
    for head in heads(log, verify=False):
        if found and found[-1].new == meta.serial:
            break  # a later step is of a list that is about to be served
        if head.identity == who and (found[-1].new == head.old if found else head.old == serial):
            found.append(head)
        else:
            found.clear()
    return found if found and found[-1].new == meta.serial else []


class Log:
    """The log of one zone as the parent keeps it. descriptor: shared memory, replaced when it is cut."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._spans: deque[tuple[int, int]] = deque()  # size and time of each entry
        self._zone = ""
        self._last: int | None = None
        self.descriptor = _memory(b"")

    def open(self, zone: str) -> Snapshot | None:
        """Read the folder's log of a zone, and return the list that was served last, if it is there."""
        self._zone = zone
        if self._folder is None:
            return None
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            data = self._path("log").read_bytes()
            kept = list(heads(data, verify=True))
            whole = data[: kept[-1].end if kept else 0]
            self._reset(whole)
            if len(whole) != len(data):
                self._write(whole, fresh=True)  # else what is appended would stand behind the damage
            self._spans = deque((head.end - head.begin, head.at) for head in kept)
            self._last = kept[-1].new if kept else None
        try:
            return Snapshot.open(self._path("last").read_bytes())
        except Exception:  # noqa: BLE001 - whatever it holds, it is only worth a longer transfer
            return None

    def _path(self, kind: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{self._zone}.{kind}"

    def add(self, entry: Entry | None, present: memoryview) -> None:
        """Append a step, None = the past is of no use any more. present: the list that it leads to."""
        data = b"" if entry is None else entry.packed()
        if entry is None or (self._last is not None and self._last != entry.old):
            self._spans.clear()
            self._reset(b"")
            self._write(b"", fresh=True)
        if entry is not None:
            os.pwrite(self.descriptor, data, os.fstat(self.descriptor).st_size)
            self._spans.append((len(data), entry.at))
            self._write(data)
            self._cut(entry.at)
        self._last = entry.new if entry else None
        if self._folder is not None:
            self._replace("last", present)

    def _cut(self, now: int) -> None:
        total = sum(size for size, _ in self._spans)
        dropped = 0
        old = self._spans and self._spans[0][1] < now - KEEP_S - 3600
        if total > KEEP_BYTES or old:
            while self._spans and (total - dropped > KEEP_BYTES // 2 or self._spans[0][1] < now - KEEP_S):
                dropped += self._spans.popleft()[0]
            self._reset(os.pread(self.descriptor, total - dropped, dropped))
            self._write(os.pread(self.descriptor, total - dropped, 0), fresh=True)

    def _reset(self, data: bytes) -> None:
        os.close(self.descriptor)
        self.descriptor = _memory(data)

    def _write(self, data: bytes, *, fresh: bool = False) -> None:
        if self._folder is None:
            return
        with contextlib.suppress(OSError):  # a full disk costs a longer transfer after the next restart
            if fresh:
                self._replace("log", data)
            else:
                with self._path("log").open("ab") as file:
                    file.write(data)

    def _replace(self, kind: str, data: bytes | memoryview) -> None:
        with contextlib.suppress(OSError):
            path = self._path(kind)
            aside = path.with_name(f".{path.name}.new")
            aside.write_bytes(data)
            aside.replace(path)


def _memory(data: bytes) -> int:
    descriptor = os.memfd_create("history", os.MFD_CLOEXEC)
    os.pwrite(descriptor, data, 0)
    return descriptor
