"""Listing states, the row that `scoring.step` folds over time, what it reads and what it returns."""

import dataclasses
from collections.abc import Sequence
from typing import Final

from feed.domain.event import Word
from feed.domain.evidence import Cell

NEVER: Final = 2**62
"""A due time that does not come: nothing changes without new input."""


class State(Word):
    """Where an emitter stands (scoring.md 5)."""

    CLEAR = 0
    WATCH = 1
    PENDING = 2
    LISTED = 3
    PROBATION = 4
    HELD = 5
    EXPIRED = 6
    VOID = 7


class Code(Word):
    """Return code of a listing: the last octet of 127.0.0.x; NONE where nothing is published."""

    NONE = 0
    CONFIRMED = 2
    REPORTED = 3


class Hold(Word):
    """Why evidence does not list."""

    EXEMPT = 1
    PROVIDER = 2
    POOL = 3
    OPERATOR = 4
    SOURCE_FAILED = 5


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EmitterState:
    """The scored state of one (emitter key, channel). Times are minutes since 1970-01-01 UTC, 0 = none.

    unit: 32 for IPv4; 64 or 128 for IPv6, the width that is published; address: for 128 the 16 bytes of
    the one address, else empty, since the emitter key tells its /64 only. since_at: entry into `state`.
    listed_at: start of the present or last listing. min_until: no expiry by score before it; kept while a
    hold interrupts the listing. strikes: listings within the policy's window; strike_at: the last of them.
    aside_from, aside_to: first and last day (since 1970-01-01) of which evidence may be an echo of a listing
    and never counts again, unless it is of an anchor's trap; 0 = none. score: micro-points.
    next_due_at: the first minute at which anything may change without new input. reason: stable word.
    """

    state: State = State.CLEAR
    code: Code = Code.NONE
    unit: int = 32
    address: bytes = b""
    since_at: int = 0
    listed_at: int = 0
    min_until: int = 0
    last_evidence_at: int = 0
    epoch: int = 0
    strikes: int = 0
    strike_at: int = 0
    aside_from: int = 0
    aside_to: int = 0
    probation_until: int = 0
    score: int = 0
    next_due_at: int = NEVER
    hold: int = 0
    reason: str = ""

    @property
    def aside(self) -> tuple[int, int]:
        """First and last day of which evidence is set aside."""
        return self.aside_from, self.aside_to


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ActiveHold:
    """One exemption, provider range, operator hold or failed source that covers the emitter.

    until: the first minute at which it is no longer in force, NEVER if open-ended. words: for pages.
    """

    kind: Hold
    until: int = NEVER
    words: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What is known of one emitter in the main channel when it is scored.

    cells: all of the policy's evidence days, of every epoch; older epochs are shown, never counted. muted:
    those of days that weigh nothing until an operator looked; shown only.
    jitter_seed: non-negative, a keyed hash of the emitter key. trusted_groups: of the whole feed, from
    `policy.trusted_groups`.
    """

    cells: Sequence[Cell]
    muted: Sequence[Cell] = ()
    holds: Sequence[ActiveHold] = ()
    jitter_seed: int = 0
    is_ipv6: bool = False
    trusted_groups: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One change of state, code or hold; `cause` is a stable word, `score` micro-points at that minute."""

    at: int
    from_state: State
    to_state: State
    from_code: Code
    to_code: Code
    cause: str
    score: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The new row and what happened on the way, in order of time."""

    state: EmitterState
    transitions: tuple[Transition, ...] = ()
