"""The cells of one emitter summed by independence group, and what that sum is worth at a minute.

A tally depends on the day and the windows only, so one serves many minutes: until the first window ends
nothing but decay changes, and every fact of it only falls. That is what makes due times exact.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from feed.domain import guards
from feed.domain.buckets import GroupSum, Judged, buckets_at, group_sums
from feed.domain.evidence import MINUTES_A_DAY, Cell, Standing, Trust
from feed.domain.listing import NEVER
from feed.domain.policy import Policy

NO_DAYS: Final = (0, 0)
"""Nothing is set aside."""


class Tally(NamedTuple):
    """What counts for one emitter until before minute `until`.

    plain: no group has weak or `no_such_user` points, so strong score = score. originals, days: of
    strength >= 3. hands_n: of these, not auto-replies. traps: whether any trap or tag original lies in the
    window; anchor_hit: whether one at an anchor source, anchor_at: the last of these, 0 if none; anchored:
    whether enough of them. begun_at: the first evidence of strength >= 3, NEVER if none. observed: whether a
    trusted source sent observations lately. mixed, pooled: the two guards. addr_*: of what
    is believed most.

    counted, watched: the cells that count, those with observations; counted_until: the minute at which the
    oldest of the first is too old.
    """

    until: int
    counted: list[Judged]
    watched: list[Judged]
    counted_until: int
    groups: tuple[GroupSum, ...]
    plain: bool
    originals: int
    days: int
    hands_n: int
    log_miss_n: int
    log_miss_days: int
    traps: bool
    anchor_hit: bool
    anchor_at: int
    anchored: bool
    observed: bool
    mixed: bool
    pooled: bool
    last_at: int
    begun_at: int
    strong_at: int
    addr_min: bytes
    addr_max: bytes


class Facts(NamedTuple):
    """The tally at one minute: scores in micro-points, supporting groups, those of them trusted.

    backing: what the last group of a quorum adds, the strongest groups taken first; with a quorum of two
    the second strongest. Strong points only, 0 where there are not so many groups.
    """

    score: int
    strong: int
    backing: int
    supports: int
    trusted: int


def tally(
    cells: Sequence[Cell],
    trust: Trust,
    policy: Policy,
    *,
    epoch: int,
    tick: int,
    aside: tuple[int, int] = NO_DAYS,
) -> Tally:
    """Return what of `cells` counts at minute `tick` after `epoch` accepted removals.

    aside: first and last day whose evidence is set aside, as in `EmitterState`.
    """
    oldest = tick // MINUTES_A_DAY - policy.evidence_days
    counted, watched = _sorted_out(cells, trust, policy, epoch=epoch, oldest=oldest, aside=aside)
    originals = autos = misses = last_at = strong_at = 0
    first_day, begun_at, days, miss_days = NEVER, NEVER, set(), set()
    addr_min = addr_max = counted[0][0].addr_min if counted else b""
    for cell, _ in counted:  # one pass: this is what a tick spends its time on
        first_day = min(first_day, cell.day)
        last_at = max(last_at, cell.last_at)
        addr_min = min(addr_min, cell.addr_min)
        addr_max = max(addr_max, cell.addr_max)
        if cell.strong_at:
            strong_at = max(strong_at, cell.strong_at)
            begun_at = min(begun_at, cell.first_at)
            originals += sum(cell.n_u[3:])
            autos += cell.auto_n
            days.add(cell.day)
            if cell.log_miss_n:
                misses += cell.log_miss_n
                miss_days.add(cell.day)
    if addr_min != addr_max:
        addr_min, addr_max = _addresses(counted, policy)
    groups = group_sums(counted, policy)
    counted_until = (first_day + policy.evidence_days + 1) * MINUTES_A_DAY if counted else NEVER
    sums = Tally(
        until=counted_until,
        counted=counted,
        watched=watched,
        counted_until=counted_until,
        groups=groups,
        plain=all([not group.weak and group.main == group.strong for group in groups]),  # noqa: C419 - faster
        originals=originals,
        days=len(days),
        hands_n=originals - autos,
        log_miss_n=misses,
        log_miss_days=len(miss_days),
        traps=False,
        anchor_hit=False,
        anchor_at=0,
        anchored=False,
        observed=False,
        mixed=False,
        pooled=False,
        last_at=last_at,
        begun_at=begun_at,
        strong_at=strong_at,
        addr_min=addr_min,
        addr_max=addr_max,
    )
    return later(sums, policy, tick)


def later(known: Tally, policy: Policy, tick: int) -> Tally:
    """Return the tally of the same cells at `tick`, before `counted_until`: only shorter windows moved on."""
    trap_from = tick - policy.anchor_window_minutes
    today = tick // MINUTES_A_DAY
    trapped = [pair for pair in known.counted if pair[0].trap_n and pair[0].trap_last_at >= trap_from]
    if not (trapped or known.watched or known.traps):
        return known
    watched = known.watched
    lately = [pair for pair in watched if pair[0].day > today - policy.guard_days]
    anchors = [pair for pair in trapped if pair[1].anchor]
    ends = [cell.trap_last_at + policy.anchor_window_minutes + 1 for cell, _ in trapped]
    return known._replace(
        until=min(known.counted_until, guards.guards_until(watched, lately, policy, today), *ends),
        traps=bool(trapped),
        anchor_hit=bool(anchors),
        anchor_at=max([cell.trap_last_at for cell, _ in anchors], default=0),
        anchored=bool(anchors) and _anchored(anchors, policy),
        observed=bool(lately),
        mixed=bool(watched) and guards.mixed(watched, policy, today),
        pooled=bool(lately) and guards.pooled(guards.seen_by_group(lately), policy),
    )


def _addresses(counted: Sequence[Judged], policy: Policy) -> tuple[bytes, bytes]:
    """Return the least and the greatest address of what is believed most, of an IPv6 /64.

    A worthless report about a second address must not widen a listing to the whole /64, in which others live:
    trusted sources decide, else whoever is counted, and of cells those with nothing but strong originals,
    since a cell does not tell of which of them an address is. Weak words alone list nothing.
    """
    strong = [pair for pair in counted if pair[0].strong_at and pair[0].n == sum(pair[0].n_u[3:])]
    trusted = [pair for pair in strong if pair[1].weight >= policy.trusted_weight]
    cells = [cell for cell, _ in trusted or strong or counted]
    return min(cell.addr_min for cell in cells), max(cell.addr_max for cell in cells)


def set_aside(cell: Cell, standing: Standing, aside: tuple[int, int]) -> bool:
    """Whether a cell may only repeat what the zone said; what reaches an anchor's trap repeats nothing."""
    return aside[0] <= cell.day <= aside[1] and not (standing.anchor and cell.trap_n)


