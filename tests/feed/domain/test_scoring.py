"""The state machine of one emitter: worked examples, every move, removal and void."""

import dataclasses
from typing import Any

import pytest

from feed.domain.evidence import MICRO, Cell, Standing, Trust
from feed.domain.listing import NEVER, ActiveHold, Code, EmitterState, Hold, Inputs, State, Step, Transition
from feed.domain.policy import COMMUNITY, PRIVATE, Policy
from feed.domain.scoring import remove, step

DAY = 1440
D0 = 20_000
"""A day; tests count days from it."""

T0 = D0 * DAY


def cell(source: int, day: int = 0, **fields: Any) -> Cell:
    """Return a cell of `day` days after D0 with its times at noon unless given."""
    at = T0 + day * DAY + 720
    values: dict[str, Any] = {"first_at": at, "last_at": at, "addr_min": b"a", "addr_max": b"a"}
    return Cell(source_id=source, day=D0 + day, **{"epoch": 0, **values, **fields})


def log_miss(source: int, day: int = 0, n: int = 1, at: int | None = None, **fields: Any) -> Cell:
    """Return a cell of `n` originals of strength 3."""
    moment = T0 + day * DAY + 720 if at is None else at
    values: dict[str, Any] = {
        "points": 3 * MICRO * n,
        "n": n,
        "n_u": (0, 0, 0, n, 0, 0),
        "log_miss_n": n,
        "first_at": moment,
        "last_at": moment,
        "strong_at": moment,
    }
    return cell(source, day, **{**values, **fields})


def trap(source: int, day: int = 0, n: int = 1, at: int | None = None, token: int = 1, **fields: Any) -> Cell:
    """Return a cell of `n` originals of strength 5 at a trap."""
    moment = T0 + day * DAY + 720 if at is None else at
    values: dict[str, Any] = {
        "points": 5 * MICRO * n,
        "n": n,
        "n_u": (0, 0, 0, 0, 0, n),
        "first_at": moment,
        "last_at": moment,
        "strong_at": moment,
        "trap_n": n,
        "trap_first_at": moment,
        "trap_last_at": moment,
        "trap_token_min": token,
        "trap_token_max": token,
    }
    return cell(source, day, **{**values, **fields})


def trust_of(*weights: int, anchors: tuple[int, ...] = ()) -> Trust:
    """Return one source and group for each weight, ids from 1."""
    return {
        source: Standing(source_id=source, group_id=100 + source, weight=weight, anchor=source in anchors)
        for source, weight in enumerate(weights, start=1)
    }


FULL = trust_of(20, 20, 20, 20, 20, 20, 20, 20)
SOLE = trust_of(20)


def run(
    cells: list[Cell],
    tick: int,
    policy: Policy = PRIVATE,
    trust: Trust = FULL,
    *,
    state: EmitterState | None = None,
    holds: tuple[ActiveHold, ...] = (),
    **more: Any,
) -> Step:
    inputs = Inputs(cells=cells, holds=holds, **more)
    return step(state or EmitterState(), inputs, policy, trust, tick)


NOON = T0 + 720


def test_private_one_reporter_two_days_of_log_miss_scores_5_38_and_lists() -> None:
    cells = [log_miss(1, 0), log_miss(1, 1)]
    result = run(cells, NOON + DAY, trust=SOLE).state
    assert result.state is State.LISTED
    assert result.score == 3 * MICRO + 3 * MICRO * 2 ** (-1 / 3) // 1
    assert (result.code, result.reason) == (Code.REPORTED, "reported")


def test_private_the_tour_of_three_originals_over_two_days_with_a_tag_is_confirmed() -> None:
    tagged: dict[str, Any] = {
        "trap_n": 2,
        "trap_first_at": NOON,
        "trap_last_at": NOON,
        "n_u": (0, 0, 0, 0, 2, 0),
    }
    cells = [log_miss(1, 0, n=2, points=8 * MICRO, log_miss_n=0, **tagged), log_miss(1, 1)]
    result = run(cells, NOON + DAY, trust=SOLE)
    assert (result.state.state, result.state.code, result.state.reason) == (
        State.LISTED,
        Code.CONFIRMED,
        "trap",
    )
    assert [(t.from_state, t.to_state, t.cause) for t in result.transitions] == [
        (State.CLEAR, State.LISTED, "trap")
    ]


