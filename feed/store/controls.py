"""Switches of the operator, marks of the job, and the audit log."""

import dataclasses

import sqlalchemy as sa
from sqlalchemy.engine import Connection

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
    found = connection.execute(sa.update(control).where(control.c.name == name).values(**values))
    if found.rowcount == 0:
        connection.execute(sa.insert(control).values(name=name, **values))


def log(connection: Connection, *, at: int, actor: str, action: str, subject: str, reason: str) -> None:
    """Append what an operator did to the audit log."""
    connection.execute(
        sa.insert(audit).values(at=at, actor=actor, action=action, subject=subject, reason=reason)
    )
