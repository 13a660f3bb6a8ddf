"""Who may ask and who may transfer: networks, key labels, TSIG keys. Pure.

A key label is `<reversed>.<key>.<zone>`: for clients whose addresses change, or that ask through a resolver
that others use too. It is a password in the clear, good for counting and for closing a door, not more.
"""

import dataclasses
import hashlib
import ipaddress
import re
from collections.abc import Mapping
from typing import Final

from feed.domain.address import MAPPED_PREFIX

Net = ipaddress.IPv4Network | ipaddress.IPv6Network
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{6,61})[a-z0-9]")
_KEY: Final = "key:"


class AccessError(ValueError):
    """A network or key cannot be used; the message says which one."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A client that is counted. name: as in the metrics."""

    name: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What is open to whom.

    query: networks that may ask, None = everybody. labels: key label (lower case) to the number of its
    client. transfer: networks that may transfer. transfer_keys: TSIG key names (wire, lower case) that may.
    names: of the counted clients by number: the query networks first, then the key labels.
    """

    query: tuple[Net, ...] | None = None
    labels: Mapping[bytes, int] = dataclasses.field(default_factory=dict)
    transfer: tuple[Net, ...] = ()
    transfer_keys: frozenset[bytes] = frozenset()
    names: tuple[str, ...] = ()

    @property
    def limited(self) -> bool:
        """Whether a query without a key label may be refused."""
        return self.query is not None or bool(self.labels)

    def client_number(self, client: bytes) -> int | None:
        """Return the number of the network that lets this address ask; -1 = open to all, None = refused."""
        if not self.limited:
            return -1
        return next((at for at, network in enumerate(self.query or ()) if _inside(client, network)), None)

    def may_transfer(self, client: bytes, key: bytes | None) -> bool:
        """Return whether an address, or whoever signed with a key, may have whole zones."""
        return key in self.transfer_keys or any(_inside(client, network) for network in self.transfer)


def _inside(client: bytes, network: Net) -> bool:
    plain = client[12:] if client.startswith(MAPPED_PREFIX) else client
    if len(plain) * 8 != network.max_prefixlen:
        return False
    return (int.from_bytes(plain) ^ int(network.network_address)) >> (
        network.max_prefixlen - network.prefixlen
    ) == 0


def parse_network(text: str) -> Net:
    """Return the network of an access list; raises `AccessError`."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise AccessError(f"{text!r} is not an address or a network such as 192.0.2.0/24") from None


def parse_transfer(texts: list[str]) -> tuple[tuple[Net, ...], tuple[str, ...]]:
    """Return networks and key names of `CIDR|key:NAME` entries; raises `AccessError`."""
    keys = tuple(text.removeprefix(_KEY) for text in texts if text.startswith(_KEY))
    return tuple(parse_network(text) for text in texts if not text.startswith(_KEY)), keys


def parse_labels(text: str) -> dict[str, str]:
    """Return key label to client name of a file of lines `KEY [NAME]`; raises `AccessError`.

    Without a name the client is called by the beginning of the key's SHA-256, never by the key.
    """
    labels: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        key = words[0].lower()
        if not _LABEL.fullmatch(key) or key.isdecimal() or len(words) > 2:  # noqa: PLR2004
            raise AccessError(
                f"line {number}: a key has 8 to 63 letters, digits and hyphens, not digits only"
            )
        labels[key] = words[1] if len(words) > 1 else hashlib.sha256(key.encode()).hexdigest()[:8]
    return labels
