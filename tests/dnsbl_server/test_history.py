"""The log of what changed: what is cut short or damaged counts for nothing, and the rest for all."""

import dataclasses
import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnsbl_server import history
from feed.snapshot.format import Value
from feed.snapshot.reader import Range, Snapshot

NOW = 1_800_000_000


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["at $", "none", "$ and $", "é$é", "$"]),
    st.sampled_from([8, 24, 32, 64, 128]),
    st.integers(2, 255),
)
def test_single_addresses_are_spelled_as_ranges_are(number: int, text: str, unit: int, code: int) -> None:
    run = Range(4, number, number, Value(code=code, unit=unit, text=text))
    assert list(history.pieces(run)) == list(history.spelled(run))


def test_test_entries_are_spelled_in_both_families() -> None:
    run = Range(4, 0x7F000002, 0x7F000002, Value(code=2, unit=32, text="test $"))
    assert len(list(history.pieces(run))) == 2


@pytest.fixture
def lists(snapshot: Callable[..., bytes]) -> list[Snapshot]:
    """Five lists, each with one address more."""
    return [
        Snapshot.open(snapshot(tuple(f"45.0.0.{n}" for n in range(1, 2 * count, 2)), serial=NOW + count))
        for count in range(2, 7)
    ]


def log_of(lists: list[Snapshot]) -> bytes:
    steps = [history.step(old, new, NOW) for old, new in itertools.pairwise(lists)]
    return b"".join(each.packed() for each in steps if each)


def test_a_chain_leads_from_each_serial_to_the_present(lists: list[Snapshot]) -> None:
    log = log_of(lists)
    for at, old in enumerate(lists[:-1]):
        heads = history.chain(log, lists[-1].meta, old.serial)
        assert [head.old for head in heads] == [each.serial for each in lists[at:-1]]
        assert all(len(history.entry_of(log, head).came) == 1 for head in heads)
        assert (
            history.chain(log, dataclasses.replace(lists[-1].meta, mname="other.example"), old.serial) == []
        )
    assert history.chain(log, lists[-1].meta, NOW) == []
    assert history.chain(log, lists[2].meta, lists[0].serial)[-1].new == lists[2].serial


def test_a_damaged_or_cut_log_ends_before_the_damage(lists: list[Snapshot]) -> None:
    log = log_of(lists)
    first = next(iter(history.heads(log, verify=True)))
    for cut in (0, 5, first.end - 1, first.end, first.end + 3, len(log) - 1):
        whole = list(history.heads(log[:cut], verify=True))
        assert len(whole) == (0 if cut < first.end else 1 if cut < len(log) - 1 else 3)
    damaged = bytearray(log)
    damaged[first.end + 60] ^= 1
    assert len(list(history.heads(bytes(damaged), verify=True))) == 1


def test_the_log_survives_a_restart_and_a_torn_write(lists: list[Snapshot], tmp_path: Path) -> None:
    log = history.Log(tmp_path)
    assert log.open("bl.example.org") is None
    for old, new in itertools.pairwise(lists[:4]):
        log.add(history.step(old, new, NOW), memoryview(new.data()))
    os.close(log.descriptor)
    with (tmp_path / "bl.example.org.log").open("ab") as file:
        file.write(b"BSFD\0\0\0")
    again = history.Log(tmp_path)
    served = again.open("bl.example.org")
    assert served is not None
    assert served.serial == lists[3].serial
    again.add(history.step(served, lists[4], NOW), memoryview(lists[4].data()))
    data = os.pread(again.descriptor, 1 << 20, 0)
    assert len(history.chain(data, lists[4].meta, lists[0].serial)) == 4
    assert (tmp_path / "bl.example.org.log").read_bytes() == data
    again.add(None, memoryview(lists[0].data()))
    assert os.fstat(again.descriptor).st_size == 0
    os.close(again.descriptor)


def test_a_way_that_is_none_is_not_told(lists: list[Snapshot], snapshot: Callable[..., bytes]) -> None:
    assert history.step(lists[1], lists[0], NOW) is None
    other = Snapshot.open(snapshot(zone="other.example.org", serial=NOW + 50))
    assert history.step(lists[0], other, NOW) is None


def test_old_entries_leave_the_log(lists: list[Snapshot], tmp_path: Path) -> None:
    log = history.Log(tmp_path)
    log.open("bl.example.org")
    log.add(history.step(lists[0], lists[1], NOW), memoryview(lists[1].data()))
    later = NOW + history.KEEP_S + 7200
    log.add(history.step(lists[1], lists[2], later), memoryview(lists[2].data()))
    data = os.pread(log.descriptor, 1 << 20, 0)
    assert [head.old for head in history.heads(data, verify=True)] == [lists[1].serial]
    assert (tmp_path / "bl.example.org.log").read_bytes() == data
    os.close(log.descriptor)
