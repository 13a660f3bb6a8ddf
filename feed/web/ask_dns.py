"""What our own name servers answer at this moment, asked over UDP as any resolver would.

The page shows this beside what the database says, so that "removed" and "still refused" can be told
apart. All questions go out at once and share one time limit; no answer is a result, never an error.
"""

import dataclasses
import ipaddress
import secrets
import select
import socket
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

import dnslib

from feed.domain.address import Address, reverse_name

TIMEOUT_S: Final = 1.0
OURS: Final = frozenset({"127.0.0.2", "127.0.0.3"})
"""Every answer that the zones ever give (DESIGN section 6)."""

_LARGEST: Final = 4096


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one server says about one address in one zone.

    outcome: listed, not_listed, no_answer, refused (any other rcode), or strange: an address that no list
    of ours ever answers, so somebody in between did. codes: A records as text.
    serial: of the zone's SOA, None if not told.
    """

    server: str
    zone: str
    outcome: str
    codes: tuple[str, ...] = ()
    serial: int | None = None


@dataclasses.dataclass(slots=True)
class _Talk:
    server: str
    socket: socket.socket
    waiting: dict[int, tuple[str, bytes]]  # id -> zone, question as sent
    replies: dict[str, list[dnslib.DNSRecord]]


def ask(
    servers: Sequence[str], zones: Sequence[str], address: Address, *, timeout_s: float = TIMEOUT_S
) -> list[Answer]:
    """Return an answer for each server and zone, in order, after at most `timeout_s` seconds.

    servers: HOST:PORT with a literal address, IPv6 in brackets; a wildcard is asked at loopback.
    """
    talks = [_start(server, zones, address) for server in servers]
    try:
        _listen([talk for talk in talks if talk.waiting], time.monotonic() + timeout_s)
    finally:
        for talk in talks:
            talk.socket.close()
    return [_answer(talk, zone) for talk in talks for zone in zones]


def _start(server: str, zones: Sequence[str], address: Address) -> _Talk:
    host, _, port = server.rpartition(":")
    host = host.strip("[]")
    talk = _Talk(server=server, socket=socket.socket(), waiting={}, replies={zone: [] for zone in zones})
    talk.socket.close()
    try:
        where = ipaddress.ip_address(host)
        if where.is_unspecified:
            where = ipaddress.ip_address("127.0.0.1" if where.version == 4 else "::1")  # noqa: PLR2004
        family = socket.AF_INET if where.version == 4 else socket.AF_INET6  # noqa: PLR2004
        talk.socket = socket.socket(family, socket.SOCK_DGRAM)
        talk.socket.setblocking(False)
        talk.socket.connect((str(where), int(port)))
        for zone, wire in _questions(zones, address):
            talk.waiting[int.from_bytes(wire[:2], "big")] = (zone, wire)
            talk.socket.send(wire)
    except (OSError, ValueError, OverflowError):
        talk.waiting.clear()
    return talk


def _questions(zones: Sequence[str], address: Address) -> Iterator[tuple[str, bytes]]:
    """Give an A and an SOA question for each zone, with different random ids."""
    numbers = secrets.SystemRandom().sample(range(0x10000), 2 * len(zones))
    for zone in zones:
        for name, kind in ((f"{reverse_name(address)}.{zone}", "A"), (zone, "SOA")):
            question = dnslib.DNSRecord.question(name, kind)
            question.header.id = numbers.pop()
            question.header.rd = 0
            yield zone, question.pack()


def _listen(talks: list[_Talk], end: float) -> None:
    """Collect replies until all came or the time is over. The sockets are connected: others cannot reply."""
    while any(talk.waiting for talk in talks) and (left := end - time.monotonic()) > 0:
        open_talks = {talk.socket: talk for talk in talks if talk.waiting}
        for ready in select.select(list(open_talks), [], [], left)[0]:
            talk = open_talks[ready]
            try:
                _take(talk, ready.recv(_LARGEST))
            except OSError:  # port unreachable: nobody listens there
                talk.waiting.clear()


def _take(talk: _Talk, wire: bytes) -> None:
    try:
        reply = dnslib.DNSRecord.parse(wire)
    except Exception:  # noqa: BLE001 - dnslib raises many types; a reply that cannot be read is none
        return
    sent = talk.waiting.get(reply.header.id)
    if sent is None or not reply.header.qr or not _same_question(reply, sent[1]):
        return
    del talk.waiting[reply.header.id]
    talk.replies[sent[0]].append(reply)


def _same_question(reply: Any, sent: bytes) -> bool:
    asked = dnslib.DNSRecord.parse(sent).q
    return len(reply.questions) == 1 and reply.q.qtype == asked.qtype and reply.q.qname == asked.qname


def _answer(talk: _Talk, zone: str) -> Answer:
    replies = talk.replies[zone]
    about = next((reply for reply in replies if reply.q.qtype == dnslib.QTYPE.A), None)
    serial = next(
        (
            int(record.rdata.times[0])
            for reply in replies
            for record in (*reply.rr, *reply.auth)
            if record.rtype == dnslib.QTYPE.SOA
        ),
        None,
    )
    if about is None:
        return Answer(server=talk.server, zone=zone, outcome="no_answer", serial=serial)
    codes = tuple(str(record.rdata) for record in about.rr if record.rtype == dnslib.QTYPE.A)
    if about.header.rcode == dnslib.RCODE.NOERROR:
        outcome = "not_listed" if not codes else "listed" if set(codes) <= OURS else "strange"
    else:
        outcome = "not_listed" if about.header.rcode == dnslib.RCODE.NXDOMAIN else "refused"
    return Answer(server=talk.server, zone=zone, outcome=outcome, codes=codes, serial=serial)
