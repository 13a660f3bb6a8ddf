"""From events to originals to cells, in any order and any repetition."""

import dataclasses
import datetime as dt
import ipaddress
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feed.domain.address import emitter_key, packed
from feed.domain.cells import (
    CellKey,
    carry_observations,
    cell_key,
    cells_of,
    merge,
    minute_of,
    observe,
    originals_of,
    points_of,
    represent,
    without_muted,
)
from feed.domain.event import Attestation, Channel, Event, Kind, Provenance, RecipientClass
from feed.domain.evidence import MICRO, Cell

NOON = dt.datetime(2026, 11, 24, 12, 0, tzinfo=dt.UTC)
DAY_NUMBER = 20_781
A, B = ipaddress.ip_address("2001:4860::1"), ipaddress.ip_address("2001:4860::2")


def event(number: int = 1, **more: Any) -> Event:
    values: dict[str, Any] = {
        "event_id": number,
        "source_id": 1,
        "address": A,
        "kind": Kind.DSN_FAIL,
        "recipient_class": RecipientClass.LOG_MISS,
        "attestation": Attestation.U3,
        "provenance": Provenance.P2,
        "strength": 3,
        "observed_at": NOON,
        "received_at": NOON,
        "epoch": 0,
        "original_key": b"k" * 16,
        "recipient_token": 7,
    }
    return Event(**{**values, **more})


@pytest.mark.parametrize(
    ("kind", "recipient_class", "strength", "points"),
    [
        pytest.param(Kind.DSN_FAIL, RecipientClass.TRAP, 5, 5_000_000, id="U5"),
        pytest.param(Kind.NDR, RecipientClass.TAG_BAD, 4, 4_000_000, id="U4"),
        pytest.param(Kind.VIRUS, RecipientClass.LOG_MISS, 3, 3_000_000, id="U3"),
        pytest.param(Kind.CR, RecipientClass.NO_SUCH_USER, 2, 2_000_000, id="U2"),
        pytest.param(Kind.DSN_FAIL, RecipientClass.UNKNOWN, 1, 500_000, id="U1"),
        pytest.param(Kind.DSN_FAIL, RecipientClass.UNKNOWN, 0, 0, id="U0"),
        pytest.param(Kind.AUTO, RecipientClass.TRAP, 5, 2_500_000, id="auto-reply counts half"),
        pytest.param(Kind.DSN_DELAY, RecipientClass.LOG_MISS, 3, 1_500_000, id="delay counts half"),
        pytest.param(Kind.DSN_OK, RecipientClass.UNKNOWN, 1, 250_000, id="delivery notice counts half"),
        pytest.param(
            Kind.DSN_FAIL, RecipientClass.NO_SUCH_USER, 5, 2_000_000, id="unknown recipient: U2 at most"
        ),
        pytest.param(Kind.SAV, RecipientClass.TRAP, 4, 4_000_000, id="callout, in its own channel"),
        pytest.param(Kind.NONE, RecipientClass.TRAP, 5, 0, id="no notification"),
    ],
)
def test_points(kind: Kind, recipient_class: RecipientClass, strength: int, points: int) -> None:
    assert points_of(kind, recipient_class, strength) == points


def test_minutes_and_days_are_those_of_utc() -> None:
    assert minute_of(NOON + dt.timedelta(seconds=59)) == DAY_NUMBER * 1440 + 720
    east = NOON.astimezone(dt.timezone(dt.timedelta(hours=14)))
    assert minute_of(east) == minute_of(NOON)


