"""Weeks of `event` on PostgreSQL: made ahead of time, dropped whole when their time is over.

Dropping a partition is one catalogue change, where a DELETE would rewrite a week of rows. SQLite has no
partitions; there rows are deleted. A row for which no week was made lies in the default partition.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.store.database import Database

WEEKS_AHEAD: Final = 2
_DAYS: Final = 7


def make_ahead(database: Database, *, day: int) -> list[str]:
    """Make the partitions of the week of `day` and of the next ones; return those that are new."""
    if database.is_sqlite:
        return []
    made = []
    for week in range(day // _DAYS, day // _DAYS + WEEKS_AHEAD + 1):
        with database.write() as connection:
            if _name(week) not in _weeks(connection):
                _make(connection, week)
                made.append(_name(week))
    return made


def drop_before(database: Database, *, day: int) -> list[str]:
    """Drop the weeks that end before `day`; return them. Single older rows are left to a DELETE."""
    if database.is_sqlite:
        return []
    with database.read() as connection:
        old = sorted(
            name for name in _weeks(connection) if (int(name.removeprefix(_PREFIX)) + 1) * _DAYS <= day
        )
    for name in old:
        with database.write() as connection:
            # Waiting for long queries would stop all intake behind us: rather try again the next night.
            connection.execute(sa.text("SET LOCAL lock_timeout = '5s'"))
            connection.execute(sa.text(f"DROP TABLE IF EXISTS {name}"))
    return old


_PREFIX: Final = "event_w"


def _name(week: int) -> str:
    return f"{_PREFIX}{week}"


def _weeks(connection: Connection) -> set[str]:
    names = connection.execute(
        sa.text(
            "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid "
            "WHERE inhparent = 'event'::regclass"
        )
    )
    return {name for name in names.scalars() if name.startswith(_PREFIX)}


def _make(connection: Connection, week: int) -> None:
    """Make one week; rows that lie in the default partition already move into it."""
    name, first, last = _name(week), week * _DAYS, (week + 1) * _DAYS
    connection.execute(sa.text("SET LOCAL lock_timeout = '5s'"))
    connection.execute(sa.text("LOCK TABLE event IN SHARE ROW EXCLUSIVE MODE"))
    connection.execute(sa.text(f"CREATE TABLE {name} (LIKE event INCLUDING ALL)"))
    span = f"received_day >= {first} AND received_day < {last}"
    connection.execute(
        sa.text(
            f"WITH moved AS (DELETE FROM event_rest WHERE {span} RETURNING *) "  # noqa: S608 - numbers of ours
            f"INSERT INTO {name} SELECT * FROM moved"
        )
    )
    connection.execute(
        sa.text(f"ALTER TABLE event ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({last})")
    )
