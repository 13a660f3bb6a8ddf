"""The scoring job on real databases with a clock of the test: from events to states and back."""

import dataclasses
import datetime as dt

import pytest

from feed.domain.address import emitter_key, parse_address, parse_network
from feed.domain.event import Attestation, Channel, Event, Kind, RecipientClass
from feed.domain.listing import NEVER, Code, Hold, State
from feed.domain.policy import COMMUNITY, PRIVATE, Policy
from feed.domain.providers import Providers
from feed.jobs import score
from feed.jobs.score import Scorer
from feed.store import evidence, exemptions, removals, reporters, rules, states
from feed.store.database import Database
from feed.store.secret import Secret
from feed.store.upgrade import upgrade
from tests.factories import NOW, make_event, make_reporter

SECRET = Secret(bytes(32))
NO_PROVIDERS = Providers.parse("# date: 2026-11-25\n")
TICK = int(NOW.timestamp())
HOUR, DAY = 3600, 86_400
ADDRESS = parse_address("192.0.2.66")


class World:
    """One feed with two reporters in groups of their own, both with traps that are anchors."""

    def __init__(
        self, database: Database, policy: Policy = PRIVATE, providers: Providers | None = NO_PROVIDERS
    ) -> None:
        self.database = database
        self.scorer = Scorer(database=database, secret=SECRET, policy=policy, providers=providers)
        with database.write() as connection:
            for name in ("one", "two"):
                make_reporter(connection, name, anchor=True)

    def hit(self, *, days: float = 0.0, source: int = 1, at: int = TICK, **change: object) -> Event:
        when = dt.datetime.fromtimestamp(at, dt.UTC) - dt.timedelta(days=days)
        event = make_event(source_id=source, observed_at=when.replace(second=0), received_at=when, **change)
        with self.database.write() as connection:
            return evidence.add_event(connection, event)

    def tick(self, now: int = TICK) -> states.Row:
        self.scorer.run(now=now)
        return self.row()

    def row(self) -> states.Row:
        with self.database.read() as connection:
            row = states.read(connection, parse_key("192.0.2.66"), Channel.MAIN)
        assert row is not None
        return row

    def remove(self, now: int = TICK) -> str:
        with self.database.write() as connection:
            current = rules.load(
                connection, policy=self.scorer.policy, providers=self.scorer.providers, now=now
            )
            return removals.ask(connection, address=ADDRESS, rules=current, now=now, proof="address").outcome

    def causes(self) -> list[tuple[State, State]]:
        with self.database.read() as connection:
            found = states.history(connection, parse_key("192.0.2.66"), Channel.MAIN)
        return [(change.from_state, change.to_state) for change in reversed(found)]


def parse_key(text: str) -> bytes:
    return emitter_key(parse_address(text))


def test_trap_hits_on_two_days_list_alone_under_the_private_policy(database: Database) -> None:
    world = World(database)
    world.hit(days=1)
    assert world.tick().state.state is State.WATCH
    world.hit()
    state = world.tick().state
    assert (state.state, state.code) == (State.LISTED, Code.CONFIRMED)
    assert world.causes() == [(State.CLEAR, State.WATCH), (State.WATCH, State.LISTED)]


def test_community_waits_for_two_groups_two_traps_two_days_and_the_delay(database: Database) -> None:
    world = World(database, COMMUNITY)
    for number, days in enumerate((0.1, 1.2, 2.2)):
        world.hit(days=days, recipient_token=number + 1)
    assert world.tick().state.state is State.WATCH
    world.hit(days=0.2, source=2, recipient_token=7)
    world.hit(days=1.0, source=2, recipient_token=8)
    pending = world.tick().state
    assert pending.state is State.PENDING
    due_s = pending.next_due_at * 60 - TICK
    assert 10 * 60 <= due_s <= 30 * 60
    assert world.tick(TICK + due_s - 60).state.state is State.PENDING
    listed = world.tick(TICK + due_s).state
    assert (listed.state, listed.code) == (State.LISTED, Code.CONFIRMED)


def test_listing_ends_by_itself(database: Database) -> None:
    world = World(database)
    world.hit(days=1)
    world.hit()
    world.tick()
    state = world.tick(TICK + 28 * DAY + 60).state
    assert (state.code, state.state not in {State.LISTED, State.PENDING}) == (Code.NONE, True)
    assert (State.LISTED, State.EXPIRED) in world.causes()


def test_one_late_tick_equals_many_ticks(sqlite: Database) -> None:
    other = Database(str(sqlite.url).replace("feed.db", "other.db"))
    upgrade(other)
    awake, asleep = World(sqlite), World(other)
    for world in (awake, asleep):
        for days in (0.5, 1, 2):
            world.hit(days=days, original_key=int(days * 2).to_bytes(16, "big"))
        world.tick()
    for hour in range(1, 12 * 24):
        awake.tick(TICK + hour * HOUR)
    asleep.tick(TICK + (12 * 24 - 1) * HOUR)
    assert awake.causes() == asleep.causes()
    assert dataclasses.replace(awake.row().state, score=0) == dataclasses.replace(asleep.row().state, score=0)
    other.dispose()


