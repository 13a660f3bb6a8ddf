"""Cells are a cache of events: however reports come in, they equal a rebuild from the events."""

import datetime as dt
import random

import pytest

from feed.domain import cells
from feed.domain.address import emitter_key, parse_address
from feed.domain.event import Attestation, Channel, Event, Kind, RecipientClass
from feed.domain.evidence import Cell
from feed.store import evidence, states
from feed.store.database import Database
from tests.factories import NOW, make_event

KEY = emitter_key(parse_address("192.0.2.66"))


def _stored(database: Database) -> dict[Channel, list[Cell]]:
    with database.read() as connection:
        found = evidence.cells_of_many(connection, [KEY], first_day=0)
    return {channel: sorted(made, key=repr) for (_, channel), made in found.items()}


def _add(database: Database, *events: Event) -> None:
    for event in events:
        with database.write() as connection:
            evidence.add_event(connection, event)


def test_new_event_makes_one_cell_and_a_dirty_state(database: Database) -> None:
    _add(database, make_event())
    (cell,) = _stored(database)[Channel.MAIN]
    assert (cell.n, cell.n_u, cell.points) == (1, (0, 0, 0, 0, 1, 0), 4_000_000)
    with database.read() as connection:
        row = states.read(connection, KEY, Channel.MAIN)
    assert row is not None
    assert row.state.next_due_at == states.DIRTY


def test_events_about_one_original_count_once_as_the_strongest_on_the_first_day(database: Database) -> None:
    early, late = NOW - dt.timedelta(days=2), NOW - dt.timedelta(hours=1)
    weak = make_event(
        attestation=Attestation.U1,
        recipient_class=RecipientClass.UNKNOWN,
        observed_at=early,
        original_key=b"o" * 16,
    )
    strong = make_event(observed_at=late, original_key=b"o" * 16)
    _add(database, strong, weak)
    (cell,) = _stored(database)[Channel.MAIN]
    assert (cell.day, cell.n, cell.points) == (cells.minute_of(early) // 1440, 1, 4_000_000)


def test_callouts_are_kept_in_a_channel_of_their_own(database: Database) -> None:
    _add(database, make_event(kind=Kind.SAV))
    assert list(_stored(database)) == [Channel.SAV]


@pytest.mark.parametrize("seed", range(6))
def test_any_order_of_reports_gives_the_cells_of_a_rebuild(database: Database, seed: int) -> None:
    rnd = random.Random(seed)
    events = [
        make_event(
            source_id=rnd.choice([1, 2]),
            original_key=rnd.choice([b"a", b"b", b"c", b"d"]) * 16,
            kind=rnd.choice([Kind.DSN_FAIL, Kind.AUTO, Kind.SAV]),
            recipient_class=rnd.choice(list(RecipientClass)),
            attestation=rnd.choice(list(Attestation)),
            observed_at=NOW - dt.timedelta(minutes=rnd.randrange(6 * 1440)),
            recipient_token=rnd.randrange(3),
        )
        for _ in range(25)
    ]
    rnd.shuffle(events)
    _add(database, *events)
    wanted: dict[Channel, list[Cell]] = {}
    for (channel, *_), cell in cells.cells_of(events).items():
        wanted.setdefault(channel, []).append(cell)
    assert _stored(database) == {channel: sorted(made, key=repr) for channel, made in wanted.items()}
    with database.write() as connection:
        evidence.rebuild_cells(connection, KEY)
    assert _stored(database) == {channel: sorted(made, key=repr) for channel, made in wanted.items()}


def test_observations_keep_the_largest_and_survive_a_rebuild(database: Database) -> None:
    address = parse_address("192.0.2.66")
    day = cells.minute_of(NOW) // 1440
    with database.write() as connection:
        for null_n, genuine_n in ((5, 1), (3, 2)):
            evidence.add_observation(
                connection, address, source_id=1, day=day, null_n=null_n, genuine_n=genuine_n, seen_24h=9
            )
    _add(database, make_event(observed_at=NOW))
    with database.write() as connection:
        evidence.rebuild_cells(connection, KEY)
    (cell,) = _stored(database)[Channel.MAIN]
    assert (cell.observed, cell.null_n, cell.genuine_n, cell.seen_24h, cell.n) == (True, 5, 2, 9, 1)
