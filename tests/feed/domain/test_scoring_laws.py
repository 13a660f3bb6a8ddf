"""Laws of `step` over random histories (scoring.md 7)."""

import dataclasses
import random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from feed.domain.evidence import MICRO, Cell, Standing, Trust
from feed.domain.listing import NEVER, ActiveHold, Code, EmitterState, Hold, Inputs, State, Transition
from feed.domain.policy import COMMUNITY, PRIVATE, Policy
from feed.domain.scoring import remove, step
from feed.domain.tally import facts, tally

DAY = 1440
D0 = 20_000
T0 = D0 * DAY
SOURCES = 7

SEVERITY = {Code.NONE: 0, Code.REPORTED: 1, Code.CONFIRMED: 2}

MODEST = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def cells(draw: st.DrawFn, *, days: int = 8, epochs: int = 1) -> Cell:
    """Return one consistent cell: its sums, counts and times could come from originals."""
    day = draw(st.integers(0, days - 1))
    n_u = tuple(draw(st.lists(st.integers(0, 3), min_size=6, max_size=6)))
    nsu_n = draw(st.sampled_from([0, 0, 4, 5, 9]))
    strong_n = n_u[3] + n_u[4] + n_u[5]
    trap_n = draw(st.integers(0, n_u[4] + n_u[5]))
    first = (D0 + day) * DAY + draw(st.integers(0, DAY - 1))
    last = draw(st.integers(first, (D0 + day + 1) * DAY - 1))
    token = draw(st.integers(0, 2))
    observed = draw(st.booleans())
    return Cell(
        source_id=draw(st.integers(1, SOURCES)),
        day=D0 + day,
        epoch=draw(st.integers(0, epochs - 1)),
        points=MICRO
        * (2 * n_u[2] + 3 * n_u[3] + 4 * n_u[4] + 5 * n_u[5])
        // draw(st.sampled_from([1, 1, 2])),
        weak_points=MICRO // 2 * n_u[1],
        nsu_points=2 * MICRO * nsu_n,
        nsu_n=nsu_n,
        n=sum(n_u) + nsu_n,
        n_u=(n_u[0], n_u[1], n_u[2] + nsu_n, n_u[3], n_u[4], n_u[5]),
        log_miss_n=n_u[3],
        auto_n=draw(st.integers(0, strong_n)),
        first_at=first,
        last_at=last,
        strong_at=last if strong_n else 0,
        trap_n=trap_n,
        trap_first_at=first if trap_n else 0,
        trap_last_at=last if trap_n else 0,
        trap_token_min=token if trap_n else 0,
        trap_token_max=token + draw(st.integers(0, 1)) if trap_n else 0,
        observed=observed,
        null_n=draw(st.integers(0, 60)) if observed else 0,
        genuine_n=draw(st.sampled_from([0, 0, 0, 1, 3])) if observed else 0,
        seen_24h=draw(st.sampled_from([0, 0, 400, 3000])) if observed else 0,
        addr_min=b"a",
        addr_max=draw(st.sampled_from([b"a", b"a", b"b"])),
        kinds=1 << 4,
    )


def one_a_key(found: list[Cell]) -> list[Cell]:
    return list({(cell.source_id, cell.day, cell.epoch): cell for cell in found}.values())


histories = st.lists(cells(), min_size=1, max_size=14).map(one_a_key)

holds = st.lists(
    st.builds(
        ActiveHold,
        kind=st.sampled_from(Hold),
        until=st.one_of(st.just(NEVER), st.integers(T0, T0 + 40 * DAY)),
    ),
    max_size=1,
)


@st.composite
def trusts(draw: st.DrawFn) -> Trust:
    return {
        source: Standing(
            source_id=source,
            group_id=draw(st.sampled_from([source, source, 1])),
            weight=draw(st.sampled_from([20, 20, 14, 10, 5, 0])),
            anchor=draw(st.booleans()),
            suspended=draw(st.sampled_from([False, False, False, True])),
        )
        for source in range(1, SOURCES + 1)
    }


@st.composite
def inputs(draw: st.DrawFn) -> Inputs:
    return Inputs(
        cells=draw(histories),
        holds=draw(holds),
        jitter_seed=draw(st.integers(0, 50)),
        is_ipv6=draw(st.booleans()),
        trusted_groups=draw(st.integers(0, 30)),
    )


