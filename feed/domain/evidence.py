"""Evidence as the score sees it: cells of originals by day, and the standing of reporters.

A cell sums the originals of one (emitter, channel, day, epoch, source). Every field is a sum, a minimum
or a maximum over originals, so the order of arrival changes nothing. All events about one original in
one (emitter, channel, source) count as one: its representative is the event with the most points, then
the earliest, then the lowest id; its time is the earliest observation (engineering.md, tables).
"""

import dataclasses
from typing import Final

MICRO: Final = 1_000_000
"""Points are kept in millionths, as integers, so that sums never depend on their order."""

MINUTES_A_DAY: Final = 1440


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One day of one source about one emitter in one channel.

    day: days since 1970-01-01 UTC. Times: minutes since 1970-01-01 UTC. Points: micro-points.
    points: of originals of strength 2 and more, without `no_such_user`. weak_points: of strength 1.
    nsu_points, nsu_n: of `no_such_user` originals (one a recipient token a day). n: originals,
    n_u: by strength 0 to 5. log_miss_n, auto_n: originals of strength >= 3 of that class, of that kind.
    strong_at: latest time of strength >= 3, 0 if none. trap_*: originals at traps or tagged addresses
    (strength >= 4), their number, first and last time, least and greatest known recipient token (0 = none
    known). null_n, genuine_n, seen_24h: the source's observations of that day, largest said;
    observed is whether it sent any. addr_min and addr_max differ if an IPv6 /64 had several addresses.
    kinds: bit 1 << Kind for each kind seen.
    """

    source_id: int
    day: int
    epoch: int
    points: int = 0
    weak_points: int = 0
    nsu_points: int = 0
    nsu_n: int = 0
    n: int = 0
    n_u: tuple[int, int, int, int, int, int] = (0, 0, 0, 0, 0, 0)
    log_miss_n: int = 0
    auto_n: int = 0
    first_at: int = 0
    last_at: int = 0
    strong_at: int = 0
    trap_n: int = 0
    trap_first_at: int = 0
    trap_last_at: int = 0
    trap_token_min: int = 0
    trap_token_max: int = 0
    observed: bool = False
    null_n: int = 0
    genuine_n: int = 0
    seen_24h: int = 0
    addr_min: bytes = b""
    addr_max: bytes = b""
    kinds: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the score knows of a source: its independence group and its weight.

    weight: twentieths, 0 to 20. anchor: its traps count as anchors. suspended: nothing of it counts.
    """

    source_id: int
    group_id: int
    weight: int
    anchor: bool = False
    suspended: bool = False


Trust = dict[int, Standing]
"""Standings by source id; a source without one weighs nothing."""
