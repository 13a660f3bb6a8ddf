"""The fast path: a batch of datagrams answered from their shapes, byte for byte as the general path would.

One look-up of a datagram's shape checks all of it but the address, and gives the answer's header and a
tail that is never copied (engineering.md, "DNS processes" 6, shape cache). Three ways, each for what the
one before has left over: IPv4 queries, nearly all of them, in a loop without a call of ours; IPv6, cookies
and zones with digits in a second one; what has no shape yet is given to the strict parser, and may teach
one. Nothing here ever guesses: what stays over is for the general path.
"""

import ctypes
import dataclasses
from binascii import unhexlify
from bisect import bisect_right
from collections.abc import Callable, Sequence
from socket import AF_INET, inet_pton
from typing import Final

from dnsbl_server import shapes, wire
from dnsbl_server.cookies import CLIENT_LEN, stamp
from dnsbl_server.metrics import inner
from dnsbl_server.service import Service
from dnsbl_server.shapes import FOLD, LONGEST, V6_HEAD, V6_LENGTHS, V6_NAME, V6_ONES, Made, Plan, key_of
from dnsbl_server.slots import EXTRA, ROOMS, SLOTS, STRIDE, VECTOR, VECTORS, Slots

_DOTS: Final = bytes.maketrans(b"\1\2\3", b"...")
_SHAPES: Final = 4096
"""Shapes that are kept; real traffic has some tens, and made-up payload sizes must not fill the memory."""
_GIVEN: Final = 4096
"""Cookies that are remembered; a resolver asks with one, and made-up ones must not fill the memory."""
_NAME_AT: Final = wire.HEADER_LEN + 1
_BITS: Final = (1, 2, 4, 8, 16, 32, 64, 128)
_BACKWARDS: Final = slice(V6_NAME.stop - 1, wire.HEADER_LEN, -2)
"""The nibbles of an IPv6 name in the order of the address."""

# Slot, where it begins, its key and its name begin, where its answer's header and vectors are written.
_PLACES: Final = tuple(
    (
        slot,
        slot * STRIDE,
        slot * STRIDE + shapes.KEY_AT,
        slot * STRIDE + _NAME_AT,
        slice(slot * STRIDE + shapes.KEY_AT, slot * STRIDE + wire.HEADER_LEN),
        slice(slot * VECTORS + 8, slot * VECTORS + VECTORS),
    )
    for slot in range(SLOTS)
)

_Out = tuple[bytes, bytes, int]
"""Ten bytes of header after the ID, the vectors of question and tail, and the mark for whoever counts."""
_UNMARKED: Final = bytes(SLOTS)
_MARKS: Final = 255
_Plain = tuple[
    int, memoryview | bytes, int, int, _Out, memoryview, list[int], memoryview, tuple[_Out | None, ...]
]
"""End of the name, blocks and their shifts, answer for what is not listed, columns of the IPv4 table, and
what to send for each value number."""


