"""The cells of one emitter summed by independence group, and what that sum is worth at a minute.

A tally depends on the day and the windows only, so one serves many minutes: between `since` and `until`
nothing but decay changes, and every fact of it only falls. That is what makes due times exact.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from feed.domain.decay import BITS, decay_table, decayed
from feed.domain.evidence import MINUTES_A_DAY, Cell, Standing, Trust
from feed.domain.listing import NEVER
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


class Tally(NamedTuple):
    """What counts for one emitter from minute `since` until before minute `until`.

    plain: no group has weak or `no_such_user` points, so strong score = score. originals, days: of
    strength >= 3. hands_n: of these, not auto-replies. anchor_*: traps of anchor sources in the window.
    traps: whether any trap or tag original lies in the window. observed: whether a trusted source
    sent observations lately. mixed, pooled: the two guards. addr_*: of all counted cells.
    """

    since: int
    until: int
    groups: tuple[GroupSum, ...]
    plain: bool
    originals: int
    days: int
    hands_n: int
    log_miss_n: int
    log_miss_days: int
    traps: bool
    anchored: bool
    observed: bool
    mixed: bool
    pooled: bool
    last_at: int
    strong_at: int
    addr_min: bytes
    addr_max: bytes


class Facts(NamedTuple):
    """The tally at one minute: scores in micro-points, supporting groups, those of them trusted.

    others: the score without its strongest groups, one fewer than a quorum: what is left for the last.
    """

    score: int
    strong: int
    others: int
    supports: int
    trusted: int


def tally(cells: Sequence[Cell], trust: Trust, policy: Policy, *, epoch: int, tick: int) -> Tally:
    """Return what of `cells` counts at minute `tick` after `epoch` accepted removals."""
    counted, watched = _sorted_out(cells, trust, policy, epoch=epoch, tick=tick)
    strong = [cell for cell, _ in counted if cell.strong_at]
    misses = [cell for cell in strong if cell.log_miss_n]
    trap_from = tick - policy.anchor_window_minutes
    trapped = [pair for pair in counted if pair[0].trap_n and pair[0].trap_last_at >= trap_from]
    originals = sum([cell.n_u[3] + cell.n_u[4] + cell.n_u[5] for cell in strong])
    groups = _group_sums(counted, policy)
    seen = _seen_by_group(watched) if watched else []
    return Tally(
        since=tick,
        until=_until(counted, trapped, watched, policy),
        groups=groups,
        plain=not any(group.weak or group.main != group.strong for group in groups),
        originals=originals,
        days=len({cell.day for cell in strong}),
        hands_n=originals - sum([cell.auto_n for cell in strong]),
        log_miss_n=sum([cell.log_miss_n for cell in misses]),
        log_miss_days=len({cell.day for cell in misses}),
        traps=bool(trapped),
        anchored=bool(trapped) and _anchored(trapped, policy),
        observed=bool(watched),
        mixed=bool(seen) and _mixed(seen, policy),
        pooled=bool(seen) and _pooled(seen, policy),
        last_at=max([cell.last_at for cell, _ in counted], default=0),
        strong_at=max([cell.strong_at for cell in strong], default=0),
        addr_min=min([cell.addr_min for cell, _ in counted], default=b""),
        addr_max=max([cell.addr_max for cell, _ in counted], default=b""),
    )


def _sorted_out(
    cells: Sequence[Cell], trust: Trust, policy: Policy, *, epoch: int, tick: int
) -> tuple[list[Judged], list[Judged]]:
    """Return the cells whose evidence counts, and those with observations of trusted sources.

    An accepted removal sets evidence aside; what was seen of genuine mail stays true.
    """
    today = tick // MINUTES_A_DAY
    oldest = today - policy.evidence_days
    guard_from = today - policy.guard_days + 1
    counted: list[Judged] = []
    watched: list[Judged] = []
    for cell in cells:
        standing = trust.get(cell.source_id)
        if standing is None or standing.suspended:
            continue
        if cell.epoch == epoch and cell.n and standing.weight and cell.day >= oldest:
            counted.append((cell, standing))
        if cell.observed and cell.day >= guard_from and standing.weight >= policy.trusted_weight:
            watched.append((cell, standing))
    return counted, watched


def _until(counted: list[Judged], trapped: list[Judged], watched: list[Judged], policy: Policy) -> int:
    """Return the minute at which the first window ends that the tally rests on.

    Observed days without genuine mail, and with totals too small for the pool guard, matter only by their
    last one, when `observed` ends: what is left of a sum that is too small is smaller still.
    """
    ends = [cell.trap_last_at + policy.anchor_window_minutes + 1 for cell, _ in trapped]
    if counted:
        first_day = min([cell.day for cell, _ in counted])
        ends.append((first_day + policy.evidence_days + 1) * MINUTES_A_DAY)
    if watched:
        days = [cell.day for cell, _ in watched]
        counts = any(cell.genuine_n for cell, _ in watched)
        counts = counts or sum([cell.seen_24h for cell, _ in watched]) >= policy.pool_seen
        ends.append(((min(days) if counts else max(days)) + policy.guard_days) * MINUTES_A_DAY)
    return min(ends, default=NEVER)


def _group_sums(counted: list[Judged], policy: Policy) -> tuple[GroupSum, ...]:
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
    by_day: dict[int, DaySum] = {}
    for cell, standing in pairs:
        own, points = standing.weight, cell.points
        weight = max(weight, own)
        strong_at = max(strong_at, cell.strong_at)
        day_cap = policy.day_cap
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
    """Return (main, strong, weak) at `tick`: leaky buckets with their ceilings inside the decay.

    A ceiling applied on reading only would keep a long-time emitter at it for days after it stopped
    (scoring.md 3). Observations from after `tick` count as made at `tick`. A day fills by `day_cap`
    at most, also when several sources of the group add up.
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


