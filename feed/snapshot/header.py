"""The header of a snapshot file: read, and checked against itself and the size of the buffer."""

import dataclasses
import hashlib
import sys
from typing import Final, Literal

from feed.snapshot.format import (
    BODY_AT,
    FLAG_SPECIAL,
    HASHED_HEADER,
    HEADER,
    MAGIC,
    STARTS,
    SnapshotChecksumError,
    SnapshotError,
    SnapshotFormatError,
    layout,
)

COLUMNS: Final[tuple[tuple[Literal["I", "Q", "B"], int], ...]] = (
    ("I", 4),
    ("I", 4),
    ("B", 1),
    ("Q", 8),
    ("Q", 8),
    ("B", 1),
    ("B", 16),
    ("B", 1),
)
"""Of each section: how its items are read, and their width."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """See `format` for what the fields mean. times: created, refresh, expire."""

    counts: tuple[int, ...]
    offsets: tuple[int, ...]
    flags: int
    serial: int
    n_values: int
    times: tuple[int, int, int]
    body_digest: bytes


def size_of(view: memoryview) -> int:
    """Return the size that a checked header tells, for a buffer in which more follows."""
    return BODY_AT + int(HEADER.unpack_from(view)[8])


def read(view: memoryview) -> Header:
    """Check the header against itself and the size of the buffer; raises a `SnapshotError` leaf."""
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
    return Header(
        counts=counts,
        offsets=offsets,
        flags=flags,
        serial=serial,
        n_values=n_values,
        times=(times[0], times[1], times[2]),
        body_digest=body_digest,
    )
