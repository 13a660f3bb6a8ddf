"""Who is asking: the address a request came from, and what that proves.

Proof (a) of DESIGN section 8 is the client address itself, so a header that anybody can write must never
decide it. X-Forwarded-For is believed only as far as trusted proxies wrote it: read from the right, the
first address that is no trusted proxy is the client, and whatever stands left of it is its own claim.
"""

import ipaddress
from collections.abc import Sequence
from typing import Final

from feed.domain.address import Address, AddressError, Network, canonical, network_of, parse_address

LONGEST_CHAIN: Final = 2048
"""Characters of X-Forwarded-For that are looked at, from the right; a longer one is cut, not refused."""


def client_address(peer: str | None, header: str | None, trusted: Sequence[Network]) -> Address | None:
    """Return the address of the client, None if it cannot be known.

    peer: text of the address at the other end of the connection. header: X-Forwarded-For, several
    fields joined by commas. trusted: networks of our own proxies. Every hop may carry a port
    (`192.0.2.1:4711`, `[2001:db8::1]:4711`). A hop written by a trusted proxy that is not an address
    (`unknown`) makes the client unknown; if all hops are trusted, the leftmost is the client.
    """
    last = _hop(peer or "")
    if last is None or not header or not _within(last, trusted):
        return last
    for text in reversed(header[-LONGEST_CHAIN:].split(",")):
        last = _hop(text)
        if last is None or not _within(last, trusted):
            return last
    return last


def proves(client: Address | None, listed: Address) -> bool:
    """Return whether a request from `client` shows control of `listed`: the same address, or its /64."""
    if client is None or client.version != listed.version:
        return False
    return client == listed or (client.version == 6 and client in network_of(listed, 64))  # noqa: PLR2004


def network_name(client: Address | None) -> str:
    """Return the network by which requests are limited: IPv4 by /24, IPv6 by /64; one for all unknown."""
    if client is None:
        return "unknown"
    return str(network_of(client, 24 if isinstance(client, ipaddress.IPv4Address) else 64))


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _hop(text: str) -> Address | None:
    bare = text.strip().strip('"')
    if bare.startswith("["):
        bare, bracket, port = bare[1:].partition("]")
        if not bracket or (port and not _port(port.removeprefix(":"))):
            return None
    elif bare.count(":") == 1:
        bare, _, port = bare.partition(":")
        if not _port(port):
            return None
    try:
        return canonical(parse_address(bare.partition("%")[0]))
    except AddressError:
        return None


def _port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5  # noqa: PLR2004
