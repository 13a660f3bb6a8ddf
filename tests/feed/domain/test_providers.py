"""Provider ranges: reading a file, refusing a bad one, looking an address up."""

import datetime as dt
import ipaddress
import pathlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import feed
from feed.domain.address import parse_address
from feed.domain.providers import ProviderFileError, Providers

HEAD = "# date: 2026-11-25\n"


def test_the_shipped_seed_holds_the_large_ones() -> None:
    text = (pathlib.Path(feed.__file__).parent / "data" / "providers.txt").read_text(encoding="utf-8")
    providers = Providers.parse(text)
    assert providers.date == dt.date(2026, 11, 25)
    assert providers.network_count > 100
    assert providers.find(parse_address("40.107.1.2")) == "Microsoft"
    assert providers.find(parse_address("::ffff:209.85.220.41")) == "Google"
    assert providers.find(parse_address("2a01:111:f403:c110::1")) == "Microsoft"
    assert providers.find(parse_address("8.8.8.8")) is None


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param("9.255.255.255", None, id="before the first"),
        pytest.param("10.0.0.0", "Wide", id="first address"),
        pytest.param("10.1.2.3", "Narrow", id="the narrowest range wins"),
        pytest.param("10.1.3.0", "Wide", id="back in the wide one"),
        pytest.param("10.255.255.255", "Wide", id="last address"),
        pytest.param("11.0.0.0", None, id="after the last"),
        pytest.param("2001:db8::1", "Six", id="IPv6"),
        pytest.param("2001:db9::1", None, id="IPv6 outside"),
        pytest.param("ffff::", None, id="far end"),
    ],
)
def test_find(address: str, expected: str | None) -> None:
    text = HEAD + "10.1.2.0/24 Narrow\n\n10.0.0.0/8   Wide  # note\n2001:db8::/32 Six\n"
    assert Providers.parse(text).find(ipaddress.ip_address(address)) == expected


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        pytest.param("10.0.0.0/8 A\n", 1, "date", id="no date"),
        pytest.param("# date: 2026-13-01\n", 1, "not a date", id="bad date"),
        pytest.param(HEAD + "10.0.0.0/8\n", 2, "name", id="no name"),
        pytest.param(HEAD + "10.0.0.1/8 A\n", 2, "host bits", id="host bits"),
        pytest.param(HEAD + "hello A\n", 2, "neither", id="no network"),
        pytest.param(HEAD + "0.0.0.0/0 A\n", 2, "wider", id="everything"),
        pytest.param(HEAD + "2000::/3 A\n", 2, "wider", id="all of IPv6"),
        pytest.param(HEAD + "10.0.0.0/8 A\n10.0.0.0/8 B\n", 3, "another name", id="two names"),
        pytest.param(HEAD + "x" * 8_000_001, 1, "longer", id="too long"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(ProviderFileError, match=words) as caught:
        Providers.parse(text)
    assert caught.value.line == line


networks = st.tuples(st.integers(0, 2**32 - 1), st.integers(8, 32)).map(
    lambda pair: ipaddress.IPv4Network(pair, strict=False)
)


@settings(max_examples=80, deadline=None)
@given(st.lists(networks, max_size=12, unique=True), st.lists(st.integers(0, 2**32 - 1), max_size=8))
def test_find_is_the_longest_prefix(found: list[ipaddress.IPv4Network], numbers: list[int]) -> None:
    providers = Providers.parse(HEAD + "".join(f"{network} N{network}\n" for network in found))
    edges = [int(n[0]) for n in found] + [int(n[-1]) for n in found]
    for number in [*numbers, *edges, *(e + 1 for e in edges if e < 2**32 - 1), *(e - 1 for e in edges if e)]:
        address = ipaddress.IPv4Address(number)
        holding = [network for network in found if address in network]
        best = max(holding, key=lambda network: network.prefixlen, default=None)
        assert providers.find(address) == (f"N{best}" if best else None)
