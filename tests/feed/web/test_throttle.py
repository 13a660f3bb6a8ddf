"""A bucket a network, refilled evenly, of bounded memory."""

from hypothesis import given
from hypothesis import strategies as st

from feed.web.throttle import Throttle


def test_a_burst_is_allowed_and_no_more() -> None:
    throttle = Throttle(burst=3, period_s=60)
    assert [throttle.wait_s("a", now=100.0) for _ in range(5)] == [0, 0, 0, 20, 20]


def test_waiting_as_long_as_told_is_enough() -> None:
    throttle = Throttle(burst=2, period_s=60)
    throttle.wait_s("a", now=0.0)
    throttle.wait_s("a", now=0.0)
    wait = throttle.wait_s("a", now=1.0)
    assert wait == 29
    assert throttle.wait_s("a", now=1.0 + wait) == 0


def test_networks_do_not_share() -> None:
    throttle = Throttle(burst=1, period_s=60)
    assert throttle.wait_s("a", now=0.0) == 0
    assert throttle.wait_s("b", now=0.0) == 0
    assert throttle.wait_s("a", now=0.0) > 0


def test_a_clock_set_back_neither_refills_nor_locks_out() -> None:
    throttle = Throttle(burst=1, period_s=60)
    assert throttle.wait_s("a", now=1_000_000.0) == 0
    assert throttle.wait_s("a", now=0.0) == 60
    assert throttle.wait_s("a", now=60.0) == 0


def test_memory_is_bounded_by_forgetting_the_longest_unused() -> None:
    throttle = Throttle(burst=1, period_s=60, names=3)
    for name in "abcd":
        throttle.wait_s(name, now=0.0)
    assert len(throttle._buckets) == 3
    assert throttle.wait_s("d", now=0.0) > 0
    assert throttle.wait_s("a", now=0.0) == 0


@given(st.lists(st.floats(0, 5), max_size=60), st.integers(1, 5))
def test_never_more_than_burst_and_refill(pauses: list[float], burst: int) -> None:
    throttle, now, allowed = Throttle(burst=burst, period_s=10), 0.0, 0
    for pause in pauses:
        now += pause
        allowed += throttle.wait_s("a", now=now) == 0
    assert allowed <= burst + now * burst / 10 + 1e-6
