"""One emitter through time: evidence, gates and lifecycle as one pure step.

`step` is what the scoring job calls for each changed or due row; the live table is its fold. Given the
same inputs it does not matter how often it is called: it goes through each minute at which something
was due, so a scheduler that slept writes what an awake one would have written (scoring.md 5 and 7).
"""

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from feed.domain import gates
from feed.domain.evidence import Trust
from feed.domain.listing import (
    NEVER,
    ActiveHold,
    Code,
    EmitterState,
    Hold,
    Inputs,
    State,
    Step,
    Transition,
)
from feed.domain.policy import Policy
from feed.domain.tally import Facts, Tally, facts, tally

__all__ = ["ActiveHold", "Inputs", "Step", "Transition", "expires_at", "remove", "step", "void"]

MOST_WAKES: Final = 2000
"""Bound on due minutes in one step; each is a window, timer or crossing, a few dozen for real inputs."""

MOST_MOVES: Final = 8
"""Bound on state changes in one minute: LISTED, EXPIRED, HELD is the longest way."""

_HORIZON: Final = 500 * 1440
"""Minutes after which nothing but an open window can still change: every policy time lies below it."""

_PRECEDENCE: Final = (Hold.EXEMPT, Hold.PROVIDER, Hold.OPERATOR, Hold.POOL, Hold.SOURCE_FAILED)
_PUBLISHED_OR_DUE: Final = frozenset({State.LISTED, State.PENDING})


class Move(NamedTuple):
    """Where the lifecycle puts an emitter at one minute; `cause` is the word for the audit log."""

    state: State
    code: Code
    hold: int
    reason: str
    cause: str


class _Lens(NamedTuple):
    """The constant part of one step."""

    inputs: Inputs
    policy: Policy
    trust: Trust

    def tally(self, epoch: int, tick: int) -> Tally:
        return tally(self.inputs.cells, self.trust, self.policy, epoch=epoch, tick=tick)

    def hold(self, counted: Tally, tick: int) -> Hold | None:
        """Return the strongest hold in force."""
        kinds = {hold.kind for hold in self.inputs.holds if tick < hold.until}
        if counted.pooled:
            kinds.add(Hold.POOL)
        return next((kind for kind in _PRECEDENCE if kind in kinds), None) if kinds else None

    def width(self, counted: Tally) -> tuple[int, bytes]:
        """Return the published width: one IPv6 address while all evidence came from it, else the /64."""
        if not self.inputs.is_ipv6:
            return 32, b""
        if counted.addr_min and counted.addr_min == counted.addr_max:
            return 128, counted.addr_min
        return 64, b""

    def delay(self) -> int:
        """Minutes between meeting the gates and publication, blurred by address."""
        spread = self.policy.publish_jitter_minutes + 1
        return self.policy.publish_delay_minutes + self.inputs.jitter_seed % spread


def step(state: EmitterState, inputs: Inputs, policy: Policy, trust: Trust, tick: int) -> Step:
    """Return the emitter's row at minute `tick` and the transitions on the way.

    A row with `next_due_at` between 1 and `tick` catches up through every due minute first; one that
    is dirty (0) or not due is judged at `tick`. The new `next_due_at` is the first minute at which
    state, code, hold, reason or published width changes without new input. Only the main channel is
    scored; evidence of other channels never comes here.
    """
    lens = _Lens(inputs, policy, trust)
    now = state.next_due_at if 0 < state.next_due_at < tick else tick
    transitions: list[Transition] = []
    current = state
    for _ in range(MOST_WAKES):
        counted = lens.tally(current.epoch, now)
        at = facts(counted, policy, now)
        current, moves = _settled(current, counted, at, lens, now)
        transitions += moves
        due = _first_change(current, counted, at, lens, now)
        if due > tick:
            break
        now = due
    else:
        raise RuntimeError("an emitter changed too often in one step; this is a defect of the policy")
    if now != tick:
        if tick >= counted.until:
            counted = lens.tally(current.epoch, tick)
        at = facts(counted, policy, tick)
    unit, address = lens.width(counted)
    final = dataclasses.replace(
        current,
        unit=unit,
        address=address,
        score=at.score,
        last_evidence_at=min(counted.last_at or _last_evidence(current, lens), tick),
        next_due_at=due,
    )
    return Step(state=final, transitions=tuple(transitions))


def _last_evidence(state: EmitterState, lens: _Lens) -> int:
    """Return the time of the latest evidence in all cells at hand, also those too old to count; or 0."""
    latest = 0
    for cell in lens.inputs.cells:
        if cell.epoch == state.epoch and cell.n and cell.last_at > latest:
            standing = lens.trust.get(cell.source_id)
            if standing is not None and not standing.suspended and standing.weight:
                latest = cell.last_at
    return latest