def test_two_delays_and_a_bounce_about_one_original_count_as_the_bounce_on_the_first_day() -> None:
    early = NOON - dt.timedelta(days=1)
    events = [
        event(1, kind=Kind.DSN_DELAY, observed_at=early, epoch=2),
        event(2, kind=Kind.DSN_DELAY, observed_at=early + dt.timedelta(hours=4), epoch=2),
        event(3, epoch=3, address=B),
    ]
    cells = cells_of(events)
    assert set(cells) == {(Channel.MAIN, DAY_NUMBER - 1, 2, 1)}
    (cell,) = cells.values()
    assert (cell.n, cell.points, cell.n_u) == (1, 3 * MICRO, (0, 0, 0, 1, 0, 0))
    assert cell.first_at == cell.last_at == cell.strong_at == minute_of(early)
    assert cell.kinds == 1 << Kind.DSN_FAIL | 1 << Kind.DSN_DELAY
    assert (cell.addr_min, cell.addr_max) == (packed(A), packed(B))


@pytest.mark.parametrize(
    ("others", "token"),
    [
        pytest.param([event(2, strength=1, recipient_token=8)], 7, id="the most points"),
        pytest.param(
            [event(2, observed_at=NOON - dt.timedelta(minutes=1), recipient_token=8)],
            8,
            id="then the earliest",
        ),
        pytest.param([event(0, recipient_token=8)], 8, id="then the lowest id"),
        pytest.param([event(2, recipient_token=8)], 7, id="the lowest id stays"),
    ],
)
def test_the_representative(others: list[Event], token: int) -> None:
    assert represent([event(), *others]).recipient_token == token
    assert represent([*others, event()]).recipient_token == token


def test_an_original_without_events_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one"):
        represent([])


def test_channels_and_sources_are_never_added_together() -> None:
    cells = cells_of([event(1), event(2, kind=Kind.SAV), event(3, source_id=2)])
    assert {key[0] for key in cells} == {Channel.MAIN, Channel.SAV}
    assert {(key[0], key[3]): cell.n for key, cell in cells.items()} == {
        (Channel.MAIN, 1): 1,
        (Channel.SAV, 1): 1,
        (Channel.MAIN, 2): 1,
    }


def only(*events: Event) -> Cell:
    (cell,) = cells_of(events).values()
    return cell


def keyed(number: int, **more: Any) -> Event:
    return event(number, original_key=number.to_bytes(16, "big"), **more)


def test_what_a_cell_keeps_of_each_class() -> None:
    later = NOON + dt.timedelta(hours=1)
    trap = {"recipient_class": RecipientClass.TRAP, "strength": 5}
    cell = only(
        keyed(1, **trap, recipient_token=9),
        keyed(2, **trap, recipient_token=4, observed_at=later),
        keyed(3, **trap, recipient_token=0),
        keyed(4, recipient_class=RecipientClass.TRAP, strength=3),
        keyed(5, recipient_class=RecipientClass.TAG_MISSING, strength=4, recipient_token=5),
        keyed(6, kind=Kind.AUTO),
        keyed(7, recipient_class=RecipientClass.NO_SUCH_USER, strength=2),
        keyed(8, recipient_class=RecipientClass.UNKNOWN, strength=1),
        keyed(9, recipient_class=RecipientClass.UNKNOWN, strength=0),
        keyed(10, kind=Kind.AUTO, strength=1),
    )
    assert cell.n == 10
    assert cell.n_u == (1, 2, 1, 2, 1, 3)
    assert cell.points == (5 + 5 + 5 + 3 + 4) * MICRO + 3 * MICRO // 2
    assert (cell.weak_points, cell.nsu_points, cell.nsu_n) == (750_000, 2 * MICRO, 1)
    assert (cell.log_miss_n, cell.auto_n) == (1, 1)
    assert (cell.trap_n, cell.trap_token_min, cell.trap_token_max) == (4, 4, 9)
    assert (cell.trap_first_at, cell.trap_last_at) == (minute_of(NOON), minute_of(later))
    assert cell.strong_at == minute_of(later)


