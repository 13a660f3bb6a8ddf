"""The TCP process: queries of many connections (RFC 7766), beside the UDP workers and never in their way.

Limits: an idle connection ends after ten seconds; the clock is set back by whole queries only, so a client
that sends one byte now and then is idle too. When a client, or all together, have too many connections,
the one that was quiet longest is closed: new ones are always let in.
"""

import asyncio
import contextlib
import ipaddress
import resource
import socket
import sys
import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from dnsbl_server import metrics, transfer
from dnsbl_server.holder import Served
from dnsbl_server.metrics import Counters
from dnsbl_server.notify import Notifier
from dnsbl_server.querylog import query_log
from dnsbl_server.respond import respond
from dnsbl_server.say import say
from dnsbl_server.scrape import Scrape
from dnsbl_server.service import Note
from dnsbl_server.udp import take_snapshot
from dnsbl_server.wire import NOERROR

PER_CLIENT: Final = 100
"""Connections of one IPv4 address or one IPv6 /64; resolvers use one to a few."""
TOTAL: Final = 2000
_SPARE_DESCRIPTORS: Final = 64
_TURN: Final = 64
"""Queries of one connection before others have their turn."""
TRANSFER_IDLE_S: Final = 60
"""How long a transfer may wait for a client that does not read."""
_UNSENT: Final = 1 << 18
"""Bytes of answers that a client may leave unread before we stop reading its queries."""


class Connections:
    """All open connections, the one that was quiet longest first; and what they answer from."""

    def __init__(self, served: Served, clock: Callable[[], float], total: int, counters: Counters) -> None:
        self.served = served
        self.clock = clock
        self.counters = counters
        self.log = query_log(served.options, clock)
        self._total = total
        self._all: OrderedDict[Connection, None] = OrderedDict()
        self._by_client: dict[bytes, OrderedDict[Connection, None]] = {}

    def add(self, connection: "Connection") -> None:
        """Let a connection in, at the cost of the quietest one where there are too many."""
        mine = self._by_client.setdefault(connection.client_key, OrderedDict())
        if len(mine) >= PER_CLIENT:
            next(iter(mine)).end()
        elif len(self._all) >= self._total:
            next(iter(self._all)).end()
        self._all[connection] = None
        self._by_client.setdefault(connection.client_key, mine)[connection] = None

    def touch(self, connection: "Connection") -> None:
        """Note that the connection has just asked something."""
        if connection in self._all:
            self._all.move_to_end(connection)
            self._by_client[connection.client_key].move_to_end(connection)

    def remove(self, connection: "Connection") -> None:
        """Forget a connection, known or not."""
        self._all.pop(connection, None)
        mine = self._by_client.get(connection.client_key)
        if mine is not None:
            mine.pop(connection, None)
            if not mine:
                del self._by_client[connection.client_key]


