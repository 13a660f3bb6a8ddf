"""Many networks at once: every answer is that of asking one network after the other."""

import ipaddress
import itertools
from typing import Any, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from feed.domain.address import MAPPED_PREFIX, Address, Network, network_of, packed, parse_network, unpacked
from feed.domain.intervals import NetworkIndex

Numbered = list[tuple[Network, int]]

BASES: Final = (
    ipaddress.IPv4Address("203.0.112.0"),
    ipaddress.IPv4Address("0.0.0.0"),
    ipaddress.IPv4Address(2**32 - 256),
    ipaddress.IPv6Address("2a00:1450::"),
    ipaddress.IPv6Address("2a00:1450:0:1::"),
    ipaddress.IPv6Address("::"),
    ipaddress.IPv6Address(2**128 - 256),
)

# Few bases and small offsets, so that networks nest, touch and come twice, and addresses meet them.
addresses: st.SearchStrategy[Address] = st.builds(
    lambda base, offset: type(base)(int(base) + offset), st.sampled_from(BASES), st.integers(0, 255)
)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    address = draw(addresses)
    least = (0, 8, 20, 24) if address.version == 4 else (0, 16, 32, 48, 62, 63, 64, 65, 80, 96, 120)
    longest = address.max_prefixlen
    return network_of(address, draw(st.one_of(st.sampled_from(least), st.integers(longest - 8, longest))))


def entry(address: Address, unit: int) -> bytes:
    """Return what is published: 16 bytes and one of width."""
    return packed(network_of(address, unit).network_address) + bytes((unit,))


def linear(numbered: Numbered, asked: Network) -> list[int]:
    return [value for net, value in numbered if net.version == asked.version and net.overlaps(asked)]


def nested(*texts: str) -> list[Network]:
    return [parse_network(text) for text in texts]


@example(nested("0.0.0.0/0", "203.0.112.0/24", "203.0.112.0/24", "203.0.112.7"), [BASES[0], BASES[3]])
@example(nested("::/0", "2a00:1450::/62", "2a00:1450::5"), [BASES[0], BASES[3], BASES[4]])
@settings(max_examples=80, deadline=None)
@given(st.lists(networks(), max_size=14), st.lists(addresses, max_size=10))
def test_index_answers_as_asking_one_after_the_other(found: list[Network], asked: list[Address]) -> None:
    numbered: Numbered = list(zip(found, itertools.count(), strict=False))
    index = NetworkIndex.build(numbered)
    edges = [end for network in found for end in (network.network_address, network.broadcast_address)]
    wanted = {
        network_of(address, unit)
        for address in (*asked, *edges)
        for unit in ((32,) if address.version == 4 else (64, 128))
    }
    for network in (*wanted, *found):
        assert index.overlapping(network) == linear(numbered, network)


@example(nested("::/0"), [BASES[0]])
@example(nested("2a00:1450::5", "2a00:1450::6"), [BASES[3]])
@settings(max_examples=80, deadline=None)
@given(st.lists(networks(), max_size=14), st.lists(addresses, max_size=10))
def test_entries_inside_are_those_of_asking_each_of_them(found: list[Network], asked: list[Address]) -> None:
    numbered: Numbered = list(zip(found, itertools.count(), strict=False))
    keys = {
        entry(address, unit)
        for address in asked
        for unit in ((32,) if address.version == 4 else (64, 128))
        if packed(address).startswith(MAPPED_PREFIX) == (address.version == 4)
    }
    inside = {key for key in keys if linear(numbered, network_of(unpacked(key[:16]), key[16]))}
    assert NetworkIndex.build(numbered).entries(sorted(keys)) == inside


class Counted(list[bytes]):
    """Keys that count how many of them were looked at."""

    looked = 0

    def __getitem__(self, at: Any) -> Any:
        found = super().__getitem__(at)
        self.looked += len(found) if isinstance(found, list) else 1
        return found


@pytest.mark.parametrize("rows", [10, 1000])
def test_entries_are_not_looked_at_once_for_each_network(rows: int) -> None:
    index = NetworkIndex.build(
        (parse_network(f"10.{number // 250}.{number % 250}.0/24"), number) for number in range(rows)
    )
    keys = Counted(sorted(MAPPED_PREFIX + (0x20000000 + at).to_bytes(4, "big") + b" " for at in range(5000)))
    assert index.entries(keys) == set()
    # Two bisections of 5,000 keys for a network, where one look at every key would be 5,000.
    assert keys.looked <= 2 * 13 * rows


def test_one_question_follows_one_chain_whatever_the_number_of_networks() -> None:
    index = NetworkIndex.build(
        (parse_network(f"10.{number // 250}.{number % 250}.0/24"), number) for number in range(5000)
    )
    (table,) = index.tables.values()
    found = list(table.overlapping(int(BASES[0]), int(BASES[0])))
    held = list(table.overlapping(10 << 24, 10 << 24))
    assert (found, held) == ([], [0])
    assert all(chain is None or chain.outer is None for chain in table.chains)
