"""Transfers: what other makers' clients and secondaries get is what we serve, whatever happened before."""

import contextlib
import ipaddress
import random
import re
import signal
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.tsigkeyring
import dns.xfr
import dns.zone
import pytest

from tests.dnsbl_server.conftest import Server
from tests.dnsbl_server.secondaries import (
    ENGINES,
    KEY,
    SECRET,
    Engine,
    Secondary,
    eventually,
    free_port,
    there,
)

ZONE = "bl.example.org"
NOW = int(time.time())
RING = dns.tsigkeyring.from_text({KEY: SECRET})
BASE = (
    "192.0.2.7", "192.0.2.99", "198.51.100.0/24", "203.0.113.128/25", "45.0.0.0/22", "2.0.0.0/23",
    "255.255.255.255", "2001:db8::1", "2001:db8:1:2::/64", "2600:1:2::/48", "2600:1:3::/50",
)  # fmt: skip
Meaning = tuple[int, frozenset[tuple[int, bytes]]]
pytestmark = pytest.mark.e2e


class Publisher:
    """A list that changes at random, put where the server looks. Serials rise by one."""

    def __init__(self, put: Callable[..., Path], make: Callable[..., bytes], seed: int) -> None:
        self._put, self._make = put, make
        self.random = random.Random(seed)
        self.listed = set(BASE)
        self.codes: dict[str, int] = {}
        self.serial = NOW

    def publish(self) -> Path:
        """Put the present list."""
        self.serial += 1
        for entry in sorted(self.listed):
            if entry not in self.codes or self.random.random() < 0.02:
                self.codes[entry] = self.random.choice((2, 3))
        data = self._make(
            tuple(sorted(self.listed)),
            serial=self.serial,
            expire_at=NOW + 172_800,
            code_of=self.codes.__getitem__,
            text="at $",
        )
        return self._put(data)

    def address(self) -> str:
        """Return an address near or in what is listed, so that blocks grow, split and meet."""
        if self.random.random() < 0.7:
            block = ipaddress.ip_network(self.random.choice(["192.0.2.0/24", "45.0.0.0/20", "2.0.0.0/22"]))
            return str(block[self.random.randrange(block.num_addresses)])
        return str(ipaddress.ip_address((0x20010DB8 << 96) + self.random.randrange(1 << 12)))

    def change(self) -> None:
        """Add and take off a few entries."""
        for _ in range(self.random.randint(1, 12)):
            if self.random.random() < 0.4 and len(self.listed) > 3:
                self.listed.discard(self.random.choice(sorted(self.listed)))
            elif self.random.random() < 0.2:
                width = self.random.choice([24, 25, 27, 30])
                self.listed.add(str(ipaddress.ip_network(f"45.0.{self.random.randrange(16)}.0/{width}")))
            else:
                self.listed.add(self.address())

    def samples(self, count: int) -> list[str]:
        """Return names of listed addresses, their neighbours and others."""
        found = []
        networks = [ipaddress.ip_network(entry) for entry in sorted(self.listed)]
        for _ in range(count):
            network = self.random.choice(networks)
            size = 1 << network.max_prefixlen
            at = int(network.network_address) + self.random.randrange(-2, network.num_addresses + 2)
            if self.random.random() < 0.3:
                at = self.random.randrange(size)
            kind = type(network.network_address)
            found.append(kind(max(0, min(size - 1, at))).reverse_pointer.rpartition(".in-addr")[0])
            if network.version == 6:
                found[-1] = kind(max(0, min(size - 1, at))).reverse_pointer.rpartition(".ip6")[0]
        return found


@pytest.fixture
def keys(tmp_path: Path) -> str:
    path = tmp_path / "keys"
    path.write_text(f'key "{KEY}" {{\n\talgorithm hmac-sha256;\n\tsecret "{SECRET}";\n}};\n')
    return str(path)


@pytest.fixture
def publisher(put: Callable[..., Path], snapshot: Callable[..., bytes]) -> Publisher:
    return Publisher(put, snapshot, seed=5)


@pytest.fixture
def primary(start: Callable[..., Server], publisher: Publisher, keys: str) -> Server:
    return start(
        "--snapshot", str(publisher.publish()), "--listen", "127.0.0.1:0", "--workers", "1",
        "--tsig-key", keys, "--allow-transfer", f"key:{KEY}",
    )  # fmt: skip


