"""NOTIFY to secondaries: "there is a new serial", said again until they say that they heard (RFC 1996)."""

import asyncio
import secrets
import socket
from collections.abc import Callable
from typing import Final

from dnsbl_server import tsig, wire
from dnsbl_server.options import Target
from dnsbl_server.zone import TTL, Zone

_WAITS_S: Final = (1, 2, 4, 8, 15, 30, 60, 60, 60, 60)
"""Then the secondary's own refresh has to do."""
_LONGEST: Final = 4096


def message(zone: Zone, ident: int) -> bytes:
    """Return the notification of the list of `zone`."""
    header = wire.HEADER.pack(ident, wire.OP_NOTIFY << 11 | wire.AA, 1, 1, 0, 0)
    record = b"\xc0\x0c" + wire.RECORD.pack(wire.SOA, wire.IN, TTL, len(zone.soa)) + zone.soa
    return header + zone.apex + wire.PAIR.pack(wire.SOA, wire.IN) + record


def heard(reply: bytes, ident: int) -> int | None:
    """Return the rcode of the reply to the notification `ident`, or None when this is none."""
    if len(reply) < wire.HEADER_LEN:
        return None
    found, flags = wire.PAIR.unpack_from(reply)
    if found != ident or flags & (wire.QR | wire.OPCODE) != wire.QR | wire.OP_NOTIFY << 11:
        return None
    return int(flags & 0xF)


class Notifier:
    """Tells each target of each zone's newest serial. source: our address for a family, "" = any."""

    def __init__(
        self,
        targets: tuple[Target, ...],
        source: Callable[[int], str],
        clock: Callable[[], float],
        say: Callable[[str], None],
    ) -> None:
        self._targets = targets
        self._source = source
        self._clock = clock
        self._say = say
        self._serials: dict[bytes, int] = {}
        self._tasks: dict[tuple[Target, bytes], asyncio.Task[None]] = {}

    def look(self, zones: list[Zone]) -> None:
        """Start telling of every zone whose serial is new."""
        for zone in zones:
            if self._serials.get(zone.apex) == zone.snapshot.serial:
                continue
            self._serials[zone.apex] = zone.snapshot.serial
            for target in self._targets:
                running = self._tasks.get((target, zone.apex))
                if running is not None:
                    running.cancel()
                self._tasks[target, zone.apex] = asyncio.ensure_future(self._tell(target, zone))

    async def _tell(self, target: Target, zone: Zone) -> None:
        where = f"{target.host} port {target.port}"
        ident = secrets.randbelow(1 << 16)
        plain = message(zone, ident)
        loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in target.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            try:
                sock.bind((self._source(family), 0))
                sock.connect((target.host, target.port))
            except OSError as problem:
                self._say(f"cannot notify {where}: {problem.strerror}")
                return
            for wait in _WAITS_S:
                signer = tsig.Signer(target.key, b"") if target.key else None
                try:
                    sock.send(signer.sign(plain, int(self._clock())) if signer else plain)
                    rcode = await asyncio.wait_for(self._answer(loop, sock, ident), wait)
                except TimeoutError:
                    continue
                except OSError:  # nobody listens there yet
                    await asyncio.sleep(wait)
                    continue
                if rcode != wire.NOERROR:
                    self._say(
                        f"{where} answers the notification of {zone.snapshot.meta.zone} with rcode {rcode}"
                    )
                return
        self._say(f"{where} does not answer notifications of {zone.snapshot.meta.zone}")

    async def _answer(self, loop: asyncio.AbstractEventLoop, sock: socket.socket, ident: int) -> int:
        while True:
            rcode = heard(await loop.sock_recv(sock, _LONGEST), ident)
            if rcode is not None:
                return rcode
