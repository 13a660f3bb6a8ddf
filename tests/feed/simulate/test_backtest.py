"""Stored evidence under another policy: the same policy says what happened, others what would have."""

import datetime as dt

import pytest

from feed.domain.address import parse_address
from feed.domain.event import Attestation, RecipientClass
from feed.domain.listing import Code
from feed.domain.policy import COMMUNITY, PRIVATE, Policy, with_overrides
from feed.domain.providers import Providers
from feed.jobs.score import Scorer
from feed.simulate.backtest import BacktestError, Verdict, backtest
from feed.store import evidence, removals, rules
from feed.store.database import Database
from feed.store.secret import Secret
from tests.factories import NOW, make_event, make_reporter

SECRET = Secret(bytes(32))
END = int(NOW.timestamp())
DAY = 86_400
DAYS = 12

CAREFUL = with_overrides(PRIVATE, {"name": "careful", "list_at": 9.0, "bucket_cap": 10.0, "day_cap": 10.0})
WEAK = with_overrides(
    PRIVATE, {"name": "weak", "originals": 1, "originals_instead_of_days": 1, "list_at": 3.0}
)


@pytest.fixture
def lived(database: Database) -> Database:
    """Return a database after twelve days under the private policy, scored every hour."""
    scorer = Scorer(
        database=database, secret=SECRET, policy=PRIVATE, providers=Providers.parse("# date: 2026-11-25\n")
    )
    with database.write() as connection:
        for name in ("one", "two"):
            make_reporter(connection, name, anchor=True)
    start = END - DAYS * DAY
    for hour in range(DAYS * 24 + 1):
        at = start + hour * 3600
        if hour % 24 == 3:
            day = hour // 24
            for octet, days, source in (
                (1, range(2, 11), 1),
                (2, range(1, 3), 1),
                (3, (4,), 2),
                (4, (2, 5), 2),
            ):
                if day in days:
                    _hit(database, at, octet, source)
        scorer.run(now=at)
        if hour == 5 * 24:
            with database.write() as connection:
                current = rules.load(connection, policy=PRIVATE, providers=scorer.providers, now=at)
                address = parse_address("192.0.2.1")
                removals.ask(connection, address=address, rules=current, now=at, proof="address")
    return database


def _hit(database: Database, at: int, octet: int, source: int) -> None:
    when = dt.datetime.fromtimestamp(at, dt.UTC)
    claim = (
        {} if octet == 1 else {"recipient_class": RecipientClass.TAG_MISSING, "attestation": Attestation.U4}
    )
    event = make_event(
        address=f"192.0.2.{octet}", source_id=source, observed_at=when - dt.timedelta(minutes=7),
        received_at=when, **claim,
    )  # fmt: skip
    with database.write() as connection:
        evidence.add_event(connection, event)


def judged(database: Database, policy: Policy, days: int = 30) -> dict[int, Verdict]:
    found = backtest(database, policy, secret=SECRET, days=days, now=END)
    return {int(one.address) & 255: one for one in found}


def test_the_same_policy_tells_what_happened(lived: Database) -> None:
    found = judged(lived, PRIVATE)
    assert sorted(found) == [1, 2, 3, 4]
    assert {number: one.change for number, one in found.items()} == dict.fromkeys(found, "")
    assert all(one.live == one.other for one in found.values())
    assert {one.live.strictest for one in found.values()} == {Code.CONFIRMED, Code.NONE}


def test_other_policies_list_more_or_less(lived: Database) -> None:
    assert {number: one.change for number, one in judged(lived, COMMUNITY).items()} == {
        1: "gone", 2: "gone", 3: "", 4: "gone",
    }  # fmt: skip
    assert {number: one.change for number, one in judged(lived, WEAK).items()} == {
        1: "", 2: "", 3: "added", 4: "",
    }  # fmt: skip
    assert judged(lived, CAREFUL)[2].change == "gone"


def test_only_the_days_asked_for_are_compared(lived: Database) -> None:
    assert judged(lived, COMMUNITY, days=2)[2].change == ""
    assert judged(lived, COMMUNITY, days=2)[1].change == "gone"


def test_an_empty_database_is_refused_in_words(sqlite: Database) -> None:
    with pytest.raises(BacktestError, match="no scored evidence"):
        judged(sqlite, PRIVATE)
