"""Retention: what is past its time goes, in small transactions (DESIGN section 5, evidence.md 6.3)."""

from typing import Final

import sqlalchemy as sa

from feed.store import bulk_actions, partitions
from feed.store.confirmations import AGAIN_DAYS
from feed.store.database import ROWS_A_WRITE, Database
from feed.store.tables import (
    cell,
    confirmation,
    contradiction,
    event,
    flood_day,
    observation,
    policy_snapshot,
    publication,
    receipt,
    ticket,
    transition,
    trust_snapshot,
    usage,
)
from feed.store.tables_site import bulk_action, bulk_item

EVENT_DAYS: Final = 130
CELL_DAYS: Final = 45
RECEIPT_DAYS: Final = 30
HISTORY_DAYS: Final = 365

PUBLICATION_DAYS: Final = 40
"""A busy list is published at every tick, and nothing asks for more than the last month."""

_SECONDS_A_DAY: Final = 86_400
_MINUTES_A_DAY: Final = 1_440


def sweep(database: Database, *, now: int) -> dict[str, int]:
    """Delete rows past their time and return how many went from each table; `now` in seconds.

    On PostgreSQL whole weeks of events are dropped, and not counted; the weeks to come are made.
    """
    day = now // _SECONDS_A_DAY
    partitions.make_ahead(database, day=day)
    partitions.drop_before(database, day=day - EVENT_DAYS)
    year_ago = now - HISTORY_DAYS * _SECONDS_A_DAY
    newest = publication.alias("newest")
    old: dict[sa.Table, sa.ColumnElement[bool]] = {
        event: event.c.received_day < day - EVENT_DAYS,
        observation: observation.c.day < day - EVENT_DAYS,
        cell: cell.c.day < day - CELL_DAYS,
        receipt: receipt.c.created_day < day - RECEIPT_DAYS,
        transition: transition.c.at_minute < (day - HISTORY_DAYS) * _MINUTES_A_DAY,
        ticket: ticket.c.asked_at < year_ago,
        # Whoever still has events at a trap is made anew by then.
        confirmation: confirmation.c.again_day < day - AGAIN_DAYS,
        usage: usage.c.day < day - HISTORY_DAYS,
        contradiction: contradiction.c.day < day - HISTORY_DAYS,
        flood_day: flood_day.c.day < day - HISTORY_DAYS,
        bulk_item: bulk_actions.past_items(now=now),
        bulk_action: bulk_actions.past_actions(now=now),
        # The newest of each zone says which serial must come next, however old it is.
        publication: (publication.c.published_at < now - PUBLICATION_DAYS * _SECONDS_A_DAY)
        & (
            publication.c.serial
            < sa.select(sa.func.max(newest.c.serial))
            .where(newest.c.zone == publication.c.zone)
            .scalar_subquery()
        ),
        policy_snapshot: _not_in_force(policy_snapshot, since=year_ago),
        trust_snapshot: _not_in_force(trust_snapshot, since=year_ago),
    }
    return {table.name: _delete(database, table, condition) for table, condition in old.items()}


def _not_in_force(table: sa.Table, *, since: int) -> sa.ColumnElement[bool]:
    """Return what of a table of snapshots was replaced before second `since`."""
    (number,) = table.primary_key.columns
    begun = table.alias("begun")
    last = sa.select(sa.func.max(begun.c[number.name])).where(begun.c.since_at <= since)
    return number < last.scalar_subquery()


def _delete(database: Database, table: sa.Table, condition: sa.ColumnElement[bool]) -> int:
    key = sa.tuple_(*table.primary_key.columns)
    chosen = sa.select(*table.primary_key.columns).where(condition).limit(ROWS_A_WRITE)
    total = 0
    while True:
        with database.write() as connection:
            gone = connection.execute(sa.delete(table).where(key.in_(chosen))).rowcount
        total += gone
        if gone < ROWS_A_WRITE:
            return total
