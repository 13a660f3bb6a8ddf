"""The life of one emitter, replayed from everything that ever bore on it.

The live table is a fold of `scoring.step` over inputs as they came. Here the same fold runs over inputs
that are written down, each with the minute from which it was in force, so that a life can be told without
some of them: a retraction leaves what a world without those reports would hold (scoring.md 4.4).
"""

import collections
import dataclasses
from collections.abc import Iterable, Sequence
from typing import TypeVar

from feed.domain import scoring
from feed.domain.cells import CellKey, cell_key, merge, minute_of, observe, represent, without_muted
from feed.domain.event import Channel, Event
from feed.domain.evidence import MINUTES_A_DAY, Cell, Trust
from feed.domain.listing import NEVER, ActiveHold, EmitterState, Inputs, Step, Transition
from feed.domain.policy import Policy

_Input = TypeVar("_Input")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Era:
    """The rules from minute `since` until the next era. provider: what the provider file said then.

    policy_id, trust_id: the snapshots of which they are.
    """

    since: int
    policy: Policy
    trust: Trust
    trusted_groups: int
    policy_id: int
    trust_id: int
    provider: ActiveHold | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One observation as it was received; see `cells.observe`."""

    received_at: int
    source_id: int
    day: int
    epoch: int
    null_n: int
    genuine_n: int
    seen_24h: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A hold that was set at minute `since` and, if it was ended before its own end, ended at `ended`."""

    since: int
    hold: ActiveHold
    ended: int = NEVER


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Flooded:
    """A day of a source that weighed nothing from minute `since` until it was reviewed at `reviewed`."""

    source_id: int
    day: int
    since: int
    reviewed: int = NEVER


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """All inputs of one emitter in the main channel, in any order; eras in order, at least one.

    removals: minutes of the accepted ones after `start`, which is the row before the first input.
    """

    eras: Sequence[Era]
    events: Sequence[Event] = ()
    observations: Sequence[Observed] = ()
    removals: Sequence[int] = ()
    held: Sequence[Held] = ()
    flooded: Sequence[Flooded] = ()
    jitter_seed: int = 0
    is_ipv6: bool = False
    start: EmitterState = dataclasses.field(default_factory=EmitterState)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A transition with the snapshots in force."""

    transition: Transition
    policy_id: int
    trust_id: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """The row at the end, as it was left by the last minute at which anything happened, and its history."""

    state: EmitterState
    history: tuple[Recorded, ...] = ()


class _Grown:
    """Cells that grow event by event, as the store grows them."""

    def __init__(self) -> None:
        self.cells: dict[CellKey, Cell] = {}
        self._pools: dict[int, dict[bytes, list[Event]]] = collections.defaultdict(dict)
        self._observed: dict[int, list[Observed]] = collections.defaultdict(list)

    def add(self, new: Event) -> None:
        pools = self._pools[new.source_id]
        pool = pools.get(new.original_key)
        if pool is None:
            pools[new.original_key] = [new]
            original = represent([new])
            self.cells[cell_key(original)] = merge(self.cells.get(cell_key(original)), [original])
            return
        before = represent(pool)
        pool.append(new)
        if represent(pool) != before:
            self._rebuild(new.source_id)

    def observe(self, said: Observed) -> None:
        self._observed[said.source_id].append(said)
        at = Channel.MAIN, said.day, said.epoch, said.source_id
        cell = self.cells.get(at) or Cell(source_id=said.source_id, day=said.day, epoch=said.epoch)
        self.cells[at] = observe(cell, null_n=said.null_n, genuine_n=said.genuine_n, seen_24h=said.seen_24h)

    def _rebuild(self, source_id: int) -> None:
        self.cells = {at: cell for at, cell in self.cells.items() if cell.source_id != source_id}
        for pool in self._pools[source_id].values():
            original = represent(pool)
            self.cells[cell_key(original)] = merge(self.cells.get(cell_key(original)), [original])
        observed, self._observed[source_id] = self._observed[source_id], []
        for said in observed:
            self.observe(said)


class _Fold:
    """The row, what bears on it now, and what happened so far."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.state = timeline.start
        self.era = timeline.eras[0]
        self.grown = _Grown()
        self.history: list[Recorded] = []

    def step(self, minute: int, now: int) -> None:
        """Judge the row at `minute` by what was in force at minute `now`."""
        done = scoring.step(self.state, self._inputs(minute, now), self.era.policy, self.era.trust, minute)
        self._keep(done)

    def remove(self, minute: int) -> None:
        self._keep(scoring.remove(self.state, minute, self.era.policy))

    def _keep(self, done: Step) -> None:
        self.state = done.state
        self.history += [
            Recorded(transition=one, policy_id=self.era.policy_id, trust_id=self.era.trust_id)
            for one in done.transitions
        ]

    def _inputs(self, minute: int, now: int) -> Inputs:
        timeline, era = self.timeline, self.era
        first_day = minute // MINUTES_A_DAY - era.policy.evidence_days
        muted = {(one.source_id, one.day) for one in timeline.flooded if one.since <= now < one.reviewed}
        holds = [one.hold for one in timeline.held if one.since <= now < one.ended]
        if era.provider is not None:
            holds.append(era.provider)
        return Inputs(
            cells=without_muted((cell for cell in self.grown.cells.values() if cell.day >= first_day), muted),
            holds=holds,
            jitter_seed=timeline.jitter_seed,
            is_ipv6=timeline.is_ipv6,
            trusted_groups=era.trusted_groups,
        )


def replay(timeline: Timeline, *, until: int) -> Replayed:
    """Return the row that the timeline leads to at minute `until`, as an awake scheduler would have it.

    Of one minute first the evidence and the rules are judged, then removals, as they are accepted only of
    what is listed.
    """
    fold = _Fold(timeline)
    events = _by_minute((minute_of(one.received_at), one) for one in timeline.events)
    observations = _by_minute((one.received_at, one) for one in timeline.observations)
    eras = {one.since: one for one in timeline.eras}
    removals = collections.Counter(timeline.removals)
    minutes = {*events, *observations, *removals, *eras}
    minutes |= {at for one in timeline.held for at in (one.since, one.ended)}
    minutes |= {at for one in timeline.flooded for at in (one.since, one.reviewed)}
    begun = min([*events, *observations, *removals], default=NEVER)
    for minute in sorted(at for at in minutes if at <= until):
        if 0 < fold.state.next_due_at < minute:
            fold.step(minute - 1, minute - 1)
        fold.era = eras.get(minute, fold.era)
        for event in events.get(minute, ()):
            fold.grown.add(event)
        for said in observations.get(minute, ()):
            fold.grown.observe(said)
        if minute < begun:
            continue
        fold.state = dataclasses.replace(fold.state, next_due_at=0)
        fold.step(minute, minute)
        for _ in range(removals[minute]):
            fold.remove(minute)
            fold.step(minute, minute)
    if fold.state.next_due_at <= until:
        fold.step(until, until)
    return Replayed(state=fold.state, history=tuple(fold.history))


def _by_minute(pairs: Iterable[tuple[int, _Input]]) -> dict[int, list[_Input]]:
    found: dict[int, list[_Input]] = {}
    for minute, one in pairs:
        found.setdefault(minute, []).append(one)
    return found
