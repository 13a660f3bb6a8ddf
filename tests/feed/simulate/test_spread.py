"""A number over many seeds: the pooled share, its bound, and what may be claimed of it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feed.simulate.metric import Metric, Part
from feed.simulate.spread import spread, t_quantile, wilson


def recall(found: int, total: int) -> Metric:
    return Metric(name="recall", value=found / total, digits=4, at_least=0.75, part=Part(found, total))


def wronged(found: int, total: int) -> Metric:
    return Metric(name="innocents", value=found, at_most=0, part=Part(found, total), is_count=True)


def minutes(value: float | None) -> Metric:
    return Metric(name="minutes", value=value, at_most=35)


def test_shares_are_pooled_and_not_averaged() -> None:
    one = spread([recall(1, 2), recall(90, 98)])
    assert one.value == pytest.approx(0.91)
    assert one.mean == pytest.approx((0.5 + 90 / 98) / 2)
    assert (one.least, one.missed, one.n) == (0.5, 1, 2)
    assert (one.bound_by, one.part) == ("Wilson", Part(91, 100))
    assert one.bound == pytest.approx(
        0.8515, abs=1e-4
    )  # (p + z²/2n - z·√(p(1-p)/n + z²/4n²)) / (1 + z²/n), z = 1.645
    assert one.reached
    assert one.sure


def test_a_count_of_none_is_bounded_by_the_rule_of_three() -> None:
    one = spread([wronged(0, 300)] * 10)
    assert one.reached
    assert one.bound_by == "rule of three"
    assert one.bound == pytest.approx(3 / 3000, rel=0.01)
    assert one.sure is None  # a share of things cannot be compared with a number of them


def test_one_wrong_seed_of_many_misses_a_target_of_none() -> None:
    one = spread([*[wronged(0, 300)] * 9, wronged(2, 300)])
    assert (one.value, one.reached, one.missed, one.bound_by) == (2, False, 1, "Wilson")


def test_a_mean_is_bounded_by_student_and_one_seed_by_nothing() -> None:
    one = spread([minutes(20), minutes(22), minutes(24)])
    assert one.bound == pytest.approx(22 + 2.92 * 2 / math.sqrt(3))
    assert one.bound_by == "t"
    assert spread([minutes(20)]).bound is None


def test_precision_is_pooled_only_where_nothing_was_wrong() -> None:
    right = Metric(name="precision", value=1.0, at_least=0.999, part=Part(50, 50), digits=4)
    wrong = Metric(name="precision", value=0.99, at_least=0.999, part=Part(45, 50), digits=4)
    assert spread([right, right]).bound_by == "rule of three"
    mixed = spread([right, wrong])
    assert mixed.value == pytest.approx(0.995)
    assert (mixed.bound_by, mixed.missed) == ("t", 1)


def test_seeds_without_a_value_count_for_nothing() -> None:
    assert spread([minutes(None), minutes(None)]).reached is None
    assert spread([minutes(None), minutes(30)]).n == 1


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_bounds_enclose_the_share(part: tuple[int, int]) -> None:
    share = Part(*part)
    low, high = wilson(share, upper=False), wilson(share, upper=True)
    assert -1e-12 <= low <= part[0] / part[1] + 1e-12
    assert part[0] / part[1] - 1e-12 <= high <= 1 + 1e-12


def test_quantiles_fall_to_the_normal_one_without_a_step() -> None:
    quantiles = [t_quantile(freedom) for freedom in range(1, 60)]
    assert quantiles == sorted(quantiles, reverse=True)
    assert quantiles[30] == pytest.approx(1.696, abs=2e-3)  # 31 degrees, from tables
    assert 1.645 < quantiles[-1] < 1.68


@pytest.mark.parametrize(
    ("metric", "target", "reached"),
    [
        pytest.param(Metric(name="a", value=0.8, at_least=0.75), ">= 0.75", True, id="at least"),
        pytest.param(Metric(name="a", value=0.7, at_least=0.75), ">= 0.75", False, id="too little"),
        pytest.param(Metric(name="a", value=1.0, below=1), "< 1", False, id="below is not at"),
        pytest.param(Metric(name="a", value=35, at_most=35), "<= 35", True, id="at most"),
        pytest.param(Metric(name="a", value=1, at_most=0), "0", False, id="none wanted"),
        pytest.param(Metric(name="a", value=None, at_most=0), "0", None, id="nothing to judge"),
        pytest.param(Metric(name="a", value=5), "", None, id="no target"),
    ],
)
def test_targets_in_words(metric: Metric, target: str, reached: bool | None) -> None:
    assert (metric.target, metric.reached) == (target, reached)
