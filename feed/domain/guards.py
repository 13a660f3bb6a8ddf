"""What observations of the last days say against a listing: genuine bounces, and how much mail there is."""

from collections.abc import Iterable
from typing import NamedTuple

from feed.domain.buckets import Judged
from feed.domain.evidence import MINUTES_A_DAY
from feed.domain.listing import NEVER
from feed.domain.policy import Policy


class Seen(NamedTuple):
    """Observations of one group over the guard's days, and its originals of the same days."""

    null_n: int = 0
    genuine_n: int = 0
    seen: int = 0
    originals: int = 0


def seen_by_group(watched: Iterable[Judged]) -> list[Seen]:
    """Return the sums of each group; a source's day counts once, whatever the number of its epochs."""
    days: dict[tuple[int, int, int], Seen] = {}
    for cell, standing in watched:
        key = (standing.group_id, cell.source_id, cell.day)
        old = days.get(key)
        if old is None:
            days[key] = Seen(cell.null_n, cell.genuine_n, cell.seen_24h, cell.n)
        else:
            days[key] = Seen(
                max(old.null_n, cell.null_n),
                max(old.genuine_n, cell.genuine_n),
                max(old.seen, cell.seen_24h),
                old.originals + cell.n,
            )
    groups: dict[int, Seen] = {}
    for (group_id, _, _), day in days.items():
        old = groups.get(group_id)
        groups[group_id] = day if old is None else Seen(*(a + b for a, b in zip(old, day, strict=True)))
    return list(groups.values())


def mixed(watched: list[Judged], policy: Policy, today: int) -> bool:
    """Whether enough trusted groups saw genuine bounces from here: never more than 127.0.0.3 then.

    Within `guard_days` up to any of the last `genuine_days`. A time that ends on a day with genuine mail is
    enough to look at: a day more without would only thin it.
    """
    ends = {cell.day for cell, _ in watched if cell.genuine_n and cell.day > today - policy.genuine_days}
    for end in sorted(ends):
        seen = seen_by_group(pair for pair in watched if end - policy.guard_days < pair[0].day <= end)
        genuine = sum(
            one.genuine_n >= policy.genuine_n
            or (one.genuine_n > 0 and one.genuine_n * 100 >= one.null_n * policy.genuine_percent)
            for one in seen
        )
        if genuine >= policy.genuine_groups:
            return True
    return False


def pooled(seen: Iterable[Seen], policy: Policy) -> bool:
    """Whether most trusted groups that see much mail from here see hardly any backscatter among it.

    Of an even number more than half must agree: a median between two disagreeing groups proves nothing.
    """
    large = [one for one in seen if one.seen >= policy.pool_seen]
    low = sum(one.originals * 10**6 < one.seen * policy.pool_rate_ppm for one in large)
    return len(large) >= policy.pool_groups and low * 2 > len(large)


def guards_until(watched: list[Judged], lately: list[Judged], policy: Policy, today: int) -> int:
    """Return the minute at which the guards may say something else without a new observation.

    lately: what of `watched` is of the last `guard_days`. With totals too small for the pool guard these
    days matter only by their last one, after which nothing is observed: what is left of a sum that is too
    small is smaller still.
    """
    ends = [
        cell.day + policy.genuine_days
        for cell, _ in watched
        if cell.genuine_n and cell.day > today - policy.genuine_days
    ]
    if lately:
        days = [cell.day for cell, _ in lately]
        counts = sum(cell.seen_24h for cell, _ in lately) >= policy.pool_seen
        ends.append((min(days) if counts else max(days)) + policy.guard_days)
    return min(ends) * MINUTES_A_DAY if ends else NEVER
