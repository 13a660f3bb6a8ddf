"""The children of the parent: what each does, and what is needed to start it again."""

import dataclasses
import functools
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from dnsbl_server import udp
from dnsbl_server.holder import Served
from dnsbl_server.listen import Bound
from dnsbl_server.metrics import Counters
from dnsbl_server.say import say

if TYPE_CHECKING:
    from dnsbl_server.pull import Source

Body = Callable[[Sequence[socket.socket], socket.socket, Served, Callable[[], float]], None]
"""Sockets, line to the parent, what to answer from, and clock; runs until the line ends."""


@dataclasses.dataclass(kw_only=True, eq=False)
class Worker:
    """One child and what it needs to be started again. pid 0 = not running; next_at: when to start it.

    waiting: slots whose list was handed over and not yet acknowledged, and since when.
    """

    name: str
    body: Body
    sockets: tuple[socket.socket, ...]
    pid: int = 0
    line: socket.socket | None = None
    started_at: float = 0.0
    next_at: float = 0.0
    failures: int = 0
    waiting: dict[int, float] = dataclasses.field(default_factory=dict)


def udp_worker(number: int, bound: Sequence[Bound], counters: Counters) -> Worker:
    """Return UDP worker `number` (from 0) with its socket of each endpoint."""
    return Worker(
        name=f"udp {number + 1}",
        body=functools.partial(udp.run, counters=counters),
        sockets=tuple(each.udp[number] for each in bound),
    )


def tcp_worker(bound: Sequence[Bound], counters: Sequence[Counters]) -> Worker:
    """Return the one TCP process. counters: of all workers, the last one is its own."""
    return Worker(
        name="tcp",
        body=functools.partial(_run_tcp, counters=counters),
        sockets=tuple(each.tcp for each in bound),
    )


def pull_worker(sources: "Sequence[Source]", interval_s: float) -> Worker:
    """Return the process that fetches snapshots."""
    return Worker(
        name="pull",
        body=functools.partial(_run_pull, sources=sources, interval_s=interval_s),
        sockets=(),
    )


def _run_tcp(
    sockets: Sequence[socket.socket],
    line: socket.socket,
    served: Served,
    clock: Callable[[], float],
    *,
    counters: Sequence[Counters],
) -> None:
    from dnsbl_server import tcp  # asyncio costs 5 MB, which UDP workers do not need

    tcp.run(sockets, line, served, clock, counters)


def _run_pull(
    _sockets: Sequence[socket.socket],
    line: socket.socket,
    _served: Served,
    clock: Callable[[], float],
    *,
    sources: "Sequence[Source]",
    interval_s: float,
) -> None:
    from dnsbl_server import pull  # the HTTP client costs 6 MB

    pull.run(sources, line, clock, say, interval_s)
