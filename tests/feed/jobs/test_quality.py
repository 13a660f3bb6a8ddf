"""The report of each month is made once and stays when the events have gone."""

import dataclasses
import datetime as dt
import json

import sqlalchemy as sa

from feed.domain.quality import Quality
from feed.jobs import quality as job
from feed.store import evidence, quality, quality_months
from feed.store.database import Database
from feed.store.tables import event, quality_month
from tests.factories import NOW, make_event, make_reporter

DAY = 86_400
OCTOBER = (dt.date(2026, 10, 1), dt.date(2026, 10, 31))
DECEMBER_FIRST = int(dt.datetime(2026, 12, 1, 3, 17, tzinfo=dt.UTC).timestamp())


def kept(database: Database, first: dt.date) -> Quality | None:
    with database.read() as connection:
        return quality_months.kept(connection, first_day=job.month_of(first)[0])


def test_months_as_the_calendar_has_them() -> None:
    for date, length in ((dt.date(2028, 2, 29), 29), (dt.date(2026, 2, 1), 28), (dt.date(2026, 12, 31), 31)):
        first, last = job.month_of(date)
        assert last - first + 1 == length
        assert first <= (date - dt.date(1970, 1, 1)).days <= last
    assert job.month_before(dt.date(2026, 1, 31)) == dt.date(2025, 12, 1)
    assert job.month_before(dt.date(2026, 3, 1)) == dt.date(2026, 2, 1)


def test_month_that_ended_is_kept_once_and_outlives_its_events(database: Database) -> None:
    with database.write() as connection:
        for name in ("one", "two"):
            make_reporter(connection, name, anchor=name == "one")
        for source_id in (1, 2):
            evidence.add_event(connection, make_event(source_id=source_id, received_at=NOW))
    assert job.keep_last_month(database, now=int(NOW.timestamp()))
    october = kept(database, OCTOBER[0])
    assert october is not None
    assert october.feed.originals == 0
    assert job.keep_last_month(database, now=DECEMBER_FIRST)
    assert not job.keep_last_month(database, now=DECEMBER_FIRST + 9 * DAY)
    with database.write() as connection:
        connection.execute(sa.delete(event))
    november = kept(database, dt.date(2026, 11, 1))
    assert november is not None
    assert (november.feed.originals, november.feed.reported) == (2, 1)
    assert [one.coverage for one in november.reporters] == [None, 1.0]
    with database.read() as connection:
        assert quality_months.latest(connection) == november
    assert kept(database, dt.date(2026, 9, 1)) is None


def test_report_comes_back_as_it_was_made(database: Database) -> None:
    with database.write() as connection:
        make_reporter(connection)
        evidence.add_event(connection, make_event(received_at=NOW))
    first, last = job.month_of(NOW.date())
    made = quality.quality(database, first_day=first, last_day=last)
    with database.write() as connection:
        quality_months.keep(connection, dataclasses.replace(made, complete=False), made_at=1)
        quality_months.keep(connection, made, made_at=2)
    assert kept(database, NOW.date()) == made


def test_measure_that_an_older_report_does_not_have_is_none(database: Database) -> None:
    made = quality.quality(database, first_day=0, last_day=30)
    with database.write() as connection:
        quality_months.keep(connection, made, made_at=1)
        body = json.loads(connection.execute(sa.select(quality_month.c.body)).scalar_one())
        del body["feed"]["coverage"]
        body["feed"]["gone"] = 7
        connection.execute(sa.update(quality_month).values(body=json.dumps(body)))
        found = quality_months.latest(connection)
    assert found == made
    assert found.feed.coverage is None
