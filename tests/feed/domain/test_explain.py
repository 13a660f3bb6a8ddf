"""The explanation is made of the score's own numbers."""

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feed.domain.event import Kind
from feed.domain.evidence import MICRO, Cell, Standing
from feed.domain.explain import explain, group_label
from feed.domain.explanation import Explanation, explanation_json
from feed.domain.listing import ActiveHold, EmitterState, Hold, Inputs, State
from feed.domain.policy import COMMUNITY, PRIVATE, Policy
from feed.domain.scoring import step

DAY = 1440
D0 = 20_781
NOW = D0 * DAY + 720
SECRET = b"s" * 32
KEY = bytes(16)


def label(group_id: int) -> str:
    return group_label(SECRET, KEY, group_id)


def cell(source: int, n: int = 1, day: int = 0, epoch: int = 0, **more: Any) -> Cell:
    at = NOW + day * DAY
    values: dict[str, Any] = {
        "points": 3 * MICRO * n,
        "n": n,
        "n_u": (0, 0, 0, n, 0, 0),
        "log_miss_n": n,
        "first_at": at,
        "last_at": at,
        "strong_at": at,
        "kinds": 1 << Kind.DSN_FAIL,
    }
    return Cell(source_id=source, day=D0 + day, epoch=epoch, **{**values, **more})


TRUST = {
    1: Standing(source_id=1, group_id=11, weight=20),
    2: Standing(source_id=2, group_id=12, weight=14),
    3: Standing(source_id=3, group_id=13, weight=0),
    4: Standing(source_id=4, group_id=14, weight=20, suspended=True),
}


def explained(
    cells: list[Cell], policy: Policy = PRIVATE, *, epoch: int = 0, aside_to: int = 0, **more: Any
) -> Explanation:
    inputs = Inputs(cells=cells, **more)
    state = step(
        EmitterState(epoch=epoch, aside_from=D0 - 2, aside_to=aside_to), inputs, policy, TRUST, NOW
    ).state
    return explain(state, inputs, policy, TRUST, NOW, label=label)


