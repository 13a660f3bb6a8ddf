"""Listing states and the row that `scoring.step` folds over time."""

import dataclasses
from typing import Final

from feed.domain.event import Word

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

    unit: 32 for IPv4; 64 or 128 for IPv6, the width that is published. since_at: entry into `state`.
    listed_at: start of the present or last listing. min_until: no expiry by score before it.
    strikes: listings within the policy's window; strike_at: the last of them. score: micro-points.
    next_due_at: the first minute at which anything may change without new input. reason: stable word.
    """

    state: State = State.CLEAR
    code: Code = Code.NONE
    unit: int = 32
    since_at: int = 0
    listed_at: int = 0
    min_until: int = 0
    last_evidence_at: int = 0
    epoch: int = 0
    strikes: int = 0
    strike_at: int = 0
    probation_until: int = 0
    score: int = 0
    next_due_at: int = NEVER
    hold: int = 0
    reason: str = ""
