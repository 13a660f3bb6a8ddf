"""The intervals of one address family while a snapshot is made: laid flat, overlaid, indexed."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import Final

from feed.snapshot.format import SnapshotContentError

Change = tuple[int, int, int]
"""First and last address that get the value of a number; 0 = not listed."""
_LOW_64: Final = 2**64 - 1
_NEAR: Final = 2048
"""Intervals that are searched before the whole table is: what lies near is in the processor's cache."""
_PART: Final = 16
"""v4_start has an entry for each 1 << 16 addresses."""


class Table:
    """The intervals of one family while they are made: the bounds in 64-bit halves or one 32-bit column.

    bits: 32 or 128. columns: of the bounds, highest part first. numbers: of the values.
    """

    def __init__(self, bits: int, columns: "list[array[int]]", numbers: bytearray) -> None:
        self.bits = bits
        self.columns = columns
        self.numbers = numbers

    @classmethod
    def empty(cls, bits: int) -> "Table":
        """Return a table without intervals; `append` must begin with address 0."""
        return cls(bits, [array("I")] if bits == 32 else [array("Q"), array("Q")], bytearray())  # noqa: PLR2004

    @classmethod
    def copied(cls, bits: int, columns: Sequence[memoryview], numbers: memoryview) -> "Table":
        """Return the table of a snapshot's columns."""
        table = cls.empty(bits)
        for column, source in zip(table.columns, columns, strict=True):
            column.frombytes(source.cast("B"))
        table.numbers += numbers
        return table

    def index(self, address: int, low: int = 0) -> int:
        """Return the interval that holds `address`, which is `low` - 1 or a later one."""
        if self.bits == 32:  # noqa: PLR2004
            column = self.columns[0]
            near = low + _NEAR
            if near < len(column) and column[near] > address:
                return bisect_right(column, address, low, near) - 1
            return bisect_right(column, address, low) - 1
        his, los = self.columns
        hi, lo = address >> 64, address & _LOW_64
        at = bisect_left(his, hi)
        if at < len(his) and his[at] == hi:
            at = bisect_right(los, lo, at, bisect_right(his, hi, at))
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

    def append_slice(self, source: "Table", start: int, stop: int) -> None:
        """Take over the intervals start to stop - 1 of `source`, whose first bound is behind ours."""
        if start >= stop:
            return
        if self.numbers and self.numbers[-1] == source.numbers[start]:
            start += 1
        for column, other in zip(self.columns, source.columns, strict=True):
            column.extend(other[start:stop])
        self.numbers += source.numbers[start:stop]

    def overlaid(self, changes: Iterable[Change]) -> "Table":
        """Return this table with disjoint, ascending changes applied; cost: slices, not intervals."""
        result = Table.empty(self.bits)
        unread = 0
        for first, last, number in changes:
            at = self.index(first, unread)
            result.append_slice(self, unread, at if self.bound(at) == first else at + 1)
            result.append(first, number)
            end = at if first == last else self.index(last, unread)
            if self.bound(end + 1) != last + 1:
                result.append(last + 1, self.numbers[end])
            unread = end + 1
        result.append_slice(self, unread, len(self.numbers))
        return result

    def assign(self, change: Change) -> None:
        """Apply one change in place: cheaper than `overlaid` for a single one."""
        first, last, number = change
        piece = Table.empty(self.bits)
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


def disjoint(keys: Iterable[int], bits: int) -> Iterator[Change]:
    """Yield the pieces that sorted keys cover, ascending, each with the number of its longest prefix."""
    open_: list[Change] = []
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


def flat(keys: list[int], bits: int) -> Table:
    """Return the table of sorted keys: what `append` would make, without a call for each entry."""
    bounds, numbers = [0], bytearray(1)
    end = 0
    for first, last, number in disjoint(keys, bits):
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
        return Table(bits, [array("I", bounds)], numbers)
    high, low = (bound >> 64 for bound in bounds), (bound & _LOW_64 for bound in bounds)
    return Table(bits, [array("Q", high), array("Q", low)], numbers)


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


def starts_after(
    bounds: "array[int]", before: Sequence[int], changed: Iterable[tuple[int, int]]
) -> list[int]:
    """Return what `starts` does, from what it was `before` these ranges changed, and only these.

    changed: first and last address, in ascending order of the first. Between two of them all entries have
    moved by the same number.
    """
    found: list[int] = []
    for first, last in (*changed, (1 << 32, 1 << 32)):
        begin, end = len(found), first + (1 << _PART) - 1 >> _PART
        if begin < end:
            moved = bisect_right(bounds, begin << _PART) - 1 - before[begin]
            found += [at + moved for at in before[begin:end]] if moved else before[begin:end]
        found += [
            bisect_right(bounds, place << _PART) - 1
            for place in range(len(found), min(last + 1 >> _PART, (1 << _PART) - 1) + 1)
        ]
    return [*found, len(bounds) - 1]
