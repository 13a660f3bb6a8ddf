"""Retraction leaves what a world without those reports would hold, and can be killed at any point."""

import dataclasses
from typing import Any

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from feed.domain.address import emitter_key, parse_address
from feed.domain.listing import EmitterState
from feed.domain.policy import PRIVATE, Policy
from feed.jobs import retract
from feed.store import replay, reporters
from feed.store.database import Database
from tests.feed.jobs.lives import ADDRESSES, DAY, END, POLICIES, SECRET, START, Action, Life, lives

LAW = settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a life is short, shrinking one takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
KEY = emitter_key(parse_address(ADDRESSES[0]))


def suspended(life: Life, source: int) -> None:
    with life.database.write() as connection:
        reporters.suspend(connection, source, now=END * 60)
    life.settle(END)


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
    assert retract.carry_out(database, SECRET, number, now=END * 60).done_at == END * 60
    world.settle(END)
    same(world.told(), wanted)


@LAW
@given(life=lives, data=st.data(), policy=st.sampled_from(POLICIES))
def test_retracted_report_leaves_a_world_without_it(
    database: Database, life: list[Action], data: st.DataObject, policy: Policy
) -> None:
    events = [one for one in life if one.what == "event"]
    if not events:
        return
    gone = data.draw(st.sampled_from(events))
    position = life.index(gone)
    without = Life(database, policy)
    without.play(
        [dataclasses.replace(one, what="nothing") if n == position else one for n, one in enumerate(life)]
    )
    without.settle(END)
    wanted = without.told()
    world = Life(database, policy)
    world.play(life)
    key, day = emitter_key(parse_address(gone.address)), gone.minute // DAY
    with database.write() as connection:
        assert replay.retract_event(
            connection, key, day=day, event_id=position + 1, secret=SECRET, now=END * 60
        )
    with database.write() as connection:
        assert not replay.retract_event(
            connection, key, day=day, event_id=position + 1, secret=SECRET, now=END * 60
        )
    world.settle(END)
    same(world.told(), wanted)
