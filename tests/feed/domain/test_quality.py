"""The six measures of a month: worked examples, and laws that hold for any month."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feed.domain.evidence import Standing, Trust
from feed.domain.quality import FeedQuality, Measuring, ReporterQuality, Seen, Sighting, measure

TRUST: Trust = {
    1: Standing(source_id=1, group_id=1, weight=20, anchor=True),
    2: Standing(source_id=2, group_id=2, weight=10),
    3: Standing(source_id=3, group_id=2, weight=0),  # another name of the second group
    4: Standing(source_id=4, group_id=4, weight=20, anchor=True, suspended=True),
}


def said(source_id: int, *, at: int = 100, n: int = 1, trapped: bool = False) -> Sighting:
    return Sighting(source_id=source_id, originals=n, first_at=at, trapped=trapped)


def seen(*sightings: Sighting, listed: bool = False, listed_at: int | None = None) -> Seen:
    return Seen(sightings=sightings, listed=listed or listed_at is not None, listed_at=listed_at)


MONTH = [
    seen(said(1, trapped=True, n=3), said(2, at=160), listed_at=170),  # both, the trap first
    seen(said(2, n=2), said(3, at=130), listed=True),  # one group with two names, listed before
    seen(said(1, at=500, trapped=True), said(2, at=440), said(3, at=470), listed_at=600),
    seen(said(1, trapped=True)),
    seen(said(2)),
    seen(said(4, trapped=True), said(2, at=90)),  # a suspended trap is no truth
    seen(said(9, n=99)),  # nobody knows this source
]


def reporter(month: list[Seen], source_id: int) -> ReporterQuality:
    (found,) = [one for one in measure(TRUST, month).reporters({2: 5}) if one.source_id == source_id]
    return found


def feed(month: list[Seen]) -> FeedQuality:
    return measure(TRUST, month).feed(listings=3, emitters=2, judged=4, wrong=1)


def test_worked_month_of_a_reporter() -> None:
    assert reporter(MONTH, 2) == ReporterQuality(
        source_id=2, originals=6, emitters=5, differential=2 / 5, nearest=1, nearest_differential=3 / 5,
        exclusive=2 / 5, shared=3, latency_minutes=0, confirmed=2 / 5, contradicted=5, coverage=2 / 3,
    )  # fmt: skip


def test_traps_of_its_own_prove_nothing_about_a_reporter() -> None:
    trap = reporter(MONTH, 1)
    assert (trap.emitters, trap.confirmed, trap.coverage) == (3, 0.0, None)
    assert (trap.nearest, trap.nearest_differential, trap.exclusive) == (2, 1 / 3, 1 / 3)
    assert (trap.shared, trap.latency_minutes) == (2, 0)


def test_worked_month_of_the_feed() -> None:
    assert feed(MONTH) == FeedQuality(
        listings=3, emitters=2, reported=6, originals=14, differential=0.0, exclusive=1 / 3,
        latency_minutes=70, latency_p90_minutes=160, accuracy=3 / 4, coverage=2 / 3,
    )  # fmt: skip


def test_feed_is_worth_more_than_its_best_reporter_where_they_see_different_things() -> None:
    month = [seen(said(1), listed=True), seen(said(2), listed=True), seen(said(2), listed=True)]
    assert feed(month).differential == pytest.approx(1 / 3)


def test_empty_month_divides_by_nothing() -> None:
    assert feed([]).coverage is None
    assert feed([]).latency_minutes is None
    silent = reporter([], 2)
    assert (silent.emitters, silent.exclusive, silent.nearest, silent.coverage) == (0, None, None, None)
    assert [one.source_id for one in Measuring(TRUST).reporters({})] == [1, 2, 3, 4]


_sightings = st.lists(
    st.builds(
        Sighting,
        source_id=st.integers(1, 5),
        originals=st.integers(1, 9),
        first_at=st.integers(0, 9999),
        trapped=st.booleans(),
    ),
    max_size=5,
    unique_by=lambda one: one.source_id,
).map(tuple)
_months = st.lists(
    st.builds(Seen, sightings=_sightings, listed=st.just(True), listed_at=st.none() | st.integers(0, 9999))
    | st.builds(Seen, sightings=_sightings, listed=st.just(False)),
    max_size=12,
)


@given(_months, st.randoms())
def test_order_changes_nothing(month: list[Seen], rnd: object) -> None:
    other = list(month)
    rnd.shuffle(other)  # type: ignore[attr-defined]
    assert feed(month) == feed(other)
    assert measure(TRUST, month).reporters({}) == measure(TRUST, other).reporters({})


@given(_months)
def test_shares_are_shares_and_parts_fit_into_the_whole(month: list[Seen]) -> None:
    whole = feed(month)
    everybody = measure(TRUST, month).reporters({})
    values = [dataclasses.asdict(whole), *(dataclasses.asdict(one) for one in everybody)]
    for value in (value for each in values for value in each.values()):
        assert not isinstance(value, float) or 0 <= value <= 1
    assert sum(one.originals for one in everybody) == whole.originals
    assert max(one.emitters for one in everybody) <= whole.reported
    for one in everybody:
        if one.exclusive is not None and one.nearest_differential is not None:
            assert one.exclusive <= one.nearest_differential + 1e-9


@given(_months)
def test_second_name_of_a_group_never_makes_it_look_confirmed(month: list[Seen]) -> None:
    merged = {
        source_id: Standing(source_id=source_id, group_id=1, weight=20, anchor=one.anchor)
        for source_id, one in TRUST.items()
    }
    for one in measure(merged, month).reporters({}):
        assert one.confirmed in (None, 0.0)
        assert one.coverage is None
        assert one.exclusive in (None, 1.0)
