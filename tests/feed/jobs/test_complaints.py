"""What people complained of at other lists, as far as score and store decide it (scoring.md 8, by number)."""

import pytest

from feed.domain.address import emitter_key, parse_address, parse_network
from feed.domain.event import Attestation, Kind, RecipientClass
from feed.domain.evidence import MICRO
from feed.domain.listing import Code, Hold, State
from feed.domain.policy import COMMUNITY, PRIVATE
from feed.jobs import trust
from feed.store import evidence, exemptions, manual, replay, reporters, states
from feed.store.database import Database
from feed.store.manual import ManualError
from tests.factories import make_reporter
from tests.feed.jobs.four_reporters import DAY, EMITTER, HOUR, SECRET, TICK, World, listed


@pytest.fixture(params=[PRIVATE, COMMUNITY], ids=lambda policy: policy.name)
def world(sqlite: Database, request: pytest.FixtureRequest) -> World:
    return World(sqlite, request.param)


def test_01_no_neighbour_is_listed(world: World) -> None:
    for last in range(20):
        world.list_it(address=f"203.0.112.{last}")
        world.list_it(address=f"2a00:1450:0:{last:x}::1")
    world.tick(address="203.0.112.1")
    world.tick(TICK + HOUR, address="203.0.112.1")
    with world.database.read() as connection:
        found = states.published(connection)
    assert len(found) == 40
    assert {key[16] for key in found} == {32, 128}
    with pytest.raises(ManualError, match="never a wider network"), world.database.write() as connection:
        manual.add(
            connection, network=parse_network("203.0.112.0/24"), code=Code.CONFIRMED, reason="all",
            author="t", now=TICK, until_minute=TICK,
        )  # fmt: skip


def test_03_one_autoresponder_never_lists(world: World) -> None:
    for number in range(200):
        world.hit(at=TICK - number * 1800, kind=Kind.AUTO)
    row = world.tick()
    assert row.state.code is not Code.CONFIRMED
    assert world.policy is PRIVATE or row.state.code is Code.NONE


def test_04_and_07_after_a_removal_only_new_evidence_lists_again(world: World) -> None:
    listed(world)
    assert world.remove(TICK + HOUR) == "accepted"
    world.hit(at=TICK + HOUR - 120)
    for days in range(30):
        state = world.tick(TICK + HOUR + days * DAY).state
        assert (state.code, state.score) == (Code.NONE, 0)
    later = TICK + 31 * DAY
    world.hit(at=later)
    world.hit(at=later + 60)
    one_group = world.tick(later + 120).state.code
    assert one_group is Code.NONE or world.policy is PRIVATE
    listed(world, later + 3 * DAY)


def test_06_removed_is_removed_at_once_and_for_fourteen_days(world: World) -> None:
    listed(world)
    world.remove(TICK + HOUR)
    with world.database.read() as connection:
        assert states.published(connection) == {}
    for hours in range(0, 14 * 24, 7):
        assert world.tick(TICK + HOUR + hours * HOUR).state.state is State.PROBATION


def test_08_of_a_64_only_the_one_address_is_listed(world: World) -> None:
    world.list_it(address="2a00:1450::1")
    world.tick(address="2a00:1450::1")
    row = world.tick(TICK + HOUR, address="2a00:1450::2")
    assert (row.state.unit, row.state.address) == (128, parse_address("2a00:1450::1").packed)
    with world.database.read() as connection:
        assert list(states.published(connection)) == [parse_address("2a00:1450::1").packed + bytes((128,))]


def test_09_exemption_that_cannot_be_read_holds(world: World) -> None:
    world.providers = None
    world.list_it()
    world.tick()
    state = world.tick(TICK + DAY).state
    assert (state.code, state.state, state.hold) == (Code.NONE, State.HELD, Hold.SOURCE_FAILED)


def test_10_exemption_beats_every_other_state(world: World) -> None:
    listed(world)
    world.exempt("203.0.112.0/24", at=TICK + HOUR)
    assert world.tick(TICK + HOUR).state.code is Code.NONE
    listed_again = TICK + 2 * DAY
    world.list_it(at=listed_again)
    assert world.tick(listed_again + HOUR).state.state is State.HELD


def test_11_reports_about_what_is_listed_earn_nothing(world: World) -> None:
    with world.database.write() as connection:
        make_reporter(connection, "echo", weight=0)
    for last in range(15):
        world.list_it(address=f"203.0.112.{last}")
    world.tick(address="203.0.112.1")
    world.tick(TICK + HOUR, address="203.0.112.1")
    for last in range(15):
        world.hit(source=5, address=f"203.0.112.{last}", at=TICK + 2 * HOUR)
    trust.weigh(world.database, now=TICK + 3 * HOUR)
    with world.database.read() as connection:
        assert reporters.trust(connection, day=TICK // DAY)[5].weight == 0


def test_12_reports_sent_again_change_nothing(world: World) -> None:
    for number in range(3):
        world.hit(at=TICK - number * 60, original_key=b"a" * 16)
    before = world.tick().state
    for _ in range(50):
        world.hit(at=TICK, original_key=b"a" * 16)
    assert world.tick().state == before


def test_13_wrong_report_is_taken_back_without_a_trace_in_the_score(world: World) -> None:
    world.hit(at=TICK - DAY, source=2)
    before = world.tick().state
    wrong = world.hit(at=TICK, source=1)
    assert world.tick().state.score > before.score
    with world.database.write() as connection:
        assert replay.retract_events(
            connection, emitter_key(wrong.address), [wrong.event_id], secret=SECRET,
            now=TICK + 60,
        )  # fmt: skip
    after = world.tick().state
    assert (after.score, after.state) == (before.score, before.state)


def test_14_nothing_is_listed_four_weeks_after_the_last_evidence(world: World) -> None:
    for days in range(30):
        for source in (1, 2, 3, 4):
            world.hit(at=TICK - days * DAY, source=source)
    world.tick(TICK)
    world.tick(TICK + HOUR)
    state = world.tick(TICK + 19 * DAY).state
    assert state.code is Code.NONE
    assert state.score < MICRO // 2
    assert world.tick(TICK + 28 * DAY + 60).state.code is Code.NONE


def test_16_override_never_edits_the_score(world: World) -> None:
    listed(world)
    world.exempt(EMITTER, at=TICK + HOUR)
    held = world.tick(TICK + HOUR).state
    assert held.state is State.HELD
    with world.database.write() as connection:
        exemptions.end(connection, 1, now=TICK + HOUR)
    assert world.tick(TICK + HOUR).state.score == held.score > 0
    assert world.tick(TICK + 2 * HOUR).state.state is State.LISTED


def test_17_equal_report_on_a_later_day_raises_the_score(world: World) -> None:
    world.hit(at=TICK - DAY, attestation=Attestation.U3, recipient_class=RecipientClass.LOG_MISS)
    before = world.tick().state
    world.hit(at=TICK, attestation=Attestation.U3, recipient_class=RecipientClass.LOG_MISS)
    assert world.tick().state.score > before.score


def test_18_shared_pool_is_held(world: World) -> None:
    world.list_it()
    with world.database.write() as connection:
        for source in (1, 2, 3):
            for days in range(7):
                evidence.add_observation(
                    connection, parse_address(EMITTER), source_id=source, day=TICK // DAY - days,
                    null_n=0, genuine_n=0, seen_24h=100_000, now=TICK,
                )  # fmt: skip
    world.tick()
    state = world.tick(TICK + HOUR).state
    assert (state.code, state.hold) == (Code.NONE, Hold.POOL)
