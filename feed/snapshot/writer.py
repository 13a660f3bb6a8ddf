"""Entries to snapshot bytes: full build, patch of the last one, renewal.

All three give the same bytes for the same list (property tests hold them to it), so a patched snapshot
can be compared with a nightly build by its digest alone.
"""

import hashlib
from array import array
from collections.abc import Callable, Iterable, Iterator
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
from feed.snapshot.reader import Snapshot
from feed.snapshot.strings import pack_strings
from feed.snapshot.table import Change, Table, disjoint, flat, starts, starts_after

Entry = tuple[Network, Value | None]
"""A network and what it answers; None cuts a hole into a wider entry."""
PackedEntry = tuple[bytes, int, Value | None]
"""The same as packed address (4 or 16 bytes), prefix width in those bytes, and value."""

Section = bytes | bytearray | memoryview

_LOCALHOST: Final = 0x7F000001
_TEST_NETWORK: Final = 0x7F000000
_MAPPED: Final = 0xFFFF << 32
_SCORE_LABEL: Final = "score."


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
    tables = [flat(keys, bits) for keys, bits in zip(_keys(entries, numbers), (32, 128), strict=True)]
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
    v4 = Table.copied(32, [last.v4_bound], last.v4_value)
    v6 = Table.copied(128, [last.v6_hi, last.v6_lo], last.v6_value)
    v4_keys, v6_keys = _keys(changes, numbers)
    v4_changes = list(disjoint(v4_keys, 32))
    v4, v6 = v4.overlaid(v4_changes), v6.overlaid(disjoint(v6_keys, 128))

    def v4_starts(bounds: "array[int]") -> list[int]:
        tests = ((_TEST_NETWORK + code, _TEST_NETWORK + code) for code in TEST_CODES)
        changed = sorted([*((first, last) for first, last, _ in v4_changes), *tests])
        return starts_after(bounds, last.v4_start.tolist(), changed)

    return _finished(v4, v6, numbers, meta, v4_starts)


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


def _finished(
    v4: Table,
    v6: Table,
    numbers: _Numbers,
    meta: Meta,
    v4_starts: Callable[["array[int]"], list[int]] = starts,
) -> bytes:
    """Check what will be published, add the test entries, number the values anew, and pack.

    v4_starts: gives v4_start for the column of bounds.
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
    return _file(v4, v6, values, meta, v4_starts(v4.columns[0]))


def _used(v4: Table, v6: Table, numbers: _Numbers) -> list[Value]:
    """Return the values that occur; asking for each number is a search in C."""
    return [
        value
        for number, value in enumerate(numbers.values, 1)
        if number in v4.numbers or number in v6.numbers
    ]


def _test_change(code: int, number: int) -> Change:
    return _TEST_NETWORK + code, _TEST_NETWORK + code, number


def _check_content(v4: Table, v6: Table, meta: Meta) -> None:
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


def _file(v4: Table, v6: Table, values: tuple[Value, ...], meta: Meta, v4_start: list[int]) -> bytes:
    strings, offsets = pack_strings(meta, values)
    records = b"".join(
        VALUE.pack(value.a, value.unit, 0, offsets[value.text], len(value.text.encode()), 0)
        for value in values
    )
    sections: list[Section] = [
        memoryview(v4.columns[0]).cast("B"),
        array("I", v4_start).tobytes(),
        v4.numbers,
        memoryview(v6.columns[0]).cast("B"),
        memoryview(v6.columns[1]).cast("B"),
        v6.numbers,
        records,
        strings,
    ]
    size4, size6 = len(v4.numbers), len(v6.numbers)
    counts = (size4, STARTS, size4, size6, size6, size6, len(values), len(strings))
    places, body_len = layout(counts)
    # One pass to hash and one to copy: a list of a million entries is 12 MB.
    pieces: list[Section] = []
    for section, place, end in zip(sections, places, (*places[1:], BODY_AT + body_len), strict=True):
        pieces += section, bytes(end - place - len(section))
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    header = bytearray(BODY_AT)
    pairs = [number for pair in zip(places, counts, strict=True) for number in pair]
    flags = FLAG_SPECIAL if meta.allow_special else 0
    times = (meta.created_at, meta.refresh_by, meta.expire_at)
    HEADER.pack_into(
        header, 0, MAGIC, BODY_AT, flags, meta.serial, len(values), *times, body_len, *pairs,
        b"", digest.digest(), b"",
    )  # fmt: skip
    header[HASHED_HEADER : HEADER.size] = hashlib.sha256(header[:HASHED_HEADER]).digest()
    return b"".join((header, *pieces))
