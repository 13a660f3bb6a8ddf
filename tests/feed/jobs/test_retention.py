"""What is past its time goes; what is still needed stays, however old it is."""

import dataclasses

import sqlalchemy as sa

from feed.jobs import retention
from feed.jobs.retention import HISTORY_DAYS, PUBLICATION_DAYS
from feed.store import publications
from feed.store.database import Database
from feed.store.publications import Publication
from feed.store.tables import policy_snapshot, publication, trust_snapshot, usage
from tests.factories import NOW, make_reporter

AT = int(NOW.timestamp())
DAY = 86_400


def _publication(zone: str, *, at: int) -> Publication:
    return Publication(
        zone=zone, serial=at, body_digest=bytes(32), generation=1, published_at=at, renewed_at=at,
        entries_n=1, added_n=0, left_n=0, held_n=0,
    )  # fmt: skip


def _serials(database: Database, zone: str) -> list[int]:
    with database.read() as connection:
        chosen = sa.select(publication.c.serial).where(publication.c.zone == zone)
        return list(connection.execute(chosen.order_by(publication.c.serial)).scalars())


def test_publications_are_kept_for_their_time_and_the_newest_of_each_zone_for_ever(
    database: Database,
) -> None:
    kept = AT - PUBLICATION_DAYS * DAY
    with database.write() as connection:
        for at in (AT - 300 * DAY, kept - 1, kept, AT):
            publications.put(connection, _publication("busy.test", at=at))
        for at in (AT - 300 * DAY, AT - 200 * DAY):
            publications.put(connection, _publication("idle.test", at=at))
    assert retention.sweep(database, now=AT)["publication"] == 3
    assert _serials(database, "busy.test") == [kept, AT]
    assert _serials(database, "idle.test") == [AT - 200 * DAY]
    assert retention.sweep(database, now=AT)["publication"] == 0


def test_more_than_one_transaction_may_take_goes_in_several(sqlite: Database) -> None:
    with sqlite.write() as connection:
        rows = [dataclasses.asdict(_publication("busy.test", at=at)) for at in range(1, 2503)]
        connection.execute(sa.insert(publication), rows)
    assert retention.sweep(sqlite, now=AT)["publication"] == 2501


def test_rules_of_the_past_year_stay_with_those_in_force_when_it_began(database: Database) -> None:
    year_ago = AT - HISTORY_DAYS * DAY
    times = (year_ago - 20 * DAY, year_ago - 10 * DAY, year_ago + 10 * DAY, AT)
    with database.write() as connection:
        for at in times:
            connection.execute(sa.insert(policy_snapshot).values(name="private", body="{}", since_at=at))
            connection.execute(sa.insert(trust_snapshot).values(body="[]", since_at=at))
        source_id = make_reporter(connection)
        for day in (AT // DAY - HISTORY_DAYS - 1, AT // DAY - HISTORY_DAYS):
            connection.execute(sa.insert(usage).values(source_id=source_id, day=day, events_n=1, refused_n=0))
    gone = retention.sweep(database, now=AT)
    assert (gone["policy_snapshot"], gone["trust_snapshot"], gone["usage"]) == (1, 1, 1)
    with database.read() as connection:
        for table in (policy_snapshot, trust_snapshot):
            left = connection.execute(sa.select(table.c.since_at).order_by(table.c.since_at)).scalars()
            assert tuple(left) == times[1:]