def test_community_two_reporters_of_weight_0_7_with_three_each_score_11_2() -> None:
    cells = [log_miss(1, 0, n=3), log_miss(2, 0, n=3)]
    result = run(cells, NOON, COMMUNITY, trust_of(14, 14)).state
    assert result.score == 11_200_000
    assert result.state is State.WATCH  # no anchor and fewer than four groups: neither code is earned


def test_community_one_reporter_with_a_million_originals_scores_8() -> None:
    result = run([log_miss(1, 0, n=1_000_000)], NOON, COMMUNITY, SOLE).state
    assert (result.score, result.state) == (8 * MICRO, State.WATCH)


def test_community_two_half_trusted_sources_score_4_8() -> None:
    cells = [log_miss(1, 0, n=9), log_miss(2, 0, n=9)]
    result = run(cells, NOON, COMMUNITY, trust_of(6, 6)).state
    assert (result.score, result.state) == (4_800_000, State.WATCH)


def test_community_two_traps_one_hit_each_wait_for_a_third() -> None:
    trust = trust_of(20, 20, anchors=(1, 2))
    two = [trap(1, 0), trap(2, 1)]
    result = run(two, NOON + DAY, COMMUNITY, trust).state
    assert (result.score, result.state) == (8_968_502, State.WATCH)
    third = run([*two, trap(1, 2)], NOON + 2 * DAY, COMMUNITY, trust)
    assert third.state.state is State.PENDING
    due = third.state.next_due_at
    listed = run([*two, trap(1, 2)], due, COMMUNITY, trust, state=third.state).state
    assert (listed.state, listed.code, listed.reason) == (State.LISTED, Code.CONFIRMED, "anchor")


STRONG_FOUR = [log_miss(source, 0, n=3) for source in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("seed", "delay"),
    [
        pytest.param(0, 10, id="least delay"),
        pytest.param(20, 30, id="most delay"),
        pytest.param(21 * 7 + 5, 15, id="by seed"),
    ],
)
def test_community_publication_waits_ten_minutes_and_up_to_twenty_more(seed: int, delay: int) -> None:
    pending = run(STRONG_FOUR, NOON, COMMUNITY, jitter_seed=seed).state
    assert (pending.state, pending.code, pending.next_due_at) == (State.PENDING, Code.NONE, NOON + delay)
    before = run(STRONG_FOUR, NOON + delay - 1, COMMUNITY, state=pending, jitter_seed=seed).state
    assert before.state is State.PENDING
    after = run(STRONG_FOUR, NOON + delay, COMMUNITY, state=pending, jitter_seed=seed).state
    assert (after.state, after.code, after.listed_at) == (State.LISTED, Code.REPORTED, NOON + delay)


def test_pending_goes_back_to_watch_when_the_evidence_is_retracted() -> None:
    pending = run(STRONG_FOUR, NOON, COMMUNITY).state
    left = run(STRONG_FOUR[:1], NOON + 5, COMMUNITY, state=dataclasses.replace(pending, next_due_at=0))
    assert left.state.state is State.WATCH


def listed_private(tick: int = NOON + DAY) -> tuple[list[Cell], EmitterState]:
    cells = [log_miss(1, 0, n=2), log_miss(1, 1, n=2)]
    state = run(cells, tick, trust=SOLE).state
    assert state.state is State.LISTED
    return cells, state


def test_a_listing_expires_by_score_after_the_minimum_time() -> None:
    cells, state = listed_private()
    assert state.min_until == NOON + DAY + 720
    result = run(cells, state.next_due_at, trust=SOLE, state=state)
    assert [t.to_state for t in result.transitions] == [State.EXPIRED, State.WATCH]
    assert result.transitions[0].cause == "score"
    assert result.transitions[0].score < PRIVATE.delist_at
    before = run(cells, state.next_due_at - 1, trust=SOLE, state=state)
    assert before.state.state is State.LISTED
    assert before.state.score >= PRIVATE.delist_at


@pytest.mark.parametrize(
    ("strikes", "days", "hours"),
    [
        pytest.param(0, 0, 12, id="first"),
        pytest.param(1, 3, 24, id="second: one half-life more"),
        pytest.param(2, 6, 48, id="third"),
        pytest.param(3, 9, 96, id="fourth"),
        pytest.param(7, 9, 96, id="more strikes add nothing"),
    ],
)
def test_each_strike_adds_one_half_life_and_doubles_the_minimum(strikes: int, days: int, hours: int) -> None:
    cells = [log_miss(1, 0, n=2), log_miss(1, 1, n=2)]
    tick = NOON + DAY
    first = run(cells, tick, trust=SOLE).state.next_due_at
    prior = EmitterState(strikes=strikes, strike_at=tick - 89 * DAY)
    state = run(cells, tick, trust=SOLE, state=prior).state
    assert state.strikes == strikes + 1
    assert state.min_until == tick + hours * 60
    assert abs(state.next_due_at - (first + days * DAY)) <= 1


