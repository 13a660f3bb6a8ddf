"""What the fast path has learned: which datagrams are queries like one that the strict parser accepted.

A shape is a datagram with every digit made one digit and every letter lower case. Whatever has the shape
of an accepted query is that query but for its digits: flags, counts, label lengths, zone, type, class and
OPT are the same. For IPv6, whose names all have 32 labels of one nibble, the shape is what stands around
the address; only letters are folded there.

Folding folds binary fields too, so a shape is learned only where no byte of them could be folded. A zone
with digits, or with a label of 48 to 57 bytes, is compared once more (`Plan.exact`).
"""

import dataclasses
import struct
from collections.abc import Callable
from typing import Final

from dnsbl_server import wire
from dnsbl_server.cookies import Cookies
from dnsbl_server.qname import place_of
from dnsbl_server.service import Service
from dnsbl_server.slots import STRIDE
from dnsbl_server.zone import TTL, Zone

FOLD: Final = bytes.maketrans(
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"0000000000abcdefghijklmnopqrstuvwxyz"
)
KEY_AT: Final = 2
"""Where a shape begins: behind the ID."""
V6_NAME: Final = slice(wire.HEADER_LEN, wire.HEADER_LEN + 64)
V6_HEAD: Final = slice(KEY_AT, V6_NAME.start)
V6_LENGTHS: Final = slice(V6_NAME.start, V6_NAME.stop, 2)
V6_ONES: Final = b"\1" * 32
LONGEST: Final = 512
"""Bytes of a query that may have a shape; the longest real ones have some 350."""
COOKIES: Final = (8, 24)
"""Lengths of the cookies that are read here: of a client alone, and with ours."""

_FOLDED: Final = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_DIGITS: Final = frozenset(b"0123456789")
_HEAD: Final = struct.Struct(">HHHHH")
_COUNTS: Final = (b"\0\1\0\0\0\0\0\0", b"\0\1\0\0\0\0\0\1")
_WHOLE_COOKIE: Final = 24
_NIBBLE_NAME: Final = 8
"""Wire length of four one-digit labels, which may also begin an IPv6 address."""
_TO_QNAME: Final = b"\xc0\x0c"

