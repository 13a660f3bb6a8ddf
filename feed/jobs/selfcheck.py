"""The nightly self-check: cells rebuilt from events, every row scored anew, differences told and repaired.

Both are caches of what reporters said: a difference is a defect of the program or of the disk, never of a
reporter. Repaired rows are judged by the next tick, so nothing is published past the gates.
"""

import dataclasses
import json
from collections.abc import Callable
from typing import Final

from feed.domain import scoring
from feed.domain.address import unpacked
from feed.domain.event import Channel
from feed.domain.listing import EmitterState
from feed.domain.policy import Policy
from feed.domain.providers import Providers
from feed.jobs.retention import CELL_DAYS
from feed.store import controls, evidence, rescore, rules, states
from feed.store.controls import Control
from feed.store.database import Database
from feed.store.rules import Rules
from feed.store.secret import Secret

SELFCHECK: Final = "selfcheck"
"""Name of the mark with the last result."""

CHUNK: Final = 250
MOST_NAMED: Final = 20

_SECONDS_A_MINUTE: Final = 60
_SECONDS_A_DAY: Final = 86_400


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found. cells, states: emitters whose cells, whose row were wrong; both are repaired.

    named: the first of them. skipped: rows that wait for the next tick anyway.
    """

    emitters: int
    skipped: int
    cells: int
    states: int
    named: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing was wrong."""
        return not self.cells and not self.states


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SelfCheck:
    """The job with what it needs; see `score.Scorer`."""

    database: Database
    secret: Secret
    policy: Policy
    providers: Providers | None

    def run(self, *, now: int, progress: Callable[[int], None] = lambda _done: None) -> Checked:
        """Check everybody at `now` (seconds) in short transactions and keep the result as a mark."""
        with self.database.read() as connection:
            loaded = rules.load(connection, policy=self.policy, providers=self.providers, now=now)
            # While a change of rules is under way, rows of both sides are right.
            current = None if rescore.pending(connection) else rules.recorded(connection, loaded)
        found = Checked(emitters=0, skipped=0, cells=0, states=0)
        key = b""
        while True:
            with self.database.read() as connection:
                rows = states.after(connection, key, limit=CHUNK)
            if not rows:
                break
            key = rows[-1].key
            found = self._chunk(found, rows, current, now=now)
            progress(found.emitters)
        said = json.dumps({"emitters": found.emitters, "cells": found.cells, "states": found.states})
        with self.database.write() as connection:
            controls.put(
                connection, SELFCHECK, Control(value=said, reason="", author="selfcheck", set_at=now)
            )
        return found

    def _chunk(self, found: Checked, rows: list[states.Row], current: Rules | None, *, now: int) -> Checked:
        keys = sorted({row.key for row in rows})
        wrong_cells = self._wrong_cells(keys, now=now)
        for key in wrong_cells:
            with self.database.write() as connection:
                states.make_due(connection, key, key)  # first, so that intake waits
                evidence.rebuild_cells(connection, key)
        wrong_states, skipped = self._wrong_states(rows, set(wrong_cells), current, now=now)
        if wrong_states:
            with self.database.write() as connection:
                states.make_keys_due(connection, wrong_states)
        named = [*found.named, *(str(unpacked(key)) for key in (*wrong_cells, *wrong_states))]
        return Checked(
            emitters=found.emitters + len(keys),
            skipped=found.skipped + skipped,
            cells=found.cells + len(wrong_cells),
            states=found.states + len(wrong_states),
            named=tuple(named[:MOST_NAMED]),
        )

    def _wrong_cells(self, keys: list[bytes], *, now: int) -> list[bytes]:
        """Return the emitters whose cells are not what their events and observations say."""
        # The oldest cells may be swept at this moment.
        first_day = now // _SECONDS_A_DAY - CELL_DAYS + 1
        with self.database.read() as connection:
            wanted = evidence.rebuilt_many(connection, keys)
            stored = evidence.stored_many(connection, keys, first_day=first_day)
        return [
            key
            for key in keys
            if stored[key] != {at: cell for at, cell in wanted[key].items() if at[1] >= first_day}
        ]

    def _wrong_states(
        self, rows: list[states.Row], repaired: set[bytes], current: Rules | None, *, now: int
    ) -> tuple[list[bytes], int]:
        """Return the emitters that a full rescore would change, and how many rows wait for a tick anyway."""
        minute = now // _SECONDS_A_MINUTE
        keys = sorted({row.key for row in rows})
        wrong, skipped = [], 0
        with self.database.read() as connection:
            fresh = {row.key: row for row in states.of_keys(connection, keys) if row.channel is Channel.MAIN}
            cells = evidence.cells_of_many(
                connection, keys, first_day=current.first_day(minute) if current is not None else 0
            )
        for key, row in fresh.items():
            if current is None or row.state.next_due_at <= minute or key in repaired:
                skipped += 1
                continue
            inputs = current.inputs(unpacked(key), cells.get((key, Channel.MAIN), []), self.secret)
            done = scoring.step(row.state, inputs, current.policy, current.trust, minute)
            if (
                done.transitions
                or _shown(done.state) != _shown(row.state)
                or done.state.next_due_at < row.state.next_due_at
            ):
                wrong.append(key)
        return wrong, skipped


def _shown(state: EmitterState) -> EmitterState:
    """Return a row without what a tick at any minute writes anew."""
    return dataclasses.replace(state, score=0, next_due_at=0, last_evidence_at=0)