def test_a_strike_older_than_the_window_is_forgotten() -> None:
    cells = [log_miss(1, 0, n=2), log_miss(1, 1, n=2)]
    prior = EmitterState(strikes=3, strike_at=NOON + DAY - 91 * DAY)
    assert run(cells, NOON + DAY, trust=SOLE, state=prior).state.strikes == 1


def test_the_minimum_time_holds_a_listing_whose_score_fell() -> None:
    policy = dataclasses.replace(PRIVATE, min_listed_minutes=6 * DAY, min_listed_most_minutes=6 * DAY)
    cells = [log_miss(1, 0, n=2), log_miss(1, 1, n=2)]
    state = run(cells, NOON + DAY, policy, SOLE).state
    assert state.next_due_at == state.min_until == NOON + 7 * DAY
    late = run(cells, state.min_until - 1, policy, SOLE, state=state).state
    assert late.state is State.LISTED
    assert late.score < policy.delist_at


def test_nothing_is_listed_28_days_after_the_last_strong_evidence() -> None:
    policy = dataclasses.replace(PRIVATE, delist_at=1, watch_at=1)
    cells = [log_miss(1, 0, n=2), log_miss(1, 1, n=2)]
    state = run(cells, NOON + DAY, policy, SOLE).state
    assert state.next_due_at == NOON + 29 * DAY
    ended = run(cells, state.next_due_at, policy, SOLE, state=state)
    assert ended.transitions[0].cause == "hard_cap"


def echoed(days: int, *, echo: int = 1, first: int = 1) -> list[Cell]:
    """Return two traps hit on two days, and one source that reports on each day after them."""
    return [
        trap(1),
        trap(2),
        trap(1, 1, 2),
        trap(2, 1, 2),
        *(log_miss(echo, 1 + n) for n in range(first, days)),
    ]


@pytest.mark.parametrize(
    ("echo", "hours"),
    [
        pytest.param(1, 137, id="one of the two"),  # 5.6 points fall to 1.5
        pytest.param(3, 137, id="a third"),
    ],
)
def test_one_source_that_goes_on_reporting_does_not_keep_a_listing(echo: int, hours: int) -> None:
    """The last evidence of anybody else is of day 1; the echo alone has a full bucket for weeks."""
    trust = trust_of(14, 14, 20, anchors=(1, 2))
    state = run(echoed(1), NOON + DAY + 40, COMMUNITY, trust).state
    ended: list[Transition] = []
    for day in range(2, 20):
        done = run(echoed(day, echo=echo), NOON + day * DAY, COMMUNITY, trust, state=state)
        state, ended = done.state, [*ended, *done.transitions]
    expired = next(one for one in ended if one.to_state is State.EXPIRED)
    assert expired.cause == "quorum"
    assert expired.score >= COMMUNITY.delist_at
    assert (expired.at - (NOON + DAY)) // 60 == hours - 1
    assert state.state is State.WATCH


ECHOES = trust_of(14, 14, 20, 20, anchors=(1, 2))
"""Two of the feed's trap domains, and two reporters who are believed."""


def lived(
    days: int, *more: Cell, trust: Trust = ECHOES, policy: Policy = COMMUNITY
) -> tuple[EmitterState, list[Transition]]:
    """Return where it leads that two traps are hit on two days and sources 3 and 4 repeat each day's zone."""
    said = echoed(1)
    state = run(said, NOON + DAY + 40, policy, trust).state
    moves: list[Transition] = []
    for day in range(2, days):
        if state.state is State.LISTED or day == 2:
            said += [log_miss(3, day), log_miss(4, day)]
        cells = [*said, *(one for one in more if one.day <= D0 + day)]
        done = run(cells, NOON + day * DAY, policy, trust, state=dataclasses.replace(state, next_due_at=0))
        state, moves = done.state, [*moves, *done.transitions]
    return state, moves


