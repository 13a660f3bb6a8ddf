"""Snapshot bytes to look-ups. Everything is checked once, when a buffer is opened; then nothing is.

`Snapshot.open` is for whoever receives a file. `Snapshot.attach` is for a process that was handed a
buffer which another process opened and sealed: checking 1 M entries takes 0.1 s, in which a name server
would not answer (engineering.md, "DNS processes" 1).
"""

import dataclasses
import hashlib
import ipaddress
import mmap
import operator
import struct
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice, repeat
from typing import Final, Literal, NamedTuple, Self

from feed.domain.address import Address, Network, packed
from feed.snapshot.format import (
    BODY_AT,
    FLAG_SPECIAL,
    HASHED_HEADER,
    HEADER,
    LENGTH,
    MAGIC,
    STARTS,
    TEST_CODES,
    VALUE,
    Meta,
    SnapshotChecksumError,
    SnapshotContentError,
    SnapshotError,
    SnapshotFormatError,
    Value,
    layout,
)

Buffer = bytes | bytearray | memoryview | mmap.mmap

_V4_LAST: Final = 2**32 - 1
_V6_LAST: Final = 2**128 - 1
_LOW_64: Final = 2**64 - 1
_MAPPED_HIGH: Final = 0xFFFF
_MAPPED_FIRST: Final = _MAPPED_HIGH << 32
_V4_BITS: Final = 32
_HALVES: Final = struct.Struct(">QQ")
_TEST_NETWORK: Final = 0x7F000000
_FIXED_NAMES: Final = 4
"""Zone, mname, rname and look-up URL come before the NS names, however empty."""


class Range(NamedTuple):
    """A listed run of neighbouring addresses that have the same value. first, last: as integers."""

    version: int
    first: int
    last: int
    value: Value


class Counts(NamedTuple):
    """How much is listed: intervals of both families, IPv4 addresses, and IPv6 networks of /64 touched."""

    v4_ranges: int
    v6_ranges: int
    v4_addresses: int
    v6_slash64: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    counts: tuple[int, ...]
    offsets: tuple[int, ...]
    flags: int
    serial: int
    n_values: int
    times: tuple[int, int, int]
    body_digest: bytes