# With the built-in numbers most windows end long after a listing did; these make every one of them matter.
HASTY = {
    "watch_at": MICRO // 50,
    "delist_at": MICRO // 10,
    "half_life_minutes": 6 * DAY,
    "evidence_days": 6,
    "hard_cap_minutes": 5 * DAY,
    "support_minutes": 3 * DAY,
    "anchor_window_minutes": 2 * DAY,
    "guard_days": 2,
    "genuine_days": 4,
    "genuine_groups": 1,
    "pool_groups": 1,
    "reported_groups": 1,
    "confirm_by_log_miss": True,
    "min_listed_minutes": 60,
    "renew_minutes": 3 * DAY,
}
policies = st.sampled_from(
    [
        PRIVATE,
        COMMUNITY,
        dataclasses.replace(PRIVATE, **HASTY),  # type: ignore[arg-type]
        dataclasses.replace(COMMUNITY, **HASTY),  # type: ignore[arg-type]
        dataclasses.replace(COMMUNITY, **HASTY | {"confirm_groups": 2, "confirm_by_log_miss": False}),  # type: ignore[arg-type]
    ]
)
priors = st.builds(
    EmitterState,
    strikes=st.integers(0, 4),
    strike_at=st.integers(T0 - 100 * DAY, T0),
    next_due_at=st.just(0),
)


def resting(state: EmitterState) -> tuple[object, ...]:
    """Return what may change at due minutes only."""
    timeless = dataclasses.replace(state, score=0, last_evidence_at=0)
    return dataclasses.astuple(timeless)


@MODEST
@given(
    inputs(),
    policies,
    trusts(),
    priors,
    st.integers(0, 9 * DAY),
    st.lists(st.integers(0, 60 * DAY), min_size=2, max_size=4),
)
def test_catch_up_equals_awake(
    given_inputs: Inputs, policy: Policy, trust: Trust, prior: EmitterState, start: int, ticks: list[int]
) -> None:
    first = step(prior, given_inputs, policy, trust, T0 + start)
    times = sorted(T0 + start + more for more in ticks)
    awake = first.state
    seen: list[Transition] = []
    for tick in times:
        one = step(awake, given_inputs, policy, trust, tick)
        awake = one.state
        seen += one.transitions
    slept = step(first.state, given_inputs, policy, trust, times[-1])
    assert slept.state == awake
    assert list(slept.transitions) == seen


@MODEST
@given(inputs(), policies, trusts(), priors, st.integers(0, 9 * DAY))
def test_no_listing_outlives_what_it_cannot_have_caused(
    given_inputs: Inputs, policy: Policy, trust: Trust, prior: EmitterState, start: int
) -> None:
    """Whatever else is reported while it stands: a trap hit or its own beginning lies within the time."""
    first = step(prior, given_inputs, policy, trust, T0 + start)
    last = step(first.state, given_inputs, policy, trust, T0 + start + 90 * DAY)
    hits = [cell.trap_last_at for cell in given_inputs.cells if cell.trap_n and trust[cell.source_id].anchor]
    listed_at = None
    for move in (*first.transitions, *last.transitions):
        if move.to_state is State.LISTED and move.from_state is not State.LISTED:
            listed_at = move.at
        elif listed_at is not None and move.to_state is not State.LISTED:
            if policy.renew_minutes:
                assert move.at <= max([listed_at, *hits]) + policy.renew_minutes
            listed_at = None
    assert last.state.state is not State.LISTED


@MODEST
@given(inputs(), policies, trusts(), priors, st.integers(0, 9 * DAY), st.randoms(use_true_random=False))
def test_due_minutes_are_exact(
    given_inputs: Inputs, policy: Policy, trust: Trust, prior: EmitterState, start: int, chance: random.Random
) -> None:
    """Judged as dirty at any minute before the due one, nothing changes; at the due one something does."""
    state = step(prior, given_inputs, policy, trust, T0 + start).state
    now = T0 + start
    for _ in range(30):
        due = state.next_due_at
        end = min(due, now + 90 * DAY)
        for tick in {end - 1, *(chance.randint(now, end - 1) for _ in range(6)), now + 1}:
            if now < tick < end:
                dirty = dataclasses.replace(state, next_due_at=0)
                again = step(dirty, given_inputs, policy, trust, tick)
                assert not again.transitions
                if state.state is not State.CLEAR:
                    assert resting(again.state) == resting(state)
        if due >= NEVER:
            return
        after = step(state, given_inputs, policy, trust, due)
        assert resting(after.state) != resting(
            dataclasses.replace(state, next_due_at=after.state.next_due_at)
        )
        state, now = after.state, due
    pytest.fail("too many changes without input")