def axfr(port: int) -> dns.zone.Zone:
    zone = dns.zone.Zone(ZONE)
    _xfr(zone, port, None)
    return zone


def _xfr(zone: dns.zone.Zone, port: int, serial: int | None) -> None:
    query, _ = dns.xfr.make_query(zone, serial=serial, keyring=RING, keyname=dns.name.from_text(KEY))
    dns.query.inbound_xfr("127.0.0.1", zone, query, port=port, timeout=10, lifetime=20)


def records(zone: dns.zone.Zone) -> set[str]:
    return {
        f"{name} {data.ttl} {data.rdtype} {one}" for name, data in zone.iterate_rdatasets() for one in data
    }


def ask(port: int, name: str, kind: str = "A") -> dns.message.Message:
    query = dns.message.make_query(name, kind)
    return dns.query.udp(query, "127.0.0.1", port=port, timeout=5, ignore_unexpected=True)


def serial_of(port: int) -> int:
    try:
        reply = ask(port, ZONE, "SOA")
    except (dns.exception.Timeout, OSError):
        return 0
    return reply.answer[0][0].serial if reply.answer else 0


def meaning(reply: bytes) -> Meaning:
    """Return rcode, and type and data of what is answered; a name in the data would not be put in full."""
    at = _after_name(reply, 12) + 4
    found = set()
    for _ in range(int.from_bytes(reply[6:8])):
        at = _after_name(reply, at)
        kind, end = int.from_bytes(reply[at : at + 2]), at + 10 + int.from_bytes(reply[at + 8 : at + 10])
        found.add((kind, reply[at + 10 : end]))
        at = end
    return reply[3] & 0x0F, frozenset(found)


def _after_name(wire: bytes, at: int) -> int:
    while 0 < wire[at] < 0xC0:
        at += 1 + wire[at]
    return at + (2 if wire[at] else 1)


def wait_for_serial(port: int, serial: int) -> None:
    assert eventually(lambda: serial_of(port) == serial), f"{serial_of(port)} is not {serial}"


def test_without_a_permit_there_is_no_transfer(primary: Server) -> None:
    zone = dns.zone.Zone(ZONE)
    with pytest.raises(dns.xfr.TransferError) as raised:
        dns.query.inbound_xfr("127.0.0.1", zone, port=primary.port, timeout=5)
    assert raised.value.rcode == dns.rcode.REFUSED


def test_a_network_may_be_permitted(start: Callable[..., Server], publisher: Publisher) -> None:
    server = start(
        "--snapshot", str(publisher.publish()), "--listen", "127.0.0.1:0", "--workers", "1",
        "--allow-transfer", "127.0.0.0/8",
    )  # fmt: skip
    zone = dns.zone.Zone(ZONE)
    dns.query.inbound_xfr("127.0.0.1", zone, port=server.port, timeout=5)
    assert zone.get_soa().serial == publisher.serial


@pytest.mark.parametrize(
    ("secret", "name", "error"),
    [
        pytest.param("A" * 44, KEY, dns.tsig.PeerBadSignature, id="wrong secret"),
        pytest.param(SECRET, "other.example", dns.tsig.PeerBadKey, id="unknown key"),
    ],
)
def test_a_wrong_signature_is_told_so(primary: Server, secret: str, name: str, error: type) -> None:
    query = dns.message.make_query(ZONE, "SOA")
    query.use_tsig(dns.tsigkeyring.from_text({name: secret[:43] + "="}), algorithm=dns.tsig.HMAC_SHA256)
    for ask_by in (dns.query.udp, dns.query.tcp):
        with pytest.raises(error):
            ask_by(query, "127.0.0.1", port=primary.port, timeout=5)


def test_signed_queries_get_signed_answers(primary: Server) -> None:
    query = dns.message.make_query("7.2.0.192." + ZONE, "TXT", use_edns=0)
    query.use_tsig(RING, algorithm=dns.tsig.HMAC_SHA256)
    for ask_by in (dns.query.udp, dns.query.tcp):
        reply = ask_by(query, "127.0.0.1", port=primary.port, timeout=5)
        assert reply.had_tsig
        assert len(reply.answer) == 1


