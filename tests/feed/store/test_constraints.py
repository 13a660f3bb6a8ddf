"""Rules of the tables: each forbidden row is refused by the constraint that says so."""

from typing import Any

import pytest
import sqlalchemy as sa

from feed.domain.event import Channel
from feed.domain.listing import Code, State
from feed.store import states
from feed.store.database import Database
from feed.store.tables import audit, emitter_state, event, exemption, reporter
from tests.factories import make_reporter

KEY = bytes(16)
EVENT: dict[str, Any] = {
    "emitter_key": KEY, "received_day": 1, "event_id": 1, "source_id": 1, "channel": 1, "observed_minute": 1,
    "received_at": 1, "epoch": 0, "original_key": bytes(16), "kind": 4, "recipient_class": 5,
    "recipient_token": 0, "attestation": 4, "provenance": 3, "strength": 4, "address": KEY,
}  # fmt: skip


@pytest.mark.parametrize(
    ("column", "value"),
    [
        pytest.param("emitter_key", b"short", id="key of wrong length"),
        pytest.param("original_key", b"", id="no original"),
        pytest.param("address", bytes(4), id="address not packed to 16 bytes"),
        pytest.param("channel", 9, id="unknown channel"),
        pytest.param("kind", 0, id="not a notification"),
        pytest.param("recipient_class", 6, id="unknown class"),
        pytest.param("attestation", 6, id="beyond ladder U"),
        pytest.param("provenance", -1, id="beyond ladder P"),
        pytest.param("strength", 6, id="stronger than there is"),
        pytest.param("observed_minute", None, id="no time"),
    ],
)
def test_event_that_cannot_be_is_refused(database: Database, column: str, value: object) -> None:
    with pytest.raises(sa.exc.IntegrityError), database.write() as connection:
        connection.execute(sa.insert(event).values(EVENT | {column: value}))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"code": 4}, id="code that is not ours"),
        pytest.param({"state": State.WATCH, "code": Code.CONFIRMED}, id="published without being listed"),
        pytest.param(
            {"channel": Channel.SAV, "state": State.LISTED, "code": 3}, id="callouts are never listed"
        ),
        pytest.param({"unit": 24}, id="wider than an address or a /64"),
        pytest.param({"state": 8}, id="unknown state"),
    ],
)
def test_state_that_cannot_be_is_refused(database: Database, change: dict[str, Any]) -> None:
    with pytest.raises(sa.exc.IntegrityError), database.write() as connection:
        states.touch(connection, KEY, Channel.MAIN, address=KEY)
        connection.execute(sa.update(emitter_state).values(change))


def test_no_operator_action_without_a_reason(database: Database) -> None:
    rows: list[tuple[sa.Table, dict[str, Any]]] = [
        (audit, {"at": 1, "actor": "a", "action": "b", "subject": "c", "reason": ""}),
        (
            exemption,
            {
                "network": "192.0.2.0/24",
                "kind": 1,
                "reason": "",
                "author": "a",
                "created_at": 1,
                "until_minute": 2,
            },
        ),
    ]
    for table, values in rows:
        with pytest.raises(sa.exc.IntegrityError), database.write() as connection:
            connection.execute(sa.insert(table).values(values))


def test_weight_is_twentieths(database: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError), database.write() as connection:
        make_reporter(connection)
        connection.execute(sa.update(reporter).values(weight=21))
