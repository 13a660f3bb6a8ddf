"""Events and cells as rows of their tables, and back."""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from feed.domain import cells
from feed.domain.address import emitter_key, packed, unpacked
from feed.domain.event import Attestation, Channel, Event, Kind, Provenance, RecipientClass, channel_of
from feed.domain.evidence import Cell

Row = Mapping[Any, Any]
"""A row of the database by column."""

EVENT_NAMES: Final = (
    "emitter_key", "received_day", "event_id", "source_id", "channel", "observed_minute", "received_at",
    "epoch", "original_key", "kind", "recipient_class", "recipient_token", "attestation", "provenance",
    "strength", "address", "reporting_mta", "software", "status", "helo",
)  # fmt: skip
"""Columns of `event_row`."""

_SECONDS_A_DAY: Final = 86_400
_SECONDS_A_MINUTE: Final = 60

_COLUMNS: Final = {  # field of Cell -> column, where they differ
    "first_at": "first_minute", "last_at": "last_minute", "strong_at": "strong_minute",
    "trap_first_at": "trap_first_minute", "trap_last_at": "trap_last_minute",
}  # fmt: skip
_FIELDS: Final = [field.name for field in dataclasses.fields(Cell) if field.name != "n_u"]


def event_of(row: Row) -> Event:
    """Return the event of a row."""
    return Event(
        event_id=row["event_id"],
        source_id=row["source_id"],
        address=unpacked(bytes(row["address"])),
        kind=Kind(row["kind"]),
        recipient_class=RecipientClass(row["recipient_class"]),
        attestation=Attestation(row["attestation"]),
        provenance=Provenance(row["provenance"]),
        strength=row["strength"],
        observed_at=dt.datetime.fromtimestamp(row["observed_minute"] * _SECONDS_A_MINUTE, dt.UTC),
        received_at=dt.datetime.fromtimestamp(row["received_at"], dt.UTC),
        epoch=row["epoch"],
        original_key=bytes(row["original_key"]),
        recipient_token=row["recipient_token"],
        software=row["software"],
        status=row["status"],
        helo=row["helo"],
    )


def event_values(new: Event, reporting_mta: str | None = None) -> dict[str, Any]:
    """Return the row of an event."""
    key, address = emitter_key(new.address), packed(new.address)
    row = event_row(new, key, channel_of(new.kind), address, reporting_mta)
    return dict(zip(EVENT_NAMES, row, strict=True))


def event_row(
    new: Event, key: bytes, channel: Channel, address: bytes, reporting_mta: str | None
) -> tuple[Any, ...]:
    """Return the row of an event whose keys are known, as plain values: drivers are slow with enums."""
    received_at = int(new.received_at.timestamp())
    return (
        key, received_at // _SECONDS_A_DAY, new.event_id, new.source_id, int(channel),
        cells.minute_of(new.observed_at), received_at, new.epoch, new.original_key, int(new.kind),
        int(new.recipient_class), new.recipient_token, int(new.attestation), int(new.provenance),
        int(new.strength), address, reporting_mta, new.software, new.status, new.helo,
    )  # fmt: skip


def cell_key_of(row: Row) -> cells.CellKey:
    """Return the key of a cell's row, inside its emitter."""
    return Channel(row["channel"]), row["day"], row["epoch"], row["source_id"]


def cell_of(row: Row) -> Cell:
    """Return the cell of a row."""
    values = {field: row[_COLUMNS.get(field, field)] for field in _FIELDS}
    values["addr_min"], values["addr_max"] = bytes(values["addr_min"]), bytes(values["addr_max"])
    return Cell(n_u=tuple(row[f"n_u{step}"] for step in range(6)), **values)


def cell_values(key: bytes, at: cells.CellKey, made: Cell) -> dict[str, Any]:
    """Return the row of a cell."""
    values: dict[str, Any] = {_COLUMNS.get(field, field): getattr(made, field) for field in _FIELDS}
    values |= {f"n_u{step}": made.n_u[step] for step in range(6)}
    return values | {"emitter_key": key, "channel": int(at[0])}
