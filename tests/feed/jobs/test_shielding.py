"""One reporter cannot make a large part of the listings milder by claiming genuine mail."""

import sqlalchemy as sa

from feed.domain.address import parse_address
from feed.domain.listing import Code, State
from feed.domain.policy import COMMUNITY, PRIVATE
from feed.jobs import trust
from feed.store import evidence, floods
from feed.store.database import Database
from feed.store.shielding import SHIELDED_MOST
from feed.store.tables import emitter_state
from tests.factories import NOW, make_reporter

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


def muted(database: Database) -> list[tuple[int, int]]:
    return sorted(trust.mute_floods(database, COMMUNITY, now=TICK))


def registered(database: Database, *names: str, weight: int = 20) -> list[int]:
    with database.write() as connection:
        return [make_reporter(connection, name, weight=weight) for name in names]


def test_word_for_few_listings_counts_and_for_many_it_weighs_nothing(database: Database) -> None:
    (liar,) = registered(database, "liar")
    mixed(database, liar, SHIELDED_MOST)
    assert muted(database) == []
    mixed(database, liar, 1, first=SHIELDED_MOST, day=TODAY - 3)
    assert muted(database) == [(liar, TODAY - 3), (liar, TODAY)]
    assert muted(database) == []
    with database.read() as connection:
        assert floods.muted(connection) == {(liar, TODAY - 3), (liar, TODAY)}


def test_what_another_group_says_too_is_not_said_alone(database: Database) -> None:
    one, other = registered(database, "one", "other")
    mixed(database, one, SHIELDED_MOST + 5)
    mixed(database, other, 5)
    assert muted(database) == []


def test_word_of_a_light_source_shields_nothing_and_backs_nobody(database: Database) -> None:
    (liar,) = registered(database, "liar")
    (light,) = registered(database, "light", weight=COMMUNITY.trusted_weight - 1)
    mixed(database, light, SHIELDED_MOST + 5)
    assert muted(database) == []
    mixed(database, liar, SHIELDED_MOST + 5)
    assert muted(database) == [(liar, TODAY)]


def test_genuine_mail_of_what_is_not_listed_is_nobodys_shield(database: Database) -> None:
    (honest,) = registered(database, "honest")
    mixed(database, honest, 60)
    with database.write() as connection:
        connection.execute(sa.update(emitter_state).values(state=State.WATCH, code=Code.NONE, reason=""))
    assert muted(database) == []


def test_one_provider_alone_is_believed(database: Database) -> None:
    (alone,) = registered(database, "alone")
    mixed(database, alone, 60)
    assert trust.mute_floods(database, PRIVATE, now=TICK) == []


def test_what_an_operator_reviewed_counts(database: Database) -> None:
    (large,) = registered(database, "large")
    mixed(database, large, SHIELDED_MOST + 1)
    assert muted(database) == [(large, TODAY)]
    with database.write() as connection:
        floods.review(connection, large, day=TODAY, author="t", reason="a large provider", now=TICK)
    assert muted(database) == []
