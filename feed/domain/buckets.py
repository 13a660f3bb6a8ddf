"""What each independence group adds to a score: leaky buckets with their ceilings inside the decay.

A ceiling applied on reading only would keep a long-time emitter at it for days after it stopped
(scoring.md 3). All is integers, so the order of cells is nothing.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from feed.domain.decay import BITS, decay_table, decayed
from feed.domain.evidence import Cell, Standing
from feed.domain.policy import Policy

FULL_WEIGHT: Final = 20
"""Weights are twentieths; group sums are micro-points times weight, so that nothing is rounded early."""

Judged = tuple[Cell, Standing]
"""A cell with the standing of its source."""


class DaySum(NamedTuple):
    """One day of one group, weighted: time of its latest original, points of each part after the caps."""

    at: int
    main: int
    strong: int
    weak: int


class GroupSum(NamedTuple):
    """One group's buckets right after its last day; weighted micro-points (twentieths).

    main: strength >= 2 with the `no_such_user` part; strong: without it; weak: strength 1.
    """

    group_id: int
    weight: int
    last_at: int
    main: int
    strong: int
    weak: int
    strong_at: int
    days: tuple[DaySum, ...]


def group_sums(counted: Iterable[Judged], policy: Policy) -> tuple[GroupSum, ...]:
    """Return the buckets of all groups, by group id."""
    by_group: dict[int, list[Judged]] = {}
    for pair in counted:
        group_id = pair[1].group_id
        if group_id in by_group:
            by_group[group_id].append(pair)
        else:
            by_group[group_id] = [pair]
    return tuple([_group_sum(group_id, by_group[group_id], policy) for group_id in sorted(by_group)])


def _group_sum(group_id: int, pairs: list[Judged], policy: Policy) -> GroupSum:
    """Return the buckets of one group; its sources add up day by day, each under its own weight."""
    weight = strong_at = 0
    day_cap = policy.day_cap
    by_day: dict[int, DaySum] = {}
    for cell, standing in pairs:
        own = standing.weight
        weight = max(weight, own)
        strong_at = max(strong_at, cell.strong_at)
        points = cell.points
        strong = main = (min(day_cap, points)) * own
        if cell.nsu_n >= policy.nsu_recipients:
            main = min(day_cap, points + cell.nsu_points) * own
        weak = cell.weak_points and min(policy.weak_cap, cell.weak_points) * own
        known = by_day.get(cell.day)
        if known is None:
            by_day[cell.day] = DaySum(cell.last_at, main, strong, weak)
        else:
            at = max(known.at, cell.last_at)
            by_day[cell.day] = DaySum(at, known.main + main, known.strong + strong, known.weak + weak)
    days = tuple([by_day[day] for day in sorted(by_day)]) if len(by_day) > 1 else tuple(by_day.values())
    last_at = days[-1].at
    main, strong, weak = _fold(days, weight, policy, last_at)
    return GroupSum(group_id, weight, last_at, main, strong, weak, strong_at, days)


def _fold(days: tuple[DaySum, ...], weight: int, policy: Policy, tick: int) -> tuple[int, int, int]:
    """Return (main, strong, weak) at `tick`.

    Observations from after `tick` count as made at `tick`. A day fills by `day_cap` at most, also when
    several sources of the group add up.
    """
    cap, day_cap = policy.bucket_cap * weight, policy.day_cap * weight
    weak_cap = policy.weak_cap * weight
    if len(days) == 1:  # the common case
        most = min(cap, day_cap)
        return min(most, days[0].main), min(most, days[0].strong), min(weak_cap, days[0].weak)
    half_life = policy.half_life_minutes
    table = decay_table(half_life)
    main = strong = weak = last = 0
    for day in days:
        at = min(tick, day.at)
        if main:
            halvings, rest = divmod(at - last, half_life)
            factor, shift = table[rest], BITS + halvings
            main, strong = main * factor >> shift, strong * factor >> shift
            weak = weak and weak * factor >> shift
        elif weak:
            weak = decayed(weak, at - last, half_life)
        main += min(day_cap, day.main)
        strong += min(day_cap, day.strong)
        main = min(cap, main)
        strong = min(cap, strong)
        if day.weak:
            weak = min(weak_cap, weak + day.weak)
        last = at
    return main, strong, weak


def buckets_at(groups: Sequence[GroupSum], policy: Policy, tick: int) -> list[tuple[int, int]]:
    """Return each group's whole and strong contribution at `tick`, in micro-points."""
    half_life, table = policy.half_life_minutes, decay_table(policy.half_life_minutes)
    found = []
    for group in groups:
        _, weight, last_at, main, strong, weak, _, days = group
        if tick < last_at:
            main, strong, weak = _fold(days, weight, policy, tick)
        elif tick > last_at:
            halvings, rest = divmod(tick - last_at, half_life)
            factor, shift = table[rest], BITS + halvings
            whole = main * factor >> shift
            strong = whole if strong == main else strong * factor >> shift
            main, weak = whole, weak and weak * factor >> shift
        if weak:
            main = min(policy.bucket_cap * weight, main + weak)
        whole = main // FULL_WEIGHT
        found.append((whole, whole if strong == main else strong // FULL_WEIGHT))
    return found
