"""Retraction leaves what a world without those reports would hold, and can be killed at any point."""

import collections
import dataclasses
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from feed.domain.address import emitter_key, parse_address
from feed.domain.event import Channel
from feed.domain.listing import Code, EmitterState, State
from feed.domain.policy import PRIVATE, Policy
from feed.jobs import retract
from feed.jobs.retract import Retraction
from feed.store import controls, evidence, replay, reporters, states
from feed.store.database import Database
from feed.store.tables import event, transition
from tests.feed.jobs.lives import ADDRESSES, DAY, END, POLICIES, SECRET, START, Action, Life, lives

LAW = settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a life is short, shrinking one takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    print_blob=True,
)
KEY = emitter_key(parse_address(ADDRESSES[0]))


def suspended(life: Life, source: int) -> None:
    with life.database.write() as connection:
        reporters.suspend(connection, source, now=END * 60)
    life.settle(END)


def carried_out(database: Database, number: int, minute: int) -> Retraction:
    return retract.carry_out(database, SECRET, number, clock=lambda: minute * 60)


def same(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Compare two worlds; an emitter of which nothing is left may keep an empty row."""
    for key, state in found["state"].items():
        if key not in wanted["state"]:
            empty = EmitterState(unit=state.unit)
            assert state == empty
            assert key not in found["history"]
    for part in ("history", "cell", "event"):
        assert found[part] == wanted[part]
    for key, state in wanted["state"].items():
        assert found["state"][key] == state


@LAW
@given(life=lives, source=st.integers(1, 3), policy=st.sampled_from(POLICIES))
@example(
    life=[
        Action(START + 10, "event", source=1, number=1),
        Action(START + 2 * DAY, "event", source=2, number=2),
        Action(START + 3 * DAY, "event", source=1, number=3),
    ],
    source=1,
    policy=PRIVATE,
)
@example(  # only its observations mattered: they made a confirmed listing a milder one
    life=[
        Action(START + 2 * DAY, "observation", source=1, number=5),
        Action(START + 2 * DAY + 5, "event", source=2, number=1, back=DAY),
        Action(START + 2 * DAY + 60, "event", source=2, number=2),
    ],
    source=1,
    policy=PRIVATE,
)
def test_retracted_reporter_leaves_a_world_without_it(
    database: Database, life: list[Action], source: int, policy: Policy
) -> None:
    spoke = {"event", "observation"}
    without = Life(database, policy)
    without.play(life, skip=lambda one: one.what in spoke and one.source == source)
    suspended(without, source)
    wanted = without.told()
    world = Life(database, policy)
    world.play(life)
    with database.write() as connection:
        number = retract.begin(connection, source, author="test", reason="lied", now=END * 60)
    assert carried_out(database, number, END).done_at == END * 60
    world.settle(END)
    same(world.told(), wanted)


@LAW
@given(life=lives, choice=st.integers(0, 21), policy=st.sampled_from(POLICIES))
@example(  # of one minute all is judged together, so the weak report left no step of its own
    life=[
        Action(START + 1, "event", source=1, number=0, strength=2, back=1),
        Action(START + 1, "event", source=2, number=1),
        Action(START + 1, "event", source=3, number=2),
        Action(START + 1, "event", source=2, number=3),
    ],
    choice=0,
    policy=PRIVATE,
)
def test_retracted_report_leaves_a_world_without_it(
    database: Database, life: list[Action], choice: int, policy: Policy
) -> None:
    positions = [number for number, one in enumerate(life) if one.what == "event"]
    if not positions:
        return
    position = positions[choice % len(positions)]
    gone = life[position]
    without = Life(database, policy)
    without.play(
        [dataclasses.replace(one, what="nothing") if n == position else one for n, one in enumerate(life)]
    )
    without.settle(END)
    wanted = without.told()
    world = Life(database, policy)
    world.play(life)
    key = emitter_key(parse_address(gone.address))
    with database.write() as connection:
        assert replay.retract_events(connection, key, [position + 1], secret=SECRET, now=END * 60)
    with database.write() as connection:
        assert not replay.retract_events(connection, key, [position + 1], secret=SECRET, now=END * 60)
    world.settle(END)
    same(world.told(), wanted)


def listed(database: Database, *, sources: tuple[int, ...] = (1, 1)) -> Life:
    """Return a world in which the first address is listed by reports of these sources."""
    world = Life(database)
    world.play(
        [
            Action(END - (len(sources) - number) * DAY, "event", source=source, number=number)
            for number, source in enumerate(sources)
        ]
    )
    with database.read() as connection:
        row = states.read(connection, KEY, Channel.MAIN)
    assert row is not None
    assert (row.state.state, row.state.strikes) == (State.LISTED, 1)
    return world


def test_vanished_listing_ends_at_once_is_no_strike_and_stays_in_the_audit(database: Database) -> None:
    listed(database)
    with database.read() as connection:
        before = controls.generation(connection)
        changes = len(states.history(connection, KEY, Channel.MAIN))
    with database.write() as connection:
        number = retract.begin(connection, 1, author="test", reason="lied", now=END * 60)
        assert retract.begin(connection, 1, author="test", reason="twice", now=END * 60) == number
    done = carried_out(database, number, END)
    assert (done.emitters_n, done.ended_n) == (1, 1)
    with database.read() as connection:
        row = states.read(connection, KEY, Channel.MAIN)
        assert row is not None
        assert (row.state.code, row.state.strikes, row.state.listed_at) == (Code.NONE, 0, 0)
        assert states.published(connection) == {}
        assert controls.generation(connection) > before
        assert states.history(connection, KEY, Channel.MAIN) == []
        rows = connection.execute(sa.select(transition).order_by(transition.c.seq)).all()
        assert [one.void_at for one in rows] == [END * 60] * (changes + 1)
        assert (rows[-1].to_state, rows[-1].cause) == (State.VOID, "retraction")
        assert states.ended_since(connection, minute=END) == {KEY}
        assert connection.execute(sa.select(event.c.retracted_at).distinct()).scalars().all() == [END * 60]
        assert reporters.find(connection, 1).suspended


def test_preview_tells_what_would_change_and_changes_nothing(database: Database) -> None:
    world = listed(database)
    before = world.told()
    (found,) = retract.preview(database, SECRET, 1, now=END * 60)
    assert str(found.address) == ADDRESSES[0]
    assert (found.was, found.was_code, found.was_strikes) == (State.LISTED, Code.CONFIRMED, 1)
    assert (found.becomes, found.code, found.strikes) == (State.CLEAR, Code.NONE, 0)
    assert world.told() == before
    assert list(retract.preview(database, SECRET, 3, now=END * 60)) == []


def test_retraction_of_one_of_many_witnesses_keeps_row_and_history(database: Database) -> None:
    world = listed(database, sources=(2, 2, 2, 1))
    before = world.told()
    assert list(retract.preview(database, SECRET, 1, now=END * 60)) == []
    with database.write() as connection:
        number = retract.begin(connection, 1, author="test", reason="lied", now=END * 60)
    assert carried_out(database, number, END).ended_n == 0
    world.settle(END)
    after = world.told()
    assert after["history"] == before["history"]
    assert after["state"][KEY, Channel.MAIN].code is Code.CONFIRMED
    assert len(after["event"]) == 3


def test_steps_within_one_minute_stand_as_they_were_told(database: Database) -> None:
    """A burst is judged several times in its minute; what follows is replayed, the burst is not."""
    begin = END - 10 * DAY
    burst = [Action(begin, "event", source=2, number=number) for number in (1, 2, 3)]
    lie = [Action(END - DAY, "event", source=1, number=number) for number in (4, 5)]
    lie.append(Action(END - 60, "event", source=1, number=6))
    world = Life(database)
    world.play(burst, hasty=True)
    before = world.told()["history"][KEY, Channel.MAIN]
    assert [(one[0], one[1], one[2]) for one in before[:2]] == [
        (begin, State.CLEAR, State.WATCH),
        (begin, State.WATCH, State.LISTED),
    ]
    world = Life(database)
    world.play([*burst, *lie], hasty=True)
    assert world.told()["state"][KEY, Channel.MAIN].strikes == 2
    with database.write() as connection:
        number = retract.begin(connection, 1, author="test", reason="lied", now=END * 60)
    carried_out(database, number, END)
    world.settle(END)
    after = world.told()
    assert after["history"][KEY, Channel.MAIN] == before
    assert after["state"][KEY, Channel.MAIN].strikes == 1
    with database.read() as connection:
        stands = sa.select(transition.c.seq).where(transition.c.void_at.is_(None)).order_by(transition.c.seq)
        assert connection.execute(stands).scalars().all() == list(range(1, len(before) + 1))


def test_report_that_comes_between_plan_and_writing_is_not_lost(database: Database) -> None:
    world = listed(database)
    with database.read() as connection:
        past = replay.past_of(connection, now=END * 60)
        without = replay.Without(source_id=1, until=END * 60)
        made = replay.plan(connection, KEY, without, past=past, secret=SECRET, now=END * 60)
    with database.write() as connection:
        evidence.add_event(connection, world.event(Action(END, "event", source=2, number=5), 77))
    with database.write() as connection:
        assert not replay.carry_out(connection, made, now=END * 60)
    assert len(world.told()["event"]) == 3


def test_an_emitter_that_is_reported_too_fast_keeps_no_other_waiting(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = listed(database)
    with database.write() as connection:
        evidence.add_event(
            connection, world.event(Action(END - 5, "event", source=1, address=ADDRESSES[1], number=7), 90)
        )
        number = retract.begin(connection, 1, author="test", reason="lied", now=END * 60)
    in_time, tries = replay.carry_out, collections.Counter[bytes]()

    def outrun(connection: Connection, made: replay.Plan, *, now: int) -> bool:
        """Let no plan for the first emitter be in time until all others are done."""
        tries[made.key] += 1
        late = made.key == min(tries) and tries[made.key] <= retract.MOST_TRIES
        return False if late else in_time(connection, made, now=now)

    monkeypatch.setattr(replay, "carry_out", outrun)
    done = carried_out(database, number, END)
    assert done.done_at is not None
    assert sorted(tries.values()) == [1, retract.MOST_TRIES + 1]


def test_what_arrives_after_the_retraction_was_asked_is_kept(database: Database) -> None:
    world = listed(database)
    with database.write() as connection:
        number = retract.begin(connection, 1, author="test", reason="lied", now=END * 60)
    with database.write() as connection:
        evidence.add_event(connection, world.event(Action(END + 5, "event", source=1, number=6), 88))
    carried_out(database, number, END + 10)
    assert world.told()["event"] == [89]


def test_removal_stays_a_fact_when_the_listing_that_it_ended_vanishes(database: Database) -> None:
    world = listed(database)
    with database.write() as connection:
        world.remove(connection, ADDRESSES[0], now=END * 60)
    with database.write() as connection:
        number = retract.begin(connection, 1, author="test", reason="lied", now=END * 60 + 60)
    carried_out(database, number, END + 1)
    with database.read() as connection:
        row = states.read(connection, KEY, Channel.MAIN)
    assert row is not None
    assert (row.state.epoch, row.state.strikes, row.state.state) == (1, 0, State.CLEAR)


LIE = [Action(END - days * DAY, "event", source=1, number=days) for days in (12, 11, 10)]
TRUE = [Action(END - days * DAY, "event", source=2, number=days) for days in (2, 1)]
NEARLY = [Action(END - DAY, "event", source=2, number=1)]
AGAIN = [Action(END + 5 + minute, "event", source=2, number=4 + minute, back=1) for minute in (0, 1)]
REMOVAL = Action(END + 3, "removal")


@pytest.mark.parametrize("stopped", [False, True], ids=["clock goes on", "clock is behind"])
@pytest.mark.parametrize(
    ("before", "meanwhile"),
    [
        pytest.param([*LIE, *TRUE], [REMOVAL], id="removal"),
        pytest.param([*LIE, *TRUE], [REMOVAL, *AGAIN], id="removal, reports and a new listing"),
        pytest.param([*LIE, *TRUE], [REMOVAL, Action(END + 4, "removal")], id="two removals"),
        pytest.param(LIE, [REMOVAL], id="removal of what would never have been"),
        pytest.param([*LIE, *TRUE], AGAIN, id="reports"),
        pytest.param([*LIE, *NEARLY], AGAIN, id="reports that list"),
    ],
)
def test_what_happens_while_a_retraction_runs_stands(
    database: Database, before: list[Action], meanwhile: list[Action], *, stopped: bool
) -> None:
    """Many emitters take hours; meanwhile ticks, reports and removals of those to come go on."""
    life = [*before, *meanwhile]

    def go_on(world: Life) -> None:
        world.play(life, skip=lambda one: one.minute < END, end=END + 20)

    def in_the_end(world: Life) -> dict[str, Any]:
        world.settle(END + 30)
        return world.told()

    other = Life(database)
    other.play(life, skip=lambda one: one.minute >= END or (one.what, one.source) == ("event", 1))
    with database.write() as connection:
        reporters.suspend(connection, 1, now=END * 60)
    go_on(other)
    wanted = in_the_end(other)
    world = Life(database)
    world.play(life, skip=lambda one: one.minute >= END)
    with database.write() as connection:
        number = retract.begin(connection, 1, author="test", reason="lied", now=END * 60)
    clock = [END]

    def progress(done: int, _all: int) -> None:
        if not done and clock == [END]:
            go_on(world)
            clock[:] = [END if stopped else END + 20]

    retract.carry_out(database, SECRET, number, clock=lambda: clock[0] * 60, progress=progress)
    same(in_the_end(world), wanted)
    removed = sum(one.what == "removal" for one in meanwhile)
    with database.write() as connection:
        world.remove(connection, ADDRESSES[0], now=(END + 40) * 60)
        row = states.read(connection, KEY, Channel.MAIN)
    assert row is not None
    assert row.state.epoch == removed + 1


def test_no_write_sets_back_the_count_of_accepted_removals(database: Database) -> None:
    world = listed(database)
    with database.write() as connection:
        world.remove(connection, ADDRESSES[0], now=END * 60)
    with database.read() as connection:
        past = replay.past_of(connection, now=END * 60)
        without = replay.Without(source_id=1, until=END * 60)
        made = replay.plan(connection, KEY, without, past=past, secret=SECRET, now=END * 60)
    assert made.replayed is not None
    wrong = dataclasses.replace(made.replayed, state=dataclasses.replace(made.replayed.state, epoch=0))
    before = world.told()
    with database.write() as connection:
        assert not replay.carry_out(connection, dataclasses.replace(made, replayed=wrong), now=END * 60)
    assert world.told()["event"] == before["event"]
