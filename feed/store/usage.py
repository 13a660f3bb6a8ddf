"""Daily counts of reporters, for quotas and for their own standing."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.store import tables
from feed.store.dialect import insert_if_missing


def count(connection: Connection, source_id: int, *, day: int, events: int = 0, refused: int = 0) -> None:
    """Add to the counts of a source and day."""
    table = tables.usage
    insert_if_missing(connection, table, {"source_id": source_id, "day": day, "events_n": 0, "refused_n": 0})
    connection.execute(
        sa.update(table)
        .where(table.c.source_id == source_id, table.c.day == day)
        .values(events_n=table.c.events_n + events, refused_n=table.c.refused_n + refused)
    )


def events(connection: Connection, source_id: int, *, day: int) -> int:
    """Return how many new events of a source were taken on `day`."""
    table = tables.usage
    found = connection.execute(
        sa.select(table.c.events_n).where(table.c.source_id == source_id, table.c.day == day)
    ).scalar()
    return int(found or 0)
