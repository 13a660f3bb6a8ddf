"""Networks that a large sender publishes in its SPF records, for the provider file.

RFC 7208 names the bounds that are kept here: ten terms that need a look-up, ten hosts behind one `mx`,
two look-ups without an answer. What cannot be resolved makes the whole sender fail, and its last copy
stays: half a record would let the other half be listed.
"""

import dataclasses
import ipaddress
import random
import re
import socket
from collections.abc import Callable, Iterator
from typing import Final

import dnslib

from feed.domain.address import Network, overlaps_special
from feed.domain.providers import WIDEST

MOST_LOOKUPS: Final = 10
MOST_HOSTS: Final = 10
MOST_VOID: Final = 2
MOST_NETWORKS: Final = 5000
LONGEST_NAME: Final = 253

_TRIES: Final = 3
_WAIT_S: Final = 3.0
_LARGEST: Final = 4096
_TERM: Final = re.compile(r"(?P<qualifier>[+?~-]?)(?P<name>[a-z][a-z0-9]*)(?P<rest>[:/=].*)?", re.IGNORECASE)
_HOST: Final = re.compile(r"[a-z0-9_.-]+", re.IGNORECASE)

Ask = Callable[[str, str], list[str]]
"""(name, type) to answers as text; an empty list for no such name or data. Raises `SpfError`."""


class SpfError(Exception):
    """The networks of a sender cannot be told; the message says why."""


@dataclasses.dataclass(slots=True)
class _Budget:
    """What is left of the bounds of RFC 7208 section 4.6.4."""

    ask: Ask
    lookups: int = MOST_LOOKUPS
    void: int = MOST_VOID

    def spend(self) -> None:
        self.lookups -= 1
        if self.lookups < 0:
            raise SpfError(f"more than {MOST_LOOKUPS} terms need a look-up (RFC 7208 section 4.6.4)")

    def answers(self, name: str, kind: str) -> list[str]:
        found = self.ask(name, kind)
        if not found:
            self.void -= 1
            if self.void < 0:
                raise SpfError(f"more than {MOST_VOID} look-ups found nothing (RFC 7208 section 4.6.4)")
        return found


def networks(domain: str, ask: Ask) -> list[Network]:
    """Return what the SPF record of `domain` authorises by include, redirect, ip4, ip6, a and mx.

    Raises `SpfError` for a missing or broken record, a term that cannot be resolved, a bound overrun, and
    for networks that are special-purpose or too wide to be believed. Macros and `exists` name no networks.
    """
    budget = _Budget(ask)
    found = set(_record(domain, budget, ()))
    for network in found:
        why = overlaps_special(network)
        if why is not None:
            raise SpfError(f"{domain} names {network}: {why}")
        if network.prefixlen < WIDEST[network.version]:
            raise SpfError(f"{domain} names {network}, too wide to be believed")
    if not found:
        raise SpfError(f"the record of {domain} names no network")
    if len(found) > MOST_NETWORKS:
        raise SpfError(f"the record of {domain} names more than {MOST_NETWORKS} networks")
    return sorted(found, key=lambda one: (one.version, int(one.network_address), one.prefixlen))


def _record(domain: str, budget: _Budget, above: tuple[str, ...]) -> Iterator[Network]:
    """Yield the networks of one record and of what it includes."""
    name = domain.lower().rstrip(".")
    if name in above:
        raise SpfError(f"the records of {name} include each other")
    records = [text for text in budget.ask(name, "TXT") if text.lower().split(" ")[0] == "v=spf1"]
    if len(records) != 1:
        raise SpfError(f"{name} has {len(records)} SPF records, one is needed")
    redirect: str | None = None
    has_all = False
    for term in records[0].split()[1:]:
        shape = _TERM.fullmatch(term)
        if shape is None:
            raise SpfError(f"the record of {name} has a term that is none")
        word, rest = shape["name"].lower(), shape["rest"] or ""
        if rest.startswith("="):
            redirect = rest[1:] if word == "redirect" else redirect
        elif word == "all":
            has_all = True
        elif shape["qualifier"] in {"", "+", "?"}:  # what softly or hard fails is not theirs
            yield from _mechanism(word, rest, name, budget, (*above, name))
    if redirect is not None and not has_all:
        budget.spend()
        yield from _record(_host(redirect, name), budget, (*above, name))


