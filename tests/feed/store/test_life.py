"""What is read of an emitter's life is all that bore on it, so that a replay tells the same life."""

import pytest

from feed.domain.address import emitter_key, parse_address
from feed.domain.event import Channel
from feed.domain.listing import Code
from feed.jobs import retract
from feed.store import floods, states
from feed.store.database import Database
from tests.feed.jobs.lives import ADDRESSES, DAY, END, SECRET, Action, Life

KEY = emitter_key(parse_address(ADDRESSES[0]))


@pytest.mark.parametrize("cause", [floods.FLOOD, floods.CANARY])
def test_word_of_genuine_mail_counts_on_a_muted_day_in_a_replay_too(database: Database, cause: str) -> None:
    """Who said genuine mail of the emitter and nothing else bears on it by observations alone."""
    day = END // DAY - 3
    genuine = Action(day * DAY + 60, "observation", source=3, number=6)
    lie = [Action((day - 2) * DAY + 60 * number, "event", source=1, number=number) for number in (1, 2, 3)]
    true = [Action(day * DAY + 90 * number, "event", source=2, number=number + 3) for number in (1, 2, 3)]

    def lived(life: list[Action]) -> Life:
        world = Life(database)
        with database.write() as connection:
            floods.mute(connection, 3, day=day, addresses_n=500, now=day * DAY * 60, cause=cause)
        world.play(life)
        return world

    wanted = lived([genuine, *true]).told()
    assert wanted["state"][KEY, Channel.MAIN].code is Code.REPORTED
    world = lived([*lie, genuine, *true])
    assert world.told()["history"] != wanted["history"]
    with database.write() as connection:
        number = retract.begin(connection, 1, author="test", reason="lied", now=END * 60)
    retract.carry_out(database, SECRET, number, clock=lambda: END * 60)
    with database.read() as connection:
        row = states.read(connection, KEY, Channel.MAIN)
    assert row is not None
    assert row.state.code is Code.REPORTED
    assert world.told()["history"] == wanted["history"]
