"""The daily job on trust: weights from what was confirmed, given weights that end, days that weigh nothing.

A weight that changes is noticed by the next scoring tick, which then judges what that reporter spoke of.
"""

import dataclasses
from collections.abc import Callable
from typing import Final

from sqlalchemy.engine import Connection

from feed.domain.evidence import Trust
from feed.domain.policy import Policy
from feed.domain.reliability import Reliability, weight_of
from feed.store import confirmations, controls, copying, floods, reporters, shielding, standing
from feed.store.database import Database

NEW_ADDRESSES_A_DAY: Final = 200
"""New addresses of one group and day that nobody confirms; with more the whole day weighs nothing.

Those of one /24 or /48 count as one.
"""

LOOK_BACK_DAYS: Final = 7
"""Reports are taken up to so many days late, so a flood may be dated back."""

ANCHOR_COUNTS: Final = "yes: an anchor is never muted"

CHUNK: Final = 200

_SECONDS_A_DAY: Final = 86_400
_SECONDS_A_MINUTE: Final = 60


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """What one run did. changed: sources with another weight; ended: names whose given weight is over."""

    changed: tuple[int, ...]
    ended: tuple[str, ...]


def weigh(database: Database, *, now: int, progress: Callable[[int], None] = lambda _done: None) -> Trusted:
    """Recompute the earned weight of every reporter; `now` in seconds.

    progress: told how many emitters are done; what it raises ends the work, and no weight has changed.
    """
    day = now // _SECONDS_A_DAY
    since = day - standing.KEPT_DAYS
    with database.read() as connection:
        trust = reporters.trust(connection, day=day)
        wrong = standing.contradictions(connection, since_day=since)
        anchors = sorted(source_id for source_id, one in trust.items() if one.anchor and not one.suspended)
        keys = standing.trapped_keys(connection, anchors, since_day=since) if anchors else []
    counts = _confirmed(database, keys, trust, day=day, progress=progress)
    for source_id, days in wrong.items():
        for at, times in days.items():
            counts[source_id] = counts.get(source_id, Reliability()).contradict(at, times)
    earned = {
        source_id: (weight_of(one, day), _reason(one))
        for source_id, one in counts.items()
        if source_id in trust
    }
    with database.write() as connection:
        changed = standing.write_earned(connection, earned)
        ended = standing.end_seeds(connection, day=day)
        for name in ended:
            controls.log(
                connection,
                at=now,
                actor="scheduler",
                action="seed_end",
                subject=name,
                reason="its time is over",
            )
    return Trusted(changed=tuple(changed), ended=tuple(ended))


def _confirmed(
    database: Database, keys: list[bytes], trust: Trust, *, day: int, progress: Callable[[int], None]
) -> dict[int, Reliability]:
    """Return the confirmations of each source, in short transactions; only emitters that changed cost."""
    sums: dict[int, dict[int, int]] = {}
    for start in range(0, len(keys), CHUNK):
        progress(start)
        with database.read() as connection:
            found, fresh = confirmations.of_keys(connection, keys[start : start + CHUNK], trust, day=day)
        if fresh:
            with database.write() as connection:
                confirmations.save(connection, fresh)
        for source_id, at in (credit for one in found for credit in one.credits):
            if at >= day - standing.KEPT_DAYS:
                days = sums.setdefault(source_id, {})
                days[at] = days.get(at, 0) + 1
    counts = {}
    for source_id, days in sums.items():
        one = Reliability()
        for at in sorted(days):
            one = one.credit(at, days[at])
        counts[source_id] = one
    return counts


def _reason(one: Reliability) -> str:
    good, bad = sum(count.good for count in one.days), sum(count.bad for count in one.days)
    return f"{good} confirmed, {bad} contradicted in {standing.KEPT_DAYS} days"


def mute_floods(database: Database, policy: Policy, *, now: int) -> list[tuple[int, int]]:
    """Let the days of groups that flood weigh nothing; return (source, day) of what was muted now.

    Where one group lists alone, its own evidence is not judged by others, and a provider whose domain is
    forged sees thousands of emitters on one day: nothing is muted there (field-review.md 12). Nor are new
    addresses at anchors, `note_anchor_floods`.
    """
    if policy.quorum_groups < 2:  # noqa: PLR2004
        return []
    day = now // _SECONDS_A_DAY
    muted: list[tuple[int, int]] = []
    with database.read() as connection:
        known = reporters.trust(connection, day=day)
        found = _flooding(connection, known, day=day, anchors=False)
    for sources, at, number in found:
        with database.write() as connection:
            muted += [
                (source_id, at)
                for source_id in sources
                if floods.mute(connection, source_id, day=at, addresses_n=number, now=now)
            ]
    return muted


