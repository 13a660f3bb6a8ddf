"""Asking real UDP servers on loopback: honest, silent, closed, broken and lying ones."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import dnslib
import pytest

from feed.domain.address import parse_address
from feed.web.answers import answer_rows
from feed.web.ask_dns import ask

ZONES = ("bl.feed.test", "score.bl.feed.test")
ADDRESS = parse_address("192.0.2.7")
Reply = Callable[[dnslib.DNSRecord], list[bytes]]


@pytest.fixture
def serve() -> Iterator[Callable[[Reply], str]]:
    sockets: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(reply: Reply) -> str:
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("127.0.0.1", 0))
        server.settimeout(0.05)
        sockets.append(server)
        threads.append(threading.Thread(target=_run, args=(server, reply)))
        threads[-1].start()
        return f"127.0.0.1:{server.getsockname()[1]}"

    yield start
    for server in sockets:
        server.close()
    for thread in threads:
        thread.join()


def _run(server: socket.socket, reply: Reply) -> None:
    while server.fileno() >= 0:
        try:
            wire, peer = server.recvfrom(4096)
            for answer in reply(dnslib.DNSRecord.parse(wire)):
                server.sendto(answer, peer)
        except TimeoutError:
            continue
        except OSError:
            return


def _soa(zone: str) -> dnslib.RR:
    soa = dnslib.SOA("ns.feed.test", "hostmaster.feed.test", (1_764_000_000, 300, 60, 172_800, 120))
    return dnslib.RR(zone, dnslib.QTYPE.SOA, rdata=soa)


def honest(query: dnslib.DNSRecord) -> list[bytes]:
    """Answer as our server does: 192.0.2.7 is in the score zone with .3."""
    reply = query.reply(ra=0)
    name = str(query.q.qname).rstrip(".")
    if query.q.qtype == dnslib.QTYPE.SOA:
        reply.add_answer(_soa(name))
    elif name == "7.2.0.192.score.bl.feed.test":
        reply.add_answer(dnslib.RR(name, dnslib.QTYPE.A, rdata=dnslib.A("127.0.0.3"), ttl=300))
    else:
        reply.header.rcode = dnslib.RCODE.NXDOMAIN
        reply.add_auth(_soa("bl.feed.test"))
    return [reply.pack()]


def test_each_zone_is_asked_and_told_with_its_serial(serve: Callable[[Reply], str]) -> None:
    server = serve(honest)
    main, score = ask([server], ZONES, ADDRESS)
    assert (main.outcome, main.codes, main.serial) == ("not_listed", (), 1_764_000_000)
    assert (score.outcome, score.codes, score.serial) == ("listed", ("127.0.0.3",), 1_764_000_000)
    assert (main.zone, score.zone, main.server) == (*ZONES, server)


def test_a_closed_port_is_no_answer_and_costs_no_time() -> None:
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
    probe.close()
    started = time.monotonic()
    assert [one.outcome for one in ask([f"127.0.0.1:{port}"], ZONES, ADDRESS, timeout_s=30)] == [
        "no_answer"
    ] * 2
    assert time.monotonic() - started < 15


def test_a_silent_server_ends_with_the_time_limit_and_hides_no_other(serve: Callable[[Reply], str]) -> None:
    answers = ask([serve(lambda _: []), serve(honest)], ZONES, ADDRESS, timeout_s=0.3)
    assert [one.outcome for one in answers] == ["no_answer", "no_answer", "not_listed", "listed"]


def _wrong_id(query: dnslib.DNSRecord) -> list[bytes]:
    reply = bytearray(honest(query)[0])
    reply[0] ^= 0xFF
    return [bytes(reply)]


def _other_question(query: dnslib.DNSRecord) -> list[bytes]:
    query.q.qname = dnslib.DNSLabel("8.2.0.192.score.bl.feed.test")
    reply = query.reply()
    reply.add_answer(dnslib.RR("8.2.0.192.score.bl.feed.test", rdata=dnslib.A("127.0.0.2")))
    return [reply.pack()]


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(lambda _: [b"", b"\x00", b"\xff" * 600], id="garbage"),
        pytest.param(_wrong_id, id="another id"),
        pytest.param(_other_question, id="another question"),
        pytest.param(lambda query: [query.pack()], id="the question sent back"),
    ],
)
def test_what_is_no_reply_to_the_question_is_not_believed(
    reply: Reply, serve: Callable[[Reply], str]
) -> None:
    answers = ask([serve(reply)], ZONES, ADDRESS, timeout_s=0.3)
    assert [one.outcome for one in answers] == ["no_answer", "no_answer"]


def test_garbage_before_the_reply_does_not_hide_it(serve: Callable[[Reply], str]) -> None:
    answers = ask([serve(lambda query: [b"\xff" * 40, *honest(query)])], ZONES, ADDRESS)
    assert [one.outcome for one in answers] == ["not_listed", "listed"]


def test_a_refusal_is_told_as_such(serve: Callable[[Reply], str]) -> None:
    def refuse(query: dnslib.DNSRecord) -> list[bytes]:
        reply = query.reply()
        reply.header.rcode = dnslib.RCODE.REFUSED
        return [reply.pack()]

    assert {one.outcome for one in ask([serve(refuse)], ZONES, ADDRESS)} == {"refused"}


@pytest.mark.parametrize("server", ["ns.feed.test:53", "127.0.0.1:99999", "[::1:53"])
def test_a_server_that_cannot_be_asked_is_no_answer(server: str) -> None:
    assert {one.outcome for one in ask([server], ZONES, ADDRESS, timeout_s=0.1)} == {"no_answer"}


@pytest.mark.parametrize("code", ["203.0.113.80", "127.0.0.1", "127.255.255.254", "10.0.0.1"])
def test_b4_an_answer_that_no_list_of_ours_gives_is_no_listing(
    serve: Callable[[Reply], str], code: str
) -> None:
    """A resolver that rewrites NXDOMAIN was shown as a listing (ux-ecosystem.md B4)."""

    def rewritten(query: dnslib.DNSRecord) -> list[bytes]:
        reply = query.reply()
        reply.add_answer(dnslib.RR(str(query.q.qname), dnslib.QTYPE.A, rdata=dnslib.A(code), ttl=300))
        return [reply.pack()]

    found = ask([serve(rewritten)], ZONES, ADDRESS)
    assert {one.outcome for one in found} == {"strange"}
    assert f"{code}: no answer of this list" in answer_rows(found, {})[0].words
