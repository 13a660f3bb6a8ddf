"""Sockets: bound once by the parent, before it drops privileges, and kept over restarts of workers.

SO_REUSEPORT lets a second instance bind silently and take half of the queries with an old list. So each
address is first taken without it: by the TCP socket, which stays, and by a UDP socket for a moment.
"""

import dataclasses
import errno
import ipaddress
import socket
from collections.abc import Sequence
from typing import Final

_BACKLOG: Final = 512
_UDP_BUFFER: Final = 1 << 21
"""Room for some thousand queries while a worker is restarted."""
_PORT_TRIES: Final = 20
_MAX_PORT: Final = 65535
IP_PKTINFO: Final = 8
"""Linux' number; Python's socket module has no name for it before 3.14."""


class ListenError(Exception):
    """An address cannot be listened on; the message names it and says why."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One address and port. Port 0 lets the system choose one that is free for UDP and TCP."""

    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    port: int

    def __str__(self) -> str:
        host = f"[{self.address}]" if self.address.version == 6 else str(self.address)  # noqa: PLR2004
        return f"{host}:{self.port}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The sockets of one endpoint: one for TCP, and one for UDP for each worker."""

    endpoint: Endpoint
    tcp: socket.socket
    udp: tuple[socket.socket, ...]


def parse_endpoint(text: str) -> Endpoint:
    """Return the endpoint that `text` spells: 192.0.2.1:53, [2001:db8::1]:53, localhost:5300.

    Raises `ListenError` for anything else; other names than localhost are not resolved.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not (port.isascii() and port.isdecimal()) or int(port) > _MAX_PORT:
        raise ListenError(f"{text!r} is not HOST:PORT, for example 127.0.0.1:5300 or [::1]:5300")
    if host.startswith("[") != host.endswith("]") or (":" in host and not host.startswith("[")):
        raise ListenError(f"{text!r}: an IPv6 address is written in brackets, for example [::1]:5300")
    plain = host.strip("[]")
    try:
        address = ipaddress.ip_address("127.0.0.1" if plain == "localhost" else plain)
    except ValueError:
        raise ListenError(f"{text!r}: {plain!r} is not an IP address") from None
    return Endpoint(address=address, port=int(port))


def bind(endpoints: Sequence[Endpoint], workers: int) -> tuple[Bound, ...]:
    """Return the sockets of all endpoints; raises `ListenError`, and then nothing is left bound."""
    bound: list[Bound] = []
    try:
        for endpoint in endpoints:
            bound.append(_bind(endpoint, workers))  # noqa: PERF401 - what is bound must be known when one fails
    except ListenError:
        for done in bound:
            close(done)
        raise
    return tuple(bound)


def bind_tcp(endpoint: Endpoint) -> socket.socket:
    """Return a socket that listens for TCP alone; raises `ListenError`."""
    opened: list[socket.socket] = []
    try:
        sock = _socket(endpoint, socket.SOCK_STREAM, opened)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((str(endpoint.address), endpoint.port))
        sock.listen(_BACKLOG)
    except OSError as problem:
        for one in opened:
            one.close()
        raise ListenError(_in_words(endpoint, problem)) from None
    return sock


def name_of(sock: socket.socket) -> str:
    """Return HOST:PORT of a bound socket."""
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def close(bound: Bound) -> None:
    """Close all sockets of an endpoint."""
    for sock in (bound.tcp, *bound.udp):
        sock.close()


def _bind(endpoint: Endpoint, workers: int) -> Bound:
    for left in reversed(range(_PORT_TRIES)):
        opened: list[socket.socket] = []
        try:
            tcp = _socket(endpoint, socket.SOCK_STREAM, opened)
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tcp.bind((str(endpoint.address), endpoint.port))
            tcp.listen(_BACKLOG)
            chosen = dataclasses.replace(endpoint, port=tcp.getsockname()[1])
            probe = _socket(chosen, socket.SOCK_DGRAM, opened)
            probe.bind((str(chosen.address), chosen.port))
            probe.close()
            udp = tuple(_udp(chosen, opened) for _ in range(workers))
        except OSError as problem:
            for sock in opened:
                sock.close()
            if problem.errno == errno.EADDRINUSE and not endpoint.port and left:
                continue
            raise ListenError(_in_words(endpoint, problem)) from None
        return Bound(endpoint=chosen, tcp=tcp, udp=udp)
    raise AssertionError  # the last try returns or raises


def _socket(endpoint: Endpoint, kind: socket.SocketKind, opened: list[socket.socket]) -> socket.socket:
    family = socket.AF_INET6 if endpoint.address.version == 6 else socket.AF_INET  # noqa: PLR2004
    sock = socket.socket(family, kind)
    opened.append(sock)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.setblocking(False)
    return sock


def _udp(endpoint: Endpoint, opened: list[socket.socket]) -> socket.socket:
    sock = _socket(endpoint, socket.SOCK_DGRAM, opened)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _UDP_BUFFER)
    if endpoint.address.is_unspecified:
        # Answers must leave from the address that was asked, else resolvers drop them.
        if endpoint.address.version == 6:  # noqa: PLR2004
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    sock.bind((str(endpoint.address), endpoint.port))
    return sock


def _in_words(endpoint: Endpoint, problem: OSError) -> str:
    if problem.errno == errno.EADDRINUSE:
        return f"{endpoint}: address in use, another server answers there already"
    if problem.errno == errno.EACCES:
        return f"{endpoint}: no permission, ports below 1024 need root or CAP_NET_BIND_SERVICE"
    if problem.errno == errno.EADDRNOTAVAIL:
        return f"{endpoint}: this machine does not have that address"
    return f"{endpoint}: {problem.strerror}"
