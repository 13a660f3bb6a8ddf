"""Retraction: an emitter's row and history as they would be had some reports never come.

`plan` reads and calculates, which may take a while for an emitter with very many events; `carry_out`
writes in one short transaction, and only if nothing came in between. What a retraction undoes stays in
the tables, marked: events with `retracted_at`, transitions with `void_at` (scoring.md 4.4).
"""

import dataclasses
from collections.abc import Collection, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain import timeline
from feed.domain.address import Address, unpacked
from feed.domain.event import Channel, Event
from feed.domain.listing import Code, EmitterState, State, Transition
from feed.domain.timeline import Observed, Recorded, Replayed, Timeline
from feed.store import controls, evidence, removals, rules, states
from feed.store.database import StoreError
from feed.store.life import known_since, life_of
from feed.store.rules import Past
from feed.store.secret import Secret
from feed.store.states import DIRTY
from feed.store.tables import transition

_SECONDS_A_MINUTE: Final = 60
_SLACK_MINUTES: Final = 2
"""A tick may have been late by so much; such a transition is still the same one."""
_PASSED_UNSEEN: Final = frozenset({State.CLEAR, State.WATCH, State.PENDING})
"""Where an emitter may stand between two ticks of one minute without leaving a trace."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Without:
    """What is taken back: all of a source received up to second `until`, or the events of those numbers."""

    source_id: int = 0
    until: int = 0
    event_ids: frozenset[int] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a retraction changes for one emitter. strikes and codes: now, and afterwards.

    voided: transitions that will not have happened.
    """

    address: Address
    was: State
    was_code: Code
    was_strikes: int
    becomes: State
    code: Code
    strikes: int
    voided: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A retraction for one emitter, calculated. row None: the emitter has no scored row.

    replayed None: row and history stay as they are, only the evidence goes. kept: transitions that stand.
    added: those of the replayed life that come after them. newest: number of the last transition, 0 for
    none. minute: at which the lives end.
    """

    key: bytes
    without: Without
    row: states.Row | None
    replayed: Replayed | None
    kept: int
    voided: int
    policy_id: int
    trust_id: int
    newest: int
    minute: int = 0
    added: tuple[Recorded, ...] = ()

    @property
    def difference(self) -> Difference | None:
        """What changes, None if only the evidence goes."""
        if self.row is None or self.replayed is None:
            return None
        was, becomes = self.row.state, self.replayed.state
        return Difference(
            address=unpacked(self.row.address if was.unit == states.WHOLE_IPV6 else self.key),
            was=was.state,
            was_code=was.code,
            was_strikes=was.strikes,
            becomes=becomes.state,
            code=becomes.code,
            strikes=becomes.strikes,
            voided=self.voided,
        )


def past_of(connection: Connection, *, now: int, known: Past | None = None) -> Past | None:
    """Return the rules that replays at `now` (seconds) need, to be read once for many emitters.

    known: what was read before; it is returned as it is while no other rules came into force.
    """
    if known is not None and rules.is_newest(connection, known):
        return known
    return rules.past(connection, since=known_since(now))


def plan(
    connection: Connection, key: bytes, without: Without, *, past: Past | None, secret: Secret, now: int
) -> Plan:
    """Return what the retraction does to one emitter; reads only. now: seconds.

    A life with and one without the reports are compared, so that an emitter to which they made no
    difference keeps its row, with the very minutes at which the scheduler happened to run.
    """
    newest = _newest(connection, key)  # first: what a tick adds later must show
    row = states.read(connection, key, Channel.MAIN)
    nothing = Plan(
        key=key, without=without, row=row, replayed=None,
        kept=0, voided=0, policy_id=0, trust_id=0, newest=newest,
    )  # fmt: skip
    if row is None or past is None:
        return nothing
    history = _history(connection, key, since=known_since(now))
    removed = removals.accepted_minutes(connection, key, Channel.MAIN)
    # A process whose clock is ahead may have written already; what is told must not end before that.
    minute = max([now // _SECONDS_A_MINUTE, *removed[-1:], *(one.at_minute for one in history[-1:])])
    whole = life_of(connection, row, past, secret, now=now)
    less = _less(whole, without)
    with_them, replayed = (timeline.replay(one, until=minute) for one in (whole, less))
    if _told(with_them) == _told(replayed):
        return nothing
    kept, steps = _common(history, with_them, replayed)
    era = less.eras[-1]
    return dataclasses.replace(
        nothing,
        replayed=replayed,
        kept=kept,
        voided=len(history) - kept,
        added=replayed.history[steps:],
        policy_id=era.policy_id,
        trust_id=era.trust_id,
        minute=minute,
    )


def carry_out(connection: Connection, made: Plan, *, now: int) -> bool:
    """Write a plan in this transaction; returns False, with nothing taken back, if it is out of date."""
    key, without, row = made.key, made.without, made.row
    states.make_due(connection, key, key)  # locks the rows against intake and scoring
    fresh = states.read(connection, key, Channel.MAIN)
    if (fresh.version if fresh is not None else None) != (row.version + 1 if row is not None else None):
        return False
    if _newest(connection, key) != made.newest:
        return False  # a tick came between; it leaves the version, which is that of the inputs
    if fresh is not None and made.replayed is not None and made.replayed.state.epoch < fresh.state.epoch:
        return False  # an accepted removal is a fact that no life without it may undo
    if without.event_ids:
        evidence.retract_events(connection, key, without.event_ids, now=now)
    else:
        evidence.retract_source(connection, key, source_id=without.source_id, until=without.until, now=now)
    if row is not None and made.replayed is not None:
        _write(connection, row, made, now=now)
    return True


def retract_events(
    connection: Connection, key: bytes, event_ids: Collection[int], *, secret: Secret, now: int
) -> int:
    """Take back events of one emitter in this write transaction; returns how many counted until now.

    State, strikes and history become what they would be without them. The life of the emitter is told anew
    once, which takes its time: where nobody else must wait, `plan` in another transaction first.
    """
    states.make_due(connection, key, key)  # first, so that nothing comes between reading and writing
    standing = evidence.standing(connection, key, event_ids)
    if standing:
        without = Without(event_ids=frozenset(standing))
        made = plan(connection, key, without, past=past_of(connection, now=now), secret=secret, now=now)
        if not carry_out(connection, made, now=now):
            raise StoreError("nothing was taken back: the history of the address contradicts its removals")
    return len(standing)


def _less(whole: Timeline, without: Without) -> Timeline:
    """Return the timeline without what is taken back."""

    def stays(one: Event) -> bool:
        if without.event_ids:
            return one.event_id not in without.event_ids
        return one.source_id != without.source_id or one.received_at.timestamp() > without.until

    def still_said(one: Observed) -> bool:
        gone = one.source_id == without.source_id and one.received_at <= without.until // _SECONDS_A_MINUTE
        return bool(without.event_ids) or not gone

    return dataclasses.replace(
        whole,
        events=[one for one in whole.events if stays(one)],
        observations=[one for one in whole.observations if still_said(one)],
    )


def _told(replayed: Replayed) -> tuple[EmitterState, tuple[Recorded, ...]]:
    """Return what two lives are compared by: all but what the next tick judges anyway."""
    state = dataclasses.replace(replayed.state, score=0, next_due_at=0, last_evidence_at=0)
    return state, replayed.history


def _history(connection: Connection, key: bytes, *, since: int) -> list[sa.Row[tuple[int, ...]]]:
    """Return the standing transitions of an emitter since a minute, oldest first."""
    table = transition
    chosen = sa.select(table).where(
        table.c.emitter_key == key,
        table.c.channel == Channel.MAIN,
        table.c.void_at.is_(None),
        table.c.at_minute >= since,
    )
    return list(connection.execute(chosen.order_by(table.c.seq)))


def _newest(connection: Connection, key: bytes) -> int:
    """Return the number of the last transition of an emitter, void ones among them; 0 if there is none."""
    chosen = sa.select(sa.func.max(transition.c.seq)).where(
        transition.c.emitter_key == key, transition.c.channel == Channel.MAIN
    )
    return int(connection.execute(chosen).scalar() or 0)


def _common(
    history: Sequence[sa.Row[tuple[int, ...]]], with_them: Replayed, replayed: Replayed
) -> tuple[int, int]:
    """Return how many rows of the table stand, and how many steps of the replayed life they tell.

    Those at the beginning that are the same in both lives. A life is told minute by minute; the table shows
    more of a minute in which it was judged more than once.
    """
    rows = steps = 0
    for one, other in zip(with_them.history, replayed.history, strict=False):
        told = _told_by(history[rows:], other.transition) if one == other else 0
        if not told:
            break
        rows, steps = rows + told, steps + 1
    return rows, steps


def _told_by(rows: Sequence[sa.Row[tuple[int, ...]]], step: Transition) -> int:
    """Return how many of the first rows together tell one step of a life; 0 if they tell another one."""
    if not rows or rows[0].from_state != step.from_state:
        return 0
    for number, row in enumerate(rows, start=1):
        if abs(row.at_minute - step.at) > _SLACK_MINUTES:
            return 0
        if (row.to_state, row.code, row.cause) == (step.to_state, step.to_code, step.cause):
            return number
        if row.to_state not in _PASSED_UNSEEN:
            return 0
    return 0


def _write(connection: Connection, row: states.Row, made: Plan, *, now: int) -> None:
    """Set state and history to the replayed life."""
    assert made.replayed is not None
    old, new = row.state, made.replayed.state
    gone = _history(connection, row.key, since=known_since(now))[made.kept :]
    if gone:
        connection.execute(
            sa.update(transition)
            .where(transition.c.emitter_key == row.key, transition.c.channel == row.channel)
            .where(transition.c.seq.in_([one.seq for one in gone]))
            .values(void_at=now)
        )
    for recorded in made.added:
        states.add_history(
            connection, row.key, row.channel, [recorded.transition],
            policy_id=recorded.policy_id, trust_id=recorded.trust_id,
        )  # fmt: skip
    if old.state is State.LISTED and new.state is not State.LISTED:
        ended = Transition(
            at=made.minute, from_state=old.state, to_state=State.VOID, from_code=old.code, to_code=Code.NONE,
            cause="retraction", score=old.score,
        )  # fmt: skip
        states.add_history(
            connection, row.key, row.channel, [ended],
            policy_id=made.policy_id, trust_id=made.trust_id, void_at=now,
        )  # fmt: skip
    fresh = states.read(connection, row.key, row.channel)
    assert fresh is not None
    states.save(
        connection,
        [dataclasses.replace(fresh, state=dataclasses.replace(new, next_due_at=DIRTY))],
        policy_id=made.policy_id,
        trust_id=made.trust_id,
    )
    if old.code or new.code:
        controls.next_generation(connection)
