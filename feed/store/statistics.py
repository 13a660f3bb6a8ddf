"""Numbers of the whole feed for the statistics page, each from an index or from a bounded number of rows."""

import dataclasses
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain.event import Channel, Kind
from feed.domain.listing import Code, State
from feed.store.tables import cell, emitter_state, publication, transition, usage

DAYS: Final = 30
KIND_DAYS: Final = 7
ROWS_MOST: Final = 50_000
"""Rows that one question looks at; beyond, the page speaks of the latest ones."""

REMOVAL_STEPS: Final = (60, 1440, 3 * 1440, 7 * 1440, 28 * 1440)
"""Minutes; the last step has no end."""
_MINUTES_A_DAY: Final = 1440


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """At one time. Lists by day hold `DAYS` numbers, oldest first; the last is today, unfinished.

    kinds: cells of the last `KIND_DAYS` days that saw each kind. lengths: how many listings that ended in
    `DAYS` days were shorter than each of `REMOVAL_STEPS`, and the rest.
    """

    confirmed: int
    reported: int
    zone_entries: dict[str, int]
    first_day: int
    listings: list[int]
    removals: list[int]
    reports: list[int]
    kinds: list[tuple[Kind, int]]
    lengths: list[int]


def statistics(connection: Connection, *, now: int) -> Statistics:
    """Return the numbers at `now`, in seconds."""
    today = now // 86_400
    first = today - DAYS + 1
    codes = _codes(connection)
    return Statistics(
        confirmed=codes.get(Code.CONFIRMED, 0),
        reported=codes.get(Code.REPORTED, 0),
        zone_entries=_zone_entries(connection),
        first_day=first,
        listings=_by_day(_changes(connection, first, began=True), first),
        removals=_by_day(_changes(connection, first, began=False), first),
        reports=_by_day(_reports(connection, first), first),
        kinds=_kinds(connection, today),
        lengths=_lengths(connection, first),
    )


def _codes(connection: Connection) -> dict[Code, int]:
    rows = connection.execute(
        sa.select(emitter_state.c.code, sa.func.count())
        .where(emitter_state.c.code > 0)
        .group_by(emitter_state.c.code)
    )
    return {Code(code): int(number) for code, number in rows}


def _zone_entries(connection: Connection) -> dict[str, int]:
    newest = (
        sa.select(publication.c.zone, sa.func.max(publication.c.serial).label("serial"))
        .group_by(publication.c.zone)
        .subquery()
    )
    rows = connection.execute(
        sa.select(publication.c.zone, publication.c.entries_n).join(
            newest, (publication.c.zone == newest.c.zone) & (publication.c.serial == newest.c.serial)
        )
    )
    return {zone: int(number) for zone, number in rows}


def _changes(connection: Connection, first: int, *, began: bool) -> dict[int, int]:
    """Count by day the listings that began, or those that ended by removal on request."""
    kind = (
        (transition.c.to_state == State.LISTED) & (transition.c.from_state != State.LISTED)
        if began
        else (transition.c.from_state == State.LISTED) & (transition.c.cause == "removal")
    )
    day = (transition.c.at_minute // _MINUTES_A_DAY).label("day")
    chosen = (
        sa.select(day)
        .where(transition.c.at_minute >= first * _MINUTES_A_DAY, transition.c.void_at.is_(None), kind)
        .limit(ROWS_MOST)
        .subquery()
    )
    rows = connection.execute(sa.select(chosen.c.day, sa.func.count()).group_by(chosen.c.day))
    return {int(found): int(number) for found, number in rows}


def _reports(connection: Connection, first: int) -> dict[int, int]:
    rows = connection.execute(
        sa.select(usage.c.day, sa.func.sum(usage.c.events_n))
        .where(usage.c.day >= first)
        .group_by(usage.c.day)
    )
    return {int(day): int(number or 0) for day, number in rows}


def _by_day(numbers: dict[int, int], first: int) -> list[int]:
    return [numbers.get(first + number, 0) for number in range(DAYS)]


def _kinds(connection: Connection, today: int) -> list[tuple[Kind, int]]:
    chosen = (
        sa.select(cell.c.kinds)
        .where(cell.c.day > today - KIND_DAYS, cell.c.n > 0)
        .limit(ROWS_MOST)
        .subquery()
    )
    sums: dict[Kind, int] = {}
    for mask, number in connection.execute(
        sa.select(chosen.c.kinds, sa.func.count()).group_by(chosen.c.kinds)
    ):
        for kind in Kind:
            if mask >> kind & 1:
                sums[kind] = sums.get(kind, 0) + int(number)
    return sorted(sums.items(), key=lambda item: (-item[1], item[0]))


def _lengths(connection: Connection, first: int) -> list[int]:
    """Count the listings that ended by how long they lasted; of a relisted emitter only the last is known."""
    rows = connection.execute(
        sa.select(transition.c.at_minute - emitter_state.c.listed_minute)
        .join(
            emitter_state,
            (emitter_state.c.emitter_key == transition.c.emitter_key)
            & (emitter_state.c.channel == transition.c.channel),
        )
        .where(
            transition.c.at_minute >= first * _MINUTES_A_DAY,
            transition.c.channel == Channel.MAIN,
            transition.c.from_state == State.LISTED,
            transition.c.to_state != State.LISTED,
            transition.c.void_at.is_(None),
            emitter_state.c.listed_minute > 0,
            emitter_state.c.listed_minute <= transition.c.at_minute,
        )
        .limit(ROWS_MOST)
    ).scalars()
    found = [0] * (len(REMOVAL_STEPS) + 1)
    for minutes in rows:
        found[next((n for n, step in enumerate(REMOVAL_STEPS) if minutes < step), len(REMOVAL_STEPS))] += 1
    return found
