"""Response rate limiting for floods with made-up sources: only NXDOMAIN, only UDP, never with a cookie.

Counted for each /24 or /56, second and worker; nearly all answers of a block list are NXDOMAIN, so names
say nothing about abuse. Every second answer above the limit leaves cut (TC), so that a real client asks
again by TCP; the others are kept back.
"""

from typing import Final

from dnsbl_server import wire

ANSWER: Final = 0
SLIP: Final = 1
DROP: Final = 2
_V4_LEN: Final = 4


class RateLimit:
    """Counts of the present second. most: answers a second for one network."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._second = 0
        self._counts: dict[bytes, int] = {}

    def decide(self, client: bytes, now: int) -> int:
        """Return what becomes of one more NXDOMAIN for `client`: `ANSWER`, `SLIP` or `DROP`."""
        if now != self._second:
            self._second = now
            self._counts = {}
        network = client[:3] if len(client) == _V4_LEN else client[:7]
        count = self._counts[network] = self._counts.get(network, 0) + 1
        if count <= self._most:
            return ANSWER
        return DROP if (count - self._most) & 1 else SLIP


def cut(reply: bytes) -> bytes:
    """Return an NXDOMAIN answer of ours without its records but OPT, and with TC."""
    at = wire.HEADER_LEN
    while reply[at]:
        at += 1 + reply[at]
    at += 1 + wire.PAIR.size
    opt = wire.record_end(reply, wire.skip_name(reply, at))
    ident, flags, questions, _, _, additionals = wire.HEADER.unpack_from(reply)
    header = wire.HEADER.pack(ident, flags | wire.TC, questions, 0, 0, additionals)
    return header + reply[wire.HEADER_LEN : at] + reply[opt:]
