"""Those who lie, flood or err meet the answers of the feed: time window, quota, muted days, suspension."""

import dataclasses
import datetime as dt

import pytest

from feed.domain.listing import Code
from feed.domain.policy import COMMUNITY, with_overrides
from feed.simulate.book import Book, MemoryBook
from feed.simulate.door import MOST_AHEAD_MINUTES, NEW_QUOTA, OLDEST_MINUTES, VETTED_QUOTA, Door
from feed.simulate.members import Behaviour, Member
from feed.simulate.outcome import Outcome
from feed.simulate.run import Simulation
from feed.simulate.scenarios import DAY, SCALES, SCENARIOS, USUAL, Scale, Scenario
from feed.simulate.stored import StoredBook
from feed.simulate.traffic import FLOOD_DAYS, Traffic
from feed.simulate.world import Role, World, build, providers_of
from feed.store.database import Database
from ingest import quota
from ingest.mail import judge
from tests.feed.simulate.conftest import SECRET, outcome_of, tiny

FLOODED = Scale(
    reporters=10, emitters=8, mixed=0, innocents=420, pools=0, providers=1, forwarders=0, refusers=1
)
FLOOD = Scenario(name="flood", means="three flood", flooding=30, canaries=0)


def with_floods(world: World, *floods: int) -> World:
    """Return the world with so many claims a day of its flooding reporters."""
    left = list(floods)
    members = tuple(
        dataclasses.replace(member, flood=left.pop(0)) if member.behaviour is Behaviour.FLOODING else member
        for member in world.members
    )
    return dataclasses.replace(world, members=members)


def flooding(world: World) -> dict[int, Member]:
    return {one.source_id: one for one in world.members if one.behaviour is Behaviour.FLOODING}


def test_the_door_has_the_numbers_of_intake() -> None:
    assert dt.timedelta(minutes=OLDEST_MINUTES) == judge.OLDEST
    assert dt.timedelta(minutes=MOST_AHEAD_MINUTES) == judge.MOST_AHEAD
    assert (NEW_QUOTA, VETTED_QUOTA) == (quota.NEW, quota.VETTED)


@pytest.mark.parametrize(
    ("skew", "refusal"),
    [
        pytest.param(0, "", id="right"),
        pytest.param(-OLDEST_MINUTES, "", id="just young enough"),
        pytest.param(-OLDEST_MINUTES - 1, "stale", id="too old"),
        pytest.param(MOST_AHEAD_MINUTES, "", id="a little ahead"),
        pytest.param(MOST_AHEAD_MINUTES + 1, "future", id="ahead"),
    ],
)
def test_a_wrong_clock_is_refused_where_intake_refuses_it(skew: int, refusal: str) -> None:
    member = Member(source_id=4, group_id=4, behaviour=Behaviour.SKEWED)
    now = 20_000 * DAY
    assert Door().refusal(member, now + skew, now) == refusal


def test_a_quota_ends_with_the_day_and_suspension_does_not() -> None:
    door, now = Door(), 20_000 * DAY
    member = Member(source_id=4, group_id=4, behaviour=Behaviour.FLOODING)
    answers = [door.refusal(member, now, now) for _ in range(NEW_QUOTA + 2)]
    assert answers.count("quota") == 2
    assert door.refusal(dataclasses.replace(member, vetted=True), now, now) == ""
    assert door.refusal(member, now + DAY, now + DAY) == ""
    door.suspended.add(4)
    assert door.refusal(member, now + 2 * DAY, now + 2 * DAY) == "suspended"


def test_each_bad_behaviour_lives_in_some_scenario() -> None:
    worlds = [build(1, 3, SCALES["full"], one, alone=False) for one in SCENARIOS.values()]
    assert set(Behaviour) == {member.behaviour for world in worlds for member in world.members}
    assert set(Role) == {host.role for host in worlds[0].hosts}
    assert set(USUAL) <= set(SCENARIOS)
    assert len({member.skew for world in worlds for member in world.members}) > 2


def test_scenarios_differ_by_what_they_say() -> None:
    def hits(name: str) -> float:
        mail = [one for day in range(20) for one in Traffic(tiny(name)).day(day) if not one.genuine]
        return sum(one.source_id <= 3 for one in mail) / len(mail)

    assert hits("traps4") < hits("calm") < hits("traps15")
    starving = tiny("starvation").members
    assert all(member.refuses for member in starving if not member.trap)
    assert not all(member.refuses for member in tiny().members if not member.trap)
    assert not any(member.behaviour is Behaviour.ECHOING for member in tiny("unechoed").members)


