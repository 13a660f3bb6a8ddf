"""Disputes: what listed admins object to, the queue of the operator, and his answers."""

import dataclasses
import secrets
from collections.abc import Collection
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain.address import Address, canonical, emitter_key, packed, unpacked
from feed.store.tables import event
from feed.store.tables_site import ANSWERS, dispute

OPEN_MOST: Final = 3
"""Open disputes of strangers about one emitter; its proven owner always has room for one more."""

WORDS_MOST: Final = 1000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """One dispute. reports: opaque numbers, as given. Times in seconds, None while it is open."""

    dispute_id: str
    address: Address
    asked_at: int
    proven: bool
    words: str
    reports: str
    answer: str | None
    reason: str | None
    answered_at: int | None
    author: str | None
    retracted_n: int


def file(
    connection: Connection, *, address: Address, words: str, reports: str, proven: bool, now: int
) -> str | None:
    """Store a dispute and return its number, None if enough are open about this emitter already."""
    plain = canonical(address)
    key = emitter_key(plain)
    mine = (dispute.c.emitter_key == key) & dispute.c.answer.is_(None) & (dispute.c.proven == proven)
    waiting = connection.execute(sa.select(sa.func.count()).select_from(dispute).where(mine)).scalar_one()
    if waiting >= OPEN_MOST:
        return None
    number = secrets.token_hex(16)  # no sign that a command would take for an option
    connection.execute(
        sa.insert(dispute).values(
            dispute_id=number, emitter_key=key, address=packed(plain), asked_at=now, proven=proven,
            words=words[:WORDS_MOST], reports=reports, retracted_n=0,
        )
    )  # fmt: skip
    return number


def find(connection: Connection, dispute_id: str) -> Dispute | None:
    """Return the dispute with that number."""
    row = connection.execute(sa.select(dispute).where(dispute.c.dispute_id == dispute_id)).mappings().first()
    return _dispute(row) if row is not None else None


def waiting(connection: Connection, *, limit: int) -> list[Dispute]:
    """Return open disputes, oldest first, those of proven owners before others of the same age."""
    rows = connection.execute(
        sa.select(dispute)
        .where(dispute.c.answer.is_(None))
        .order_by(dispute.c.asked_at, dispute.c.proven.desc(), dispute.c.dispute_id)
        .limit(limit)
    ).mappings()
    return [_dispute(row) for row in rows]


def waiting_n(connection: Connection) -> int:
    """Return how many disputes are open."""
    chosen = sa.select(sa.func.count()).select_from(dispute).where(dispute.c.answer.is_(None))
    return int(connection.execute(chosen).scalar_one())


def answered(connection: Connection, *, limit: int) -> list[Dispute]:
    """Return answered disputes, latest first."""
    rows = connection.execute(
        sa.select(dispute)
        .where(dispute.c.answer.is_not(None))
        .order_by(dispute.c.answered_at.desc())
        .limit(limit)
    ).mappings()
    return [_dispute(row) for row in rows]


def sources_of(connection: Connection, key: bytes, event_ids: Collection[int]) -> list[int]:
    """Return who sent these reports about an emitter, each once."""
    rows = connection.execute(
        sa.select(event.c.source_id, event.c.event_id).where(event.c.emitter_key == key)
    )
    wanted = frozenset(event_ids)
    return sorted({int(row.source_id) for row in rows if row.event_id in wanted})


def answer(
    connection: Connection,
    dispute_id: str,
    *,
    answer: str,
    reason: str,
    author: str,
    now: int,
    retracted_n: int = 0,
) -> bool:
    """Close an open dispute; False if it is not open. answer: upheld, partly or rejected."""
    if answer not in ANSWERS or not reason:
        raise ValueError("an answer is one of upheld, partly, rejected, with a reason")
    done = connection.execute(
        sa.update(dispute)
        .where(dispute.c.dispute_id == dispute_id, dispute.c.answer.is_(None))
        .values(
            answer=answer, reason=reason[:200], author=author, answered_at=now, retracted_n=retracted_n
        )
    )  # fmt: skip
    return done.rowcount == 1


def _dispute(row: sa.RowMapping) -> Dispute:
    names = {field.name for field in dataclasses.fields(Dispute)} - {"address"}
    return Dispute(address=unpacked(bytes(row["address"])), **{name: row[name] for name in names})
