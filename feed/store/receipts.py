"""Receipts: the first answer to each report, so that the same report again changes nothing."""

import dataclasses
import functools
import json
import operator
import secrets
from collections.abc import Collection, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.store.dialect import insert_rows, select_rows
from feed.store.tables import receipt

DIGEST: Final = 1
IDEMPOTENCY_KEY: Final = 2
RETRACTED: Final = "retracted"
"""Status of a report that its reporter took back."""
_LETTERS: Final = "0123456789abcdefghjkmnpqrstvwxyz"


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


def new_id() -> str:
    """Return a new receipt id: 26 letters and digits, 130 random bits, none that look alike."""
    number = secrets.randbits(130)
    return "".join([_LETTERS[number >> shift & 31] for shift in range(0, 130, 5)])


@functools.cache
def _find_statement(size: int) -> sa.Select[Any]:
    """Return the look-up of `size` keyed hashes; made once, since making it costs more than running it."""
    wanted = [sa.bindparam(f"d{number}", type_=sa.LargeBinary) for number in range(size)]
    return sa.select(receipt).where(
        receipt.c.source_id == sa.bindparam("source_id"),
        receipt.c.dedupe_kind == sa.bindparam("kind"),
        receipt.c.dedupe.in_(wanted),
    )


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
    wanted = list(dedupes)
    size = 1 << (len(wanted) - 1).bit_length()  # few sizes, so that few statements are made; filled up
    asked: dict[str, object] = {"source_id": source_id, "kind": kind}
    asked |= {f"d{number}": wanted[min(number, len(wanted) - 1)] for number in range(size)}
    rows = select_rows(connection, _find_statement(size), asked)
    return {bytes(row["dedupe"]): _receipt(row) for row in rows}


def insert_many(connection: Connection, new: Sequence[tuple[int, bytes, Receipt]]) -> None:
    """Store receipts, each under its kind and keyed hash."""
    rows = [
        {"dedupe_kind": kind, "dedupe": dedupe} | dict(zip(_NAMES, _values(one), strict=True))
        for kind, dedupe, one in new
    ]
    insert_rows(connection, receipt, rows)


def mark_retracted(connection: Connection, found: Receipt) -> Receipt:
    """Have the answer of a receipt say `retracted` from now on; return it so."""
    answer = json.dumps(json.loads(found.answer) | {"status": RETRACTED}, separators=(",", ":"))
    connection.execute(
        sa.update(receipt)
        .where(receipt.c.source_id == found.source_id, receipt.c.receipt_id == found.receipt_id)
        .values(answer=answer)
    )
    return dataclasses.replace(found, answer=answer)
