"""Who alone makes many listings milder is shown to the operator, and counts until he looked."""

import pytest
import sqlalchemy as sa

from feed.domain.address import emitter_key, parse_address
from feed.domain.event import Channel
from feed.domain.listing import Code, State
from feed.domain.policy import COMMUNITY, PRIVATE
from feed.jobs import trust
from feed.store import evidence, floods, reporters, shielding, states
from feed.store.database import Database
from feed.store.shielding import SHIELDED_MOST
from feed.store.tables import emitter_state, reporter
from tests.factories import NOW, make_reporter
from tests.feed.jobs.lives import ADDRESSES, DAY, END, HASTY, Action, Life

TICK = int(NOW.timestamp())
TODAY = TICK // 86_400


def mixed(database: Database, source: int, number: int, *, day: int = TODAY, first: int = 0) -> None:
    """Let a source say genuine mail of `number` listings, which are milder for it."""
    with database.write() as connection:
        for last in range(first, first + number):
            evidence.add_observation(
                connection, parse_address(f"192.0.2.{last}"), source_id=source, day=day, null_n=9,
                genuine_n=3, seen_24h=9, now=day * 86_400,
            )  # fmt: skip
        connection.execute(
            sa.update(emitter_state).values(state=State.LISTED, code=Code.REPORTED, reason="mixed")
        )


def noticed(database: Database) -> list[int]:
    return trust.notice_shields(database, COMMUNITY, now=TICK)


def registered(database: Database, *names: str, weight: int = 20) -> list[int]:
    with database.write() as connection:
        return [make_reporter(connection, name, weight=weight) for name in names]


def believe(database: Database, source: int) -> bool:
    with database.write() as connection:
        return shielding.believe(connection, source, author="t", reason="a large provider", now=TICK)


def test_word_for_few_listings_is_no_question_and_for_many_it_is_one(database: Database) -> None:
    (liar,) = registered(database, "liar")
    mixed(database, liar, SHIELDED_MOST)
    assert noticed(database) == []
    mixed(database, liar, 1, first=SHIELDED_MOST, day=TODAY - 3)
    assert noticed(database) == [liar]
    assert noticed(database) == []
    with database.read() as connection:
        (waiting,) = shielding.waiting(connection)
    assert (waiting.source_id, waiting.listings_n, waiting.set_at) == (liar, SHIELDED_MOST + 1, TICK)
    with database.write() as connection:
        reporters.suspend(connection, liar, now=TICK)
    with database.read() as connection:
        assert shielding.waiting(connection) == []


def test_no_genuine_bounce_is_refused_before_an_operator_looked(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sees most of the mail looks like a liar: without its word listings would be confirmed."""
    monkeypatch.setattr(shielding, "SHIELDED_MOST", 0)
    day = END // DAY - 2
    world = Life(database, HASTY)
    world.play(
        [
            *[
                Action((day - number) * DAY + 60 + source, "event", source=source, number=9 * number + source)
                for number in (4, 3, 2, 1)
                for source in (1, 2, 3)
            ],
            Action(day * DAY, "observation", source=3, number=6),
        ]
    )
    key = emitter_key(parse_address(ADDRESSES[0]))

    def row() -> states.Row:
        world.settle(END)
        with database.read() as connection:
            found = states.read(connection, key, Channel.MAIN)
        assert found is not None
        return found

    before = row().state
    assert (before.code, before.reason) == (Code.REPORTED, "mixed")
    assert trust.mute_floods(database, HASTY, now=END * 60) == []
    assert row().state == before
    assert trust.notice_shields(database, HASTY, now=END * 60) == [3]
    assert row().state == before, "neither its word nor its reports weigh less"
    with database.write() as connection:
        floods.mute(connection, 3, day=day, addresses_n=1, now=END * 60)
    assert row().state.code is Code.REPORTED, "a muted day keeps its word of genuine mail"
    with database.write() as connection:
        reporters.suspend(connection, 3, now=END * 60)
    assert row().state.reason != "mixed", "suspended, it says nothing any more"


def test_what_another_group_says_too_is_not_said_alone(database: Database) -> None:
    one, other = registered(database, "one", "other")
    mixed(database, one, SHIELDED_MOST + 5)
    mixed(database, other, 5)
    assert noticed(database) == []


def test_word_of_a_light_source_shields_nothing_and_backs_nobody(database: Database) -> None:
    (liar,) = registered(database, "liar")
    (light,) = registered(database, "light", weight=COMMUNITY.trusted_weight - 1)
    mixed(database, light, SHIELDED_MOST + 5)
    assert noticed(database) == []
    mixed(database, liar, SHIELDED_MOST + 5)
    assert noticed(database) == [liar]


def test_genuine_mail_of_what_is_not_listed_is_nobodys_shield(database: Database) -> None:
    (honest,) = registered(database, "honest")
    mixed(database, honest, 60)
    with database.write() as connection:
        connection.execute(sa.update(emitter_state).values(state=State.WATCH, code=Code.NONE, reason=""))
    assert noticed(database) == []


def test_one_provider_alone_is_believed(database: Database) -> None:
    (alone,) = registered(database, "alone")
    mixed(database, alone, 60)
    assert trust.notice_shields(database, PRIVATE, now=TICK) == []


def test_whom_an_operator_believes_is_believed_on_the_next_days_too(database: Database) -> None:
    (large,) = registered(database, "large")
    mixed(database, large, SHIELDED_MOST + 1, day=TODAY - 1)
    assert noticed(database) == [large]
    assert believe(database, large)
    assert not believe(database, large)
    mixed(database, large, SHIELDED_MOST + 9)
    assert noticed(database) == []
    assert trust.mute_floods(database, COMMUNITY, now=TICK) == []
    with database.read() as connection:
        assert shielding.waiting(connection) == []
        assert floods.muted(connection) == frozenset()


def test_what_a_believed_source_says_too_its_group_does_not_say_alone(database: Database) -> None:
    first, second = registered(database, "first", "second")
    with database.write() as connection:
        connection.execute(sa.update(reporter).where(reporter.c.source_id == second).values(group_id=first))
    mixed(database, first, SHIELDED_MOST + 1)
    assert noticed(database) == [first]
    believe(database, first)
    mixed(database, second, SHIELDED_MOST + 1)
    assert noticed(database) == []
    mixed(database, second, SHIELDED_MOST + 1, first=100)
    assert noticed(database) == [second]
