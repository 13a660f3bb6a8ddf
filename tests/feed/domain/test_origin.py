"""Whose an address is: as the longest prefix says, and bad files refused in words."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feed.domain.address import packed, parse_address
from feed.domain.origin import Origin, OriginFileError, Origins

FILE = """# made from a routing table
192.0.0.0/16\tAS64496\tExample Net
192.0.2.0/24\t64497\tInner   Example # rented out
192.0.2.0/24\t64499\tthe second line of a prefix does not count

2001:db8::/32\tas64498
0.0.0.0/0\t0\tdefault
"""


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("192.0.1.1", "AS64496 Example Net"),
        ("192.0.2.0", "AS64497 Inner Example"),
        ("192.0.2.255", "AS64497 Inner Example"),
        ("192.0.3.0", "AS64496 Example Net"),
        ("192.1.0.0", "AS0 default"),
        ("255.255.255.255", "AS0 default"),
        ("2001:db8:ffff::1", "AS64498"),
        ("2001:db9::", "None"),
        ("::1", "None"),
    ],
)
def test_the_longest_prefix_decides(address: str, said: str) -> None:
    origins = Origins.parse(FILE.splitlines())
    assert str(origins.find(packed(parse_address(address)))) == said
    assert origins.prefixes == 4


@pytest.mark.parametrize(
    "line",
    ["192.0.2.0/24", "192.0.2.0/24\t", "192.0.2.0/24 64496", "192.0.2.1/24\t1", "192.0.2.0/33\t1", "x\t1",
     "192.0.2.0/24\t-1", "192.0.2.0/24\t4294967296", "192.0.2.0/24\t\u0661", "192.0.02.0/24\t1"],
)  # fmt: skip
def test_line_that_is_none_is_refused_with_its_number(line: str) -> None:
    with pytest.raises(OriginFileError, match=r"^line 2: "):
        Origins.parse(["192.0.2.0/24\t64496\tExample", line])


def test_name_cannot_drive_a_terminal() -> None:
    origins = Origins.parse(["192.0.2.0/24\t1\tRed\x1b[31m\x07 Net" + "x" * 200])
    assert str(origins.find(packed(parse_address("192.0.2.1")))).startswith("AS1 Red[31m Netxxx")
    assert len(str(origins.owners[0])) < 90


def test_empty_file_knows_nobody() -> None:
    assert Origins.parse([]).find(bytes(16)) is None


_prefixes = st.one_of(
    st.tuples(st.integers(0, 255), st.integers(24, 32)).map(
        lambda pair: ipaddress.ip_network((f"192.0.2.{pair[0]}", pair[1]), strict=False)
    ),
    st.tuples(st.sampled_from(["0.0.0.0", "192.0.2.0", "255.255.255.255", "::", "::ffff:0:0", "2001:db8::"]),
              st.integers(0, 128)).map(
        lambda pair: ipaddress.ip_network(
            (pair[0], min(pair[1], 32 if "." in pair[0] else 128)), strict=False
        )
    ),
)  # fmt: skip
_asked = st.one_of(
    st.integers(0, 255).map(lambda last: ipaddress.ip_address(f"192.0.2.{last}")),
    st.sampled_from(["0.0.0.0", "255.255.255.255", "191.255.255.255", "2001:db8::1", "ffff::"]).map(
        ipaddress.ip_address
    ),
)


def _plain(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bytes:
    return bytes(10) + b"\xff\xff" + address.packed if address.version == 4 else address.packed


@given(st.lists(_prefixes, max_size=20), st.lists(_asked, min_size=1, max_size=20))
def test_bisection_equals_the_naive_search(
    prefixes: list[ipaddress.IPv4Network | ipaddress.IPv6Network],
    asked: list[ipaddress.IPv4Address | ipaddress.IPv6Address],
) -> None:
    origins = Origins.parse(f"{prefix}\t{number}" for number, prefix in enumerate(prefixes))
    spans: dict[tuple[bytes, bytes], int] = {}
    for number, prefix in enumerate(prefixes):
        first, last = _plain(prefix.network_address), _plain(prefix.broadcast_address)
        spans.setdefault((first, last), number)
    for address in asked:
        at = _plain(address)
        holding = [
            (int.from_bytes(last, "big") - int.from_bytes(first, "big"), number)
            for (first, last), number in spans.items()
            if first <= at <= last
        ]
        wanted = Origin(min(holding)[1]) if holding else None
        assert origins.find(at) == wanted
