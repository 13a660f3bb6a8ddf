"""Which parts of the IPv4 space are listed at all: one bit for each block of addresses.

Most queries are for what is not listed; where lists are sparse, one look at a small table answers them
without a search in tables that no processor's cache holds.
"""

from typing import Final, NamedTuple

from feed.snapshot.reader import Snapshot

_SHIFTS: Final = (12, 10, 8)
"""Blocks of /20, /22 and /24: tables of 128 KB, 512 KB and 2 MB."""
_SPARSE: Final = 4
"""The finest blocks are for lists in which the coarser ones are used by more than one in so many."""
_DENSE: Final = 5 / 8
"""With so many blocks in use, asking them first costs more than it saves."""
_EVERYWHERE_SHIFT: Final = 29


class Blocks(NamedTuple):
    """bits: block n is used when bit n & 7 of byte n >> 3 is set. shift: a block has 1 << shift addresses."""

    bits: memoryview | bytes
    shift: int

    @classmethod
    def read(cls, data: memoryview) -> "Blocks":
        """Return the blocks whose bits `packed` has given; their number tells how wide they are."""
        return cls(data, _EVERYWHERE_SHIFT - (len(data).bit_length() - 1))


EVERYWHERE: Final = Blocks(b"\xff", _EVERYWHERE_SHIFT)
"""Says of no address that it is not listed."""


def packed(snapshot: Snapshot) -> bytes:
    """Return the bits of the blocks that fit a list. Takes about 0.2 s for a million entries."""
    firsts, lasts = _listed(snapshot)
    for shift in _SHIFTS:
        used = _used(firsts, lasts, shift)
        share = used.count(1) / len(used)
        if share <= 1 / _SPARSE:
            break
    if share > _DENSE:
        return bytes(EVERYWHERE.bits)
    number = 0
    for bit in range(8):
        number |= int.from_bytes(used[bit::8], "little") << bit
    return number.to_bytes(len(used) // 8, "little")


def _listed(snapshot: Snapshot) -> tuple[list[int], list[int]]:
    """Return first and last address of every listed interval."""
    bounds = [*snapshot.v4_bound, 1 << 32]
    listed = [at for at, number in enumerate(snapshot.v4_value) if number]
    return [bounds[at] for at in listed], [bounds[at + 1] - 1 for at in listed]


def _used(firsts: list[int], lasts: list[int], shift: int) -> bytearray:
    """Return a byte for each block, 1 = some address of it is listed."""
    used = bytearray(1 << 32 - shift)
    for start, last in zip(firsts, lasts, strict=True):
        first, end = start >> shift, (last >> shift) + 1
        if end - first == 1:
            used[first] = 1
        else:
            used[first:end] = b"\1" * (end - first)
    return used
