"""Every gate of both policies, one row each (DESIGN section 5)."""

import dataclasses
from typing import Any

import pytest

from feed.domain.evidence import MICRO, Cell, Standing, Trust
from feed.domain.gates import entry_code, groups_needed
from feed.domain.listing import Code, EmitterState, Inputs, State
from feed.domain.policy import COMMUNITY, PRIVATE, Policy
from feed.domain.scoring import step
from feed.domain.tally import facts, tally

DAY = 1440
D0 = 20_000
T0 = D0 * DAY
NOW = T0 + 720


def cell(source: int, u: int, n: int = 1, *, day: int = 0, **more: Any) -> Cell:
    """Return a cell of `n` originals of strength `u` at noon of `day` days after D0 (0 or before)."""
    at = NOW + day * DAY
    counts = [0] * 6
    counts[u] = n
    values: dict[str, Any] = {
        "points": 0 if u < 2 else u * MICRO * n,
        "weak_points": MICRO // 2 * n if u == 1 else 0,
        "n": n,
        "epoch": 0,
        "n_u": tuple(counts),
        "log_miss_n": n if u == 3 else 0,
        "first_at": at,
        "last_at": at,
        "strong_at": at if u >= 3 else 0,
    }
    if u >= 4:
        values |= {
            "trap_n": n,
            "trap_first_at": at,
            "trap_last_at": at,
            "trap_token_min": 1,
            "trap_token_max": 1,
        }
    return Cell(source_id=source, day=D0 + day, **{**values, **more})


def nsu(source: int, n: int, *, day: int = 0) -> Cell:
    """Return a cell of `n` unknown recipients."""
    return cell(source, 2, n, day=day, points=0, nsu_points=2 * MICRO * n, nsu_n=n)


def seen(one: Cell, *, null_n: int = 0, genuine_n: int = 0, seen_24h: int = 0) -> Cell:
    return dataclasses.replace(one, observed=True, null_n=null_n, genuine_n=genuine_n, seen_24h=seen_24h)


def said(source: int, day: int, *, null_n: int, genuine_n: int = 0) -> Cell:
    """Return observations of a day without any evidence."""
    return Cell(source_id=source, day=D0 + day, epoch=0, observed=True, null_n=null_n, genuine_n=genuine_n)


def trust_of(*weights: int, anchors: tuple[int, ...] = ()) -> Trust:
    return {
        source: Standing(source_id=source, group_id=source, weight=weight, anchor=source in anchors)
        for source, weight in enumerate(weights, start=1)
    }


def judged(
    cells: list[Cell], policy: Policy, trust: Trust, *, groups: int = 0, threshold: int | None = None
) -> tuple[Code, str]:
    counted = tally(cells, trust, policy, epoch=0, tick=NOW)
    at = facts(counted, policy, NOW)
    return entry_code(counted, at, policy, threshold=threshold or policy.list_at, trusted_groups=groups)


