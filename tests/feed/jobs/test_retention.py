"""What is past its time goes; what is still needed stays, however old it is."""

import dataclasses
from typing import Any

import sqlalchemy as sa

from feed.jobs import retention
from feed.jobs.retention import HISTORY_DAYS, PUBLICATION_DAYS
from feed.store import publications
from feed.store.database import Database
from feed.store.publications import Publication
from feed.store.tables import policy_snapshot, publication, trust_snapshot, usage
from feed.store.tables_site import bulk_action, bulk_item
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


YEAR_AGO = AT - 365 * DAY


def _bulk(database: Database, items: int = 2, **times: int | None) -> int:
    """Put a bulk action into the database as it stands some time after it was made."""
    values: dict[str, Any] = {
        "action": "hold", "wanted": "all", "until_minute": 1, "author": "a", "reason": "r",
        "undo_author": None, "undo_reason": None,
    } | times  # fmt: skip
    with database.write() as connection:
        made = sa.insert(bulk_action).values(**values).returning(bulk_action.c.bulk_id)
        number = int(connection.execute(made).scalar_one())
        rows = [
            {"bulk_id": number, "address": at.to_bytes(16, "big"), "unit": 32, "code": 2, "result": "done"}
            for at in range(items)
        ]
        connection.execute(sa.insert(bulk_item), rows)
    return number


def test_bulk_actions_are_kept_a_year_and_while_something_is_to_be_done(database: Database) -> None:
    old = YEAR_AGO - 1
    unfinished = [
        _bulk(database, made_at=old, started_at=old, done_at=None),
        _bulk(database, made_at=old, started_at=old, done_at=old, undo_at=AT, undone_at=None),
    ]
    young = [
        _bulk(database, made_at=YEAR_AGO, started_at=YEAR_AGO, done_at=YEAR_AGO),
        _bulk(database, made_at=AT, started_at=None),
    ]
    _bulk(database, made_at=old, started_at=None)
    _bulk(database, made_at=old, started_at=old, done_at=old, undo_at=old, undone_at=old)
    _bulk(database, 1501, made_at=old, started_at=old, done_at=old)
    gone = retention.sweep(database, now=AT)
    assert (gone["bulk_item"], gone["bulk_action"]) == (1505, 3)
    with database.read() as connection:
        left = connection.execute(sa.select(bulk_action.c.bulk_id).order_by(bulk_action.c.bulk_id)).scalars()
        assert list(left) == sorted(unfinished + young)
        items = connection.execute(sa.select(bulk_item.c.bulk_id)).scalars()
        assert sorted(items) == sorted(2 * (unfinished + young))
    gone = retention.sweep(database, now=AT)
    assert (gone["bulk_item"], gone["bulk_action"]) == (0, 0)
