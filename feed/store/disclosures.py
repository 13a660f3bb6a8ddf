"""What the proven owner of an address may see of the reports about it, so that one grep finds the cause.

A reporter decides how exact: minutes, or hours only, since a minute in the emitter's own log tells which
recipient is a trap (ux-ecosystem.md 1.2). Traps are told by the hour unless their reporter chose minutes,
and never with a queue id or domain. Who reported is never told.
"""

import base64
import dataclasses
from collections.abc import Collection, Sequence
from typing import Final, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain.address import Address, emitter_key, unpacked
from feed.domain.event import Channel, Event, Kind, RecipientClass
from feed.store.dialect import insert_rows, put_all
from feed.store.secret import Secret
from feed.store.tables import event
from feed.store.tables_site import disclosure, trace

Detail = Literal["minute", "hour"]
SHOWN_MOST: Final = 100
SHOWN_DAYS: Final = 45
_MINUTES_AN_HOUR: Final = 60
_SECONDS_A_MINUTE: Final = 60
_SECONDS_A_DAY: Final = 86_400


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One report as its emitter's owner sees it.

    number: opaque, for disputes. at: seconds, the beginning of the minute or, unless `exact`, of the hour.
    """

    number: str
    at: int
    exact: bool
    address: Address
    kind: Kind
    helo: str | None
    status: str | None
    queue_id: str | None
    recipient_domain: str | None
    epoch: int


def report_number(secret: Secret, key: bytes, event_id: int) -> str:
    """Return the number under which the owner speaks of a report; it tells nothing of its age or source."""
    mac = secret.mac("report number", key + event_id.to_bytes(8, "big"))
    return base64.b32encode(mac[:5]).decode("ascii")


def shown(connection: Connection, secret: Secret, address: Address, *, now: int) -> list[Shown]:
    """Return the latest reports about the emitter, newest first; `now` in seconds."""
    key = emitter_key(address)
    joined = event.outerjoin(
        trace, (trace.c.emitter_key == event.c.emitter_key) & (trace.c.event_id == event.c.event_id)
    ).outerjoin(disclosure, disclosure.c.source_id == event.c.source_id)
    rows = connection.execute(
        sa.select(event, trace.c.queue_id, trace.c.recipient_domain, disclosure.c.detail)
        .select_from(joined)
        .where(
            event.c.emitter_key == key,
            event.c.channel == Channel.MAIN,
            event.c.retracted_at.is_(None),
            event.c.received_day >= now // _SECONDS_A_DAY - SHOWN_DAYS,
        )
        .order_by(event.c.observed_minute.desc(), event.c.event_id)
        .limit(SHOWN_MOST)
    )
    return [_shown(row, secret, key) for row in rows.mappings()]


def ids_of(
    connection: Connection, secret: Secret, key: bytes, numbers: Collection[str], *, now: int
) -> list[tuple[int, int]]:
    """Return day and id of the emitter's reports that `numbers` name; all of them if none is named."""
    rows = connection.execute(
        sa.select(event.c.received_day, event.c.event_id).where(
            event.c.emitter_key == key,
            event.c.channel == Channel.MAIN,
            event.c.retracted_at.is_(None),
            event.c.received_day >= now // _SECONDS_A_DAY - SHOWN_DAYS,
        )
    ).all()
    return [
        (row.received_day, row.event_id)
        for row in rows
        if not numbers or report_number(secret, key, row.event_id) in numbers
    ]


def add_traces(connection: Connection, new: Sequence[tuple[Event, str | None, str | None]]) -> None:
    """Keep queue id and recipient's domain of stored events as their reporter allowed it; none of traps."""
    rows = [
        {
            "emitter_key": emitter_key(of.address),
            "event_id": of.event_id,
            "received_day": int(of.received_at.timestamp()) // _SECONDS_A_DAY,
            "queue_id": queue_id,
            "recipient_domain": recipient_domain,
        }
        for of, queue_id, recipient_domain in new
        if of.recipient_class is not RecipientClass.TRAP
    ]
    if rows:
        insert_rows(connection, trace, rows)


def sweep(connection: Connection, *, now: int) -> None:
    """Forget traces of events that are shown no more."""
    old = trace.c.received_day < now // _SECONDS_A_DAY - SHOWN_DAYS
    connection.execute(sa.delete(trace).where(old))


def detail_of(connection: Connection, source_id: int) -> Detail | None:
    """Return what a reporter chose, None if nothing."""
    found = connection.execute(
        sa.select(disclosure.c.detail).where(disclosure.c.source_id == source_id)
    ).scalar()
    return None if found is None else "minute" if found == "minute" else "hour"


def choose(connection: Connection, source_id: int, detail: Detail) -> None:
    """Set how exact times are told of this reporter's reports."""
    put_all(connection, disclosure, [{"source_id": source_id, "detail": detail}])


def _shown(row: sa.RowMapping, secret: Secret, key: bytes) -> Shown:
    is_trap = row["recipient_class"] == RecipientClass.TRAP
    exact = row["detail"] == "minute" or (row["detail"] is None and not is_trap)
    minute = row["observed_minute"]
    return Shown(
        number=report_number(secret, key, row["event_id"]),
        at=(minute if exact else minute - minute % _MINUTES_AN_HOUR) * _SECONDS_A_MINUTE,
        exact=exact,
        address=unpacked(bytes(row["address"])),
        kind=Kind(row["kind"]),
        helo=row["helo"],
        status=row["status"],
        queue_id=None if is_trap else row["queue_id"],
        recipient_domain=None if is_trap else row["recipient_domain"],
        epoch=row["epoch"],
    )
