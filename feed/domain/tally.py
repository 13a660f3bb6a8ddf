"""The cells of one emitter summed by independence group, and what that sum is worth at a minute.

A tally depends on the day and the windows only, so one serves many minutes: between `since` and `until`
nothing but decay changes, and every fact of it only falls. That is what makes due times exact.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from feed.domain.decay import BITS, decay_table
from feed.domain.evidence import MINUTES_A_DAY, Cell, Standing, Trust
from feed.domain.listing import NEVER
from feed.domain.policy import Policy

FULL_WEIGHT: Final = 20
"""Weights are twentieths; group sums are micro-points times weight, so that nothing is rounded early."""


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
    first_at: int
    last_at: int
    strong_at: int
    addr_min: bytes
    addr_max: bytes


class Facts(NamedTuple):
    """The tally at one minute: scores in micro-points, supporting groups, those of them trusted."""

    score: int
    strong: int
    supports: int
    trusted: int


def tally(cells: Sequence[Cell], trust: Trust, policy: Policy, *, epoch: int, tick: int) -> Tally:
    """Return what of `cells` counts at minute `tick` after `epoch` accepted removals."""
    today = tick // MINUTES_A_DAY
    oldest = today - policy.evidence_days
    guard_from = today - policy.guard_days + 1
    until = NEVER
    counted: list[tuple[Cell, Standing]] = []
    watched: list[tuple[Cell, Standing]] = []
    for cell in cells:
        standing = trust.get(cell.source_id)
        if standing is None or standing.suspended:
            continue
        if cell.observed and cell.day >= guard_from:
            watched.append((cell, standing))
            until = min(until, (cell.day + policy.guard_days) * MINUTES_A_DAY)
        if cell.epoch == epoch and cell.n and standing.weight and cell.day >= oldest:
            counted.append((cell, standing))
            until = min(until, (cell.day + policy.evidence_days + 1) * MINUTES_A_DAY)
    originals = hands_n = log_miss_n = last_at = strong_at = 0
    first_at = NEVER
    days: set[int] = set()
    log_miss_days: set[int] = set()
    trapped: list[tuple[Cell, Standing]] = []
    by_group: dict[int, list[tuple[Cell, Standing]]] = {}
    for pair in counted:
        cell, standing = pair
        by_group.setdefault(standing.group_id, []).append(pair)
        first_at = min(first_at, cell.first_at)
        last_at = max(last_at, cell.last_at)
        if cell.strong_at:
            strong_n = cell.n_u[3] + cell.n_u[4] + cell.n_u[5]
            originals += strong_n
            hands_n += strong_n - cell.auto_n
            days.add(cell.day)
            strong_at = max(strong_at, cell.strong_at)
        if cell.log_miss_n:
            log_miss_n += cell.log_miss_n
            log_miss_days.add(cell.day)
        if cell.trap_n and cell.trap_last_at + policy.anchor_window_minutes >= tick:
            trapped.append(pair)
            until = min(until, cell.trap_last_at + policy.anchor_window_minutes + 1)
    seen = _seen_by_group(watched, policy) if watched else []
    groups = tuple(_group_sum(gid, pairs, policy) for gid, pairs in sorted(by_group.items()))
    return Tally(
        since=tick,
        until=until,
        groups=groups,
        plain=all(group.weak == 0 and group.main == group.strong for group in groups),
        originals=originals,
        days=len(days),
        hands_n=hands_n,
        log_miss_n=log_miss_n,
        log_miss_days=len(log_miss_days),
        traps=bool(trapped),
        anchored=bool(trapped) and _anchored(trapped, policy),
        observed=bool(seen),
        mixed=_mixed(seen, policy),
        pooled=_pooled(seen, policy),
        first_at=first_at if counted else 0,
        last_at=last_at,
        strong_at=strong_at,
        addr_min=min((cell.addr_min for cell, _ in counted), default=b""),
        addr_max=max((cell.addr_max for cell, _ in counted), default=b""),
    )


def _group_sum(group_id: int, pairs: list[tuple[Cell, Standing]], policy: Policy) -> GroupSum:
    """Return the buckets of one group; its sources add up day by day, each under its own weight."""
    weight = max(standing.weight for _, standing in pairs)
    by_day: dict[int, tuple[int, int, int, int]] = {}
    strong_at = 0
    for cell, standing in pairs:
        own = standing.weight
        strong = min(policy.day_cap, cell.points) * own
        main = strong
        if cell.nsu_n >= policy.nsu_recipients:
            main = min(policy.day_cap, cell.points + cell.nsu_points) * own
        weak = min(policy.weak_cap, cell.weak_points) * own
        at = cell.last_at
        if cell.day in by_day:
            known = by_day[cell.day]
            at, main = max(at, known[0]), main + known[1]
            strong, weak = strong + known[2], weak + known[3]
        by_day[cell.day] = (at, main, strong, weak)
        strong_at = max(strong_at, cell.strong_at)
    day_cap, weak_cap = policy.day_cap * weight, policy.weak_cap * weight
    days = tuple(
        DaySum(at, min(day_cap, main), min(day_cap, strong), min(weak_cap, weak))
        for _, (at, main, strong, weak) in sorted(by_day.items())
    )
    main, strong, weak = _fold(days, weight, policy, days[-1].at)
    return GroupSum(group_id, weight, days[-1].at, main, strong, weak, strong_at, days)


def _fold(days: tuple[DaySum, ...], weight: int, policy: Policy, tick: int) -> tuple[int, int, int]:
    """Return (main, strong, weak) at `tick`: leaky buckets with their ceilings inside the decay.

    A ceiling applied on reading only would keep a long-time emitter at it for days after it stopped
    (scoring.md 3). Observations from after `tick` count as made at `tick`.
    """
    if len(days) == 1:
        main, strong, weak, last = days[0].main, days[0].strong, days[0].weak, days[0].at
        cap = policy.bucket_cap * weight
        main, strong = min(cap, main), min(cap, strong)
    else:
        table, half_life = decay_table(policy.half_life_minutes), policy.half_life_minutes
        cap, weak_cap = policy.bucket_cap * weight, policy.weak_cap * weight
        main = strong = weak = last = 0
        for day in days:
            at = min(day.at, tick)
            halvings, rest = divmod(at - last, half_life)
            factor, shift = table[rest], BITS + halvings
            main = min(cap, (main * factor >> shift) + day.main)
            strong = min(cap, (strong * factor >> shift) + day.strong)
            weak = min(weak_cap, (weak * factor >> shift) + day.weak)
            last = at
    return main, strong, weak


def bucket_at(group: GroupSum, policy: Policy, tick: int) -> tuple[int, int]:
    """Return the group's whole and strong contribution at `tick`, in micro-points."""
    if tick < group.last_at:
        main, strong, weak = _fold(group.days, group.weight, policy, tick)
        factor, shift = 1, 0
    else:
        main, strong, weak = group.main, group.strong, group.weak
        halvings, rest = divmod(tick - group.last_at, policy.half_life_minutes)
        factor, shift = decay_table(policy.half_life_minutes)[rest], BITS + halvings
    whole = main * factor >> shift
    firm = whole if strong == main else strong * factor >> shift
    if weak:
        whole = min(policy.bucket_cap * group.weight, whole + (weak * factor >> shift))
    return whole // FULL_WEIGHT, firm // FULL_WEIGHT


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
        if firm >= policy.support_at and group.strong_at >= live_from and group.strong_at:
            supports += 1
            trusted += group.weight >= policy.trusted_weight
    if len(wholes) > policy.top_groups:
        wholes = sorted(wholes, reverse=True)[: policy.top_groups]
        firms = sorted(firms, reverse=True)[: policy.top_groups]
    score = sum(wholes)
    return Facts(score, score if counted.plain else sum(firms), supports, trusted)


def _anchored(trapped: list[tuple[Cell, Standing]], policy: Policy) -> bool:
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


def _seen_by_group(watched: list[tuple[Cell, Standing]], policy: Policy) -> list[_Seen]:
    """Return the sums of each trusted group; a source's day counts once, whatever its epochs."""
    days: dict[tuple[int, int, int], _Seen] = {}
    for cell, standing in watched:
        if standing.weight >= policy.trusted_weight:
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
