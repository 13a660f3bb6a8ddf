"""Weeks of events on PostgreSQL: made ahead, filled from the default partition, dropped whole."""

import datetime as dt

import pytest
import sqlalchemy as sa

from feed.jobs import retention
from feed.store import bulk, dialect, evidence, partitions
from feed.store.database import Database
from feed.store.tables import cell, event
from tests.factories import NOW, make_event

DAY = int(NOW.timestamp()) // 86_400


def rows(database: Database, table: str = "event") -> int:
    with database.read() as connection:
        return int(connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_rows_move_into_the_week_that_is_made(database: Database) -> None:
    with database.write() as connection:
        evidence.add_event(connection, make_event())
    made = partitions.make_ahead(database, day=DAY)
    assert partitions.make_ahead(database, day=DAY) == []
    assert rows(database) == 1
    if database.is_sqlite:
        assert made == []
        return
    assert made == [f"event_w{DAY // 7 + ahead}" for ahead in range(3)]
    assert rows(database, made[0]) == 1
    with database.write() as connection:
        evidence.add_event(connection, make_event())
    assert rows(database, "event_rest") == 0
    with database.write() as connection:
        week_later = NOW + dt.timedelta(days=7)
        evidence.add_event(connection, make_event(received_at=week_later, observed_at=NOW))
    assert rows(database, made[1]) == 1


def test_events_past_their_time_go(database: Database) -> None:
    partitions.make_ahead(database, day=DAY)
    for back in (0, retention.EVENT_DAYS, retention.EVENT_DAYS + 8):
        with database.write() as connection:
            at = NOW - dt.timedelta(days=back)
            evidence.add_event(connection, make_event(received_at=at, observed_at=at))
    partitions.make_ahead(database, day=DAY - retention.EVENT_DAYS - 8)
    retention.sweep(database, now=int(NOW.timestamp()))
    with database.read() as connection:
        assert connection.execute(sa.select(sa.func.min(event.c.received_day))).scalar() == (
            DAY - retention.EVENT_DAYS
        )
    assert rows(database) == 2
    if not database.is_sqlite:
        with database.read() as connection:
            assert f"event_w{(DAY - retention.EVENT_DAYS - 8) // 7}" not in partitions._weeks(connection)


@pytest.mark.parametrize("copy_from", [1, 10_000], ids=["by copy", "by statement"])
def test_bulk_by_copy_equals_one_by_one(
    database: Database, monkeypatch: pytest.MonkeyPatch, copy_from: int
) -> None:
    monkeypatch.setattr(dialect, "COPY_FROM", copy_from)
    batch = [
        make_event(
            address=f"192.0.2.{number % 9}", original_key=bytes([number % 40]) * 16,
            observed_at=NOW - dt.timedelta(hours=number), status=None if number % 2 else "5.1.1",
            helo="a\\b\t\n\u00e9",
        )
        for number in range(120)
    ]  # fmt: skip
    with database.write() as connection:
        bulk.add_events(connection, batch[:60])
        bulk.add_events(connection, batch[60:])
    with database.read() as connection:
        found = sorted(map(repr, connection.execute(sa.select(cell))))
        kept = sorted(map(repr, connection.execute(sa.select(event))))
    with database.write() as connection:
        connection.execute(sa.delete(event))
        connection.execute(sa.delete(cell))
    for one in batch:
        with database.write() as connection:
            evidence.add_event(connection, one)
    with database.read() as connection:
        assert sorted(map(repr, connection.execute(sa.select(cell)))) == found
        assert sorted(map(repr, connection.execute(sa.select(event)))) == kept
