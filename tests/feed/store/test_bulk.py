"""Events in bulk leave the same rows as the same events one after the other."""

import datetime as dt
import random
from typing import Any

import pytest
import sqlalchemy as sa

from feed.domain.address import emitter_key, parse_address
from feed.domain.event import Attestation, Channel, Event, Kind, RecipientClass
from feed.store import bulk, evidence, states
from feed.store.database import Database
from feed.store.tables import cell, emitter_state, event, removal
from tests.factories import NOW, make_event

ADDRESSES = ("192.0.2.66", "192.0.2.67", "2001:db8::1", "2001:db8::2")


def _events(seed: int, number: int) -> list[Event]:
    rnd = random.Random(seed)
    return [
        make_event(
            event_id=seed * 1000 + number_of,
            address=rnd.choice(ADDRESSES),
            original_key=rnd.choice([b"a", b"b", b"c", b"d"]) * 16,
            kind=rnd.choice([Kind.DSN_FAIL, Kind.AUTO, Kind.SAV]),
            recipient_class=rnd.choice(list(RecipientClass)),
            attestation=rnd.choice(list(Attestation)),
            observed_at=NOW - dt.timedelta(minutes=rnd.randrange(6 * 1440)),
            recipient_token=rnd.randrange(3),
            software=rnd.choice([None, "exim"]),
        )
        for number_of in range(number)
    ]


def _rows(database: Database) -> list[list[Any]]:
    with database.read() as connection:
        rows = [sorted(tuple(row) for row in connection.execute(sa.select(table))) for table in (event, cell)]
        columns = [emitter_state.c[name] for name in ("emitter_key", "channel", "next_due_minute", "epoch")]
        rows.append(sorted(tuple(row) for row in connection.execute(sa.select(*columns))))
    return [[repr(row) for row in table] for table in rows]


def _forget(database: Database) -> None:
    with database.write() as connection:
        for table in (event, cell, emitter_state):
            connection.execute(sa.delete(table))


@pytest.mark.parametrize("seed", range(5))
def test_bulk_equals_one_by_one(database: Database, seed: int) -> None:
    key = emitter_key(parse_address(ADDRESSES[0]))
    with database.write() as connection:
        for epoch, minutes in enumerate((4000, 900), start=1):
            accepted = int(NOW.timestamp()) // 60 - minutes
            connection.execute(
                sa.insert(removal).values(
                    emitter_key=key, channel=Channel.MAIN, epoch=epoch, accepted_minute=accepted, proof="dns"
                )
            )
    batches = [_events(seed * 10 + part, size) for part, size in enumerate((1, 30, 15))]
    for batch in batches:
        for one in batch:
            with database.write() as connection:
                evidence.add_event(connection, one)
    wanted = _rows(database)
    _forget(database)
    for batch in batches:
        with database.write() as connection:
            bulk.add_events(connection, batch)
    assert _rows(database) == wanted


def test_retracted_event_leaves_the_cells_of_the_others(database: Database) -> None:
    kept, taken = make_event(), make_event(observed_at=NOW - dt.timedelta(days=2))
    with database.write() as connection:
        evidence.add_event(connection, kept)
    wanted = _rows(database)[1]
    key = emitter_key(taken.address)
    with database.write() as connection:
        evidence.add_event(connection, taken)
        connection.execute(sa.update(emitter_state).values(next_due_minute=99))
    with database.write() as connection:
        assert evidence.retract_events(connection, key, [taken.event_id], now=5)
    with database.write() as connection:
        assert not evidence.retract_events(connection, key, [taken.event_id], now=6)
    assert _rows(database)[1] == wanted
    with database.read() as connection:
        row = states.read(connection, key, Channel.MAIN)
        assert connection.execute(sa.select(event.c.retracted_at).order_by(event.c.retracted_at.desc())).all()
    assert row is not None
    assert row.state.next_due_at == states.DIRTY


def test_nothing_is_stored_of_nothing(database: Database) -> None:
    with database.write() as connection:
        assert bulk.add_events(connection, []) == []
