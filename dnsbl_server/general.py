"""The general path: any datagram to its answer, one clear step after the other.

It defines what is right; the fast path must agree with it byte for byte. dnslib packs the data of the
apex records, once per zone. It does not parse here: it raises RecursionError and DNSLabelError
on crafted queries, and neither is a DNSError (dnsbl-serving.md 4).
"""

import dataclasses
from typing import Final

import dnslib
from dnslib.label import DNSBuffer, DNSLabel

from dnsbl_server import tsig, wire
from dnsbl_server.blocks import EVERYWHERE, Blocks
from dnsbl_server.cookies import CLIENT_LEN, legal, stamp
from dnsbl_server.qname import place_of, wrong_use
from dnsbl_server.service import Note, Service
from dnsbl_server.zone import EXPIRE_S, NEGATIVE_TTL, REFRESH_S, RETRY_S, TTL, Zone
from feed.snapshot.format import Meta
from feed.snapshot.reader import Snapshot

_TO_QNAME: Final = b"\xc0\x0c"
"""Pointer to the question name: keeps its case (draft dns0x20), and never depends on it."""
_POINTER: Final = 0xC000
FRESHNESS: Final = b"_freshness"
"""`_freshness.<zone>` TXT says which list is served and how old it is."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    """An answer before packing. records: without header; counts: of answer and authority."""

    rcode: int
    aa: bool = False
    answers: tuple[bytes, ...] = ()
    authority: tuple[bytes, ...] = ()
    ede: tuple[int, str] | None = None


def zone_of(snapshot: Snapshot, blocks: Blocks = EVERYWHERE, *, number: int = 0) -> Zone:
    """Return the zone of `snapshot` with its apex records packed. blocks, number: as in `Zone`."""
    meta = snapshot.meta
    ns = tuple(_packed(dnslib.NS(name)) for name in meta.ns)
    return Zone.of(snapshot, soa=_soa(meta), ns=ns, blocks=blocks, number=number)


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


def answer(
    data: bytes, service: Service, *, client: bytes, tcp: bool, now: int, note: Note | None = None
) -> bytes | None:
    """Return the answer to one message, or None to stay silent; never raises.

    client: packed address of the sender, for its cookie. now: unix seconds. note: filled for whoever
    counts. Silent to what is shorter than a header, and to responses: answering those starts loops
    (RFC 1035 section 7.3).
    """
    if len(data) < wire.HEADER_LEN or data[2] & 0x80:
        return None
    note = note or Note()
    try:
        query = wire.parse_query(data)
        checked = tsig.check(data, query.tsig_at, service.keys, now) if query.tsig_at else None
    except wire.Malformed:
        opcode = (data[2] & 0x78) >> 3
        return bare(data, wire.FORMERR if opcode == wire.OP_QUERY else _turned_down(opcode))
    note.qtype = query.qtype
    if checked is not None and checked.error:
        reply = _Reply(rcode=wire.NOTAUTH)
        message = _message(query, reply, service, client=client, tcp=tcp, now=now)
        return tsig.refused(message, checked, now)
    signer = tsig.Signer(checked.key, checked.signature.mac) if checked and checked.key else None
    reply = _to_query(query, service, client=client, tcp=tcp, now=now, key=_key(checked), note=note)
    room = signer.room if signer else 0
    message = _message(query, reply, service, client=client, tcp=tcp, now=now, reserved=room)
    return signer.sign(message, now) if signer else message


def _key(checked: tsig.Checked | None) -> bytes | None:
    return checked.key.name if checked and checked.key else None


def _to_query(
    query: wire.Query, service: Service, *, client: bytes, tcp: bool, now: int, key: bytes | None, note: Note
) -> _Reply:
    edns = query.edns
    cookie = edns.option(wire.OPT_COOKIE) if edns else None
    if query.opcode != wire.OP_QUERY:
        return _Reply(rcode=_turned_down(query.opcode))
    if cookie is not None and not legal(cookie):
        return _Reply(rcode=wire.FORMERR)
    if edns is not None and edns.version:
        return _Reply(rcode=wire.BADVERS)
    if cookie is not None and service.cookies is not None:
        note.trusted = len(cookie) > CLIENT_LEN and service.cookies.valid(cookie, client, now)
    if not query.name:
        # Asking for a cookie alone is the one query without a question (RFC 7873 section 5.4).
        return _Reply(rcode=wire.FORMERR if cookie is None or service.cookies is None else wire.NOERROR)
    return _to_question(query, service, client=client, tcp=tcp, now=now, key=key, note=note)


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


def _to_question(
    query: wire.Query, service: Service, *, client: bytes, tcp: bool, now: int, key: bytes | None, note: Note
) -> _Reply:
    if query.qclass != wire.IN:
        return _Reply(rcode=wire.REFUSED, ede=(wire.EDE_NOT_AUTHORITATIVE, "only class IN is served"))
    name = query.name.lower()
    found = service.zones.find(name, query.starts)
    if found is None:
        return _Reply(rcode=wire.REFUSED, ede=(wire.EDE_NOT_AUTHORITATIVE, "not a zone of this server"))
    zone, start = found
    note.zone = zone.number
    if zone.expired(now):
        return _Reply(rcode=wire.SERVFAIL, ede=(wire.EDE_NOT_READY, "the list is out of date"))
    labels = [
        name[at + 1 : end] for at, end in zip(query.starts, query.starts[1:], strict=False) if at < start
    ]
    if query.qtype in (wire.AXFR, wire.IXFR):
        return _transfer(query, service, zone, labels, client=client, tcp=tcp, key=key, note=note)
    access = service.access
    keyed = False
    if access.limited and labels:
        if labels[-1] in access.labels:
            note.client = access.labels[labels.pop()]
            keyed = True
        else:
            number = access.client_number(client)
            if number is None:
                note.refused = True
                why = (wire.EDE_PROHIBITED, "not open to this client")
                return _Reply(rcode=wire.REFUSED, ede=why)
            note.client = number
    return _in_zone(query.qtype, labels, zone, start, now=now, apex=not (labels or keyed), note=note)


def _transfer(
    query: wire.Query,
    service: Service,
    zone: Zone,
    labels: list[bytes],
    *,
    client: bytes,
    tcp: bool,
    key: bytes | None,
    note: Note,
) -> _Reply:
    """Answer a transfer query that is none: refused, by UDP, or for a name that is no zone.

    By UDP an allowed IXFR gets the one SOA that says "ask by TCP" (RFC 1995 section 2), and AXFR, which
    does not exist there, FORMERR (RFC 5936 section 4.2).
    """
    if labels or not service.access.may_transfer(client, key):
        note.refused = True
        return _Reply(rcode=wire.REFUSED, ede=(wire.EDE_PROHIBITED, "no transfers"))
    if tcp or query.qtype == wire.AXFR:
        return _Reply(rcode=wire.FORMERR)
    return _Reply(rcode=wire.NOERROR, aa=True, answers=(_record(wire.SOA, zone.soa),))


def _in_zone(
    qtype: int, labels: list[bytes], zone: Zone, start: int, *, now: int, apex: bool, note: Note
) -> _Reply:
    """Answer from the zone; the rcode depends on the name alone, never on the type (RFC 8020, RFC 2308).

    apex: the name is the zone's own, not that of a key below it, which exists and has nothing.
    """
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
                answers = (_text(value.text_for(place.address)),)
    elif apex:
        answers = _at_apex(qtype, zone)
    elif labels == [FRESHNESS]:
        exists = True
        if qtype in (wire.TXT, wire.ANY):
            answers = (_text(freshness(zone.snapshot.meta, now), ttl=0),)
    elif not exists:
        note.wrong = wrong_use(labels)
    return _Reply(
        rcode=wire.NOERROR if exists else wire.NXDOMAIN,
        aa=True,
        answers=answers,
        authority=() if answers else authority,
    )


def _at_apex(qtype: int, zone: Zone) -> tuple[bytes, ...]:
    if qtype == wire.NS:
        return tuple(_record(wire.NS, data) for data in zone.ns)
    return (_record(wire.SOA, zone.soa),) if qtype in (wire.SOA, wire.ANY) else ()


def freshness(meta: Meta, now: int) -> str:
    """Return the text at `_freshness`: seconds, as `date +%s` gives them."""
    return (
        f"serial={meta.serial} created={meta.created_at} age={max(0, now - meta.created_at)} "
        f"refresh={meta.refresh_by} expire={meta.expire_at}"
    )


def _text(text: str, *, ttl: int = TTL) -> bytes:
    data = text.encode()
    return _record(wire.TXT, bytes((len(data),)) + data, ttl=ttl)


def _record(kind: int, data: bytes, *, ttl: int = TTL) -> bytes:
    return _TO_QNAME + wire.RECORD.pack(kind, wire.IN, ttl, len(data)) + data


def _message(
    query: wire.Query,
    reply: _Reply,
    service: Service,
    *,
    client: bytes,
    tcp: bool,
    now: int,
    reserved: int = 0,
) -> bytes:
    """Return the message. reserved: bytes for a signature that will follow."""
    edns = query.edns
    limit = wire.UDP_PLAIN if edns is None else max(wire.UDP_PLAIN, min(edns.payload, wire.UDP_PAYLOAD))
    opt = b"" if edns is None else _opt(edns, reply, service, client=client, tcp=tcp, now=now)
    body = b"".join((*reply.answers, *reply.authority))
    counts = (len(reply.answers), len(reply.authority))
    flags = wire.QR | query.flags & (wire.OPCODE | wire.RD) | (wire.AA if reply.aa else 0) | reply.rcode & 0xF
    question = query.question
    if not tcp and wire.HEADER_LEN + len(question) + len(body) + len(opt) + reserved > limit:
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
        mine = service.cookies.reply(cookie, client, stamp(now))
        options += wire.PAIR.pack(wire.OPT_COOKIE, len(mine)) + mine
    if tcp and edns.option(wire.OPT_KEEPALIVE) is not None:
        options += wire.PAIR.pack(wire.OPT_KEEPALIVE, 2) + (service.keepalive_s * 10).to_bytes(2)
    if reply.ede is not None:
        code, text = reply.ede
        why = code.to_bytes(2) + text.encode()
        options += wire.PAIR.pack(wire.OPT_EDE, len(why)) + why
    extended = reply.rcode >> 4 << 24 | (wire.DO if edns.do else 0)
    return b"\0" + wire.RECORD.pack(wire.OPT, wire.UDP_PAYLOAD, extended, len(options)) + options
