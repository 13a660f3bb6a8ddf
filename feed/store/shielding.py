"""Groups whose word of genuine mail, and nobody else's, makes many listings milder.

One such word is enough for one address, since refusing genuine mail loses it; said of a large part of what
is listed it is a lie, a mistake, or the truth of whoever sees most. Only an operator can tell: until he
looked the word counts, because a listing that is too mild for some days loses no mail.
"""

import collections
import dataclasses

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain.event import Channel
from feed.domain.evidence import Trust
from feed.store import floods
from feed.store.dialect import insert_if_missing
from feed.store.tables import cell, emitter_state, reporter, shielding

SHIELDED_MOST = 20
"""Listings that one group alone may make milder in any feed ..."""

SHIELDED_PERCENT = 5
"""... and in a large one so much of all that is published."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shield:
    """A source whose word of genuine mail made `listings_n` listings milder, at second `set_at`."""

    source_id: int
    listings_n: int
    set_at: int


def shields(connection: Connection, trust: Trust, *, least_weight: int, since_day: int) -> dict[int, int]:
    """Return the sources that shield too many and were not noticed before, with the number of listings.

    What a source says that an operator believes, its group does not say alone any more. least_weight: in
    twentieths; the word of lighter sources makes nothing milder.
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
    noticed = {
        row.source_id: row.reviewed_at is not None
        for row in connection.execute(sa.select(shielding.c.source_id, shielding.c.reviewed_at))
    }
    groups: dict[bytes, set[int]] = collections.defaultdict(set)
    spoken: dict[int, dict[bytes, set[int]]] = collections.defaultdict(dict)
    believed: set[bytes] = set()
    for key, source_id, day in said:
        standing = trust.get(source_id) if (source_id, day) not in muted else None
        if standing is None or standing.suspended or standing.weight < least_weight:
            continue
        groups[key].add(standing.group_id)
        spoken[standing.group_id].setdefault(key, set()).add(source_id)
        if noticed.get(source_id):
            believed.add(key)
    published = connection.execute(
        sa.select(sa.func.count()).select_from(emitter_state).where(emitter_state.c.code > 0)
    ).scalar_one()
    most = max(SHIELDED_MOST, published * SHIELDED_PERCENT // 100)
    found: dict[int, int] = {}
    for sources in spoken.values():
        alone = [key for key in sources if len(groups[key]) == 1 and key not in believed]
        if len(alone) > most:
            who = {source_id for key in alone for source_id in sources[key]}
            found |= {source_id: len(alone) for source_id in sorted(who) if source_id not in noticed}
    return found


def notice(connection: Connection, source_id: int, *, listings_n: int, now: int) -> None:
    """Note for the operator that a source shields many; its word counts as before."""
    values = {"source_id": source_id, "listings_n": listings_n, "set_at": now}
    insert_if_missing(connection, shielding, values)


def waiting(connection: Connection) -> list[Shield]:
    """Return those that no operator looked at yet, without sources that are suspended anyway."""
    table = shielding
    rows = connection.execute(
        sa.select(table.c.source_id, table.c.listings_n, table.c.set_at)
        .join(reporter, reporter.c.source_id == table.c.source_id)
        .where(table.c.reviewed_at.is_(None), reporter.c.suspended_at.is_(None))
        .order_by(table.c.source_id)
    )
    return [Shield(source_id=row.source_id, listings_n=row.listings_n, set_at=row.set_at) for row in rows]


def believe(connection: Connection, source_id: int, *, author: str, reason: str, now: int) -> bool:
    """Note that an operator believes a source from now on; returns whether it waited for that."""
    table = shielding
    changed = connection.execute(
        sa.update(table)
        .where(table.c.source_id == source_id, table.c.reviewed_at.is_(None))
        .values(reviewed_at=now, author=author, reason=reason)
    )
    return changed.rowcount == 1