NO = (Code.NONE, "")
REPORTED = (Code.REPORTED, "reported")
MIXED = (Code.REPORTED, "mixed")
TWO_DAYS = [cell(1, 3, 2, day=-1), cell(1, 3, 1)]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        pytest.param([cell(1, 3, day=-1)], NO, id="one log miss is one original and 2.4 points"),
        pytest.param([cell(1, 5)], NO, id="one trap hit is one original"),
        pytest.param([cell(1, 3, 2)], NO, id="two originals on one day"),
        pytest.param([cell(1, 3, day=-1), cell(1, 3)], REPORTED, id="two originals on two days: 5.4"),
        pytest.param([cell(1, 3, 3)], REPORTED, id="three originals on one day"),
        pytest.param([cell(1, 3, day=-2), cell(1, 3, day=-1)], NO, id="the same a day later: 4.3"),
        pytest.param([cell(1, 5, day=-1), cell(1, 5)], (Code.CONFIRMED, "trap"), id="two traps on two days"),
        pytest.param([cell(1, 4, 3)], (Code.CONFIRMED, "trap"), id="three tags on one day"),
        pytest.param(
            [cell(1, 4, day=-1), cell(1, 3)], (Code.CONFIRMED, "trap"), id="one tag confirms the rest"
        ),
        pytest.param(TWO_DAYS, REPORTED, id="log misses without observations"),
        pytest.param([seen(one) for one in TWO_DAYS], (Code.CONFIRMED, "log_miss"), id="with observations"),
        pytest.param(
            [seen(TWO_DAYS[0]), TWO_DAYS[1]], (Code.CONFIRMED, "log_miss"), id="observed on one of the days"
        ),
        pytest.param(
            [*TWO_DAYS, seen(Cell(source_id=1, day=D0 - 6, epoch=0))],
            (Code.CONFIRMED, "log_miss"),
            id="observed six days ago",
        ),
        pytest.param(
            [*TWO_DAYS, seen(Cell(source_id=1, day=D0 - 7, epoch=0))], REPORTED, id="observed seven days ago"
        ),
        pytest.param([seen(cell(1, 3, 3))], REPORTED, id="log misses of one day"),
        pytest.param(
            [seen(cell(1, 3, day=-1)), seen(cell(1, 3))],
            REPORTED,
            id="two log misses on two days: three are needed",
        ),
        pytest.param([seen(one, null_n=99, genuine_n=2) for one in TWO_DAYS], MIXED, id="four genuine"),
        pytest.param(
            [seen(TWO_DAYS[0], null_n=30, genuine_n=2), TWO_DAYS[1]],
            (Code.CONFIRMED, "log_miss"),
            id="two genuine of 30 are clean",
        ),
        pytest.param(
            [seen(TWO_DAYS[0], null_n=20, genuine_n=2), TWO_DAYS[1]], MIXED, id="two genuine of 20 are 10 %"
        ),
        pytest.param([seen(cell(1, 4, 3), genuine_n=3)], MIXED, id="genuine bounces beat a trap"),
        pytest.param([cell(1, 4, 3, auto_n=3)], REPORTED, id="auto-replies alone never confirm"),
        pytest.param([cell(1, 4, 3, auto_n=2)], (Code.CONFIRMED, "trap"), id="one of them is no auto-reply"),
        pytest.param([nsu(1, 200), nsu(1, 200, day=-1)], NO, id="unknown recipients alone never list"),
        pytest.param(
            [cell(1, 3, day=-1), cell(1, 3, day=-2), nsu(1, 4)], NO, id="four recipients add nothing"
        ),
        pytest.param([cell(1, 3, day=-1), cell(1, 3, day=-2), nsu(1, 5)], REPORTED, id="five recipients add"),
        pytest.param(
            [cell(1, 4, day=-1), cell(1, 3, day=-3), nsu(1, 5)],
            REPORTED,
            id="recipients never confirm a trap",
        ),
        pytest.param([cell(1, 1, 900)], NO, id="weak evidence alone never lists"),
        pytest.param(
            [cell(1, 3, day=-1), cell(1, 3, day=-2), cell(1, 1, 900)],
            REPORTED,
            id="weak evidence adds one point",
        ),
        pytest.param(
            [cell(1, 3, day=-2), cell(1, 3, day=-3), cell(1, 1, 900)],
            NO,
            id="weak evidence adds no more than that",
        ),
        pytest.param([cell(1, 0, 900)], NO, id="unproven evidence is nothing"),
        pytest.param([cell(1, 3, 3, day=-1), cell(9, 3, 9)], REPORTED, id="an unknown source adds nothing"),
    ],
)
def test_private(cells: list[Cell], expected: tuple[Code, str]) -> None:
    assert judged(cells, PRIVATE, trust_of(20)) == expected


ANCHORS = trust_of(20, 20, 20, 20, 20, 20, anchors=(1, 2))
PLAIN = trust_of(20, 20, 20, 20, 20, 20)
PAIR = [cell(1, 5, 2, day=-1), cell(2, 5, 2)]
ANCHORED = (Code.CONFIRMED, "anchor")


