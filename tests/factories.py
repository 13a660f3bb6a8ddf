"""Valid values with defaults; override the one thing that a test is about."""

import datetime as dt
import itertools
import pathlib
from typing import Any

from sqlalchemy.engine import Connection

from feed.domain.address import parse_address
from feed.domain.event import Attestation, Event, Kind, Provenance, RecipientClass, strength_of
from feed.domain.providers import Providers
from feed.store import reporters
from feed.store.followed import Followed

NOW = dt.datetime(2026, 11, 25, 12, 0, tzinfo=dt.UTC)
_ids = itertools.count(1)


def make_event(**change: Any) -> Event:
    """Return a trap hit from 192.0.2.66; `strength` follows from the ladders unless it is given."""
    values: dict[str, Any] = {
        "event_id": next(_ids),
        "source_id": 1,
        "address": "192.0.2.66",
        "kind": Kind.DSN_FAIL,
        "recipient_class": RecipientClass.TRAP,
        "attestation": Attestation.U4,
        "provenance": Provenance.P3,
        "observed_at": NOW - dt.timedelta(hours=1),
        "received_at": NOW,
        "epoch": 0,
        "original_key": next(_ids).to_bytes(16, "big"),
    } | change
    if isinstance(values["address"], str):
        values["address"] = parse_address(values["address"])
    values.setdefault("strength", strength_of(values["attestation"], values["provenance"]))
    return Event(**values)


def make_reporter(connection: Connection, name: str = "one", **change: Any) -> int:
    """Register a reporter of full weight and return its number."""
    values: dict[str, Any] = {
        "name": name,
        "organisation": f"{name} GmbH",
        "contact": f"postmaster@{name}.example",
        "now": int(NOW.timestamp()),
        "weight": reporters.FULL_WEIGHT,
        "weight_reason": "test",
    } | change
    return reporters.register(connection, **values)


def make_provider_file(known: Providers | None) -> Followed[Providers]:
    """Return the provider file as a process knows it that was started with one which never changes."""

    def never(*_told: object) -> None:
        raise AssertionError("nothing is told")

    def read(_path: pathlib.Path) -> Providers:
        raise AssertionError("nothing is read")

    return Followed(None, read, known=known, taken=never, refused=never)
