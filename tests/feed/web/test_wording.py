"""Bands, times and durations as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feed.web import wording


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "no"), (1, "1"), (2, "2 to 4"), (4, "2 to 4"), (5, "5 to 9"), (9, "5 to 9"), (10, "10 or more"),
     (10**9, "10 or more")],
)  # fmt: skip
def test_band_words(number: int, words: str) -> None:
    assert wording.band_words(number) == words


@given(st.integers(0, 10**6))
def test_a_band_holds_its_number(number: int) -> None:
    low, high = wording.band(number)
    assert low <= number
    assert high is None or number <= high


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(1, "1 minute"), (45, "45 minutes"), (60, "1 hour"), (90, "90 minutes"), (1440, "24 hours"),
     (2880, "2 days"), (10080, "7 days"), (4320 + 60, "73 hours")],
)  # fmt: skip
def test_duration(minutes: int, words: str) -> None:
    assert wording.duration(minutes) == words


def test_times_name_their_zone() -> None:
    assert wording.moment(1_764_079_509) == "2025-11-25 14:05 UTC"
    assert wording.exact_moment(1_764_079_509) == "2025-11-25 14:05:09 UTC"
    assert wording.iso(1_764_079_509) == "2025-11-25T14:05:09Z"
    assert wording.date(20_417) == "2025-11-25"


@pytest.mark.parametrize(("micro", "words"), [(10_000_000, "10"), (2_500_000, "2.5"), (1, "0.000001")])
def test_points(micro: int, words: str) -> None:
    assert wording.points(micro) == words
