"""What changed between two snapshots, in the time that reading the unchanged parts by blocks takes."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from feed.snapshot.format import Value
from feed.snapshot.reader import Range, Snapshot

_WIDEST: Final = 1 << 16
_ENDS: Final = {4: 1 << 32, 6: 1 << 128}


class Change(NamedTuple):
    """A range that is in one of two snapshots only. added: in the new one."""

    added: bool
    range: Range


class _Column:
    """The intervals of one family as bytes, to be compared in blocks. widths: bytes of the bound columns."""

    def __init__(
        self, bounds: list[memoryview], numbers: memoryview, values: tuple[Value | None, ...]
    ) -> None:
        self.bounds = bounds
        self.numbers = numbers
        self.values = values
        # A zero behind the last bound, which no other bound can be, stands for the end of the space.
        self.parts = [bytes(column) + bytes(column.itemsize) for column in bounds]
        self.widths = [column.itemsize for column in bounds]
        self.count = len(numbers)

    def bound(self, at: int) -> int:
        number = 0
        for column in self.bounds:
            number = number << 64 | column[at]
        return number

    def end(self, at: int, version: int) -> int:
        return self.bound(at + 1) if at + 1 < self.count else _ENDS[version]


def changes(old: Snapshot, new: Snapshot) -> Iterator[Change]:
    """Yield the listed ranges that only one of two snapshots has, as whole ranges of that snapshot.

    IPv4 first, ascending. A range that grew is one that left and one that came. Cost: blocks of the
    unchanged parts are compared as bytes, so that 3,000 changes in 1 M entries take some 0.1 s.
    """
    for version in (4, 6):
        yield from _family(version, _columns(old, version), _columns(new, version))


def _columns(snapshot: Snapshot, version: int) -> _Column:
    if version == 4:  # noqa: PLR2004
        return _Column([snapshot.v4_bound], snapshot.v4_value, snapshot.values)
    return _Column([snapshot.v6_hi, snapshot.v6_lo], snapshot.v6_value, snapshot.values)


def _renumbered(old: _Column, new: _Column) -> bytes | None:
    """Return the value numbers of `new` as those of `old`; None when 256 do not suffice for both."""
    known = {value: number for number, value in enumerate(old.values)}
    table = bytearray(256)
    unused = len(old.values)
    for number, value in enumerate(new.values):
        if value not in known:
            if unused > 255:  # noqa: PLR2004
                return None
            known[value] = unused
            unused += 1
        table[number] = known[value]
    return bytes(new.numbers).translate(bytes(table))


def _family(version: int, old: _Column, new: _Column) -> Iterator[Change]:
    new_numbers = _renumbered(old, new)
    old_numbers = bytes(old.numbers)
    i = j = 0
    step, growing = 1, True
    pairs = list(zip(old.parts, new.parts, old.widths, strict=True))
    while i < old.count and j < new.count:
        step = min(step, old.count - i, new.count - j)
        if (
            new_numbers is not None
            and old_numbers[i : i + step] == new_numbers[j : j + step]
            and all(a[i * w : (i + step + 1) * w] == b[j * w : (j + step + 1) * w] for a, b, w in pairs)
        ):
            i, j = i + step, j + step
            step = min(step * 2, _WIDEST) if growing else max(1, step // 2)
        elif step > 1:
            step, growing = step // 2, False
        else:
            yield from _one(version, old, new, i, j)
            before, after = old.bound(i), new.bound(j)
            i, j = i + (before <= after), j + (after <= before)
            growing = True
    for at in range(i, old.count):
        yield from _listed(version, old, at, added=False)
    for at in range(j, new.count):
        yield from _listed(version, new, at, added=True)


def _one(version: int, old: _Column, new: _Column, i: int, j: int) -> Iterator[Change]:
    before, after = old.bound(i), new.bound(j)
    same = (
        before == after
        and old.end(i, version) == new.end(j, version)
        and old.values[old.numbers[i]] == new.values[new.numbers[j]]
    )
    if same:
        return
    if before <= after:
        yield from _listed(version, old, i, added=False)
    if after <= before:
        yield from _listed(version, new, j, added=True)


def _listed(version: int, column: _Column, at: int, *, added: bool) -> Iterator[Change]:
    value = column.values[column.numbers[at]]
    if value is not None:
        yield Change(added, Range(version, column.bound(at), column.end(at, version) - 1, value))
