"""The abuse contact that the registry names for an address (RDAP, RFC 9082 and 9083), where it is set up.

Only what the registry says counts; the visitor chooses nothing. The operator gives IANA's bootstrap files
(RFC 9224, `ipv4.json` and `ipv6.json`), which say which registry to ask, or names one service for all. Asked
over https only, within three seconds, for half a megabyte, following two redirects at most, and never one
that leads to a bare address: no answer of a registry makes us ask a machine of our own network by number.
"""

import dataclasses
import http.client
import ipaddress
import json
import pathlib
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Self

from feed.domain.address import Address, AddressError, Network, parse_network
from feed.web.owner_names import Recipient, mail_address, registered_domain

TIMEOUT_S: Final = 3.0
LARGEST: Final = 512 * 1024
REDIRECTS_MOST: Final = 2
_BLOCK: Final = 16 * 1024
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
        secure = next((url for url in urls if _is_allowed(url)), None)
        if secure is not None:
            found += [(parse_network(str(network)), secure) for network in networks]
    return found


def _is_allowed(url: str) -> bool:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme == "https" and bool(parts.hostname) and not parts.username


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows few redirects, to https and to a host that has a name."""

    max_redirections = REDIRECTS_MOST

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: Any,
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if not _is_allowed(newurl) or _is_number(urllib.parse.urlsplit(newurl).hostname or ""):
            raise urllib.error.URLError("a redirect that is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _is_number(host: str) -> bool:
    """Return whether a host is written as an address, in any way that a library might take for one."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        last = host.rstrip(".").rpartition(".")[2]
        return last.isdigit() or last.lower().startswith("0x") or host == "localhost"
    return True


def fetch(url: str, *, context: ssl.SSLContext | None = None) -> bytes:
    """Return what `url` answers; raises `OSError` also for what is too large or too slow, `ValueError`.

    context: certificates to be believed, those of the system unless given.
    """
    if not _is_allowed(url):
        raise ValueError("registries are asked over https only")
    end = time.monotonic() + TIMEOUT_S
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context), _Redirects()
    )
    request = urllib.request.Request(url, headers={"Accept": "application/rdap+json"})  # noqa: S310 - https only
    blocks = bytearray()
    with opener.open(request, timeout=TIMEOUT_S) as answer:
        while block := answer.read1(_BLOCK):
            blocks += block
            if len(blocks) > LARGEST:
                raise OSError("the answer is too large")
            if time.monotonic() > end:
                raise TimeoutError("the answer comes too slowly")
    return bytes(blocks)


def abuse_contact(base: str, address: Address, *, get: Callable[[str], bytes] = fetch) -> Recipient | None:
    """Return the abuse contact of `address`, None if there is none or the service does not answer.

    base: what stands before the address in the URL, such as `https://rdap.example.net/ip/`.
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
