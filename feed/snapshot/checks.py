"""What a snapshot's tables must be before a look-up may trust them; made once, when a file is opened."""

import operator
from array import array
from itertools import islice
from typing import TYPE_CHECKING, Final

from feed.snapshot.format import TEST_CODES, Meta, SnapshotFormatError, Value
from feed.snapshot.header import COLUMNS, Header
from feed.snapshot.strings import pack_strings
from feed.snapshot.table import starts

if TYPE_CHECKING:
    from feed.snapshot.reader import Snapshot

_V4_LAST: Final = 2**32 - 1
_MAPPED_FIRST: Final = 0xFFFF << 32
_TEST_NETWORK: Final = 0x7F000000


def check(snapshot: "Snapshot", view: memoryview, strings: memoryview, header: Header) -> None:
    """Refuse tables that a look-up could not trust: order, numbers, gaps, test entries."""
    _check_column(snapshot.v4_bound, snapshot.v4_value, "IPv4")
    _check_column(snapshot.v6_hi, snapshot.v6_value, "IPv6", snapshot.v6_lo)
    used = {*bytes(snapshot.v4_value), *bytes(snapshot.v6_value)} - {0}
    if used != set(range(1, header.n_values + 1)):
        raise SnapshotFormatError("the numbers in the tables are not those of the values")
    if list(snapshot.values[1:]) != sorted({value for value in snapshot.values if value}):
        raise SnapshotFormatError("the values are not sorted, or one is there twice")
    if list(snapshot.v4_start) != starts(array("I", snapshot.v4_bound.tobytes())):
        raise SnapshotFormatError("the index of the IPv4 table does not fit the table")
    _check_strings(strings, snapshot.meta, snapshot.values)
    for offset, next_offset, count, (_, width) in zip(
        header.offsets, (*header.offsets[1:], len(view)), header.counts, COLUMNS, strict=True
    ):
        if any(view[offset + width * count : next_offset]):
            raise SnapshotFormatError("the bytes between two sections are not zero")
    mapped = snapshot.interval_v6(0, _MAPPED_FIRST)
    if snapshot.v6_value[mapped] or mapped != snapshot.interval_v6(0, _MAPPED_FIRST + _V4_LAST):
        raise SnapshotFormatError("IPv4-mapped addresses are listed in the IPv6 table")
    _check_test_entries(snapshot)


def _check_test_entries(snapshot: "Snapshot") -> None:
    """RFC 5782 section 5, as consumers will check it."""
    codes = {value.code for value in snapshot.values if value}
    for code in TEST_CODES:
        found = snapshot.values[snapshot.index_v4(_TEST_NETWORK + code)]
        if (code == TEST_CODES[0] or code in codes) and (found is None or found.code != code):
            raise SnapshotFormatError(f"the test entry 127.0.0.{code} is missing")
    if snapshot.index_v4(_TEST_NETWORK + 1):
        raise SnapshotFormatError("127.0.0.1 is listed")


def _check_strings(strings: memoryview, meta: Meta, values: tuple[Value | None, ...]) -> None:
    """Refuse strings that are not exactly what `pack_strings` would write for these names and values."""
    if bytes(strings) != pack_strings(meta, values)[0]:
        raise SnapshotFormatError("the strings are not in their one form")


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
