"""Entries to snapshot bytes: full build, patch of the last one, renewal.

All three give the same bytes for the same list (property tests hold them to it), so a patched snapshot
can be compared with a nightly build by its digest alone.
"""

import hashlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import Final

from feed.domain.address import MAPPED_PREFIX, Network, special_ranges
from feed.snapshot.format import (
    BODY_AT,
    FLAG_SPECIAL,
    HASHED_HEADER,
    HEADER,
    MAGIC,
    MAX_VALUES,
    STARTS,
    TEST_CODES,
    VALUE,
    Meta,
    SnapshotContentError,
    Value,
    layout,
)
from feed.snapshot.reader import Snapshot, pack_strings, starts

Entry = tuple[Network, Value | None]
"""A network and what it answers; None cuts a hole into a wider entry."""
PackedEntry = tuple[bytes, int, Value | None]
"""The same as packed address (4 or 16 bytes), prefix width in those bytes, and value."""

_Change = tuple[int, int, int]
"""First and last address that get the value of a number; 0 = not listed."""
_LOCALHOST: Final = 0x7F000001
_TEST_NETWORK: Final = 0x7F000000
_MAPPED: Final = 0xFFFF << 32
_LOW_64: Final = 2**64 - 1
_SCORE_LABEL: Final = "score."


class _Table:
    """The intervals of one family while they are made: the bounds in 64-bit halves or one 32-bit column.

    bits: 32 or 128. columns: of the bounds, highest part first. numbers: of the values.
    """

    def __init__(self, bits: int, columns: "list[array[int]]", numbers: bytearray) -> None:
        self.bits = bits
        self.columns = columns
        self.numbers = numbers

    @classmethod
    def empty(cls, bits: int) -> "_Table":
        """Return a table without intervals; `append` must begin with address 0."""
        return cls(bits, [array("I")] if bits == 32 else [array("Q"), array("Q")], bytearray())  # noqa: PLR2004

    def index(self, address: int) -> int:
        """Return the interval that holds `address`."""
        if self.bits == 32:  # noqa: PLR2004
            return bisect_right(self.columns[0], address) - 1
        high, low = self.columns
        hi, lo = address >> 64, address & _LOW_64
        at = bisect_left(high, hi)
        if at < len(high) and high[at] == hi:
            at = bisect_right(low, lo, at, bisect_right(high, hi, at))
        return at - 1

    def bound(self, at: int) -> int:
        """Return the first address of interval `at`; 2**bits behind the last one."""
        if at == len(self.numbers):
            return 1 << self.bits
        return self.columns[0][at] if self.bits == 32 else self.columns[0][at] << 64 | self.columns[1][at]  # noqa: PLR2004

    def append(self, first: int, number: int) -> None:
        """Let `number` hold from `first` on, which is not before the last bound; merges neighbours."""
        numbers = self.numbers
        if first >> self.bits:
            return
        if numbers and self.bound(len(numbers) - 1) == first:
            numbers.pop()
            for column in self.columns:
                column.pop()
        if numbers and numbers[-1] == number:
            return
        numbers.append(number)
        if self.bits == 32:  # noqa: PLR2004
            self.columns[0].append(first)
        else:
            self.columns[0].append(first >> 64)
            self.columns[1].append(first & _LOW_64)

    def append_slice(self, source: "_Table", start: int, stop: int) -> None:
        """Take over the intervals start to stop - 1 of `source`, whose first bound is behind ours."""
        if start >= stop:
            return
        self.append(source.bound(start), source.numbers[start])
        for column, other in zip(self.columns, source.columns, strict=True):
            column.extend(other[start + 1 : stop])
        self.numbers += source.numbers[start + 1 : stop]

    def overlaid(self, changes: Iterable[_Change]) -> "_Table":
        """Return this table with disjoint, ascending changes applied; cost: slices, not intervals."""
        result = _Table.empty(self.bits)
        unread = 0
        for first, last, number in changes:
            at = self.index(first)
            result.append_slice(self, unread, at if self.bound(at) == first else at + 1)
            result.append(first, number)
            end = self.index(last)
            if self.bound(end + 1) != last + 1:
                result.append(last + 1, self.numbers[end])
            unread = end + 1
        result.append_slice(self, unread, len(self.numbers))
        return result

    def assign(self, change: _Change) -> None:
        """Apply one change in place: cheaper than `overlaid` for a single one."""
        first, last, number = change
        piece = _Table.empty(self.bits)
        at = self.index(first)
        low = at - 1 if at and self.bound(at) == first else at
        high = self.index(last)
        piece.append(self.bound(low), self.numbers[low])
        piece.append(first, number)
        if self.bound(high + 1) == last + 1 and high + 1 < len(self.numbers):
            high += 1
        piece.append(last + 1, self.numbers[high])
        for column, other in zip(self.columns, piece.columns, strict=True):
            column[low : high + 1] = other
        self.numbers[low : high + 1] = piece.numbers

    def listed_within(self, first: int, last: int) -> int | None:
        """Return the first listed address from `first` to `last`, or None."""
        at = self.index(first)
        while at < len(self.numbers) and self.bound(at) <= last:
            if self.numbers[at]:
                return max(first, self.bound(at))
            at += 1
        return None


