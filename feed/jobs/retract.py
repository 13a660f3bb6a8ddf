"""Retraction of a whole reporter: begun in one transaction, carried out emitter by emitter.

Killed half-way it is carried on, by the same command or by the scheduler: what is done has no standing
events of that reporter any more.
"""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.store import controls, evidence, replay, reporters
from feed.store.database import Database, StoreBusyError
from feed.store.replay import Difference, Without
from feed.store.secret import Secret
from feed.store.tables import retraction

MOST_TRIES: Final = 20
"""New evidence about an emitter makes a plan out of date; so often it is made again at once."""


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


def unfinished(connection: Connection, *, before: int) -> list[int]:
    """Return the numbers of retractions begun before second `before` that still go on."""
    chosen = sa.select(retraction.c.retraction_id).where(
        retraction.c.done_at.is_(None), retraction.c.asked_at < before
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


def carry_out(
    database: Database,
    secret: Secret,
    number: int,
    *,
    now: int,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Retraction:
    """Carry out or carry on a retraction and return it; `progress` is told emitters done and all of them.

    Raises `StoreBusyError` if so much arrives about one emitter that it cannot be done now.
    """
    with database.read() as connection:
        begun = find(connection, number)
        keys = evidence.keys_of_source(connection, begun.source_id, until=begun.asked_at)
        past = replay.past_of(connection, now=now)
    without = Without(source_id=begun.source_id, until=begun.asked_at)
    for done, key in enumerate(keys):
        progress(done, len(keys))
        for _ in range(MOST_TRIES):
            with database.read() as connection:
                made = replay.plan(connection, key, without, past=past, secret=secret, now=now)
            with database.write() as connection:
                if replay.carry_out(connection, made, now=now):
                    _count(connection, number, made.difference)
                    break
        else:
            raise StoreBusyError("new evidence arrives too fast about an emitter of this reporter")
    progress(len(keys), len(keys))
    with database.write() as connection:
        connection.execute(
            sa.update(retraction).where(retraction.c.retraction_id == number).values(done_at=now)
        )
        return find(connection, number)


def _count(connection: Connection, number: int, changed: Difference | None) -> None:
    ended = changed is not None and bool(changed.was_code) and not changed.code
    connection.execute(
        sa.update(retraction)
        .where(retraction.c.retraction_id == number)
        .values(emitters_n=retraction.c.emitters_n + 1, ended_n=retraction.c.ended_n + int(ended))
    )
