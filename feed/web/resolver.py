"""A small DNS client: questions to one resolver over UDP, TCP where an answer is cut, all within one limit.

Only the removal proofs use it. Whatever an answer holds is a stranger's word: names that are no host names
are dropped, and so is everything beyond a few records.
"""

import dataclasses
import ipaddress
import pathlib
import re
import secrets
import socket
import struct
import time
from collections.abc import Callable
from typing import Any, Final

import dnslib

from feed.domain.address import Address, AddressError, canonical, parse_address, reverse_name

TRY_S: Final = 1.5
TRIES: Final = 2
WHOLE_S: Final = 5.0
"""Seconds that all questions of one `Resolver.session` take together, at most."""

RECORDS_MOST: Final = 10
_LARGEST: Final = 4096
_SYSTEM: Final = pathlib.Path("/etc/resolv.conf")
_HOST: Final = re.compile(
    r"(?=.{4,200}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]\Z"
)


class ResolverError(Exception):
    """The resolver gave no usable answer; that is not the same as the answer that there is nothing."""


def host_name(text: str) -> str | None:
    """Return `text` as a host name in lower case without the last dot, None if it is none."""
    plain = text.lower().rstrip(".")
    return plain if _HOST.match(plain) else None


def server_of(configured: str | None) -> tuple[str, int]:
    """Return address and port of the resolver: the configured HOST:PORT, else the system's first."""
    if configured:
        host, _, port = configured.rpartition(":")
        return host.strip("[]"), int(port)
    try:
        lines = _SYSTEM.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for words in (line.split() for line in lines):
        if len(words) > 1 and words[0] == "nameserver":
            return words[1].partition("%")[0], 53
    return "127.0.0.1", 53


@dataclasses.dataclass(frozen=True, slots=True)
class Session:
    """Questions that share one end in time (`time.monotonic`)."""

    server: tuple[str, int]
    end: float
    clock: Callable[[], float]

    def names(self, address: Address) -> list[str]:
        """Return the host names in the PTR records of `address`."""
        zone = "in-addr.arpa" if address.version == 4 else "ip6.arpa"  # noqa: PLR2004
        found = self._ask(f"{reverse_name(address)}.{zone}", "PTR")
        names = [host_name(str(record.rdata.label)) for record in found]
        return [name for name in dict.fromkeys(names) if name is not None]

    def addresses(self, name: str, version: int) -> list[Address]:
        """Return the addresses of `name` in one IP version."""
        found: list[Address] = []
        for record in self._ask(name, "A" if version == 4 else "AAAA"):  # noqa: PLR2004
            try:
                found.append(canonical(parse_address(str(record.rdata))))
            except AddressError:
                continue
        return found

    def takes_mail(self, domain: str) -> bool:
        """Return whether mail to `domain` has a place to go: an MX that is not the null MX, or an address."""
        exchangers = [str(record.rdata.label).rstrip(".") for record in self._ask(domain, "MX")]
        if exchangers:
            return any(exchangers)  # RFC 7505: a single "." says that there is no mail
        return bool(self.addresses(domain, 4) or self.addresses(domain, 6))

    def texts(self, name: str) -> list[str]:
        """Return the TXT records of `name`, each with its strings joined."""
        return [
            b"".join(record.rdata.data).decode("ascii", "replace").strip()
            for record in self._ask(name, "TXT")
        ]

    def _ask(self, name: str, kind: str) -> list[Any]:
        question = dnslib.DNSRecord.question(name, kind)
        for _ in range(TRIES):
            left = self.end - self.clock()
            if left <= 0:
                break
            question.header.id = secrets.randbelow(0x10000)
            reply = _udp(self.server, question.pack(), min(TRY_S, left))
            if reply is not None and reply.header.tc:
                reply = _tcp(self.server, question.pack(), min(TRY_S, self.end - self.clock()))
            if reply is None:
                continue
            if reply.header.rcode not in {dnslib.RCODE.NOERROR, dnslib.RCODE.NXDOMAIN}:
                break
            wanted = getattr(dnslib.QTYPE, kind)
            return [record for record in reply.rr if record.rtype == wanted][:RECORDS_MOST]
        raise ResolverError("the resolver does not answer")


class Resolver:
    """Opens sessions at one server."""

    def __init__(self, configured: str | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Take HOST:PORT with a literal address, or None for the system's resolver."""
        self._server = server_of(configured)
        self._clock = clock

    def session(self) -> Session:
        """Return a session whose questions take at most `WHOLE_S` together."""
        return Session(server=self._server, end=self._clock() + WHOLE_S, clock=self._clock)


def _udp(server: tuple[str, int], wire: bytes, wait_s: float) -> Any | None:
    """Ask once; replies to other questions are passed over until the time is up."""
    end = time.monotonic() + wait_s
    try:
        with _socket(server, socket.SOCK_DGRAM) as talk:
            talk.connect(server)  # the kernel drops what comes from anywhere else
            talk.send(wire)
            while (left := end - time.monotonic()) > 0:
                talk.settimeout(left)
                reply = _reply(talk.recv(_LARGEST), wire)
                if reply is not None:
                    return reply
    except (OSError, ValueError):
        return None
    return None


def _tcp(server: tuple[str, int], wire: bytes, wait_s: float) -> Any | None:
    end = time.monotonic() + max(wait_s, 0.01)
    try:
        with _socket(server, socket.SOCK_STREAM) as talk:
            talk.settimeout(wait_s)
            talk.connect(server)
            talk.sendall(struct.pack("!H", len(wire)) + wire)
            length = struct.unpack("!H", _exactly(talk, 2, end))[0]
            return _reply(_exactly(talk, length, end), wire)
    except (OSError, ValueError):
        return None


def _exactly(talk: socket.socket, size: int, end: float) -> bytes:
    """Return `size` bytes before `end`; a server that dribbles does not keep us longer."""
    got = b""
    while len(got) < size:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        talk.settimeout(left)
        chunk = talk.recv(size - len(got))
        if not chunk:
            raise ConnectionError
        got += chunk
    return got


def _socket(server: tuple[str, int], kind: socket.SocketKind) -> socket.socket:
    version = ipaddress.ip_address(server[0]).version
    return socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, kind)  # noqa: PLR2004


def _reply(wire: bytes, sent: bytes) -> Any | None:
    """Return the reply to exactly the question that was sent, else None."""
    try:
        reply = dnslib.DNSRecord.parse(wire)
        asked = dnslib.DNSRecord.parse(sent)
    except Exception:  # noqa: BLE001 - dnslib raises many types; a reply that cannot be read is none
        return None
    same = (
        reply.header.qr
        and reply.header.id == asked.header.id
        and len(reply.questions) == 1
        and reply.q.qtype == asked.q.qtype
        and reply.q.qname == asked.q.qname
    )
    return reply if same else None