class _Numbers:
    """Numbers for values in order of first sight, by identity first: entries mostly share few objects."""

    def __init__(self) -> None:
        self.values: list[Value] = []
        self._by_value: dict[Value, int] = {}
        self._by_identity: dict[int, int] = {id(None): 0}
        self._kept: list[Value] = []

    def of(self, value: Value | None) -> int:
        """Return the number of `value`; raises `SnapshotContentError` for the 256th."""
        number = self._by_identity.get(id(value))
        if number is not None or value is None:
            return number or 0
        number = self._by_value.get(value)
        if number is None:
            if len(self.values) == MAX_VALUES:
                raise SnapshotContentError(f"more than {MAX_VALUES} different values in one list")
            self.values.append(value)
            number = self._by_value[value] = len(self.values)
        self._by_identity[id(value)] = number
        self._kept.append(value)  # an object that is kept cannot lend its identity to another
        return number


def serial_after(last: int, now: int) -> int:
    """Return the serial that follows `last`: rises also when the clock does not, or a backup came back."""
    return max(last + 1, now)


def build(entries: Iterable[Entry], meta: Meta) -> bytes:
    """Return the snapshot of `entries`, in any order; the longest prefix wins, None is a hole.

    Equal repeats are fine. Test entries are added. Raises `SnapshotContentError` when one network has two
    values, 127.0.0.1 would be listed, or special-purpose space without `meta.allow_special`.
    """
    return build_packed(_packed(entries), meta)


def build_packed(entries: Iterable[PackedEntry], meta: Meta) -> bytes:
    """Do what `build` does for packed addresses; a million singles need no address objects."""
    numbers = _Numbers()
    tables = [_flat(keys, bits) for keys, bits in zip(_keys(entries, numbers), (32, 128), strict=True)]
    return _finished(tables[0], tables[1], numbers, meta)


def patch(last: Snapshot, changes: Iterable[Entry], meta: Meta) -> bytes:
    """Return the snapshot of `last` with `changes` laid over it.

    Each change gives its whole network the value, or takes it off the list (None), whatever was there;
    among the changes the longest prefix wins. Same bytes as a full build of the resulting list, and the
    same errors.
    """
    return patch_packed(last, _packed(changes), meta)


def patch_packed(last: Snapshot, changes: Iterable[PackedEntry], meta: Meta) -> bytes:
    """Do what `patch` does for packed addresses."""
    numbers = _Numbers()
    for value in last.values:
        numbers.of(value)
    v4 = _Table(32, [array("I", last.v4_bound.tobytes())], bytearray(last.v4_value))
    v6 = _Table(128, [array("Q", c.tobytes()) for c in (last.v6_hi, last.v6_lo)], bytearray(last.v6_value))
    v4_keys, v6_keys = _keys(changes, numbers)
    v4, v6 = v4.overlaid(_disjoint(v4_keys, 32)), v6.overlaid(_disjoint(v6_keys, 128))
    return _finished(v4, v6, numbers, meta, near=last.v4_start.tolist())


