"""What was published when: one row a zone and serial."""

import dataclasses

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.store.tables import publication


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One generation of one zone. held_n: additions that a gate or the freeze kept back.

    generation: the mark (`controls.generation`) of the changes that it holds.
    """

    zone: str
    serial: int
    body_digest: bytes
    generation: int
    published_at: int
    renewed_at: int
    entries_n: int
    added_n: int
    left_n: int
    held_n: int
    alarm: str | None = None


def last(connection: Connection, zone: str) -> Publication | None:
    """Return the newest generation of `zone`."""
    row = (
        connection.execute(
            sa.select(publication)
            .where(publication.c.zone == zone)
            .order_by(publication.c.serial.desc())
            .limit(1)
        )
        .mappings()
        .first()
    )
    return Publication(**row) if row is not None else None


def entries_since(connection: Connection, zone: str, *, since: int) -> int | None:
    """Return the entries of the newest generation published at or before `since`, None if there is none."""
    number: int | None = connection.execute(
        sa.select(publication.c.entries_n)
        .where(publication.c.zone == zone, publication.c.published_at <= since)
        .order_by(publication.c.serial.desc())
        .limit(1)
    ).scalar()
    return number


def put(connection: Connection, new: Publication) -> None:
    """Insert a generation, or write what changed in it: its renewal, what is held, an alarm."""
    values = dataclasses.asdict(new)
    mine = (publication.c.zone == new.zone) & (publication.c.serial == new.serial)
    if connection.execute(sa.update(publication).where(mine).values(**values)).rowcount == 0:
        connection.execute(sa.insert(publication).values(**values))
