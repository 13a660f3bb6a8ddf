"""Where an emitter belongs at one minute: holds, gates, the life of a listing (scoring.md 5)."""

import dataclasses
from typing import Final, NamedTuple

from feed.domain import gates
from feed.domain.evidence import MINUTES_A_DAY, Trust
from feed.domain.listing import NEVER, Code, EmitterState, Hold, Inputs, State
from feed.domain.policy import Policy
from feed.domain.tally import Facts, Tally, facts, later, tally

RENEWAL: Final = "renewal"
"""Cause of the end of a listing that nothing renewed but what may repeat it."""

_INTERRUPTED: Final = frozenset({State.HELD, State.PENDING})
"""Where a listing waits that a hold interrupted."""

_PRECEDENCE: Final = (Hold.EXEMPT, Hold.PROVIDER, Hold.OPERATOR, Hold.POOL, Hold.SOURCE_FAILED)


class Move(NamedTuple):
    """Where the lifecycle puts an emitter at one minute; `cause` is the word for the audit log."""

    state: State
    code: Code
    hold: int
    reason: str
    cause: str


class Lens(NamedTuple):
    """What stays the same during one step."""

    inputs: Inputs
    policy: Policy
    trust: Trust

    def tally(self, state: EmitterState, tick: int) -> Tally:
        """Return what counts at `tick`."""
        cells, epoch = self.inputs.cells, state.epoch
        return tally(cells, self.trust, self.policy, epoch=epoch, tick=tick, aside=state.aside)

    def later(self, known: Tally, state: EmitterState, tick: int) -> Tally:
        """Return what counts at `tick` of the same cells, from what counted at an earlier minute."""
        return later(known, self.policy, tick) if tick < known.counted_until else self.tally(state, tick)

    def hold(self, counted: Tally, tick: int) -> Hold | None:
        """Return the strongest hold in force."""
        if not self.inputs.holds and not counted.pooled:
            return None
        kinds = {hold.kind for hold in self.inputs.holds if tick < hold.until}
        if counted.pooled:
            kinds.add(Hold.POOL)
        return next((kind for kind in _PRECEDENCE if kind in kinds), None)

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


def stays(state: EmitterState, move: Move) -> bool:
    """Whether `move` is where `state` is already."""
    return (
        move.state is state.state
        and move.code is state.code
        and move.hold == state.hold
        and move.reason == state.reason
    )


def belongs(state: EmitterState, counted: Tally, at: Facts, lens: Lens, now: int) -> Move:
    """Return where `state` belongs at minute `now`."""
    if state.state is State.LISTED:
        return _listed(state, counted, at, lens, now)
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


def _listed(state: EmitterState, counted: Tally, at: Facts, lens: Lens, now: int) -> Move:
    """Return how a listing goes on. A failed source of exemptions holds additions, so it ends nothing."""
    hold, policy = lens.hold(counted, now), lens.policy
    if hold is not None and hold is not Hold.SOURCE_FAILED:
        return Move(State.HELD, Code.NONE, int(hold), hold.word, hold.word)
    ended = _end_of_listing(state, counted, at, lens, now)
    if ended is not None:
        return ended
    code, way = gates.kept_code(
        counted,
        at,
        policy,
        code=state.code,
        delist_below=policy.delist_below(state.strikes),
        trusted_groups=lens.inputs.trusted_groups,
        may_upgrade=hold is None,
    )
    return Move(State.LISTED, code, 0, way, way)


def _end_of_listing(state: EmitterState, counted: Tally, at: Facts, lens: Lens, now: int) -> Move | None:
    """Return the end of a listing by itself, if it has come."""
    if not counted.originals:
        return Move(State.VOID, Code.NONE, 0, "", "no_evidence")
    if now < state.min_until and _taken_back(state, counted, at, lens.policy):
        return Move(State.VOID, Code.NONE, 0, "", "taken_back")
    cause = _why_expired(state, counted, at, lens, now)
    return Move(State.EXPIRED, Code.NONE, 0, "", cause) if cause else None


def _taken_back(state: EmitterState, counted: Tally, at: Facts, policy: Policy) -> bool:
    """Whether so much evidence is gone, as of a suspended reporter, that the rest would not have listed it.

    The shortest time of a listing holds against decay, not against this. Asked of the minute at which the
    listing began, so that the answer does not depend on the time; the points that keep it are asked for, not
    those that begin it, so that a weight which fell a little ends nothing.
    """
    if sum([group.strong_at > 0 for group in counted.groups]) < policy.quorum_groups:
        return True
    least = policy.delist_below(
        state.strikes
    )  # a score only falls, so one that is enough now was enough then
    return at.score < least and facts(counted, policy, state.listed_at).score < least


def _why_expired(state: EmitterState, counted: Tally, at: Facts, lens: Lens, now: int) -> str:
    """Return the cause for which a listing ends, empty if it goes on."""
    policy = lens.policy
    if now >= counted.strong_at + policy.hard_cap_minutes:
        return "hard_cap"
    if policy.renew_minutes and now >= renewed_until(state, counted, policy, now):
        return RENEWAL
    if now < state.min_until:
        return ""
    least = policy.delist_below(state.strikes)
    if at.score < least:
        return "score"
    if at.backing < policy.keep_support(state.strikes):
        return "quorum"
    return ""


def renewed_until(state: EmitterState, counted: Tally, policy: Policy, now: int) -> int:
    """Return the minute at which a listing ends because everything since may repeat what it says.

    What nobody says because of the listing is a hit at an anchor's trap, and what was seen before the
    listing began. Without any of it, as when those who accused were suspended, nothing is left: 0. Evidence
    from after `now` (a clock was set back) tells nothing of its order.
    """
    if not policy.renew_minutes:
        return NEVER
    from_before = not state.listed_at < counted.begun_at <= now
    latest = max(counted.anchor_at, state.listed_at if from_before else 0)
    return latest + policy.renew_minutes if latest else 0


def moved(state: EmitterState, move: Move, counted: Tally, policy: Policy, now: int) -> EmitterState:
    """Return the row after `move`; a new listing is a new strike if the last one is recent.

    What a hold interrupts is the same listing when it comes back: one strike.
    """
    changes: dict[str, int] = {}
    if move.state is not state.state:
        changes["since_at"] = now
        if move.state is State.LISTED:
            changes |= {"listed_at": now, "probation_until": 0}
            if not state.min_until:
                recent = state.strike_at and now - state.strike_at <= policy.strike_window_minutes
                strikes = state.strikes + 1 if recent else 1
                changes |= {"strikes": strikes, "strike_at": now}
                changes["min_until"] = now + policy.min_listed(strikes)
        elif move.state not in _INTERRUPTED:
            changes["min_until"] = 0
        if move.cause == RENEWAL:
            changes["aside_from"] = state.listed_at // MINUTES_A_DAY + 1
            changes["aside_to"] = max(now, counted.last_at) // MINUTES_A_DAY
        if move.state is State.VOID or move.cause == RENEWAL:  # it was none, so it was no strike
            strikes = max(0, state.strikes - 1)
            changes |= {"strikes": strikes, "strike_at": state.strike_at if strikes else 0}
    return dataclasses.replace(
        state,
        state=move.state,
        code=move.code,
        hold=move.hold,
        reason=move.reason,
        **changes,  # type: ignore[arg-type]
    )
