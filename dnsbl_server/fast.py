"""The fast path: a batch of datagrams answered from their shapes, byte for byte as the general path would.

A shape is a datagram with every digit made one digit and every letter lower case. Whatever has the shape
of a query that the strict parser has accepted is that query but for its digits: flags, counts, label
lengths, zone, type, class and OPT are checked by one look-up, which also gives the answer's header and a
tail that is never copied. What is left is the address (engineering.md, "DNS processes" 6, shape cache).

Folding folds binary fields too, so a shape is learned only where no byte of them could be folded. A zone
with digits, or with a label of 48 to 57 bytes, is compared once more. Nothing here ever guesses: a query
without a shape is left to the general path, and may teach its shape on the way.
"""

import ctypes
import dataclasses
import mmap
import struct
from bisect import bisect_right
from collections.abc import Callable, Sequence
from socket import AF_INET, inet_pton
from typing import Final

from dnsbl_server import wire
from dnsbl_server.cookies import Cookies
from dnsbl_server.metrics import inner
from dnsbl_server.qname import place_of
from dnsbl_server.service import Service
from dnsbl_server.zone import BLOCK_SHIFT, TTL, Zone

SLOTS: Final = 64
STRIDE: Final = 80
"""Bytes of a slot, all folded in one go: enough for an IPv4 query with EDNS. What is longer runs over into
the slot's extra room, and is folded by itself."""
EXTRA: Final = 1536
"""Room of a slot for the rest of a long datagram, and then for an answer that is made for it alone."""
VECTORS: Final = 32
"""Bytes of the two scatter vectors of an answer: where and how long (the question, the tail)."""

_FOLD: Final = bytes.maketrans(
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"0000000000abcdefghijklmnopqrstuvwxyz"
)
_DOTS: Final = bytes.maketrans(b"\1\2\3", b"...")
_FOLDED: Final = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_DIGITS: Final = frozenset(b"0123456789")
_LONGEST: Final = 512
"""Bytes of a query that may have a shape; the longest real ones have some 350."""
_SHAPES: Final = 4096
"""Shapes that are kept; real traffic has some tens, and made-up payload sizes must not fill the memory."""
_VECTOR: Final = struct.Struct("<QQQ")
_HEAD: Final = struct.Struct(">HHHHH")
_COUNTS: Final = (b"\0\1\0\0\0\0\0\0", b"\0\1\0\0\0\0\0\1")
_NAME_AT: Final = wire.HEADER_LEN + 1
_V6_END: Final = wire.HEADER_LEN + 64
_V6_LENGTHS: Final = b"\1" * 32
_COOKIES: Final = (8, 24)
"""Lengths of the cookies that are read here: of a client alone, and with ours."""
_WHOLE_COOKIE: Final = 24
_NIBBLE_NAME: Final = 8
"""Wire length of four one-digit labels, which may also begin an IPv6 address."""
_TO_QNAME: Final = b"\xc0\x0c"

# Slot, where it begins, its key and its name begin, where its answer's header and vectors are written.
_PLACES: Final = tuple(
    (
        slot,
        slot * STRIDE,
        slot * STRIDE + 2,
        slot * STRIDE + _NAME_AT,
        slice(slot * STRIDE + 2, slot * STRIDE + wire.HEADER_LEN),
        slice(slot * VECTORS + 8, slot * VECTORS + VECTORS),
    )
    for slot in range(SLOTS)
)

