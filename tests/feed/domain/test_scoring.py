"""The state machine of one emitter: worked examples, every move, removal and void."""

import dataclasses
from typing import Any

import pytest

from feed.domain.evidence import MICRO, Cell
from feed.domain.listing import NEVER, ActiveHold, Code, EmitterState, Hold, State
from feed.domain.policy import COMMUNITY, PRIVATE
from feed.domain.scoring import remove
from tests.feed.domain.one_emitter import D0, DAY, NOON, SOLE, cell, log_miss, run, trap, trust_of


def test_private_one_reporter_two_days_of_log_miss_scores_5_38_and_lists() -> None:
    cells = [log_miss(1, 0), log_miss(1, 1)]
    result = run(cells, NOON + DAY, trust=SOLE).state
    assert result.state is State.LISTED
    assert result.score == 3 * MICRO + 3 * MICRO * 2 ** (-1 / 3) // 1
    assert (result.code, result.reason) == (Code.REPORTED, "reported")


def test_private_the_tour_of_three_originals_over_two_days_with_a_tag_is_confirmed() -> None:
    tagged: dict[str, Any] = {
        "trap_n": 2,
        "trap_first_at": NOON,
        "trap_last_at": NOON,
        "n_u": (0, 0, 0, 0, 2, 0),
    }
    cells = [log_miss(1, 0, n=2, points=8 * MICRO, log_miss_n=0, **tagged), log_miss(1, 1)]
    result = run(cells, NOON + DAY, trust=SOLE)
    assert (result.state.state, result.state.code, result.state.reason) == (
        State.LISTED,
        Code.CONFIRMED,
        "trap",
    )
    assert [(t.from_state, t.to_state, t.cause) for t in result.transitions] == [
        (State.CLEAR, State.LISTED, "trap")
    ]


def test_community_two_reporters_of_weight_0_7_with_three_each_score_11_2() -> None:
    cells = [log_miss(1, 0, n=3), log_miss(2, 0, n=3)]
    result = run(cells, NOON, COMMUNITY, trust_of(14, 14)).state
    assert result.score == 11_200_000
    assert result.state is State.WATCH  # no anchor and fewer than four groups: neither code is earned


def test_community_one_reporter_with_a_million_originals_scores_8() -> None:
    result = run([log_miss(1, 0, n=1_000_000)], NOON, COMMUNITY, SOLE).state
    assert (result.score, result.state) == (8 * MICRO, State.WATCH)


def test_community_two_half_trusted_sources_score_4_8() -> None:
    cells = [log_miss(1, 0, n=9), log_miss(2, 0, n=9)]
    result = run(cells, NOON, COMMUNITY, trust_of(6, 6)).state
    assert (result.score, result.state) == (4_800_000, State.WATCH)


def test_community_two_traps_one_hit_each_wait_for_a_third() -> None:
    trust = trust_of(20, 20, anchors=(1, 2))
    two = [trap(1, 0), trap(2, 1)]
    result = run(two, NOON + DAY, COMMUNITY, trust).state
    assert (result.score, result.state) == (8_968_502, State.WATCH)
    third = run([*two, trap(1, 2)], NOON + 2 * DAY, COMMUNITY, trust)
    assert third.state.state is State.PENDING
    due = third.state.next_due_at
    listed = run([*two, trap(1, 2)], due, COMMUNITY, trust, state=third.state).state
    assert (listed.state, listed.code, listed.reason) == (State.LISTED, Code.CONFIRMED, "anchor")


STRONG_FOUR = [log_miss(source, 0, n=3) for source in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("seed", "delay"),
    [
        pytest.param(0, 10, id="least delay"),
        pytest.param(20, 30, id="most delay"),
        pytest.param(21 * 7 + 5, 15, id="by seed"),
    ],
)
def test_community_publication_waits_ten_minutes_and_up_to_twenty_more(seed: int, delay: int) -> None:
    pending = run(STRONG_FOUR, NOON, COMMUNITY, jitter_seed=seed).state
    assert (pending.state, pending.code, pending.next_due_at) == (State.PENDING, Code.NONE, NOON + delay)
    before = run(STRONG_FOUR, NOON + delay - 1, COMMUNITY, state=pending, jitter_seed=seed).state
    assert before.state is State.PENDING
    after = run(STRONG_FOUR, NOON + delay, COMMUNITY, state=pending, jitter_seed=seed).state
    assert (after.state, after.code, after.listed_at) == (State.LISTED, Code.REPORTED, NOON + delay)


def test_pending_goes_back_to_watch_when_the_evidence_is_retracted() -> None:
    pending = run(STRONG_FOUR, NOON, COMMUNITY).state
    left = run(STRONG_FOUR[:1], NOON + 5, COMMUNITY, state=dataclasses.replace(pending, next_due_at=0))
    assert left.state.state is State.WATCH


