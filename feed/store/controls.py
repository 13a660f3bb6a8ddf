"""Switches of the operator, marks of the job, and the audit log."""

import dataclasses
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.store.dialect import insert_if_missing
from feed.store.tables import audit, control


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One switch or mark and who set it why."""

    value: str
    reason: str
    author: str
    set_at: int


def get(connection: Connection, name: str) -> Control | None:
    """Return the switch or mark called `name`, if it was ever set."""
    row = connection.execute(sa.select(control).where(control.c.name == name)).first()
    if row is None:
        return None
    return Control(value=row.value, reason=row.reason, author=row.author, set_at=row.set_at)


def put(connection: Connection, name: str, new: Control) -> None:
    """Set a switch or mark."""
    values = dataclasses.asdict(new)
    insert_if_missing(connection, control, {"name": name, **values})
    connection.execute(sa.update(control).where(control.c.name == name).values(**values))


def switch_on(connection: Connection, name: str, new: Control) -> Control | None:
    """Switch on what is off and return None; what is on already stays as it is and is returned.

    Of two at once exactly one switches, and the other is told by whom it was done and why.
    """
    values = dataclasses.asdict(new)
    insert_if_missing(connection, control, {"name": name, **values, "value": "off"})
    # One statement that asks and sets: on PostgreSQL the second of two waits here for the first.
    changed = connection.execute(
        sa.update(control).where(control.c.name == name, control.c.value != new.value).values(**values)
    )
    return None if changed.rowcount else get(connection, name)


def is_on(connection: Connection, name: str) -> bool:
    """Return whether a switch is on."""
    mark = get(connection, name)
    return mark is not None and mark.value == "on"


GENERATION: Final = "generation"
"""Name of the mark that rises whenever something changed that may change the zones."""


def generation(connection: Connection) -> int:
    """Return the number that rises with each change of what may be published, 0 before the first."""
    mark = get(connection, GENERATION)
    return int(mark.value) if mark is not None else 0


def next_generation(connection: Connection) -> None:
    """Note, in the transaction of the change itself, that the zones may differ from now on."""
    first = {"name": GENERATION, "value": "0", "reason": "", "author": "store", "set_at": 0}
    insert_if_missing(connection, control, first)
    # One statement, so that two transactions at once never give the same number.
    risen = sa.cast(control.c.value, sa.BigInteger) + 1
    connection.execute(
        sa.update(control).where(control.c.name == GENERATION).values(value=sa.cast(risen, sa.String))
    )


def log(connection: Connection, *, at: int, actor: str, action: str, subject: str, reason: str) -> None:
    """Append what an operator did to the audit log."""
    connection.execute(
        sa.insert(audit).values(at=at, actor=actor, action=action, subject=subject, reason=reason)
    )
