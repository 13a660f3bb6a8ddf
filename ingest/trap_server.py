"""The connections of the trap receiver: limits, time, TLS, and the way from a session to the desk.

All sessions live in one thread; mails are judged in others. Every limit answers with a temporary error or
with silence, never with a mail: whoever is turned away keeps his notification and comes again.
"""

import asyncio
import collections
import concurrent.futures
import contextlib
import dataclasses
import ipaddress
import ssl
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog

from feed.domain.address import Address, AddressError, canonical, parse_address
from ingest import trap_session
from ingest.trap_desk import Outcome
from ingest.trap_session import Callout, Close, Limits, Mail, Output, Reply, Session, StartTls, Traps

SWEEP_S: Final = 1.0
COUNTS_S: Final = 60.0
HANDSHAKE_S: Final = 20.0
_END_S: Final = 10.0
_BACKLOG: Final = 1024
_LINGER_S: Final = 5.0
_NETWORK_BITS_V6: Final = 64
_LATER: Final = b"421 4.3.2 Too many connections, try again later\r\n"
_log = structlog.get_logger("trap")

Network = tuple[int, int]
"""What connections are counted by: the version, and an IPv4 address or the /64 of an IPv6 one."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the receiver allows.

    most_connections: at once; most_from_one: of them from one address (IPv6: one /64). idle_s: without a
    byte from the client; session_s: for everything. held_bytes: of unfinished mails of all sessions.
    most_waiting: mails that are being judged or wait for it; most_calling: the same of callouts, which have
    a line of their own. refusal: words after the code 550 5.7.1.
    """

    hostname: str
    traps: Traps
    refusal: str
    limits: Limits = dataclasses.field(default_factory=Limits)
    most_connections: int = 500
    most_from_one: int = 20
    idle_s: float = 60.0
    session_s: float = 600.0
    held_bytes: int = 64 * 1024 * 1024
    most_waiting: int = 64
    most_calling: int = 64


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The blocking functions behind the sessions; both are called in threads."""

    mail: Callable[[Mail, Address], Outcome]
    callout: Callable[[Callout, Address], Outcome]


class TrapServer:
    """All listeners and sessions. `serve` runs until `stop`."""

    def __init__(self, rules: Rules, desk: Desk, *, threads: int, tls: ssl.SSLContext | None = None) -> None:
        """Take what never changes; nothing listens yet."""
        self.rules, self.tls = rules, tls
        self.counts: collections.Counter[str] = collections.Counter()
        self.refusals: collections.Counter[str] = collections.Counter()
        self.refusal = trap_session.REFUSED_MAIL + rules.refusal.encode("ascii", "replace") + b"\r\n"
        self._desk = desk
        self._threads = concurrent.futures.ThreadPoolExecutor(threads, thread_name_prefix="trap")
        self._waiting: set[asyncio.Future[Any]] = set()
        # One thread: callouts cost nobody but themselves, since no client waits for them.
        self._calling_thread = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="callout")
        self._calling: set[asyncio.Future[Any]] = set()
        self._open: set[_Connection] = set()
        self._by_network: collections.Counter[Network] = collections.Counter()
        self.held_bytes = 0
        self._stopped = asyncio.Event()

    async def serve(self, listeners: Sequence[Any], *, started: Callable[[], None] | None = None) -> None:
        """Take connections on bound sockets until `stop`; then finish what is being judged."""
        loop = asyncio.get_running_loop()
        servers = [
            await loop.create_server(lambda: _Connection(self, loop), sock=one, backlog=_BACKLOG)
            for one in listeners
        ]
        if started is not None:
            started()
        sweeping = asyncio.ensure_future(self._sweep(loop))
        try:
            await self._stopped.wait()
        finally:
            for server in servers:
                server.close()
            sweeping.cancel()
            for connection in list(self._open):
                connection.dismiss(b"Going down, come again")
            if unfinished := self._waiting | self._calling:
                await asyncio.wait(unfinished, timeout=_END_S)
            await asyncio.sleep(0)  # replies of what has just been judged
            for connection in list(self._open):
                connection.abort()
            for threads in (self._threads, self._calling_thread):
                threads.shutdown(wait=False, cancel_futures=True)

    def stop(self) -> None:
        """End `serve`."""
        self._stopped.set()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._open)

    @property
    def waiting(self) -> int:
        """How many mails are being judged or wait for it."""
        return len(self._waiting)

    @property
    def calling(self) -> int:
        """How many callouts are being stored or wait for it."""
        return len(self._calling)

    def admit(self, connection: "_Connection", network: Network) -> bool:
        """Count a connection, unless it is one too many."""
        if self._stopped.is_set() or len(self._open) >= self.rules.most_connections:
            self.counts["refused_connections"] += 1
            self.refusals["connections"] += 1
            return False
        if self._by_network[network] >= self.rules.most_from_one:
            self.counts["refused_connections_of_one"] += 1
            self.refusals["connections_of_one"] += 1
            return False
        self._by_network[network] += 1
        self._open.add(connection)
        self.counts["connections"] += 1
        return True

    def leave(self, connection: "_Connection", network: Network) -> None:
        """Forget a connection that was admitted."""
        self._open.discard(connection)
        self._by_network[network] -= 1
        if not self._by_network[network]:
            del self._by_network[network]

    def can_keep(self) -> bool:
        """Return whether there is memory for more of the mails that are coming in."""
        return self.held_bytes < self.rules.held_bytes

    async def take(self, mail: Mail, peer: Address) -> bytes:
        """Return the reply to a mail, after it was judged and stored."""
        if len(self._waiting) >= self.rules.most_waiting:
            self.counts["put_off"] += 1
            self.refusals["line_full"] += 1
            return trap_session.TRY_LATER
        try:
            outcome = await self._in_thread(self._desk.mail, mail, peer)
        except Exception as problem:  # noqa: BLE001 - the client keeps the mail, whatever went wrong here
            _log.error("mail_failed", kind=type(problem).__name__)
            self.refusals["defect"] += 1
            return trap_session.TRY_LATER
        return trap_session.TRY_LATER if outcome is Outcome.BUSY else self.refusal

    def called(self, callout: Callout, peer: Address) -> None:
        """Count a callout; nobody waits for it, and in a flood it is only counted here."""
        self.counts["callouts"] += 1
        if len(self._calling) >= self.rules.most_calling:
            self.counts["callouts_dropped"] += 1
            return
        task = asyncio.ensure_future(self._call(callout, peer))
        self._calling.add(task)
        task.add_done_callback(self._calling.discard)
        task.add_done_callback(_finished)

    async def _call(self, callout: Callout, peer: Address) -> Outcome:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._calling_thread, self._desk.callout, callout, peer)

    async def _in_thread(self, function: Callable[..., Outcome], *arguments: object) -> Outcome:
        done = asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)
        self._waiting.add(done)
        done.add_done_callback(self._waiting.discard)
        return await asyncio.shield(done)

    async def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        told, said = loop.time(), self.counts.copy()
        while True:
            await asyncio.sleep(SWEEP_S)
            now = loop.time()
            for connection in list(self._open):
                connection.check(now)
            if now - told >= COUNTS_S and self.counts != said:
                told, said = now, self.counts.copy()
                _log.info("trap_counts", open=len(self._open), **said)


def _finished(task: "asyncio.Future[Outcome]") -> None:
    if not task.cancelled() and (problem := task.exception()) is not None:
        _log.error("callout_failed", kind=type(problem).__name__)


class _Connection(asyncio.Protocol):
    """One connection: moves bytes between its transport and its session."""

    def __init__(self, server: TrapServer, loop: asyncio.AbstractEventLoop) -> None:
        rules = server.rules
        self.session = Session(
            hostname=rules.hostname,
            traps=rules.traps,
            limits=rules.limits,
            offers_tls=server.tls is not None,
        )
        self._server, self._loop = server, loop
        self._transport: asyncio.Transport | None = None
        self._peer: Address | None = None
        self._network: Network = (0, 0)
        self._admitted = self._gone = self._full = False
        self._began = self._heard = loop.time()
        self._dismissed: float | None = None
        self._held = 0
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, or turn away."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._peer = _peer_of(transport)
        if self._peer is None:
            transport.abort()
            return
        self._network = _network_of(self._peer)
        self._admitted = self._server.admit(self, self._network)
        if not self._admitted:
            transport.write(_LATER)
            transport.close()
            return
        self._do(self.session.greet())

    def data_received(self, data: bytes) -> None:
        """Hand bytes to the session."""
        self._heard = self._loop.time()
        if self._admitted:
            self._do(self.session.receive(data, can_keep=self._server.can_keep()))

    def connection_lost(self, exc: Exception | None) -> None:
        """Clean up; recipients without a mail were a callout."""
        del exc
        if not self._gone and self._admitted:
            self._gone = True
            self._do(self.session.end())
            self._count()
            self._server.leave(self, self._network)

    def pause_writing(self) -> None:
        """Read nothing from a client that does not read."""
        self._full = True
        self._read()

    def resume_writing(self) -> None:
        """Go on reading."""
        self._full = False
        self._read()

    def check(self, now: float) -> None:
        """End a session that takes too long; one whose mail is being judged gets its reply first."""
        rules = self._server.rules
        if self.session.waits:
            return
        if self._dismissed is not None:
            if now - self._dismissed > _LINGER_S:
                self.abort()
        elif now - self._heard > rules.idle_s or now - self._began > rules.session_s:
            self._server.counts["timeouts"] += 1
            self._dismissed = now
            self.dismiss(b"Too slow")

    def dismiss(self, words: bytes) -> None:
        """End the session unless a mail of it is being judged."""
        if not self.session.waits:
            self._do(self.session.dismiss(words))

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def _read(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._full or self.session.waits:
            transport.pause_reading()
        else:
            transport.resume_reading()

    def _do(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            match output:
                case Reply(data):
                    if self._transport is not None and not self._gone:
                        self._transport.write(data)
                case Callout():
                    assert self._peer is not None
                    self._server.called(output, self._peer)
                case Mail():
                    self._begin(self._take(output))
                case StartTls():
                    self._begin(self._start_tls())
                case Close():
                    self._dismissed = self._dismissed or self._loop.time()
                    if self._transport is not None:
                        self._transport.close()
        self._count()
        self._read()

    def _count(self) -> None:
        if self.session.refusals:
            self._server.refusals.update(self.session.refusals)
            self.session.refusals.clear()
        held = self.session.held_bytes
        self._server.held_bytes += held - self._held
        self._held = held

    def _begin(self, work: Any) -> None:
        self._task = self._loop.create_task(work)

    async def _take(self, mail: Mail) -> None:
        assert self._peer is not None
        reply = await self._server.take(mail, self._peer)
        self._heard = self._loop.time()
        self._do(self.session.answer(reply))

    async def _start_tls(self) -> None:
        transport, tls = self._transport, self._server.tls
        assert transport is not None
        assert tls is not None
        try:
            secure = await self._loop.start_tls(
                transport, self, tls, server_side=True, ssl_handshake_timeout=HANDSHAKE_S
            )
        except OSError:  # a failed handshake, a lost connection, a time-out
            self._server.counts["handshakes_failed"] += 1
            transport.abort()
            self.connection_lost(None)
            return
        if secure is None:  # the client went away during the handshake
            self.connection_lost(None)
            return
        self._transport = secure
        self._heard = self._loop.time()
        self._server.counts["secured"] += 1
        self._do(self.session.secured())


def _peer_of(transport: asyncio.Transport) -> Address | None:
    """Return the address at the other end, None when it is gone already."""
    name = transport.get_extra_info("peername")
    if not isinstance(name, tuple):
        return None
    with contextlib.suppress(AddressError, ValueError):
        return canonical(parse_address(str(name[0]).partition("%")[0]))
    return None


def _network_of(address: Address) -> Network:
    shift = _NETWORK_BITS_V6 if isinstance(address, ipaddress.IPv6Address) else 0
    return address.version, int(address) >> shift
