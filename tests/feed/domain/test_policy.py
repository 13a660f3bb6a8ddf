"""Policies: the two built in, and overrides refused in words."""

import dataclasses
import tomllib

import pytest

from feed.domain.evidence import MICRO, Standing
from feed.domain.policy import (
    COMMUNITY,
    PRIVATE,
    Policy,
    PolicyError,
    policy_named,
    trusted_groups,
    with_overrides,
)

DAY = 1440


@pytest.mark.parametrize(
    ("name", "community", "private"),
    [
        pytest.param("list_at", 10 * MICRO, 5 * MICRO, id="list"),
        pytest.param("delist_at", 4 * MICRO, 5 * MICRO // 2, id="delist"),
        pytest.param("quorum_groups", 2, 1, id="quorum"),
        pytest.param("originals", 2, 2, id="originals"),
        pytest.param("days", 1, 2, id="days"),
        pytest.param("reported_groups", 4, 0, id="groups for .3"),
        pytest.param("publish_delay_minutes", 10, 0, id="publication delay"),
        pytest.param("publish_jitter_minutes", 20, 0, id="jitter"),
        pytest.param("probation_list_at", 5 * MICRO, 5 * MICRO, id="after removal"),
        pytest.param("genuine_groups", 1, 1, id="genuine guard"),
        pytest.param("confirm_share_percent", 67, 67, id="share of the trusted groups for .2"),
        pytest.param("keep_support_at", 3 * MICRO // 2, 0, id="what each group must add while listed"),
        pytest.param("genuine_days", 28, 28, id="memory of genuine mail"),
        pytest.param("half_life_minutes", 4320, 4320, id="half-life"),
        pytest.param("hard_cap_minutes", 28 * DAY, 28 * DAY, id="cap"),
    ],
)
def test_numbers_of_the_design(name: str, community: int, private: int) -> None:
    assert (getattr(COMMUNITY, name), getattr(PRIVATE, name)) == (community, private)


def test_policies_by_name() -> None:
    assert policy_named("private") is PRIVATE
    assert policy_named("community") is COMMUNITY
    with pytest.raises(PolicyError, match="no policy 'strict'; there are community, private"):
        policy_named("strict")


def test_every_built_in_number_lies_within_its_own_bounds() -> None:
    for policy in (PRIVATE, COMMUNITY):
        for field in dataclasses.fields(Policy):
            if field.name != "name" and field.metadata["unit"] != "switch":
                assert field.metadata["low"] <= getattr(policy, field.name) <= field.metadata["high"], (
                    field.name
                )


def test_overrides_from_toml() -> None:
    table = tomllib.loads(
        'name = "strict"\nlist_at = 12.5\ndelist_at = 4.5\nconfirm_by_groups = false\nquorum_groups = 3\n'
    )
    policy = with_overrides(COMMUNITY, table)
    assert (policy.name, policy.list_at, policy.delist_at) == ("strict", 12_500_000, 4_500_000)
    assert (policy.confirm_by_groups, policy.quorum_groups) == (False, 3)
    assert policy.half_life_minutes == COMMUNITY.half_life_minutes


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        pytest.param({"list_to": 3}, "unknown policy setting 'list_to'", id="unknown key"),
        pytest.param({"list_at": "12"}, "list_at must be a number", id="text for points"),
        pytest.param({"list_at": True}, "list_at must be a number", id="switch for points"),
        pytest.param({"list_at": float("nan")}, "list_at must be a number", id="not a number"),
        pytest.param({"list_at": float("inf")}, "list_at must be a number", id="infinite"),
        pytest.param({"list_at": 41}, "between 1 and 40 points", id="points out of range"),
        pytest.param({"list_at": 9.1234567}, "six decimals", id="too fine"),
        pytest.param({"originals": 2.0}, "whole number", id="float for a count"),
        pytest.param({"originals": 0}, "between 1 and 1000", id="count out of range"),
        pytest.param({"half_life_minutes": 5}, "between 60 and", id="half-life too short"),
        pytest.param({"confirm_by_trap": 1}, "true or false", id="number for a switch"),
        pytest.param({"name": ""}, "text of 1 to 40", id="no name"),
        pytest.param({"delist_at": 10}, "delist_at must be below list_at", id="no hysteresis"),
        pytest.param({"delist_at": 6}, "below probation_list_at", id="probation would flap"),
        pytest.param({"keep_support_at": 2}, "must not exceed support_at", id="the quorum would flap"),
        pytest.param({"evidence_days": 35, "genuine_days": 29}, "must not exceed evidence_days", id="memory"),
        pytest.param({"renew_minutes": 60}, "0 or not below the shortest time", id="renewal before expiry"),
        pytest.param({"quorum_groups": 6}, "must not exceed top_groups", id="more groups than count"),
        pytest.param({"bucket_cap": 10}, "bucket_cap must be below list_at", id="one source could list"),
        pytest.param({"evidence_days": 20}, "outlive its evidence", id="cap beyond evidence"),
        pytest.param({"support_minutes": 28 * DAY}, "would list again", id="support beyond cap"),
        pytest.param({"weak_cap": 8, "bucket_cap": 7}, "weak_cap", id="weak beyond all"),
    ],
)
def test_overrides_are_refused_in_words(overrides: dict[str, object], words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        with_overrides(COMMUNITY, overrides)


def test_trusted_groups_count_each_group_once() -> None:
    trust = {
        1: Standing(source_id=1, group_id=1, weight=20),
        2: Standing(source_id=2, group_id=1, weight=12),
        3: Standing(source_id=3, group_id=2, weight=9),
        4: Standing(source_id=4, group_id=3, weight=20, suspended=True),
        5: Standing(source_id=5, group_id=4, weight=10),
    }
    assert trusted_groups(trust, COMMUNITY) == 2
    assert trusted_groups(trust, PRIVATE) == 3