def _sorted_out(
    cells: Sequence[Cell], trust: Trust, policy: Policy, *, epoch: int, oldest: int, aside: tuple[int, int]
) -> tuple[list[Judged], list[Judged]]:
    """Return the cells whose evidence counts, and those with observations of trusted sources.

    oldest: the first day that counts. What was seen of genuine mail stays true, whatever is set aside.
    """
    counted: list[Judged] = []
    watched: list[Judged] = []
    for cell in cells:
        standing = trust.get(cell.source_id)
        if standing is None or standing.suspended:
            continue
        if (
            cell.epoch == epoch
            and cell.n
            and standing.weight
            and cell.day >= oldest
            and not (aside[1] and set_aside(cell, standing, aside))  # for nearly all, nothing is
        ):
            counted.append((cell, standing))
        if cell.observed and standing.weight >= policy.trusted_weight:
            watched.append((cell, standing))
    return counted, watched


def facts(counted: Tally, policy: Policy, tick: int) -> Facts:
    """Return score and support at `tick`, which lies in the tally's time."""
    wholes: list[int] = []
    firms: list[int] = []
    supports = trusted = 0
    live_from = tick - policy.support_minutes
    worth = buckets_at(counted.groups, policy, tick)
    for group, (whole, firm) in zip(counted.groups, worth, strict=True):
        wholes.append(whole)
        firms.append(firm)
        if firm >= policy.support_at and group.strong_at and group.strong_at >= live_from:
            supports += 1
            trusted += group.weight >= policy.trusted_weight
    firms.sort(reverse=True)
    strong = score = sum(firms[: policy.top_groups])
    if not counted.plain:
        score = sum(sorted(wholes, reverse=True)[: policy.top_groups])
    backing = firms[policy.quorum_groups - 1] if len(firms) >= policy.quorum_groups else 0
    return Facts(score, strong, backing, supports, trusted)


def _anchored(anchors: list[Judged], policy: Policy) -> bool:
    """Whether traps of anchor sources were hit often enough, at several of them, over some time.

    Tokens of different groups stand for different traps; an unknown token (0) proves no second one.
    """
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
