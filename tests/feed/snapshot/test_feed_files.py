"""Names of feed files, and steps put together."""

import ipaddress
import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feed.snapshot import exports, feed_files
from feed.snapshot.format import Meta, Value
from feed.snapshot.reader import Snapshot
from feed.snapshot.writer import build

NOW = 1_800_000_000


LISTS = st.lists(
    st.dictionaries(st.integers(1, 12).map(lambda number: f"192.0.2.{number}"), st.sampled_from([2, 3])),
    min_size=1,
    max_size=5,
)


def snapshot_of(listed: dict[str, int], serial: int) -> Snapshot:
    meta = Meta(
        zone="bl.example.org", serial=serial, created_at=serial, refresh_by=serial + 300,
        expire_at=serial + 172_800, mname="ns.example.net", rname="h.example.net", ns=("ns.example.net",),
        lookup_url="https://feed.example.org/lookup/$", allow_special=True,
    )  # fmt: skip
    entries = (
        (ipaddress.ip_network(text), Value(code=code, unit=32, text="$")) for text, code in listed.items()
    )
    return Snapshot.open(build(entries, meta))


@pytest.mark.parametrize(
    ("steps", "since", "serial", "way"),
    [
        pytest.param([(1, 2), (2, 3)], 1, 3, [(1, 2), (2, 3)], id="all steps"),
        pytest.param([(1, 2), (2, 3)], 2, 3, [(2, 3)], id="the last step"),
        pytest.param([(1, 2), (2, 3)], 3, 3, [], id="nothing changed"),
        pytest.param([], 3, 3, [], id="the first list of all"),
        pytest.param([(2, 3)], 1, 3, None, id="older than what is kept"),
        pytest.param([(1, 2)], 1, 3, None, id="a step is missing at the end"),
        pytest.param([(1, 2)], 9, 2, None, id="a serial that is yet to come"),
        pytest.param([(1, 2), (1, 3)], 1, 3, [(1, 3)], id="done again after a kill"),
        pytest.param([(1, 2), (2, 3)], 1, 2, [(1, 2), (2, 3)], id="killed before the manifest"),
    ],
)
def test_chain(
    steps: list[tuple[int, int]], since: int, serial: int, way: list[tuple[int, int]] | None
) -> None:
    names = [feed_files.step_name(*step) for step in steps]
    expected = None if way is None else [feed_files.step_name(*step) for step in way]
    assert feed_files.chain([*names, "lost+found", ".1-2.jsonl.gz.new"], since, serial=serial) == expected


@pytest.mark.parametrize(
    "name", ["", "1-2", "2-1.jsonl.gz", "1-1.jsonl.gz", "-2.jsonl.gz", "\u0661-\u0662.jsonl.gz"]
)
def test_what_is_no_step(name: str) -> None:
    assert feed_files.step_serials(name) is None


@settings(max_examples=60, deadline=None)
@given(LISTS)
def test_steps_put_together_lead_from_any_list_to_the_last(lists: list[dict[str, int]]) -> None:
    """Also where a network left, came back and changed its code in between."""
    snapshots = [snapshot_of(one, NOW + number) for number, one in enumerate(lists)]
    steps = [list(exports.delta(old, new)) for old, new in itertools.pairwise(snapshots)]
    present = json.loads(list(exports.jsonl(snapshots[-1]))[-1])
    for start, snapshot in enumerate(snapshots):
        have = {row["network"]: row["code"] for row in map(json.loads, list(exports.jsonl(snapshot))[:-1])}
        *rows, last = map(json.loads, feed_files.merged(steps[start:], NOW + start, present))
        for row in rows:
            if row["change"] == "left":
                del have[row["network"]]
            else:
                have[row["network"]] = row["code"]
        expected = list(exports.jsonl(snapshots[-1]))[:-1]
        assert have == {row["network"]: row["code"] for row in map(json.loads, expected)}
        assert last == present | {"from_serial": NOW + start, "records": len(rows)}
