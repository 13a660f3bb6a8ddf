"""Who is one and the same: independence groups from what reporters said of themselves at registration.

The same organisation, contact domain, declared operator or network block (/24, /48) makes one group, so
that a second name does not give a second voice (scoring.md 4.1).
"""

import dataclasses
import ipaddress
from collections.abc import Hashable, Iterator, Sequence
from typing import Final

from feed.domain.address import Network, parse_network

PUBLIC_MAILBOXES: Final = frozenset(
    {
        "aol.com", "fastmail.com", "gmail.com", "gmx.de", "gmx.net", "googlemail.com", "hotmail.com",
        "icloud.com", "mailbox.org", "outlook.com", "posteo.de", "proton.me", "protonmail.com", "t-online.de",
        "web.de", "yahoo.com", "zoho.com",
    }
)  # fmt: skip
"""Domains where strangers have their mailboxes: sharing one says nothing."""

_BLOCK: Final = {4: 24, 6: 48}
_MOST_BLOCKS: Final = 256


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """What tells who runs a reporter. declared: the group that the operator named; networks: CIDRs."""

    source_id: int
    declared: int
    organisation: str
    contact: str
    networks: tuple[str, ...] = ()


def groups(members: Sequence[Member]) -> dict[int, int]:
    """Return the group of each source, named by its lowest source id."""
    parent: dict[Hashable, Hashable] = {}

    def root(node: Hashable) -> Hashable:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for member in members:
        for sign in (("declared", member.declared), *_signs(member)):
            parent[root(sign)] = root(("source", member.source_id))
    lowest: dict[Hashable, int] = {}
    for member in members:
        top = root(("source", member.source_id))
        lowest[top] = min(lowest.get(top, member.source_id), member.source_id)
    return {member.source_id: lowest[root(("source", member.source_id))] for member in members}


def _signs(member: Member) -> Iterator[Hashable]:
    """Yield what no stranger shares with this reporter."""
    name = " ".join(member.organisation.casefold().split())
    if name:
        yield "organisation", name
    domain = member.contact.rpartition("@")[2].casefold().rstrip(".")
    if domain and domain not in PUBLIC_MAILBOXES:
        yield "contact", domain
    for text in member.networks:
        for block in _blocks(parse_network(text)):
            yield "network", block


def _blocks(network: Network) -> list[Network]:
    """Return the /24 or /48 blocks of a network; of a very wide one the network itself stands for them."""
    size = _BLOCK[network.version]
    if network.prefixlen >= size:
        return [network.supernet(new_prefix=size)]
    if 1 << (size - network.prefixlen) > _MOST_BLOCKS:
        return [network]
    return [ipaddress.ip_network(block) for block in network.subnets(new_prefix=size)]
