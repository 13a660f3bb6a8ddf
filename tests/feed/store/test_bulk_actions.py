"""Bulk actions: counted before, done one by one with a result each, and undone as if never done."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from feed.domain.address import emitter_key, parse_address, parse_network, unpacked
from feed.domain.event import Attestation, Channel, RecipientClass
from feed.domain.listing import State
from feed.domain.policy import PRIVATE
from feed.domain.providers import Providers
from feed.jobs.bulk_actions import carry_on
from feed.jobs.score import Scorer
from feed.jobs.selfcheck import SelfCheck
from feed.store import bulk_actions, evidence, exemptions, replay, states
from feed.store.bulk_actions import ACTIONS, Action, BulkError, Wanted
from feed.store.database import Database
from feed.store.secret import Secret
from feed.store.tables import audit, event, removal
from tests.factories import NOW, make_event, make_reporter

SECOND = int(NOW.timestamp())
PROVIDERS = Providers.parse("# date: 2026-11-01\n")
ALL = Wanted(network=parse_network("192.0.2.0/24"), words="192.0.2.0/24")
UNTIL = SECOND // 60 + 1440


class World:
    """A database with listed addresses, and the jobs that work on it."""

    def __init__(self, database: Database, secret: Secret) -> None:
        self.database = database
        self.secret = secret
        self.providers: Providers | None = PROVIDERS
        self.now = SECOND
        with database.write() as connection:
            self.sources = [make_reporter(connection, name) for name in ("one", "two")]

    def report(self, address: str, source: int = 0, *, count: int = 3) -> None:
        with self.database.write() as connection:
            for number in range(count):
                at = dt.datetime.fromtimestamp(self.now, dt.UTC)
                evidence.add_event(
                    connection,
                    make_event(
                        source_id=self.sources[source], address=address, recipient_token=number + 1,
                        recipient_class=RecipientClass.TRAP, attestation=Attestation.U4,
                        observed_at=at - dt.timedelta(hours=1 + 24 * number), received_at=at,
                    ),
                )  # fmt: skip

    def score(self, **later: float) -> None:
        self.now += int(dt.timedelta(**later).total_seconds())
        Scorer(
            database=self.database, secret=self.secret, policy=PRIVATE, providers=self.providers
        ).run(now=self.now)  # fmt: skip

    def prepare(self, action: Action, wanted: Wanted = ALL) -> int:
        with self.database.write() as connection:
            return bulk_actions.prepare(
                connection, action, wanted, author="cli:t", reason="because", until_minute=UNTIL, now=self.now
            )

    def start(self, number: int) -> None:
        with self.database.write() as connection:
            bulk_actions.start(connection, number, author="cli:t", now=self.now)

    def undo(self, number: int) -> None:
        with self.database.write() as connection:
            bulk_actions.undo(connection, number, author="cli:t", reason="a slip", now=self.now)

    def work(self, **options: Any) -> int:
        return carry_on(self.database, self.secret, PRIVATE, self.providers, now=self.now, **options)

    def listed(self) -> list[str]:
        with self.database.read() as connection:
            return [str(unpacked(key[:16])) for key in states.published(connection)]

    def results(self, number: int) -> list[tuple[str, str | None, str | None]]:
        with self.database.read() as connection:
            found = bulk_actions.items(connection, number, limit=100)
        return sorted((str(one.network), one.result, one.undo_result) for one in found)

    def rows(self) -> list[Any]:
        """Return the states but for the counter of their inputs."""
        with self.database.read() as connection:
            return [row.state for row in states.after(connection, b"", limit=100)]

    def audit(self) -> list[str]:
        with self.database.read() as connection:
            return list(connection.execute(sa.select(audit.c.action).order_by(audit.c.audit_id)).scalars())


@pytest.fixture
def world(database: Database, secret: Secret) -> Iterator[World]:
    made = World(database, secret)
    for address in ("192.0.2.7", "192.0.2.9", "198.51.100.4", "2001:db8:7::9"):
        made.report(address)
    made.score()
    yield made
    database.dispose()


def test_a_preview_counts_and_changes_nothing(world: World) -> None:
    before, states_before = world.listed(), world.rows()
    number = world.prepare("end")
    assert world.work() == 0
    assert (world.listed(), world.rows(), world.audit()) == (before, states_before, [])
    with world.database.read() as connection:
        assert bulk_actions.find(connection, number).items_n == 2
    assert world.results(number) == [("192.0.2.7/32", None, None), ("192.0.2.9/32", None, None)]


@pytest.mark.parametrize("action", ACTIONS)
def test_done_and_undone_leaves_what_was_before(world: World, action: Action) -> None:
    before, states_before = world.listed(), world.rows()
    number = world.prepare(action)
    world.start(number)
    world.score()
    assert world.work() == 2
    world.score()
    assert sorted(world.listed()) == ["198.51.100.4", "2001:db8:7::9"]
    assert {row[1] for row in world.results(number)} == {"done"}
    world.undo(number)
    assert world.work() == 2
    world.score()
    assert world.listed() == before
    assert {row[2] for row in world.results(number)} == {"undone"}
    assert [(one.state, one.code, one.strikes, one.epoch, one.listed_at) for one in world.rows()] == [
        (one.state, one.code, one.strikes, one.epoch, one.listed_at) for one in states_before
    ]
    assert world.audit().count("bulk_start") == world.audit().count("bulk_undo") == 1
    assert len(world.audit()) == 2 + 2 * 2, "a line for each address, each way"


@pytest.mark.parametrize("action", ACTIONS)
def test_a_listing_that_is_put_back_agrees_with_its_events(world: World, action: Action) -> None:
    number = world.prepare(action)
    world.start(number)
    world.work()
    world.score(minutes=30)
    world.undo(number)
    world.work()
    world.score(minutes=1)
    with world.database.read() as connection:
        assert connection.execute(sa.select(removal)).all() == []
        assert exemptions.in_force(connection, minute=0) == []
    found = SelfCheck(
        database=world.database, secret=world.secret, policy=PRIVATE, providers=PROVIDERS
    ).run(now=world.now)  # fmt: skip
    assert found.clean


@pytest.mark.parametrize("action", ACTIONS)
def test_a_later_replay_tells_the_life_without_what_was_undone(world: World, action: Action) -> None:
    """A retraction tells the whole life anew; a hold that is undone must not come back in it as a strike."""
    world.report("192.0.2.50", count=3)
    world.score()
    world.score(minutes=5)
    number = world.prepare(action, Wanted(network=parse_network("192.0.2.50")))
    world.start(number)
    world.work()
    world.score(minutes=10)
    world.undo(number)
    world.work()
    world.score(minutes=10)
    key = emitter_key(parse_address("192.0.2.50"))
    with world.database.write() as connection:
        first = connection.execute(sa.select(event).where(event.c.emitter_key == key).limit(1)).one()
        assert replay.retract_events(
            connection, key, [first.event_id], secret=world.secret,
            now=world.now,
        )  # fmt: skip
    world.score(minutes=1)
    with world.database.read() as connection:
        row = states.read(connection, key, Channel.MAIN)
    assert row is not None
    assert (row.state.code, row.state.strikes, row.state.epoch) == (2, 1, 0)


def test_what_was_reported_since_is_not_lost_by_undoing(world: World) -> None:
    number = world.prepare("end")
    world.start(number)
    world.work()
    world.score(hours=2)
    world.report("192.0.2.9", count=1)
    world.score()
    world.undo(number)
    world.work()
    world.score()
    assert world.results(number) == [
        ("192.0.2.7/32", "done", "undone"),
        ("192.0.2.9/32", "done", "changed"),
    ]
    assert "192.0.2.9" not in world.listed()


def test_what_is_not_listed_any_more_is_said_so(world: World) -> None:
    first, second = world.prepare("end"), world.prepare("end")
    for number in (first, second):
        world.start(number)
    world.work()
    assert {row[1] for row in world.results(first)} == {"done"}
    assert {row[1] for row in world.results(second)} == {"not listed"}
    world.undo(second)
    assert world.work() == 0, "nothing was done by it, so nothing is undone"
    assert "192.0.2.7" not in world.listed()


def test_a_job_cut_short_goes_on_where_it_was(world: World) -> None:
    number = world.prepare("hold")
    world.start(number)
    times = iter([False, True])
    assert world.work(enough=lambda: next(times)) == 1
    assert [row[1] for row in world.results(number)].count("done") == 1
    assert world.work() == 1
    assert world.work() == 0
    with world.database.read() as connection:
        found = bulk_actions.find(connection, number)
    assert (found.results, found.done_at) == ({"done": 2}, world.now)


def test_undoing_half_way_leaves_the_rest_alone(world: World) -> None:
    number = world.prepare("exempt")
    world.start(number)
    times = iter([False, True])
    world.work(enough=lambda: next(times))
    world.undo(number)
    assert world.work() == 1
    assert sorted(str(row[1:]) for row in world.results(number)) == ["('done', 'undone')", "(None, None)"]
    world.score()
    assert {"192.0.2.7", "192.0.2.9"} <= set(world.listed())


def test_addresses_are_chosen_by_all_that_is_said(world: World) -> None:
    world.report("192.0.2.44", source=1)
    world.score(hours=1)
    minute = world.now // 60
    chosen = [
        (Wanted(source_id=world.sources[1]), ["192.0.2.44/32"]),
        (Wanted(since_minute=minute), ["192.0.2.44/32"]),
        (Wanted(network=parse_network("192.0.2.0/28"), source_id=world.sources[0]),
         ["192.0.2.7/32", "192.0.2.9/32"]),
        (Wanted(network=parse_network("2001:db8::/32")), ["2001:db8:7::9/128"]),
        (Wanted(network=parse_network("2001:db8:7::9")), ["2001:db8:7::9/128"]),
    ]  # fmt: skip
    for wanted, expected in chosen:
        assert [row[0] for row in world.results(world.prepare("hold", wanted))] == expected


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        pytest.param(Wanted(), "say which", id="nothing said"),
        pytest.param(Wanted(network=parse_network("203.0.113.0/24")), "no listed address", id="nobody"),
        pytest.param(Wanted(network=parse_network("192.0.2.0/24"), source_id=2), "no listed", id="both"),
    ],
)
def test_what_cannot_be_chosen(world: World, wanted: Wanted, words: str) -> None:
    with pytest.raises(BulkError, match=words):
        world.prepare("end", wanted)


def test_too_many_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_actions, "MOST", 1)
    with pytest.raises(BulkError, match="more than 1"):
        world.prepare("end")


def test_what_cannot_be_let_go_or_undone(world: World) -> None:
    with pytest.raises(BulkError, match="no such"):
        world.start(99)
    number = world.prepare("hold")
    with pytest.raises(BulkError, match="never let go"):
        world.undo(number)
    world.start(number)
    with pytest.raises(BulkError, match="already"):
        world.start(number)
    world.undo(number)
    with pytest.raises(BulkError, match="about to be"):
        world.undo(number)
    old = world.prepare("hold")
    world.now += bulk_actions.FRESH_S + 1
    with pytest.raises(BulkError, match="older than an hour"):
        world.start(old)


DAY = 86_400


@pytest.mark.parametrize(
    ("action", "days", "term"),
    [
        pytest.param("end", 1, 28, id="a listing would not stand longer than four weeks"),
        pytest.param("hold", 3, 3, id="a hold ends by itself"),
        pytest.param("exempt", 90, 90, id="so does an exemption"),
        pytest.param("exempt", 3650, 365, id="what it did is known for a year"),
    ],
)
def test_undoing_ends_with_what_there_is_to_undo(world: World, action: Action, days: int, term: int) -> None:
    made = [_made(world, action, days=days) for _ in range(2)]
    for number in made:
        world.start(number)
    world.work()
    until = SECOND + term * DAY
    with world.database.read() as connection:
        assert [bulk_actions.find(connection, one).undo_until for one in made] == [until] * 2
    world.now = until - 1
    world.undo(made[0])
    before, trail = world.rows(), world.audit()
    world.now = until
    day = dt.datetime.fromtimestamp(until, dt.UTC).date()
    with pytest.raises(BulkError, match=f"could be undone until {day}"):
        world.undo(made[1])
    assert (world.rows(), world.audit()) == (before, trail)
    with world.database.read() as connection:
        assert bulk_actions.find(connection, made[0]).undo_until is None
        assert bulk_actions.unfinished(connection) == [made[0]]


def _made(world: World, action: Action, *, days: int) -> int:
    with world.database.write() as connection:
        return bulk_actions.prepare(
            connection, action, ALL, author="cli:t", reason="because",
            until_minute=world.now // 60 + days * 1440, now=world.now,
        )  # fmt: skip


def test_a_hold_that_ended_by_hand_meanwhile(world: World) -> None:
    number = world.prepare("hold", Wanted(network=parse_network("192.0.2.7")))
    world.start(number)
    world.work()
    with world.database.write() as connection:
        [held] = exemptions.in_force(connection, minute=world.now // 60)
        exemptions.end(connection, held.exemption_id, now=world.now)
    world.undo(number)
    world.work()
    assert world.results(number) == [("192.0.2.7/32", "done", "ended")]


@pytest.mark.parametrize("action", ["end", "hold"])
def test_what_a_provider_holds_meanwhile_is_not_published_by_undoing(world: World, action: Action) -> None:
    number = world.prepare(action)
    world.start(number)
    world.work()
    world.score(minutes=30)
    world.providers = Providers.parse("# date: 2026-11-25\n192.0.2.0/29 example\n")
    world.undo(number)
    assert world.work() == 2
    assert sorted(world.listed()) == ["192.0.2.9", "198.51.100.4", "2001:db8:7::9"]
    held = {str(one.hold): one.state for one in world.rows() if one.hold}
    assert held == {"2": State.HELD}
    world.score(minutes=1)
    assert sorted(world.listed()) == ["192.0.2.9", "198.51.100.4", "2001:db8:7::9"]
    with world.database.read() as connection:
        changes = states.history(connection, emitter_key(parse_address("192.0.2.7")), Channel.MAIN)
    assert (changes[0].to_state, changes[0].cause) == (State.HELD, "provider")


def test_what_a_pool_guard_holds_meanwhile_is_not_published_by_undoing(world: World) -> None:
    number = world.prepare("hold")
    world.start(number)
    world.work()
    world.score(minutes=30)
    with world.database.write() as connection:
        for source in world.sources:
            evidence.add_observation(
                connection, parse_address("192.0.2.7"), source_id=source, day=world.now // 86_400,
                null_n=0, genuine_n=0, seen_24h=10**7, now=world.now,
            )  # fmt: skip
    world.undo(number)
    world.work()
    assert sorted(world.listed()) == ["192.0.2.9", "198.51.100.4", "2001:db8:7::9"]


def test_nothing_is_put_back_while_the_provider_file_cannot_be_read(world: World) -> None:
    before = world.listed()
    number = world.prepare("hold")
    world.start(number)
    world.work()
    world.score(minutes=30)
    world.undo(number)
    world.providers = None
    assert world.work() == 0
    assert sorted(world.listed()) == ["198.51.100.4", "2001:db8:7::9"]
    world.providers = PROVIDERS
    assert world.work() == 2
    assert world.listed() == before
