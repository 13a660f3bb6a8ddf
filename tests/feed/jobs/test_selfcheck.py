"""The self-check finds nothing in what the job wrote, and finds and repairs what was spoilt."""

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from feed.domain.address import emitter_key, parse_address
from feed.domain.event import Channel
from feed.domain.policy import PRIVATE, Policy
from feed.jobs.selfcheck import SELFCHECK, SelfCheck
from feed.store import controls, states
from feed.store.database import Database
from feed.store.tables import cell, emitter_state
from tests.feed.jobs.lives import ADDRESSES, DAY, END, POLICIES, PROVIDERS, SECRET, START, Action, Life, lives

KEY = emitter_key(parse_address(ADDRESSES[0]))
LISTED = [Action(END - 2 * DAY, "event", number=1), Action(END - 10, "event", number=2)]


def check(database: Database, policy: Policy = PRIVATE) -> SelfCheck:
    return SelfCheck(database=database, secret=SECRET, policy=policy, providers=PROVIDERS)


@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(life=lives, policy=st.sampled_from(POLICIES), later=st.integers(0, 3 * DAY))
def test_what_the_job_wrote_is_clean(
    database: Database, life: list[Action], policy: Policy, later: int
) -> None:
    world = Life(database, policy)
    world.play(life)
    world.scorer.run(now=(END + later) * 60)
    found = check(database, policy).run(now=(END + later) * 60)
    assert found.clean, found


@pytest.mark.parametrize(
    ("spoil", "cells", "wrong"),
    [
        (sa.update(cell).values(points=1), 1, 0),
        (sa.delete(cell), 1, 0),
        (sa.update(emitter_state).values(code=0, state=0), 0, 1),
        (sa.update(emitter_state).values(next_due_minute=2**40), 0, 1),
    ],
    ids=["points of a cell", "cells lost", "row says clear", "row is never due"],
)
def test_what_was_spoilt_is_found_and_repaired(
    database: Database, spoil: sa.Executable, cells: int, wrong: int
) -> None:
    world = Life(database)
    world.play(LISTED)
    before = world.told()
    with database.write() as connection:
        connection.execute(spoil)
    found = check(database).run(now=END * 60)
    assert (found.cells, found.states) == (cells, wrong)
    assert found.named == (ADDRESSES[0],)
    world.scorer.run(now=END * 60)
    assert world.told()["cell"] == before["cell"]
    with database.read() as connection:
        row = states.read(connection, KEY, Channel.MAIN)
        mark = controls.get(connection, SELFCHECK)
    assert row is not None
    assert row.state.code == before["state"][KEY, Channel.MAIN].code != 0
    assert mark is not None
    assert mark.set_at == END * 60
    assert check(database).run(now=END * 60).clean


def test_rows_that_wait_for_a_tick_are_no_difference(database: Database) -> None:
    world = Life(database)
    world.play([Action(START, "event")])
    found = check(database).run(now=(END + 40 * DAY) * 60)
    assert found.clean
