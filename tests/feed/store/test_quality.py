"""The numbers of a month from what the real jobs stored, on both databases."""

import pytest
import sqlalchemy as sa

from feed.domain.address import emitter_key, parse_address
from feed.domain.event import Kind
from feed.domain.listing import State
from feed.domain.quality import Quality
from feed.jobs import retract
from feed.store import quality as measuring
from feed.store import retractions, standing
from feed.store.database import Database
from feed.store.tables import transition
from feed.store.tables_site import dispute
from tests.feed.jobs.four_reporters import DAY, EMITTER, HOUR, SECRET, TICK, World

TODAY = TICK // DAY
FIRST = TODAY - 24


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def month(world: World, *, first: int = FIRST, last: int = TODAY) -> Quality:
    return measuring.quality(world.database, first_day=first, last_day=last)


def fill(world: World) -> None:
    """Let r0 and r1 (traps) and r2 report four emitters; three are listed, one before the month."""
    world.list_it(address="203.0.112.1", at=TICK - 30 * DAY)
    world.tick(TICK - 30 * DAY, "203.0.112.1")
    for days in (6, 5, 1):
        world.hit(at=TICK - days * DAY, source=1, address="203.0.112.2")
    world.tick(TICK - 5 * DAY, "203.0.112.2")
    for days in (3, 2):
        world.hit(at=TICK - days * DAY, source=3, address="203.0.112.2")
        world.hit(at=TICK - days * DAY, source=2, address=EMITTER)
    world.hit(at=TICK - 2 * DAY - HOUR, source=3, address="203.0.112.4")
    world.hit(at=TICK - 29 * DAY, source=3, address="203.0.112.5")
    world.tick(TICK - 2 * DAY)


def test_month_counts_what_lies_in_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(world)
    for chunk in (500, 1):
        monkeypatch.setattr(measuring, "_CHUNK", chunk)
        found = month(world)
        assert found.complete
        assert (found.feed.reported, found.feed.originals) == (3, 8)
        assert (found.feed.listings, found.feed.emitters) == (2, 2)
        assert (found.feed.accuracy, found.feed.coverage) == (1.0, 1.0)
        assert found.feed.latency_minutes == DAY // 60
        volume = {one.source_id: (one.originals, one.emitters) for one in found.reporters}
        assert volume == {1: (3, 1), 2: (2, 1), 3: (3, 2), 4: (0, 0)}
        (third,) = [one for one in found.reporters if one.source_id == 3]
        assert (third.differential, third.exclusive, third.confirmed) == (0.5, 0.5, 0.5)
        assert (third.nearest, third.coverage) == (1, 0.5)
        assert third.latency_minutes == 3 * DAY // 60


def test_listing_from_before_the_month_counts_as_listed_and_not_as_begun(world: World) -> None:
    fill(world)
    world.hit(at=TICK - 20 * DAY, source=3, address="203.0.112.1")
    world.hit(at=TICK - 20 * DAY, source=3, address="203.0.112.1", kind=Kind.SAV)
    found = month(world)
    assert (found.feed.reported, found.feed.emitters) == (4, 2)
    (third,) = [one for one in found.reporters if one.source_id == 3]
    assert third.differential == pytest.approx(1 / 3)


def test_what_was_taken_back_lowers_the_accuracy(world: World) -> None:
    fill(world)
    with world.database.write() as connection:
        number = retractions.begin(connection, 2, author="t", reason="lied", now=TICK)
        standing.contradict(connection, 3, kind="solicited", day=TODAY)
        standing.contradict(connection, 3, kind="solicited", day=FIRST - 1)
    assert retract.carry_out(world.database, SECRET, number, clock=lambda: TICK).ended_n
    found = month(world)
    assert (found.feed.listings, found.feed.accuracy) == (1, 0.5)
    assert {one.source_id: one.contradicted for one in found.reporters}[3] == 1
    with world.database.write() as connection:
        connection.execute(
            sa.insert(dispute).values(
                dispute_id="x", emitter_key=bytes(16), address=bytes(16), asked_at=1, proven=True, words="w",
                reports="", answer="upheld", reason="r", answered_at=TICK, author="t", retracted_n=0,
            )
        )  # fmt: skip
    assert month(world).feed.accuracy == pytest.approx(1 / 3)


def test_a_listing_that_a_retraction_only_moved_was_not_wrong(world: World) -> None:
    fill(world)
    began = (transition.c.to_state == State.LISTED) & (
        transition.c.emitter_key == emitter_key(parse_address(EMITTER))
    )
    with world.database.write() as connection:
        row = connection.execute(sa.select(transition).where(began)).mappings().one()
        connection.execute(sa.update(transition).where(began).values(void_at=TICK))
        connection.execute(
            sa.insert(transition).values(
                dict(row) | {"seq": row["seq"] + 100, "at_minute": row["at_minute"] + 5}
            )
        )
    assert (month(world).feed.listings, month(world).feed.accuracy) == (2, 1.0)


def test_more_than_can_be_looked_at_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(world)
    monkeypatch.setattr(measuring, "_CHUNK", 1)
    monkeypatch.setattr(measuring, "EMITTERS_MOST", 2)
    found = month(world)
    assert (found.complete, found.feed.reported) == (False, 2)
