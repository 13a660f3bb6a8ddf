"""The feed of a simulation: evidence in, states out, through the real cells, step and removal ladder.

`MemoryBook` folds in memory and does what `feed.store.evidence` and `feed.jobs.score` do with a
database; `StoredBook` is these two themselves. Both give the same transitions, which a test shows.
"""

import dataclasses
import datetime as dt
import heapq
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from feed.domain import cells, scoring
from feed.domain.address import Address, emitter_key, packed
from feed.domain.event import Channel, Event, channel_of
from feed.domain.evidence import MINUTES_A_DAY, Cell, Trust
from feed.domain.gates import groups_needed
from feed.domain.listing import NEVER, ActiveHold, Code, EmitterState, Hold, Inputs, State, Transition
from feed.domain.policy import Policy, trusted_groups
from feed.domain.providers import Providers
from feed.domain.removal import Accepted, decide_removal
from feed.simulate.floods import Floods
from feed.store.secret import Secret

ENDS_BY_REMOVAL: Final = frozenset({State.LISTED, State.PENDING})


class Change(NamedTuple):
    """One line of the history of one emitter; `code` is the one after it, `score` micro-points."""

    key: bytes
    at: int
    from_state: State
    to_state: State
    code: Code
    cause: str
    score: int


def change_of(key: bytes, one: Transition) -> Change:
    """Return a transition of `key` as a line of the history."""
    return Change(key, one.at, one.from_state, one.to_state, one.to_code, one.cause, one.score)


class Observation(NamedTuple):
    """What a source says of one address and day."""

    address: Address
    source_id: int
    day: int
    null_n: int
    genuine_n: int
    seen_24h: int


class Book(Protocol):
    """What a simulation asks of the feed. Minutes never fall from call to call."""

    def report(self, event: Event) -> None:
        """Take an event; its epoch is found here."""

    def observe(self, observation: Observation) -> None:
        """Take an observation."""

    def trust(self, standings: Trust) -> None:
        """Let these standings be in force from the next tick on."""

    def mute_floods(self, minute: int) -> list[tuple[int, int]]:
        """Let days weigh nothing on which a group floods or a source names a canary; return the new ones."""

    def tick(self, minute: int) -> list[Change]:
        """Score what is dirty or due, and return what changed."""

    def remove(self, address: Address, minute: int) -> list[Change]:
        """Ask for removal; empty if the ladder says to wait or nothing is listed."""

    def cells_of(self, key: bytes, first_day: int) -> list[Cell]:
        """Return the main channel's cells of an emitter."""

    def state_of(self, key: bytes) -> EmitterState:
        """Return an emitter's row as it was last scored."""


@dataclasses.dataclass(slots=True)
class _Row:
    """One emitter: cells and events of all channels, the state and removals of the main one."""

    address: Address
    cells: dict[cells.CellKey, Cell]
    pools: dict[tuple[Channel, int, bytes], list[Event]]
    removals: list[int]
    state: EmitterState
    inputs: Inputs


