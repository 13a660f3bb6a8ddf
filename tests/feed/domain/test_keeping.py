"""What keeps a listing alive and what does not: echoes, silence, suspension, holds, weak words."""

import dataclasses

import pytest

from feed.domain.evidence import MICRO, Cell, Trust
from feed.domain.listing import ActiveHold, Code, EmitterState, Hold, State, Transition
from feed.domain.policy import COMMUNITY, Policy
from tests.feed.domain.one_emitter import D0, DAY, NOON, T0, cell, log_miss, run, trap, trust_of


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
