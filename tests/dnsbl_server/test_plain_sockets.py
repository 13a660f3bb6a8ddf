"""Without the calls for many datagrams everything is as with them."""

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import pytest

from dnsbl_server.batch import AVAILABLE, Batch
from dnsbl_server.plain import PlainBatch
from dnsbl_server.slots import SLOTS, Slots
from tests.dnsbl_server.conftest import Server

NOW = 1_800_000_000
ZONE = "bl.example.org"
pytestmark = pytest.mark.e2e


@pytest.fixture(params=["127.0.0.1", "::1", "0.0.0.0"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, list[socket.socket]]]:
    """Return a bound socket and five connected ones."""
    host = request.param
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.ExitStack() as stack:
        served = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
        if host == "0.0.0.0":
            served.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO
        served.setblocking(False)
        served.bind((host, 0))
        peers = [stack.enter_context(socket.socket(family, socket.SOCK_DGRAM)) for _ in range(5)]
        for peer in peers:
            peer.settimeout(5)
            peer.connect(("127.0.0.1" if host == "0.0.0.0" else host, served.getsockname()[1]))
        yield served, peers


@pytest.mark.parametrize("kind", [Batch, PlainBatch])
def test_each_peer_gets_his_own_answer(
    pair: tuple[socket.socket, list[socket.socket]], kind: type[Batch] | type[PlainBatch]
) -> None:
    served, peers = pair
    if kind is Batch and not AVAILABLE:
        pytest.skip("this system has no recvmmsg")
    slots = Slots()
    batch = kind(served, slots)
    assert batch.receive() is None
    sizes = [0, 40, 80, 81, 1616]
    for _ in range(2):  # the memory of the first batch does not show in the second
        sent = [bytes((number,)) * size for number, size in enumerate(sizes)]
        for peer, data in zip(peers, sent, strict=True):
            peer.send(data)
        received = batch.receive()
        assert received is not None
        assert (list(received.lengths), received.cut, received.silent) == (sizes, [], [])
        for slot, data in enumerate(sent):
            assert slots.datagram(slot, len(data)) == data
            address = peers[slot].getsockname()[0]
            assert batch.client(slot) == socket.inet_pton(served.family, address)
            slots.put(slot, b"answer %d" % slot)
        batch.send(len(sent), [3])
        for slot in (0, 1, 2, 4):
            assert peers[slot].recv(100) == b"answer %d" % slot
        peers[3].settimeout(0.05)
        with pytest.raises(TimeoutError):
            peers[3].recv(100)


@pytest.mark.parametrize("kind", [Batch, PlainBatch])
def test_what_is_longer_than_the_room_is_said_to_be_cut(
    pair: tuple[socket.socket, list[socket.socket]], kind: type[Batch] | type[PlainBatch]
) -> None:
    served, peers = pair
    batch = kind(served, Slots())
    peers[0].send(b"x")
    peers[1].send(b"y" * 5000)
    received = batch.receive()
    assert received is not None
    assert received.cut == [1]


def test_a_batch_is_no_longer_than_its_memory(pair: tuple[socket.socket, list[socket.socket]]) -> None:
    served, peers = pair
    batch = PlainBatch(served, Slots())
    for number in range(SLOTS + 3):
        peers[number % 5].send(b"%d" % number)
    first, second = batch.receive(), batch.receive()
    assert first is not None
    assert second is not None
    assert (len(first.lengths), len(second.lengths)) == (SLOTS, 3)


@pytest.fixture
def running(start: Callable[..., Server], put: Callable[..., Path], snapshot: Callable[..., bytes]) -> Server:
    data = snapshot(serial=NOW, expire_at=4_000_000_000)
    return start(
        "--snapshot", str(put(data)), "--listen", "127.0.0.1:0", "--listen", "[::1]:0", "--workers", "2",
        "--plain-sockets",
    )  # fmt: skip


def test_the_whole_server_answers(running: Server) -> None:
    ports = [int(running.wait_for("serving on", count=n).rpartition(":")[2]) for n in (1, 2)]
    for host, port in zip(("127.0.0.1", "::1"), ports, strict=True):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for data in (b"", b"\xff" * 5, b"\0" * 60_000, os.urandom(4097), bytes(12)):
                sock.sendto(data, (host, port))
        for name, expected in (("7.2.0.192", "NOERROR"), ("8.2.0.192", "NXDOMAIN"), ("192", "NOERROR")):
            for edns in (-1, 0):
                query = dns.message.make_query(f"{name}.{ZONE}", "A", use_edns=edns)
                reply = dns.query.udp(query, host, port=port, timeout=5)
                assert dns.rcode.to_text(reply.rcode()) == expected
                assert reply.edns == edns
    assert "Traceback" not in " ".join(running.lines)