class Snapshot:
    """One published list, read from a buffer that must not change and is never copied.

    meta: zone, serial, times, SOA and NS data. values: by number, [0] is None (not listed). The columns
    v4_bound … v6_value are those of the format, for code that searches by itself. body_digest: equal for
    equal lists. Raises `SnapshotError` leaves from `open` and `attach` only.
    """

    def __init__(self, view: memoryview, header: _Header) -> None:
        """Map the columns; called by `open` and `attach`, which have checked the header."""
        self._view = view
        self.body_digest: Final = header.body_digest
        columns = [
            view[offset : offset + width * count].cast(code)
            for offset, count, (code, width) in zip(header.offsets, header.counts, _COLUMNS, strict=True)
        ]
        self.v4_bound, self.v4_start, self.v4_value = columns[:3]
        self.v6_hi, self.v6_lo, self.v6_value = columns[3:6]
        self._strings = columns[7]
        names, text_base = _names(self._strings)
        self.meta: Final = _meta(header, names)
        self.serial: Final = header.serial
        self.values: Final = (None, *_values(columns[6], self._strings, text_base))

    @classmethod
    def open(cls, buffer: Buffer) -> Self:
        """Check every byte of `buffer` and return its snapshot; raises a `SnapshotError` leaf."""
        view = memoryview(buffer).cast("B")
        header = _header(view)
        if hashlib.sha256(view[BODY_AT:]).digest() != header.body_digest:
            raise SnapshotChecksumError("the body does not hash to its digest: the file is damaged")
        if any(view[HEADER.size : BODY_AT]):
            raise SnapshotFormatError("the bytes between header and body are not zero")
        try:
            snapshot = cls(view, header)
        except SnapshotContentError as problem:
            raise SnapshotFormatError(str(problem)) from None
        snapshot._check_tables(view, header)
        return snapshot

    @classmethod
    def attach(cls, buffer: Buffer) -> Self:
        """Return the snapshot in a buffer that somebody else has opened and nobody can change since."""
        view = memoryview(buffer).cast("B")
        return cls(view, _header(view))

    def _check_tables(self, view: memoryview, header: _Header) -> None:
        """Refuse tables that a look-up could not trust: order, numbers, gaps, test entries."""
        _check_column(self.v4_bound, self.v4_value, "IPv4")
        _check_column(self.v6_hi, self.v6_value, "IPv6", self.v6_lo)
        used = {*bytes(self.v4_value), *bytes(self.v6_value)} - {0}
        if used != set(range(1, header.n_values + 1)):
            raise SnapshotFormatError("the numbers in the tables are not those of the values")
        if list(self.values[1:]) != sorted({value for value in self.values if value}):
            raise SnapshotFormatError("the values are not sorted, or one is there twice")
        if list(self.v4_start) != starts(array("I", self.v4_bound.tobytes())):
            raise SnapshotFormatError("the index of the IPv4 table does not fit the table")
        _check_strings(self._strings, self.meta, self.values)
        for offset, next_offset, count, (_, width) in zip(
            header.offsets, (*header.offsets[1:], len(view)), header.counts, _COLUMNS, strict=True
        ):
            if any(view[offset + width * count : next_offset]):
                raise SnapshotFormatError("the bytes between two sections are not zero")
        mapped = self._index_v6(0, _MAPPED_FIRST)
        if self.v6_value[mapped] or mapped != self._index_v6(0, _MAPPED_FIRST + _V4_LAST):
            raise SnapshotFormatError("IPv4-mapped addresses are listed in the IPv6 table")
        self._check_test_entries()

    def _check_test_entries(self) -> None:
        """RFC 5782 section 5, as consumers will check it."""
        codes = {value.code for value in self.values if value}
        for code in TEST_CODES:
            found = self.values[self.index_v4(_TEST_NETWORK + code)]
            if (code == TEST_CODES[0] or code in codes) and (found is None or found.code != code):
                raise SnapshotFormatError(f"the test entry 127.0.0.{code} is missing")
        if self.index_v4(_TEST_NETWORK + 1):
            raise SnapshotFormatError("127.0.0.1 is listed")

    def index_v4(self, address: int) -> int:
        """Return the number of the value of an IPv4 address, 0 = not listed."""
        start, high = self.v4_start, address >> 16
        return int(self.v4_value[bisect_right(self.v4_bound, address, start[high], start[high + 1] + 1) - 1])

    def _index_v6(self, hi: int, lo: int) -> int:
        column = self.v6_hi
        at = bisect_left(column, hi)
        if at < len(column) and column[at] == hi:
            at = bisect_right(self.v6_lo, lo, at, bisect_right(column, hi, at))
        return at - 1

    def index_v6(self, hi: int, lo: int) -> int:
        """Return the number of the value of an IPv6 address in two halves, 0 = not listed."""
        return int(self.v6_value[self._index_v6(hi, lo)])

    def index(self, address: bytes) -> int:
        """Return the number of the value of 4 or 16 bytes; IPv4-mapped ones follow the IPv4 table."""
        if len(address) == 4:  # noqa: PLR2004
            return self.index_v4(int.from_bytes(address))
        hi, lo = _HALVES.unpack(address)
        if not hi and lo >> _V4_BITS == _MAPPED_HIGH:
            return self.index_v4(lo & _V4_LAST)
        return self.index_v6(hi, lo)

    def lookup(self, address: bytes) -> Value | None:
        """Return what an address of 4 or 16 bytes answers, or None when it is not listed."""
        return self.values[self.index(address)]

    def lookup_address(self, address: Address) -> Value | None:
        """Return what `address` answers; every form that carries an IPv4 address counts as that one."""
        return self.lookup(packed(address))

    def ranges(self) -> Iterator[Range]:
        """Yield the listed ranges: IPv4 first, ascending, disjoint, neighbours of one value merged."""
        values = self.values
        count = len(self.v4_bound)
        for at, number in enumerate(self.v4_value):
            value = values[number]
            if value is not None:
                last = self.v4_bound[at + 1] - 1 if at + 1 < count else _V4_LAST
                yield Range(4, self.v4_bound[at], last, value)
        count = len(self.v6_hi)
        for at, number in enumerate(self.v6_value):
            value = values[number]
            if value is not None:
                last = (self.v6_hi[at + 1] << 64 | self.v6_lo[at + 1]) - 1 if at + 1 < count else _V6_LAST
                yield Range(6, self.v6_hi[at] << 64 | self.v6_lo[at], last, value)

    def networks(self) -> Iterator[tuple[Network, Value]]:
        """Yield the listed ranges as the fewest networks, in the same order."""
        for version, first, last, value in self.ranges():
            kind = ipaddress.IPv4Network if version == 4 else ipaddress.IPv6Network  # noqa: PLR2004
            bits = 32 if version == 4 else 128  # noqa: PLR2004
            at = first
            while at <= last:
                # The largest aligned block at `at` that does not reach beyond `last`.
                size = min((at & -at).bit_length() - 1 if at else bits, (last - at + 1).bit_length() - 1)
                yield kind((at, bits - size)), value
                at += 1 << size

    def counts(self) -> Counts:
        """Return how much is listed, test entries included: what gates on growth and coverage compare."""
        v4_ranges = v6_ranges = v4_addresses = v6_slash64 = 0
        for version, first, last, _ in self.ranges():
            if version == 4:  # noqa: PLR2004
                v4_ranges += 1
                v4_addresses += last - first + 1
            else:
                v6_ranges += 1
                v6_slash64 += (last >> 64) - (first >> 64) + 1
        return Counts(v4_ranges, v6_ranges, v4_addresses, v6_slash64)

    def data(self) -> bytes:
        """Return the whole file as bytes."""
        return bytes(self._view)

    def close(self) -> None:
        """Let go of the buffer, so that a map can be closed; no look-up is possible afterwards."""
        for column in (
            self.v4_bound, self.v4_start, self.v4_value, self.v6_hi, self.v6_lo, self.v6_value, self._strings,
        ):  # fmt: skip
            column.release()
        self._view.release()


