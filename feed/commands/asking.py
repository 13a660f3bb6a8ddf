"""Asking a name server one question, for `doctor`: the one place of the command line that uses dnslib."""

import dataclasses
import secrets
import socket
import struct
from typing import Final

import dnslib

TIMEOUT_S: Final = 3.0
_TRIES: Final = 2
_LONGEST: Final = 65535
SILENT: Final = "no answer"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where to ask. host: an address."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came. rcode: its name, or `SILENT`. answers: data of the records of the type asked, as text."""

    rcode: str
    answers: tuple[str, ...] = ()
    authoritative: bool = False
    why: str = ""


def ask(server: Server, name: str, kind: str, *, recurse: bool = True, tcp: bool = False) -> Reply:
    """Return the reply to one question; never raises for what the network or the other side does."""
    question = dnslib.DNSRecord(
        dnslib.DNSHeader(id=secrets.randbelow(1 << 16), rd=int(recurse)),
        q=dnslib.DNSQuestion(name, getattr(dnslib.QTYPE, kind)),
        ar=[dnslib.EDNS0(udp_len=1232)],
    )
    try:
        data = _by_tcp(server, question.pack()) if tcp else _by_udp(server, question.pack())
        reply = dnslib.DNSRecord.parse(data)
    except OSError as problem:
        return Reply(rcode=SILENT, why=problem.strerror or "timed out")
    except Exception:  # noqa: BLE001 - dnslib has several ways to fail on bytes that are no message
        return Reply(rcode=SILENT, why="what came back is not a DNS message")
    if reply.header.tc and not tcp:
        return ask(server, name, kind, recurse=recurse, tcp=True)
    wanted = getattr(dnslib.QTYPE, kind)
    return Reply(
        rcode=str(dnslib.RCODE.get(reply.header.rcode)),
        answers=tuple(_text(record) for record in reply.rr if record.rtype == wanted),
        authoritative=bool(reply.header.aa),
    )


def _text(record: dnslib.RR) -> str:
    if record.rtype == dnslib.QTYPE.TXT:
        return b"".join(record.rdata.data).decode("utf-8", "replace")
    return str(record.rdata)


def _by_udp(server: Server, wire: bytes) -> bytes:
    with socket.socket(_family(server), socket.SOCK_DGRAM) as sock:
        sock.settimeout(TIMEOUT_S)
        sock.connect((server.host, server.port))
        for left in reversed(range(_TRIES)):
            sock.send(wire)
            try:
                while True:
                    data = sock.recv(_LONGEST)
                    if data[:2] == wire[:2]:
                        return data
            except TimeoutError:
                if not left:
                    raise
    raise TimeoutError


def _by_tcp(server: Server, wire: bytes) -> bytes:
    with socket.create_connection((server.host, server.port), timeout=TIMEOUT_S) as sock:
        sock.sendall(len(wire).to_bytes(2) + wire)
        with sock.makefile("rb") as stream:
            head = stream.read(2)
            return stream.read(struct.unpack(">H", head)[0]) if len(head) == 2 else b""  # noqa: PLR2004


def _family(server: Server) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in server.host else socket.AF_INET
