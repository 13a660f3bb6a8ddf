"""Daily counts of reporters, for quotas and for their own standing."""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.store import tables
from feed.store.dialect import Prepared, merge_all

_TABLE: Final = tables.usage
_NAMES: Final = ("source_id", "day", "events_n", "refused_n")
_EVENTS: Final = Prepared(
    sa.select(_TABLE.c.events_n).where(
        _TABLE.c.source_id == sa.bindparam("source_id"), _TABLE.c.day == sa.bindparam("day")
    )
)


def _added(new: Any) -> dict[str, Any]:
    return {name: _TABLE.c[name] + new[name] for name in ("events_n", "refused_n")}


def count(connection: Connection, source_id: int, *, day: int, events: int = 0, refused: int = 0) -> None:
    """Add to the counts of a source and day."""
    merge_all(connection, _TABLE, _NAMES, [(source_id, day, events, refused)], change=_added)


def events(connection: Connection, source_id: int, *, day: int) -> int:
    """Return how many new events of a source were taken on `day`."""
    found = _EVENTS.rows(connection, source_id=source_id, day=day)
    return int(found[0][0]) if found else 0