_COLUMNS: Final[tuple[tuple[Literal["I", "Q", "B"], int], ...]] = (
    ("I", 4),
    ("I", 4),
    ("B", 1),
    ("Q", 8),
    ("Q", 8),
    ("B", 1),
    ("B", 16),
    ("B", 1),
)


def starts(bounds: Sequence[int]) -> list[int]:
    """Return v4_start for a column of bounds: the interval that holds each h << 16, and the last one.

    In blocks of 256 equal searches, so that most of the bisection is done once a block.
    """
    found: list[int] = []
    size = len(bounds)
    low = 0
    for block in range(0, 1 << 32, 1 << 24):
        high = bisect_left(bounds, block + (1 << 24), low, size)
        places = range(block, block + (1 << 24), 1 << 16)
        found.extend(map(bisect_right, repeat(bounds), places, repeat(low), repeat(high)))
        low = high
    return [*(at - 1 for at in found), size - 1]


def size_of(view: memoryview) -> int:
    """Return the size that a checked header tells, for a buffer in which more follows."""
    return BODY_AT + int(HEADER.unpack_from(view)[8])


def _header(view: memoryview) -> _Header:
    """Check the header against itself and the size of the buffer."""
    if sys.byteorder != "little":
        raise SnapshotError("snapshots are mapped as they are, which needs a little-endian machine")
    if len(view) < BODY_AT or view[:8].tobytes() != MAGIC:
        raise SnapshotFormatError(
            "this is not a snapshot file: its first bytes are wrong, or it is cut short"
        )
    unpacked = HEADER.unpack(view[: HEADER.size])
    _, header_len, flags, serial, n_values, *times, body_len = unpacked[:9]
    offsets, counts = unpacked[9:25:2], unpacked[10:25:2]
    reserved, body_digest, header_digest = unpacked[25:]
    if hashlib.sha256(view[:HASHED_HEADER]).digest() != header_digest:
        raise SnapshotChecksumError("the header does not hash to its digest: the file is damaged")
    if header_len != BODY_AT or flags & ~FLAG_SPECIAL or any(reserved):
        raise SnapshotFormatError("this snapshot uses something that this version does not know")
    n4, n_starts, n4_values, n6, n6_lo, n6_values, n_records, _ = counts
    if (n4 < 1 or n6 < 1 or n_starts != STARTS or n_records != n_values) or not (
        n4 == n4_values and n6 == n6_lo == n6_values
    ):
        raise SnapshotFormatError("the sections do not fit each other")
    if (offsets, body_len) != layout(counts) or BODY_AT + body_len != len(view):
        raise SnapshotFormatError("the sections do not fit the size of the file: it is cut short, or longer")
    return _Header(
        counts=counts,
        offsets=offsets,
        flags=flags,
        serial=serial,
        n_values=n_values,
        times=(times[0], times[1], times[2]),
        body_digest=body_digest,
    )