@pytest.mark.parametrize(
    ("cells", "trust", "groups", "expected"),
    [
        pytest.param([cell(1, 5, 1000)], ANCHORS, 0, NO, id="one trap domain, any number of hits"),
        pytest.param(PAIR, ANCHORS, 0, ANCHORED, id="two trap domains on two days"),
        pytest.param(PAIR, PLAIN, 0, NO, id="traps of reporters that are no anchors"),
        pytest.param([cell(1, 5, 2), cell(2, 5, 2)], ANCHORS, 0, NO, id="two trap domains on one day"),
        pytest.param(
            [cell(1, 5, 2, trap_token_max=2), cell(1, 5, 2, day=-1), cell(3, 3, 3)],
            ANCHORS,
            0,
            ANCHORED,
            id="two traps of one domain and one reporter",
        ),
        pytest.param(
            [cell(1, 5, 2), cell(1, 5, 2, day=-1), cell(3, 3, 3)], ANCHORS, 0, NO, id="one trap of one domain"
        ),
        pytest.param(
            [cell(1, 5, 2, trap_token_min=0, trap_token_max=0), cell(1, 5, 2, day=-1), cell(3, 3, 3)],
            ANCHORS,
            0,
            NO,
            id="an unknown trap is no second one",
        ),
        pytest.param(
            [
                cell(1, 5, 2, day=-1, trap_first_at=T0 - 100, trap_last_at=T0 - 100),
                cell(2, 5, 2, trap_first_at=T0 + 259, trap_last_at=T0 + 259),
            ],
            ANCHORS,
            0,
            NO,
            id="less than six hours apart, over midnight",
        ),
        pytest.param(
            [
                cell(1, 5, 2, day=-1, trap_first_at=T0 - 100, trap_last_at=T0 - 100),
                cell(2, 5, 2, trap_first_at=T0 + 260, trap_last_at=T0 + 260),
            ],
            ANCHORS,
            0,
            ANCHORED,
            id="six hours apart",
        ),
        pytest.param(
            [cell(1, 5, 2, day=-30), cell(2, 5, 2), cell(3, 3, 3)],
            ANCHORS,
            0,
            ANCHORED,
            id="30 days ago anchors",
        ),
        pytest.param(
            [cell(1, 5, 2, day=-30, trap_last_at=NOW - 30 * DAY - 1), cell(2, 5, 2), cell(3, 3, 3)],
            ANCHORS,
            0,
            NO,
            id="a minute more does not",
        ),
        pytest.param(
            [cell(1, 5), *(cell(s, 3, 3) for s in (2, 3, 4, 5))],
            ANCHORS,
            90,
            ANCHORED,
            id="one hit at an anchor beside four reporters",
        ),
        pytest.param(
            [cell(1, 5, day=-20), *(cell(s, 3, 3) for s in (2, 3, 4, 5, 6))],
            ANCHORS,
            90,
            ANCHORED,
            id="an old hit at an anchor beside five reporters",
        ),
        pytest.param(
            [cell(1, 5, 90), *(cell(s, 3, 3) for s in (2, 3, 4))],
            ANCHORS,
            90,
            REPORTED,
            id="one anchor beside three reporters",
        ),
        pytest.param(
            [cell(1, 5), *(cell(s, 3, 3) for s in (2, 3, 4, 5))],
            PLAIN,
            90,
            REPORTED,
            id="one hit at a trap that is no anchor beside four reporters",
        ),
        pytest.param([cell(s, 3, 3) for s in (1, 2, 3)], PLAIN, 0, NO, id="three groups"),
        pytest.param([cell(s, 3, 3) for s in (1, 2, 3, 4)], PLAIN, 0, REPORTED, id="four groups"),
        pytest.param(
            [cell(s, 3, 3) for s in (1, 2, 3, 4)],
            trust_of(20, 20, 20, 9),
            0,
            NO,
            id="four groups, one not trusted",
        ),
        pytest.param(
            [cell(s, 3, 3) for s in (1, 2, 3, 4, 5)], PLAIN, 0, (Code.CONFIRMED, "groups"), id="five groups"
        ),
        pytest.param(
            [cell(s, 3, 3) for s in (1, 2, 3, 4, 5)],
            PLAIN,
            7,
            (Code.CONFIRMED, "groups"),
            id="five of seven",
        ),
        pytest.param(
            [cell(s, 3, 3) for s in (1, 2, 3, 4, 5)],
            PLAIN,
            8,
            REPORTED,
            id="five of eight are under two thirds",
        ),
        pytest.param(
            [cell(1, 3, 3), *(cell(s, 3, 1) for s in (2, 3)), cell(4, 1, 90)],
            PLAIN,
            0,
            NO,
            id="a group with weak evidence only does not support",
        ),
        pytest.param(
            [cell(1, 3, 3), cell(2, 3, 3, day=-8), cell(2, 2, 5, points=8 * MICRO)],
            ANCHORS,
            0,
            NO,
            id="a strong original of eight days ago is not live",
        ),
        pytest.param(
            [seen(PAIR[0], genuine_n=3), PAIR[1]],
            ANCHORS,
            0,
            MIXED,
            id="one group's genuine mail makes it milder and hides nothing",
        ),
        pytest.param(
            [*PAIR, said(3, -27, null_n=3, genuine_n=3)],
            ANCHORS,
            0,
            MIXED,
            id="genuine mail of four weeks ago",
        ),
        pytest.param(
            [*PAIR, said(3, -28, null_n=3, genuine_n=3)],
            ANCHORS,
            0,
            ANCHORED,
            id="genuine mail of a day earlier is forgotten",
        ),
        pytest.param(
            [*PAIR, said(3, -20, null_n=90), said(3, -3, null_n=10, genuine_n=1)],
            ANCHORS,
            0,
            MIXED,
            id="a tenth of the last days, less of the weeks before",
        ),
        pytest.param(
            [*PAIR, said(3, -20, null_n=10, genuine_n=1), said(3, -3, null_n=90)],
            ANCHORS,
            0,
            MIXED,
            id="a tenth three weeks ago, however much came since",
        ),
        pytest.param(
            [*PAIR, said(3, -20, null_n=10, genuine_n=1), said(3, -26, null_n=1)],
            ANCHORS,
            0,
            ANCHORED,
            id="less than a tenth of a week three weeks ago",
        ),
        pytest.param(
            [*PAIR, said(3, -8, null_n=90, genuine_n=2), said(3, -1, null_n=90, genuine_n=2)],
            ANCHORS,
            0,
            ANCHORED,
            id="few of many in each week",
        ),
        pytest.param(
            [*PAIR, seen(cell(3, 3, 0, n_u=(0,) * 6, strong_at=0), genuine_n=3)],
            (ANCHORS | {3: Standing(source_id=3, group_id=3, weight=9)}),
            0,
            ANCHORED,
            id="genuine mail at a group that is not trusted",
        ),
        pytest.param(
            [seen(one, genuine_n=3) for one in PAIR] + [cell(s, 3, 3) for s in (3, 4)],
            ANCHORS,
            0,
            MIXED,
            id="genuine, but four groups report",
        ),
        pytest.param(
            [cell(s, 3, 3, auto_n=3, points=4 * MICRO) for s in (1, 2, 3, 4, 5)],
            PLAIN,
            0,
            REPORTED,
            id="auto-replies to five groups",
        ),
        pytest.param(
            [
                dataclasses.replace(PAIR[0], n_u=(0, 0, 0, 0, 0, 1)),
                dataclasses.replace(PAIR[1], n_u=(0,) * 6),
            ],
            ANCHORS,
            0,
            NO,
            id="one original",
        ),
    ],
)
def test_community(cells: list[Cell], trust: Trust, groups: int, expected: tuple[Code, str]) -> None:
    assert judged(cells, COMMUNITY, trust, groups=groups) == expected