Made = tuple[bytes, bytes, int] | None
"""Ten bytes of header after the ID, what follows the question, and the mark for whoever counts; None = the
general path must say it."""
Mark = Callable[[int, int, int], int]
"""Zone number, type and rcode to mark."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """What a shape means. length: of the datagram. cookie: bytes of it, at the end of the datagram.

    made: answer by value number; our cookie follows it. exact: whether the zone's name must be compared,
    since digits in it were folded. in_slot, over: bytes of header and question in the slot, and behind it.
    """

    zone: Zone
    length: int
    name_end: int
    question_end: int
    v6: bool
    made: tuple[Made, ...]
    cookie: int
    exact: bool
    in_slot: int
    over: int


def key_of(data: bytes, *, v6: bool, cookie: int) -> bytes:
    """Return the shape of a datagram that ends in a cookie of so many bytes, which are no part of it."""
    end = len(data) - cookie
    if v6:
        return data[V6_HEAD] + data[V6_NAME.stop : end].lower()
    return data[KEY_AT:end].translate(FOLD)


def learn(data: bytes, service: Service, mark: Mark) -> Plan | None:
    """Return the plan of a query that the strict parser takes, if it is one for the fast path."""
    try:
        query = wire.parse_query(data)
    except wire.Malformed:
        return None
    cookie = _cookie_of(query)
    name = query.name.lower()
    found = service.zones.find(name, query.starts)
    if cookie is None or found is None or data[4 : wire.HEADER_LEN] != _COUNTS[query.edns is not None]:
        return None
    question_end = wire.HEADER_LEN + len(query.question)
    binary = data[KEY_AT : wire.HEADER_LEN] + data[question_end - wire.PAIR.size : len(data) - cookie]
    if not _FOLDED.isdisjoint(binary):
        return None
    zone, start = found
    labels = [name[a + 1 : b] for a, b in zip(query.starts, query.starts[1:], strict=False) if a < start]
    if place_of(labels).address is None:
        return None
    made = _made(query, service, zone, start, gives_cookie=cookie > 0, mark=mark)
    if made[0] is None:
        return None
    return Plan(
        zone=zone,
        length=len(data),
        name_end=wire.HEADER_LEN + start,
        question_end=question_end,
        v6=start == V6_NAME.stop - V6_NAME.start,
        made=made,
        cookie=cookie,
        exact=not _DIGITS.isdisjoint(zone.apex),
        in_slot=min(question_end, STRIDE),
        over=max(0, question_end - STRIDE),
    )


def _made(
    query: wire.Query, service: Service, zone: Zone, start: int, *, gives_cookie: bool, mark: Mark
) -> tuple[Made, ...]:
    """Return what is answered for each value number of the zone's list."""
    edns = query.edns
    limit = wire.UDP_PLAIN if edns is None else max(wire.UDP_PLAIN, min(edns.payload, wire.UDP_PAYLOAD))
    cookies = service.cookies if gives_cookie else None
    opt = b"" if edns is None else _opt(edns, cookies)
    soa = (0xC000 | wire.HEADER_LEN + start).to_bytes(2) + zone.negative
    missing = wire.NOERROR if start == _NIBBLE_NAME else wire.NXDOMAIN
    room = limit - wire.HEADER_LEN - len(query.question) - len(opt) - (_WHOLE_COOKIE if cookies else 0)
    made: list[Made] = []
    for value in zone.snapshot.values:
        if value is not None and query.qtype == wire.TXT:
            made.append(None)  # its text names the address
            continue
        rcode, answers, body = missing, 0, soa
        if value is not None:
            rcode = wire.NOERROR
            if query.qtype in (wire.A, wire.ANY):
                answers, body = 1, _TO_QNAME + wire.RECORD.pack(wire.A, wire.IN, TTL, 4) + value.a
        flags = wire.QR | wire.AA | query.flags & wire.RD | rcode
        head = _HEAD.pack(flags, 1, answers, 1 - answers, 1 if opt else 0)
        fits = len(body) <= room
        made.append((head, body + opt, mark(zone.number, query.qtype, rcode)) if fits else None)
    return tuple(made)


def _cookie_of(query: wire.Query) -> int | None:
    """Return the length of the cookie at the end of a query, 0 without; None for what is not read here."""
    edns = query.edns
    if query.flags & (wire.QR | wire.OPCODE) or query.qclass != wire.IN:
        return None
    if query.qtype in (wire.AXFR, wire.IXFR):
        return None
    if edns is None or not edns.options:
        return None if edns is not None and edns.version else 0
    code, option = edns.options[0]
    if edns.version or len(edns.options) > 1 or code != wire.OPT_COOKIE or len(option) not in COOKIES:
        return None
    return len(option)


def hidden(inner: bytes, outer: bytes) -> bool:
    """Return whether zone `inner` lies where an address of zone `outer` could be, say 5.x under x.

    Then one shape has names of both, so neither is for the fast path. Nobody names zones like that.
    """
    if inner == outer or not inner.endswith(outer):
        return False
    labels, at = [], 0
    while at < len(inner) - len(outer):
        labels.append(inner[at + 1 : at + 1 + inner[at]])
        at += 1 + inner[at]
    return at == len(inner) - len(outer) and place_of(labels).exists


def _opt(edns: wire.Edns, cookies: Cookies | None) -> bytes:
    """Return our OPT record, up to where a cookie follows."""
    flags = wire.DO if edns.do else 0
    if cookies is None:
        return b"\0" + wire.RECORD.pack(wire.OPT, wire.UDP_PAYLOAD, flags, 0)
    size = wire.PAIR.size + _WHOLE_COOKIE
    record = wire.RECORD.pack(wire.OPT, wire.UDP_PAYLOAD, flags, size)
    return b"\0" + record + wire.PAIR.pack(wire.OPT_COOKIE, _WHOLE_COOKIE)
