"""What the trap receiver counts, for Prometheus: numbers only, no address and no trap is a label."""

import asyncio
import functools
import socket
from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ingest.trap_desk import Outcome, TrapDesk
from ingest.trap_server import TrapServer

PATH: Final = b"/metrics"
REQUEST_S: Final = 5.0
AT_ONCE: Final = 10
"""Requests for the page at one time: the memory and the files are for mail servers."""
_LONGEST_REQUEST: Final = 8192


class TrapMetrics(Collector):
    """The counters of one receiver as Prometheus takes them."""

    def __init__(self, server: TrapServer, desk: TrapDesk) -> None:
        """Take what is counted in; it is read at each request."""
        self._server, self._desk = server, desk
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def text(self) -> bytes:
        """Return the page."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        """Yield all counters and gauges; a counter that the registry has not seen before is 0."""
        server, desk = self._server, self._desk.counted()
        counts = server.counts
        yield _counter("connections", "Connections taken", counts["connections"])
        yield _counter("timeouts", "Sessions ended because they took too long", counts["timeouts"])
        yield _counter("secured", "Sessions behind TLS", counts["secured"])
        yield _counter("handshakes_failed", "TLS handshakes that failed", counts["handshakes_failed"])
        mails = CounterMetricFamily(
            "bsf_trap_mails", "Mails by result, and by verdict if judged", labels=["result", "verdict"]
        )
        for (result, verdict), number in sorted(desk.mails.items()):
            mails.add_metric([result, verdict], number)
        yield mails
        callouts = CounterMetricFamily("bsf_trap_callouts", "Callouts by result", labels=["result"])
        for result in Outcome:
            callouts.add_metric([result], desk.callouts[result])
        callouts.add_metric(["dropped"], counts["callouts_dropped"])
        yield callouts
        refusals = CounterMetricFamily(
            "bsf_trap_refusals", "What was refused or put off, by reason", labels=["reason"]
        )
        for reason, number in sorted((server.refusals + desk.refusals).items()):
            refusals.add_metric([reason], number)
        yield refusals
        yield _gauge("open_connections", "Connections at this moment", server.connections)
        yield _gauge("waiting_mails", "Mails being judged or waiting for it", server.waiting)
        yield _gauge("waiting_callouts", "Callouts being stored or waiting for it", server.calling)
        yield _gauge("held_bytes", "Memory that unfinished mails take", server.held_bytes)


def _counter(name: str, words: str, number: int) -> Metric:
    return CounterMetricFamily(f"bsf_trap_{name}", words, value=number)


def _gauge(name: str, words: str, number: int) -> Metric:
    return GaugeMetricFamily(f"bsf_trap_{name}", words, value=number)


async def serve_page(listener: socket.socket, text: Callable[[], bytes]) -> asyncio.Server:
    """Serve the page on a bound socket, one request a connection, until the server is closed."""
    busy: set[asyncio.StreamWriter] = set()
    answer = functools.partial(_answer, text, busy)
    return await asyncio.start_server(answer, sock=listener, limit=_LONGEST_REQUEST)


async def _answer(
    text: Callable[[], bytes],
    busy: set[asyncio.StreamWriter],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    if len(busy) >= AT_ONCE:
        writer.transport.abort()
        return
    busy.add(writer)
    try:
        async with asyncio.timeout(REQUEST_S):
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(page(head, text))
            await writer.drain()
    except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
        writer.transport.abort()
    finally:
        busy.discard(writer)
        writer.close()


def page(head: bytes, text: Callable[[], bytes]) -> bytes:
    """Return the HTTP answer to a request's head: the metrics at /metrics, 404 elsewhere."""
    words = head.split(b"\r\n", 1)[0].split()
    method = words[0] if words else b""
    found = len(words) > 1 and method in {b"GET", b"HEAD"} and words[1].partition(b"?")[0] == PATH
    status, content = (b"200 OK", text()) if found else (b"404 Not Found", b"the metrics are at /metrics\n")
    kind = CONTENT_TYPE_LATEST.encode() if found else b"text/plain; charset=utf-8"
    answer = (
        b"HTTP/1.1 " + status + b"\r\nContent-Type: " + kind + b"\r\n"
        b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(content)
    )
    return answer if method == b"HEAD" else answer + content
