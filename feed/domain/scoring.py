"""One emitter through time: evidence, gates and lifecycle as one pure step.

`step` is what the scoring job calls for each changed or due row; the live table is its fold. Given the
same inputs it does not matter how often it is called: it goes through each minute at which something
was due, so a scheduler that slept writes what an awake one would have written (scoring.md 5 and 7).
"""

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Final

from feed.domain.evidence import Trust
from feed.domain.lifecycle import Lens, belongs, moved, renewed_until, stays
from feed.domain.listing import NEVER, Code, EmitterState, Inputs, State, Step, Transition
from feed.domain.policy import Policy
from feed.domain.tally import Facts, Tally, facts

MOST_WAKES: Final = 2000
"""Bound on due minutes in one step; each is a window, timer or crossing, a few dozen for real inputs."""

MOST_MOVES: Final = 8
"""Bound on state changes in one minute: LISTED, EXPIRED, HELD is the longest way."""

_HORIZON: Final = 500 * 1440
"""Minutes after which nothing but an open window can still change: every policy time lies below it."""

_REACHES: Final = (1, 4, 16)
"""How far a search looks beside a guess: rounding moves a crossing by a minute or two."""

_PUBLISHED_OR_DUE: Final = frozenset({State.LISTED, State.PENDING})


def step(state: EmitterState, inputs: Inputs, policy: Policy, trust: Trust, tick: int) -> Step:
    """Return the emitter's row at minute `tick` and the transitions on the way.

    A row with `next_due_at` between 1 and `tick` catches up through every due minute first; one that
    is dirty (0) or not due is judged at `tick`. The new `next_due_at` is the first minute at which
    state, code, hold, reason or published width changes without new input. Only the main channel is
    scored; evidence of other channels never comes here.
    """
    lens = Lens(inputs, policy, trust)
    now = state.next_due_at if 0 < state.next_due_at < tick else tick
    transitions: list[Transition] = []
    current = state
    for _ in range(MOST_WAKES):
        current, counted, at, moves = _settled(current, lens, now)
        transitions += moves
        due = _first_change(current, counted, at, lens, now)
        if due > tick:
            break
        now = due
    else:
        raise RuntimeError("an emitter changed too often in one step; this is a defect of the policy")
    if now != tick:
        if tick >= counted.until:
            counted = lens.later(counted, current, tick)
        at = facts(counted, policy, tick)
    unit, address = lens.width(counted)
    final = dataclasses.replace(
        current,
        unit=unit,
        address=address,
        score=at.score,
        last_evidence_at=min(counted.strong_at or _last_evidence(current, lens), tick),
        next_due_at=due,
    )
    return Step(state=final, transitions=tuple(transitions))


def _last_evidence(state: EmitterState, lens: Lens) -> int:
    """Return the time of the latest strong evidence at hand, also of what is too old to count; or 0."""
    latest = 0
    for cell in lens.inputs.cells:
        if cell.epoch == state.epoch and cell.strong_at > latest:
            standing = lens.trust.get(cell.source_id)
            if standing is not None and not standing.suspended and standing.weight:
                latest = cell.strong_at
    return latest


def _settled(
    state: EmitterState, lens: Lens, now: int
) -> tuple[EmitterState, Tally, Facts, list[Transition]]:
    """Return the state in which the lifecycle rests at minute `now`, what counts there, and the way there."""
    counted = lens.tally(state, now)
    at = facts(counted, lens.policy, now)
    transitions: list[Transition] = []
    for _ in range(MOST_MOVES):
        move = belongs(state, counted, at, lens, now)
        if stays(state, move):
            return state, counted, at, transitions
        if (move.state, move.code, move.hold) != (state.state, state.code, state.hold):
            transitions.append(
                Transition(
                    at=now,
                    from_state=state.state,
                    to_state=move.state,
                    from_code=state.code,
                    to_code=move.code,
                    cause=move.cause,
                    score=at.score,
                )
            )
        before, state = state, moved(state, move, counted, lens.policy, now)
        if state.aside_to != before.aside_to:
            counted = lens.tally(state, now)
            at = facts(counted, lens.policy, now)
    raise RuntimeError("an emitter does not come to rest; this is a defect of the policy")


