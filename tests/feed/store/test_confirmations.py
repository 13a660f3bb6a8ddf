"""What was kept of earlier nights gives the weights of everything made anew, at the cost of what changed."""

import datetime as dt
import random

import pytest
import sqlalchemy as sa

from feed.domain.address import emitter_key, parse_address
from feed.domain.policy import PRIVATE
from feed.domain.providers import Providers
from feed.jobs import retention, trust
from feed.jobs.score import Scorer
from feed.store import evidence, replay, reporters, standing
from feed.store.confirmations import AGAIN_DAYS
from feed.store.database import Database
from feed.store.secret import Secret
from feed.store.tables import confirmation, event, reporter
from tests.factories import NOW, make_event, make_reporter

TICK = int(NOW.timestamp())
DAY = 86_400
SECRET = Secret(bytes(32))
EMPTY = Providers.parse("# date: 2026-11-25\n")
EMITTERS = 30


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return the emitters whose confirmations were made anew."""
    keys: list[bytes] = []
    real = standing.confirmations

    def counting(connection: sa.Connection, key: bytes, known: object) -> list[tuple[int, int]]:
        keys.append(key)
        return real(connection, key, known)  # type: ignore[arg-type]

    monkeypatch.setattr(standing, "confirmations", counting)
    return keys


@pytest.fixture
def filled(database: Database) -> Database:
    with database.write() as connection:
        make_reporter(connection, "anchor", anchor=True)
        for name in ("one", "two", "three"):
            make_reporter(connection, name, weight=0)
    rnd = random.Random(5)
    for number in range(EMITTERS):
        for source in (1, rnd.choice([2, 3]), rnd.choice([2, 4])):
            hit(database, number, source=source, days=rnd.uniform(0, 12))
    return database


def hit(database: Database, number: int, *, source: int, days: float = 0.1) -> None:
    at = NOW - dt.timedelta(days=days)
    with database.write() as connection:
        evidence.add_event(
            connection,
            make_event(
                source_id=source, address=f"203.0.112.{number + 1}", received_at=at,
                observed_at=at.replace(second=0),
            ),
        )  # fmt: skip


def weights(database: Database) -> dict[str, int]:
    with database.read() as connection:
        rows = connection.execute(sa.select(reporter.c.name, reporter.c.earned_weight))
        return {name: int(weight) for name, weight in rows}


def anew(database: Database, *, now: int = TICK) -> dict[str, int]:
    with database.write() as connection:
        connection.execute(sa.delete(confirmation))
    trust.weigh(database, now=now)
    return weights(database)


def retract_a_trap_hit(database: Database) -> None:
    with database.read() as connection:
        row = connection.execute(
            sa.select(event).where(event.c.source_id == 1, event.c.emitter_key == key_of(3))
        ).first()
    assert row is not None
    with database.write() as connection:
        assert replay.retract_events(connection, key_of(3), [row.event_id], secret=SECRET, now=TICK)


def key_of(number: int) -> bytes:
    return emitter_key(parse_address(f"203.0.112.{number + 1}"))


def test_second_night_makes_nothing_anew(filled: Database, made: list[bytes]) -> None:
    trust.weigh(filled, now=TICK)
    first = weights(filled)
    assert len(made) == EMITTERS
    assert max(first.values()) > 0
    made.clear()
    assert trust.weigh(filled, now=TICK).changed == ()
    assert made == []
    assert weights(filled) == first


def test_each_change_makes_anew_what_it_concerns_and_the_weights_are_as_from_nothing(
    filled: Database, made: list[bytes]
) -> None:
    trust.weigh(filled, now=TICK)

    def night() -> set[bytes]:
        made.clear()
        trust.weigh(filled, now=TICK)
        concerned = set(made)
        kept = weights(filled)
        assert anew(filled) == kept
        return concerned

    hit(filled, 7, source=4)
    assert night() == {key_of(7)}
    hit(filled, 40, source=1)
    hit(filled, 40, source=4, days=0.2)
    assert night() == {key_of(40)}
    retract_a_trap_hit(filled)
    night()
    with filled.write() as connection:
        reporters.suspend(connection, 4, now=TICK)
    spoke = set(_keys_of(filled, 4))
    assert night() == spoke
    with filled.write() as connection:
        connection.execute(
            sa.update(reporter).where(reporter.c.name == "two").values(organisation="one GmbH")
        )
    assert night() >= set(_keys_of(filled, 3))
    with filled.write() as connection:
        connection.execute(sa.update(reporter).where(reporter.c.name == "anchor").values(anchor=False))
    night()
    assert set(weights(filled).values()) == {0}


def _keys_of(database: Database, source_id: int) -> list[bytes]:
    with database.read() as connection:
        chosen = sa.select(event.c.emitter_key).where(event.c.source_id == source_id).distinct()
        return [bytes(key) for key in connection.execute(chosen).scalars()]


def test_listing_makes_anew_and_what_came_after_it_earns_nothing(filled: Database, made: list[bytes]) -> None:
    trust.weigh(filled, now=TICK)
    before = weights(filled)
    for days in (1, 0.1):
        hit(filled, 7, source=1, days=days)
    Scorer(database=filled, secret=SECRET, policy=PRIVATE, providers=EMPTY).run(now=TICK)
    made.clear()
    trust.weigh(filled, now=TICK)
    assert key_of(7) in made
    assert anew(filled) == weights(filled) == before


def test_everybody_is_made_anew_in_a_month_and_spread_over_it(filled: Database, made: list[bytes]) -> None:
    trust.weigh(filled, now=TICK)
    nights = []
    for number in range(1, AGAIN_DAYS + 1):
        made.clear()
        trust.weigh(filled, now=TICK + number * DAY)
        nights.append(set(made))
    assert set.union(*nights) == {key_of(number) for number in range(EMITTERS)}
    assert max(len(night) for night in nights) < EMITTERS // 2


def test_rows_that_nobody_asks_for_go(filled: Database) -> None:
    trust.weigh(filled, now=TICK)
    with filled.write() as connection:
        connection.execute(sa.delete(event))
    assert retention.sweep(filled, now=TICK)["confirmation"] == 0
    assert retention.sweep(filled, now=TICK + (2 * AGAIN_DAYS + 2) * DAY)["confirmation"] == EMITTERS
