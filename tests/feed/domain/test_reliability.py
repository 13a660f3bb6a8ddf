"""Weights that are earned: the table of scoring.md 4.2, and the laws that keep them from being bought."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feed.domain.evidence import Cell, Standing
from feed.domain.reliability import (
    CANARY,
    CREDIT_ONCE_MINUTES,
    Reliability,
    novel_confirmations,
    weight_of,
)

D0 = 20_000
DAY = 1440
T0 = D0 * DAY
MODEST = settings(max_examples=100, deadline=None)


@pytest.mark.parametrize(
    ("good", "weight"),
    [
        pytest.param(0, 0, id="a newcomer weighs nothing"),
        pytest.param(2, 0, id="two confirmations may be luck"),
        pytest.param(3, 2, id="three weigh a tenth"),
        pytest.param(5, 8, id="five weigh two fifths"),
        pytest.param(10, 16, id="ten weigh four fifths"),
        pytest.param(20, 20, id="twenty weigh in full"),
        pytest.param(5000, 20, id="and no number weighs more"),
    ],
)
def test_confirmations_needed(good: int, weight: int) -> None:
    assert weight_of(Reliability().credit(D0, good), D0) == weight


def test_contradictions_take_weight_away_and_a_canary_takes_much() -> None:
    trusted = Reliability().credit(D0, 10)
    once = weight_of(trusted.contradict(D0), D0)
    canary = weight_of(trusted.contradict(D0, CANARY), D0)
    assert 16 > once > canary > 0
    assert weight_of(trusted.contradict(D0, 3 * CANARY), D0) == 0


def test_a_long_good_past_does_not_pile_up() -> None:
    past = Reliability()
    for day in range(300):
        past = past.credit(D0 + day, 10)
    assert weight_of(past.contradict(D0 + 300, 60), D0 + 300) == 0


def test_who_falls_silent_is_forgotten() -> None:
    once = Reliability().credit(D0, 10)
    assert [weight_of(once, D0 + days) for days in (0, 60, 120, 400)] == [16, 8, 0, 0]


days = st.lists(
    st.tuples(st.integers(D0 - 200, D0), st.integers(0, 6), st.integers(0, 3)), min_size=1, max_size=12
)


def counted(history: list[tuple[int, int, int]]) -> Reliability:
    made = Reliability()
    for day, good, bad in history:
        made = made.credit(day, good).contradict(day, bad)
    return made


@MODEST
@given(days, st.randoms(use_true_random=False))
def test_order_changes_nothing(history: list[tuple[int, int, int]], random: object) -> None:
    shuffled = list(history)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert counted(shuffled) == counted(history)


@MODEST
@given(days, st.integers(D0 - 200, D0 + 300))
def test_what_is_taken_back_leaves_no_trace(history: list[tuple[int, int, int]], day: int) -> None:
    before = counted(history)
    assert before.credit(day, 3).contradict(day).credit(day, -3).contradict(day, -1) == before


@MODEST
@given(days, st.integers(D0 - 200, D0), st.integers(D0, D0 + 300))
def test_credit_never_lowers_and_contradiction_never_raises_weight(
    history: list[tuple[int, int, int]], day: int, now: int
) -> None:
    before = counted(history)
    weight = weight_of(before, now)
    assert 0 <= weight <= 20
    assert weight_of(before.contradict(day), now) <= weight
    assert weight_of(before.credit(day), now) >= weight


def test_more_cannot_be_taken_back_than_was_counted() -> None:
    with pytest.raises(ValueError, match="taken back"):
        Reliability().credit(D0).credit(D0, -2)


# --- novel confirmations ---

TRUST = {
    1: Standing(source_id=1, group_id=1, weight=20, anchor=True),
    2: Standing(source_id=2, group_id=2, weight=0),
    3: Standing(source_id=3, group_id=1, weight=0),
}


def report(source: int = 2, *, at: int = T0, strength: int = 3, first: int | None = None) -> Cell:
    n_u = tuple(int(step == strength) for step in range(6))
    return Cell(
        source_id=source, day=at // DAY, epoch=0, n=1, n_u=n_u,  # type: ignore[arg-type]
        first_at=at if first is None else first, last_at=at, strong_at=at if strength >= 3 else 0,
    )  # fmt: skip


def hit(source: int = 1, *, at: int = T0) -> Cell:
    return Cell(
        source_id=source, day=at // DAY, epoch=0, n=1, n_u=(0, 0, 0, 0, 0, 1), first_at=at, last_at=at,
        strong_at=at, trap_n=1, trap_first_at=at, trap_last_at=at,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "published", "credited", "earned"),
    [
        pytest.param([report(), hit(at=T0 + 60)], [], {}, {2: T0 + 60}, id="a trap confirms a report"),
        pytest.param([report(at=T0 + 60), hit()], [], {}, {2: T0 + 60}, id="also one that came before it"),
        pytest.param([report()], [], {}, {}, id="without a trap nothing is confirmed"),
        pytest.param([report(), hit(at=T0 + 7 * DAY + 1)], [], {}, {}, id="not after seven days"),
        pytest.param([report(strength=2), hit()], [], {}, {}, id="a weak claim earns nothing"),
        pytest.param([report(), hit()], [(T0 - 1, T0 + 1)], {}, {}, id="copying the zone earns nothing"),
        pytest.param([report(), hit()], [(T0 - 9, T0)], {}, {2: T0}, id="news again after expiry"),
        pytest.param(
            [report(at=T0 + 99, first=T0), hit()], [(T0 + 50, T0 + 200)], {}, {2: T0},
            id="first seen before publication",
        ),
        pytest.param([report(3), hit()], [], {}, {}, id="the same group does not confirm itself"),
        pytest.param([hit(2), report(3)], [], {}, {}, id="a trap that is no anchor confirms nobody"),
        pytest.param([report(9), hit()], [], {}, {}, id="an unknown source earns nothing"),
        pytest.param([report(), hit()], [], {2: T0 - 29 * DAY}, {}, id="one credit an emitter in 30 days"),
        pytest.param([report(), hit()], [], {2: T0 - CREDIT_ONCE_MINUTES}, {2: T0}, id="then the next"),
    ],
)  # fmt: skip
def test_novel_confirmations(
    cells: list[Cell], published: list[tuple[int, int]], credited: dict[int, int], earned: dict[int, int]
) -> None:
    assert novel_confirmations(cells, TRUST, published, credited=credited) == earned