def test_a_forwarder_provoked_at_one_trap_and_one_reporter_is_not_confirmed() -> None:
    scale = dataclasses.replace(SCALES["tiny"], emitters=10, forwarders=6)
    world = build(1, 20, scale, SCENARIOS["provoked"], alone=False, warm_up_days=10)
    forwarders = {host.number for host in world.of(Role.FORWARDER)}
    careless = with_overrides(
        COMMUNITY, {"anchor_hits": 1, "anchor_traps": 1, "anchor_days": 1, "anchor_gap_minutes": 0}
    )
    confirmed = [
        {number for number, change in outcome_of(world, policy).changes if change.code is Code.CONFIRMED}
        for policy in (COMMUNITY, careless)
    ]
    assert not forwarders & confirmed[0]
    assert forwarders & confirmed[1]  # what the two trap addresses of the policy are there for


def test_sybils_are_one_group_and_list_nobody() -> None:
    scenario = Scenario(name="sybils", means="half of all", sybils=50)
    world = build(1, 15, SCALES["tiny"], scenario, alone=False, warm_up_days=10)
    sybils = [one for one in world.members if one.behaviour is Behaviour.SYBIL]
    assert len(sybils) == 9
    assert {one.group_id for one in sybils} == {min(one.source_id for one in sybils)}
    outcome = outcome_of(world)
    accused = {one.host for day in range(20, 25) for one in Traffic(world).day(day) if one.claim}
    innocents = {number for number in accused if world.hosts[number].role is Role.INNOCENT}
    assert len(innocents) == 20
    listed = {number for number, change in outcome.changes if change.code is not Code.NONE}
    assert not innocents & listed


def test_a_flood_weighs_nothing_and_its_reporter_is_suspended_in_the_morning() -> None:
    world = build(2, 9, FLOODED, FLOOD, alone=False, warm_up_days=2)
    world = with_floods(world, NEW_QUOTA + 500, 150, 0)
    loud, quiet, _ = flooding(world)
    outcome = outcome_of(world)
    first = world.measured_from // DAY + FLOOD_DAYS[0]
    assert outcome.muted == [(loud, first)]
    assert outcome.suspended == {loud: (first + 1) * DAY + 540}
    assert outcome.turned_away["quota"] >= 500
    assert outcome.turned_away["suspended"] > 1000  # the flood went on against a closed door
    assert quiet not in outcome.suspended
    innocents = {host.number for host in world.of(Role.INNOCENT)}
    assert not innocents & {number for number, change in outcome.changes if change.code is not Code.NONE}


def test_muted_days_and_suspension_are_the_same_on_a_database(sqlite: Database) -> None:
    world = with_floods(build(2, 8, FLOODED, FLOOD, alone=False, warm_up_days=0), 700, 60, 0)
    # Two groups are enough to list, so that some innocents are until the louder one is muted.
    policy = with_overrides(
        COMMUNITY, {"list_at": 4.0, "delist_at": 1.0, "probation_list_at": 2.0, "bucket_cap": 3.5,
                    "reported_groups": 2, "trusted_weight": 0},
    )  # fmt: skip
    books: list[Book] = [
        MemoryBook(policy, secret=SECRET, providers=providers_of(world), canaries=world.canaries),
        StoredBook(sqlite, policy, secret=SECRET, providers=providers_of(world), canaries=world.canaries),
    ]
    memory, stored = (Simulation(world, book, tick_minutes=180).run() for book in books)
    assert told(memory) == told(stored)
    assert memory.muted
    assert memory.suspended


def test_who_repeats_the_zone_is_found_out_by_a_canary_and_by_nothing_else() -> None:
    def found(name: str) -> tuple[set[int], Outcome]:
        world = build(1, 4, SCALES["tiny"], SCENARIOS[name], alone=False, warm_up_days=2)
        echoing = {one.source_id for one in world.members if one.behaviour is Behaviour.ECHOING}
        return echoing, outcome_of(world)

    echoing, outcome = found("calm")
    first = outcome.world.first_at // DAY
    assert echoing
    assert outcome.muted == [(source_id, day) for day in (first, first + 1) for source_id in sorted(echoing)]
    assert outcome.suspended == dict.fromkeys(echoing, first * DAY + DAY + 540)
    echoing, outcome = found("echoed")
    assert echoing
    assert not outcome.muted
    assert not outcome.suspended


def told(outcome: Outcome) -> object:
    return outcome.muted, outcome.suspended, outcome.turned_away, outcome.changes, outcome.left_over
