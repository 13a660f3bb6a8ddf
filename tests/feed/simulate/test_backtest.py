"""Stored evidence under another policy: the same policy says what happened, others what would have."""

from typing import Any

import pytest
from sqlalchemy.engine import Connection

from feed.domain.listing import Code
from feed.domain.policy import COMMUNITY, PRIVATE, Policy, with_overrides
from feed.simulate import backtest as replaying
from feed.simulate.backtest import BacktestError, Verdict, backtest
from feed.store.database import Database
from tests.factories import NOW
from tests.feed.simulate.lived import SECRET, live

END = int(NOW.timestamp())

CAREFUL = with_overrides(PRIVATE, {"name": "careful", "list_at": 9.0, "bucket_cap": 10.0, "day_cap": 10.0})
WEAK = with_overrides(
    PRIVATE, {"name": "weak", "originals": 1, "originals_instead_of_days": 1, "list_at": 3.0}
)


@pytest.fixture
def lived(database: Database) -> Database:
    """Return a database after twelve days under the private policy."""
    live(database, end=END)
    return database


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


def test_emitters_are_read_a_page_at_a_time(lived: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = list(backtest(lived, COMMUNITY, secret=SECRET, days=30, now=END))
    told: list[tuple[int, int]] = []
    for size in (1, 2, 4, 5):
        monkeypatch.setattr(replaying, "_PAGE", size)
        found = backtest(
            lived, COMMUNITY, secret=SECRET, days=30, now=END, progress=lambda *done: told.append(done)
        )
        assert list(found) == whole
    assert told[:5] == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]


def test_one_emitter_is_in_memory_at_a_time(lived: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    judged_keys: list[bytes] = []
    judge = replaying._judged

    def noted(connection: Connection, key: bytes, *rest: Any, **named: Any) -> Verdict | None:
        judged_keys.append(key)
        return judge(connection, key, *rest, **named)

    monkeypatch.setattr(replaying, "_judged", noted)
    found = backtest(lived, COMMUNITY, secret=SECRET, days=30, now=END)
    assert not judged_keys
    for number in range(1, 5):
        next(found)
        assert len(judged_keys) == number


def test_an_empty_database_is_refused_in_words(sqlite: Database) -> None:
    with pytest.raises(BacktestError, match="no scored evidence"):
        judged(sqlite, PRIVATE)