events_about_one_emitter = st.lists(
    st.builds(
        event,
        st.integers(1, 10_000),
        source_id=st.integers(1, 3),
        kind=st.sampled_from([kind for kind in Kind if kind]),
        recipient_class=st.sampled_from(RecipientClass),
        strength=st.integers(0, 5),
        observed_at=st.integers(0, 3 * 1440).map(lambda minutes: NOON + dt.timedelta(minutes=minutes)),
        epoch=st.integers(0, 1),
        original_key=st.integers(0, 5).map(lambda number: number.to_bytes(16, "big")),
        recipient_token=st.integers(0, 4),
        address=st.sampled_from([A, B]),
    ),
    max_size=14,
    unique_by=lambda one: one.event_id,
)

MODEST = settings(max_examples=80, deadline=None)


@MODEST
@given(events_about_one_emitter, st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(found: list[Event], chance: random.Random) -> None:
    shuffled = [*found, *found[:5]]
    chance.shuffle(shuffled)
    assert cells_of(shuffled) == cells_of(found)


@MODEST
@given(events_about_one_emitter, st.randoms(use_true_random=False))
def test_merging_originals_one_by_one_equals_the_rebuild(found: list[Event], chance: random.Random) -> None:
    originals = originals_of(found)
    chance.shuffle(originals)
    grown: dict[CellKey, Cell] = {}
    for original in originals:
        grown[cell_key(original)] = merge(grown.get(cell_key(original)), [original])
    assert grown == cells_of(found)


@MODEST
@given(events_about_one_emitter)
def test_sums_of_a_cell_agree(found: list[Event]) -> None:
    for cell in cells_of(found).values():
        assert sum(cell.n_u) == cell.n
        assert cell.trap_n <= cell.n_u[4] + cell.n_u[5]
        assert cell.auto_n <= sum(cell.n_u[3:])
        assert cell.first_at <= cell.last_at
        assert cell.first_at // 1440 == cell.last_at // 1440 == cell.day
        assert bool(cell.strong_at) == bool(sum(cell.n_u[3:]))


def test_observations_are_kept_by_maximum_and_over_a_rebuild() -> None:
    cells = cells_of([event()])
    ((key, cell),) = cells.items()
    said = observe(observe(cell, null_n=5, genuine_n=1, seen_24h=9), null_n=3, genuine_n=2, seen_24h=4)
    assert (said.observed, said.null_n, said.genuine_n, said.seen_24h) == (True, 5, 2, 9)
    alone = dataclasses.replace(Cell(source_id=2, day=1, epoch=0), observed=True, null_n=1)
    other = (Channel.MAIN, 1, 0, 2)
    kept = carry_observations(cells_of([event()]), {key: said, other: alone})
    assert kept == {key: said, other: alone}
    # After a retraction the cell is empty but for what was observed.
    empty = carry_observations({}, {key: said})[key]
    assert (empty.n, empty.points, empty.null_n) == (0, 0, 5)
    assert merge(empty, [represent([event()])]) == said


def test_one_emitter_has_one_key_whatever_the_spelling() -> None:
    plain, mapped = ipaddress.ip_address("198.51.100.7"), ipaddress.ip_address("::ffff:198.51.100.7")
    assert emitter_key(plain) == emitter_key(mapped)
    assert emitter_key(A) == emitter_key(B)
    assert only(event(address=plain)) == only(event(address=mapped))


def test_of_a_muted_day_only_what_was_observed_counts() -> None:
    ((key, cell),) = cells_of([event()]).items()
    day = key[1]
    told = observe(cell, null_n=5, genuine_n=4, seen_24h=9)
    at = (cell.source_id, day)
    assert without_muted([told], set()) == [told]
    assert without_muted([cell], {at}) == []
    (left,) = without_muted([told], {at})
    assert (left.null_n, left.genuine_n, left.seen_24h, left.observed) == (5, 4, 9, True)
    assert (left.n, left.points, left.trap_n, left.strong_at) == (0, 0, 0, 0)
    assert without_muted([told], {(cell.source_id, day + 1), (cell.source_id + 1, day)}) == [told]