def bucket_at(group: GroupSum, policy: Policy, tick: int) -> tuple[int, int]:
    """Return the group's whole and strong contribution at `tick`, in micro-points."""
    main, strong, weak = group.main, group.strong, group.weak
    if tick < group.last_at:
        main, strong, weak = _fold(group.days, group.weight, policy, tick)
    elif tick > group.last_at:
        halvings, rest = divmod(tick - group.last_at, policy.half_life_minutes)
        factor, shift = decay_table(policy.half_life_minutes)[rest], BITS + halvings
        whole = main * factor >> shift
        strong = whole if strong == main else strong * factor >> shift
        main, weak = whole, weak and weak * factor >> shift
    if weak:
        main = min(policy.bucket_cap * group.weight, main + weak)
    return main // FULL_WEIGHT, strong // FULL_WEIGHT


def facts(counted: Tally, policy: Policy, tick: int) -> Facts:
    """Return score and support at `tick`, which lies in the tally's time."""
    wholes: list[int] = []
    firms: list[int] = []
    supports = trusted = 0
    live_from = tick - policy.support_minutes
    for group in counted.groups:
        whole, firm = bucket_at(group, policy, tick)
        wholes.append(whole)
        firms.append(firm)
        if firm >= policy.support_at and group.strong_at and group.strong_at >= live_from:
            supports += 1
            trusted += group.weight >= policy.trusted_weight
    if len(wholes) > policy.top_groups:
        wholes = sorted(wholes, reverse=True)[: policy.top_groups]
        firms = sorted(firms, reverse=True)[: policy.top_groups]
    score = sum(wholes)
    others = score
    if policy.quorum_groups > 1:
        others -= sum(sorted(wholes, reverse=True)[: policy.quorum_groups - 1])
    return Facts(score, score if counted.plain else sum(firms), others, supports, trusted)


def _anchored(trapped: list[Judged], policy: Policy) -> bool:
    """Whether traps of anchor sources were hit often enough, at several of them, over some time.

    Tokens of different groups stand for different traps; an unknown token (0) proves no second one.
    """
    anchors = [(cell, standing) for cell, standing in trapped if standing.anchor]
    if not anchors:
        return False
    tokens = {
        (standing.group_id, token)
        for cell, standing in anchors
        for token in (cell.trap_token_min, cell.trap_token_max)
        if token
    }
    groups = {standing.group_id for _, standing in anchors}
    return (
        sum(cell.trap_n for cell, _ in anchors) >= policy.anchor_hits
        and max(len(tokens), len(groups)) >= policy.anchor_traps
        and len({cell.day for cell, _ in anchors}) >= policy.anchor_days
        and max(cell.trap_last_at for cell, _ in anchors) - min(cell.trap_first_at for cell, _ in anchors)
        >= policy.anchor_gap_minutes
    )


class _Seen(NamedTuple):
    """Observations of one group over the guard's days, and its originals of the same days."""

    null_n: int = 0
    genuine_n: int = 0
    seen: int = 0
    originals: int = 0


def _seen_by_group(watched: list[Judged]) -> list[_Seen]:
    """Return the sums of each group; a source's day counts once, whatever the number of its epochs."""
    days: dict[tuple[int, int, int], _Seen] = {}
    for cell, standing in watched:
        key = (standing.group_id, cell.source_id, cell.day)
        old = days.get(key, _Seen())
        days[key] = _Seen(
            max(old.null_n, cell.null_n),
            max(old.genuine_n, cell.genuine_n),
            max(old.seen, cell.seen_24h),
            old.originals + cell.n,
        )
    groups: dict[int, _Seen] = {}
    for (group_id, _, _), day in days.items():
        old = groups.get(group_id, _Seen())
        groups[group_id] = _Seen(*(one + more for one, more in zip(old, day, strict=True)))
    return list(groups.values())


def _mixed(seen_by_group: list[_Seen], policy: Policy) -> bool:
    """Whether enough trusted groups saw genuine bounces from here: never more than 127.0.0.3 then."""
    genuine = sum(
        seen.genuine_n >= policy.genuine_n
        or (seen.genuine_n > 0 and seen.genuine_n * 100 >= seen.null_n * policy.genuine_percent)
        for seen in seen_by_group
    )
    return genuine >= policy.genuine_groups


def _pooled(seen_by_group: list[_Seen], policy: Policy) -> bool:
    """Whether most trusted groups that see much mail from here see hardly any backscatter among it.

    Of an even number more than half must agree: a median between two disagreeing groups proves nothing.
    """
    large = [seen for seen in seen_by_group if seen.seen >= policy.pool_seen]
    low = sum(seen.originals * 10**6 < seen.seen * policy.pool_rate_ppm for seen in large)
    return len(large) >= policy.pool_groups and low * 2 > len(large)