def test_probation_lists_at_five_points_with_the_same_gates() -> None:
    light = [cell(s, 3, 1, points=3 * MICRO // 2) for s in (1, 2, 3, 4)]
    assert judged(light, COMMUNITY, PLAIN) == NO
    assert judged(light, COMMUNITY, PLAIN, threshold=COMMUNITY.probation_list_at) == REPORTED


@pytest.mark.parametrize(("trusted", "needed"), [(0, 5), (7, 5), (8, 6), (66, 45), (100, 67)])
def test_two_thirds_of_the_trusted_groups_and_never_less_than_five(trusted: int, needed: int) -> None:
    assert groups_needed(COMMUNITY, trusted) == needed


POOL = [seen(cell(s, 3, 3), seen_24h=1000) for s in (1, 2)]


@pytest.mark.parametrize(
    ("cells", "trust", "held"),
    [
        pytest.param([seen(c, seen_24h=601) for c in POOL], PLAIN, False, id="fewer than a thousand seen"),
        pytest.param([seen(c, seen_24h=1000) for c in POOL], PLAIN, True, id="0.3 % of a thousand"),
        pytest.param([seen(cell(s, 3, 5), seen_24h=1000) for s in (1, 2)], PLAIN, False, id="0.5 %"),
        pytest.param(POOL[:1], PLAIN, False, id="one group"),
        pytest.param(POOL, trust_of(20, 9), False, id="one of two is not trusted"),
        pytest.param([POOL[0], seen(cell(2, 3, 9), seen_24h=1000)], PLAIN, False, id="two that disagree"),
        pytest.param([*POOL, seen(cell(3, 3, 9), seen_24h=1000)], PLAIN, True, id="two of three"),
    ],
)
def test_pool_guard(cells: list[Cell], trust: Trust, held: bool) -> None:
    counted = tally(cells, trust, COMMUNITY, epoch=0, tick=NOW)
    assert counted.pooled is held
    state = step(EmitterState(), Inputs(cells=cells), COMMUNITY, trust, NOW).state
    assert (state.state is State.HELD) is held
    assert state.reason == ("pool" if held else "")


def test_the_pool_guard_ends_with_its_days() -> None:
    more = [*POOL, *(cell(s, 3, 3) for s in (3, 4))]
    held = step(EmitterState(), Inputs(cells=more), COMMUNITY, PLAIN, NOW).state
    assert (held.state, held.next_due_at) == (State.HELD, (D0 + 7) * DAY)


def test_observations_outlive_a_removal_and_count_once() -> None:
    """What was seen of genuine mail is true before and after; evidence is not."""
    before = seen(cell(1, 4, 3), genuine_n=2, null_n=100)
    after = seen(cell(1, 4, 3, epoch=1), genuine_n=2, null_n=100)
    counted = tally([before, after], trust_of(20), PRIVATE, epoch=1, tick=NOW)
    assert (counted.originals, counted.mixed) == (3, False)
    three = dataclasses.replace(before, genuine_n=3)
    assert tally([three, after], trust_of(20), PRIVATE, epoch=1, tick=NOW).mixed


@pytest.mark.parametrize(
    ("cells", "weights", "score"),
    [
        pytest.param([cell(1, 3)], (20, 20), 3 * MICRO, id="one"),
        pytest.param([cell(1, 3), cell(2, 3)], (20, 20), 6 * MICRO, id="two sources of one group"),
        pytest.param([cell(1, 3, 9), cell(2, 3, 9)], (20, 20), 8 * MICRO, id="the day cap is the group's"),
        pytest.param([cell(1, 3, 9, day=-3), cell(2, 3, 9)], (20, 20), 8 * MICRO, id="and the ceiling"),
        pytest.param(
            [cell(1, 3), cell(2, 3)], (20, 0), 3 * MICRO, id="a newcomer's evidence borrows no weight"
        ),
        pytest.param([cell(1, 3), cell(2, 3, 900)], (20, 5), 5 * MICRO, id="each under its own weight"),
    ],
)
def test_sources_of_one_group(cells: list[Cell], weights: tuple[int, int], score: int) -> None:
    trust = {s: Standing(source_id=s, group_id=7, weight=w) for s, w in enumerate(weights, start=1)}
    assert facts(tally(cells, trust, COMMUNITY, epoch=0, tick=NOW), COMMUNITY, NOW).score == score


def test_the_five_largest_groups_count() -> None:
    trust = trust_of(*[20] * 7)
    cells = [cell(s, 3, points=s * MICRO) for s in range(1, 8)]
    assert facts(tally(cells, trust, COMMUNITY, epoch=0, tick=NOW), COMMUNITY, NOW).score == 25 * MICRO
