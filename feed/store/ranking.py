"""Emitters summed by the autonomous system that announces them; shown, never listed."""

import dataclasses
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain.event import Channel
from feed.domain.origin import Origin, Origins
from feed.store.tables import emitter_state

ROWS_MOST: Final = 1_000_000
"""Emitters with the highest scores that are summed; what lies below adds next to nothing."""

_AT_ONCE: Final = 5000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """Emitters of one autonomous system. origin: None for addresses of no known prefix.

    score: sum of their scores at their last scoring, micro-points.
    """

    origin: Origin | None
    emitters: int
    listed: int
    score: int


def worst_systems(connection: Connection, origins: Origins, *, limit: int) -> list[System]:
    """Return the systems with the highest summed scores, worst first."""
    table = emitter_state
    rows = connection.execution_options(yield_per=_AT_ONCE).execute(
        sa.select(table.c.emitter_key, table.c.score, table.c.code)
        .where(table.c.channel == Channel.MAIN, table.c.score > 0)
        .order_by(table.c.score.desc(), table.c.emitter_key)
        .limit(ROWS_MOST)
    )
    sums: dict[Origin | None, tuple[int, int, int]] = {}
    for key, score, code in rows:
        origin = origins.find(bytes(key))
        emitters, listed, total = sums.get(origin, (0, 0, 0))
        sums[origin] = emitters + 1, listed + bool(code), total + score
    found = [
        System(origin=origin, emitters=emitters, listed=listed, score=total)
        for origin, (emitters, listed, total) in sums.items()
    ]
    return sorted(found, key=lambda one: (-one.score, one.origin or Origin(-1)))[:limit]