@MODEST
@given(histories, cells(), policies, trusts(), st.integers(0, 20 * DAY))
def test_more_evidence_never_lowers_the_score(
    history: list[Cell], more: Cell, policy: Policy, trust: Trust, tick: int
) -> None:
    assume(all((c.source_id, c.day) != (more.source_id, more.day) for c in history))
    base, grown = (
        facts(tally(found, trust, policy, epoch=0, tick=T0 + tick), policy, T0 + tick).score
        for found in (history, [*history, more])
    )
    # A new day in between splits one decay in two, each rounded down.
    assert grown >= base - 2


@MODEST
@given(histories, policies, trusts(), st.integers(0, 50 * DAY), st.integers(0, 50 * DAY))
def test_the_score_never_rises_by_itself(
    history: list[Cell], policy: Policy, trust: Trust, tick: int, later: int
) -> None:
    scores = [
        facts(tally(history, trust, policy, epoch=0, tick=now), policy, now).score
        for now in (T0 + tick, T0 + tick + later)
    ]
    assert scores[1] <= scores[0]


@MODEST
@given(inputs(), policies, trusts(), st.integers(0, 12 * DAY), st.randoms(use_true_random=False))
def test_the_order_of_cells_is_nothing(
    given_inputs: Inputs, policy: Policy, trust: Trust, tick: int, chance: random.Random
) -> None:
    shuffled = list(given_inputs.cells)
    chance.shuffle(shuffled)
    other = dataclasses.replace(given_inputs, cells=shuffled)
    assert step(EmitterState(), given_inputs, policy, trust, T0 + tick) == step(
        EmitterState(), other, policy, trust, T0 + tick
    )


@MODEST
@given(histories, st.integers(0, 12 * DAY), st.integers(0, 1))
def test_one_group_alone_never_gets_beyond_watch_in_a_community(
    history: list[Cell], tick: int, epoch: int
) -> None:
    trust = {
        source: Standing(source_id=source, group_id=1, weight=20, anchor=True)
        for source in range(1, SOURCES + 1)
    }
    prior = EmitterState(epoch=epoch, probation_until=T0 + 20 * DAY if epoch else 0)
    of_epoch = [dataclasses.replace(cell, epoch=epoch) for cell in history]
    state = step(prior, Inputs(cells=of_epoch), COMMUNITY, trust, T0 + tick).state
    assert state.score <= 8 * MICRO
    assert state.state in {State.CLEAR, State.WATCH, State.HELD, State.PROBATION}


@MODEST
@given(histories, priors, st.integers(8, 12))
def test_one_group_alone_never_keeps_a_listing_in_a_community(
    history: list[Cell], prior: EmitterState, start: int
) -> None:
    """All others fell silent by day 8, the first reports each day: some half-lives later it ends."""
    trust = {s: Standing(source_id=s, group_id=s, weight=20, anchor=True) for s in range(1, SOURCES + 1)}
    others = [dataclasses.replace(cell, seen_24h=0) for cell in history if cell.source_id > 1]
    state = prior
    for day in range(start, start + 22):
        echo = [
            Cell(
                source_id=1, day=D0 + n, epoch=0, points=9 * MICRO, n=3, n_u=(0, 0, 0, 3, 0, 0), log_miss_n=3,
                first_at=(D0 + n) * DAY, last_at=(D0 + n) * DAY, strong_at=(D0 + n) * DAY,
                addr_min=b"a", addr_max=b"a",
            )
            for n in range(day + 1)
        ]  # fmt: skip
        state = step(state, Inputs(cells=[*others, *echo]), COMMUNITY, trust, (D0 + day) * DAY + 600).state
    assert state.state is not State.LISTED


@MODEST
@given(inputs(), policies, trusts(), st.integers(0, 9 * DAY), st.integers(1, SOURCES), st.integers(0, 60))
def test_what_speaks_for_an_address_never_raises_score_or_code(
    given_inputs: Inputs, policy: Policy, trust: Trust, tick: int, source: int, genuine: int
) -> None:
    def seen(cell: Cell) -> Cell:
        if cell.source_id != source or not cell.observed:
            return cell
        return dataclasses.replace(cell, genuine_n=cell.genuine_n + genuine, null_n=cell.null_n + genuine)

    calm = dataclasses.replace(given_inputs, cells=[seen(cell) for cell in given_inputs.cells])
    before, after = (
        step(EmitterState(), one, policy, trust, T0 + tick).state for one in (given_inputs, calm)
    )
    assert after.score == before.score
    assert SEVERITY[after.code] <= SEVERITY[before.code]


