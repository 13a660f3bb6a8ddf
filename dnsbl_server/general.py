"""The general path: any datagram to its answer, one clear step after the other.

It defines what is right; the fast path must agree with it byte for byte. dnslib packs the data of the
apex records, once per zone. It does not parse here: it raises RecursionError and DNSLabelError
on crafted queries, and neither is a DNSError (dnsbl-serving.md 4).
"""

import dataclasses
from typing import Final

import dnslib
from dnslib.label import DNSBuffer, DNSLabel

from dnsbl_server import wire
from dnsbl_server.cookies import legal
from dnsbl_server.qname import place_of
from dnsbl_server.service import Service
from dnsbl_server.zone import EXPIRE_S, NEGATIVE_TTL, REFRESH_S, RETRY_S, TTL, Zone
from feed.snapshot.format import Meta
from feed.snapshot.reader import Snapshot

_TO_QNAME: Final = b"\xc0\x0c"
"""Pointer to the question name: keeps its case (draft dns0x20), and never depends on it."""
_POINTER: Final = 0xC000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    """An answer before packing. records: without header; counts: of answer and authority."""

    rcode: int
    aa: bool = False
    answers: tuple[bytes, ...] = ()
    authority: tuple[bytes, ...] = ()
    ede: tuple[int, str] | None = None


def zone_of(snapshot: Snapshot, blocks: memoryview | None = None) -> Zone:
    """Return the zone of `snapshot` with its apex records packed. blocks: as in `Zone`."""
    meta = snapshot.meta
    ns = tuple(_packed(dnslib.NS(name)) for name in meta.ns)
    return Zone.of(snapshot, soa=_soa(meta), ns=ns, blocks=blocks)


class _Plain(DNSBuffer):  # type: ignore[misc]
    """A buffer that never compresses, so that packed data can stand anywhere."""

    def encode_name(self, name: DNSLabel) -> None:
        self.encode_name_nocompress(name)


def _packed(rdata: dnslib.RD) -> bytes:
    buffer = _Plain()
    rdata.pack(buffer)
    return bytes(buffer.data)


def _soa(meta: Meta) -> bytes:
    times = (meta.serial, REFRESH_S, RETRY_S, EXPIRE_S, NEGATIVE_TTL)
    # A mail address may have dots before the @; they were made plain when the snapshot was written.
    return _packed(dnslib.SOA(meta.mname, meta.rname, times))


def answer(data: bytes, service: Service, *, client: bytes, tcp: bool, now: int) -> bytes | None:
    """Return the answer to one message, or None to stay silent; never raises.

    client: packed address of the sender, for its cookie. now: unix seconds. Silent to what is shorter
    than a header, and to responses: answering those starts loops (RFC 1035 section 7.3).
    """
    if len(data) < wire.HEADER_LEN or data[2] & 0x80:
        return None
    try:
        query = wire.parse_query(data)
    except wire.Malformed:
        opcode = (data[2] & 0x78) >> 3
        return bare(data, wire.FORMERR if opcode == wire.OP_QUERY else _turned_down(opcode))
    edns = query.edns
    cookie = edns.option(wire.OPT_COOKIE) if edns else None
    if query.opcode != wire.OP_QUERY:
        reply = _Reply(rcode=_turned_down(query.opcode))
    elif cookie is not None and not legal(cookie):
        reply = _Reply(rcode=wire.FORMERR)
    elif edns is not None and edns.version:
        reply = _Reply(rcode=wire.BADVERS)
    elif not query.name:
        # Asking for a cookie alone is the one query without a question (RFC 7873 section 5.4).
        reply = _Reply(rcode=wire.FORMERR if cookie is None or service.cookies is None else wire.NOERROR)
    else:
        reply = _to_question(query, service, now)
    return _message(query, reply, service, client=client, tcp=tcp, now=now)


def cut(data: bytes) -> bytes | None:
    """Return the answer to a datagram that was longer than the room for it: FORMERR, or silence."""
    if len(data) < wire.HEADER_LEN or data[2] & 0x80:
        return None
    return bare(data, wire.FORMERR)


def bare(data: bytes, rcode: int) -> bytes:
    """Return a header alone, for messages whose rest cannot be read: ID, opcode and RD are kept."""
    ident, flags = wire.PAIR.unpack_from(data)
    return wire.HEADER.pack(ident, wire.QR | flags & (wire.OPCODE | wire.RD) | rcode, 0, 0, 0, 0)


def _turned_down(opcode: int) -> int:
    """NOTIFY is for secondaries, which we are not; other opcodes we do not have (RFC 8906 section 3.1.4)."""
    return wire.NOTAUTH if opcode == wire.OP_NOTIFY else wire.NOTIMP


