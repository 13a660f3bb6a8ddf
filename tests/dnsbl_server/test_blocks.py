"""The table of listed blocks: it may send a search in vain, but never hides a listing."""

import ipaddress
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsbl_server.blocks import EVERYWHERE, Blocks, packed
from feed.snapshot.format import Meta, Value
from feed.snapshot.reader import Snapshot
from feed.snapshot.writer import build, build_packed
from tests.dnsbl_server.conftest import NOW, snapshot_bytes

META = Meta(
    zone="bl.example.org", serial=NOW, created_at=NOW, refresh_by=NOW, expire_at=NOW + 9,
    mname="ns1.example.net", rname="h.example.net", ns=("ns1.example.net",), lookup_url="",
    allow_special=True,
)  # fmt: skip
VALUE = Value(code=2, unit=32, text="Listed: $")


def used(blocks: Blocks, address: int) -> bool:
    number = address >> blocks.shift
    return bool(blocks.bits[number >> 3] >> (number & 7) & 1)


def read(data: bytes) -> Blocks:
    return Blocks.read(memoryview(data))


NETWORKS = st.builds(
    lambda address, width: ipaddress.ip_network((address >> (32 - width) << (32 - width), width)),
    st.integers(1 << 24, 126 << 24),
    st.integers(8, 32),
)


@settings(max_examples=25, deadline=None)
@given(st.sets(NETWORKS, max_size=6))
def test_whatever_is_listed_is_in_a_block_that_is_used(networks: set[ipaddress.IPv4Network]) -> None:
    snapshot = Snapshot.open(build([(network, VALUE) for network in networks], META))
    blocks = read(packed(snapshot))
    for run in snapshot.ranges():
        if run.version == 4:
            step = max(1, (run.last - run.first) // 7)
            assert all(used(blocks, at) for at in (*range(run.first, run.last, step), run.last))
    rnd = random.Random(1)
    for _ in range(50):
        address = rnd.getrandbits(32)
        if not used(blocks, address):
            assert snapshot.index_v4(address) == 0


@pytest.mark.parametrize(
    ("entries", "size"),
    [
        pytest.param(100, 128 << 10, id="few: blocks of /20"),
        pytest.param(400_000, 512 << 10, id="more: /22"),
    ],
)
def test_blocks_are_finer_for_larger_lists_and_seldom_used(entries: int, size: int) -> None:
    rnd = random.Random(2)
    numbers = sorted(rnd.sample(range(1 << 24, 127 << 24), entries))
    snapshot = Snapshot.attach(build_packed([(n.to_bytes(4), 32, VALUE) for n in numbers], META))
    data = packed(snapshot)
    assert len(data) == size
    assert int.from_bytes(data).bit_count() <= len(data) * 8 // 4
    assert all(used(read(data), number) for number in numbers[::97])


def test_wide_listings_leave_the_finest_blocks() -> None:
    data = packed(Snapshot.open(snapshot_bytes(["64.0.0.0/3", "128.0.0.0/2"])))
    assert len(data) == 2 << 20


def test_a_list_of_half_the_world_is_asked_everywhere() -> None:
    wide = ["1.0.0.0/8", "2.0.0.0/7", "4.0.0.0/6", "8.0.0.0/5", "16.0.0.0/4", "32.0.0.0/3", "64.0.0.0/3"]
    data = packed(Snapshot.open(snapshot_bytes([*wide, "128.0.0.0/2", "192.0.0.0/3"])))
    assert read(data) == EVERYWHERE
    assert all(used(EVERYWHERE, address) for address in (0, 1 << 31, 2**32 - 1))
