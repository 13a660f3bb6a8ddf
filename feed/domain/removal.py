"""How fast a listed admin is removed: at once the first time, with quiet waits when it comes back.

Proof of control is asked elsewhere; this is the ladder alone (DESIGN section 5, scoring.md 5).
"""

import dataclasses
from collections.abc import Sequence

from feed.domain.policy import Policy


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The removal takes effect now."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Not yet: `until` is the first minute at which it is accepted if no new evidence comes."""

    until: int
    words: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NotBySelf:
    """Too often lately: the listing ends by expiry or by the operator. `until`: when the ladder eases."""

    until: int
    words: str


Decision = Accepted | Wait | NotBySelf


def decide_removal(accepted: Sequence[int], last_evidence_at: int, now: int, policy: Policy) -> Decision:
    """Return whether a removal asked for at minute `now` is granted.

    accepted: minutes of earlier accepted removals of this emitter, any order; only those within the
    policy's window count. last_evidence_at: minute of the latest counted evidence, 0 if none. Evidence
    dated after `now` counts as from now.
    """
    recent = sorted(at for at in accepted if at > now - policy.removal_window_minutes)
    if not recent:
        return Accepted()
    eased_at = recent[0] + policy.removal_window_minutes
    quiets = (policy.removal_second_quiet_minutes, policy.removal_third_quiet_minutes)
    if len(recent) > len(quiets):
        words = (
            f"It was removed {len(recent)} times in the last {_span(policy.removal_window_minutes)} and "
            "evidence came again each time. The listing now ends by itself when the evidence has aged, "
            "or by the operator: please write to us."
        )
        return NotBySelf(until=eased_at, words=words)
    quiet = quiets[len(recent) - 1]
    until = min(last_evidence_at, now) + quiet
    if until <= now:
        return Accepted()
    # A removal that leaves the window makes this one the earlier step of the ladder.
    if len(recent) == 1:
        until = min(until, eased_at)
    times = "once" if len(recent) == 1 else "twice"
    words = (
        f"It was removed {times} in the last {_span(policy.removal_window_minutes)}, so this removal is "
        f"accepted after {_span(quiet)} without new evidence."
    )
    return Wait(until=until, words=words)


def _span(minutes: int) -> str:
    """Return minutes in the largest unit that divides them, days only from two on."""
    for size, word in ((1440, "days"), (60, "hours")):
        if minutes % size == 0 and minutes // size > 1:
            return f"{minutes // size} {word}"
    return f"{minutes} minutes"
