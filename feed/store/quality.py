"""The numbers of a month for `feed.domain.quality`, read in short transactions, emitter by emitter."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain.cells import TRAP_STRENGTH
from feed.domain.event import Channel
from feed.domain.evidence import MINUTES_A_DAY
from feed.domain.listing import State
from feed.domain.quality import Measuring, Quality, Seen, Sighting
from feed.store import reporters, standing
from feed.store.database import Database
from feed.store.tables import contradiction, event, transition
from feed.store.tables_site import dispute

EMITTERS_MOST: Final = 2_000_000
"""Emitters of a month that are looked at, some minutes of work; of more the report says so."""

_CHUNK: Final = 500
_SECONDS_A_DAY: Final = 86_400


def quality(
    database: Database,
    *,
    first_day: int,
    last_day: int,
    progress: Callable[[int], None] = lambda _done: None,
) -> Quality:
    """Return what the month (or any span) from `first_day` to `last_day` was worth; days since 1970.

    A report belongs to the month in which it came, so a month that is over changes by retraction only.
    Events are kept for 130 days, so ask before they go. progress: told how many emitters are done; what it
    raises ends the work.
    """
    with database.read() as connection:
        sums = Measuring(reporters.trust(connection, day=last_day))
        contradicted = _contradicted(connection, first_day, last_day)
        listings = _listings(connection, first_day, last_day)
    after = b""
    looked = 0
    while looked < EMITTERS_MOST:
        progress(looked)
        with database.read() as connection:
            keys = _keys(connection, after, first_day, last_day)
            for seen in _seen(connection, keys, first_day, last_day):
                sums.add(seen)
        looked += len(keys)
        if len(keys) < _CHUNK:
            break
        after = keys[-1]
    return Quality(
        first_day=first_day,
        last_day=last_day,
        complete=looked < EMITTERS_MOST,
        feed=sums.feed(**dataclasses.asdict(listings)),
        reporters=sums.reporters(contradicted),
    )


def _keys(connection: Connection, after: bytes, first: int, last: int) -> list[bytes]:
    chosen = (
        sa.select(event.c.emitter_key)
        .where(event.c.emitter_key > after, *_stands(first, last))
        .distinct()
        .order_by(event.c.emitter_key)
        .limit(_CHUNK)
    )
    return [bytes(key) for key in connection.execute(chosen).scalars()]


def _stands(first: int, last: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        event.c.received_day.between(first, last),
        event.c.channel == Channel.MAIN,
        event.c.retracted_at.is_(None),
    )


def _seen(connection: Connection, keys: Sequence[bytes], first: int, last: int) -> list[Seen]:
    hit = (event.c.strength >= TRAP_STRENGTH) & event.c.recipient_class.in_(standing.TRAPS)
    rows = connection.execute(
        sa.select(
            event.c.emitter_key, event.c.source_id, sa.func.count(sa.distinct(event.c.original_key)),
            sa.func.min(event.c.observed_minute), sa.func.max(sa.case((hit, 1), else_=0)),
        )
        .where(event.c.emitter_key.in_(keys), *_stands(first, last))
        .group_by(event.c.emitter_key, event.c.source_id)
    )  # fmt: skip
    said: dict[bytes, list[Sighting]] = {}
    for key, source_id, originals, first_at, trapped in rows:
        said.setdefault(bytes(key), []).append(
            Sighting(source_id=source_id, originals=int(originals), first_at=first_at, trapped=bool(trapped))
        )
    begun = _listed(connection, keys, first, last)
    return [
        Seen(sightings=tuple(sightings), listed=key in begun, listed_at=begun.get(key))
        for key, sightings in said.items()
    ]


def _listed(connection: Connection, keys: Sequence[bytes], first: int, last: int) -> dict[bytes, int | None]:
    """Return who of `keys` was listed in the span: the minute at which that began in it, None = before."""
    start, end = first * MINUTES_A_DAY, (last + 1) * MINUTES_A_DAY
    rows = connection.execute(
        sa.select(transition.c.emitter_key, transition.c.at_minute, transition.c.to_state)
        .where(transition.c.emitter_key.in_(keys), transition.c.channel == Channel.MAIN)
        .where(transition.c.void_at.is_(None), transition.c.at_minute < end)
        .order_by(transition.c.emitter_key, transition.c.seq)
    )
    found: dict[bytes, int | None] = {}
    for key, at, to_state in rows:
        here = bytes(key)
        if at < start:
            if to_state == State.LISTED:
                found[here] = None
            else:
                found.pop(here, None)
        elif to_state == State.LISTED:
            found.setdefault(here, at)
    return found


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Listings:
    listings: int
    emitters: int
    judged: int
    wrong: int


def _listings(connection: Connection, first: int, last: int) -> _Listings:
    span = transition.c.at_minute.between(first * MINUTES_A_DAY, (last + 1) * MINUTES_A_DAY - 1)
    began = (
        (transition.c.channel == Channel.MAIN)
        & (transition.c.to_state == State.LISTED)
        & (transition.c.from_state != State.LISTED)
    )
    stands = transition.c.void_at.is_(None)
    keys = sa.select(transition.c.emitter_key).where(span, began)
    upheld = sa.select(dispute.c.emitter_key).where(
        dispute.c.answer == "upheld",
        dispute.c.answered_at.between(first * _SECONDS_A_DAY, (last + 1) * _SECONDS_A_DAY - 1),
    )
    return _Listings(
        listings=connection.execute(
            sa.select(sa.func.count()).select_from(transition).where(span, began, stands)
        ).scalar_one(),
        emitters=_count(connection, keys.where(stands).distinct()),
        judged=_count(connection, sa.union(keys, upheld)),
        # A beginning that was only moved by a retraction stands in another row.
        wrong=_count(
            connection,
            sa.union(keys.where(~stands, transition.c.emitter_key.not_in(keys.where(stands))), upheld),
        ),
    )


def _count(connection: Connection, keys: sa.Select[tuple[bytes]] | sa.CompoundSelect[tuple[bytes]]) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(keys.subquery())).scalar_one())


def _contradicted(connection: Connection, first: int, last: int) -> dict[int, int]:
    rows = connection.execute(
        sa.select(contradiction.c.source_id, sa.func.sum(contradiction.c.n))
        .where(contradiction.c.day.between(first, last))
        .group_by(contradiction.c.source_id)
    )
    return {int(source_id): int(number) for source_id, number in rows}
