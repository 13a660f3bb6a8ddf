"""The scoring job: take what is due, step it, write it. Cost grows with what changed, never with history.

One tick is many short transactions. A crash between them leaves rows due, and they are taken again; a
row and its history are written together, so nothing is done twice. Whom a change of rules concerns comes
after what is due (`feed.store.rescore`), and a run may stop between two transactions.
"""

import dataclasses
from collections.abc import Callable
from typing import Final

from feed.domain import scoring
from feed.domain.address import unpacked
from feed.domain.event import Channel
from feed.domain.listing import NEVER, Code, EmitterState
from feed.domain.policy import Policy
from feed.domain.providers import Providers
from feed.store import controls, evidence, rescore, rules, states
from feed.store.database import Database
from feed.store.rules import Rules
from feed.store.secret import Secret

CHUNK: Final = 500
"""Emitters a transaction: about 50 ms of write lock (engineering.md 8)."""

_SECONDS_A_MINUTE: Final = 60


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What one run did. more: it stopped before everything was scored."""

    scored: int
    transitions: int
    more: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """The job with what it needs. providers None: the file cannot be read, and additions are held."""

    database: Database
    secret: Secret
    policy: Policy
    providers: Providers | None

    def run(self, *, now: int, enough: Callable[[], bool] = lambda: False) -> Tick:
        """Score everything that is dirty or due at `now` (seconds), until nothing is left or it is `enough`.

        enough: asked between two transactions; what is left is taken by the next run.
        """
        current = self._rules(now=now)
        minute = now // _SECONDS_A_MINUTE
        scored = transitions = 0
        while True:
            done = self._chunk(current, minute=minute)
            scored, transitions = scored + done.scored, transitions + done.transitions
            if not done.more or enough():
                return dataclasses.replace(done, scored=scored, transitions=transitions)

    def _rules(self, *, now: int) -> Rules:
        """Return the rules in force. Whoever a change of policy, trust or provider file concerns is due."""
        with self.database.read() as connection:
            before = rules.load(connection, policy=self.policy, providers=self.providers, now=now)
            known = rules.recorded(connection, before)
        if known is not None:
            return known
        with self.database.write() as connection:
            fresh = rules.load(connection, policy=self.policy, providers=self.providers, now=now)
            concerned = rules.concerned(connection, fresh)
            current = rules.record(connection, fresh, now=now)
            if concerned.everybody:
                rescore.everybody(connection)
            for source_id in sorted(concerned.sources):
                rescore.source(connection, source_id, first_day=fresh.first_day(now // _SECONDS_A_MINUTE))
            return current

    def _chunk(self, current: Rules, *, minute: int) -> Tick:
        transitions = 0
        changed = False
        with self.database.write() as connection:
            due = states.due(connection, minute=minute, limit=CHUNK)
            more = len(due) >= CHUNK
            if not more and rescore.page(
                connection,
                limit=CHUNK - len(due),
                policy_id=current.policy_id,
                trust_id=current.trust_id,
            ):
                more = True
                due = states.due(connection, minute=minute, limit=CHUNK)
            cells = evidence.cells_of_many(
                connection, [row.key for row in due], first_day=current.first_day(minute)
            )
            scored = []
            for row in due:
                if row.channel is not Channel.MAIN:
                    # Counted and shown, never listed: nothing to step.
                    scored.append(
                        dataclasses.replace(row, state=dataclasses.replace(row.state, next_due_at=NEVER))
                    )
                    continue
                inputs = current.inputs(unpacked(row.key), cells.get((row.key, row.channel), []), self.secret)
                done = scoring.step(row.state, inputs, current.policy, current.trust, minute)
                changed = changed or _published(row.state) != _published(done.state)
                scored.append(dataclasses.replace(row, state=done.state))
                transitions += len(done.transitions)
                states.add_history(
                    connection, row.key, row.channel, done.transitions,
                    policy_id=current.policy_id, trust_id=current.trust_id,
                )  # fmt: skip
            states.save(connection, scored, policy_id=current.policy_id, trust_id=current.trust_id)
            if changed:
                controls.next_generation(connection)
        return Tick(scored=len(due), transitions=transitions, more=more)


def _published(state: EmitterState) -> tuple[Code, int, bytes]:
    """Return what of a state the zones show."""
    return (state.code, state.unit, state.address) if state.code else (Code.NONE, 0, b"")
