"""Daily counts of reporters, for quotas and for their own standing."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.store import tables
from feed.store.dialect import insert_if_missing

_TABLE: Final = tables.usage
_MINE: Final = (_TABLE.c.source_id == sa.bindparam("b_source")) & (_TABLE.c.day == sa.bindparam("b_day"))
_COUNT: Final = (
    sa.update(_TABLE)
    .where(_MINE)
    .values(
        events_n=_TABLE.c.events_n + sa.bindparam("events"),
        refused_n=_TABLE.c.refused_n + sa.bindparam("refused"),
    )
)
_EVENTS: Final = sa.select(_TABLE.c.events_n).where(_MINE)


def count(connection: Connection, source_id: int, *, day: int, events: int = 0, refused: int = 0) -> None:
    """Add to the counts of a source and day."""
    asked = {"b_source": source_id, "b_day": day, "events": events, "refused": refused}
    if connection.execute(_COUNT, asked).rowcount == 0:
        insert_if_missing(
            connection, _TABLE, {"source_id": source_id, "day": day, "events_n": 0, "refused_n": 0}
        )
        connection.execute(_COUNT, asked)


def events(connection: Connection, source_id: int, *, day: int) -> int:
    """Return how many new events of a source were taken on `day`."""
    found = connection.execute(_EVENTS, {"b_source": source_id, "b_day": day}).scalar()
    return int(found or 0)
