"""What reporters earn: where traps of others showed the same emitter, and what proved a report wrong.

Everything is read from events that stand, so that a retraction takes the credit with it (scoring.md 4).
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain.address import MAPPED_PREFIX
from feed.domain.cells import TRAP_STRENGTH, cells_of
from feed.domain.event import Channel, RecipientClass
from feed.domain.evidence import MINUTES_A_DAY, Cell, Trust
from feed.domain.listing import NEVER, State
from feed.domain.reliability import CANARY, Span, novel_confirmations
from feed.store import evidence, manual
from feed.store.dialect import insert_if_missing
from feed.store.tables import cell, contradiction, event, reporter, transition, usage

KEPT_DAYS: Final = 130
"""For so long events are kept, and with them what was earned by them."""

KINDS: Final = ("solicited", "dispute", "canary")

TRAPS: Final = (RecipientClass.TRAP, RecipientClass.TAG_BAD, RecipientClass.TAG_MISSING)
"""What never sends, or never sends untagged: mail about it is nobody's bounce."""


def contradict(
    connection: Connection, source_id: int, *, kind: str, day: int, once_a_day: bool = False
) -> None:
    """Note that a report was proven wrong: `solicited`, an upheld `dispute`, or a `canary` address.

    Never call it for a removal: honest reporters would pay for servers that were repaired. once_a_day: for
    what a stranger can provoke, so that he cannot lower an honest reporter at will.
    """
    if kind not in KINDS:
        raise ValueError(f"a contradiction is one of {', '.join(KINDS)}")
    values = {"source_id": source_id, "day": day, "kind": kind}
    insert_if_missing(connection, contradiction, values | {"n": 0})
    counted = [contradiction.c[name] == value for name, value in values.items()]
    if once_a_day:
        counted.append(contradiction.c.n == 0)
    connection.execute(sa.update(contradiction).where(*counted).values(n=contradiction.c.n + 1))


def withdraw(connection: Connection, source_id: int, *, kind: str, day: int) -> None:
    """Take one contradiction of a day back, because what was taken for proof was none."""
    values = {"source_id": source_id, "day": day, "kind": kind}
    counted = [contradiction.c[name] == value for name, value in values.items()]
    connection.execute(
        sa.update(contradiction).where(*counted, contradiction.c.n > 0).values(n=contradiction.c.n - 1)
    )


def contradictions(connection: Connection, *, since_day: int) -> dict[int, dict[int, int]]:
    """Return by source and day how many contradictions count."""
    found: dict[int, dict[int, int]] = {}
    rows = connection.execute(sa.select(contradiction).where(contradiction.c.day >= since_day))
    for row in rows:
        days = found.setdefault(row.source_id, {})
        days[row.day] = days.get(row.day, 0) + row.n * (CANARY if row.kind == "canary" else 1)
    return found


def trapped_keys(connection: Connection, anchors: Sequence[int], *, since_day: int) -> list[bytes]:
    """Return the emitters that hit a trap of one of the sources `anchors`, in order."""
    chosen = (
        sa.select(event.c.emitter_key)
        .where(event.c.source_id.in_(anchors), event.c.received_day >= since_day)
        .where(event.c.strength >= TRAP_STRENGTH, event.c.recipient_class.in_(TRAPS))
        .where(event.c.channel == Channel.MAIN, event.c.retracted_at.is_(None))
        .distinct()
    )
    return sorted(bytes(key) for key in connection.execute(chosen).scalars())


