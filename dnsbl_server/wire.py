"""DNS messages as bytes: offsets, flags, codes, and the one bounded parser of queries.

It reads untrusted bytes and promises: never a recursion, never more steps than there are bytes, either a
`Query` or `Malformed`. Compression pointers are refused in the question, where no message needs them, and
are stepped over, never followed, elsewhere (RFC 9267 section 2 tells what following them has cost others).
"""

import dataclasses
import struct
from typing import Final

HEADER: Final = struct.Struct(">HHHHHH")
"""ID, flags, and the counts of question, answer, authority, additional (RFC 1035 section 4.1.1)."""
HEADER_LEN: Final = 12
RECORD: Final = struct.Struct(">HHIH")
"""Type, class, TTL, length of the data: what follows an owner name (RFC 1035 section 4.1.3)."""
PAIR: Final = struct.Struct(">HH")

QR: Final = 0x8000
AA: Final = 0x0400
TC: Final = 0x0200
RD: Final = 0x0100
OPCODE: Final = 0x7800
DO: Final = 0x8000
"""In the flags of OPT (RFC 3225 section 3)."""

OP_QUERY: Final = 0
OP_NOTIFY: Final = 4

NOERROR: Final = 0
FORMERR: Final = 1
SERVFAIL: Final = 2
NXDOMAIN: Final = 3
NOTIMP: Final = 4
REFUSED: Final = 5
NOTAUTH: Final = 9
BADVERS: Final = 16

A: Final = 1
NS: Final = 2
SOA: Final = 6
TXT: Final = 16
OPT: Final = 41
TSIG: Final = 250
IXFR: Final = 251
AXFR: Final = 252
ANY: Final = 255

IN: Final = 1

OPT_COOKIE: Final = 10
OPT_KEEPALIVE: Final = 11
OPT_EDE: Final = 15

EDE_NOT_READY: Final = 14
EDE_PROHIBITED: Final = 18
EDE_NOT_AUTHORITATIVE: Final = 20

UDP_PAYLOAD: Final = 1232
"""What we announce and never exceed: fits an unfragmented IPv6 packet (DNS flag day 2020)."""
UDP_PLAIN: Final = 512
"""The limit where the client has not sent OPT (RFC 1035 section 4.2.1)."""

MAX_NAME: Final = 255
_MAX_LABEL: Final = 63
_POINTER: Final = 0xC0


class Malformed(Exception):  # noqa: N818 - a finding about the sender, not an error of ours
    """The message is not one that RFC 1035 or RFC 6891 describes; to be answered FORMERR."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Edns:
    """The OPT record of a query (RFC 6891 section 6.1). options: (code, data) in order."""

    payload: int
    version: int
    do: bool
    options: tuple[tuple[int, bytes], ...]

    def option(self, code: int) -> bytes | None:
        """Return the data of the first option with `code`, or None."""
        return next((data for found, data in self.options if found == code), None)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A readable query.

    flags: the second header word. name: question name as it came, on the wire, empty when there is no
    question. starts: where each of its labels begins, the root included. edns: None without OPT.
    tsig_at: where the TSIG record begins, 0 without. records_at: where what follows the question begins.
    """

    ident: int
    flags: int
    name: bytes
    starts: tuple[int, ...]
    qtype: int
    qclass: int
    edns: Edns | None
    tsig_at: int = 0
    records_at: int = HEADER_LEN

    @property
    def opcode(self) -> int:
        """What is asked for (RFC 1035 section 4.1.1)."""
        return (self.flags & OPCODE) >> 11

    @property
    def question(self) -> bytes:
        """The question section, to be echoed byte by byte."""
        return self.name + PAIR.pack(self.qtype, self.qclass) if self.name else b""


def parse_query(data: bytes) -> Query:
    """Return the query in `data`, at least 12 bytes; raises `Malformed`.

    Refuses more than one question (RFC 9619), labels of unknown kinds, names over 255 bytes, records that
    do not fit, a second OPT or one with a name, and bytes behind the end. No question is left to the
    caller: it is legal with a cookie (RFC 7873 section 5.4).
    """
    ident, flags, questions, answers, authorities, additionals = HEADER.unpack_from(data)
    if questions > 1:
        raise Malformed
    name, qtype, qclass = b"", 0, 0
    starts: tuple[int, ...] = (0,)
    at = HEADER_LEN
    if questions:
        starts, at = _question_name(data)
        name = data[HEADER_LEN:at]
        if at + PAIR.size > len(data):
            raise Malformed
        qtype, qclass = PAIR.unpack_from(data, at)
        at += PAIR.size
    records_at = at
    for _ in range(answers + authorities):
        at = record_end(data, skip_name(data, at))
    edns, tsig_at, at = _additional(data, at, additionals)
    if at != len(data):
        raise Malformed
    return Query(
        ident=ident, flags=flags, name=name, starts=starts, qtype=qtype, qclass=qclass, edns=edns,
        tsig_at=tsig_at, records_at=records_at,
    )  # fmt: skip


def _question_name(data: bytes) -> tuple[tuple[int, ...], int]:
    """Return where the labels begin, counted from the name, and where the name ends in `data`."""
    starts = []
    at = HEADER_LEN
    while True:
        if at >= len(data):
            raise Malformed
        starts.append(at - HEADER_LEN)
        length = data[at]
        at += 1
        if not length:
            break
        if length > _MAX_LABEL:
            raise Malformed
        at += length
    if at - HEADER_LEN > MAX_NAME or at > len(data):
        raise Malformed
    return tuple(starts), at


def skip_name(data: bytes, at: int) -> int:
    """Return where the name at `at` ends; a pointer ends it and is not followed."""
    while at < len(data):
        length = data[at]
        if not length:
            return at + 1
        if length >= _POINTER:
            return at + 2
        if length > _MAX_LABEL:
            break
        at += 1 + length
    raise Malformed


def record_end(data: bytes, at: int) -> int:
    """Return where the record ends whose fixed part begins at `at`."""
    if at + RECORD.size > len(data):
        raise Malformed
    end = at + RECORD.size + RECORD.unpack_from(data, at)[3]
    if end > len(data):
        raise Malformed
    return int(end)


def _additional(data: bytes, at: int, count: int) -> tuple[Edns | None, int, int]:
    """Walk the additional section; return its OPT, wherever in it, where its TSIG begins, and its end."""
    edns = None
    signed = 0
    for _ in range(count):
        owner = at
        at = skip_name(data, at)
        end = record_end(data, at)
        kind, payload, extended, _ = RECORD.unpack_from(data, at)
        if signed:
            raise Malformed  # TSIG must be the last record (RFC 8945 section 5.1)
        signed = owner if kind == TSIG else 0
        if kind == OPT:
            if edns is not None or data[owner]:
                raise Malformed
            edns = Edns(
                payload=payload,
                version=extended >> 16 & 0xFF,
                do=bool(extended & DO),
                options=_options(data[at + RECORD.size : end]),
            )
        at = end
    return edns, signed, at


def _options(data: bytes) -> tuple[tuple[int, bytes], ...]:
    options = []
    at = 0
    while at < len(data):
        if at + PAIR.size > len(data):
            raise Malformed
        code, length = PAIR.unpack_from(data, at)
        at += PAIR.size
        if at + length > len(data):
            raise Malformed
        options.append((code, data[at : at + length]))
        at += length
    return tuple(options)