def _first_change(state: EmitterState, counted: Tally, here: Facts, lens: Lens, now: int) -> int:
    """Return the first minute after `now` at which `state`, its reason or its width changes.

    Between two edges (a window that ends, a hold that ends) everything a state rests on only falls, or is
    a timer that only comes: once it leaves it would not come back, so a search finds the minute exactly.
    `here` are the facts of `now`.
    """
    if state.state is State.CLEAR:
        return NEVER  # evidence that does not reach WATCH now never will by itself
    low, current = now, counted
    width = lens.width(counted)
    while True:
        edge = current.until
        for hold in lens.inputs.holds:
            if low < hold.until < edge:
                edge = hold.until

        def leaves(minute: int, current: Tally = current) -> bool:
            at = facts(current, lens.policy, minute)
            return not stays(state, belongs(state, current, at, lens, minute))

        last = min(edge - 1, low + _HORIZON)
        found = _first(leaves, low, last, _guesses(state, counted, here, lens, now))
        if found is not None:
            return found
        if edge >= NEVER:
            return NEVER
        if edge >= current.until:
            current = lens.later(current, state, edge)
        at = facts(current, lens.policy, edge)
        if lens.width(current) != width or not stays(state, belongs(state, current, at, lens, edge)):
            return edge
        low = edge


def _guesses(state: EmitterState, counted: Tally, here: Facts, lens: Lens, now: int) -> Iterator[int]:
    """Yield minutes near which the state may leave, the likeliest first: timers, the closed form of decay."""
    policy = lens.policy
    if state.state is State.LISTED:
        crossings = (
            _crossing(here.score, policy.delist_below(state.strikes), policy, now),
            _crossing(here.backing, policy.keep_support(state.strikes), policy, now),
        )
        yield max(state.min_until, min(crossings))
        yield counted.strong_at + policy.hard_cap_minutes
        yield renewed_until(state, counted, policy, now)
        yield from crossings
    elif state.state is State.PENDING:
        yield state.since_at + lens.delay()
        floor = policy.probation_list_at if now < state.probation_until else policy.list_at
        yield _crossing(here.score, floor, policy, now)
    else:
        if state.state is State.PROBATION:
            yield state.probation_until
        yield _crossing(here.score, policy.watch_at, policy, now)


def _crossing(points: int, floor: int, policy: Policy, now: int) -> int:
    """Return about when `points` have decayed to below `floor`, NEVER if they do not."""
    if not points > floor > 0:
        return NEVER
    return now + int(policy.half_life_minutes * math.log2(points / floor)) + 1


def _first(leaves: Callable[[int], bool], low: int, last: int, guesses: Iterator[int]) -> int | None:
    """Return the first minute in (low, last] that `leaves`, None if none does; it does not at `low`.

    Once a minute leaves, all later ones do. A right guess costs two looks.
    """
    high = last + 1
    for guess in guesses:
        probe = guess
        for reach in _REACHES:
            if not low < probe < high:
                break
            if leaves(probe):
                high = probe
                probe -= reach
            else:
                low = probe
                probe += reach
    if high > last and (low >= last or not leaves(last)):
        return None
    high = min(high, last)
    while high - low > 1:
        middle = (low + high) // 2
        if leaves(middle):
            high = middle
        else:
            low = middle
    return high


def remove(state: EmitterState, accepted_at: int, policy: Policy) -> Step:
    """Return the row after an accepted removal: at once, and no earlier evidence ever counts again.

    The epoch rises whatever the state, so that it equals the number of accepted removals; only what is
    published or about to be goes on probation.
    """
    new = dataclasses.replace(state, epoch=state.epoch + 1, score=0, next_due_at=0)
    if state.state not in _PUBLISHED_OR_DUE:
        return Step(state=new)
    ended = dataclasses.replace(
        new,
        state=State.PROBATION,
        code=Code.NONE,
        since_at=accepted_at,
        min_until=0,
        probation_until=accepted_at + policy.probation_minutes,
        hold=0,
        reason="",
    )
    # The row's score is as old as its last scoring, so the history would depend on when that was; after
    # a removal nothing of it counts anyway.
    transition = Transition(
        at=accepted_at,
        from_state=state.state,
        to_state=State.PROBATION,
        from_code=state.code,
        to_code=Code.NONE,
        cause="removal",
        score=0,
    )
    return Step(state=ended, transitions=(transition,))
