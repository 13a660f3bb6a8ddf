"""The sampled log of queries: only on request, and then never a whole address of an asker."""

import ipaddress
import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import dns.message
import dns.query
import pytest

from dnsbl_server import querylog
from dnsbl_server.access import Access
from dnsbl_server.respond import respond
from tests.dnsbl_server.conftest import Server, make_service, snapshot_bytes
from tests.dnsbl_server.secondaries import eventually

NOW = 1_800_000_000
ZONE = "bl.example.org"
KEY = "opensesame99"


@pytest.mark.parametrize(
    ("client", "shown"),
    [
        pytest.param("192.0.2.77", "192.0.2.0/24", id="IPv4"),
        pytest.param("2001:db8:1:2345:6789::1", "2001:db8:1:2300::/56", id="IPv6"),
    ],
)
@pytest.mark.parametrize(
    ("name", "kind", "rcode"),
    [
        ("7.2.0.192", "A", "NOERROR"),
        ("8.2.0.192", "TXT", "NXDOMAIN"),
        (f"7.2.0.192.{KEY}", "TYPE65", "NXDOMAIN"),
    ],
)
def test_a_line_says_what_was_asked_and_roughly_by_whom(
    client: str, shown: str, name: str, kind: str, rcode: str
) -> None:
    packed = ipaddress.ip_address(client).packed
    service = make_service(snapshot_bytes())
    query = dns.message.make_query(f"{name}.{ZONE}", kind).to_wire()
    reply = respond(query, service, client=packed, tcp=False, now=NOW)
    assert reply is not None
    line = querylog.line(reply, packed, tcp=False, now=NOW, names={KEY.encode(): "hub-1"})
    assert json.loads(line) == {
        "at": NOW, "transport": "udp", "client": shown, "name": f"{name}.{ZONE}".replace(KEY, "hub-1"),
        "type": kind, "rcode": rcode,
    }  # fmt: skip
    assert client not in line.decode()


def test_an_answer_without_a_question_leaves_no_line() -> None:
    reply = respond(b"\0\1" + bytes(10), make_service(snapshot_bytes()), client=b"", tcp=True, now=NOW)
    assert reply is not None
    assert querylog.line(reply, b"", tcp=True, now=NOW, names={}) == b""


@pytest.mark.parametrize("every", [1, 7, 1000])
def test_about_one_of_so_many_is_chosen_whatever_the_batches(every: int) -> None:
    rng = random.Random(1)
    log = querylog.QueryLog(-1, every, Access(), lambda: NOW, rng)
    total = found = 0
    while total < 300_000:
        count = rng.randint(1, 64)
        chosen = log.chosen(count)
        assert chosen == sorted(set(chosen))
        assert all(0 <= at < count for at in chosen)
        total, found = total + count, found + len(chosen)
    assert found == total if every == 1 else abs(found * every / total - 1) < 0.2


def test_a_log_that_cannot_be_written_costs_only_itself() -> None:
    reply = respond(
        dns.message.make_query(ZONE, "SOA").to_wire(),
        make_service(snapshot_bytes()),
        client=b"\0" * 4,
        tcp=False,
        now=NOW,
    )
    assert reply is not None
    descriptor = os.open("/dev/full", os.O_WRONLY)
    try:
        log = querylog.QueryLog(descriptor, 1, Access(), lambda: NOW, random.Random(1))
        log.write(reply, b"\0" * 4, tcp=False)
    finally:
        os.close(descriptor)


@pytest.mark.e2e
def test_the_server_writes_it_only_when_asked_to(
    start: Callable[..., Server], put: Callable[..., Path], snapshot: Callable[..., bytes], tmp_path: Path
) -> None:
    now = int(time.time())
    path = tmp_path / "queries"
    common = ["--snapshot", str(put(snapshot(serial=now, expire_at=now + 172_800))), "--workers", "1"]
    server = start(*common, "--listen", "127.0.0.1:0", "--query-log", str(path), "--query-log-sample", "1")
    port = server.port
    for number in range(20):
        query = dns.message.make_query(f"{number}.2.0.192.{ZONE}", "A")
        dns.query.udp(query, "127.0.0.1", port=port, timeout=5)
    for kind in ("TXT", "SOA"):
        dns.query.tcp(dns.message.make_query(f"7.2.0.192.{ZONE}", kind), "127.0.0.1", port=port, timeout=5)
    dns.query.udp(dns.message.make_query(f"2001.{ZONE}", "A"), "127.0.0.1", port=port, timeout=5)
    assert eventually(lambda: len(path.read_text().splitlines()) == 23)
    lines = [json.loads(text) for text in path.read_text().splitlines()]
    assert {line["client"] for line in lines} == {"127.0.0.0/24"}
    assert [line["transport"] for line in lines].count("tcp") == 2
    assert {line["rcode"] for line in lines if line["name"] == f"7.2.0.192.{ZONE}"} == {"NOERROR"}
    assert path.stat().st_mode & 0o7 == 0
    assert server.stop() == 0
    quiet = start(*common, "--listen", "127.0.0.1:0")
    before = path.read_bytes()
    dns.query.udp(dns.message.make_query(f"7.2.0.192.{ZONE}", "A"), "127.0.0.1", port=quiet.port, timeout=5)
    assert path.read_bytes() == before
    assert "192.0.2" not in " ".join(quiet.lines)
