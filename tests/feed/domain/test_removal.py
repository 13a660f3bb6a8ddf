"""The ladder of removals."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feed.domain.policy import COMMUNITY
from feed.domain.removal import Accepted, NotBySelf, Wait, decide_removal

DAY = 1440
NOW = 20_000 * DAY


@pytest.mark.parametrize(
    ("accepted", "last_evidence", "expected"),
    [
        pytest.param([], NOW, Accepted, id="the first is accepted at once"),
        pytest.param([NOW - 30 * DAY], NOW, Accepted, id="one of 30 days ago is forgotten"),
        pytest.param([NOW - 29 * DAY - 1439], NOW - 60, NOW + 1, id="eases with the window"),
        pytest.param([NOW - 5 * DAY], NOW - 60, NOW - 60 + DAY, id="the second waits 24 quiet hours"),
        pytest.param([NOW - 5 * DAY], NOW - DAY, Accepted, id="24 quiet hours have passed"),
        pytest.param([NOW - 5 * DAY], NOW - DAY + 1, NOW + 1, id="a minute is missing"),
        pytest.param([NOW - 5 * DAY], NOW + 500, NOW + DAY, id="evidence from the future counts as now"),
        pytest.param([NOW - 9 * DAY, NOW - 8 * DAY], NOW - 6 * DAY, NOW + DAY, id="the third waits 7 days"),
        pytest.param([NOW - 9 * DAY, NOW - 8 * DAY], NOW - 7 * DAY, Accepted, id="7 quiet days have passed"),
        pytest.param([NOW - 9 * DAY, NOW - 8 * DAY, NOW - DAY], 0, NotBySelf, id="a fourth is not by self"),
        pytest.param([NOW - 40 * DAY, NOW - 35 * DAY, NOW - DAY], 0, Accepted, id="old ones do not count"),
    ],
)
def test_ladder(accepted: list[int], last_evidence: int, expected: object) -> None:
    decision = decide_removal(accepted, last_evidence, NOW, COMMUNITY)
    if isinstance(expected, int):
        assert isinstance(decision, Wait)
        assert decision.until == expected
    else:
        assert isinstance(decision, expected)  # type: ignore[arg-type]


def test_the_words_tell_what_is_waited_for() -> None:
    second = decide_removal([NOW - DAY], NOW, NOW, COMMUNITY)
    assert isinstance(second, Wait)
    assert "removed once in the last 30 days" in second.words
    assert "after 24 hours without new evidence" in second.words
    third = decide_removal([NOW - DAY] * 2, NOW, NOW, COMMUNITY)
    assert isinstance(third, Wait)
    assert "after 7 days without" in third.words
    fourth = decide_removal([NOW - DAY] * 3, NOW, NOW, COMMUNITY)
    assert isinstance(fourth, NotBySelf)
    assert "removed 3 times" in fourth.words
    assert fourth.until == NOW + 29 * DAY


@given(st.lists(st.integers(NOW - 60 * DAY, NOW), max_size=5), st.integers(NOW - 20 * DAY, NOW + 100))
def test_who_waits_as_told_is_accepted(accepted: list[int], last_evidence: int) -> None:
    """Whatever step is given, asking again at `until` without new evidence gets further down the ladder."""
    now = NOW
    evidence = min(last_evidence, NOW)
    for _ in range(12):
        decision = decide_removal(accepted, evidence, now, COMMUNITY)
        if isinstance(decision, Accepted):
            return
        assert decision.until > now
        now = decision.until
    pytest.fail("the ladder has no end")


def test_numbers_come_from_the_policy() -> None:
    strict = dataclasses.replace(COMMUNITY, removal_second_quiet_minutes=90)
    decision = decide_removal([NOW - DAY], NOW, NOW, strict)
    assert isinstance(decision, Wait)
    assert decision.until == NOW + 90
    assert "90 minutes" in decision.words
