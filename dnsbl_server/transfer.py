"""Zone transfers: AXFR and IXFR by TCP, message by message, of one list however long they take.

AXFR (RFC 5936): SOA, everything, SOA, in messages of many records. IXFR (RFC 1995): what the history knows
of the way from the client's serial, else a whole zone. Every message has the question, so that owners end
in a pointer to it, and its signature where the request was signed.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from dnsbl_server import tsig, wire
from dnsbl_server.history import Head, chain, entry_of, pieces
from dnsbl_server.metrics import CURRENT, STEPS, WHOLE
from dnsbl_server.service import Note, Service
from dnsbl_server.zone import TTL, Zone

History = Callable[[int], memoryview | bytes]
"""The log of the zone with this number."""

_LONGEST: Final = 60_000
"""Bytes of a message: within 64 KiB, with room for question and signature."""
_TO_QNAME: Final = b"\xc0\x0c"
_SERIAL_AT: Final = -20
"""Where the serial stands in SOA data, from its end (RFC 1035 section 3.3.13)."""
_QTYPES: Final = (wire.AXFR.to_bytes(2) + b"\0\1", wire.IXFR.to_bytes(2) + b"\0\1")

Piece = tuple[bytes, int]
"""Records, and how many."""


def begin(
    data: bytes,
    service: Service,
    history: History,
    *,
    client: bytes,
    clock: Callable[[], float],
    note: Note | None = None,
) -> Iterator[bytes] | None:
    """Return the messages of the transfer that `data` asks for, or None when it is no allowed transfer.

    Then the general path says what is wrong. Messages are made as they are taken, and all of them of the
    list that is served at this moment. clock: unix time, for signatures. note: filled for whoever counts.
    """
    if _QTYPES[0] not in data and _QTYPES[1] not in data:
        return None
    now = int(clock())
    try:
        query = wire.parse_query(data)
        checked = tsig.check(data, query.tsig_at, service.keys, now) if query.tsig_at else None
        zone = service.zones.by_apex.get(query.name.lower())
        key = checked.key if checked else None
        if (
            query.flags & (wire.QR | wire.OPCODE)
            or query.qtype not in (wire.AXFR, wire.IXFR)
            or query.qclass != wire.IN
            or zone is None
            or zone.expired(now)
            or (checked is not None and checked.error)
            or (query.edns is not None and query.edns.version)
            or not service.access.may_transfer(client, key.name if key else None)
        ):
            return None
        serial = _serial(data, query) if query.qtype == wire.IXFR else None
    except wire.Malformed:
        return None
    signer = tsig.Signer(key, checked.signature.mac) if checked and key else None
    log = history(zone.number) if serial is not None else b""
    note = note or Note()
    note.zone, note.qtype = zone.number, query.qtype
    note.transfer, content = _content(zone, serial, log)
    return _messages(query, content, signer, clock)


def _serial(data: bytes, query: wire.Query) -> int:
    """Return the serial in the authority section of an IXFR query (RFC 1995 section 3)."""
    _, _, _, answers, authorities, _ = wire.HEADER.unpack_from(data)
    if answers or authorities != 1:
        raise wire.Malformed
    at = wire.skip_name(data, query.records_at)
    end = wire.record_end(data, at)
    kind = wire.RECORD.unpack_from(data, at)[0]
    if kind != wire.SOA or end - at < wire.RECORD.size - _SERIAL_AT:
        raise wire.Malformed
    return int.from_bytes(data[end + _SERIAL_AT : end + _SERIAL_AT + 4])


def _content(zone: Zone, serial: int | None, log: memoryview | bytes) -> tuple[str, Iterator[Piece]]:
    """Return the kind and the records of the answer; serial: what the client has, None = it wants all."""
    soa = _soa(zone, zone.snapshot.serial)
    if serial is not None:
        ahead = (serial - zone.snapshot.serial) & 0xFFFFFFFF
        if ahead < 1 << 31:
            # Current, or ahead of us (a secondary never goes back): one SOA says so (RFC 1995 section 2).
            return CURRENT, iter(((soa, 1),))
        steps = chain(log, zone.snapshot.meta, serial)
        size = sum(each.n_left + each.n_came for each in steps)
        if steps and size < max(1000, len(zone.snapshot.v4_bound) + len(zone.snapshot.v6_hi)):
            return STEPS, _increments(zone, soa, log, steps)
    return WHOLE, _whole(zone, soa)


def _whole(zone: Zone, soa: bytes) -> Iterator[Piece]:
    yield soa, 1
    for data in zone.ns:
        yield _TO_QNAME + wire.RECORD.pack(wire.NS, wire.IN, TTL, len(data)) + data, 1
    for run in zone.snapshot.ranges():
        for piece in pieces(run):
            yield piece, 2
    yield soa, 1


def _increments(zone: Zone, soa: bytes, log: memoryview | bytes, steps: Iterable[Head]) -> Iterator[Piece]:
    yield soa, 1
    for head in steps:
        each = entry_of(log, head)
        yield _soa(zone, each.old), 1
        yield from ((piece, 2) for piece in each.left)
        yield _soa(zone, each.new), 1
        yield from ((piece, 2) for piece in each.came)
    yield soa, 1


def _soa(zone: Zone, serial: int) -> bytes:
    data = zone.soa[:_SERIAL_AT] + serial.to_bytes(4) + zone.soa[_SERIAL_AT + 4 :]
    return _TO_QNAME + wire.RECORD.pack(wire.SOA, wire.IN, TTL, len(data)) + data


def _messages(
    query: wire.Query, content: Iterator[Piece], signer: tsig.Signer | None, clock: Callable[[], float]
) -> Iterator[bytes]:
    flags = wire.QR | wire.AA | query.flags & wire.RD
    opt = b""
    if query.edns is not None:
        opt = b"\0" + wire.RECORD.pack(wire.OPT, wire.UDP_PAYLOAD, wire.DO if query.edns.do else 0, 0)
    room = _LONGEST - len(query.question) - len(opt)
    parts: list[bytes] = []
    size = count = 0
    for piece, records in content:
        if size + len(piece) > room:
            yield _message(query, flags, parts, count, opt, signer, clock)
            parts, size, count = [], 0, 0
        parts.append(piece)
        size += len(piece)
        count += records
    yield _message(query, flags, parts, count, opt, signer, clock)


def _message(
    query: wire.Query,
    flags: int,
    parts: list[bytes],
    count: int,
    opt: bytes,
    signer: tsig.Signer | None,
    clock: Callable[[], float],
) -> bytes:
    header = wire.HEADER.pack(query.ident, flags, 1, count, 0, 1 if opt else 0)
    message = header + query.question + b"".join(parts) + opt
    return signer.sign(message, int(clock())) if signer else message