def test_a_quorum_of_echoes_keeps_a_listing_for_two_weeks_and_no_longer() -> None:
    state, moves = lived(60)
    assert [(one.to_state, one.cause) for one in moves[:2]] == [
        (State.LISTED, "anchor"),
        (State.EXPIRED, "renewal"),
    ]
    assert moves[1].at - moves[0].at == 14 * DAY
    assert (state.state, state.aside_from, state.aside_to, state.strikes) == (State.CLEAR, D0 + 3, D0 + 16, 0)
    assert State.LISTED not in {one.to_state for one in moves[2:]}


def test_what_ended_unrenewed_is_listed_again_by_later_evidence_alone() -> None:
    four = trust_of(20, 20, 20, 20)
    cells = [log_miss(source, day, n=2) for source in four for day in range(30)]
    first = [one for one in cells if one.day == D0]
    state = run(first, NOON + 1, COMMUNITY, four).state
    state = run(first, state.next_due_at, COMMUNITY, four, state=state).state
    assert state.state is State.LISTED
    end = state.since_at + 14 * DAY
    known = [one for one in cells if one.last_at <= end]
    ended = run(known, end, COMMUNITY, four, state=dataclasses.replace(state, next_due_at=0)).state
    of_before = 4 * 6 * MICRO * 2 ** -(14 * DAY / COMMUNITY.half_life_minutes)  # of the first day, long ago
    assert ended.state is State.WATCH
    assert ended.score == pytest.approx(of_before, rel=0.01)
    late = [*known, log_miss(1, 13, n=9, at=end)]  # it arrives later and is of the time before
    dirty = dataclasses.replace(ended, next_due_at=0)
    assert run(late, end, COMMUNITY, four, state=dirty).state == ended
    hit = dataclasses.replace(four[1], anchor=True)  # an anchor's trap repeats nothing, whenever it was hit
    assert run([*known, trap(1, 13)], end, COMMUNITY, {**four, 1: hit}, state=dirty).state.score > ended.score
    anew = [*late, *(log_miss(source, 15, n=2) for source in four)]
    again = run(anew, NOON + 15 * DAY, COMMUNITY, four, state=dataclasses.replace(ended, next_due_at=0)).state
    assert again.state is State.PENDING
    assert run(anew, again.next_due_at, COMMUNITY, four, state=again).state.strikes == 1


def test_a_trap_that_is_hit_again_renews_a_listing() -> None:
    hits = [trap(source, 1 + n, 1 + n) for n in range(7, 40, 10) for source in (1, 2)]
    state, moves = lived(40, *hits)
    assert (state.state, state.code) == (State.LISTED, Code.CONFIRMED)
    assert State.EXPIRED not in {one.to_state for one in moves}
    assert state.next_due_at <= T0 + 38 * DAY + 720 + 14 * DAY


def test_echoes_keep_nothing_when_those_who_accused_are_suspended() -> None:
    accusers = [log_miss(source, day, n=2) for source in (1, 2, 5, 6) for day in (0, 1)]
    trust = trust_of(20, 20, 20, 20, 20, 20)
    listed = run(accusers, NOON + DAY + 40, COMMUNITY, trust).state
    listed = run(accusers, listed.next_due_at, COMMUNITY, trust, state=listed).state
    assert (listed.state, listed.code) == (State.LISTED, Code.REPORTED)
    repeated = [*accusers, *(log_miss(source, 2, n=9) for source in (3, 4))]
    liars = {source: dataclasses.replace(trust[source], suspended=source in {1, 2, 5, 6}) for source in trust}
    done = run(repeated, NOON + 2 * DAY + 5, COMMUNITY, liars, state=listed)
    assert next((one.to_state, one.cause) for one in done.transitions) == (State.EXPIRED, "renewal")
    assert (done.state.state, done.state.strikes) == (State.CLEAR, 0)
    honest = [*repeated, log_miss(3, -1)]  # somebody believed who spoke before: that is no echo
    assert run(honest, NOON + 2 * DAY + 5, COMMUNITY, liars, state=listed).state.state is State.LISTED