class MemoryBook:
    """The feed as dictionaries."""

    def __init__(
        self,
        policy: Policy,
        *,
        secret: Secret,
        providers: Providers | None,
        canaries: Sequence[Address] = (),
    ) -> None:
        """Start empty. providers None: the file cannot be read, so nothing new is listed."""
        self.policy = policy
        self._secret = secret
        self._providers = providers
        self._trust: Trust = {}
        self._trusted_groups = 0
        self._rows: dict[bytes, _Row] = {}
        self._dirty: set[bytes] = set()
        self._due: list[tuple[int, bytes]] = []
        self._floods = Floods([emitter_key(address) for address in canaries])
        self.steps = 0

    def report(self, event: Event) -> None:
        """Take an event, as `feed.store.evidence.add_event` does."""
        row = self._row(event.address)
        channel = channel_of(event.kind)
        if channel is not Channel.MAIN:
            return  # counted and shown, never listed
        self._floods.saw(event)
        minute = cells.minute_of(event.observed_at)
        stored = dataclasses.replace(event, epoch=sum(at < minute for at in row.removals))
        same = row.pools.setdefault((channel, event.source_id, event.original_key), [])
        if not same:
            self._merge(row, stored)
        elif cells.represent([*same, stored]) != cells.represent(same):
            self._rebuild(row, [*same, stored])
        same.append(stored)
        self._touch(emitter_key(event.address))

    def _merge(self, row: _Row, stored: Event) -> None:
        original = cells.represent([stored])
        at = cells.cell_key(original)
        row.cells[at] = cells.merge(row.cells.get(at), [original])

    def _rebuild(self, row: _Row, pool: list[Event]) -> None:
        """Make all cells of one source again, with `pool` in place of what was known of its original."""
        source_id, original_key = pool[0].source_id, pool[0].original_key
        events = list(pool)
        for (_, source, original), known in row.pools.items():
            if source == source_id and original != original_key:
                events += known
        old = {at: cell for at, cell in row.cells.items() if at[3] == source_id}
        for at in old:
            del row.cells[at]
        row.cells |= cells.carry_observations(cells.cells_of(events), old)

    def observe(self, observation: Observation) -> None:
        """Take an observation, as `feed.store.evidence.add_observation` does."""
        row = self._row(observation.address)
        epoch = row.state.epoch
        at = (Channel.MAIN, observation.day, epoch, observation.source_id)
        old = row.cells.get(at) or Cell(source_id=observation.source_id, day=observation.day, epoch=epoch)
        row.cells[at] = cells.observe(
            old,
            null_n=observation.null_n,
            genuine_n=observation.genuine_n,
            seen_24h=observation.seen_24h,
        )
        self._touch(emitter_key(observation.address))

    def trust(self, standings: Trust) -> None:
        """Take new standings. Whom they concern becomes due; a clear row whose sources are the same rests."""
        old, self._trust = self._trust, standings
        known, self._trusted_groups = self._trusted_groups, trusted_groups(standings, self.policy)
        everybody = groups_needed(self.policy, known) != groups_needed(self.policy, self._trusted_groups)
        changed = {
            source_id
            for source_id in standings.keys() | old.keys()
            if standings.get(source_id) != old.get(source_id)
        }
        for key, row in self._rows.items() if changed else ():
            if (everybody and row.state.state is not State.CLEAR) or any(
                at[3] in changed for at in row.cells
            ):
                self._touch(key)

    def mute_floods(self, minute: int) -> list[tuple[int, int]]:
        """Mute as `feed.jobs.trust.mute_copies` and `mute_floods` do."""
        if self.policy.quorum_groups < 2:  # noqa: PLR2004 - who lists alone is judged by nobody
            return []
        fresh = self._floods.found(minute // MINUTES_A_DAY, self._trust, self._cells)
        for source_id, day in fresh:
            for key in self._floods.spoken_of(source_id, day):
                self._touch(key)
        return fresh

    def tick(self, minute: int) -> list[Change]:
        """Score what is dirty or due."""
        while self._due and self._due[0][0] <= minute:
            due, key = heapq.heappop(self._due)
            if self._rows[key].state.next_due_at == due:
                self._dirty.add(key)
        changes: list[Change] = []
        today = minute // MINUTES_A_DAY
        for key in sorted(self._dirty):
            row = self._rows[key]
            if row.state.state is State.CLEAR and not row.pools:
                row.state = dataclasses.replace(row.state, next_due_at=NEVER)
                continue  # nobody ever accused it, so a step leaves it as it is
            inputs = dataclasses.replace(
                row.inputs, cells=self._that_count(row, today), trusted_groups=self._trusted_groups
            )
            done = scoring.step(row.state, inputs, self.policy, self._trust, minute)
            self.steps += 1
            row.state = done.state
            if done.state.next_due_at < NEVER:
                heapq.heappush(self._due, (done.state.next_due_at, key))
            changes += [change_of(key, transition) for transition in done.transitions]
        self._dirty.clear()
        return changes

    def _that_count(self, row: _Row, today: int) -> list[Cell]:
        """Return the cells that the step is given, after those that are too old are gone.

        Reports of muted days are left out as `feed.store.rules` does.
        """
        first_day = today - self.policy.evidence_days
        for at in [at for at in row.cells if at[1] < first_day]:
            del row.cells[at]
        return cells.without_muted(row.cells.values(), self._floods.muted)

    def _cells(self, key: bytes) -> list[Cell]:
        return list(self._rows[key].cells.values())

    def _touch(self, key: bytes) -> None:
        """Mark a row dirty: it is judged at the next tick, whatever it was waiting for."""
        row = self._rows[key]
        row.state = dataclasses.replace(row.state, next_due_at=0)
        self._dirty.add(key)

    def remove(self, address: Address, minute: int) -> list[Change]:
        """Ask for removal, as `feed.store.removals.ask` does."""
        key = emitter_key(address)
        row = self._row(address)
        if row.state.state not in ENDS_BY_REMOVAL:
            return []
        decision = decide_removal(row.removals, row.state.last_evidence_at, minute, self.policy)
        return self.carry_out_removal(key, minute) if isinstance(decision, Accepted) else []

    def carry_out_removal(self, key: bytes, minute: int) -> list[Change]:
        """Remove without asking the ladder: it was accepted."""
        row = self._rows[key]
        done = scoring.remove(row.state, minute, self.policy)
        row.state = done.state
        row.removals.append(minute)
        self._touch(key)
        return [change_of(key, transition) for transition in done.transitions]

    def cells_of(self, key: bytes, first_day: int) -> list[Cell]:
        """Return the main channel's cells of an emitter."""
        row = self._rows.get(key)
        return [] if row is None else [cell for at, cell in row.cells.items() if at[1] >= first_day]

    def state_of(self, key: bytes) -> EmitterState:
        """Return an emitter's row as it was last scored."""
        row = self._rows.get(key)
        return row.state if row is not None else EmitterState()

    def states(self) -> Mapping[bytes, EmitterState]:
        """Return all rows."""
        return {key: row.state for key, row in self._rows.items()}

    def _row(self, address: Address) -> _Row:
        key = emitter_key(address)
        row = self._rows.get(key)
        if row is None:
            inputs = Inputs(
                cells=(),
                holds=self._holds(address),
                jitter_seed=self._secret.number("jitter", key),
                is_ipv6=packed(address) == address.packed,
            )
            state = EmitterState(unit=64 if inputs.is_ipv6 else 32)
            row = self._rows[key] = _Row(address, {}, {}, [], state, inputs)
        return row

    def _holds(self, address: Address) -> tuple[ActiveHold, ...]:
        if self._providers is None:
            return (ActiveHold(kind=Hold.SOURCE_FAILED, words="the provider file cannot be read"),)
        name = self._providers.find(address)
        return () if name is None else (ActiveHold(kind=Hold.PROVIDER, words=name),)


def aware(minute: int) -> dt.datetime:
    """Return the instant of a minute since 1970-01-01 UTC."""
    return dt.datetime.fromtimestamp(minute * 60, dt.UTC)
