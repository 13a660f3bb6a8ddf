"""Groups whose word of genuine mail, and nobody else's, makes many listings milder.

One such word is enough for one address, since refusing genuine mail loses it; said of a large part of what
is listed it is a lie or a mistake, and an operator has to look (`feed.store.floods`).
"""

import collections

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain.event import Channel
from feed.domain.evidence import Trust
from feed.store import floods
from feed.store.tables import cell, emitter_state

SHIELDED_MOST = 20
"""Listings that one group alone may make milder in any feed ..."""

SHIELDED_PERCENT = 5
"""... and in a large one so much of all that is published."""


def shielded_days(
    connection: Connection, trust: Trust, *, least_weight: int, since_day: int
) -> list[tuple[int, int, int]]:
    """Return (source, day, number of listings) of all genuine mail that was said to shield too many.

    least_weight: in twentieths; the word of lighter sources makes nothing milder.
    """
    said = connection.execute(
        sa.select(cell.c.emitter_key, cell.c.source_id, cell.c.day)
        .join(
            emitter_state,
            (emitter_state.c.emitter_key == cell.c.emitter_key) & (emitter_state.c.channel == cell.c.channel),
        )
        .where(emitter_state.c.code > 0, emitter_state.c.reason == "mixed")
        .where(cell.c.channel == Channel.MAIN, cell.c.genuine_n > 0, cell.c.day >= since_day)
    ).all()
    muted = floods.muted(connection)
    groups: dict[bytes, set[int]] = collections.defaultdict(set)
    days: dict[int, dict[bytes, set[tuple[int, int]]]] = collections.defaultdict(dict)
    for key, source_id, day in said:
        standing = trust.get(source_id) if (source_id, day) not in muted else None
        if standing is not None and not standing.suspended and standing.weight >= least_weight:
            groups[key].add(standing.group_id)
            days[standing.group_id].setdefault(key, set()).add((source_id, day))
    published = connection.execute(
        sa.select(sa.func.count()).select_from(emitter_state).where(emitter_state.c.code > 0)
    ).scalar_one()
    most = max(SHIELDED_MOST, published * SHIELDED_PERCENT // 100)
    found: list[tuple[int, int, int]] = []
    for spoken in days.values():
        alone = [key for key in spoken if len(groups[key]) == 1]
        if len(alone) > most:
            where = {at for key in alone for at in spoken[key]}
            found += [(source_id, day, len(alone)) for source_id, day in sorted(where)]
    return found
