"""What an operator sets: access, keys, limits, mirrors; and what he sees: metrics and freshness."""

import hashlib
import http.server
import re
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from tests.dnsbl_server.conftest import Server
from tests.dnsbl_server.secondaries import eventually

NOW = int(time.time())
ZONE = "bl.example.org"
KEY = "opensesame99"
pytestmark = pytest.mark.e2e


def fresh(make: Callable[..., bytes], **options: object) -> bytes:
    return make(**({"serial": NOW, "expire_at": NOW + 172_800} | options))


def ask(
    port: int, name: str, kind: str = "A", *, tcp: bool = False, **options: object
) -> dns.message.Message:
    query = dns.message.make_query(f"{name}.{ZONE}", kind, **options)  # type: ignore[arg-type]
    return (dns.query.tcp if tcp else dns.query.udp)(query, "127.0.0.1", port=port, timeout=5)


def rcode(message: dns.message.Message) -> str:
    return dns.rcode.to_text(message.rcode())


@pytest.fixture
def served(
    start: Callable[..., Server], put: Callable[..., Path], snapshot: Callable[..., bytes]
) -> Callable[..., Server]:
    """Start a server on the small list with more arguments."""
    path = str(put(fresh(snapshot)))
    return lambda *more: start("--snapshot", path, "--listen", "127.0.0.1:0", "--workers", "1", *more)


def metrics(server: Server) -> dict[str, float]:
    where = server.wait_for("metrics on").rpartition(" ")[2]
    with urllib.request.urlopen(f"http://{where}/metrics", timeout=5) as reply:
        lines = reply.read().decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"}


def counted(server: Server, **labels: str) -> float:
    return sum(
        number
        for name, number in metrics(server).items()
        if name.startswith("bsf_dns_answers_total") and all(f'{k}="{v}"' in name for k, v in labels.items())
    )


def test_every_answer_is_counted_once(served: Callable[..., Server]) -> None:
    server = served("--metrics", "127.0.0.1:0")
    port = server.port
    for _ in range(30):
        ask(port, "7.2.0.192")
        ask(port, "8.2.0.192")
        ask(port, "7.2.0.192", "TXT")
        ask(port, "8.2.0.192", use_edns=0)
    ask(port, "7.2.0.192", "A", tcp=True)
    for name in ("007.2.0.192", "999.2.0.192", "x.7.2.0.192", "mail.example", "1.2.3.4.50"):
        assert rcode(ask(port, name)) == "NXDOMAIN"
    assert counted(server, zone=ZONE, type="A", rcode="NOERROR", transport="udp", family="ipv4") == 30
    assert counted(server, zone=ZONE, type="A", rcode="NXDOMAIN", transport="udp") == 65
    assert counted(server, zone=ZONE, type="TXT", rcode="NOERROR") == 30
    assert counted(server, transport="tcp") == 1
    assert counted(server) == 126
    found = metrics(server)
    assert found["bsf_dns_latency_seconds_count"] == 125
    assert found['bsf_dns_latency_seconds_bucket{le="+Inf"}'] == 125
    assert 0 < found["bsf_dns_latency_seconds_sum"] < 5
    assert found[f'bsf_dns_serial{{zone="{ZONE}"}}'] == NOW
    assert 0 <= found[f'bsf_dns_age_seconds{{zone="{ZONE}"}}'] < 600
    wrong = {how: found[f'bsf_dns_wrong_use_total{{how="{how}"}}'] for how in ("name", "octet", "length")}
    assert wrong == {"name": 2, "octet": 2, "length": 1}


def test_metrics_know_no_other_page_and_survive_nonsense(served: Callable[..., Server]) -> None:
    server = served("--metrics", "127.0.0.1:0")
    where = server.wait_for("metrics on").rpartition(" ")[2]
    with pytest.raises(urllib.error.HTTPError, match="404") as raised:
        urllib.request.urlopen(f"http://{where}/", timeout=5)
    raised.value.close()
    with socket.create_connection((where.split(":")[0], int(where.split(":")[1])), timeout=5) as sock:
        sock.sendall(b"\xff" * 100 + b"\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 404")
    assert metrics(server)["bsf_dns_denied_total"] == 0


def test_freshness_is_a_txt_at_a_fixed_name(served: Callable[..., Server]) -> None:
    port = served().port
    reply = ask(port, "_freshness", "TXT")
    text = str(reply.answer[0][0])
    assert re.fullmatch(
        rf'"serial={NOW} created={NOW} age=\d+ refresh={NOW + 900} expire={NOW + 172_800}"', text
    )
    assert reply.answer[0].ttl == 0
    empty = ask(port, "_freshness", "A")
    assert (rcode(empty), len(empty.answer), len(empty.authority)) == ("NOERROR", 0, 1)


