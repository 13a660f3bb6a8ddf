"""The live table is the fold of `step`: over any life, in any order, on both databases (scoring.md 7)."""

import dataclasses
import random

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from feed.domain import timeline
from feed.domain.address import emitter_key, parse_address
from feed.domain.event import Channel
from feed.domain.listing import EmitterState
from feed.domain.policy import Policy
from feed.store import evidence, life, replay, states
from feed.store.database import Database
from tests.feed.jobs.lives import END, POLICIES, SECRET, Action, Life, lives

LAW = settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a life is short, shrinking one takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def timeless(state: EmitterState) -> EmitterState:
    """Return a state without what the next tick writes anew."""
    return dataclasses.replace(state, score=0, next_due_at=0, last_evidence_at=0)


@LAW
@given(actions=lives, policy=st.sampled_from(POLICIES))
def test_replayed_life_is_the_live_table(database: Database, actions: list[Action], policy: Policy) -> None:
    world = Life(database, policy)
    world.play(actions)
    world.settle(END)
    told = world.told()
    with database.read() as connection:
        past = replay.past_of(connection, now=END * 60)
        for key in {emitter_key(parse_address(one.address)) for one in actions}:
            row = states.read(connection, key, Channel.MAIN)
            if row is None:
                continue
            assert past is not None
            found = timeline.replay(life.life_of(connection, row, past, SECRET, now=END * 60), until=END)
            assert timeless(found.state) == timeless(row.state)
            assert [
                (one.at, one.from_state, one.to_state, one.to_code, one.cause, one.score)
                for one in (recorded.transition for recorded in found.history)
            ] == told["history"].get((key, Channel.MAIN), [])


@LAW
@given(actions=lives, policy=st.sampled_from(POLICIES), chance=st.randoms(use_true_random=False))
def test_order_and_batching_of_reports_change_nothing(
    database: Database, actions: list[Action], policy: Policy, chance: random.Random
) -> None:
    """Whoever reports first, alone or many in one transaction: the same cells, state and bits."""
    worlds = []
    for shuffled in (False, True):
        world = Life(database, policy)
        events = [world.event(one, n) for n, one in enumerate(actions) if one.what == "event"]
        if shuffled:
            chance.shuffle(events)
        size = chance.randint(1, 5) if shuffled else 1
        for start in range(0, len(events), size):
            with database.write() as connection:
                for one in events[start : start + size]:
                    evidence.add_event(connection, one)
        world.settle(END)
        worlds.append(world.told())
    assert worlds[0] == worlds[1]
