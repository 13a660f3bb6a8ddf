"""The last file is lost while the freeze is on: what was listed before goes on, what came after is held."""

import pathlib

import pytest

from feed.domain.address import emitter_key, parse_address, parse_network
from feed.domain.event import Channel
from feed.domain.listing import Code, EmitterState, State, Transition
from feed.jobs.publish import FREEZE, publish
from feed.settings import PublishSettings
from feed.snapshot.reader import Snapshot
from feed.store import controls, manual, states
from feed.store.controls import Control
from feed.store.database import Database

NOW = 1_795_000_020
OLD, GRAVER, GONE, NEW, HAND, HAND_NEW = (f"192.0.2.{number}" for number in range(1, 7))


@pytest.fixture
def settings(tmp_path: pathlib.Path) -> PublishSettings:
    return PublishSettings(folder=tmp_path / "snapshots")


def put(database: Database, address: str, code: Code, *, at: int) -> None:
    """Put an address into the state and the history that the scoring job gives it."""
    key = emitter_key(parse_address(address))
    to = State.LISTED if code else State.PROBATION
    with database.write() as connection:
        row = states.touch(connection, key, Channel.MAIN, address=key)
        change = Transition(
            at=at // 60,
            from_state=row.state.state,
            to_state=to,
            from_code=row.state.code,
            to_code=code,
            cause="trap",
            score=1,
        )
        states.add_history(connection, key, Channel.MAIN, [change], policy_id=1, trust_id=1)
        new = states.Row(
            key=key, channel=Channel.MAIN, state=EmitterState(state=to, code=code), address=key,
            version=row.version, software=None,
        )  # fmt: skip
        states.save(connection, [new], policy_id=1, trust_id=1)
        controls.next_generation(connection)


def by_hand(database: Database, address: str, *, at: int) -> None:
    with database.write() as connection:
        manual.add(
            connection, network=parse_network(address), code=Code.CONFIRMED, reason="r", author="a", now=at,
            until_minute=NOW // 60 + 10_000, allow_special=True,
        )  # fmt: skip


def served(settings: PublishSettings) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for zone, file in settings.files.items():
        snapshot = Snapshot.open(file.read_bytes())
        for address in (OLD, GRAVER, GONE, NEW, HAND, HAND_NEW):
            value = snapshot.lookup_address(parse_address(address))
            if value is not None:
                found.setdefault(zone, {})[address] = value.code
    return found


def test_lost_file_under_a_freeze_empties_no_zone(database: Database, settings: PublishSettings) -> None:
    hour = 3600
    for address, code in ((OLD, Code.CONFIRMED), (GRAVER, Code.REPORTED), (GONE, Code.CONFIRMED)):
        put(database, address, code, at=NOW - 2 * hour)
    by_hand(database, HAND, at=NOW - 2 * hour)
    publish(database, settings, now=NOW - 2 * hour)
    with database.write() as connection:
        controls.put(connection, FREEZE, Control(value="on", reason="r", author="a", set_at=NOW - hour))
    put(database, NEW, Code.CONFIRMED, at=NOW - 60)
    put(database, GRAVER, Code.CONFIRMED, at=NOW - 60)
    by_hand(database, HAND_NEW, at=NOW - 60)
    put(database, GONE, Code.NONE, at=NOW)
    for file in settings.files.values():
        file.unlink()
    first = publish(database, settings, now=NOW)
    # What became graver under the freeze left the milder list too: less is listed, never more.
    stays = {OLD: 2, HAND: 2}
    assert served(settings) == dict.fromkeys(settings.files, stays)
    assert {one.held_n for one in first} == {3}
    assert {one.alarm for one in first} == {"publication is frozen by the operator"}
    publish(database, settings, now=NOW + 60)
    assert served(settings) == dict.fromkeys(settings.files, stays)
    with database.write() as connection:
        controls.put(connection, FREEZE, Control(value="off", reason="r", author="a", set_at=NOW))
    publish(database, settings, now=NOW + 120)
    everything = stays | {GRAVER: 2, NEW: 2, HAND_NEW: 2}
    assert served(settings) == dict.fromkeys(settings.files, everything)


def test_first_publication_under_a_freeze_is_empty(database: Database, settings: PublishSettings) -> None:
    put(database, OLD, Code.CONFIRMED, at=NOW - 7200)
    with database.write() as connection:
        controls.put(connection, FREEZE, Control(value="on", reason="r", author="a", set_at=NOW - 3600))
    publish(database, settings, now=NOW)
    assert served(settings) == {}
