"""One question over https to a machine of the public Internet whose name a stranger may have chosen.

A name can lead anywhere, into our own network too, and can lead elsewhere at each look-up. So it is looked
up once, what it leads to is checked, and the connection goes to an address that was checked; the name is
for the certificate and the Host header only. The same for each redirect, of which few are followed.
"""

import http.client
import io
import ipaddress
import socket
import ssl
import time
import urllib.parse
from collections.abc import Callable, Sequence
from typing import Any, Final

from feed.domain.address import Address, canonical, special_purpose
from feed.web.resolver import host_name

TIMEOUT_S: Final = 3.0
"""For everything together, look-ups and redirects included."""

LARGEST: Final = 512 * 1024
REDIRECTS_MOST: Final = 2
ADDRESSES_MOST: Final = 4
_BLOCK: Final = 16 * 1024
_PORT: Final = 443
_FOUND: Final = 200
_ELSEWHERE: Final = frozenset({301, 302, 303, 307, 308})

Resolve = Callable[[str], Sequence[Address]]
"""The addresses of a host name; raises `OSError` where nobody can say."""

Refuse = Callable[[Address], str | None]
"""Why an address is not to be connected to, in words; None if it may be."""


class RefusedError(OSError):
    """A place that is not asked: not https, no host name, or an address that is not to be connected to."""


def fetch(
    url: str,
    *,
    accept: str,
    resolve: Resolve,
    refuse: Refuse = special_purpose,
    context: ssl.SSLContext | None = None,
) -> bytes:
    """Return what `url` answers.

    Raises `RefusedError` where asking is out of the question, `OSError` also for what is too large or too
    slow, `ValueError` for a URL that is none, `http.client.HTTPException`. context: certificates to be
    believed, those of the system unless given.
    """
    end = time.monotonic() + TIMEOUT_S
    trusted = context if context is not None else ssl.create_default_context()
    for redirects in range(REDIRECTS_MOST + 1):
        parts = _parts(url, named=redirects > 0)
        host, port = str(parts.hostname), parts.port or _PORT
        with (
            _connected(_checked(host, resolve, refuse), port, end) as plain,
            trusted.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False) as talk,
        ):
            talk.settimeout(_left(end))
            talk.do_handshake()
            answer = _ask(_Talk(talk, end), host, port, _target(parts), accept)
            if answer.status not in _ELSEWHERE:
                return _body(answer)
            url = urllib.parse.urljoin(url, answer.getheader("Location", ""))
    raise RefusedError("too many redirects")


def is_https(url: str) -> bool:
    """Return whether a URL is one that can be asked at all: https, a host, and nobody signed in."""
    parts = urllib.parse.urlsplit(url)
    return parts.scheme == "https" and bool(parts.hostname) and parts.username is None


def _parts(url: str, *, named: bool) -> urllib.parse.SplitResult:
    """Return the parts of a URL; named: its host must be a name and not an address (for redirects)."""
    if not is_https(url):
        raise RefusedError("nothing but https is asked")
    parts = urllib.parse.urlsplit(url)
    host = str(parts.hostname)
    if host_name(host) is None and (named or _literal(host) is None):
        raise RefusedError("the host has no name of the public Internet")
    return parts


def _literal(host: str) -> Address | None:
    try:
        return canonical(ipaddress.ip_address(host))
    except ValueError:
        return None


def _checked(host: str, resolve: Resolve, refuse: Refuse) -> list[Address]:
    """Return the addresses to connect to; one that is refused spoils no other."""
    literal = _literal(host)
    found = [canonical(one) for one in resolve(host)] if literal is None else [literal]
    reasons = [refuse(one) for one in found]
    allowed = [one for one, why in zip(found, reasons, strict=True) if why is None]
    if not allowed:
        raise RefusedError(f"the host leads to no address to be asked: {reasons[0] if reasons else 'none'}")
    return allowed[:ADDRESSES_MOST]


def _connected(addresses: Sequence[Address], port: int, end: float) -> socket.socket:
    problem: OSError = OSError("no address")
    for address in addresses:
        left = _left(end)
        talk = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6)  # noqa: PLR2004
        try:
            talk.settimeout(left)
            talk.connect((str(address), port))
        except OSError as failure:
            talk.close()
            problem = failure
        else:
            return talk
    raise problem


def _target(parts: urllib.parse.SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _ask(talk: "_Talk", host: str, port: int, target: str, accept: str) -> http.client.HTTPResponse:
    connection: Any = http.client.HTTPConnection(host, port)
    connection.default_port = _PORT  # else the Host header names the port of https
    connection.sock = talk  # it is connected already: the name is never looked up again
    connection.request("GET", target, headers={"Accept": accept, "Connection": "close"})
    answer: http.client.HTTPResponse = connection.getresponse()
    return answer


def _body(answer: http.client.HTTPResponse) -> bytes:
    if answer.status != _FOUND:
        raise OSError(f"the answer is {answer.status}")
    blocks = bytearray()
    while block := answer.read1(_BLOCK):
        blocks += block
        if len(blocks) > LARGEST:
            raise OSError("the answer is too large")
    return bytes(blocks)


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("the answer comes too slowly")
    return left


class _Talk:
    """What `http.client` needs of a socket, with one end in time for all that is sent and received."""

    def __init__(self, talk: socket.socket, end: float) -> None:
        self._talk = talk
        self._end = end

    def sendall(self, data: bytes) -> None:
        self._talk.settimeout(_left(self._end))
        self._talk.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Received(self._talk, self._end))

    def close(self) -> None:
        """Leave that to whoever opened it: the answer is still to be read."""


class _Received(io.RawIOBase):
    def __init__(self, talk: socket.socket, end: float) -> None:
        self._talk = talk
        self._end = end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._talk.settimeout(_left(self._end))
        return self._talk.recv_into(buffer)
