"""Retraction of a whole reporter: begun in one transaction, carried out emitter by emitter.

Killed half-way it is carried on, by the same command or by the scheduler: what is done has no standing
events of that reporter any more.
"""

import dataclasses
from collections.abc import Callable
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.store import evidence, replay
from feed.store.database import Database, StoreBusyError
from feed.store.replay import Difference, Without
from feed.store.retractions import Retraction, begin, find, preview, unfinished
from feed.store.rules import Past
from feed.store.secret import Secret
from feed.store.tables import retraction

__all__ = ["MOST_TRIES", "Retraction", "begin", "carry_out", "find", "preview", "unfinished"]

MOST_TRIES: Final = 20
"""New evidence about an emitter makes a plan out of date; so often it is made again at once."""


def carry_out(
    database: Database,
    secret: Secret,
    number: int,
    *,
    clock: Callable[[], float],
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Retraction:
    """Carry out or carry on a retraction and return it; `progress` is told emitters done and all of them.

    clock: seconds since 1970, asked for each emitter: many take hours, in which listings begin and end.
    Raises `StoreBusyError` if so much arrives about one emitter that it cannot be done now.
    """
    with database.read() as connection:
        begun = find(connection, number)
        keys = evidence.keys_of_source(connection, begun.source_id, until=begun.asked_at)
        past = replay.past_of(connection, now=int(clock()))
    one = _Emitter(
        database=database, secret=secret, number=number, past=past, clock=clock,
        without=Without(source_id=begun.source_id, until=begun.asked_at),
    )  # fmt: skip
    late = []
    for done, key in enumerate(keys):
        progress(done, len(keys))
        if not one.carry_out(key):
            late.append(key)
    # One busy emitter must not keep the others waiting; it comes again when they are done.
    if not all(one.carry_out(key) for key in late):
        raise StoreBusyError("new evidence arrives too fast about an emitter of this reporter")
    progress(len(keys), len(keys))
    with database.write() as connection:
        connection.execute(
            sa.update(retraction).where(retraction.c.retraction_id == number).values(done_at=int(clock()))
        )
        return find(connection, number)


@dataclasses.dataclass(slots=True, kw_only=True)
class _Emitter:
    """What the retraction does to each emitter. past: the rules up to the last that was looked at."""

    database: Database
    secret: Secret
    number: int
    past: Past | None
    clock: Callable[[], float]
    without: Without

    def carry_out(self, key: bytes) -> bool:
        """Take back what the reporter said of one emitter; False if too much arrives about it meanwhile."""
        for _ in range(MOST_TRIES):
            now = int(self.clock())
            with self.database.read() as connection:
                self.past = replay.past_of(connection, now=now, known=self.past)
                made = replay.plan(connection, key, self.without, past=self.past, secret=self.secret, now=now)
            with self.database.write() as connection:
                if replay.carry_out(connection, made, now=now):
                    _count(connection, self.number, made.difference)
                    return True
        return False


def _count(connection: Connection, number: int, changed: Difference | None) -> None:
    ended = changed is not None and bool(changed.was_code) and not changed.code
    connection.execute(
        sa.update(retraction)
        .where(retraction.c.retraction_id == number)
        .values(emitters_n=retraction.c.emitters_n + 1, ended_n=retraction.c.ended_n + int(ended))
    )