@pytest.mark.parametrize("edns", [-1, 0], ids=["plain", "edns"])
def test_only_these_networks_may_ask(served: Callable[..., Server], edns: int) -> None:
    server = served(
        "--allow-query", "192.0.2.0/24", "--allow-query", "2001:db8::/32", "--metrics", "127.0.0.1:0"
    )
    for tcp in (False, True):
        for _ in range(3):  # the shape is not learned into an open door
            reply = ask(server.port, "7.2.0.192", tcp=tcp, use_edns=edns)
            assert (rcode(reply), reply.answer) == ("REFUSED", [])
        assert edns < 0 or int(reply.options[0].code) == 18
    assert metrics(server)["bsf_dns_denied_total"] == 6


def test_an_allowed_network_is_counted(served: Callable[..., Server]) -> None:
    server = served("--allow-query", "127.0.0.0/8", "--metrics", "127.0.0.1:0")
    for _ in range(10):
        assert rcode(ask(server.port, "7.2.0.192")) == "NOERROR"
        assert rcode(ask(server.port, "8.2.0.192")) == "NXDOMAIN"
    assert metrics(server)['bsf_dns_client_queries_total{client="127.0.0.0/8"}'] == 20


def test_key_labels_open_the_door(served: Callable[..., Server], tmp_path: Path) -> None:
    keys = tmp_path / "client-keys"
    keys.write_text(f"# words\n{KEY} hub-1\nothersecret1\n")
    server = served("--client-keys", str(keys), "--metrics", "127.0.0.1:0")
    port = server.port
    for _ in range(2):
        assert rcode(ask(port, f"7.2.0.192.{KEY}")) == "NOERROR"
        assert str(ask(port, f"7.2.0.192.{KEY.upper()}", "TXT").answer[0][0]).count("192.0.2.7") == 1
        assert rcode(ask(port, f"8.2.0.192.{KEY}")) == "NXDOMAIN"
        assert rcode(ask(port, f"2.0.0.127.{KEY}")) == "NOERROR"
        assert rcode(ask(port, f"1.0.0.127.{KEY}")) == "NXDOMAIN"
        for name in ("7.2.0.192", "7.2.0.192.wrongsecret", f"7.2.0.192.{KEY}.{KEY}x", "2.0.0.127"):
            assert rcode(ask(port, name)) == "REFUSED", name
        for kind in ("A", "NS", "SOA", "TXT"):
            reply = ask(port, KEY, kind)  # the key is an empty non-terminal
            assert (rcode(reply), reply.answer) == ("NOERROR", [])
            assert str(reply.authority[0].name) == ZONE + "."
            assert rcode(ask(port, f"192.{KEY}", kind)) == "NOERROR"
    query = dns.message.make_query(ZONE, "NS")
    assert len(dns.query.udp(query, "127.0.0.1", port=port, timeout=5).answer) == 1
    found = metrics(server)
    assert found['bsf_dns_client_queries_total{client="hub-1"}'] == 26
    assert (
        found[f'bsf_dns_client_queries_total{{client="{hashlib.sha256(b"othersecret1").hexdigest()[:8]}"}}']
        == 0
    )
    assert KEY not in str(found)
    assert found["bsf_dns_denied_total"] == 8


def option(cookie: bytes) -> dns.edns.Option:
    return dns.edns.GenericOption(dns.edns.OptionType.COOKIE, cookie)


def flood(port: int, name: str, count: int, cookie: bytes = b"") -> list[dns.message.Message]:
    """Ask quickly; return the answers that came."""
    options = [option(cookie)] if cookie else []
    wire = dns.message.make_query(f"{name}.{ZONE}", "A", use_edns=0, options=options).to_wire()
    got = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sock.connect(("127.0.0.1", port))
        sock.settimeout(0.4)
        for _ in range(count):
            sock.send(wire)
        try:
            while True:
                got.append(dns.message.from_wire(sock.recv(2000)))
        except TimeoutError:
            return got


def test_rate_limiting_cuts_every_second_answer_and_spares_those_who_show_their_address(
    served: Callable[..., Server],
) -> None:
    server = served("--rate-limit", "20", "--metrics", "127.0.0.1:0")
    port = server.port
    got = flood(port, "8.2.0.192", 300)
    whole = [reply for reply in got if not reply.flags & dns.flags.TC]
    cut = [reply for reply in got if reply.flags & dns.flags.TC]
    assert 20 <= len(whole) <= 60  # a flood may lie over up to three seconds
    assert abs(len(cut) - (300 - len(whole)) / 2) <= 2
    assert all(not reply.answer and not reply.authority and reply.edns == 0 for reply in cut)
    assert len(flood(port, "7.2.0.192", 300)) == 300  # what is listed is never limited
    cookie = dns.message.make_query(f"8.2.0.192.{ZONE}", "A", options=[option(b"12345678")])
    ours = bytes(dns.query.tcp(cookie, "127.0.0.1", port=port, timeout=5).options[0].to_wire() or b"")
    got = flood(port, "8.2.0.192", 300, ours)
    assert len([reply for reply in got if not reply.flags & dns.flags.TC]) == 300
    forged = flood(port, "8.2.0.192", 300, ours[:-1] + bytes((ours[-1] ^ 1,)))
    assert len([reply for reply in forged if not reply.flags & dns.flags.TC]) <= 60
    for _ in range(60):
        assert rcode(ask(port, "8.2.0.192", tcp=True)) == "NXDOMAIN"
    found = metrics(server)
    assert found['bsf_dns_limited_total{how="slip"}'] >= 200
    assert found['bsf_dns_limited_total{how="drop"}'] >= 200


