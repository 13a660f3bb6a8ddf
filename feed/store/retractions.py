"""Retractions of whole reporters: what one would change, and those that were begun and go on.

They are carried out by `feed.jobs.retract`, on the command line or by the scheduler.
"""

import dataclasses
from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.store import controls, evidence, receipts, replay, reporters
from feed.store.database import Database
from feed.store.receipts import Receipt
from feed.store.replay import Difference, Without
from feed.store.secret import Secret
from feed.store.tables import retraction

COMMAND: Final = "cli"
"""So begin the names of authors on the command line, which carries out itself what it began."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Retraction:
    """A retraction of all that a source said up to second `asked_at`. done_at: None while it goes on."""

    retraction_id: int
    source_id: int
    asked_at: int
    author: str
    reason: str
    emitters_n: int
    ended_n: int
    done_at: int | None


def begin(connection: Connection, source_id: int, *, author: str, reason: str, now: int) -> int:
    """Write down the retraction and suspend the reporter, so that nothing of it counts from now on."""
    open_one = connection.execute(
        sa.select(retraction.c.retraction_id).where(
            retraction.c.source_id == source_id, retraction.c.done_at.is_(None)
        )
    ).scalar()
    if open_one is not None:
        return int(open_one)
    reporters.suspend(connection, source_id, now=now)
    controls.log(
        connection, at=now, actor=author, action="reporter_retract", subject=str(source_id), reason=reason
    )
    values = {
        "source_id": source_id, "asked_at": now, "author": author, "reason": reason,
        "emitters_n": 0, "ended_n": 0,
    }  # fmt: skip
    made = sa.insert(retraction).values(values).returning(retraction.c.retraction_id)
    return int(connection.execute(made).scalar_one())


def find(connection: Connection, number: int) -> Retraction:
    """Return a retraction that was begun."""
    row = connection.execute(sa.select(retraction).where(retraction.c.retraction_id == number)).mappings()
    return Retraction(**row.one())


def latest(connection: Connection, *, limit: int) -> list[Retraction]:
    """Return the retractions begun last, newest first."""
    rows = connection.execute(
        sa.select(retraction).order_by(retraction.c.retraction_id.desc()).limit(limit)
    ).mappings()
    return [Retraction(**row) for row in rows]


def unfinished(connection: Connection, *, before: int) -> list[int]:
    """Return the numbers of retractions that still go on and are left to nobody else.

    Those begun on the command line only if that was before second `before`.
    """
    by_command = sa.func.substr(retraction.c.author, 1, len(COMMAND)) == COMMAND
    chosen = sa.select(retraction.c.retraction_id).where(
        retraction.c.done_at.is_(None), (retraction.c.asked_at < before) | ~by_command
    )
    return [
        int(number) for number in connection.execute(chosen.order_by(retraction.c.retraction_id)).scalars()
    ]


def preview(database: Database, secret: Secret, source_id: int, *, now: int) -> Iterator[Difference]:
    """Yield what retracting a source would change, emitter by emitter; nothing is written."""
    with database.read() as connection:
        keys = evidence.keys_of_source(connection, source_id, until=now)
        past = replay.past_of(connection, now=now)
        without = Without(source_id=source_id, until=now)
        for key in keys:
            made = replay.plan(connection, key, without, past=past, secret=secret, now=now)
            if made.difference is not None:
                yield made.difference


def first_differences(
    connection: Connection, secret: Secret, source_id: int, *, now: int, limit: int
) -> tuple[int, list[Difference]]:
    """Return of how many emitters a source spoke, and what retracting it changes for the first `limit`."""
    keys = evidence.keys_of_source(connection, source_id, until=now)
    past = replay.past_of(connection, now=now)
    without = Without(source_id=source_id, until=now)
    plans = (replay.plan(connection, key, without, past=past, secret=secret, now=now) for key in keys[:limit])
    return len(keys), [made.difference for made in plans if made.difference is not None]


def report_difference(
    connection: Connection, secret: Secret, found: Receipt, *, now: int
) -> Difference | None:
    """Return what taking one report back would change, None if it changes no listing and no history."""
    if found.emitter_key is None or found.event_id is None:
        return None
    key = bytes(found.emitter_key)
    if not evidence.standing(connection, key, [found.event_id]):
        return None
    without = Without(event_ids=frozenset({found.event_id}))
    past = replay.past_of(connection, now=now)
    return replay.plan(connection, key, without, past=past, secret=secret, now=now).difference


def take_back(connection: Connection, secret: Secret, found: Receipt, *, now: int) -> bool:
    """Take one report back, as if it had never come; return whether it counted until now."""
    counted = 0
    if found.emitter_key is not None and found.event_id is not None:
        key = bytes(found.emitter_key)
        counted = replay.retract_events(connection, key, [found.event_id], secret=secret, now=now)
    receipts.mark_retracted(connection, found)
    return bool(counted)
