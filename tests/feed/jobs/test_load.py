"""A change of rules that concerns everybody: small transactions, resumed, and nothing urgent waits."""

import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from feed.domain.address import emitter_key, parse_address, parse_network
from feed.domain.event import Channel
from feed.domain.listing import Code, Hold, State
from feed.domain.policy import PRIVATE, Policy, with_overrides
from feed.domain.providers import Providers
from feed.jobs import score
from feed.jobs.publish import publish
from feed.jobs.score import Scorer
from feed.settings import PublishSettings
from feed.snapshot.reader import Snapshot
from feed.store import bulk, exemptions, removals, reporters, rescore, rules, states
from feed.store.database import ROWS_A_WRITE, Database
from feed.store.secret import Secret
from feed.store.tables import emitter_state, transition
from tests.factories import NOW, make_event, make_reporter

SECRET = Secret(bytes(32))
PROVIDERS = Providers.parse("# date: 2026-11-25\n")
TICK = int(NOW.timestamp())
STRICTER = with_overrides(PRIVATE, {"list_at": 6.0})


def address(number: int) -> str:
    return f"203.0.{112 + number // 250}.{number % 250 + 1}"


class Crowd:
    """Emitters that are all listed; `enough_after(n)` lets a run do n transactions."""

    def __init__(self, database: Database, folder: pathlib.Path, *, size: int) -> None:
        self.database = database
        self.size = size
        self.settings = PublishSettings(folder=folder / "snapshots")
        with database.write() as connection:
            for name in ("one", "two"):
                make_reporter(connection, name, anchor=True)
        for first in range(0, size, 100):
            with database.write() as connection:
                bulk.add_events(
                    connection,
                    [
                        make_event(
                            address=address(number), source_id=1 + number % 2, received_at=NOW,
                            observed_at=NOW.replace(day=NOW.day - back, second=0),
                        )
                        for number in range(first, min(first + 100, size))
                        for back in (0, 1)
                    ],
                )  # fmt: skip
        self.scorer(PRIVATE).run(now=TICK)

    def scorer(self, policy: Policy) -> Scorer:
        return Scorer(database=self.database, secret=SECRET, policy=policy, providers=PROVIDERS)

    def listed(self) -> int:
        with self.database.read() as connection:
            return len(states.published(connection))

    def scored_under(self, policy_id: int) -> int:
        with self.database.read() as connection:
            chosen = sa.select(sa.func.count()).select_from(emitter_state)
            return int(connection.execute(chosen.where(emitter_state.c.policy_id == policy_id)).scalar_one())

    def pending(self) -> bool:
        with self.database.read() as connection:
            return rescore.pending(connection)

    def served(self, one: str) -> int:
        file = self.settings.files[self.settings.zone]
        value = Snapshot.open(file.read_bytes()).lookup_address(parse_address(one))
        return value.code if value is not None else 0


def enough_after(transactions: int) -> Callable[[], bool]:
    left = iter(range(transactions - 1))
    return lambda: next(left, None) is None


