"""Days of reporters that weigh nothing until an operator looked: too much at once, or copied from the zone.

All or nothing on purpose: if the first two hundred counted, the result would depend on the order in which
reports arrive (scoring.md 4.3). And of a day that repeats an address which never sends, nobody can tell what
else the reporter saw itself and what it read in the zone (scoring.md 4.2).
"""

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.store import rescore, standing
from feed.store.dialect import insert_if_missing
from feed.store.tables import flood_day

FLOOD: Final = "flood"
CANARY: Final = "canary"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Flood:
    """One day of one source, for one cause. addresses_n: networks of new addresses, or canary addresses.

    reviewed_at: seconds, None while it weighs nothing; as early as set_at if it always counted.
    """

    source_id: int
    day: int
    cause: str
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


def known(connection: Connection, *, cause: str, since_day: int) -> frozenset[tuple[int, int]]:
    """Return (source, day) of what was found for a cause since a day, muted, noted or reviewed."""
    rows = connection.execute(
        sa.select(flood_day.c.source_id, flood_day.c.day).where(
            flood_day.c.cause == cause, flood_day.c.day >= since_day
        )
    )
    return frozenset((row.source_id, row.day) for row in rows)


def of_sources(connection: Connection, sources: Sequence[int]) -> list[Flood]:
    """Return all such days of these sources, reviewed ones too, by day and source."""
    rows = connection.execute(
        sa.select(flood_day)
        .where(flood_day.c.source_id.in_(sources))
        .order_by(flood_day.c.day, flood_day.c.source_id, flood_day.c.cause)
    ).mappings()
    names = [field.name for field in dataclasses.fields(Flood)]
    return [Flood(**{name: row[name] for name in names}) for row in rows]


def mute(
    connection: Connection, source_id: int, *, day: int, addresses_n: int, now: int, cause: str = FLOOD
) -> bool:
    """Let a day of a source weigh nothing; returns False if it does for that cause or was reviewed before.

    A canary address contradicts the reporter as well, once for each day, however many it reported.
    """
    if not _add(connection, source_id, day=day, addresses_n=addresses_n, now=now, cause=cause):
        return False
    if cause == CANARY:
        standing.contradict(connection, source_id, kind="canary", day=day)
    rescore.source_day(connection, source_id, day=day)
    return True


def note(
    connection: Connection,
    source_id: int,
    *,
    day: int,
    addresses_n: int,
    author: str,
    reason: str,
    now: int,
    cause: str = FLOOD,
) -> bool:
    """Show a day of a source beside the muted ones although it counts; False if it is there already."""
    return _add(
        connection,
        source_id,
        day=day,
        addresses_n=addresses_n,
        now=now,
        cause=cause,
        reviewed={"reviewed_at": now, "author": author, "reason": reason},
    )


def _add(
    connection: Connection,
    source_id: int,
    *,
    day: int,
    addresses_n: int,
    now: int,
    cause: str,
    reviewed: Mapping[str, int | str] = MappingProxyType({}),
) -> bool:
    values = {"source_id": source_id, "day": day, "cause": cause, "addresses_n": addresses_n, "set_at": now}
    return insert_if_missing(connection, flood_day, values | dict(reviewed))


def review(
    connection: Connection, source_id: int, *, day: int, author: str, reason: str, now: int
) -> tuple[str, ...]:
    """Let a muted day count again for good; returns for which causes it was muted, none if it was not.

    What a canary address cost the reporter is taken back: whoever lets the day count says that it did not
    copy, so that the address does send after all.
    """
    changed = connection.execute(
        sa.update(flood_day)
        .where(flood_day.c.source_id == source_id, flood_day.c.day == day, flood_day.c.reviewed_at.is_(None))
        .values(reviewed_at=now, author=author, reason=reason)
        .returning(flood_day.c.cause)
    )
    causes = tuple(sorted(changed.scalars()))
    if CANARY in causes:
        standing.withdraw(connection, source_id, kind="canary", day=day)
    if causes:
        rescore.source_day(connection, source_id, day=day)
    return causes