def _mechanism(
    word: str, rest: str, domain: str, budget: _Budget, above: tuple[str, ...]
) -> Iterator[Network]:
    if word in {"ip4", "ip6"}:
        yield _network(rest.removeprefix(":"), 4 if word == "ip4" else 6)
    elif word == "include":
        budget.spend()
        yield from _record(_host(rest.removeprefix(":"), domain), budget, above)
    elif word in {"a", "mx"}:
        budget.spend()
        named, lengths = _lengths(rest)
        host = _host(named, domain) if named else domain
        hosts = [host]
        if word == "mx":
            hosts = [answer.split()[-1] for answer in budget.answers(host, "MX")]
            if len(hosts) > MOST_HOSTS:
                raise SpfError(f"{host} has more than {MOST_HOSTS} mail hosts (RFC 7208 section 4.6.4)")
        for one in hosts:
            yield from _addresses(one, lengths, budget)
    elif word in {"exists", "ptr"}:
        budget.spend()  # they name no networks
    else:
        raise SpfError(f"the record of {domain} has an unknown mechanism")


def _addresses(host: str, lengths: dict[int, int], budget: _Budget) -> Iterator[Network]:
    found = [*budget.ask(host, "A"), *budget.ask(host, "AAAA")]
    if not found:
        budget.answers(host, "A")
    for text in found:
        address = ipaddress.ip_address(text)
        yield ipaddress.ip_network((address, lengths[address.version]), strict=False)


def _lengths(rest: str) -> tuple[str, dict[int, int]]:
    """Return the name and the prefix lengths of `:name/24//64`, each part optional."""
    before, _, six = rest.partition("//")
    named, _, four = before.partition("/")
    try:
        lengths = {4: int(four or 32), 6: int(six or 128)}
    except ValueError:
        raise SpfError("a prefix length is no number") from None
    if not (0 <= lengths[4] <= 32 and 0 <= lengths[6] <= 128):  # noqa: PLR2004
        raise SpfError("a prefix length is out of range")
    return named.removeprefix(":"), lengths


def _network(text: str, version: int) -> Network:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise SpfError("a term names no network") from None
    if network.version != version:
        raise SpfError("a term names a network of the other family")
    return network


def _host(text: str, domain: str) -> str:
    """Return a host name; a macro would need a mail to be expanded."""
    if not _HOST.fullmatch(text) or len(text) > LONGEST_NAME:
        raise SpfError(f"the record of {domain} names a host that cannot be looked up without a mail")
    return text.lower().rstrip(".")


def resolver(host: str, port: int = 53) -> Ask:
    """Return a way to ask a recursive resolver, by UDP and, when an answer is cut, by TCP."""

    def ask(name: str, kind: str) -> list[str]:
        try:
            question = dnslib.DNSRecord.question(name, kind)
        except (dnslib.DNSError, UnicodeError, ValueError):
            raise SpfError(f"{name} cannot be looked up") from None
        question.header.id = random.SystemRandom().randrange(1 << 16)
        reply = _exchange(question, host, port)
        if reply.header.rcode not in {dnslib.RCODE.NOERROR, dnslib.RCODE.NXDOMAIN}:
            raise SpfError(f"{name} {kind}: the resolver answers {dnslib.RCODE.get(reply.header.rcode)}")
        wanted = getattr(dnslib.QTYPE, kind)
        return [_text(record) for record in reply.rr if record.rtype == wanted]

    return ask


def _text(record: dnslib.RR) -> str:
    """Return an answer as text; the strings of a TXT record are one (RFC 7208 section 3.3)."""
    if record.rtype == dnslib.QTYPE.TXT:
        return b"".join(record.rdata.data).decode("ascii", "replace")
    return str(record.rdata).rstrip(".")


def _exchange(question: dnslib.DNSRecord, host: str, port: int) -> dnslib.DNSRecord:
    wire = question.pack()
    for _ in range(_TRIES):
        try:
            with socket.socket(_family(host), socket.SOCK_DGRAM) as udp:
                udp.settimeout(_WAIT_S)
                udp.connect((host, port))
                udp.send(wire)
                reply = _parsed(udp.recv(_LARGEST), question)
            if reply is not None and reply.header.tc:
                with socket.create_connection((host, port), timeout=_WAIT_S) as tcp:
                    tcp.sendall(len(wire).to_bytes(2, "big") + wire)
                    with tcp.makefile("rb") as stream:
                        size = int.from_bytes(stream.read(2), "big")
                        reply = _parsed(stream.read(size), question)
        except OSError:
            continue
        if reply is not None:
            return reply
    raise SpfError(f"{question.q.qname} {dnslib.QTYPE.get(question.q.qtype)}: the resolver does not answer")


def _parsed(data: bytes, question: dnslib.DNSRecord) -> dnslib.DNSRecord | None:
    """Return the reply if it is one to this question."""
    try:
        reply = dnslib.DNSRecord.parse(data)
    except (dnslib.DNSError, dnslib.buffer.BufferError, ValueError, IndexError):
        return None
    same = reply.questions and reply.q.qname == question.q.qname and reply.q.qtype == question.q.qtype
    return reply if same and reply.header.qr and reply.header.id == question.header.id else None


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