def _settled(
    state: EmitterState, counted: Tally, at: Facts, lens: _Lens, now: int
) -> tuple[EmitterState, list[Transition]]:
    """Return the state in which the lifecycle rests at minute `now`, and the way there."""
    transitions: list[Transition] = []
    for _ in range(MOST_MOVES):
        move = _move(state, counted, at, lens, now)
        if _stays(state, move):
            return state, transitions
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
        state = _moved(state, move, lens.policy, now)
    raise RuntimeError("an emitter does not come to rest; this is a defect of the policy")


def _stays(state: EmitterState, move: Move) -> bool:
    return (
        move.state is state.state
        and move.code is state.code
        and move.hold == state.hold
        and move.reason == state.reason
    )


def _move(state: EmitterState, counted: Tally, at: Facts, lens: _Lens, now: int) -> Move:
    """Return where `state` belongs at minute `now` (scoring.md 5)."""
    if state.state is State.LISTED:
        return _move_listed(state, counted, at, lens, now)
    hold, policy = lens.hold(counted, now), lens.policy
    if hold is not None and (at.score >= policy.watch_at or state.state is State.PENDING):
        return Move(State.HELD, Code.NONE, int(hold), hold.word, hold.word)
    on_probation = now < state.probation_until
    threshold = policy.probation_list_at if on_probation else policy.list_at
    code, way = gates.entry_code(
        counted, at, policy, threshold=threshold, trusted_groups=lens.inputs.trusted_groups
    )
    if code is not Code.NONE:
        delay = lens.delay()
        if on_probation or not delay or (state.state is State.PENDING and now >= state.since_at + delay):
            return Move(State.LISTED, code, 0, way, way)
        return Move(State.PENDING, Code.NONE, 0, "", "gates")
    rest = State.WATCH if at.score >= policy.watch_at else State.CLEAR
    if on_probation:
        rest = State.PROBATION
    return Move(rest, Code.NONE, 0, "", "gates" if state.state is State.PENDING else "score")


def _move_listed(state: EmitterState, counted: Tally, at: Facts, lens: _Lens, now: int) -> Move:
    """Return how a listing goes on. A failed source of exemptions holds additions, so it ends nothing."""
    hold, policy = lens.hold(counted, now), lens.policy
    if hold is not None and hold is not Hold.SOURCE_FAILED:
        return Move(State.HELD, Code.NONE, int(hold), hold.word, hold.word)
    if not counted.originals:
        return Move(State.VOID, Code.NONE, 0, "", "no_evidence")
    if now >= counted.strong_at + policy.hard_cap_minutes:
        return Move(State.EXPIRED, Code.NONE, 0, "", "hard_cap")
    delist_below = policy.delist_below(state.strikes)
    if now >= state.min_until:
        if at.score < delist_below:
            return Move(State.EXPIRED, Code.NONE, 0, "", "score")
        if at.others < policy.delist_others_below(state.strikes):
            return Move(State.EXPIRED, Code.NONE, 0, "", "quorum")
    code, way = gates.kept_code(
        counted,
        at,
        policy,
        code=state.code,
        delist_below=delist_below,
        trusted_groups=lens.inputs.trusted_groups,
        may_upgrade=hold is None,
    )
    return Move(State.LISTED, code, 0, way, way)


def _moved(state: EmitterState, move: Move, policy: Policy, now: int) -> EmitterState:
    """Return the row after `move`; a new listing is a new strike if the last one is recent."""
    changes: dict[str, int] = {}
    if move.state is not state.state:
        changes["since_at"] = now
        if move.state is State.LISTED:
            recent = state.strike_at and now - state.strike_at <= policy.strike_window_minutes
            strikes = state.strikes + 1 if recent else 1
            changes |= {"listed_at": now, "strikes": strikes, "strike_at": now, "probation_until": 0}
            changes["min_until"] = now + policy.min_listed(strikes)
        elif state.state is State.LISTED:
            changes["min_until"] = 0
            if move.state is State.VOID:
                changes |= _strike_taken_back(state)
    return dataclasses.replace(
        state,
        state=move.state,
        code=move.code,
        hold=move.hold,
        reason=move.reason,
        **changes,  # type: ignore[arg-type]
    )


def _strike_taken_back(state: EmitterState) -> dict[str, int]:
    """Return the fields of a row as if the voided listing had not been a strike."""
    strikes = max(0, state.strikes - 1)
    return {"strikes": strikes, "strike_at": state.strike_at if strikes else 0}