@MODEST
@given(histories, policies, st.sampled_from([20, 14, 5]), st.integers(0, 12 * DAY))
def test_merging_two_sources_into_one_group_never_raises_the_score(
    history: list[Cell], policy: Policy, weight: int, tick: int
) -> None:
    apart = {s: Standing(source_id=s, group_id=s, weight=weight) for s in range(1, SOURCES + 1)}
    merged = apart | {2: Standing(source_id=2, group_id=1, weight=weight)}
    # Where more than five groups speak, a merge lets the sixth in: the law is one of sums.
    wide = dataclasses.replace(policy, top_groups=50)
    scores = [
        facts(tally(history, trust, wide, epoch=0, tick=T0 + tick), wide, T0 + tick).score
        for trust in (apart, merged)
    ]
    assert scores[1] <= scores[0] + len(history)


@MODEST
@given(inputs(), policies, trusts(), priors, st.integers(0, 9 * DAY))
def test_nothing_is_listed_28_days_after_the_last_evidence(
    given_inputs: Inputs, policy: Policy, trust: Trust, prior: EmitterState, start: int
) -> None:
    state = step(prior, given_inputs, policy, trust, T0 + start).state
    last = max([cell.last_at for cell in given_inputs.cells] + [T0 + start])
    state = step(state, given_inputs, policy, trust, last + 28 * DAY).state
    assert state.state is not State.LISTED
    assert state.code is Code.NONE


@MODEST
@given(inputs(), policies, trusts(), priors, st.integers(0, 12 * DAY), st.sampled_from(State))
def test_an_exempt_address_is_never_published(
    given_inputs: Inputs, policy: Policy, trust: Trust, prior: EmitterState, tick: int, state: State
) -> None:
    code = Code.CONFIRMED if state is State.LISTED else Code.NONE
    prior = dataclasses.replace(prior, state=state, code=code, since_at=T0, listed_at=T0)
    exempt = dataclasses.replace(given_inputs, holds=(*given_inputs.holds, ActiveHold(kind=Hold.EXEMPT)))
    after = step(prior, exempt, policy, trust, T0 + tick).state
    assert after.state not in {State.LISTED, State.PENDING}
    assert after.code is Code.NONE


@MODEST
@given(inputs(), st.sampled_from([PRIVATE, COMMUNITY]), trusts(), priors, st.integers(0, 9 * DAY))
def test_decay_alone_moves_at_most_twice_a_day(
    given_inputs: Inputs, policy: Policy, trust: Trust, prior: EmitterState, start: int
) -> None:
    calm = dataclasses.replace(
        given_inputs,
        holds=(),
        cells=[
            dataclasses.replace(cell, observed=False, null_n=0, genuine_n=0, seen_24h=0)
            for cell in given_inputs.cells
        ],
    )
    first = step(prior, calm, policy, trust, T0 + start)
    later = step(first.state, calm, policy, trust, T0 + start + 80 * DAY)
    falls = [
        t for t in later.transitions if t.from_state is not t.to_state and t.to_state is not State.LISTED
    ]
    minutes = {fall.at for fall in falls}  # EXPIRED is left in the minute it is entered: one move
    for minute in minutes:
        assert sum(minute <= other < minute + DAY for other in minutes) <= 2
    listings = [
        t for t in later.transitions if t.to_state is State.LISTED and t.from_state is not State.LISTED
    ]
    assert len(listings) <= 1


@MODEST
@given(inputs(), policies, trusts(), st.integers(0, 9 * DAY), histories)
def test_no_evidence_from_before_an_accepted_removal_counts_again(
    given_inputs: Inputs, policy: Policy, trust: Trust, tick: int, late: list[Cell]
) -> None:
    state = step(EmitterState(), given_inputs, policy, trust, T0 + tick).state
    removed = remove(state, T0 + tick, policy).state
    both = dataclasses.replace(given_inputs, holds=(), cells=[*given_inputs.cells, *late])
    for more in (0, 60, 20 * DAY):
        after = step(removed, both, policy, trust, T0 + tick + more).state
        assert (after.score, after.code) == (0, Code.NONE)
        assert after.state in {State.PROBATION, State.CLEAR}


@MODEST
@given(inputs(), policies, trusts(), st.integers(0, 9 * DAY))
def test_a_step_repeated_changes_nothing(
    given_inputs: Inputs, policy: Policy, trust: Trust, tick: int
) -> None:
    once = step(EmitterState(), given_inputs, policy, trust, T0 + tick).state
    twice = step(once, given_inputs, policy, trust, T0 + tick)
    assert twice.state == once
    assert not twice.transitions