class Fast:
    """The shapes of one generation of zones, and the batch loops.

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
        self._v4_plans: dict[bytes, Plan] = {}
        self._v6_plans: dict[bytes, Plan] = {}
        # Most shapes mean the same but for the address: what they mean is kept once.
        self._same: dict[tuple[Made, ...], tuple[Made, ...]] = {}
        self._outs: dict[tuple[tuple[Made, ...], int], tuple[_Out | None, ...]] = {}
        self._cookie_of: dict[int, int] = {}  # length of a datagram to that of the cookie last seen in one
        self._given: dict[bytes, bytes] = {}
        self._given_at = 0
        self._starts: dict[bytes, list[int]] = {}
        self._tails: dict[bytes, tuple[ctypes.Array[ctypes.c_char], int]] = {}
        zones = service.zones.by_apex
        usable = not any(shapes.hidden(inner, outer) for inner in zones for outer in zones)
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
        buffer, vectors = self._slots.buffer, self._slots.vectors
        raw = buffer[: len(lengths) * STRIDE]
        folded = raw.translate(FOLD)
        text = raw.translate(_DOTS).decode("latin-1")
        find, number_of, family, bits = self._plain.get, int.from_bytes, AF_INET, _BITS
        left: list[int] = []
        others: list[int] = []
        for (slot, at, key_at, name_at, head, vector), length in zip(_PLACES, lengths, strict=False):
            plan = find(folded[key_at : at + length])
            if plan is None:
                others.append(slot)
                continue
            name_end, blocks, coarse, shift, answer, bound, start, value, out = plan
            try:
                # The name has the octets backwards, and so does a little-endian integer.
                number = number_of(inet_pton(family, text[name_at : at + name_end]), "little")
            except OSError:
                left.append(slot)  # leading zeros, or an octet beyond 255
                continue
            if blocks[number >> coarse] & bits[number >> shift & 7]:
                high = number >> 16
                found = out[value[bisect_right(bound, number, start[high], start[high + 1] + 1) - 1]]
                if found is None:
                    left.append(slot)
                    continue
                answer = found
            buffer[head], vectors[vector], marks[slot] = answer
        return left + self._others(others, lengths, raw, folded, text, client, now) if others else left

    def _others(
        self,
        slots: list[int],
        lengths: Sequence[int],
        raw: bytes,
        folded: bytes,
        text: str,
        client: Callable[[int], bytes],
        now: int,
    ) -> list[int]:
        """Answer these slots where they have a shape or can teach one; return those left over."""
        buffer, vectors, marks, rooms = self._slots.buffer, self._slots.vectors, self.marks, self._slots.rooms
        v4_plans, v6_plans, cookie_of = self._v4_plans, self._v6_plans, self._cookie_of
        cookies, given = self.service.cookies, self._cookies_of(now)
        left: list[int] = []
        for slot in slots:
            length = lengths[slot]
            at, extra = slot * STRIDE, ROOMS + slot * EXTRA
            query = raw[at : at + STRIDE]
            end = length - cookie_of.get(length, 0)
            plan = None
            if end <= STRIDE:
                plan = v4_plans.get(folded[at + shapes.KEY_AT : at + end])
            elif query[V6_LENGTHS] == V6_ONES:
                rest = query[V6_NAME.stop :] + buffer[extra : extra + end - STRIDE]
                plan = v6_plans.get(query[V6_HEAD] + rest.lower())
            if plan is None or plan.length != length:  # then the cookie has the same length too
                plan = self._plan_of(slot, length)
            made = None if plan is None else self._made(plan, query, text, slot)
            if plan is None or made is None:
                left.append(slot)
                continue
            head, tail, marks[slot] = made
            if plan.cookie and cookies is not None:
                asked = length - plan.cookie
                if length <= STRIDE:
                    option = query[asked:length]
                else:
                    option = self._slots.datagram(slot, length)[asked:]
                who = option[:CLIENT_LEN] + client(slot)
                mine = given.get(who)
                if mine is None:
                    mine = given[who] = cookies.reply(option, client(slot), self._given_at)
                tail += mine
                if self._watch_cookies and cookies.valid(option, client(slot), now):
                    self.trusted.add(slot)
            begin = extra + plan.over
            buffer[begin : begin + len(tail)] = tail
            buffer[at + shapes.KEY_AT : at + wire.HEADER_LEN] = head
            vectors[slot * VECTORS + 8 : slot * VECTORS + VECTORS] = VECTOR.pack(
                plan.in_slot, rooms[slot], plan.over + len(tail)
            )
        return left

    def _made(self, plan: Plan, query: bytes, text: str, slot: int) -> Made:
        """Return what is answered to a datagram that begins with `query`; None where nothing is here."""
        zone = plan.zone
        try:
            if plan.v6:
                return plan.made[zone.snapshot.index(unhexlify(query[_BACKWARDS]))]
            if plan.exact:
                data = self._slots.datagram(slot, plan.length)
                if data[plan.name_end : plan.question_end - wire.PAIR.size].lower() != zone.apex:
                    return None
            at = slot * STRIDE
            name = text[at + _NAME_AT : at + plan.name_end]
            number = int.from_bytes(inet_pton(AF_INET, name), "little")
        except (ValueError, OSError):
            return None
        bits, shift = zone.blocks
        if bits[number >> shift + 3] & _BITS[number >> shift & 7]:
            return plan.made[zone.snapshot.index_v4(number)]
        return plan.made[0]

    def _cookies_of(self, now: int) -> dict[bytes, bytes]:
        """Return the cookies of this minute by client cookie and address: making one takes long."""
        made_at = stamp(now)
        if made_at != self._given_at or len(self._given) >= _GIVEN:
            self._given_at = made_at
            self._given.clear()
        return self._given

    def _plan_of(self, slot: int, length: int) -> Plan | None:
        """Return the plan of a datagram, known or learned from it; None = it is not for this path."""
        if not wire.HEADER_LEN < length <= LONGEST:
            return None
        data = self._slots.datagram(slot, length)
        for plans in (self._v4_plans, self._v6_plans) if data[V6_LENGTHS] == V6_ONES else (self._v4_plans,):
            for cookie in (0, *shapes.COOKIES):
                plan = plans.get(key_of(data, v6=plans is self._v6_plans, cookie=cookie))
                if plan is not None and plan.length == length:
                    self._cookie_of[length] = cookie
                    return plan
        learned = shapes.learn(data, self.service, self._mark)
        if learned is None:
            return None
        plan = dataclasses.replace(learned, made=self._same.setdefault(learned.made, learned.made))
        self._keep(plan, data)
        return plan

    def _keep(self, plan: Plan, data: bytes) -> None:
        if len(self._v4_plans) + len(self._v6_plans) >= _SHAPES:
            self._v4_plans.clear()
            self._v6_plans.clear()
            self._plain.clear()
            self._same.clear()
            self._outs.clear()
        key = key_of(data, v6=plan.v6, cookie=plan.cookie)
        (self._v6_plans if plan.v6 else self._v4_plans)[key] = plan
        self._cookie_of[plan.length] = plan.cookie
        if plan.v6 or plan.cookie or plan.exact or plan.length > STRIDE:
            return
        zone, snapshot = plan.zone, plan.zone.snapshot
        starts = self._starts.get(zone.apex)
        if starts is None:
            # A list takes 2 MB and is read in half the time of a memory view.
            starts = self._starts[zone.apex] = snapshot.v4_start.tolist()
        same = plan.made, plan.question_end
        if same not in self._outs:
            self._outs[same] = tuple(
                None if made is None else (made[0], self._vector(plan.question_end, made[1]), made[2])
                for made in plan.made
            )
        out = self._outs[same]
        absent = out[0]
        assert absent is not None
        shift = zone.blocks.shift
        self._plain[key] = (
            plan.name_end, zone.blocks.bits, shift + 3, shift, absent,
            snapshot.v4_bound, starts, snapshot.v4_value, out,
        )  # fmt: skip

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
        return VECTOR.pack(question_end, kept[1], len(tail))