def _to_question(query: wire.Query, service: Service, now: int) -> _Reply:
    if query.qclass != wire.IN:
        return _Reply(rcode=wire.REFUSED, ede=(wire.EDE_NOT_AUTHORITATIVE, "only class IN is served"))
    name = query.name.lower()
    found = service.zones.find(name, query.starts)
    if found is None:
        return _Reply(rcode=wire.REFUSED, ede=(wire.EDE_NOT_AUTHORITATIVE, "not a zone of this server"))
    zone, start = found
    if zone.expired(now):
        return _Reply(rcode=wire.SERVFAIL, ede=(wire.EDE_NOT_READY, "the list is out of date"))
    if query.qtype in (wire.AXFR, wire.IXFR):
        return _Reply(rcode=wire.REFUSED, ede=(wire.EDE_PROHIBITED, "no transfers"))
    labels = [
        name[at + 1 : end] for at, end in zip(query.starts, query.starts[1:], strict=False) if at < start
    ]
    return _in_zone(query.qtype, labels, zone, start)


def _in_zone(qtype: int, labels: list[bytes], zone: Zone, start: int) -> _Reply:
    """Answer from the zone; the rcode depends on the name alone, never on the type (RFC 8020, RFC 2308)."""
    authority = ((_POINTER | wire.HEADER_LEN + start).to_bytes(2) + zone.negative,)
    place = place_of(labels)
    answers: tuple[bytes, ...] = ()
    exists = place.exists
    if place.address is not None:
        value = zone.snapshot.lookup(place.address)
        if value is not None:
            exists = True
            if qtype in (wire.A, wire.ANY):
                answers = (_record(wire.A, value.a),)
            elif qtype == wire.TXT:
                text = value.text_for(place.address).encode()
                answers = (_record(wire.TXT, bytes((len(text),)) + text),)
    elif not labels:
        if qtype == wire.NS:
            answers = tuple(_record(wire.NS, data) for data in zone.ns)
        elif qtype in (wire.SOA, wire.ANY):
            answers = (_record(wire.SOA, zone.soa),)
    return _Reply(
        rcode=wire.NOERROR if exists else wire.NXDOMAIN,
        aa=True,
        answers=answers,
        authority=() if answers else authority,
    )


def _record(kind: int, data: bytes) -> bytes:
    return _TO_QNAME + wire.RECORD.pack(kind, wire.IN, TTL, len(data)) + data


def _message(
    query: wire.Query, reply: _Reply, service: Service, *, client: bytes, tcp: bool, now: int
) -> bytes:
    edns = query.edns
    limit = wire.UDP_PLAIN if edns is None else max(wire.UDP_PLAIN, min(edns.payload, wire.UDP_PAYLOAD))
    opt = b"" if edns is None else _opt(edns, reply, service, client=client, tcp=tcp, now=now)
    body = b"".join((*reply.answers, *reply.authority))
    counts = (len(reply.answers), len(reply.authority))
    flags = wire.QR | query.flags & (wire.OPCODE | wire.RD) | (wire.AA if reply.aa else 0) | reply.rcode & 0xF
    question = query.question
    if not tcp and wire.HEADER_LEN + len(question) + len(body) + len(opt) > limit:
        # Whole RRsets or nothing, and OPT stays (RFC 2181 section 9, RFC 6891 section 7).
        flags |= wire.TC
        body, counts = b"", (0, 0)
    header = wire.HEADER.pack(query.ident, flags, 1 if question else 0, *counts, 1 if opt else 0)
    return header + question + body + opt


def _opt(edns: wire.Edns, reply: _Reply, service: Service, *, client: bytes, tcp: bool, now: int) -> bytes:
    """Return our OPT record: cookie, keepalive over TCP, reason; never an option that we do not know."""
    options = b""
    cookie = edns.option(wire.OPT_COOKIE)
    if cookie is not None and service.cookies is not None and legal(cookie):
        mine = service.cookies.reply(cookie, client, now)
        options += wire.PAIR.pack(wire.OPT_COOKIE, len(mine)) + mine
    if tcp and edns.option(wire.OPT_KEEPALIVE) is not None:
        options += wire.PAIR.pack(wire.OPT_KEEPALIVE, 2) + (service.keepalive_s * 10).to_bytes(2)
    if reply.ede is not None:
        code, text = reply.ede
        why = code.to_bytes(2) + text.encode()
        options += wire.PAIR.pack(wire.OPT_EDE, len(why)) + why
    extended = reply.rcode >> 4 << 24 | (wire.DO if edns.do else 0)
    return b"\0" + wire.RECORD.pack(wire.OPT, wire.UDP_PAYLOAD, extended, len(options)) + options