def note_anchor_floods(database: Database, policy: Policy, *, now: int) -> list[tuple[int, int]]:
    """Note the days on which anchors saw as much as would mute others; return (source, day) of the new ones.

    They go on counting: the operator declared these traps, and what reaches a trap strangers decide. If it
    muted, whoever commands enough addresses could switch off the feed's best evidence for a day.
    """
    if policy.quorum_groups < 2:  # noqa: PLR2004
        return []
    day = now // _SECONDS_A_DAY
    with database.read() as connection:
        found = _flooding(connection, reporters.trust(connection, day=day), day=day, anchors=True)
    noted: list[tuple[int, int]] = []
    for sources, at, number in found:
        with database.write() as connection:
            noted += [
                (source_id, at)
                for source_id in sources
                if floods.note(
                    connection, source_id, day=at, addresses_n=number, author="scheduler",
                    reason=ANCHOR_COUNTS, now=now,
                )
            ]  # fmt: skip
    return noted


def mute_copies(database: Database, policy: Policy, *, now: int) -> list[tuple[int, int]]:
    """Let the days weigh nothing on which somebody reported a canary address; return (source, day) of them.

    Who reports what never sends repeats the zone, and each such day contradicts him once. Others of his
    group said nothing of the kind and go on counting. Where one group lists alone, the list is its own and
    nothing is muted; nor are anchors, `note_anchor_copies`.
    """
    if policy.quorum_groups < 2:  # noqa: PLR2004
        return []
    muted: list[tuple[int, int]] = []
    for source_id, day, number in _copying(database, now=now, anchors=False):
        with database.write() as connection:
            if floods.mute(connection, source_id, day=day, addresses_n=number, now=now, cause=floods.CANARY):
                muted.append((source_id, day))
    return muted


def note_anchor_copies(database: Database, policy: Policy, *, now: int) -> list[tuple[int, int]]:
    """Note the days on which an anchor reported a canary address; return (source, day) of the new ones.

    A trap that sees mail from an address which never sends is broken, or the address does send: either is
    for the operator to find out, who declared both.
    """
    if policy.quorum_groups < 2:  # noqa: PLR2004
        return []
    noted: list[tuple[int, int]] = []
    for source_id, day, number in _copying(database, now=now, anchors=True):
        with database.write() as connection:
            if floods.note(
                connection, source_id, day=day, addresses_n=number, author="scheduler",
                reason=ANCHOR_COUNTS, now=now, cause=floods.CANARY,
            ):  # fmt: skip
                noted.append((source_id, day))
    return noted


def notice_shields(database: Database, policy: Policy, *, now: int) -> list[int]:
    """Note for the operator who alone makes a large part of the listings milder; return the new ones.

    No score changes by it: an honest reporter that sees most of the mail looks the same, and without its
    word genuine notifications would be refused.
    """
    if policy.quorum_groups < 2:  # noqa: PLR2004
        return []
    day = now // _SECONDS_A_DAY
    with database.read() as connection:
        found = shielding.shields(
            connection,
            reporters.trust(connection, day=day),
            least_weight=policy.trusted_weight,
            since_day=day - policy.genuine_days + 1,
        )
    if found:
        with database.write() as connection:
            for source_id, number in found.items():
                shielding.notice(connection, source_id, listings_n=number, now=now)
    return list(found)


def _flooding(
    connection: Connection, known: Trust, *, day: int, anchors: bool
) -> list[tuple[list[int], int, int]]:
    """Return (sources, day, new networks) of each group whose anchors, or whose others, flood."""
    busy = standing.busy_sources(connection, since_day=day - LOOK_BACK_DAYS)
    groups: dict[int, list[int]] = {}
    for source_id, one in sorted(known.items()):
        groups.setdefault(one.group_id, []).append(source_id)
    found: list[tuple[list[int], int, int]] = []
    for group in groups.values():
        sources = [source_id for source_id in group if known[source_id].anchor is anchors]
        if sum(busy.get(source_id, 0) for source_id in sources) <= NEW_ADDRESSES_A_DAY:
            continue
        for at in range(day - LOOK_BACK_DAYS, day + 1):
            number = standing.new_unconfirmed(connection, sources, group=group, day=at)
            if number > NEW_ADDRESSES_A_DAY:
                found.append((sources, at, number))
    return found


def _copying(database: Database, *, now: int, anchors: bool) -> list[tuple[int, int, int]]:
    """Return (source, day, canary addresses) of anchors, or of the others, found for the first time."""
    day = now // _SECONDS_A_DAY
    with database.read() as connection:
        found = copying.copied(connection, since_day=day - LOOK_BACK_DAYS, minute=now // _SECONDS_A_MINUTE)
        known = reporters.trust(connection, day=day) if found else {}
    return [
        (source_id, at, number)
        for (source_id, at), number in found.items()
        if source_id in known and known[source_id].anchor is anchors
    ]
