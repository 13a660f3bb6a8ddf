"""Receipts: the first answer to each report, so that the same report again changes nothing."""

import dataclasses
import json
import operator
import os
from collections.abc import Collection, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.store.dialect import insert_all, matching
from feed.store.tables import receipt

DIGEST: Final = 1
IDEMPOTENCY_KEY: Final = 2
RETRACTED: Final = "retracted"
"""Status of a report that its reporter took back."""
_LETTERS: Final = b"0123456789abcdefghjkmnpqrstvwxyz" * 8
"""By byte; 32 letters, so that each is as likely as the others."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a report was answered. answer: JSON text. body_digest: keyed hash of the whole request."""

    source_id: int
    receipt_id: str
    body_digest: bytes
    verdict: int
    answer: str
    created_day: int
    emitter_key: bytes | None = None
    event_day: int | None = None
    event_id: int | None = None


_NAMES: Final = [field.name for field in dataclasses.fields(Receipt)]
_values: Final = operator.attrgetter(*_NAMES)
_COLUMNS: Final = tuple(receipt.c[name] for name in _NAMES)
_MINE: Final = (
    receipt.c.source_id == sa.bindparam("source_id"),
    receipt.c.dedupe_kind == sa.bindparam("kind"),
)
_STORED: Final = ("dedupe_kind", "dedupe", *_NAMES)


def new_id() -> str:
    """Return a new receipt id: 26 letters and digits, 130 random bits, none that look alike."""
    return os.urandom(26).translate(_LETTERS).decode()


def find(connection: Connection, source_id: int, kind: int, dedupes: tuple[bytes, ...]) -> Receipt | None:
    """Return the receipt of this source under one of the keyed hashes `dedupes`, if there is one."""
    return next(iter(find_many(connection, source_id, kind, dedupes).values()), None)


def by_id(connection: Connection, source_id: int, receipt_id: str) -> Receipt | None:
    """Return the receipt with that id if it is this source's own."""
    row = (
        connection.execute(
            sa.select(receipt)
            .where(receipt.c.source_id == source_id, receipt.c.receipt_id == receipt_id)
            .limit(1)
        )
        .mappings()
        .first()
    )
    return _receipt(row) if row is not None else None


def by_number(connection: Connection, receipt_id: str) -> Receipt | None:
    """Return the receipt with that id, whosever it is; for operators."""
    chosen = sa.select(receipt).where(receipt.c.receipt_id == receipt_id).limit(1)
    row = connection.execute(chosen).mappings().first()
    return _receipt(row) if row is not None else None


def _receipt(row: sa.RowMapping) -> Receipt:
    return Receipt(**{name: row[name] for name in _NAMES})


def find_many(
    connection: Connection, source_id: int, kind: int, dedupes: Collection[bytes]
) -> dict[bytes, Receipt]:
    """Return this source's receipts under any of `dedupes` (a few thousand at most), by keyed hash."""
    rows = matching(
        connection, (receipt.c.dedupe, *_COLUMNS), (receipt.c.dedupe,), [(one,) for one in dedupes],
        also=_MINE, one_by_one=True, source_id=source_id, kind=kind,
    )  # fmt: skip
    return {row[0]: Receipt(**dict(zip(_NAMES, row[1:], strict=True))) for row in rows}


def insert_many(connection: Connection, new: Sequence[tuple[int, bytes, Receipt]]) -> None:
    """Store receipts, each under its kind and keyed hash."""
    insert_all(connection, receipt, _STORED, [(kind, dedupe, *_values(one)) for kind, dedupe, one in new])


def mark_retracted(connection: Connection, found: Receipt) -> Receipt:
    """Have the answer of a receipt say `retracted` from now on; return it so."""
    answer = json.dumps(json.loads(found.answer) | {"status": RETRACTED}, separators=(",", ":"))
    connection.execute(
        sa.update(receipt)
        .where(receipt.c.source_id == found.source_id, receipt.c.receipt_id == found.receipt_id)
        .values(answer=answer)
    )
    return dataclasses.replace(found, answer=answer)