def _first_change(state: EmitterState, counted: Tally, here: Facts, lens: _Lens, now: int) -> int:
    """Return the first minute after `now` at which `state`, its reason or its width changes.

    Between two edges (a window that ends, a hold that ends) everything a state rests on only falls, or is
    a timer that only comes: once it leaves it would not come back, so bisection finds the minute exactly.
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
            return not _stays(state, _move(state, current, at, lens, minute))

        last = min(edge - 1, low + _HORIZON)
        if last > low and leaves(last):
            return _bisect(leaves, low, last, _guesses(state, counted, here, lens, now))
        if edge >= NEVER:
            return NEVER
        if edge >= current.until:
            current = lens.tally(state.epoch, edge)
        at = facts(current, lens.policy, edge)
        if lens.width(current) != width or not _stays(state, _move(state, current, at, lens, edge)):
            return edge
        low = edge


def _guesses(state: EmitterState, counted: Tally, here: Facts, lens: _Lens, now: int) -> Iterator[int]:
    """Yield minutes near which the state may leave: its timers, and the closed form of decay."""
    policy = lens.policy
    falls = [(here.score, policy.watch_at)]
    if state.state is State.LISTED:
        falls = [
            (here.score, policy.delist_below(state.strikes)),
            (here.others, policy.delist_others_below(state.strikes)),
        ]
    elif state.state is State.PENDING:
        yield state.since_at + lens.delay()
        falls = [(here.score, policy.probation_list_at if now < state.probation_until else policy.list_at)]
    elif state.state is State.PROBATION:
        yield state.probation_until
    for points, floor in falls:
        if points > floor > 0:
            yield now + int(policy.half_life_minutes * math.log2(points / floor)) + 1
    if state.state is State.LISTED:
        yield state.min_until
        yield counted.strong_at + policy.hard_cap_minutes


def _bisect(leaves: Callable[[int], bool], low: int, high: int, guesses: Iterator[int]) -> int:
    """Return the first minute in (low, high] that `leaves`; it does not at `low` and does at `high`."""
    for guess in guesses:
        reach = 1
        probe = guess
        while low < probe < high:
            if leaves(probe):
                high = probe
                probe -= reach
            else:
                low = probe
                probe += reach
            reach *= 4
    while high - low > 1:
        middle = (low + high) // 2
        if leaves(middle):
            high = middle
        else:
            low = middle
    return high


def expires_at(state: EmitterState, inputs: Inputs, policy: Policy, trust: Trust) -> int:
    """Return the minute at which a listing ends at the latest without new evidence; 0 if not listed."""
    if state.state is not State.LISTED:
        return 0
    counted = tally(inputs.cells, trust, policy, epoch=state.epoch, tick=state.listed_at)
    return counted.strong_at + policy.hard_cap_minutes


def remove(state: EmitterState, accepted_at: int, policy: Policy) -> Step:
    """Return the row after an accepted removal: at once, and no earlier evidence ever counts again.

    The epoch rises whatever the state, so that it equals the number of accepted removals; only what is
    published or about to be goes on probation.
    """
    new = dataclasses.replace(state, epoch=state.epoch + 1, score=0, next_due_at=0)
    if state.state not in _PUBLISHED_OR_DUE:
        return Step(state=new)
    new = dataclasses.replace(new, probation_until=accepted_at + policy.probation_minutes)
    return _ended(state, new, State.PROBATION, accepted_at, "removal")


def void(state: EmitterState, at: int, cause: str = "void") -> Step:
    """Return the row after a listing proved wrong (retraction, upheld dispute): at once, and no strike.

    The next step judges the evidence that is left. A row that is neither listed nor pending stays.
    """
    new = dataclasses.replace(state, next_due_at=0)
    if state.state not in _PUBLISHED_OR_DUE:
        return Step(state=new)
    if state.state is State.LISTED:
        new = dataclasses.replace(new, **_strike_taken_back(state))  # type: ignore[arg-type]
    return _ended(state, new, State.VOID, at, cause)


def _ended(old: EmitterState, new: EmitterState, to_state: State, at: int, cause: str) -> Step:
    """Return `new` moved out of publication, with its transition."""
    ended = dataclasses.replace(
        new,
        state=to_state,
        code=Code.NONE,
        since_at=at,
        min_until=0,
        hold=0,
        reason="",
    )
    # The row's score is as old as its last scoring, so the history would depend on when that was; after
    # a removal or a void nothing of it counts anyway.
    transition = Transition(
        at=at,
        from_state=old.state,
        to_state=to_state,
        from_code=old.code,
        to_code=Code.NONE,
        cause=cause,
        score=0,
    )
    return Step(state=ended, transitions=(transition,))
