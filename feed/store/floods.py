"""Days of reporters that weigh nothing until an operator looked: too many new addresses at once.

All or nothing on purpose: if the first two hundred counted, the result would depend on the order in which
reports arrive (scoring.md 4.3).
"""

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.store import rescore
from feed.store.tables import flood_day


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Flood:
    """One day of one source. addresses_n: networks of new addresses.

    reviewed_at: seconds, None while it weighs nothing; as early as set_at if it always counted.
    """

    source_id: int
    day: int
    addresses_n: int
    set_at: int
    reviewed_at: int | None
    reason: str | None


def muted(connection: Connection) -> frozenset[tuple[int, int]]:
    """Return (source, day) of all evidence that weighs nothing now."""
    rows = connection.execute(
        sa.select(flood_day.c.source_id, flood_day.c.day).where(flood_day.c.reviewed_at.is_(None))
    )
    return frozenset((row.source_id, row.day) for row in rows)


def of_sources(connection: Connection, sources: Sequence[int]) -> list[Flood]:
    """Return all floods of these sources, reviewed ones too."""
    rows = connection.execute(sa.select(flood_day).where(flood_day.c.source_id.in_(sources))).mappings()
    names = [field.name for field in dataclasses.fields(Flood)]
    return [Flood(**{name: row[name] for name in names}) for row in rows]


def mute(connection: Connection, source_id: int, *, day: int, addresses_n: int, now: int) -> bool:
    """Let a day of a source weigh nothing; returns False if it does already or was reviewed before."""
    if not _add(connection, source_id, day=day, addresses_n=addresses_n, now=now):
        return False
    rescore.source_day(connection, source_id, day=day)
    return True


def note(
    connection: Connection, source_id: int, *, day: int, addresses_n: int, author: str, reason: str, now: int
) -> bool:
    """Show a day of a source among the floods although it goes on counting; False if it is there already."""
    return _add(
        connection,
        source_id,
        day=day,
        addresses_n=addresses_n,
        now=now,
        reviewed={"reviewed_at": now, "author": author, "reason": reason},
    )


def _add(
    connection: Connection,
    source_id: int,
    *,
    day: int,
    addresses_n: int,
    now: int,
    reviewed: Mapping[str, int | str] = MappingProxyType({}),
) -> bool:
    known = connection.execute(
        sa.select(flood_day.c.day).where(flood_day.c.source_id == source_id, flood_day.c.day == day)
    ).first()
    if known is not None:
        return False
    values = {"source_id": source_id, "day": day, "addresses_n": addresses_n, "set_at": now}
    connection.execute(sa.insert(flood_day).values(values | dict(reviewed)))
    return True


def review(connection: Connection, source_id: int, *, day: int, author: str, reason: str, now: int) -> bool:
    """Let a muted day count again for good; returns whether it was muted."""
    changed = connection.execute(
        sa.update(flood_day)
        .where(flood_day.c.source_id == source_id, flood_day.c.day == day, flood_day.c.reviewed_at.is_(None))
        .values(reviewed_at=now, author=author, reason=reason)
    )
    if changed.rowcount == 0:
        return False
    rescore.source_day(connection, source_id, day=day)
    return True
