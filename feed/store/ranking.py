"""The worst emitters, alone or summed by network or autonomous system; shown, never a reason to list."""

import dataclasses
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain.address import MAPPED_PREFIX, Network, network_of, packed, unpacked
from feed.domain.event import Channel
from feed.domain.evidence import MICRO
from feed.domain.origin import Origin, Origins
from feed.store.states import Row, row_of
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


def system_json(one: System) -> dict[str, Any]:
    """Return a system as plain values, the same for API and command line; as: None where it is not known."""
    name = str(one.origin) if one.origin is not None else None
    return {"as": name, "emitters": one.emitters, "listed": one.listed, "score": one.score / MICRO}


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


def worst(connection: Connection, *, limit: int) -> list[Row]:
    """Return the emitters with the highest scores at their last scoring, worst first."""
    rows = connection.execute(
        sa.select(emitter_state)
        .where(emitter_state.c.channel == Channel.MAIN, emitter_state.c.score > 0)
        .order_by(emitter_state.c.score.desc(), emitter_state.c.emitter_key)
        .limit(limit)
    )
    return [row_of(row) for row in rows]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Emitters of one /24 or /48. score: sum of their scores at their last scoring."""

    network: Network
    emitters: int
    listed: int
    score: int


def network_json(one: Neighbours) -> dict[str, Any]:
    """Return a network as plain values, the same for API and command line."""
    return {
        "network": str(one.network),
        "emitters": one.emitters,
        "listed": one.listed,
        "score": one.score / MICRO,
    }


def worst_networks(connection: Connection, *, limit: int) -> list[Neighbours]:
    """Return the /24 and /48 with the highest summed scores, worst first; shown, never listed."""
    return sorted(
        [*_summed(connection, 4, limit), *_summed(connection, 6, limit)],
        key=lambda one: (-one.score, packed(one.network.network_address)),
    )[:limit]


def _summed(connection: Connection, version: int, limit: int) -> list[Neighbours]:
    table = emitter_state
    size, prefix = (15, 24) if version == 4 else (6, 48)  # noqa: PLR2004
    begin = sa.func.substr(table.c.emitter_key, 1, size).label("begin")
    total = sa.func.sum(table.c.score).label("total")
    mapped = table.c.emitter_key.between(MAPPED_PREFIX + bytes(4), MAPPED_PREFIX + b"\xff" * 4)
    rows = connection.execute(
        sa.select(
            begin, total, sa.func.count().label("emitters"),
            sa.func.sum(sa.case((table.c.code > 0, 1), else_=0)).label("listed"),
        )
        .where(table.c.channel == Channel.MAIN, table.c.score > 0)
        .where(mapped if version == 4 else ~mapped)  # noqa: PLR2004
        .group_by(begin)
        .order_by(total.desc(), begin)
        .limit(limit)
    )  # fmt: skip
    return [
        Neighbours(
            network=network_of(unpacked(bytes(row.begin) + bytes(16 - size)), prefix),
            emitters=row.emitters, listed=int(row.listed), score=int(row.total),
        )
        for row in rows
    ]  # fmt: skip