class Origin(http.server.ThreadingHTTPServer):
    """Gives one file with an ETag, or what it is told to."""

    daemon_threads = True
    data = b""
    status = 200
    asked: list[int]


class Handler(http.server.BaseHTTPRequestHandler):
    server: Origin

    def do_GET(self) -> None:
        etag = f'"{hashlib.sha256(self.server.data).hexdigest()}"'
        status = self.server.status
        if status == 200 and self.headers.get("If-None-Match") == etag:
            status = 304
        self.server.asked.append(status)
        self.send_response(status)
        if status == 200:
            self.send_header("ETag", etag)
            self.send_header("Content-Length", str(len(self.server.data)))
        self.end_headers()
        if status == 200:
            self.wfile.write(self.server.data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def origin() -> Iterator[Origin]:
    server = Origin(("127.0.0.1", 0), Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_mirror_follows_its_origin_and_survives_it(
    start: Callable[..., Server], origin: Origin, snapshot: Callable[..., bytes], tmp_path: Path
) -> None:
    origin.data = fresh(snapshot)
    path = tmp_path / "mirror.snap"
    arguments = [
        "--snapshot", str(path), "--snapshot-url", f"http://127.0.0.1:{origin.server_port}/bl.snap",
        "--pull-every", "1", "--listen", "127.0.0.1:0", "--workers", "1",
    ]  # fmt: skip
    server = start(*arguments)
    assert rcode(ask(server.port, "7.2.0.192")) == "NOERROR"
    assert eventually(lambda: 304 in origin.asked)
    origin.data = fresh(snapshot, listed=("192.0.2.50",), serial=NOW + 1)
    server.wait_for(f"serial {NOW + 1}")
    assert eventually(lambda: rcode(ask(server.port, "50.2.0.192")) == "NOERROR")
    good = origin.data
    for bad, words in (
        (good[:5000] + b"x" + good[5001:], "damaged"),
        (fresh(snapshot, zone="other.example.org", serial=NOW + 5), "not bl.example.org"),
        (fresh(snapshot, serial=NOW - 5), "older than our"),
        (fresh(snapshot, serial=NOW + 5, expire_at=NOW - 5), "out of date"),
        (b"<html>", "not a snapshot"),
    ):
        origin.data = bad
        server.wait_for(words)
        assert rcode(ask(server.port, "50.2.0.192")) == "NOERROR"
        origin.data = good
        server.wait_for("is there again", count=len([line for line in server.lines if "again" in line]) + 1)
    origin.status = 500
    server.wait_for("status 500")
    assert rcode(ask(server.port, "50.2.0.192")) == "NOERROR"
    assert server.stop() == 0
    again = start(*arguments)  # the origin still fails
    assert rcode(ask(again.port, "50.2.0.192")) == "NOERROR"


def test_a_mirror_waits_for_its_first_list(
    start: Callable[..., Server], origin: Origin, snapshot: Callable[..., bytes], tmp_path: Path
) -> None:
    origin.status = 503
    server = start(
        "--snapshot", str(tmp_path / "m"), "--snapshot-url", f"http://127.0.0.1:{origin.server_port}/",
        "--pull-every", "1", "--listen", "127.0.0.1:0", "--workers", "1",
    )  # fmt: skip
    server.wait_for("status 503")
    origin.data, origin.status = fresh(snapshot), 200
    assert rcode(ask(server.port, "7.2.0.192")) == "NOERROR"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--allow-query", "192.0.2.1/24"], "not an address or a network"),
        (["--allow-transfer", "key:none.example"], "a key that --tsig-key does not hold"),
        (["--tsig-key", "/nonexistent"], "cannot be read"),
        (["--notify", "127.0.0.1:5300,none"], "does not hold this key"),
        (["--snapshot-url", "file:///etc/passwd"], "only http"),
        (["--snapshot-url", "http://a/", "--snapshot-url", "http://b/"], "needs its --snapshot"),
        (["--metrics", "nowhere"], "not HOST:PORT"),
    ],
)
def test_wrong_settings_are_named(served: Callable[..., Server], arguments: list[str], words: str) -> None:
    server = served(*arguments)
    server.wait_for(words)
    assert server.process.wait(10) == 78