def _names(strings: memoryview) -> tuple[list[str], int]:
    """Return the names at the beginning of the strings, and where the texts begin."""
    names: list[str] = []
    at = 0
    while True:
        if at + LENGTH.size > len(strings):
            raise SnapshotFormatError("the names do not end")
        (length,) = LENGTH.unpack_from(strings, at)
        at += LENGTH.size
        if not length and len(names) >= _FIXED_NAMES:
            return names, at
        names.append(_text(strings, at, length))
        at += length


def _text(strings: memoryview, at: int, length: int) -> str:
    if at + length > len(strings):
        raise SnapshotFormatError("a text lies outside the strings")
    try:
        return str(strings[at : at + length], "utf-8")
    except UnicodeDecodeError:
        raise SnapshotFormatError("a text is not UTF-8") from None


def _meta(header: _Header, names: list[str]) -> Meta:
    zone, mname, rname, lookup_url, *ns = names
    return Meta(
        zone=zone,
        serial=header.serial,
        created_at=header.times[0],
        refresh_by=header.times[1],
        expire_at=header.times[2],
        mname=mname,
        rname=rname,
        ns=tuple(ns),
        lookup_url=lookup_url,
        allow_special=bool(header.flags & FLAG_SPECIAL),
    )


def _values(records: memoryview, strings: memoryview, text_base: int) -> Iterator[Value]:
    for a, unit, flags, offset, length, pad in VALUE.iter_unpack(records):
        if a[:3] != b"\x7f\0\0" or flags or pad or offset < text_base:
            raise SnapshotFormatError("a value record uses something that this version does not know")
        yield Value(code=a[3], unit=unit, text=_text(strings, offset, length))


def _check_strings(strings: memoryview, meta: Meta, values: tuple[Value | None, ...]) -> None:
    """Refuse strings that are not exactly what `pack_strings` would write for these names and values."""
    if bytes(strings) != pack_strings(meta, values)[0]:
        raise SnapshotFormatError("the strings are not in their one form")


def pack_strings(meta: Meta, values: tuple[Value | None, ...]) -> tuple[bytes, dict[str, int]]:
    """Return the strings section, and where each text begins in it."""
    names = (meta.zone, meta.mname, meta.rname, meta.lookup_url, *meta.ns)
    encoded = [name.encode() for name in names]
    section = bytearray(b"".join(LENGTH.pack(len(name)) + name for name in encoded) + LENGTH.pack(0))
    offsets = {}
    for text in sorted({value.text for value in values if value}):
        offsets[text] = len(section)
        section += text.encode()
    return bytes(section), offsets


def _check_column(
    bounds: memoryview, numbers: memoryview, family: str, low: memoryview | None = None
) -> None:
    """Refuse bounds that do not rise strictly from 0, and neighbours of the same value."""
    if low is None:
        rising = all(map(operator.lt, bounds, islice(bounds, 1, None)))
        first = bounds[0]
    else:
        pairs = zip(bounds, low, strict=True)
        rising = all(map(operator.lt, pairs, zip(islice(bounds, 1, None), islice(low, 1, None), strict=True)))
        first = bounds[0] | low[0]
    if first or not rising:
        raise SnapshotFormatError(f"the {family} table is not sorted")
    if not all(map(operator.ne, numbers, islice(numbers, 1, None))):
        raise SnapshotFormatError(f"neighbours in the {family} table have the same value")
