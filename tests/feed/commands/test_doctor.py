"""What the doctor says about resolvers and name servers that misbehave in the known ways."""

import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from feed.commands.asking import SILENT, Server, ask

ROOT = Path(__file__).resolve().parents[3]
ZONE = "bl.example.org"
MAPPED = "2.0.0.0.0.0.f.7.f.f.f.f" + ".0" * 20
pytestmark = pytest.mark.e2e

Behaviour = Callable[[str, str], "str | tuple[str, ...]"]
"""Name below the zone and type to an rcode, or the answers."""


def healthy(*, serial: int | None = None, age: int = 5) -> Behaviour:
    now = int(time.time())

    def behave(name: str, kind: str) -> str | tuple[str, ...]:
        if name in ("2.0.0.127", MAPPED):
            return {"A": ("127.0.0.2",), "TXT": ('"Test entry"',)}.get(kind, ())
        if name == "_freshness":
            return (f'"serial={serial or now} created={now - age} age={age} refresh=0 expire=0"',)
        if not name:
            soa = f"ns1.example.net. h.example.net. {serial or now} 300 60 172800 120"
            return {"SOA": (soa,), "NS": ()}.get(kind, ())
        return () if name in ("127", "0.127", "0.0.127") else "NXDOMAIN"

    return behave


class Fake(socketserver.ThreadingUDPServer):
    """A name server that answers as `behave` says; by TCP too unless told otherwise."""

    daemon_threads = True

    def __init__(self, behave: Behaviour, *, tcp: bool = True) -> None:
        self.behave = behave
        # TCP first: of its ports fewer are free, since closed connections hold theirs for a while.
        self.stream = _Stream(("127.0.0.1", 0), _Tcp) if tcp else None
        super().__init__(("127.0.0.1", self.stream.server_address[1] if self.stream else 0), _Udp)
        self.port = self.server_address[1]
        self.threads = [threading.Thread(target=self.serve_forever, args=(0.02,))]
        if self.stream is not None:
            self.stream.behave = behave
            self.threads.append(threading.Thread(target=self.stream.serve_forever, args=(0.02,)))
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        for server in (self, self.stream):
            if server is not None:
                server.shutdown()
                server.server_close()
        for thread in self.threads:
            thread.join()


class _Stream(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    behave: Behaviour


class _Udp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, sock = self.request
        reply = respond(data, self.server.behave)  # type: ignore[attr-defined]
        if reply:
            sock.sendto(reply, self.client_address)


class _Tcp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        data = self.rfile.read(int.from_bytes(self.rfile.read(2)))
        reply = respond(data, self.server.behave)  # type: ignore[attr-defined]
        self.wfile.write(len(reply).to_bytes(2) + reply)


def respond(data: bytes, behave: Behaviour) -> bytes:
    query = dns.message.from_wire(data)
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.AA
    question = query.question[0]
    name = str(question.name).rstrip(".").removesuffix(ZONE).rstrip(".")
    result = behave(name, dns.rdatatype.to_text(question.rdtype))
    if result == "silent":
        return b""
    if result == "garbage":
        return data[:2] + b"\xff" * 30
    if isinstance(result, str):
        reply.set_rcode(dns.rcode.from_text(result))
    elif result:
        kind = dns.rdatatype.to_text(question.rdtype)
        reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *result))
    return reply.to_wire()


@pytest.fixture
def fake() -> Iterator[Callable[..., Fake]]:
    running: list[Fake] = []

    def starter(behave: Behaviour, **options: bool) -> Fake:
        running.append(Fake(behave, **options))
        return running[-1]

    yield starter
    for one in running:
        one.stop()


def doctor(resolver: Fake, *servers: Fake) -> tuple[int, str]:
    more = [text for each in servers for text in ("--name-server", f"127.0.0.1:{each.port}")]
    done = subprocess.run(
        [
            sys.executable, "-m", "feed", "doctor", "--zone", ZONE,
            "--resolver", f"127.0.0.1:{resolver.port}", *more,
        ],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def changed(**instead: "str | tuple[str, ...]") -> Behaviour:
    """Return the healthy behaviour but for these names and types, spelled `A_2_0_0_127`; `x` is any other."""
    good = healthy()

    def behave(name: str, kind: str) -> str | tuple[str, ...]:
        key = f"{kind}_{name.replace('.', '_')}"
        usual = good(name, kind)
        if key in instead:
            return instead[key]
        return instead.get("x", usual) if usual == "NXDOMAIN" else usual

    return behave


def test_all_is_well(fake: Callable[..., Fake]) -> None:
    one = fake(healthy())
    code, said = doctor(one, one)
    assert code == 0, said
    assert "FAIL" not in said
    assert "warn" not in said


@pytest.mark.parametrize(
    ("behave", "words"),
    [
        pytest.param(changed(A_2_0_0_127=()), "protection against rebinding", id="rebind filter"),
        pytest.param(changed(A_2_0_0_127="NXDOMAIN"), "against rebinding", id="filter, NXDOMAIN"),
        pytest.param(lambda *_: "NXDOMAIN", "no working block list, or is misspelled", id="no such list"),
        pytest.param(changed(x=("203.0.113.9",)), "rewrites NXDOMAIN", id="advertisements"),
        pytest.param(lambda *_: ("203.0.113.9",), "somebody rewrites answers", id="everything rewritten"),
        pytest.param(changed(A_1_0_0_127=("127.0.0.2",)), "lists the whole world", id="lists the world"),
        pytest.param(changed(A_0_0_127="NXDOMAIN"), "minimise names", id="minimisation"),
        pytest.param(lambda *_: "REFUSED", "does not answer you", id="refused"),
        pytest.param(lambda *_: "SERVFAIL", "cannot be reached", id="servfail"),
        pytest.param(lambda *_: "garbage", "not a DNS message", id="garbage"),
        pytest.param(healthy(age=30_000), "FAIL the list seen through the resolver is 3", id="stale"),
        pytest.param(changed(A_2_0_0_127=("127.255.255.254",)), "instead of 127.0.0.2", id="error code"),
    ],
)  # fmt: skip
def test_trouble_is_named(fake: Callable[..., Fake], behave: Behaviour, words: str) -> None:
    code, said = doctor(fake(behave), fake(healthy()))
    assert (code, words in said) == (1, True), said


def test_a_server_that_lags_and_others_that_are_none(fake: Callable[..., Fake]) -> None:
    now = int(time.time())
    good, late = fake(healthy()), fake(healthy(serial=now - 4000, age=4000))
    lame, quiet = fake(lambda *_: "REFUSED"), fake(healthy(), tcp=False)
    code, said = doctor(good, good, late, lame, quiet)
    assert code == 1
    assert f"127.0.0.1:{late.port} is 4000 seconds behind" in said.replace("4001", "4000")
    assert f"127.0.0.1:{lame.port} is not a name server of {ZONE} (REFUSED)" in said
    assert f"127.0.0.1:{quiet.port} does not answer by TCP" in said
    assert said.count("FAIL") == 2


def test_silence_is_a_finding() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    reply = ask(Server(host="127.0.0.1", port=port), ZONE, "A")
    assert reply.rcode == SILENT
    assert reply.why


@pytest.mark.parametrize("text", ["nowhere", "127.0.0.1:0", "127.0.0.1:x", "300.0.0.1:53"])
def test_a_wrong_address_is_said(text: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "feed", "doctor", "--zone", ZONE, "--resolver", text],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "is not ADDRESS:PORT" in done.stderr