_Out = tuple[bytes, bytes, int] | None
"""Ten bytes of header after the ID, the tail or the vectors of question and tail, and the mark for whoever
counts; None = general."""
_UNMARKED: Final = bytes(SLOTS)
_MARKS: Final = 255
_Plain = tuple[int, memoryview | None, memoryview, list[int], memoryview, tuple[_Out, ...]]
"""End of the address, blocks and columns of the IPv4 table, and what to send for each value number."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Plan:
    """What a shape means. length: of the datagram. cookie: bytes of it, at the end of the datagram.

    made: header and tail by value number; our cookie follows the tail. exact: whether the zone's name must
    be compared, since digits in it were folded.
    """

    zone: Zone
    length: int
    name_end: int
    question_end: int
    v6: bool
    made: tuple[_Out, ...]
    cookie: int
    exact: bool


class Slots:
    """The memory of a batch: where datagrams are received and answers stand. Knows no sockets.

    buffer: SLOTS datagrams of STRIDE bytes, then SLOTS extra rooms. vectors: of each answer, 32 bytes, of
    which the first eight (where the datagram is) never change.
    """

    def __init__(self) -> None:
        """Make the memory; it is anonymous, so that its pages are small and ours alone."""
        self.buffer: Final = mmap.mmap(-1, SLOTS * (STRIDE + EXTRA))
        self.address: Final = ctypes.addressof(ctypes.c_char.from_buffer(self.buffer))
        self.vectors: Final = mmap.mmap(-1, SLOTS * VECTORS)
        for slot in range(SLOTS):
            self.vectors[slot * VECTORS : slot * VECTORS + 8] = struct.pack(
                "<Q", self.address + slot * STRIDE
            )

    def room(self, slot: int) -> int:
        """Return where the extra room of a slot is in `buffer`."""
        return SLOTS * STRIDE + slot * EXTRA

    def datagram(self, slot: int, length: int) -> bytes:
        """Return the datagram in a slot, with what ran over."""
        at = slot * STRIDE
        data = self.buffer[at : at + min(length, STRIDE)]
        if length > STRIDE:
            data += self.buffer[self.room(slot) : self.room(slot) + length - STRIDE]
        return data

    def put(self, slot: int, reply: bytes) -> None:
        """Make `reply` the answer of a slot."""
        extra = self.room(slot)
        self.buffer[extra : extra + len(reply)] = reply
        vector = _VECTOR.pack(0, self.address + extra, len(reply))
        self.vectors[slot * VECTORS + 8 : slot * VECTORS + VECTORS] = vector

    def reply(self, slot: int) -> bytes:
        """Return the answer of a slot as it will be sent."""
        pieces = struct.unpack_from("<QQQQ", self.vectors, slot * VECTORS)
        return b"".join(ctypes.string_at(pieces[n], pieces[n + 1]) for n in (0, 2))


class Fast:
    """The shapes of one generation of zones, and the batch loop.

    After a change of zones a new one is made, so no answer mixes two generations. marks: of the answers of
    the last batch, by slot, 0 = none. meaning: mark to (place among the counters, rcode). trusted: slots of
    the last batch whose query had a cookie of ours, where `watch_cookies` asks to know.
    """

    def __init__(self, service: Service, slots: Slots, *, watch_cookies: bool = False) -> None:
        """Begin without shapes."""
        self.service: Final = service
        self._slots = slots
        self.marks: Final = bytearray(SLOTS)
        self.meaning: Final[list[tuple[int, int]]] = [(0, 0)]
        self.trusted: Final[set[int]] = set()
        self._watch_cookies = watch_cookies
        self._plain: dict[bytes, _Plain] = {}
        self._plans: dict[bytes, _Plan] = {}
        self._starts: dict[bytes, list[int]] = {}
        self._tails: dict[bytes, tuple[ctypes.Array[ctypes.c_char], int]] = {}
        zones = service.zones.by_apex
        usable = not any(_hidden(inner, outer) for inner in zones for outer in zones)
        self._until = (
            min((zone.snapshot.meta.expire_at for zone in zones.values()), default=0) if usable else 0
        )

    def answer(self, lengths: Sequence[int], client: Callable[[int], bytes], now: int) -> list[int]:
        """Answer what stands in the slots, as many as there are lengths; return the slots left over.

        client: gives the packed address of the sender of a slot, for its cookie. A slot left over is one
        that the general path must look at; its datagram is untouched.
        """
        marks = self.marks
        marks[:] = _UNMARKED
        if now >= self._until:
            return list(range(len(lengths)))
        slots = self._slots
        buffer, vectors = slots.buffer, slots.vectors
        raw = buffer[: len(lengths) * STRIDE]
        folded = raw.translate(_FOLD)
        text = raw.translate(_DOTS).decode("latin-1")
        find, number_of, family, block_shift = self._plain.get, int.from_bytes, AF_INET, BLOCK_SHIFT
        left: list[int] = []
        for (slot, at, key_at, name_at, head, vector), length in zip(_PLACES, lengths, strict=False):
            plan = find(folded[key_at : at + length])
            if plan is not None:
                name_end, blocks, bound, start, value, out = plan
                try:
                    # The name has the octets backwards, and so does a little-endian integer.
                    number = number_of(inet_pton(family, text[name_at : at + name_end]), "little")
                except OSError:
                    left.append(slot)  # leading zeros, or an octet beyond 255
                else:
                    if blocks is None or blocks[number >> block_shift]:
                        high = number >> 16
                        at_most = start[high + 1] + 1
                        answer = out[value[bisect_right(bound, number, start[high], at_most) - 1]]
                    else:
                        answer = out[0]
                    if answer is None:
                        left.append(slot)
                    else:
                        buffer[head], vectors[vector], marks[slot] = answer
            elif not self._other(slot, length, client, now):
                left.append(slot)
        return left

    def _other(self, slot: int, length: int, client: Callable[[int], bytes], now: int) -> bool:
        """Answer a query with a cookie, an IPv6 one, or one in a zone with digits; learn new shapes."""
        if not wire.HEADER_LEN < length <= _LONGEST:
            return False
        slots = self._slots
        data = slots.datagram(slot, length)
        shape = data.translate(_FOLD)
        plan = self._plan_of(data, shape) or self._learn(data, shape)
        address = None if plan is None else _address(data, plan)
        made = None if plan is None or address is None else plan.made[plan.zone.snapshot.index(address)]
        if plan is None or made is None:
            return False
        head, tail, self.marks[slot] = made
        cookies = self.service.cookies
        if plan.cookie and cookies is not None:
            option = data[length - plan.cookie :]
            tail += cookies.reply(option, client(slot), now)
            if self._watch_cookies and cookies.valid(option, client(slot), now):
                self.trusted.add(slot)
        slots.put(slot, data[:2] + head + data[wire.HEADER_LEN : plan.question_end] + tail)
        return True

    def _plan_of(self, data: bytes, shape: bytes) -> _Plan | None:
        """Return the plan of a shape; the bytes of a cookie, of either length, are no part of it."""
        for name in (2, _V6_END) if data[12:_V6_END:2] == _V6_LENGTHS else (2,):
            for cookie in (0, *_COOKIES):
                plan = self._plans.get(_key(shape, name, cookie))
                if plan is not None and plan.length == len(data) and plan.cookie == cookie:
                    return plan
        return None

    def _learn(self, data: bytes, shape: bytes) -> _Plan | None:
        """Return the plan of a query that the strict parser takes, if it is one for this path."""
        try:
            query = wire.parse_query(data)
        except wire.Malformed:
            return None
        cookie = _cookie_of(query)
        found = self.service.zones.find(query.name.lower(), query.starts)
        if cookie is None or found is None or data[4:12] != _COUNTS[query.edns is not None]:
            return None
        question_end = wire.HEADER_LEN + len(query.question)
        binary = data[2:12] + data[question_end - 4 : len(data) - cookie]
        if not _FOLDED.isdisjoint(binary):
            return None
        zone, start = found
        name = query.name.lower()
        labels = [name[a + 1 : b] for a, b in zip(query.starts, query.starts[1:], strict=False) if a < start]
        if place_of(labels).address is None:
            return None
        plan = self._made(query, zone, start, length=len(data), cookie=cookie)
        if plan is not None:
            self._keep(plan, shape)
        return plan

    def _keep(self, plan: _Plan, shape: bytes) -> None:
        if len(self._plans) >= _SHAPES:
            self._plans.clear()
            self._plain.clear()
        key = _key(shape, _V6_END if plan.v6 else 2, plan.cookie)
        self._plans[key] = plan
        if not (plan.v6 or plan.cookie or plan.exact) and plan.length <= STRIDE:
            snapshot = plan.zone.snapshot
            starts = self._starts.get(plan.zone.apex)
            if starts is None:
                # A list takes 2 MB and is read in half the time of a memory view.
                starts = self._starts[plan.zone.apex] = snapshot.v4_start.tolist()
            out = tuple(
                each and (each[0], self._vector(plan.question_end, each[1]), each[2]) for each in plan.made
            )
            self._plain[key] = (
                plan.name_end,
                plan.zone.blocks,
                snapshot.v4_bound,
                starts,
                snapshot.v4_value,
                out,
            )

    def _made(self, query: wire.Query, zone: Zone, start: int, *, length: int, cookie: int) -> _Plan | None:
        """Return the plan for a shape; None when a negative answer would not fit."""
        edns = query.edns
        limit = wire.UDP_PLAIN if edns is None else max(wire.UDP_PLAIN, min(edns.payload, wire.UDP_PAYLOAD))
        gives_cookie = cookie > 0 and self.service.cookies is not None
        opt = b"" if edns is None else _opt(edns, self.service.cookies if gives_cookie else None)
        question_end = wire.HEADER_LEN + len(query.question)
        soa = (0xC000 | wire.HEADER_LEN + start).to_bytes(2) + zone.negative
        missing = wire.NOERROR if start == _NIBBLE_NAME else wire.NXDOMAIN
        room = limit - question_end - len(opt) - (_WHOLE_COOKIE if gives_cookie else 0)
        made: list[_Out] = []
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
            mark = self._mark(zone.number, query.qtype, rcode)
            made.append((head, body + opt, mark) if len(body) <= room else None)
        if made[0] is None:
            return None
        return _Plan(
            zone=zone,
            length=length,
            name_end=wire.HEADER_LEN + start,
            question_end=question_end,
            v6=start == _V6_END - wire.HEADER_LEN,
            made=tuple(made),
            cookie=cookie,
            exact=not _DIGITS.isdisjoint(zone.apex),
        )

    def _mark(self, zone: int, qtype: int, rcode: int) -> int:
        """Return the mark of answers that are counted as one kind; 0 when there are too many kinds."""
        meaning = inner(zone, qtype, rcode), rcode
        if meaning not in self.meaning:
            if len(self.meaning) > _MARKS:
                return 0
            self.meaning.append(meaning)
        return self.meaning.index(meaning)

    def _vector(self, question_end: int, tail: bytes) -> bytes:
        """Return the vectors of an answer whose tail stands in memory for as long as this generation."""
        kept = self._tails.get(tail)
        if kept is None:
            array = ctypes.create_string_buffer(tail, len(tail))
            kept = self._tails[tail] = (array, ctypes.addressof(array))
        return _VECTOR.pack(question_end, kept[1], len(tail))


def _key(shape: bytes, name: int, cookie: int) -> bytes:
    """Return the key of a shape: without ID and cookie, for IPv6 without the address too."""
    end = len(shape) - cookie
    return shape[2:end] if name == 2 else shape[2:12] + shape[name:end]  # noqa: PLR2004


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
    if edns.version or len(edns.options) > 1 or code != wire.OPT_COOKIE or len(option) not in _COOKIES:
        return None
    return len(option)


def _hidden(inner: bytes, outer: bytes) -> bool:
    """Return whether zone `inner` lies where an address of zone `outer` could be, say 5.x under x.

    Then one shape has names of both, so neither is for this path. Nobody names zones like that.
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


def _address(data: bytes, plan: _Plan) -> bytes | None:
    """Return the packed address in a datagram of this plan, or None when its name is not one after all."""
    if plan.exact and data[plan.name_end : plan.question_end - 4].lower() != plan.zone.apex:
        return None
    try:
        if plan.v6:
            address = bytes.fromhex(data[_NAME_AT:_V6_END:2].decode("ascii")[::-1])
            return address if len(address) == 16 else None  # noqa: PLR2004 - white space would be skipped
        name = data[_NAME_AT : plan.name_end].translate(_DOTS).decode("ascii")
        return inet_pton(AF_INET, name)[::-1]
    except (ValueError, OSError):
        return None