def listed_private(tick: int = NOON + DAY) -> tuple[list[Cell], EmitterState]:
    cells = [log_miss(1, 0, n=2), log_miss(1, 1, n=2)]
    state = run(cells, tick, trust=SOLE).state
    assert state.state is State.LISTED
    return cells, state


def test_a_listing_expires_by_score_after_the_minimum_time() -> None:
    cells, state = listed_private()
    assert state.min_until == NOON + DAY + 720
    result = run(cells, state.next_due_at, trust=SOLE, state=state)
    assert [t.to_state for t in result.transitions] == [State.EXPIRED, State.WATCH]
    assert result.transitions[0].cause == "score"
    assert result.transitions[0].score < PRIVATE.delist_at
    before = run(cells, state.next_due_at - 1, trust=SOLE, state=state)
    assert before.state.state is State.LISTED
    assert before.state.score >= PRIVATE.delist_at


@pytest.mark.parametrize(
    ("strikes", "days", "hours"),
    [
        pytest.param(0, 0, 12, id="first"),
        pytest.param(1, 3, 24, id="second: one half-life more"),
        pytest.param(2, 6, 48, id="third"),
        pytest.param(3, 9, 96, id="fourth"),
        pytest.param(7, 9, 96, id="more strikes add nothing"),
    ],
)
def test_each_strike_adds_one_half_life_and_doubles_the_minimum(strikes: int, days: int, hours: int) -> None:
    cells = [log_miss(1, 0, n=2), log_miss(1, 1, n=2)]
    tick = NOON + DAY
    first = run(cells, tick, trust=SOLE).state.next_due_at
    prior = EmitterState(strikes=strikes, strike_at=tick - 89 * DAY)
    state = run(cells, tick, trust=SOLE, state=prior).state
    assert state.strikes == strikes + 1
    assert state.min_until == tick + hours * 60
    assert abs(state.next_due_at - (first + days * DAY)) <= 1


def test_a_strike_older_than_the_window_is_forgotten() -> None:
    cells = [log_miss(1, 0, n=2), log_miss(1, 1, n=2)]
    prior = EmitterState(strikes=3, strike_at=NOON + DAY - 91 * DAY)
    assert run(cells, NOON + DAY, trust=SOLE, state=prior).state.strikes == 1


def test_the_minimum_time_holds_a_listing_whose_score_fell() -> None:
    policy = dataclasses.replace(PRIVATE, min_listed_minutes=6 * DAY, min_listed_most_minutes=6 * DAY)
    cells = [log_miss(1, 0, n=2), log_miss(1, 1, n=2)]
    state = run(cells, NOON + DAY, policy, SOLE).state
    assert state.next_due_at == state.min_until == NOON + 7 * DAY
    late = run(cells, state.min_until - 1, policy, SOLE, state=state).state
    assert late.state is State.LISTED
    assert late.score < policy.delist_at


def test_nothing_is_listed_28_days_after_the_last_strong_evidence() -> None:
    policy = dataclasses.replace(PRIVATE, delist_at=1, watch_at=1)
    cells = [log_miss(1, 0, n=2), log_miss(1, 1, n=2)]
    state = run(cells, NOON + DAY, policy, SOLE).state
    assert state.next_due_at == NOON + 29 * DAY
    ended = run(cells, state.next_due_at, policy, SOLE, state=state)
    assert ended.transitions[0].cause == "hard_cap"