def test_a_whole_transfer_holds_every_listing(primary: Server, publisher: Publisher) -> None:
    got = records(axfr(primary.port))
    assert any(line.startswith("7.2.0.192 300 1 127.0.0.") for line in got)
    assert any(line.startswith('*.100.51.198 300 16 "at 198.51.100.0/24"') for line in got)
    assert any(line.startswith("2.0.0.127 300 1 127.0.0.2") for line in got)
    assert not any(line.startswith("1.0.0.127 ") for line in got)
    # 203.0.113.128/25 is no whole octet: its addresses are spelled out.
    assert sum(line.split()[0].endswith(".113.0.203") for line in got) == 256
    # 2.0.0.x would be mistaken for nibbles under a wildcard.
    names = [line.split()[0] for line in got]
    assert sum(name.endswith(".0.0.2") and name.count(".") == 3 for name in names) == 512


def test_steps_give_what_the_whole_gives(primary: Server, publisher: Publisher) -> None:
    zone = axfr(primary.port)
    for _ in range(12):
        publisher.change()
        publisher.publish()
        primary.process.send_signal(signal.SIGHUP)
        wait_for_serial(primary.port, publisher.serial)
        if publisher.random.random() < 0.6:  # some steps at once, sometimes
            assert eventually(lambda: _stepped(zone, primary.port, publisher.serial))
            assert records(zone) == records(axfr(primary.port))


def _stepped(zone: dns.zone.Zone, port: int, serial: int) -> bool:
    _xfr(zone, port, zone.get_soa().serial)
    return bool(zone.get_soa().serial == serial)


def raw_ixfr(port: int, serial: int) -> list[tuple[str, str]]:
    """Return (name, type) of all records of an IXFR, in order."""
    query = dns.message.make_query(ZONE, "IXFR")
    query.authority.append(
        dns.rrset.from_text(dns.name.from_text(ZONE), 0, "IN", "SOA", f". . {serial} 0 0 0 0")
    )
    query.use_tsig(RING, algorithm=dns.tsig.HMAC_SHA256)
    found = []
    context = None
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        dns.query.send_tcp(sock, query)
        while True:
            data = _receive(sock, int.from_bytes(_receive(sock, 2)))
            reply = dns.message.from_wire(
                data, keyring=RING, request_mac=query.mac, xfr=True, tsig_ctx=context, multi=True,
                one_rr_per_rrset=True, origin=dns.name.from_text(ZONE),
            )  # fmt: skip
            context = reply.tsig_ctx
            found += [(str(rrset.name), rrset.rdtype, str(rrset[0])) for rrset in reply.answer]
            soas = [text for _, kind, text in found if kind == dns.rdatatype.SOA]
            if len(found) == 1 or (
                soas[-1] == soas[0] and len(soas) > 1 and found[-1][1] == dns.rdatatype.SOA
            ):
                return [(name, text) for name, _, text in found]


