"""`backscatter-ingest trap`: the SMTP receiver for domains and addresses that never send (U5).

It takes mail for the traps only, refuses everything else at RCPT, and refuses what it took in the same
session, after it was stored. It has no queue and sends no mail, so it can never answer one with a bounce.
"""

import asyncio
import datetime as dt
import resource
import signal
import socket
import ssl
from collections.abc import Sequence
from typing import Final

import structlog

from feed.opening import Feed
from feed.settings import TrapSettings
from feed.store.reporters import ReporterError
from ingest.trap_desk import TrapDesk
from ingest.trap_metrics import TrapMetrics, serve_page
from ingest.trap_server import Desk, Rules, TrapServer
from ingest.trap_session import Limits, Traps

_OTHER_FILES: Final = 100
"""Descriptors beside the connections: database, children, listeners."""
_THREADS_A_JUDGE: Final = 8
"""More than judge at once: what was judged waits for the disk together, one transaction for all of them."""
_log = structlog.get_logger("trap")


class TrapError(Exception):
    """The receiver cannot start; the message says why."""


def run(feed: Feed, listeners: Sequence[socket.socket], *, metrics: socket.socket | None = None) -> None:
    """Serve until SIGTERM or SIGINT; raises `TrapError`. metrics: where `/metrics` is served, if at all."""
    settings = feed.settings.trap
    if not settings.domains and not settings.addresses:
        raise TrapError("no trap is named: set `domains` or `addresses` in [trap], see docs/traps.md")
    _raise_file_limit(settings.most_connections + _OTHER_FILES)
    tls = _tls(settings)
    desk = TrapDesk(feed, reporter=settings.reporter, now=lambda: dt.datetime.now(dt.UTC))  # noqa: TID251 - an entry point
    try:
        desk.open()
    except ReporterError:
        raise TrapError(
            f"no reporter named {settings.reporter} is registered: backscatter-feed reporter add "
            f"{settings.reporter} --organisation ... --contact ... --anchor --weight 20 --reason 'own traps'"
        ) from None
    try:
        judges = feed.settings.http.judges
        asyncio.run(_serve(rules_of(feed), desk, listeners, tls=tls, judges=judges, metrics=metrics))
    finally:
        desk.close()


def rules_of(feed: Feed) -> Rules:
    """Return what the settings allow."""
    settings = feed.settings.trap
    return Rules(
        hostname=settings.hostname or socket.getfqdn(),
        traps=Traps(domains=frozenset(settings.domains), addresses=frozenset(settings.addresses)),
        refusal=settings.refusal or f"This answers no mail of ours. Why: {feed.settings.publish.site_url}",
        limits=Limits(largest_bytes=settings.largest_bytes),
        most_connections=settings.most_connections,
        most_from_one=settings.most_from_one,
        idle_s=settings.idle_s,
        session_s=settings.session_s,
    )


async def _serve(
    rules: Rules,
    desk: TrapDesk,
    listeners: Sequence[socket.socket],
    *,
    tls: ssl.SSLContext | None,
    judges: int,
    metrics: socket.socket | None,
) -> None:
    functions = Desk(mail=desk.mail, callout=desk.callout)
    server = TrapServer(rules, functions, threads=judges * _THREADS_A_JUDGE, tls=tls)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    where = [_place(one) for one in listeners]
    page = await serve_page(metrics, TrapMetrics(server, desk).text) if metrics is not None else None
    try:
        await server.serve(
            listeners, started=lambda: _log.info("trap_listening", where=where, tls=tls is not None)
        )
    finally:
        if page is not None:
            page.close()
    _log.info("trap_stopped", **server.counts, **desk.counts)


def _place(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _tls(settings: TrapSettings) -> ssl.SSLContext | None:
    if settings.tls_certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    except (OSError, ssl.SSLError) as problem:
        raise TrapError(f"the certificate in [trap] cannot be used: {problem.strerror or problem}") from None
    return context


def _raise_file_limit(needed: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise TrapError(
            f"{needed} open files are needed and {hard} allowed: lower most_connections or set LimitNOFILE"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