def test_removal_is_at_once_and_old_evidence_never_counts_again(database: Database) -> None:
    world = World(database)
    world.hit(days=1)
    world.hit()
    world.tick()
    assert world.remove() == "accepted"
    assert world.row().state.code is Code.NONE
    late = world.hit(days=0.5)
    same_minute = world.hit()
    assert (late.epoch, same_minute.epoch) == (0, 0)
    after = world.tick(TICK + HOUR).state
    assert (after.state, after.score) == (State.PROBATION, 0)
    for minutes in (30, 45, 60):
        world.hit(at=TICK + minutes * 60)
    again = world.tick(TICK + 2 * HOUR).state
    assert (again.state, again.code) == (State.LISTED, Code.CONFIRMED)
    assert world.remove(TICK + 2 * HOUR) == "wait"


def test_exemption_removes_at_once_and_nothing_lists_it_again(database: Database) -> None:
    world = World(database)
    world.hit(days=1)
    world.hit()
    world.tick()
    with database.write() as connection:
        exemptions.add(
            connection, network=parse_network("192.0.2.0/24"), kind=Hold.EXEMPT, reason="ours", author="t",
            now=TICK, until_minute=TICK // 60 + 10_000,
        )  # fmt: skip
    held = world.tick().state
    assert (held.state, held.code, held.hold) == (State.HELD, Code.NONE, Hold.EXEMPT)
    world.hit(days=0.01)
    assert world.tick(TICK + 60).state.code is Code.NONE


def test_large_shared_sender_is_held(database: Database) -> None:
    world = World(database, providers=Providers.parse("# date: 2026-11-25\n203.0.112.0/24 example\n"))
    key = parse_key("203.0.112.9")
    for days in (0, 1, 2):
        world.hit(days=days, address="203.0.112.9")
    world.scorer.run(now=TICK)
    with database.read() as connection:
        row = states.read(connection, key, Channel.MAIN)
    assert row is not None
    assert (row.state.state, row.state.hold) == (State.HELD, Hold.PROVIDER)


def test_unreadable_provider_file_holds_additions_and_keeps_what_is_listed(database: Database) -> None:
    world = World(database)
    world.hit(days=1)
    world.hit()
    world.tick()
    world.scorer = dataclasses.replace(world.scorer, providers=None)
    for days in (0, 1, 2):
        world.hit(days=days, address="192.0.2.77")
    assert world.tick(TICK + 60).state.code is Code.CONFIRMED
    with database.read() as connection:
        row = states.read(connection, parse_key("192.0.2.77"), Channel.MAIN)
    assert row is not None
    assert (row.state.state, row.state.hold) == (State.HELD, Hold.SOURCE_FAILED)


def test_server_that_also_sends_genuine_bounces_is_never_confirmed(database: Database) -> None:
    world = World(database)
    with database.write() as connection:
        evidence.add_observation(
            connection, ADDRESS, source_id=1, day=TICK // DAY, null_n=9, genuine_n=3, seen_24h=50
        )
    for days in (0, 1, 2):
        world.hit(days=days)
    state = world.tick().state
    assert (state.state, state.code, state.reason) == (State.LISTED, Code.REPORTED, "mixed")


def test_suspended_reporter_counts_no_more(database: Database) -> None:
    world = World(database)
    world.hit(days=1)
    world.hit()
    world.tick()
    with database.write() as connection:
        reporters.suspend(connection, 1, now=TICK)
    assert world.tick(TICK + 2 * DAY).state.code is Code.NONE


def test_weak_claims_never_list_however_many(database: Database) -> None:
    world = World(database)
    for number in range(60):
        world.hit(
            days=number % 6,
            attestation=Attestation.U1,
            recipient_class=RecipientClass.UNKNOWN,
            source=1 + number % 2,
        )
    assert world.tick().state.state is State.WATCH


def test_other_policy_makes_everybody_due_once(database: Database) -> None:
    world = World(database)
    world.hit(days=1)
    world.hit()
    world.tick()
    world.scorer = dataclasses.replace(world.scorer, policy=COMMUNITY)
    assert world.scorer.run(now=TICK + 60).scored == 1
    assert world.scorer.run(now=TICK + 60).scored == 0


def test_crash_between_two_transactions_loses_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(database)
    for number in range(6):
        for days in (0, 1):
            world.hit(days=days, address=f"192.0.2.{number + 1}")
    monkeypatch.setattr(score, "CHUNK", 2)
    real, calls = states.save, 0

    def dying(*arguments: object, **named: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise RuntimeError("killed")
        real(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(states, "save", dying)
    with pytest.raises(RuntimeError, match="killed"):
        world.scorer.run(now=TICK)
    assert world.scorer.run(now=TICK).scored == 4
    with database.read() as connection:
        assert len(states.published(connection)) == 6
        for number in range(6):
            assert len(states.history(connection, parse_key(f"192.0.2.{number + 1}"), Channel.MAIN)) == 1


def test_idle_rows_cost_nothing(database: Database) -> None:
    world = World(database)
    world.hit(attestation=Attestation.U0)
    world.scorer.run(now=TICK)
    assert world.row().state.next_due_at > TICK // 60
    assert world.scorer.run(now=TICK + 60).scored == 0


def test_callouts_are_counted_and_never_scored(database: Database) -> None:
    world = World(database)
    for days in (0, 1, 2):
        world.hit(days=days, kind=Kind.SAV)
    world.scorer.run(now=TICK)
    with database.read() as connection:
        row = states.read(connection, parse_key("192.0.2.66"), Channel.SAV)
    assert row is not None
    assert (row.state.state, row.state.next_due_at) == (State.CLEAR, NEVER)