@pytest.mark.parametrize(
    ("left", "state", "cause"),
    [
        pytest.param([], State.CLEAR, "no_evidence", id="nothing"),
        pytest.param([log_miss(5, n=9)], State.WATCH, "taken_back", id="one source, however much it says"),
        pytest.param(
            [log_miss(5), log_miss(6, points=MICRO)], State.WATCH, "taken_back", id="hardly a score"
        ),
        pytest.param([log_miss(5), log_miss(6)], State.LISTED, "", id="what would have kept it"),
    ],
)
def test_a_listing_whose_accusers_are_suspended_ends_within_its_shortest_time(
    left: list[Cell], state: State, cause: str
) -> None:
    trust = trust_of(20, 20, 20, 20, 20, 20)
    cells = [*(log_miss(source, n=3) for source in (1, 2, 3, 4)), *left]
    listed = run(cells, NOON, COMMUNITY, trust).state
    listed = run(cells, listed.next_due_at, COMMUNITY, trust, state=listed).state
    assert listed.state is State.LISTED
    liars = {source: dataclasses.replace(one, suspended=source < 5) for source, one in trust.items()}
    now = listed.since_at + 5
    done = run(cells, now, COMMUNITY, liars, state=dataclasses.replace(listed, next_due_at=0))
    assert [move.cause for move in done.transitions if move.to_state is State.VOID] == (
        [cause] if cause else []
    )
    assert done.state.state is state
    assert done.state.strikes == (state is State.LISTED)


def test_a_hold_in_between_is_no_new_strike() -> None:
    four = trust_of(20, 20, 20, 20)
    cells = [log_miss(source, day, n=2) for source in four for day in range(6)]
    state = run(cells, NOON + 1, COMMUNITY, four).state
    state = run(cells, state.next_due_at, COMMUNITY, four, state=state).state
    hold = ActiveHold(kind=Hold.OPERATOR, until=state.since_at + DAY)
    held = run(
        cells,
        state.since_at + 60,
        COMMUNITY,
        four,
        state=dataclasses.replace(state, next_due_at=0),
        holds=(hold,),
    )
    assert (held.state.state, held.state.strikes) == (State.HELD, 1)
    back = run(cells, hold.until + DAY, COMMUNITY, four, state=held.state, holds=(hold,)).state
    assert (back.state, back.strikes, back.min_until) == (State.LISTED, 1, state.min_until)
    other = run(
        [], state.since_at + 90, COMMUNITY, four, state=dataclasses.replace(held.state, next_due_at=0)
    ).state
    anew = run(
        cells, state.since_at + 95, COMMUNITY, four, state=dataclasses.replace(other, next_due_at=0)
    ).state
    anew = run(cells, anew.next_due_at, COMMUNITY, four, state=anew).state
    assert (other.min_until, anew.state, anew.strikes) == (0, State.LISTED, 2)


@pytest.mark.parametrize(
    ("second", "unit"),
    [
        pytest.param(log_miss(3, n=2), 64, id="a second address that somebody trusted saw well"),
        pytest.param(log_miss(5, n=2), 128, id="of somebody not trusted"),
        pytest.param(cell(3, n=1, n_u=(1, 0, 0, 0, 0, 0)), 128, id="of a worthless report"),
        pytest.param(cell(3, n=1, n_u=(0, 0, 1, 0, 0, 0), points=2 * MICRO), 128, id="of a callout"),
    ],
)
def test_only_what_is_believed_widens_a_listing_to_the_whole_64(second: Cell, unit: int) -> None:
    trust = trust_of(20, 20, 20, 20, 1)
    here = [dataclasses.replace(log_miss(source, n=2), addr_min=b"5", addr_max=b"5") for source in (1, 2, 4)]
    there = dataclasses.replace(second, addr_min=b"9", addr_max=b"9")
    state = run([*here, there], NOON + 1, COMMUNITY, trust, is_ipv6=True).state
    assert (state.unit, state.address) == (unit, b"5" if unit == 128 else b"")


