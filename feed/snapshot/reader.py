"""Snapshot bytes to look-ups. Everything is checked once, when a buffer is opened; then nothing is.

`Snapshot.open` is for whoever receives a file. `Snapshot.attach` is for a process that was handed a
buffer which another process opened and sealed: checking 1 M entries takes 0.1 s, in which a name server
would not answer (engineering.md, "DNS processes" 1).
"""

import hashlib
import ipaddress
import mmap
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Final, NamedTuple, Self

from feed.domain.address import Address, Network, packed
from feed.snapshot import checks
from feed.snapshot.format import (
    BODY_AT,
    HEADER,
    SnapshotChecksumError,
    SnapshotContentError,
    SnapshotFormatError,
    Value,
)
from feed.snapshot.header import COLUMNS, Header
from feed.snapshot.header import read as header_of
from feed.snapshot.strings import meta_of, names_in, values_in

Buffer = bytes | bytearray | memoryview | mmap.mmap

_V4_LAST: Final = 2**32 - 1
_V6_LAST: Final = 2**128 - 1
_MAPPED_HIGH: Final = 0xFFFF
_V4_BITS: Final = 32
_HALVES: Final = struct.Struct(">QQ")


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


class Snapshot:
    """One published list, read from a buffer that must not change and is never copied.

    meta: zone, serial, times, SOA and NS data. values: by number, [0] is None (not listed). The columns
    v4_bound … v6_value are those of the format, for code that searches by itself. body_digest: equal for
    equal lists. Raises `SnapshotError` leaves from `open` and `attach` only.
    """

    def __init__(self, view: memoryview, header: Header) -> None:
        """Map the columns; called by `open` and `attach`, which have checked the header."""
        self._view = view
        self.body_digest: Final = header.body_digest
        columns = [
            view[offset : offset + width * count].cast(code)
            for offset, count, (code, width) in zip(header.offsets, header.counts, COLUMNS, strict=True)
        ]
        self.v4_bound, self.v4_start, self.v4_value = columns[:3]
        self.v6_hi, self.v6_lo, self.v6_value = columns[3:6]
        self._strings = columns[7]
        names, text_base = names_in(self._strings)
        self.meta: Final = meta_of(header, names)
        self.serial: Final = header.serial
        self.values: Final = (None, *values_in(columns[6], self._strings, text_base))

    @classmethod
    def open(cls, buffer: Buffer) -> Self:
        """Check every byte of `buffer` and return its snapshot; raises a `SnapshotError` leaf."""
        view = memoryview(buffer).cast("B")
        header = header_of(view)
        if hashlib.sha256(view[BODY_AT:]).digest() != header.body_digest:
            raise SnapshotChecksumError("the body does not hash to its digest: the file is damaged")
        if any(view[HEADER.size : BODY_AT]):
            raise SnapshotFormatError("the bytes between header and body are not zero")
        try:
            snapshot = cls(view, header)
        except SnapshotContentError as problem:
            raise SnapshotFormatError(str(problem)) from None
        checks.check(snapshot, view, snapshot._strings, header)
        return snapshot

    @classmethod
    def attach(cls, buffer: Buffer) -> Self:
        """Return the snapshot in a buffer that somebody else has opened and nobody can change since."""
        view = memoryview(buffer).cast("B")
        return cls(view, header_of(view))

    def index_v4(self, address: int) -> int:
        """Return the number of the value of an IPv4 address, 0 = not listed."""
        start, high = self.v4_start, address >> 16
        return int(self.v4_value[bisect_right(self.v4_bound, address, start[high], start[high + 1] + 1) - 1])

    def interval_v6(self, hi: int, lo: int) -> int:
        """Return which interval of the IPv6 table holds an address in two halves."""
        column = self.v6_hi
        at = bisect_left(column, hi)
        if at < len(column) and column[at] == hi:
            at = bisect_right(self.v6_lo, lo, at, bisect_right(column, hi, at))
        return at - 1

    def index_v6(self, hi: int, lo: int) -> int:
        """Return the number of the value of an IPv6 address in two halves, 0 = not listed."""
        return int(self.v6_value[self.interval_v6(hi, lo)])

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
