"""A DNS server of a test on loopback: UDP and TCP, records from a table, misbehaviour on demand."""

import socket
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import dnslib


class NameServer:
    """Answers from `records`: (name, type) -> values. Names ending in `slow.test.` get no answer.

    Set `rcode` to answer with an error, `cut` to answer over UDP only that TCP is needed, `spoof` to send
    a reply with a wrong id and one to another question before the right one.
    """

    def __init__(self, records: Mapping[tuple[str, str], Sequence[str]]) -> None:
        self.records = {(name.lower().rstrip("."), kind): values for (name, kind), values in records.items()}
        self.asked: list[tuple[str, str]] = []
        self.rcode = 0
        self.cut = False
        self.spoof = False
        self._tcp, self._udp = _both()
        self.port: int = self._udp.getsockname()[1]
        self._stopping = False
        self._udp.settimeout(0.1)
        self._tcp.settimeout(0.1)
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._serve_udp, self._serve_tcp)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def listen(self) -> str:
        """HOST:PORT as the settings take it."""
        return f"127.0.0.1:{self.port}"

    def close(self) -> None:
        """Stop."""
        self._stopping = True
        for thread in self._threads:
            thread.join(2)
        self._udp.close()
        self._tcp.close()

    def _serve_udp(self) -> None:
        while not self._stopping:
            try:
                wire, peer = self._udp.recvfrom(4096)
            except TimeoutError:
                continue
            reply = self._reply(wire)
            if reply is None:
                continue
            if self.spoof:
                other = dnslib.DNSRecord.parse(reply.pack())
                other.header.id = (other.header.id + 1) % 0x10000
                other.rr = [dnslib.RR(str(other.q.qname), other.q.qtype, rdata=dnslib.TXT("spoofed"))]
                self._udp.sendto(other.pack(), peer)
                self._udp.sendto(b"\x00" * 7, peer)
            if self.cut:
                reply.rr = []
                reply.header.tc = 1
            self._udp.sendto(reply.pack(), peer)

    def _serve_tcp(self) -> None:
        while not self._stopping:
            try:
                talk, _ = self._tcp.accept()
            except TimeoutError:
                continue
            with talk:
                length = int.from_bytes(talk.recv(2), "big")
                reply = self._reply(talk.recv(length))
                if reply is not None:
                    wire = reply.pack()
                    for byte in len(wire).to_bytes(2, "big") + wire:
                        talk.sendall(bytes([byte]))

    def _reply(self, wire: bytes) -> Any | None:
        asked = dnslib.DNSRecord.parse(wire)
        name, kind = str(asked.q.qname).lower().rstrip("."), dnslib.QTYPE[asked.q.qtype]
        self.asked.append((name, kind))
        if name.endswith("slow.test"):
            return None
        reply = asked.reply()
        reply.header.rcode = self.rcode
        values = self.records.get((name, kind))
        if values is None and not any(known == name for known, _ in self.records):
            reply.header.rcode = reply.header.rcode or dnslib.RCODE.NXDOMAIN
        for value in values or ():
            reply.add_answer(dnslib.RR(asked.q.qname, asked.q.qtype, rdata=_rdata(kind, value)))
        return reply


def _both() -> tuple[socket.socket, socket.socket]:
    """Return sockets for TCP and UDP on one free port; one that is free for TCP may be taken for UDP."""
    while True:
        tcp = socket.create_server(("127.0.0.1", 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            tcp.close()
            udp.close()
        else:
            return tcp, udp


def _rdata(kind: str, value: str) -> Any:
    if kind == "MX":
        number, _, host = value.partition(" ")
        return dnslib.MX(host, int(number))
    if kind == "TXT":
        return dnslib.TXT([value[at : at + 200] for at in range(0, max(len(value), 1), 200)])
    if kind == "PTR":
        return dnslib.PTR(dnslib.DNSLabel([part.encode("latin-1") for part in value.rstrip(".").split(".")]))
    return getattr(dnslib, kind)(value)
