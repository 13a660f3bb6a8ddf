"""Independence groups from what reporters said of themselves."""

import random

import pytest

from feed.store.grouping import Member, groups


def member(source_id: int, **change: object) -> Member:
    values: dict[str, object] = {
        "source_id": source_id, "declared": source_id, "organisation": f"Org {source_id}",
        "contact": f"postmaster@org{source_id}.example",
    } | change  # fmt: skip
    return Member(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ({}, {}, False),
        ({"organisation": "Beispiel GmbH"}, {"organisation": "beispiel  gmbh "}, True),
        ({"contact": "a@x.example"}, {"contact": "b@X.example"}, True),
        ({"contact": "a@gmail.com"}, {"contact": "b@gmail.com"}, False),
        ({"networks": ("192.0.2.1/32",)}, {"networks": ("192.0.2.200/32",)}, True),
        ({"networks": ("192.0.2.1/32",)}, {"networks": ("192.0.3.1/32",)}, False),
        ({"networks": ("192.0.2.0/23",)}, {"networks": ("192.0.3.1/32",)}, True),
        ({"networks": ("2001:db8:1::/64",)}, {"networks": ("2001:db8:1:9::/64",)}, True),
        ({"networks": ("2001:db8:1::/64",)}, {"networks": ("2001:db8:2::/64",)}, False),
        ({"declared": 7}, {"declared": 7}, True),
    ],
)
def test_two_reporters(one: dict[str, object], two: dict[str, object], same: bool) -> None:
    found = groups([member(1, **one), member(2, **two)])
    assert found == {1: 1, 2: 1 if same else 2}


def test_groups_grow_by_chains_and_do_not_depend_on_order() -> None:
    members = [
        member(1, contact="a@x.example"),
        member(2, contact="b@x.example", networks=("192.0.2.0/24",)),
        member(3, networks=("192.0.2.9/32",), declared=9),
        member(4, declared=9),
        member(5),
    ]
    wanted = {1: 1, 2: 1, 3: 1, 4: 1, 5: 5}
    for seed in range(20):
        random.Random(seed).shuffle(members)
        assert groups(members) == wanted