def confirmations(connection: Connection, key: bytes, trust: Trust) -> list[tuple[int, int]]:
    """Return (source, day) of each novel confirmation about one emitter.

    Judged by when the reports came, not by when they say it was: whoever copies the list and dates back
    earns nothing.
    """
    cells = _as_received(connection, key)
    spans = published_spans(connection, key)
    credited: dict[int, int] = {}
    found: list[tuple[int, int]] = []
    while True:
        earned = novel_confirmations(cells, trust, spans, credited=credited)
        if not earned:
            return found
        found += [(source_id, minute // MINUTES_A_DAY) for source_id, minute in earned.items()]
        credited |= earned
        # A credit is the earliest that is left, so the next one lies after it.
        cells = [one for one in cells if one.source_id not in earned or one.last_at > earned[one.source_id]]


def _as_received(connection: Connection, key: bytes) -> list[Cell]:
    """Return the cells of an emitter by the time at which its reports came."""
    events = evidence.events_of(connection, key, channel=Channel.MAIN)
    moved = [
        dataclasses.replace(one, observed_at=one.received_at.replace(second=0, microsecond=0), epoch=0)
        for one in events
    ]
    return list(cells_of(moved).values())


def published_spans(connection: Connection, key: bytes) -> list[Span]:
    """Return from which minute and before which an emitter was listed, each time: scored, or by hand.

    Of IPv6 any listing of an address inside the /64 counts for all of it, as its evidence does.
    """
    return [*_scored_spans(connection, key), *manual.spans(connection, key)]


def _scored_spans(connection: Connection, key: bytes) -> list[Span]:
    """Return when the history says that an emitter was listed."""
    rows = connection.execute(
        sa.select(transition)
        .where(transition.c.emitter_key == key, transition.c.channel == Channel.MAIN)
        .where(transition.c.void_at.is_(None))
        .order_by(transition.c.seq)
    )
    spans: list[Span] = []
    begun: int | None = None
    for row in rows:
        if row.to_state == State.LISTED:
            begun = row.at_minute if begun is None else begun
        elif begun is not None:
            spans.append((begun, row.at_minute))
            begun = None
    return [*spans, (begun, NEVER)] if begun is not None else spans


def write_earned(connection: Connection, earned: Mapping[int, tuple[int, str]]) -> list[int]:
    """Set the earned weights (twentieths, with the reason) where they differ; return whose."""
    changed = []
    for row in connection.execute(sa.select(reporter).order_by(reporter.c.source_id)).all():
        weight, reason = earned.get(row.source_id, (0, "nothing confirmed yet"))
        if weight != row.earned_weight:
            values: dict[str, int | str] = {"earned_weight": weight}
            if row.weight == 0:
                values["weight_reason"] = reason
            connection.execute(
                sa.update(reporter).where(reporter.c.source_id == row.source_id).values(**values)
            )
            changed.append(row.source_id)
    return changed


def end_seeds(connection: Connection, *, day: int) -> list[str]:
    """Take back given weights whose time is over; return the names of these reporters."""
    over = (reporter.c.weight_until_day > 0) & (reporter.c.weight_until_day < day)
    ended = connection.execute(
        sa.update(reporter)
        .where(over)
        .values(weight=0, weight_until_day=0, weight_reason="the given weight ended")
        .returning(reporter.c.name)
    )
    return sorted(ended.scalars())


def busy_sources(connection: Connection, *, since_day: int) -> dict[int, int]:
    """Return how many new events each source sent since a day."""
    rows = connection.execute(
        sa.select(usage.c.source_id, sa.func.sum(usage.c.events_n))
        .where(usage.c.day >= since_day)
        .group_by(usage.c.source_id)
    )
    return {int(source_id): int(number or 0) for source_id, number in rows}


def new_unconfirmed(connection: Connection, sources: Sequence[int], *, group: Sequence[int], day: int) -> int:
    """Return in how many networks lie the emitters of which these sources spoke first on `day`, unconfirmed.

    Networks are /24 and /48 (`address.neighbourhood`): who has one routed has as many addresses as he likes.
    Confirmed is what a source outside of `group`, to which all of `sources` belong, saw with strength 3 or
    more; known before is what anyone of the group spoke of on an earlier day.
    """
    mine, other = cell.alias("mine"), cell.alias("other")
    key = mine.c.emitter_key
    network = sa.case(
        (sa.func.substr(key, 1, len(MAPPED_PREFIX)) == MAPPED_PREFIX, sa.func.substr(key, 1, 15)),
        else_=sa.func.substr(key, 1, 6),
    )
    known = sa.exists().where(
        other.c.emitter_key == mine.c.emitter_key,
        other.c.channel == Channel.MAIN,
        sa.or_(
            sa.and_(other.c.source_id.in_(group), other.c.day < day, other.c.n > 0),
            sa.and_(other.c.source_id.not_in(group), other.c.strong_minute > 0),
        ),
    )
    chosen = (
        sa.select(sa.func.count(sa.distinct(network)))
        .where(mine.c.source_id.in_(sources), mine.c.day == day)
        .where(mine.c.channel == Channel.MAIN, mine.c.n > 0, ~known)
    )
    return int(connection.execute(chosen).scalar_one())
