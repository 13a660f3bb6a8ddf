"""Decay by table: the laws that sums of evidence rest on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feed.domain.decay import decay_table, decayed
from feed.domain.evidence import MICRO


@pytest.mark.parametrize(
    ("points", "minutes", "expected"),
    [
        pytest.param(8 * MICRO, 0, 8 * MICRO, id="new evidence counts in full"),
        pytest.param(8 * MICRO, 4320, 4 * MICRO, id="one half-life halves it exactly"),
        pytest.param(8 * MICRO, 3 * 4320, MICRO, id="three half-lives leave an eighth"),
        pytest.param(5 * MICRO, 1440, 3_968_502, id="a day leaves 2^(-1/3), rounded down"),
        pytest.param(8 * MICRO, -5, 8 * MICRO, id="evidence from the future counts as new"),
        pytest.param(8 * MICRO, 400 * 1440, 0, id="after a year nothing is left"),
    ],
)
def test_decayed(points: int, minutes: int, expected: int) -> None:
    assert decayed(points, minutes) == expected


@given(st.integers(0, 200 * MICRO), st.integers(0, 60_000), st.integers(0, 5000), st.integers(0, MICRO))
def test_decay_never_rises_with_time_and_never_falls_with_points(
    points: int, minutes: int, more_minutes: int, more_points: int
) -> None:
    assert decayed(points, minutes + more_minutes) <= decayed(points, minutes)
    assert decayed(points + more_points, minutes) >= decayed(points, minutes)


@pytest.mark.parametrize("half_life", [1, 60, 4320, 10_080])
def test_table_is_the_power_of_two_to_the_last_bit(half_life: int) -> None:
    table = decay_table(half_life)
    assert len(table) == half_life
    for k, entry in enumerate(table):
        # Exact in integers: entry <= 2^(40 - k/h) < entry + 1, raised to the power h.
        if k % max(1, half_life // 50) == 0 and half_life <= 4320:
            assert entry**half_life <= 1 << (40 * half_life - k) < (entry + 1) ** half_life


def test_a_half_life_below_a_minute_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one minute"):
        decay_table(0)
