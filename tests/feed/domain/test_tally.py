"""How long a tally holds: the fewer windows matter, the less often a row is summed up again."""

import pytest

from feed.domain.evidence import Cell, Standing
from feed.domain.policy import COMMUNITY
from feed.domain.tally import tally

DAY = 1440
D0 = 20_000
TRUST = {1: Standing(source_id=1, group_id=1, weight=20), 2: Standing(source_id=2, group_id=2, weight=20)}


def day_of(number: int, *, seen: int, genuine: int = 0) -> Cell:
    return Cell(
        source_id=1 + number % 2, day=D0 + number, epoch=0, observed=True, null_n=1, genuine_n=genuine,
        seen_24h=seen,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "until_day"),
    [
        pytest.param([day_of(n, seen=3) for n in range(4)], 3 + 7, id="small totals: until none is left"),
        pytest.param([day_of(n, seen=400) for n in range(4)], 0 + 7, id="totals for the pool guard"),
        pytest.param(
            [day_of(n, seen=3, genuine=n == 2) for n in range(4)],
            3 + 7,
            id="genuine mail, until none is left",
        ),
    ],
)
def test_observed_days_that_cannot_matter_end_no_tally(cells: list[Cell], until_day: int) -> None:
    counted = tally(cells, TRUST, COMMUNITY, epoch=0, tick=(D0 + 3) * DAY)
    assert counted.until == (D0 + until_day) * DAY
    assert counted.observed


def test_genuine_mail_is_remembered_to_the_day() -> None:
    cells = [day_of(0, seen=3, genuine=1)]
    counted = tally(cells, TRUST, COMMUNITY, epoch=0, tick=(D0 + 10) * DAY)
    assert (counted.until, counted.mixed, counted.observed) == ((D0 + 28) * DAY, True, False)
    assert not tally(cells, TRUST, COMMUNITY, epoch=0, tick=counted.until).mixed
