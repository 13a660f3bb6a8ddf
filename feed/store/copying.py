"""Who reported an address that never sends, and so has copied the zone (scoring.md 4.2).

Reports of strength 1 prove nothing here: their address may be second-hand, as in the complaint of a stranger,
and whoever knows a canary address could have an honest reporter pass it on. They add at most one point.
"""

import collections
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain.address import emitter_key, packed
from feed.domain.event import Channel
from feed.store import exemptions, floods, manual
from feed.store.manual import CanaryAddress
from feed.store.tables import cell, event

LEAST_STRENGTH: Final = 2

_ONE_IPV6: Final = 128
_WHOLE_64: Final = 64


def copied(connection: Connection, *, since_day: int, minute: int) -> dict[tuple[int, int], int]:
    """Return how many canary addresses each (source, day) named since a day, without what was found before.

    minute: now. What is exempt now is not published, so nobody can have it from the zone.
    """
    canaries = manual.canary_addresses(connection, since_day=since_day)
    if not canaries:
        return {}
    exempt = exemptions.index(connection, minute=minute)
    by_key: dict[bytes, list[CanaryAddress]] = collections.defaultdict(list)
    for one in canaries:
        if not exemptions.covering(exempt, one.address, whole_64=one.unit == _WHOLE_64):
            by_key[emitter_key(one.address)].append(one)
    before = floods.known(connection, cause=floods.CANARY, since_day=since_day)
    named: dict[tuple[int, int], set[tuple[bytes, int]]] = collections.defaultdict(set)
    for row in _strong_cells(connection, list(by_key), since_day=since_day):
        if (row.source_id, row.day) in before:
            continue
        for one in by_key[bytes(row.emitter_key)]:
            if one.first_day <= row.day <= one.last_day and _is_about(
                connection, row, one, since_day=since_day
            ):
                named[row.source_id, row.day].add((packed(one.address), one.unit))
    return {at: len(named[at]) for at in sorted(named)}


def _strong_cells(connection: Connection, keys: list[bytes], *, since_day: int) -> Sequence[sa.Row[Any]]:
    """Return whose originals of some emitters are strong enough, by the primary key of the cells."""
    columns = (cell.c.emitter_key, cell.c.source_id, cell.c.day, cell.c.addr_min, cell.c.addr_max)
    chosen: sa.Select[Any] = sa.select(*columns)
    return connection.execute(
        chosen.where(cell.c.emitter_key.in_(keys), cell.c.channel == Channel.MAIN, cell.c.day >= since_day)
        .where(cell.c.n - cell.c.n_u0 - cell.c.n_u1 > 0)
        .distinct()
    ).all()


def _is_about(connection: Connection, row: sa.Row[Any], one: CanaryAddress, *, since_day: int) -> bool:
    """Whether the originals of a cell speak of a canary address and not of a neighbour in its /64.

    Only where they speak of several addresses the events are asked, and those of any day: two reports about
    one original count on the day of the first.
    """
    exact = packed(one.address)
    if one.unit != _ONE_IPV6 or bytes(row.addr_min) == exact == bytes(row.addr_max):
        return True
    if not bytes(row.addr_min) <= exact <= bytes(row.addr_max):
        return False
    said = (
        sa.select(event.c.event_id)
        .where(event.c.emitter_key == row.emitter_key, event.c.source_id == row.source_id)
        .where(event.c.received_day >= since_day - 1, event.c.retracted_at.is_(None))
        .where(event.c.channel == Channel.MAIN, event.c.strength >= LEAST_STRENGTH)
        .where(event.c.address == exact)
    )
    return connection.execute(said.limit(1)).first() is not None