def _receive(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += sock.recv(count - len(data)) or pytest.fail("the connection was closed")
    return data


def test_a_current_serial_gets_one_soa_and_an_unknown_one_everything(
    primary: Server, publisher: Publisher
) -> None:
    assert len(raw_ixfr(primary.port, publisher.serial)) == 1
    assert len(raw_ixfr(primary.port, publisher.serial + 100)) == 1
    assert len(raw_ixfr(primary.port, 5)) > 500
    udp = dns.message.make_query(ZONE, "IXFR")
    udp.use_tsig(RING, algorithm=dns.tsig.HMAC_SHA256)
    reply = dns.query.udp(udp, "127.0.0.1", port=primary.port, timeout=5)
    assert [each.rdtype for each in reply.answer] == [dns.rdatatype.SOA]


@pytest.fixture
def secondary(tmp_path: Path) -> Iterator[Callable[..., Secondary]]:
    running: list[Secondary] = []

    def starter(engine: Engine, primary: int, port: int) -> Secondary:
        one = Secondary(engine, tmp_path / engine.program, ZONE, primary, port)
        running.append(one)
        return one

    yield starter
    for one in running:
        if one.process.poll() is None:
            one.stop()


@pytest.mark.parametrize("name", ENGINES)
def test_a_real_secondary_serves_what_we_serve_and_catches_up(
    start: Callable[..., Server],
    secondary: Callable[..., Secondary],
    publisher: Publisher,
    tmp_path: Path,
    keys: str,
    name: str,
) -> None:
    engine = ENGINES[name]
    if not there(engine):
        pytest.skip(f"needs Debian's package {engine.package}")
    port, ours = free_port(), free_port()
    options = [
        "--snapshot", str(publisher.publish()), "--listen", f"127.0.0.1:{ours}", "--workers", "1",
        "--tsig-key", keys, "--allow-transfer", f"key:{KEY}", "--notify", f"127.0.0.1:{port},{KEY}",
        "--history", str(tmp_path / "history"), "--metrics", "127.0.0.1:0",
    ]  # fmt: skip
    server = start(*options)
    server.wait_for("serving on")
    one = secondary(engine, ours, port)
    wait_for_serial(port, publisher.serial)
    for _ in range(PUBLICATIONS):
        publisher.change()
        publisher.publish()
        server.process.send_signal(signal.SIGHUP)
        wait_for_serial(ours, publisher.serial)
    wait_for_serial(port, publisher.serial)
    same_answers(publisher, ours, port)
    # Cut off for a while: nobody tells it anything, and we are started anew, twice. NSD goes on running,
    # since it has its zone in memory; the others are down meanwhile.
    assert server.stop() == 0
    silent = start(*[each for each in options if each != "--notify" and f",{KEY}" not in each])
    silent.wait_for("serving on")
    if name != "nsd":
        one.stop()
    for _ in range(3):
        publisher.change()
        publisher.publish()
        silent.process.send_signal(signal.SIGHUP)
        wait_for_serial(ours, publisher.serial)
    assert silent.stop() == 0
    publisher.change()
    publisher.publish()
    again = start(*options)
    again.wait_for("serving on")
    assert f" {publisher.serial - 4} " in raw_ixfr(ours, publisher.serial - 4)[1][1]  # in steps, not anew
    if name != "nsd":
        secondary(engine, ours, port)
    wait_for_serial(port, publisher.serial)
    found = transfers(again)
    assert found["whole"] == 0
    assert found["steps"] > 1  # ours above, and theirs
    same_answers(publisher, ours, port)


def transfers(server: Server) -> dict[str, int]:
    """Return how many transfers there were of each kind."""
    where = server.wait_for("metrics on").rpartition(" ")[2]
    with urllib.request.urlopen(f"http://{where}/metrics", timeout=5) as reply:
        found = re.findall(r'bsf_dns_transfers_total\{how="(\w+)"\} (\d+)', reply.read().decode())
    return {how: int(number) for how, number in found}


PUBLICATIONS = 50
SAMPLES = 10_000
WINDOW = 50
"""Queries that are under way at once."""


def same_answers(publisher: Publisher, ours: int, theirs: int) -> None:
    """Compare (rcode, data) of A, and the same of TXT where wildcards can have our text."""
    asked: list[bytes] = []
    for name in publisher.samples(SAMPLES):
        labels = name.split(".")
        if len(labels) == 4 and all(len(label) == 1 for label in labels):
            continue  # also the beginning of an IPv6 name, which always exists here
        if len(labels) == 32 and name.endswith(".f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"):
            continue  # mapped addresses are not transferred, but for the test entries
        kind = publisher.random.choice(["A", "TXT", "MX"])
        asked.append(dns.message.make_query(f"{name}.{ZONE}", kind, id=len(asked)).to_wire())
    assert len(asked) > SAMPLES * 0.9
    for query, left, right in zip(asked, meanings(ours, asked), meanings(theirs, asked), strict=True):
        assert left == right, dns.message.from_wire(query)


def meanings(port: int, asked: list[bytes]) -> list[Meaning]:
    """Return what each query is answered, many at once; what is lost is asked again. The n-th has id n."""
    found: dict[int, Meaning] = {}
    open_ = list(range(len(asked)))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", port))
        sock.settimeout(2)
        for _ in range(len(asked)):
            batch = [number for number in open_ if number not in found][:WINDOW]
            if not batch:
                break
            for number in batch:
                sock.send(asked[number])
            with contextlib.suppress(TimeoutError):
                while any(number not in found for number in batch):
                    reply = sock.recv(4096)
                    found[int.from_bytes(reply[:2])] = meaning(reply)
            open_ = [number for number in open_ if number not in found]
    return [found[number] for number in range(len(asked))]