@pytest.fixture
def crowd(database: Database, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Crowd:
    """Return as many emitters as a hundred transactions score."""
    monkeypatch.setattr(score, "CHUNK", 5)
    return Crowd(database, tmp_path, size=500)


def test_removal_leaves_the_zone_while_a_hundred_times_the_load_is_scored(crowd: Crowd) -> None:
    publish(crowd.database, crowd.settings, now=TICK)
    gone = address(490)
    assert (crowd.listed(), crowd.served(gone)) == (500, 2)
    scorer = crowd.scorer(STRICTER)
    assert scorer.run(now=TICK + 60, enough=enough_after(7)).more
    with crowd.database.write() as connection:
        current = rules.load(connection, policy=STRICTER, providers=PROVIDERS, now=TICK + 60)
        removals.ask(connection, address=parse_address(gone), rules=current, now=TICK + 60, proof="address")
    assert scorer.run(now=TICK + 61, enough=enough_after(7)).more
    publish(crowd.database, crowd.settings, now=TICK + 61)
    assert crowd.served(gone) == 0
    assert crowd.served(address(3)) == 2
    assert crowd.pending()
    assert crowd.scored_under(2) < 100
    assert not scorer.run(now=TICK + 62).more
    assert (crowd.scored_under(2), crowd.listed(), crowd.pending()) == (500, 499, False)


def test_new_evidence_is_judged_before_those_whom_a_change_of_rules_concerns(crowd: Crowd) -> None:
    scorer = crowd.scorer(STRICTER)
    scorer.run(now=TICK + 60, enough=enough_after(3))
    with crowd.database.write() as connection:
        late = [
            make_event(address="203.0.119.9", received_at=NOW, observed_at=NOW.replace(day=day, second=0))
            for day in (NOW.day, NOW.day - 1)
        ]
        bulk.add_events(connection, late)
    scorer.run(now=TICK + 61, enough=enough_after(1))
    with crowd.database.read() as connection:
        row = states.read(connection, emitter_key(parse_address("203.0.119.9")), Channel.MAIN)
    assert row is not None
    assert (row.state.state, row.state.code) == (State.LISTED, Code.CONFIRMED)
    assert crowd.pending()


def test_stopped_at_every_transaction_it_ends_as_in_one_run(crowd: Crowd) -> None:
    scorer = crowd.scorer(STRICTER)
    runs = scored = 0
    while True:
        done = scorer.run(now=TICK + 60, enough=enough_after(1))
        runs, scored = runs + 1, scored + done.scored
        if not done.more:
            break
    assert runs >= 100
    assert scored == crowd.scored_under(2) == 500
    assert crowd.scorer(STRICTER).run(now=TICK + 60).scored == 0
    with crowd.database.read() as connection:
        seqs = connection.execute(
            sa.select(transition.c.emitter_key, sa.func.count()).group_by("emitter_key")
        )
        assert {int(count) for _, count in seqs} == {1}


def test_rules_that_change_again_begin_again(crowd: Crowd) -> None:
    crowd.scorer(STRICTER).run(now=TICK + 60, enough=enough_after(50))
    crowd.scorer(PRIVATE).run(now=TICK + 120, enough=enough_after(50))
    assert crowd.pending()
    crowd.scorer(PRIVATE).run(now=TICK + 120)
    assert (crowd.scored_under(3), crowd.listed()) == (500, 500)


def test_only_those_of_whom_a_changed_reporter_spoke_are_scored_and_each_once(crowd: Crowd) -> None:
    with crowd.database.write() as connection:
        reporters.suspend(connection, 1, now=TICK)
    scored = 0
    scorer = crowd.scorer(PRIVATE)
    while True:
        done = scorer.run(now=TICK + 60, enough=enough_after(1))
        scored += done.scored
        if not done.more:
            break
    assert scored == 250
    with crowd.database.read() as connection:
        codes = {
            bytes(row.emitter_key): (row.score > 0)
            for row in connection.execute(sa.select(emitter_state.c.emitter_key, emitter_state.c.score))
        }
    for number in range(500):
        assert codes[emitter_key(parse_address(address(number)))] == bool(number % 2)


def test_wide_exemption_leaves_the_zones_at_once_and_the_rows_page_by_page(crowd: Crowd) -> None:
    publish(crowd.database, crowd.settings, now=TICK)
    with crowd.database.write() as connection:
        number = exemptions.add(
            connection, network=parse_network("203.0.112.0/23"), kind=Hold.EXEMPT, reason="ours", author="t",
            now=TICK, until_minute=TICK // 60 + 10_000,
        )  # fmt: skip
    publish(crowd.database, crowd.settings, now=TICK + 1)
    assert (crowd.served(address(1)), crowd.served(address(499))) == (0, 0)
    scorer = crowd.scorer(PRIVATE)
    assert scorer.run(now=TICK + 2, enough=enough_after(3)).more
    assert not scorer.run(now=TICK + 3).more
    assert crowd.listed() == 0
    with crowd.database.write() as connection:
        assert exemptions.end(connection, number, now=TICK + 4)
    scorer.run(now=TICK + 4)
    assert crowd.listed() == 500


@pytest.fixture
def rows_a_write(sqlite: Database) -> Iterator[list[int]]:
    """Return the rows of `emitter_state` that each write transaction on SQLite changed."""
    found: list[int] = []

    @sa.event.listens_for(sqlite.engine, "begin")
    def begin(_connection: sa.Connection) -> None:
        found.append(0)

    @sa.event.listens_for(sqlite.engine, "after_cursor_execute")
    def executed(
        _connection: sa.Connection, cursor: Any, statement: str, _values: Any, _context: Any, _many: bool
    ) -> None:
        if statement.startswith("UPDATE emitter_state"):
            found[-1] += cursor.rowcount

    yield found
    sa.event.remove(sqlite.engine, "begin", begin)
    sa.event.remove(sqlite.engine, "after_cursor_execute", executed)


def test_no_write_transaction_holds_more_than_a_thousand_rows(
    sqlite: Database, tmp_path: pathlib.Path, rows_a_write: list[int]
) -> None:
    crowd = Crowd(sqlite, tmp_path, size=1700)
    for change in (STRICTER, with_overrides(STRICTER, {"list_at": 7.0})):
        rows_a_write.clear()
        assert crowd.scorer(change).run(now=TICK + 60).scored == 1700
        assert 1700 <= sum(rows_a_write) <= 3400
        assert max(rows_a_write) <= ROWS_A_WRITE