def renew(last: Snapshot, *, created_at: int, refresh_by: int, expire_at: int) -> bytes:
    """Return `last` with new times: the same list, serial and body digest, good for longer."""
    data = bytearray(last.data())
    fields = list(HEADER.unpack_from(data))
    fields[5:8] = created_at, refresh_by, expire_at
    if not 0 <= created_at <= refresh_by <= expire_at:
        raise SnapshotContentError("created, refresh and expire times are not in this order")
    HEADER.pack_into(data, 0, *fields)
    data[HASHED_HEADER : HEADER.size] = hashlib.sha256(data[:HASHED_HEADER]).digest()
    return bytes(data)


def _packed(entries: Iterable[Entry]) -> Iterator[PackedEntry]:
    for network, value in entries:
        yield network.network_address.packed, network.prefixlen, value


def _keys(entries: Iterable[PackedEntry], numbers: _Numbers) -> tuple[list[int], list[int]]:
    """Return sorted keys of both families: first address, prefix width and number in one integer.

    They sort so that a network comes before all that lies inside it.
    """
    v4: list[int] = []
    v6: list[int] = []
    for address, width, value in entries:
        number = numbers.of(value)
        if len(address) == 4:  # noqa: PLR2004
            first, bits, keys, prefix = int.from_bytes(address), 32, v4, width
        elif address.startswith(MAPPED_PREFIX) and width >= 96:  # noqa: PLR2004
            first, bits, keys, prefix = int.from_bytes(address[12:]), 32, v4, width - 96
        else:
            first, bits, keys, prefix = int.from_bytes(address), 128, v6, width
        if not 0 <= prefix <= bits or first & ((1 << (bits - prefix)) - 1):
            raise SnapshotContentError(f"{address.hex()}/{width} is not a network")
        keys.append(first << 16 | prefix << 8 | number)
    v4.sort()
    v6.sort()
    return v4, v6


def _disjoint(keys: Iterable[int], bits: int) -> Iterator[_Change]:
    """Yield the pieces that sorted keys cover, ascending, each with the number of its longest prefix."""
    open_: list[_Change] = []
    at = 0
    before = -1
    for key in keys:
        if key >> 8 == before >> 8:
            if key != before:
                raise SnapshotContentError("one network is listed twice, with different values")
            continue
        before = key
        first, width = key >> 16, key >> 8 & 0xFF
        while open_ and open_[-1][1] < first:
            _, last, number = open_.pop()
            if at <= last:
                yield at, last, number
            at = last + 1
        if open_ and at < first:
            yield at, first - 1, open_[-1][2]
        if width == bits:  # nothing lies inside a single address
            yield first, first, key & 0xFF
            at = first + 1
        else:
            open_.append((first, first + (1 << (bits - width)) - 1, key & 0xFF))
            at = first
    while open_:
        _, last, number = open_.pop()
        if at <= last:
            yield at, last, number
        at = last + 1


def _flat(keys: list[int], bits: int) -> _Table:
    """Return the table of sorted keys: what `append` would make, without a call for each entry."""
    bounds, numbers = [0], bytearray(1)
    end = 0
    for first, last, number in _disjoint(keys, bits):
        if first > end and numbers[-1]:
            bounds.append(end)
            numbers.append(0)
        if numbers[-1] != number:
            if first:
                bounds.append(first)
                numbers.append(number)
            else:
                numbers[0] = number
        end = last + 1
    if numbers[-1] and not end >> bits:
        bounds.append(end)
        numbers.append(0)
    if bits == 32:  # noqa: PLR2004
        return _Table(bits, [array("I", bounds)], numbers)
    high, low = (bound >> 64 for bound in bounds), (bound & _LOW_64 for bound in bounds)
    return _Table(bits, [array("Q", high), array("Q", low)], numbers)


