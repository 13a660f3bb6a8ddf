"""The abuse contact that the registry names for an address (RDAP, RFC 9082 and 9083), where it is set up.

Only what the registry says counts; the visitor chooses nothing. The operator gives IANA's bootstrap files
(RFC 9224, `ipv4.json` and `ipv6.json`), which say which registry to ask, or names one service for all. How
it is asked so that no answer leads us into our own network stands in `ask_https`.
"""

import dataclasses
import http.client
import json
import pathlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Self

from feed.domain.address import Address, AddressError, Network, parse_network
from feed.web.ask_https import is_https
from feed.web.owner_names import Recipient, mail_address, registered_domain

MEDIA_TYPE: Final = "application/rdap+json"
_FILE_LARGEST: Final = 4 * 1024 * 1024
_DEPTH_MOST: Final = 4
_EMAIL_FIELDS: Final = 4


class BootstrapError(Exception):
    """A bootstrap file cannot be used; the message says why."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Registries:
    """Which service answers for which network. everything: one service for all addresses, empty for none."""

    services: tuple[tuple[Network, str], ...] = ()
    everything: str = ""

    @classmethod
    def read(cls, files: Sequence[pathlib.Path], everything: str = "") -> Self:
        """Return what the bootstrap files say; raises `BootstrapError`."""
        services: list[tuple[Network, str]] = []
        for file in files:
            try:
                with file.open("rb") as opened:
                    services += _services(json.loads(opened.read(_FILE_LARGEST)))
            except OSError as problem:
                raise BootstrapError(f"cannot read {file}: {problem.strerror}") from None
            except (ValueError, RecursionError, KeyError, TypeError, IndexError, AddressError):
                raise BootstrapError(f"{file} is no RDAP bootstrap file (RFC 9224)") from None
        return cls(services=tuple(services), everything=everything)

    def service_of(self, address: Address) -> str | None:
        """Return what stands before the address in the URL to ask, None if nobody is known to answer."""
        found = [
            (network.prefixlen, base)
            for network, base in self.services
            if network.version == address.version and address in network
        ]
        if found:
            return max(found)[1].rstrip("/") + "/ip"
        return self.everything or None


def load(files: Sequence[pathlib.Path], everything: str) -> Registries:
    """Return the registries; files that cannot be used are told in a line, and none of them is asked."""
    try:
        return Registries.read(files, everything)
    except BootstrapError as problem:
        print(f"{problem}; no registry is asked by it", file=sys.stderr)
        return Registries(everything=everything)


def _services(document: Any) -> list[tuple[Network, str]]:
    """Return network and https service of each line; lines with http alone are left out."""
    found = []
    for networks, urls in document["services"]:
        secure = next((url for url in urls if is_https(url)), None)
        if secure is not None:
            found += [(parse_network(str(network)), secure) for network in networks]
    return found


def abuse_contact(base: str, address: Address, *, get: Callable[[str], bytes]) -> Recipient | None:
    """Return the abuse contact of `address`, None if there is none or the service does not answer.

    base: what stands before the address in the URL, such as `https://rdap.example.net/ip/`. get: asks.
    """
    try:
        answer = json.loads(get(f"{base.rstrip('/')}/{address}"))
    except (OSError, ValueError, RecursionError, http.client.HTTPException):
        return None
    for found in _abuse_mails(answer, 0):
        plain = mail_address(found)
        if plain is not None:
            domain = registered_domain(plain.rpartition("@")[2])
            return Recipient(address=plain, domain=domain, means="rdap")
    return None


def _abuse_mails(node: Any, depth: int) -> Iterator[str]:
    """Give the mail addresses of entities with the role abuse, outer before inner."""
    entities = node.get("entities") if isinstance(node, dict) else None
    if not isinstance(entities, list) or depth > _DEPTH_MOST:
        return
    for entity in entities:
        roles = entity.get("roles") if isinstance(entity, dict) else None
        if isinstance(roles, list) and "abuse" in roles:
            yield from _mails_of(entity.get("vcardArray"))
    for entity in entities:
        yield from _abuse_mails(entity, depth + 1)


def _mails_of(card: Any) -> Iterator[str]:
    fields = card[1] if isinstance(card, list) and len(card) > 1 and isinstance(card[1], list) else []
    for field in fields:
        is_mail = isinstance(field, list) and len(field) >= _EMAIL_FIELDS and field[0] == "email"
        if is_mail and isinstance(field[3], str):
            yield field[3]