class Connection(asyncio.Protocol):
    """One connection: length-prefixed messages in any pieces, answered in order."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._buffer = bytearray()
        self._writable = True
        self._working = False
        self._transfer: Iterator[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the clock."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=_UNSENT)
        peer = transport.get_extra_info("peername")
        self._client = ipaddress.ip_address(peer[0].partition("%")[0]).packed if peer else b""
        self._v6 = len(self._client) > 4  # noqa: PLR2004
        self.client_key = self._client[:8]
        self._loop = asyncio.get_running_loop()
        self._idle = self._loop.call_later(self._keepalive(), self.end)
        self._connections.add(self)

    def _keepalive(self) -> int:
        return self._connections.served.service.keepalive_s

    def end(self) -> None:
        """Close now, whatever the peer is doing."""
        self._connections.remove(self)
        self._idle.cancel()
        self._buffer.clear()
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio calls it so
        """Forget it."""
        self._connections.remove(self)
        self._idle.cancel()
        self._buffer.clear()

    def pause_writing(self) -> None:
        """Read no more from a client that does not read."""
        self._writable = False
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self._writable = True
        if self._transfer is None:
            self._work()
        else:
            self._pump()

    def data_received(self, data: bytes) -> None:
        """Take the next piece."""
        self._buffer += data
        self._work()

    def _work(self) -> None:
        """Answer whole messages, some at a time; read on when none is left."""
        if self._working:
            return
        self._working = True
        for _ in range(_TURN):
            message = self._next_message() if self._writable and self._transfer is None else None
            if message is None:
                break
            self._answer(message)
        self._working = False
        if self._transport.is_closing() or not self._writable:
            return
        if self._transfer is not None:
            self._transport.pause_reading()
        elif self._has_message():
            self._transport.pause_reading()
            self._loop.call_soon(self._work)
        else:
            self._transport.resume_reading()

    def _has_message(self) -> bool:
        buffer = self._buffer
        return len(buffer) >= 2 and len(buffer) >= 2 + (buffer[0] << 8 | buffer[1])  # noqa: PLR2004

    def _next_message(self) -> bytes | None:
        if not self._has_message():
            return None
        end = 2 + int.from_bytes(self._buffer[:2])
        message = bytes(self._buffer[2:end])
        del self._buffer[:end]
        return message

    def _answer(self, message: bytes) -> None:
        connections = self._connections
        served = connections.served
        note = Note()
        try:
            self._transfer = transfer.begin(
                message,
                served.service,
                served.history,
                client=self._client,
                clock=connections.clock,
                note=note,
            )
            if self._transfer is not None:
                connections.counters.answered(note, NOERROR, v6=self._v6, tcp=True)
                self._loop.call_soon(self._pump)
                return
            reply = respond(
                message,
                served.service,
                client=self._client,
                tcp=True,
                now=int(connections.clock()),
                note=note,
            )
        except Exception:  # noqa: BLE001 - a fault of ours must cost one answer, not the server
            traceback.print_exc(file=sys.stderr)
            reply = None
        if reply is None:
            return  # not a query; the idle clock goes on
        log = connections.log
        if log is not None and log.chosen(1):
            log.write(reply, self._client, tcp=True)
        connections.counters.answered(note, reply[3] & 0xF, v6=self._v6, tcp=True)
        self._send(reply, self._keepalive())

    def _send(self, reply: bytes, idle_s: int) -> None:
        self._connections.touch(self)
        self._idle.cancel()
        self._idle = self._loop.call_later(idle_s, self.end)
        self._transport.write(len(reply).to_bytes(2) + reply)

    def _pump(self) -> None:
        """Send the next message of a transfer; others have their turn between two of them."""
        if self._transfer is None or not self._writable or self._transport.is_closing():
            return
        try:
            message = next(self._transfer, None)
        except Exception:  # noqa: BLE001 - as above
            traceback.print_exc(file=sys.stderr)
            self.end()
            return
        if message is None:
            self._transfer = None
            self._idle.cancel()
            self._idle = self._loop.call_later(self._keepalive(), self.end)
            self._work()
            return
        self._send(message, TRANSFER_IDLE_S)
        self._loop.call_soon(self._pump)


def run(
    sockets: Sequence[socket.socket],
    line: socket.socket,
    served: Served,
    clock: Callable[[], float],
    counters: Sequence[Counters],
) -> None:
    """Serve connections to `sockets` until `line` ends. counters: of all workers, the last one is ours."""
    while not served.complete:
        if not take_snapshot(line, served):
            return
    asyncio.run(_serve(sockets, line, served, clock, counters))


async def _serve(
    sockets: Sequence[socket.socket],
    line: socket.socket,
    served: Served,
    clock: Callable[[], float],
    counters: Sequence[Counters],
) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    total = max(1, min(TOTAL, soft - _SPARE_DESCRIPTORS))
    connections = Connections(served, clock, total, counters[-1])
    options = served.options
    notifier = Notifier(options.notify, lambda family: options.notify_from.get(family, ""), clock, say)
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()

    def from_parent() -> None:
        if not take_snapshot(line, served):
            loop.remove_reader(line)
            gone.set()
        notifier.look(list(served.service.zones.by_apex.values()))

    def text() -> bytes:
        zones = sorted(served.service.zones.by_apex.values(), key=lambda zone: zone.number)
        metas = [zone.snapshot.meta for zone in zones]
        return metrics.exposition(counters, metas, options.access.names, clock())

    notifier.look(list(served.service.zones.by_apex.values()))
    loop.add_reader(line, from_parent)
    servers = [await loop.create_server(lambda: Connection(connections), sock=sock) for sock in sockets]
    if options.metrics is not None:
        servers.append(await loop.create_server(lambda: Scrape(text), sock=options.metrics))
    await gone.wait()
    for server in servers:
        server.close()