def _finished(v4: _Table, v6: _Table, numbers: _Numbers, meta: Meta, near: list[int] | None = None) -> bytes:
    """Check what will be published, add the test entries, number the values anew, and pack.

    near: v4_start of a similar table, which makes it quicker to find this one's.
    """
    # Mapped addresses are answered from the IPv4 table; a wider IPv6 entry must not seem to list them.
    v6.assign((_MAPPED, _MAPPED | 0xFFFFFFFF, 0))
    # These two are test entries or nothing: what lay under them could not be known again in a patch.
    for code in TEST_CODES:
        v4.assign(_test_change(code, 0))
    _check_content(v4, v6, meta)
    codes = {value.code for value in _used(v4, v6, numbers)}
    for code in TEST_CODES:
        if code == TEST_CODES[0] or code in codes or meta.zone.startswith(_SCORE_LABEL):
            v4.assign(_test_change(code, numbers.of(meta.test_entry(code))))
    values = tuple(sorted(_used(v4, v6, numbers)))
    renumbered = bytearray(MAX_VALUES + 1)
    for number, value in enumerate(values, 1):
        renumbered[numbers.of(value)] = number
    for table in (v4, v6):
        table.numbers = table.numbers.translate(renumbered)
    return _file(
        v4, v6, values, meta, starts(v4.columns[0]) if near is None else _starts_near(v4.columns[0], near)
    )


def _used(v4: _Table, v6: _Table, numbers: _Numbers) -> list[Value]:
    """Return the values that occur; asking for each number is a search in C."""
    return [
        value
        for number, value in enumerate(numbers.values, 1)
        if number in v4.numbers or number in v6.numbers
    ]


def _test_change(code: int, number: int) -> _Change:
    return _TEST_NETWORK + code, _TEST_NETWORK + code, number


def _check_content(v4: _Table, v6: _Table, meta: Meta) -> None:
    if v4.numbers[v4.index(_LOCALHOST)]:
        raise SnapshotContentError(
            "127.0.0.1 must never be listed: consumers take it as the sign of a broken list"
        )
    if meta.allow_special:
        return
    for version, table in ((4, v4), (6, v6)):
        for first, last, why in special_ranges(version):
            found = table.listed_within(first, last)
            if found is not None:
                name = Value(code=2, unit=128, text="$").text_for(found.to_bytes(table.bits // 8))
                raise SnapshotContentError(f"{name} may not be listed: {why}")


def _starts_near(bounds: "array[int]", near: list[int]) -> list[int]:
    """Return what `starts` does, by trying the places of a similar table, shifted as the last one was."""
    found = []
    shift = 0
    last = len(bounds) - 1
    for place, address in zip(near, range(0, 1 << 32, 1 << 16), strict=False):
        at = place + shift
        if not (0 <= at < last and bounds[at] <= address < bounds[at + 1]):
            at = bisect_right(bounds, address) - 1
            shift = at - place
        found.append(at)
    return [*found, last]


def _file(v4: _Table, v6: _Table, values: tuple[Value, ...], meta: Meta, v4_start: list[int]) -> bytes:
    strings, offsets = pack_strings(meta, values)
    records = b"".join(
        VALUE.pack(value.a, value.unit, 0, offsets[value.text], len(value.text.encode()), 0)
        for value in values
    )
    (bounds,) = v4.columns
    sections = (
        bounds.tobytes(),
        array("I", v4_start).tobytes(),
        v4.numbers,
        v6.columns[0].tobytes(),
        v6.columns[1].tobytes(),
        v6.numbers,
        records,
        strings,
    )
    size4, size6 = len(v4.numbers), len(v6.numbers)
    counts = (size4, STARTS, size4, size6, size6, size6, len(values), len(strings))
    places, body_len = layout(counts)
    data = bytearray(BODY_AT + body_len)
    for place, section in zip(places, sections, strict=True):
        data[place : place + len(section)] = section
    pairs = [number for pair in zip(places, counts, strict=True) for number in pair]
    flags = FLAG_SPECIAL if meta.allow_special else 0
    times = (meta.created_at, meta.refresh_by, meta.expire_at)
    digest = hashlib.sha256(memoryview(data)[BODY_AT:]).digest()
    HEADER.pack_into(
        data, 0, MAGIC, BODY_AT, flags, meta.serial, len(values), *times, body_len, *pairs, b"", digest, b""
    )
    data[HASHED_HEADER : HEADER.size] = hashlib.sha256(data[:HASHED_HEADER]).digest()
    return bytes(data)
