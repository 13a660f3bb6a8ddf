"""How far a reporter is believed: confirmations and contradictions, forgotten slowly, as a weight.

A reporter earns weight only where a trap of somebody else later shows the same emitter, and only for
what was not published when he reported it: copying the zone earns nothing (scoring.md 4.2). Counts are
kept by day and forgotten on reading, so their order never matters and each can be taken back.
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Self

from feed.domain.decay import decayed
from feed.domain.evidence import MICRO, MINUTES_A_DAY, Cell, Trust

FULL_WEIGHT: Final = 20
"""Weights are twentieths."""

PRIOR_GOOD: Final = 1 * MICRO
PRIOR_BAD: Final = 2 * MICRO
"""What a newcomer is worth before he said anything: so little that his lower bound is below zero weight."""

HALF_LIFE_DAYS: Final = 60
MOST_GOOD: Final = 50 * MICRO
"""Confirmations beyond it do not pile up, so that a long good past does not outweigh a bad present."""

CANARY: Final = 5
"""Contradictions that a reported secret canary address counts for."""

CONFIRM_WITHIN_MINUTES: Final = 7 * MINUTES_A_DAY
CREDIT_ONCE_MINUTES: Final = 30 * MINUTES_A_DAY

_LCB_SD_HUNDREDTHS: Final = 128  # one-sided 90 %: mean - 1.28 standard deviations
_SCALE: Final = 10**9
_ZERO_AT: Final = 4 * _SCALE // 10
_SPAN: Final = 4 * _SCALE // 10

Span = tuple[int, int]
"""Minutes from which and before which an emitter was published."""


class DayCount(NamedTuple):
    """What one day brought."""

    day: int
    good: int
    bad: int


@dataclasses.dataclass(frozen=True, slots=True)
class Reliability:
    """Confirmations and contradictions of one reporter, by day since 1970-01-01, oldest first."""

    days: tuple[DayCount, ...] = ()

    def credit(self, day: int, times: int = 1) -> Self:
        """Return the counts with `times` novel confirmations more on `day`; below 0 takes some back."""
        return self._with(day, times, 0)

    def contradict(self, day: int, times: int = 1) -> Self:
        """Return the counts with `times` contradictions more on `day` (`CANARY` for a canary address).

        A contradiction is an upheld dispute, a message proven solicited or a canary: never a removal,
        which honest reporters of repaired servers would pay for (field-review.md 11).
        """
        return self._with(day, 0, times)

    def _with(self, day: int, good: int, bad: int) -> Self:
        counts = {one.day: one for one in self.days}
        old = counts.get(day, DayCount(day, 0, 0))
        new = DayCount(day, old.good + good, old.bad + bad)
        if new.good < 0 or new.bad < 0:
            raise ValueError("more was taken back than was counted")
        counts[day] = new
        return type(self)(tuple(counts[at] for at in sorted(counts) if counts[at][1:] != (0, 0)))


def weight_of(reliability: Reliability, day: int) -> int:
    """Return the weight on `day` in twentieths; what is dated later counts as of `day`.

    The lower confidence bound of a Beta distribution, so that few confirmations weigh nothing: 3 give
    0.1, 5 give 0.4, 10 give 0.8, 20 give 1.0 (scoring.md 4.2). Integers only.
    """
    good, bad = _counts(reliability, day)
    total = good + bad
    variance = good * bad * MICRO * _SCALE * _SCALE // (total * total * (total + MICRO))
    bound = good * _SCALE // total - math.isqrt(variance) * _LCB_SD_HUNDREDTHS // 100
    twentieths = ((bound - _ZERO_AT) * FULL_WEIGHT * 2 + _SPAN) // (2 * _SPAN)
    return max(0, min(FULL_WEIGHT, twentieths))


def _counts(reliability: Reliability, day: int) -> tuple[int, int]:
    """Return both Beta counts in millionths; the ceiling lies inside the forgetting, as in a bucket."""
    good = bad = 0
    last = reliability.days[0].day if reliability.days else day
    for one in reliability.days:
        at = min(one.day, day)
        good = decayed(good, at - last, HALF_LIFE_DAYS) + one.good * MICRO
        bad = decayed(bad, at - last, HALF_LIFE_DAYS) + one.bad * MICRO
        good = min(good, MOST_GOOD - PRIOR_GOOD)
        last = max(last, at)
    return (
        PRIOR_GOOD + decayed(good, day - last, HALF_LIFE_DAYS),
        PRIOR_BAD + decayed(bad, day - last, HALF_LIFE_DAYS),
    )


def novel_confirmations(
    cells: Iterable[Cell], trust: Trust, published: Sequence[Span], *, credited: Mapping[int, int]
) -> dict[int, int]:
    """Return which sources the traps of others confirm about one emitter: minute of it by source id.

    cells: of the emitter, main channel, any epoch. published: when it was in the zones. credited: the
    minute of each source's last credit for this emitter. A report needs strength 3 or more and lies
    within seven days of the hit of an anchor of another group; a source gets one credit in 30 days.
    The minute is the earliest at which both were known.
    """
    pool = [cell for cell in cells if cell.n]
    hits = [
        (trust[cell.source_id].group_id, at)
        for cell in pool
        if cell.trap_n and cell.source_id in trust and trust[cell.source_id].anchor
        and not trust[cell.source_id].suspended
        for at in (cell.trap_first_at, cell.trap_last_at)
    ]  # fmt: skip
    earned: dict[int, int] = {}
    if not hits:
        return earned
    for cell in pool:
        standing = trust.get(cell.source_id)
        at = _reported_at(cell, published)
        if standing is None or at is None:
            continue
        both = [
            max(at, hit)
            for group_id, hit in hits
            if group_id != standing.group_id and abs(hit - at) <= CONFIRM_WITHIN_MINUTES
        ]
        if not both:
            continue
        minute = min(both)
        last = credited.get(cell.source_id)
        if last is None or abs(minute - last) >= CREDIT_ONCE_MINUTES:
            earned[cell.source_id] = min(minute, earned.get(cell.source_id, minute))
    return earned


def _reported_at(cell: Cell, published: Sequence[Span]) -> int | None:
    """Return when a day's strong evidence was seen while the emitter was not published, or None."""
    if not cell.strong_at:
        return None
    only_strong = cell.n == sum(cell.n_u[3:])
    moments = (cell.first_at, cell.strong_at) if only_strong else (cell.strong_at,)
    for at in moments:
        if not any(start <= at < end for start, end in published):
            return at
    return None