def test_a_listing_is_explained() -> None:
    found = explained([cell(1, 2, day=-1), cell(1), cell(2)])
    assert found.state is State.LISTED
    assert found.score == sum(part.contributes for part in found.parts)
    first, second = found.parts
    assert (first.label, first.weight, first.originals, first.strongest) == (label(11), 20, 3, 3)
    assert (first.first_day, first.last_day, first.kinds) == (D0 - 1, D0, (Kind.DSN_FAIL,))
    assert (second.bucket, second.contributes, second.supports) == (3 * MICRO, 2_100_000, True)
    assert found.reasons == ("reported",)
    assert (found.threshold, found.delist_below) == (5 * MICRO, 5 * MICRO // 2)
    assert found.expires_at == NOW + 28 * DAY
    assert found.next_change_at is not None
    assert all(gate.met for gate in found.gates if gate.side in {"listing", "guard"})
    assert not any(gate.met for gate in found.gates if gate.side == "confirmed")


@pytest.mark.parametrize(
    ("more", "reason", "originals"),
    [
        pytest.param(cell(3, 4, epoch=1), "no_weight", 4, id="a source without weight"),
        pytest.param(cell(9, 4, epoch=1), "no_weight", 4, id="an unknown source"),
        pytest.param(cell(4, 4), "suspended", 4, id="a suspended source"),
        pytest.param(cell(1, 4, epoch=0), "before_removal", 4, id="before a removal"),
        pytest.param(cell(2, 4, day=-2, epoch=1), "may_echo", 4, id="perhaps an echo"),
        pytest.param(cell(1, 4, day=-41, epoch=1), "too_old", 4, id="too old"),
        pytest.param(cell(1, 5, epoch=1, nsu_n=4), "few_recipients", 4, id="few recipients"),
        pytest.param(cell(1, 3, epoch=1, n_u=(2, 0, 0, 1, 0, 0)), "unproven", 2, id="unproven"),
    ],
)
def test_what_does_not_count_is_told(more: Cell, reason: str, originals: int) -> None:
    found = explained([cell(1, 2, day=-1, epoch=1), more], epoch=1, aside_to=D0 - 2)
    assert [(entry.reason, entry.originals) for entry in found.not_counted] == [(reason, originals)]


def test_a_listing_ends_two_weeks_after_it_began_where_the_zone_may_be_echoed() -> None:
    trust = {source: Standing(source_id=source, group_id=source, weight=20) for source in range(1, 5)}
    early = Inputs(cells=[cell(source, 2, day=-1) for source in trust])
    state = step(EmitterState(), early, COMMUNITY, trust, NOW - DAY).state
    state = step(state, early, COMMUNITY, trust, NOW).state
    assert state.state is State.LISTED
    both = Inputs(cells=[*early.cells, *(cell(source, 2) for source in trust)])
    found = explain(state, both, COMMUNITY, trust, NOW, label=label)
    assert found.expires_at == state.listed_at + 14 * DAY


def test_days_that_weigh_nothing_until_reviewed_are_told() -> None:
    inputs = Inputs(cells=[cell(1, 2, day=-1, epoch=1)], muted=[cell(2, 3, epoch=1), cell(2, 1, epoch=0)])
    found = explain(EmitterState(epoch=1), inputs, PRIVATE, TRUST, NOW, label=str)
    assert [(entry.reason, entry.originals) for entry in found.not_counted] == [("muted", 4)]
    assert found.originals == 2


def test_a_hold_is_told_with_its_words() -> None:
    hold = ActiveHold(kind=Hold.PROVIDER, words="Example Mail, published ranges")
    found = explained([cell(1, 3)], holds=(hold,))
    assert (found.state, found.hold, found.hold_words) == (State.HELD, Hold.PROVIDER, hold.words)
    assert (found.reasons, found.expires_at) == (("provider",), None)


def test_probation_shows_its_own_threshold() -> None:
    state = EmitterState(state=State.PROBATION, epoch=1, probation_until=NOW + DAY)
    found = explain(state, Inputs(cells=()), COMMUNITY, {}, NOW, label=label)
    assert (found.threshold, found.score, found.parts) == (5 * MICRO, 0, ())


def test_labels_differ_between_emitters_and_secrets() -> None:
    assert label(1) == group_label(SECRET, KEY, 1)
    others = {label(1), label(2), group_label(SECRET, b"\x01" * 16, 1), group_label(b"other", KEY, 1)}
    assert len(others) == 4
    with pytest.raises(ValueError, match="secret"):
        group_label(b"", KEY, 1)


def test_json_is_plain_and_readable() -> None:
    found = explanation_json(explained([cell(1, 2, day=-1), cell(1), cell(2)]))
    again = json.loads(json.dumps(found))
    assert again == found
    assert again["state"] == "listed"
    assert again["code"] == "127.0.0.3"
    assert again["last_day"] == "2026-11-24"
    assert again["since"] == "2026-11-24T12:00:00Z"
    assert again["gates"][0] == {
        "name": "score",
        "side": "listing",
        "have": again["score"],
        "need": 5.0,
        "met": True,
    }
    assert again["parts"][1]["weight"] == 0.7
    assert "group_id" not in json.dumps(found)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.builds(
            cell,
            st.integers(1, 8),
            st.integers(1, 4),
            st.integers(-9, 0),
            st.integers(0, 1),
            weak_points=st.sampled_from([0, MICRO // 2, 3 * MICRO]),
        ),
        max_size=14,
        unique_by=lambda one: (one.source_id, one.day, one.epoch),
    ),
    st.lists(st.integers(0, 20), min_size=8, max_size=8),
    st.sampled_from([PRIVATE, COMMUNITY]),
    st.integers(0, 1),
)
def test_parts_add_up_to_the_score_and_every_original_is_told(
    cells: list[Cell], weights: list[int], policy: Policy, epoch: int
) -> None:
    trust = {s: Standing(source_id=s, group_id=s // 2, weight=w) for s, w in enumerate(weights, start=1)}
    inputs = Inputs(cells=cells)
    state = step(EmitterState(epoch=epoch), inputs, policy, trust, NOW).state
    found = explain(state, inputs, policy, trust, NOW, label=label)
    assert found.score == state.score == sum(part.contributes for part in found.parts)
    told = sum(part.originals for part in found.parts) + sum(entry.originals for entry in found.not_counted)
    assert told == sum(one.n for one in cells)
    assert sum(part.contributes > 0 for part in found.parts) <= policy.top_groups
    dumped = explanation_json(dataclasses.replace(found))
    json.dumps(dumped)


def test_groups_beyond_the_five_largest_are_shown_and_contribute_nothing() -> None:
    trust = {s: Standing(source_id=s, group_id=s, weight=20) for s in range(1, 8)}
    inputs = Inputs(cells=[cell(s, points=s * MICRO) for s in range(1, 8)])
    found = explain(EmitterState(), inputs, COMMUNITY, trust, NOW, label=str)
    shown = [(part.label, part.contributes // MICRO, part.bucket // MICRO) for part in found.parts]
    assert shown == [
        ("7", 7, 7),
        ("6", 6, 6),
        ("5", 5, 5),
        ("4", 4, 4),
        ("3", 3, 3),
        ("2", 0, 2),
        ("1", 0, 1),
    ]
    assert found.score == 25 * MICRO