def test_worthless_reports_do_not_put_off_a_removal() -> None:
    """The ladder's quiet hours run from the last strong evidence."""
    strong = [log_miss(1, n=2), log_miss(2, n=2)]
    weak = [
        cell(3, 1, n=1, n_u=(1, 0, 0, 0, 0, 0)),
        cell(3, 2, n=1, n_u=(0, 1, 0, 0, 0, 0), weak_points=MICRO // 2),
    ]
    state = run([*strong, *weak], NOON + 2 * DAY + 1, COMMUNITY, trust_of(20, 20, 1)).state
    assert state.last_evidence_at == NOON
    assert run(weak, NOON + 2 * DAY + 1, COMMUNITY, trust_of(20, 20, 1)).state.last_evidence_at == 0


def test_evidence_dated_ahead_ends_no_listing_and_lists_none_twice() -> None:
    """A clock was set back: what seems to be of later days counts as of now and starts no circle."""
    ahead = [log_miss(source, day, n=3) for source in (1, 2, 3, 4) for day in (2, 3)]
    state = run(ahead, NOON, COMMUNITY, trust_of(20, 20, 20, 20)).state
    done = run(ahead, NOON + 40 * DAY, COMMUNITY, trust_of(20, 20, 20, 20), state=state)
    assert [one.to_state for one in done.transitions].count(State.LISTED) == 1


def test_what_one_hit_and_five_groups_confirmed_stays_so_when_a_group_falls_silent() -> None:
    policy = dataclasses.replace(COMMUNITY, renew_minutes=0)  # so that it stands until the hit is too old
    trust = trust_of(20, 14, 14, 14, 14, anchors=(1,))
    first = [trap(1), *(log_miss(source, n=2) for source in (2, 3, 4, 5))]
    state = run(first, NOON + 40, policy, trust).state
    assert (state.state, state.since_at) == (State.PENDING, NOON + 40)
    state = run(first, state.next_due_at, policy, trust, state=state).state
    assert (state.code, state.reason) == (Code.CONFIRMED, "anchor")
    two = [*first, *(log_miss(source, day, n=2) for source in (2, 3) for day in range(2, 31))]
    later = run(two, NOON + 30 * DAY, policy, trust, state=state)
    assert (later.state.code, later.state.reason) == (Code.CONFIRMED, "anchor")
    assert later.state.next_due_at == NOON + 30 * DAY + 1  # the hit leaves its window
    after = run(two, later.state.next_due_at, policy, trust, state=later.state).state
    assert (after.state, after.code) == (State.LISTED, Code.REPORTED)
    autos = [dataclasses.replace(cell, auto_n=sum(cell.n_u[3:])) for cell in two]
    assert run(autos, NOON + 20 * DAY, policy, trust, state=state).state.code is Code.REPORTED


def test_a_second_source_that_goes_on_too_keeps_a_listing() -> None:
    trust = trust_of(14, 14, 14, anchors=(1, 2))
    state = run(echoed(1), NOON + DAY + 40, COMMUNITY, trust).state
    for day in range(2, 15):
        both = [*echoed(day, echo=3), *(log_miss(2, 3 * n, n=2) for n in range(1, 1 + day // 3))]
        state = run(both, NOON + day * DAY, COMMUNITY, trust, state=state).state
        assert state.state is State.LISTED


def test_each_strike_halves_what_each_group_must_go_on_adding() -> None:
    assert [COMMUNITY.keep_support(strikes) for strikes in range(6)] == [
        1_500_000, 1_500_000, 750_000, 375_000, 187_500, 187_500,
    ]  # fmt: skip


def test_weak_evidence_does_not_keep_a_listing_alive_past_the_cap() -> None:
    policy = dataclasses.replace(PRIVATE, delist_at=MICRO // 10, watch_at=MICRO // 20)
    weak = [cell(1, day, n=4, n_u=(0, 4, 0, 0, 0, 0), weak_points=2 * MICRO) for day in range(2, 30)]
    cells = [log_miss(1, 0, n=2), log_miss(1, 1, n=2), *weak]
    state = run(
        cells,
        NOON + 20 * DAY,
        policy,
        SOLE,
        state=EmitterState(
            state=State.LISTED, code=Code.REPORTED, listed_at=NOON, reason="reported", strikes=1
        ),
    ).state
    assert state.state is State.LISTED
    assert state.next_due_at == NOON + 29 * DAY


@pytest.mark.parametrize("kind", [Hold.EXEMPT, Hold.PROVIDER, Hold.OPERATOR])
def test_a_hold_takes_a_listing_away_at_once(kind: Hold) -> None:
    cells, state = listed_private()
    result = run(cells, NOON + DAY + 1, trust=SOLE, state=state, holds=(ActiveHold(kind=kind),))
    assert (result.state.state, result.state.code, result.state.hold) == (State.HELD, Code.NONE, kind)
    assert result.transitions[0].cause == kind.word


def test_a_failed_exemption_source_holds_additions_only() -> None:
    failed = (ActiveHold(kind=Hold.SOURCE_FAILED, until=NOON + 2 * DAY),)
    cells, state = listed_private()
    kept = run(cells, NOON + DAY + 1, trust=SOLE, state=state, holds=failed).state
    assert kept.state is State.LISTED
    new = run(cells, NOON + DAY, trust=SOLE, holds=failed).state
    assert (new.state, new.hold, new.next_due_at) == (State.HELD, Hold.SOURCE_FAILED, NOON + 2 * DAY)
    after = run(cells, NOON + 2 * DAY, trust=SOLE, state=new, holds=failed).state
    assert (after.state, after.hold) == (State.LISTED, 0)


def test_a_failed_exemption_source_holds_an_upgrade_too() -> None:
    cells, state = listed_private()
    assert state.code is Code.REPORTED
    more = [*cells, trap(1, 2)]
    failed = (ActiveHold(kind=Hold.SOURCE_FAILED, until=NOON + 2 * DAY + 60),)
    dirty = dataclasses.replace(state, next_due_at=0)
    held = run(more, NOON + 2 * DAY, trust=SOLE, state=dirty, holds=failed).state
    assert (held.code, held.next_due_at) == (Code.REPORTED, NOON + 2 * DAY + 60)
    up = run(more, NOON + 2 * DAY + 60, trust=SOLE, state=held, holds=failed)
    assert up.state.code is Code.CONFIRMED
    assert (up.transitions[0].from_code, up.transitions[0].to_code) == (Code.REPORTED, Code.CONFIRMED)


def test_an_exemption_beats_every_other_hold() -> None:
    cells, state = listed_private()
    holds = tuple(ActiveHold(kind=kind) for kind in reversed(Hold))
    assert run(cells, NOON + DAY, trust=SOLE, state=state, holds=holds).state.hold == Hold.EXEMPT


def test_a_hold_without_evidence_leaves_the_address_clear() -> None:
    result = run([], NOON, holds=(ActiveHold(kind=Hold.OPERATOR),)).state
    assert (result.state, result.next_due_at) == (State.CLEAR, NEVER)


def test_an_accepted_removal_is_immediate_and_sets_old_evidence_aside() -> None:
    cells, state = listed_private()
    result = remove(state, NOON + DAY + 30, PRIVATE)
    assert (result.state.state, result.state.code, result.state.epoch) == (State.PROBATION, Code.NONE, 1)
    assert result.state.probation_until == NOON + DAY + 30 + 14 * DAY
    assert [(t.from_state, t.to_state, t.cause) for t in result.transitions] == [
        (State.LISTED, State.PROBATION, "removal")
    ]
    late = [*cells, log_miss(1, 1, n=50, epoch=0)]
    after = run(late, NOON + DAY + 31, trust=SOLE, state=result.state).state
    assert (after.state, after.score, after.next_due_at) == (State.PROBATION, 0, result.state.probation_until)
    end = run(late, after.next_due_at, trust=SOLE, state=after).state
    assert end.state is State.CLEAR


def test_fresh_originals_list_again_in_probation_at_five_points_without_delay() -> None:
    pending = run(STRONG_FOUR, NOON, COMMUNITY).state
    listed = run(STRONG_FOUR, NOON + 60, COMMUNITY, state=pending).state
    removed = remove(listed, NOON + 70, COMMUNITY).state
    fresh = [log_miss(source, 1, n=1, epoch=1, points=3 * MICRO) for source in (1, 2, 3, 4)]
    again = run([*STRONG_FOUR, *fresh], NOON + DAY, COMMUNITY, state=removed).state
    assert (again.state, again.score, again.strikes) == (State.LISTED, 12 * MICRO, 2)
    less = [log_miss(source, 1, n=1, epoch=1, points=3 * MICRO // 2) for source in (1, 2, 3, 4)]
    lower = run([*STRONG_FOUR, *less], NOON + DAY, COMMUNITY, state=removed).state
    assert (lower.state, lower.score) == (State.LISTED, 6 * MICRO)
    alone = run([*STRONG_FOUR, fresh[0]], NOON + DAY, COMMUNITY, state=removed).state
    assert alone.state is State.PROBATION


def test_a_removal_of_what_is_not_published_only_raises_the_epoch() -> None:
    watch = run([log_miss(1)], NOON, trust=SOLE).state
    result = remove(watch, NOON + 1, PRIVATE)
    assert (result.state.state, result.state.epoch, result.transitions) == (State.WATCH, 1, ())
    assert run([log_miss(1)], NOON + 1, trust=SOLE, state=result.state).state.state is State.CLEAR


def test_a_listing_whose_evidence_is_all_gone_is_void_at_once_despite_the_minimum() -> None:
    _, state = listed_private()
    dirty = dataclasses.replace(state, next_due_at=0)
    result = run([], NOON + DAY + 1, trust=SOLE, state=dirty)
    assert [t.to_state for t in result.transitions] == [State.VOID, State.CLEAR]
    assert result.state.strikes == 0


def test_a_genuine_bounce_seen_downgrades_and_its_end_upgrades_again() -> None:
    cells = [trap(1, 0), trap(1, 1, n=2)]
    state = run(cells, NOON + DAY, trust=SOLE).state
    assert state.code is Code.CONFIRMED
    seen = dataclasses.replace(cells[1], observed=True, null_n=100, genuine_n=3)
    mixed = run([cells[0], seen], NOON + DAY + 5, trust=SOLE, state=dataclasses.replace(state, next_due_at=0))
    assert (mixed.state.state, mixed.state.code, mixed.state.reason) == (State.LISTED, Code.REPORTED, "mixed")
    assert mixed.transitions[0].cause == "mixed"
    more = [cells[0], seen, *(trap(1, day, n=2) for day in (6, 12, 18, 24, 27))]
    fresh = dataclasses.replace(mixed.state, next_due_at=0)
    later = run(more, NOON + 27 * DAY, trust=SOLE, state=fresh).state
    assert (later.code, later.next_due_at) == (Code.REPORTED, (D0 + 29) * DAY)
    clean = run(more, later.next_due_at, trust=SOLE, state=later).state
    assert (clean.state, clean.code) == (State.LISTED, Code.CONFIRMED)


@pytest.mark.parametrize(
    ("cells", "is_ipv6", "expected"),
    [
        pytest.param([log_miss(1)], False, (32, b""), id="IPv4"),
        pytest.param([log_miss(1)], True, (128, b"a"), id="one IPv6 address"),
        pytest.param([log_miss(1), log_miss(1, 1, addr_max=b"b")], True, (64, b""), id="two addresses"),
        pytest.param(
            [log_miss(1), log_miss(9, 1, addr_min=b"b", addr_max=b"b")],
            True,
            (128, b"a"),
            id="unknown source",
        ),
    ],
)
def test_published_width(cells: list[Cell], is_ipv6: bool, expected: tuple[int, bytes]) -> None:
    state = run(cells, NOON + DAY, is_ipv6=is_ipv6).state
    assert (state.unit, state.address) == expected


def test_a_trap_confirms_for_its_window_and_not_a_minute_longer() -> None:
    policy = dataclasses.replace(PRIVATE, anchor_window_minutes=2 * DAY)
    cells = [log_miss(1, 0, n=2), trap(1, 1, n=2)]
    state = run(cells, NOON + DAY, policy, SOLE).state
    assert (state.code, state.next_due_at) == (Code.CONFIRMED, NOON + 3 * DAY + 1)
    assert run(cells, NOON + 3 * DAY, policy, SOLE, state=state).state.code is Code.CONFIRMED
    after = run(cells, NOON + 3 * DAY + 1, policy, SOLE, state=state)
    assert (after.state.state, after.state.code) == (State.LISTED, Code.REPORTED)
    assert [(t.at, t.from_code, t.to_code) for t in after.transitions] == [
        (NOON + 3 * DAY + 1, Code.CONFIRMED, Code.REPORTED)
    ]


def test_evidence_dated_after_the_tick_counts_as_made_now() -> None:
    cells = [log_miss(1, 0), log_miss(1, 1)]
    assert run(cells, NOON, trust=SOLE).state.score == 6 * MICRO
    assert run(cells, NOON + DAY // 2, trust=SOLE).state.score < 6 * MICRO


def test_unknown_recipients_keep_a_listing_but_not_its_confirmation() -> None:
    cells = [trap(1, 0), trap(1, 1)]
    state = run(cells, NOON + DAY, trust=SOLE).state
    assert state.code is Code.CONFIRMED
    nsu = cell(1, 7, n=20, n_u=(0, 0, 20, 0, 0, 0), nsu_n=20, nsu_points=40 * MICRO)
    dirty = dataclasses.replace(state, next_due_at=0)
    later = run([*cells, nsu], NOON + 7 * DAY, trust=SOLE, state=dirty)
    assert later.state.score == 8 * MICRO
    assert (later.state.state, later.state.code) == (State.LISTED, Code.REPORTED)
