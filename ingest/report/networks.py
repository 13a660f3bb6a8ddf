"""Addresses of servers: text from a log to a canonical address, and whose it is."""

import bisect
import ipaddress
import pathlib
from collections.abc import Iterable
from typing import Final, NamedTuple

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_MOST_CACHED: Final = 200_000


class NetworkError(ValueError):
    """A text is no network; the message names it."""


class Peer(NamedTuple):
    """A server that connected or was connected to. text: canonical. own: never an outsider."""

    text: str
    own: bool
    forwarder: bool


def network(text: str) -> Network:
    """Return a network or a single address; raises NetworkError."""
    try:
        return ipaddress.ip_network(text.strip().replace("[", "").replace("]", ""), strict=False)
    except ValueError:
        raise NetworkError(f"{text[:80]!r} is no address and no network such as 192.0.2.0/24") from None


def address(text: str) -> Address | None:
    """Return an address with an IPv4-mapped one unwrapped, None for anything else or one with a scope."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address):
        if found.scope_id is not None:
            return None
        return found.ipv4_mapped or found
    return found


class Networks:
    """Many networks, one question; overlapping ones are joined."""

    def __init__(self, networks: Iterable[Network]) -> None:
        """Sort them once."""
        self._starts: dict[int, list[int]] = {4: [], 6: []}
        self._ends: dict[int, list[int]] = {4: [], 6: []}
        found = list(networks)
        for four in ipaddress.collapse_addresses(
            one for one in found if isinstance(one, ipaddress.IPv4Network)
        ):
            self._add(four)
        for six in ipaddress.collapse_addresses(
            one for one in found if isinstance(one, ipaddress.IPv6Network)
        ):
            self._add(six)

    def _add(self, one: Network) -> None:
        self._starts[one.version].append(int(one.network_address))
        self._ends[one.version].append(int(one.broadcast_address))

    def __contains__(self, one: Address) -> bool:
        place = bisect.bisect_right(self._starts[one.version], int(one)) - 1
        return place >= 0 and int(one) <= self._ends[one.version][place]


def read_networks(path: pathlib.Path) -> Networks:
    """Return the networks in a file, one a line, `#` for comments; raises NetworkError naming the line."""
    networks = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        text = line.partition("#")[0].strip()
        if text:
            try:
                networks.append(network(text))
            except NetworkError as problem:
                raise NetworkError(f"{path}, line {number}: {problem}") from None
    return Networks(networks)


class Peers:
    """Says of the text of an address whose it is, and remembers it."""

    def __init__(self, *, own: Iterable[Network], forwarders: Iterable[Network]) -> None:
        """Take the reporter's own networks and those of servers that forward mail to him."""
        self._own = Networks(own)
        self._forwarders = Networks(forwarders)
        self._known: dict[bytes, Peer | None] = {}

    def of(self, text: bytes) -> Peer | None:
        """Return whose an address is, None for what is no address."""
        try:
            return self._known[text]
        except KeyError:
            if len(self._known) >= _MOST_CACHED:
                self._known.clear()
            peer = self._known[text] = self._look(text)
            return peer

    def _look(self, text: bytes) -> Peer | None:
        found = address(text.decode("ascii", "replace"))
        if found is None or found.is_unspecified or found.is_multicast:
            return None
        own = found in self._own or found.is_loopback or found.is_link_local or _inside(found)
        return Peer(str(found), own, found in self._forwarders)


_INSIDE: Final = Networks(
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)


def _inside(one: Address) -> bool:
    """Return whether it is a private address. Documentation addresses are not: the tour uses them."""
    return one in _INSIDE
