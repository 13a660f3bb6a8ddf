"""Listings by hand: narrow, with an end, and never special-purpose."""

import contextlib

import pytest

from feed.domain.address import parse_address, parse_network
from feed.domain.listing import Code
from feed.domain.policy import PRIVATE
from feed.domain.providers import Providers
from feed.store import controls, evidence, manual, removals, rules
from feed.store.database import Database
from feed.store.manual import ManualError
from tests.factories import NOW, make_event

TICK = int(NOW.timestamp())
EMPTY = Providers.parse("# date: 2026-11-25\n")


def add(database: Database, network: str, code: Code = Code.CONFIRMED, *, minutes: int = 60) -> int:
    with database.write() as connection:
        return manual.add(
            connection, network=parse_network(network), code=code, reason="seen", author="t", now=TICK,
            until_minute=TICK // 60 + minutes,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("203.0.112.0/24", "never a wider network"),
        ("2a00:1450::/48", "never a wider network"),
        ("192.0.2.1", "documentation"),
        ("10.0.0.1", "private use"),
        ("fe80::/64", "link local"),
    ],
)
def test_what_may_never_be_listed_is_refused(database: Database, network: str, words: str) -> None:
    with pytest.raises(ManualError, match=words):
        add(database, network)


def test_listing_without_a_future_is_refused(sqlite: Database) -> None:
    with pytest.raises(ManualError, match="past"):
        add(sqlite, "203.0.112.1", minutes=0)


@pytest.mark.parametrize("reason", ["a canary", "our CANARY address", "Canary-2"])
def test_reason_that_tells_a_canary_is_refused(sqlite: Database, reason: str) -> None:
    with pytest.raises(ManualError, match="is public"), sqlite.write() as connection:
        manual.add(
            connection, network=parse_network("203.0.112.1"), code=Code.CONFIRMED, reason=reason, author="t",
            now=TICK, until_minute=TICK // 60 + 60, canary=True,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("reported", "network", "refused"),
    [
        ("203.0.112.1", "203.0.112.1", True),
        ("203.0.112.2", "203.0.112.1", False),
        ("2a00:1450::9", "2a00:1450::1", True),
        ("2a00:1450:0:1::9", "2a00:1450::/64", False),
    ],
)
def test_address_that_was_reported_is_no_canary(
    database: Database, reported: str, network: str, refused: bool
) -> None:
    """Its honest reporters would pay."""
    with database.write() as connection:
        evidence.add_event(connection, make_event(address=reported))
    expected = pytest.raises(ManualError, match="on file") if refused else contextlib.nullcontext()
    with expected, database.write() as connection:
        manual.add(
            connection, network=parse_network(network), code=Code.CONFIRMED, reason="seen", author="t",
            now=TICK, until_minute=TICK // 60 + 60, canary=True,
        )  # fmt: skip
    with database.read() as connection:
        found = [(str(one.network), one.canary) for one in manual.in_force(connection, minute=TICK // 60)]
    assert found == ([] if refused else [(str(parse_network(network)), True)])


def test_entries_are_added_with_the_stronger_code_and_end_by_themselves(database: Database) -> None:
    add(database, "203.0.112.1", Code.REPORTED)
    add(database, "203.0.112.1", Code.CONFIRMED)
    add(database, "2a00:1450::/64", Code.REPORTED, minutes=30)
    scored = {parse_address("203.0.112.9").packed.rjust(16, b"\0") + b" ": 2}
    minute = TICK // 60
    with database.read() as connection:
        found = manual.added(connection, scored, minute=minute)
        assert sorted(found.values()) == [2, 2, 3]
        assert sorted(key[16] for key in found) == [32, 32, 64]
        assert len(manual.covering(connection, parse_address("2a00:1450::77"), minute=minute)) == 1
        assert manual.covering(connection, parse_address("2a00:1450:0:1::77"), minute=minute) == []
        assert len(manual.added(connection, {}, minute=minute + 30)) == 1
        before = controls.generation(connection)
    with database.write() as connection:
        assert manual.end_expired(connection, now=TICK + 1800) == 1
        assert manual.end_expired(connection, now=TICK + 1800) == 0
        assert controls.generation(connection) == before + 1


def test_accepted_removal_ends_a_listing_by_hand(database: Database) -> None:
    add(database, "203.0.112.1")
    address = parse_address("203.0.112.1")
    for outcome in ("accepted", "nothing"):
        with database.write() as connection:
            current = rules.load(connection, policy=PRIVATE, providers=EMPTY, now=TICK)
            ticket = removals.ask(connection, address=address, rules=current, now=TICK, proof="dns")
            assert ticket.outcome == outcome
            assert manual.in_force(connection, minute=TICK // 60) == []