def test_weak_evidence_does_not_keep_a_listing_alive_past_the_cap() -> None:
    policy = dataclasses.replace(PRIVATE, delist_at=MICRO // 10, watch_at=MICRO // 20)
    weak = [cell(1, day, n=4, n_u=(0, 4, 0, 0, 0, 0), weak_points=2 * MICRO) for day in range(2, 30)]
    cells = [log_miss(1, 0, n=2), log_miss(1, 1, n=2), *weak]
    state = run(
        cells,
        NOON + 20 * DAY,
        policy,
        SOLE,
        state=EmitterState(
            state=State.LISTED, code=Code.REPORTED, listed_at=NOON, reason="reported", strikes=1
        ),
    ).state
    assert state.state is State.LISTED
    assert state.next_due_at == NOON + 29 * DAY


@pytest.mark.parametrize("kind", [Hold.EXEMPT, Hold.PROVIDER, Hold.OPERATOR])
def test_a_hold_takes_a_listing_away_at_once(kind: Hold) -> None:
    cells, state = listed_private()
    result = run(cells, NOON + DAY + 1, trust=SOLE, state=state, holds=(ActiveHold(kind=kind),))
    assert (result.state.state, result.state.code, result.state.hold) == (State.HELD, Code.NONE, kind)
    assert result.transitions[0].cause == kind.word


def test_a_failed_exemption_source_holds_additions_only() -> None:
    failed = (ActiveHold(kind=Hold.SOURCE_FAILED, until=NOON + 2 * DAY),)
    cells, state = listed_private()
    kept = run(cells, NOON + DAY + 1, trust=SOLE, state=state, holds=failed).state
    assert kept.state is State.LISTED
    new = run(cells, NOON + DAY, trust=SOLE, holds=failed).state
    assert (new.state, new.hold, new.next_due_at) == (State.HELD, Hold.SOURCE_FAILED, NOON + 2 * DAY)
    after = run(cells, NOON + 2 * DAY, trust=SOLE, state=new, holds=failed).state
    assert (after.state, after.hold) == (State.LISTED, 0)


def test_a_failed_exemption_source_holds_an_upgrade_too() -> None:
    cells, state = listed_private()
    assert state.code is Code.REPORTED
    more = [*cells, trap(1, 2)]
    failed = (ActiveHold(kind=Hold.SOURCE_FAILED, until=NOON + 2 * DAY + 60),)
    dirty = dataclasses.replace(state, next_due_at=0)
    held = run(more, NOON + 2 * DAY, trust=SOLE, state=dirty, holds=failed).state
    assert (held.code, held.next_due_at) == (Code.REPORTED, NOON + 2 * DAY + 60)
    up = run(more, NOON + 2 * DAY + 60, trust=SOLE, state=held, holds=failed)
    assert up.state.code is Code.CONFIRMED
    assert (up.transitions[0].from_code, up.transitions[0].to_code) == (Code.REPORTED, Code.CONFIRMED)


def test_an_exemption_beats_every_other_hold() -> None:
    cells, state = listed_private()
    holds = tuple(ActiveHold(kind=kind) for kind in reversed(Hold))
    assert run(cells, NOON + DAY, trust=SOLE, state=state, holds=holds).state.hold == Hold.EXEMPT


def test_a_hold_without_evidence_leaves_the_address_clear() -> None:
    result = run([], NOON, holds=(ActiveHold(kind=Hold.OPERATOR),)).state
    assert (result.state, result.next_due_at) == (State.CLEAR, NEVER)


def test_an_accepted_removal_is_immediate_and_sets_old_evidence_aside() -> None:
    cells, state = listed_private()
    result = remove(state, NOON + DAY + 30, PRIVATE)
    assert (result.state.state, result.state.code, result.state.epoch) == (State.PROBATION, Code.NONE, 1)
    assert result.state.probation_until == NOON + DAY + 30 + 14 * DAY
    assert [(t.from_state, t.to_state, t.cause) for t in result.transitions] == [
        (State.LISTED, State.PROBATION, "removal")
    ]
    late = [*cells, log_miss(1, 1, n=50, epoch=0)]
    after = run(late, NOON + DAY + 31, trust=SOLE, state=result.state).state
    assert (after.state, after.score, after.next_due_at) == (State.PROBATION, 0, result.state.probation_until)
    end = run(late, after.next_due_at, trust=SOLE, state=after).state
    assert end.state is State.CLEAR


def test_fresh_originals_list_again_in_probation_at_five_points_without_delay() -> None:
    pending = run(STRONG_FOUR, NOON, COMMUNITY).state
    listed = run(STRONG_FOUR, NOON + 60, COMMUNITY, state=pending).state
    removed = remove(listed, NOON + 70, COMMUNITY).state
    fresh = [log_miss(source, 1, n=1, epoch=1, points=3 * MICRO) for source in (1, 2, 3, 4)]
    again = run([*STRONG_FOUR, *fresh], NOON + DAY, COMMUNITY, state=removed).state
    assert (again.state, again.score, again.strikes) == (State.LISTED, 12 * MICRO, 2)
    less = [log_miss(source, 1, n=1, epoch=1, points=3 * MICRO // 2) for source in (1, 2, 3, 4)]
    lower = run([*STRONG_FOUR, *less], NOON + DAY, COMMUNITY, state=removed).state
    assert (lower.state, lower.score) == (State.LISTED, 6 * MICRO)
    alone = run([*STRONG_FOUR, fresh[0]], NOON + DAY, COMMUNITY, state=removed).state
    assert alone.state is State.PROBATION


def test_a_removal_of_what_is_not_published_only_raises_the_epoch() -> None:
    watch = run([log_miss(1)], NOON, trust=SOLE).state
    result = remove(watch, NOON + 1, PRIVATE)
    assert (result.state.state, result.state.epoch, result.transitions) == (State.WATCH, 1, ())
    assert run([log_miss(1)], NOON + 1, trust=SOLE, state=result.state).state.state is State.CLEAR


def test_a_listing_whose_evidence_is_all_gone_is_void_at_once_despite_the_minimum() -> None:
    _, state = listed_private()
    dirty = dataclasses.replace(state, next_due_at=0)
    result = run([], NOON + DAY + 1, trust=SOLE, state=dirty)
    assert [t.to_state for t in result.transitions] == [State.VOID, State.CLEAR]
    assert result.state.strikes == 0


def test_a_genuine_bounce_seen_downgrades_and_its_end_upgrades_again() -> None:
    cells = [trap(1, 0), trap(1, 1, n=2)]
    state = run(cells, NOON + DAY, trust=SOLE).state
    assert state.code is Code.CONFIRMED
    seen = dataclasses.replace(cells[1], observed=True, null_n=100, genuine_n=3)
    mixed = run([cells[0], seen], NOON + DAY + 5, trust=SOLE, state=dataclasses.replace(state, next_due_at=0))
    assert (mixed.state.state, mixed.state.code, mixed.state.reason) == (State.LISTED, Code.REPORTED, "mixed")
    assert mixed.transitions[0].cause == "mixed"
    more = [cells[0], seen, *(trap(1, day, n=2) for day in (6, 12, 18, 24, 27))]
    fresh = dataclasses.replace(mixed.state, next_due_at=0)
    later = run(more, NOON + 27 * DAY, trust=SOLE, state=fresh).state
    assert (later.code, later.next_due_at) == (Code.REPORTED, (D0 + 29) * DAY)
    clean = run(more, later.next_due_at, trust=SOLE, state=later).state
    assert (clean.state, clean.code) == (State.LISTED, Code.CONFIRMED)


@pytest.mark.parametrize(
    ("cells", "is_ipv6", "expected"),
    [
        pytest.param([log_miss(1)], False, (32, b""), id="IPv4"),
        pytest.param([log_miss(1)], True, (128, b"a"), id="one IPv6 address"),
        pytest.param([log_miss(1), log_miss(1, 1, addr_max=b"b")], True, (64, b""), id="two addresses"),
        pytest.param(
            [log_miss(1), log_miss(9, 1, addr_min=b"b", addr_max=b"b")],
            True,
            (128, b"a"),
            id="unknown source",
        ),
    ],
)
def test_published_width(cells: list[Cell], is_ipv6: bool, expected: tuple[int, bytes]) -> None:
    state = run(cells, NOON + DAY, is_ipv6=is_ipv6).state
    assert (state.unit, state.address) == expected


def test_a_trap_confirms_for_its_window_and_not_a_minute_longer() -> None:
    policy = dataclasses.replace(PRIVATE, anchor_window_minutes=2 * DAY)
    cells = [log_miss(1, 0, n=2), trap(1, 1, n=2)]
    state = run(cells, NOON + DAY, policy, SOLE).state
    assert (state.code, state.next_due_at) == (Code.CONFIRMED, NOON + 3 * DAY + 1)
    assert run(cells, NOON + 3 * DAY, policy, SOLE, state=state).state.code is Code.CONFIRMED
    after = run(cells, NOON + 3 * DAY + 1, policy, SOLE, state=state)
    assert (after.state.state, after.state.code) == (State.LISTED, Code.REPORTED)
    assert [(t.at, t.from_code, t.to_code) for t in after.transitions] == [
        (NOON + 3 * DAY + 1, Code.CONFIRMED, Code.REPORTED)
    ]


def test_evidence_dated_after_the_tick_counts_as_made_now() -> None:
    cells = [log_miss(1, 0), log_miss(1, 1)]
    assert run(cells, NOON, trust=SOLE).state.score == 6 * MICRO
    assert run(cells, NOON + DAY // 2, trust=SOLE).state.score < 6 * MICRO


def test_unknown_recipients_keep_a_listing_but_not_its_confirmation() -> None:
    cells = [trap(1, 0), trap(1, 1)]
    state = run(cells, NOON + DAY, trust=SOLE).state
    assert state.code is Code.CONFIRMED
    nsu = cell(1, 7, n=20, n_u=(0, 0, 20, 0, 0, 0), nsu_n=20, nsu_points=40 * MICRO)
    dirty = dataclasses.replace(state, next_due_at=0)
    later = run([*cells, nsu], NOON + 7 * DAY, trust=SOLE, state=dirty)
    assert later.state.score == 8 * MICRO
    assert (later.state.state, later.state.code) == (State.LISTED, Code.REPORTED)
