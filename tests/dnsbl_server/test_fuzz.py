"""Made-up datagrams through a worker: no exception, no answer that is none, and memory that does not grow.

Some 100,000 by default; `BSF_FUZZ=10000000` says how many, `BSF_FUZZ_SEED` from where on.
"""

import ipaddress
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import dns.edns
import dns.message
import dns.tsigkeyring
import pytest

from dnsbl_server import tsig, wire
from dnsbl_server.access import Access
from dnsbl_server.batch import Received
from dnsbl_server.cookies import Cookies
from dnsbl_server.holder import Served, load
from dnsbl_server.metrics import Counters
from dnsbl_server.options import Options
from dnsbl_server.slots import EXTRA, SLOTS, STRIDE
from dnsbl_server.udp import Worker
from tests.dnsbl_server.conftest import LISTED, NOW
from tests.dnsbl_server.secondaries import KEY, SECRET

COUNT = int(os.environ.get("BSF_FUZZ", "100000"))
SEED = int(os.environ.get("BSF_FUZZ_SEED", "1"))
MORE_BYTES = 6 << 20
"""What the second half of a run may take: caches that are bounded by count may still fill."""
ROOM = STRIDE + EXTRA
ZONE = "bl.example.org"
LABEL = "opensesame99"


class Memory:
    """A batch of datagrams that came by no socket."""

    def __init__(self, *, v6: bool, rng: random.Random) -> None:
        self.v6 = v6
        length = 16 if v6 else 4
        self.clients = [rng.randbytes(length) for _ in range(SLOTS)]

    def client(self, slot: int) -> bytes:
        return self.clients[slot]


def workers(path: Path, rng: random.Random) -> list[tuple[Worker, Memory]]:
    """Return workers that are set in different ways, each with a batch."""
    keys = tsig.parse_keys(f"{KEY} {SECRET}\n")
    cookies = Cookies(secrets=(b"s" * 32,))
    network = ipaddress.ip_network("0.0.0.0/1")
    access = Access(query=(network,), labels={LABEL.encode(): 1}, names=("half", "hub"))
    transfer = Access(transfer=(ipaddress.ip_network("0.0.0.0/2"),), transfer_keys=frozenset(keys))
    found: list[tuple[Worker, Memory]] = []
    for options in (
        Options(cookies=cookies, keys=keys, access=transfer),
        Options(cookies=cookies, rate_limit=5),
        Options(access=access, keys=keys),
    ):
        served = Served(1, options)
        served.attach(0, load(path).descriptor)
        counters = Counters(1, len(options.access.names))
        found.append((Worker(served, lambda: float(NOW), counters), Memory(v6=len(found) == 1, rng=rng)))
    return found


def option(code: int, data: bytes) -> dns.edns.Option:
    return dns.edns.GenericOption(dns.edns.OptionType.make(code), data)


def seeds() -> list[bytes]:
    """Return messages of every kind that a server meets."""
    names = [f"7.2.0.192.{ZONE}", f"8.2.0.192.{ZONE}", f"2.0.0.127.{LABEL}.{ZONE}", ZONE, f"192.{ZONE}"]
    names += [".".join("0123456789abcdef" * 2) + "." + ZONE, "example.com", ".", f"_freshness.{ZONE}"]
    options: list[list[dns.edns.Option]] = [
        [], [option(10, b"c" * 8)], [option(10, b"c" * 24)],
        [option(11, b""), option(15, b"\0\1x")],
        [option(65001, b"x" * 40)] * 3,
    ]  # fmt: skip
    found = []
    for name in names:
        for kind in ("A", "TXT", "NS", "SOA", "ANY", "AXFR", "IXFR", "TYPE1000"):
            plain = dns.message.make_query(name, kind)
            found.append(plain.to_wire())
            found += [
                dns.message.make_query(name, kind, use_edns=0, options=each).to_wire() for each in options
            ]
            found.append(dns.message.make_query(name, kind, rdclass="CH", use_edns=1).to_wire())
            signed = dns.message.make_query(name, kind)
            signed.use_tsig(dns.tsigkeyring.from_text({KEY: SECRET}))
            found.append(signed.to_wire())
            found.append(dns.message.make_response(plain).to_wire())
    return found


def mutations(rng: random.Random, seed: list[bytes]) -> Iterator[bytes]:
    """Yield datagrams: some whole, most with something wrong."""
    edges = (0, 1, 0x3F, 0x40, 0x7F, 0x80, 0xBF, 0xC0, 0xFF, 0x0C)
    while True:
        data = rng.choice(seed)
        way = rng.randrange(10)
        if way < 4:
            changed = bytearray(data)
            for _ in range(rng.randint(1, 4)):
                changed[rng.randrange(len(changed))] = rng.choice(edges) if way < 2 else rng.randrange(256)
            data = bytes(changed)
        elif way == 4:
            data = data[: rng.randrange(len(data) + 1)]
        elif way == 5:
            data += rng.randbytes(rng.choice((1, 2, 11, 40, 500, 1700)))
        elif way == 6:
            other = rng.choice(seed)
            data = data[: rng.randrange(len(data))] + other[rng.randrange(len(other)) :]
        elif way == 7:
            at = rng.randrange(len(data))
            data = data[:at] + rng.randbytes(rng.randint(1, 8)) + data[at:]
        elif way == 8:
            address = ipaddress.IPv4Address(rng.getrandbits(32))
            labels = b"".join(bytes((len(part),)) + part.encode() for part in str(address).split("."))
            data = data[:12] + labels + data[12:]
        elif rng.random() < 0.3:
            data = rng.randbytes(rng.choice((0, 5, 12, 13, 60, 600)))
        yield data


def rss() -> int:
    """Return bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def run(worker: Worker, batch: Memory, datagrams: list[bytes]) -> int:
    """Give one batch to a worker and check what it says; return how many were answered."""
    for slot, data in enumerate(datagrams):
        worker._slots.receive(slot, data[:ROOM])
    cut = [slot for slot, data in enumerate(datagrams) if len(data) > ROOM]
    received = Received([min(len(data), ROOM) for data in datagrams], [], cut)
    silent = set(worker._answer(batch, received))  # type: ignore[arg-type]
    for slot, data in enumerate(datagrams):
        if slot in silent:
            continue
        reply = worker._slots.reply(slot)
        assert len(data) >= wire.HEADER_LEN
        assert not data[2] & 0x80, data
        assert reply[:2] == data[:2], data
        assert reply[2] & 0x80, data
        assert len(reply) <= wire.UDP_PAYLOAD, data
    for slot in silent:
        data = datagrams[slot]
        assert len(data) < wire.HEADER_LEN or data[2] & 0x80 or batch.v6, data  # v6: the limited worker
    return len(datagrams) - len(silent)


@pytest.mark.e2e
def test_fuzzed_datagrams_raise_nothing_and_leave_nothing(
    put: Callable[..., Path], snapshot: Callable[..., bytes]
) -> None:
    rng = random.Random(SEED)
    source = mutations(rng, seeds())
    made = workers(put(snapshot(LISTED, codes=(2, 3))), rng)
    done = answered = 0
    settled: int | None = None
    while done < COUNT:
        worker, batch = made[rng.randrange(len(made))]
        datagrams = [next(source) for _ in range(rng.randint(1, SLOTS))]
        answered += run(worker, batch, datagrams)
        done += len(datagrams)
        if settled is None and done >= COUNT // 2:
            settled = rss()
    assert answered > COUNT // 2
    assert settled is not None
    assert rss() - settled < MORE_BYTES
