"""Only what trusted proxies wrote decides where a request comes from."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feed.domain.address import parse_address
from feed.web.requester import client_address, network_name, proves

TRUSTED = tuple(ipaddress.ip_network(text) for text in ("127.0.0.0/8", "::1/128", "198.18.0.0/24"))


@pytest.mark.parametrize(
    ("peer", "header", "expected"),
    [
        pytest.param("203.0.113.9", None, "203.0.113.9", id="no proxy: the peer"),
        pytest.param("203.0.113.9", "192.0.2.7", "203.0.113.9", id="a stranger's header is not believed"),
        pytest.param("127.0.0.1", None, "127.0.0.1", id="trusted peer without a header is the client"),
        pytest.param("127.0.0.1", "", "127.0.0.1", id="an empty header is none"),
        pytest.param("127.0.0.1", "192.0.2.7", "192.0.2.7", id="one proxy"),
        pytest.param("::1", "2001:db8::7", "2001:db8::7", id="IPv6 through an IPv6 proxy"),
        pytest.param("::ffff:127.0.0.1", "192.0.2.7", "192.0.2.7", id="mapped peer of a dual-stack socket"),
        pytest.param("127.0.0.1", "192.0.2.7, 203.0.113.9", "203.0.113.9", id="claimed hop is passed over"),
        pytest.param("127.0.0.1", "192.0.2.7,198.18.0.5", "192.0.2.7", id="two trusted proxies"),
        pytest.param("127.0.0.1", "192.0.2.7:4711", "192.0.2.7", id="IPv4 with port"),
        pytest.param("127.0.0.1", "[2001:db8::7]:4711", "2001:db8::7", id="IPv6 with port"),
        pytest.param("127.0.0.1", "[2001:db8::7]", "2001:db8::7", id="IPv6 in brackets"),
        pytest.param("127.0.0.1", '"[2001:db8::7]"', "2001:db8::7", id="quoted"),
        pytest.param("127.0.0.1", "::ffff:192.0.2.7", "192.0.2.7", id="mapped client"),
        pytest.param("127.0.0.1", "192.0.2.7, unknown", None, id="the proxy did not know"),
        pytest.param("127.0.0.1", "unknown, 203.0.113.9", "203.0.113.9", id="garbage further left is idle"),
        pytest.param("127.0.0.1", "192.0.2.7, ", None, id="empty hop written by the proxy"),
        pytest.param("127.0.0.1", "192.0.2.7:http", None, id="port that is no number"),
        pytest.param("127.0.0.1", "[2001:db8::7", None, id="bracket left open"),
        pytest.param("127.0.0.1", "198.18.0.5, 127.0.0.1", "198.18.0.5", id="all trusted: the leftmost"),
        pytest.param("testclient", "192.0.2.7", None, id="peer that is no address"),
        pytest.param(None, "192.0.2.7", None, id="no peer, as on a local socket"),
        pytest.param("127.0.0.1", "192.0.2.7, " * 5000 + "203.0.113.9", "203.0.113.9", id="endless chain"),
    ],
)
def test_client_address(peer: str | None, header: str | None, expected: str | None) -> None:
    found = client_address(peer, header, TRUSTED)
    assert found == (None if expected is None else parse_address(expected))


@given(st.text(max_size=200), st.ip_addresses(v=4))
def test_what_a_client_writes_itself_never_decides(claimed: str, real: ipaddress.IPv4Address) -> None:
    trusted = (ipaddress.ip_network("127.0.0.1/32"),)
    if real in trusted[0]:
        return
    assert client_address("127.0.0.1", f"{claimed},{real}", trusted) == real
    assert client_address(str(real), claimed, trusted) == real


@pytest.mark.parametrize(
    ("client", "listed", "expected"),
    [
        pytest.param("192.0.2.7", "192.0.2.7", True, id="the address itself"),
        pytest.param("192.0.2.8", "192.0.2.7", False, id="the IPv4 neighbour"),
        pytest.param("2001:db8:0:1::9", "2001:db8:0:1::7", True, id="the same /64"),
        pytest.param("2001:db8:0:2::7", "2001:db8:0:1::7", False, id="another /64"),
        pytest.param("192.0.2.7", "2001:db8::7", False, id="another family"),
        pytest.param(None, "192.0.2.7", False, id="unknown client"),
    ],
)
def test_proves(client: str | None, listed: str, expected: bool) -> None:
    found = proves(None if client is None else parse_address(client), parse_address(listed))
    assert found is expected


@pytest.mark.parametrize(
    ("client", "expected"),
    [("192.0.2.7", "192.0.2.0/24"), ("2001:db8:0:1::7", "2001:db8:0:1::/64"), (None, "unknown")],
)
def test_network_name(client: str | None, expected: str) -> None:
    assert network_name(None if client is None else parse_address(client)) == expected
