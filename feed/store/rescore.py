"""Scoring anew what a change of rules concerns: noted in the change's transaction, done page by page.

A change of policy or trust may concern every emitter there is. Marking them all at once would hold the write
lock for seconds and bury what is urgent, so each change leaves a mark with a place to go on from. Scoring
takes a page when nothing is due any more. A mark outlives whoever works on it.
"""

import dataclasses
import json
from typing import Any, Final, Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.store.dialect import put_all
from feed.store.states import DIRTY
from feed.store.tables import cell, control, emitter_state

MARK: Final = "rescore:"
"""Names of marks begin so; the rest says what changed."""

LAST_KEY: Final = b"\xff" * 16
_NO_DAY: Final = (1 << 31) - 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Emitters from key `next_key` to `last_key`, or those that `source_id` spoke of from `next_day` on.

    stale_only: whoever was scored under the rules now in force is left out.
    """

    name: str
    next_key: bytes
    last_key: bytes = LAST_KEY
    source_id: int = 0
    next_day: int = 0
    last_day: int = _NO_DAY
    stale_only: bool = False

    def value(self) -> str:
        """Return the mark as it is stored, without its name."""
        return json.dumps(
            [
                self.next_key.hex(), self.last_key.hex(), self.source_id, self.next_day, self.last_day,
                int(self.stale_only),
            ],
            separators=(",", ":"),
        )  # fmt: skip

    @classmethod
    def parse(cls, name: str, value: str) -> Self:
        """Return a stored mark."""
        next_key, last_key, source_id, next_day, last_day, stale_only = json.loads(value)
        return cls(
            name=name, next_key=bytes.fromhex(next_key), last_key=bytes.fromhex(last_key),
            source_id=source_id, next_day=next_day, last_day=last_day, stale_only=bool(stale_only),
        )  # fmt: skip


def everybody(connection: Connection) -> None:
    """Have everybody scored who was last scored under other rules than are in force then."""
    _put(connection, Mark(name=f"{MARK}all", next_key=bytes(16), stale_only=True))


def source(connection: Connection, source_id: int, *, first_day: int) -> None:
    """Have everybody scored of whom a source said anything since `first_day`, under rules now past."""
    name = f"{MARK}source:{source_id}"
    _put(
        connection,
        Mark(name=name, next_key=bytes(16), source_id=source_id, next_day=first_day, stale_only=True),
    )


def source_day(connection: Connection, source_id: int, *, day: int) -> None:
    """Have everybody scored of whom a source said anything about `day`."""
    name = f"{MARK}day:{source_id}:{day}"
    _put(connection, Mark(name=name, next_key=bytes(16), source_id=source_id, next_day=day, last_day=day))


def span(connection: Connection, first: bytes, last: bytes, *, word: str) -> None:
    """Have everybody with a key from `first` to `last` scored; `word` (up to 20 letters) names the cause."""
    _put(connection, Mark(name=f"{MARK}{word}", next_key=first, last_key=last))


def _put(connection: Connection, mark: Mark) -> None:
    """Write a mark, over one of the same name that somebody may be finishing at this moment."""
    row = {"name": mark.name, "value": mark.value(), "reason": "", "author": "store", "set_at": 0}
    put_all(connection, control, [row])


def pending(connection: Connection) -> bool:
    """Return whether anybody waits to be scored anew."""
    name = control.c.name
    chosen = sa.select(name).where(name.between(MARK, f"{MARK}~")).limit(1)
    return connection.execute(chosen).first() is not None


def page(connection: Connection, *, limit: int, policy_id: int, trust_id: int) -> bool:
    """Make up to `limit` emitters of the first mark due and move the mark; False if there is none.

    policy_id, trust_id: the rules in force.
    """
    name = control.c.name
    chosen = sa.select(name, control.c.value).where(name.between(MARK, f"{MARK}~")).order_by(name).limit(1)
    row = connection.execute(chosen.with_for_update()).first()
    if row is None:
        return False
    mark = Mark.parse(row.name, row.value)
    places = _places(connection, mark, limit=limit)
    if places:
        due: sa.ColumnElement[bool] = emitter_state.c.emitter_key.in_({key for key, _ in places})
        if mark.stale_only:
            due &= (emitter_state.c.policy_id != policy_id) | (emitter_state.c.trust_id != trust_id)
        connection.execute(
            sa.update(emitter_state)
            .where(due)
            .values(version=emitter_state.c.version + 1, next_due_minute=DIRTY)
        )
    mine = name == mark.name
    if len(places) < limit:
        connection.execute(sa.delete(control).where(mine))
        return True
    key, day = places[-1]
    # No emitter has the highest key: of IPv6 the lower half is zero.
    following = (int.from_bytes(key, "big") + 1).to_bytes(16, "big")
    moved = dataclasses.replace(mark, next_key=following, next_day=day)
    connection.execute(sa.update(control).where(mine).values(value=moved.value()))
    return True


def _places(connection: Connection, mark: Mark, *, limit: int) -> list[tuple[bytes, int]]:
    """Return up to `limit` (key, day) of a mark in order; the day is 0 for spans of keys."""
    chosen: sa.Select[Any]
    if mark.source_id:
        chosen = (
            sa.select(cell.c.emitter_key, cell.c.day)
            .where(cell.c.source_id == mark.source_id, cell.c.day.between(mark.next_day, mark.last_day))
            .where(sa.tuple_(cell.c.day, cell.c.emitter_key) >= sa.tuple_(mark.next_day, mark.next_key))
            .distinct()
            .order_by(cell.c.day, cell.c.emitter_key)
        )
    else:
        table = emitter_state
        chosen = (
            sa.select(table.c.emitter_key, sa.literal(0))
            .where(table.c.emitter_key.between(mark.next_key, mark.last_key))
            .distinct()
            .order_by(table.c.emitter_key)
        )
    return [(bytes(row[0]), int(row[1])) for row in connection.execute(chosen.limit(limit))]
