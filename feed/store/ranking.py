"""The worst emitters, alone or summed by network or autonomous system; shown, never a reason to list."""

import dataclasses
import heapq
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain.address import MAPPED_PREFIX, Network, network_of, packed, unpacked
from feed.domain.decay import decayed
from feed.domain.event import Channel
from feed.domain.evidence import MICRO
from feed.domain.origin import Origin, Origins
from feed.domain.policy import Policy
from feed.store import states
from feed.store.inspection import Inspection, explanations, inspect
from feed.store.rules import Rules
from feed.store.secret import Secret
from feed.store.tables import emitter_state

ROWS_MOST: Final = 1_000_000
"""Emitters with the highest scores that are summed; what lies below adds next to nothing."""

_AT_ONCE: Final = 5000
_SCORED_AT_ONCE: Final = 250
_ROUNDING: Final = 1000
"""Micro-points; decay in several steps and in one differ by less."""


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


def worst(connection: Connection, *, limit: int, rules: Rules, secret: Secret, tick: int) -> list[Inspection]:
    """Return the emitters with the highest scores at minute `tick`, worst first, without those at 0.

    A stored score is of the last scoring, and until the next one it can only fall: groups decay, days grow
    too old. So it bounds the present one from above. Rows are taken by it, highest first, and scored anew
    until nothing that is left can reach the last place. Rows that are due may have risen: all are scored.
    """
    table = emitter_state
    scored = (
        sa.select(table.c.emitter_key, table.c.score, table.c.last_evidence_minute)
        .where(table.c.channel == Channel.MAIN, table.c.score > 0)
        .order_by(table.c.score.desc(), table.c.emitter_key)
    )
    is_due = (table.c.channel == Channel.MAIN) & (table.c.next_due_minute <= tick)
    due = sa.select(table.c.emitter_key).where(is_due).order_by(table.c.emitter_key).limit(ROWS_MOST)
    known: dict[bytes, tuple[int, states.Row]] = {}

    def score(keys: Sequence[bytes]) -> None:
        rows = [row for row in states.of_keys(connection, keys) if row.channel is Channel.MAIN]
        for row, one in explanations(connection, rows, rules=rules, secret=secret, tick=tick):
            known[row.key] = one.score, row

    def least() -> int:
        return heapq.nlargest(limit, (found for found, _ in known.values()))[-1] if len(known) >= limit else 0

    waiting = [bytes(key) for key in connection.execute(due).scalars()]
    for at in range(0, len(waiting), _SCORED_AT_ONCE):
        score(waiting[at : at + _SCORED_AT_ONCE])
    stored = connection.execute(scored.limit(ROWS_MOST)).all()
    for at in range(0, len(stored), _SCORED_AT_ONCE):
        page = stored[at : at + _SCORED_AT_ONCE]
        floor = least()
        if page[0].score < floor:
            break
        score(
            [
                bytes(row.emitter_key) for row in page
                if bytes(row.emitter_key) not in known
                and min(row.score, _most(rules.policy, tick - row.last_evidence_minute)) >= floor
            ]
        )  # fmt: skip
    ranked = sorted(known.values(), key=lambda pair: (-pair[0], pair[1].key))[:limit]
    return [
        inspect(connection, unpacked(row.address), rules=rules, secret=secret, tick=tick)
        for found, row in ranked
        if found
    ]


def _most(policy: Policy, minutes: int) -> int:
    """Return what no score exceeds `minutes` after its latest original, micro-points."""
    full = policy.top_groups * (policy.bucket_cap + policy.weak_cap)
    return decayed(full, max(minutes, 0), policy.half_life_minutes) + _ROUNDING


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
