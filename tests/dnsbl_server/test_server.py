"""The real server: processes, sockets, new files, accidents."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from tests.dnsbl_server.conftest import Server

ROOT = Path(__file__).resolve().parents[2]
NOW = int(time.time())
pytestmark = pytest.mark.e2e


def ask(
    port: int, name: str, kind: str = "A", *, host: str = "127.0.0.1", tcp: bool = False
) -> dns.message.Message:
    query = dns.message.make_query(name, kind)
    return (dns.query.tcp if tcp else dns.query.udp)(query, host, port=port, timeout=5)


def first(message: dns.message.Message) -> str:
    return message.answer[0][0].to_text() if message.answer else dns.rcode.to_text(message.rcode())


def fresh(snapshot: Callable[..., bytes], **options: object) -> bytes:
    return snapshot(**({"serial": NOW, "expire_at": NOW + 172_800} | options))


@pytest.fixture
def running(start: Callable[..., Server], put: Callable[..., Path], snapshot: Callable[..., bytes]) -> Server:
    """Return a server with two workers on the small list."""
    return start("--snapshot", str(put(fresh(snapshot))), "--listen", "127.0.0.1:0", "--workers", "2")


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_it_answers(running: Server, tcp: bool) -> None:
    assert first(ask(running.port, "2.0.0.127.bl.example.org", tcp=tcp)) == "127.0.0.2"
    assert first(ask(running.port, "1.0.0.127.bl.example.org", tcp=tcp)) == "NXDOMAIN"
    assert first(ask(running.port, "2.0.0.127.bl.example.com", tcp=tcp)) == "REFUSED"


def test_it_ends_cleanly_and_soon(running: Server) -> None:
    running.wait_for("serving on")
    children = running.children()
    began = time.monotonic()
    assert running.stop() == 0
    assert time.monotonic() - began < 5
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


def test_a_dead_worker_is_started_again(running: Server) -> None:
    port = running.port
    for pid in running.children():
        os.kill(pid, signal.SIGKILL)
    running.wait_for("starting it again", count=3)
    until = time.monotonic() + 10
    while len(running.children()) < 3 and time.monotonic() < until:
        time.sleep(0.01)
    for _ in range(40):  # new source ports, so that each worker is asked
        assert first(ask(port, "2.0.0.127.bl.example.org")) == "127.0.0.2"
    assert first(ask(port, "2.0.0.127.bl.example.org", tcp=True)) == "127.0.0.2"


def test_no_worker_outlives_its_parent(running: Server) -> None:
    running.wait_for("serving on")
    children = running.children()
    assert len(children) == 3
    running.process.kill()
    running.process.wait(5)
    until = time.monotonic() + 5
    while time.monotonic() < until and any(alive(pid) for pid in children):
        time.sleep(0.01)
    assert not [pid for pid in children if alive(pid)]


def alive(pid: int) -> bool:
    """Return whether a process runs; one that ended and is not yet collected by its new parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_second_instance_is_told_so(running: Server, start: Callable[..., Server]) -> None:
    port = running.port
    path = running.arguments[1]
    second = subprocess.run(
        [sys.executable, "-m", "dnsbl_server", "--snapshot", path, "--listen", f"127.0.0.1:{port}"],
        cwd=ROOT, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert second.returncode == 78
    assert (
        second.stderr
        == f"backscatter-dnsbl: 127.0.0.1:{port}: address in use, another server answers there already\n"
    )
    assert first(ask(port, "2.0.0.127.bl.example.org")) == "127.0.0.2"


def test_a_udp_only_server_on_the_port_is_noticed(
    put: Callable[..., Path], snapshot: Callable[..., bytes]
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{other.getsockname()[1]}"
        path = str(put(fresh(snapshot)))
        second = subprocess.run(
            [sys.executable, "-m", "dnsbl_server", "--snapshot", path, "--listen", address],
            cwd=ROOT, capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
    assert (second.returncode, "address in use" in second.stderr) == (78, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--listen", "127.0.0.1"], "not HOST:PORT", id="no port"),
        pytest.param(["--listen", "127.0.0.1:70000"], "not HOST:PORT", id="port too large"),
        pytest.param(["--listen", "::1:53"], "brackets", id="IPv6 without brackets"),
        pytest.param(["--listen", "dns.example.org:53"], "not an IP address", id="a name"),
        pytest.param(["--listen", "203.0.113.9:5300"], "does not have that address", id="not ours"),
        pytest.param(["--listen", "127.0.0.1:0", "--user", "nobody-of-that-name"], "no user", id="user"),
        pytest.param(
            ["--listen", "127.0.0.1:0", "--cookie-secret", "/nonexistent"], "not readable", id="secret"
        ),
        pytest.param(["--listen", "127.0.0.1:0"], "no such file", id="no snapshot"),
    ],
)
def test_what_cannot_start_says_why(tmp_path: Path, arguments: list[str], words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dnsbl_server", "--snapshot", str(tmp_path / "none"), *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert done.returncode == 78
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_two_files_with_one_zone_are_refused(
    put: Callable[..., Path], snapshot: Callable[..., bytes]
) -> None:
    paths = [put(fresh(snapshot), name) for name in ("one", "two")]
    files = [text for path in paths for text in ("--snapshot", str(path))]
    done = subprocess.run(
        [sys.executable, "-m", "dnsbl_server", *files, "--listen", "127.0.0.1:0"],
        cwd=ROOT, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert (done.returncode, "two snapshots hold the zone bl.example.org" in done.stderr) == (78, True)


def test_it_waits_for_a_file_when_told_to(
    start: Callable[..., Server], put: Callable[..., Path], snapshot: Callable[..., bytes], tmp_path: Path
) -> None:
    server = start(
        "--snapshot", str(tmp_path / "bl.snap"), "--listen", "127.0.0.1:0", "--wait", "--workers", "1"
    )
    server.wait_for("waiting for")
    put(fresh(snapshot))
    assert first(ask(server.port, "2.0.0.127.bl.example.org")) == "127.0.0.2"


def test_waiting_ends_on_sigterm(start: Callable[..., Server], tmp_path: Path) -> None:
    server = start("--snapshot", str(tmp_path / "bl.snap"), "--listen", "127.0.0.1:0", "--wait")
    server.wait_for("waiting for")
    assert server.stop() == 0


def test_several_zones_and_addresses(
    start: Callable[..., Server], put: Callable[..., Path], snapshot: Callable[..., bytes]
) -> None:
    main = put(fresh(snapshot))
    score = put(
        fresh(snapshot, listed=("192.0.2.8", "192.0.2.9"), zone="score.bl.example.org", codes=(3,)),
        "score.snap",
    )
    server = start(
        "--snapshot", str(main), "--snapshot", str(score), "--workers", "1",
        "--listen", "127.0.0.1:0", "--listen", "[::1]:0",
    )  # fmt: skip
    ports = [int(server.wait_for("serving on", count=n).rpartition(":")[2]) for n in (1, 2)]
    for host, port in zip(("127.0.0.1", "::1"), ports, strict=True):
        for tcp in (False, True):
            assert first(ask(port, "7.2.0.192.bl.example.org", host=host, tcp=tcp)) == "127.0.0.2"
            assert first(ask(port, "8.2.0.192.score.bl.example.org", host=host, tcp=tcp)) == "127.0.0.3"
            assert first(ask(port, "8.2.0.192.bl.example.org", host=host, tcp=tcp)) == "NXDOMAIN"


def test_on_a_wildcard_the_answer_leaves_from_the_address_that_was_asked(
    start: Callable[..., Server], put: Callable[..., Path], snapshot: Callable[..., bytes]
) -> None:
    server = start("--snapshot", str(put(fresh(snapshot))), "--listen", "0.0.0.0:0", "--workers", "1")
    port = server.port
    for host in ("127.0.0.1", "127.0.0.77", "127.1.2.3"):  # dns.query.udp refuses an answer from elsewhere
        assert first(ask(port, "2.0.0.127.bl.example.org", host=host)) == "127.0.0.2"


def test_a_new_file_is_used_and_a_bad_one_is_not(
    running: Server, put: Callable[..., Path], snapshot: Callable[..., bytes]
) -> None:
    port = running.port
    put(fresh(snapshot, listed=("192.0.2.50",), serial=NOW + 1))
    running.wait_for(f"serial {NOW + 1}")
    until = time.monotonic() + 2
    while first(ask(port, "50.2.0.192.bl.example.org")) != "127.0.0.2" and time.monotonic() < until:
        time.sleep(0.01)
    good = fresh(snapshot, listed=("192.0.2.50",), serial=NOW + 2)
    bad = bytearray(good)
    bad[5000] ^= 1
    put(bytes(bad))
    running.wait_for(f"hash to its digest: the file is damaged; still answering from serial {NOW + 1}")
    put(fresh(snapshot, listed=(), serial=NOW + 3, expire_at=NOW - 5))
    running.wait_for("out of date")
    time.sleep(1.2)
    for _ in range(20):
        assert first(ask(port, "50.2.0.192.bl.example.org")) == "127.0.0.2"
    assert len([line for line in running.lines if "damaged" in line]) == 1
    put(good)
    running.wait_for(f"serial {NOW + 2}")


def test_editing_the_file_in_place_harms_nobody(running: Server) -> None:
    port = running.port
    path = Path(running.arguments[1])
    os.truncate(path, 0)
    running.wait_for("not used")
    for _ in range(20):
        assert first(ask(port, "7.2.0.192.bl.example.org")) == "127.0.0.2"
    assert "again" not in " ".join(running.lines)


def test_sighup_reads_the_files_at_once(
    running: Server, put: Callable[..., Path], snapshot: Callable[..., bytes]
) -> None:
    running.wait_for("serving on")
    put(fresh(snapshot, serial=NOW + 1))
    running.process.send_signal(signal.SIGHUP)
    running.wait_for(f"serial {NOW + 1}")


def test_swaps_under_load_lose_no_query_and_mix_no_generation(
    running: Server, put: Callable[..., Path], snapshot: Callable[..., bytes]
) -> None:
    """Each text names its generation; one answer must show exactly one."""
    port = running.port
    wrong: list[str] = []
    asked = 0
    stop = threading.Event()

    def load() -> None:
        nonlocal asked
        query = dns.message.make_query("7.2.0.192.bl.example.org", "TXT").to_wire()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(("127.0.0.1", port))
            sock.settimeout(5)
            while not stop.is_set():
                try:
                    sock.send(query)
                    reply = sock.recv(2000)
                except OSError as problem:
                    wrong.append(repr(problem))
                    return
                asked += 1
                if reply[-60:].count(b"generation") != 1 or reply[3] & 0xF:
                    wrong.append(reply.hex())

    put(fresh(snapshot, serial=NOW + 1, text="generation 0 $"))
    running.wait_for(f"serial {NOW + 1}")
    time.sleep(0.3)
    thread = threading.Thread(target=load)
    thread.start()
    for generation in range(1, 13):
        put(fresh(snapshot, serial=NOW + 1 + generation, text=f"generation {generation} $"))
        running.process.send_signal(signal.SIGHUP)
        running.wait_for(f"serial {NOW + 1 + generation}")
    time.sleep(0.3)
    assert first(ask(port, "7.2.0.192.bl.example.org", "TXT")) == '"generation 12 192.0.2.7"'
    stop.set()
    thread.join()
    assert not wrong
    assert asked > 100


def receive(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def frame(name: str) -> bytes:
    wire = dns.message.make_query(name, "A").to_wire()
    return len(wire).to_bytes(2) + wire


def reply_of(sock: socket.socket) -> dns.message.Message:
    return dns.message.from_wire(receive(sock, int.from_bytes(receive(sock, 2))))


def test_tcp_takes_queries_in_any_pieces_and_many_at_once(running: Server) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=5) as sock:
        for byte in frame("2.0.0.127.bl.example.org"):
            sock.send(bytes((byte,)))
        assert first(reply_of(sock)) == "127.0.0.2"
        sock.sendall(b"".join(frame(f"{n}.100.51.198.bl.example.org") for n in range(256)) * 8)
        assert {first(reply_of(sock)) for _ in range(256 * 8)} == {"127.0.0.2"}


def test_a_client_that_does_not_read_stops_nobody(running: Server) -> None:
    port = running.port
    with socket.create_connection(("127.0.0.1", port), timeout=1) as greedy:
        pile = frame("7.2.0.192.bl.example.org") * 2000
        with contextlib.suppress(TimeoutError, ConnectionError):
            for _ in range(200):
                greedy.sendall(pile)
        for _ in range(5):
            assert first(ask(port, "2.0.0.127.bl.example.org", tcp=True)) == "127.0.0.2"


def test_too_many_connections_close_the_quietest(running: Server) -> None:
    with contextlib.ExitStack() as stack:
        address = ("127.0.0.1", running.port)
        active = stack.enter_context(socket.create_connection(address, timeout=5))
        active.sendall(frame("2.0.0.127.bl.example.org"))
        assert first(reply_of(active)) == "127.0.0.2"
        idle = [stack.enter_context(socket.create_connection(address, timeout=5)) for _ in range(50)]
        idle[-1].sendall(frame("2.0.0.127.bl.example.org"))
        assert first(reply_of(idle[-1])) == "127.0.0.2"  # so all of them are let in by now
        active.sendall(frame("2.0.0.127.bl.example.org"))
        assert first(reply_of(active)) == "127.0.0.2"
        idle += [stack.enter_context(socket.create_connection(address, timeout=5)) for _ in range(99)]
        last = idle[-1]
        last.sendall(frame("2.0.0.127.bl.example.org"))
        assert first(reply_of(last)) == "127.0.0.2"
        with pytest.raises((ConnectionError, EOFError)):
            receive(idle[0], 1)
        active.sendall(frame("2.0.0.127.bl.example.org"))
        assert first(reply_of(active)) == "127.0.0.2"


def test_bad_peers_do_not_stop_the_loop(running: Server) -> None:
    port = running.port
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for data in (b"", b"\xff" * 5, b"\0" * 60_000, os.urandom(4097), bytes(12), b"\0" * 9000):
            sock.sendto(data, ("127.0.0.1", port))
    # Peers that are gone: the kernel reports them back to the server's socket as errors.
    for _ in range(50):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(
                dns.message.make_query("2.0.0.127.bl.example.org", "A").to_wire(), ("127.0.0.1", port)
            )
    for _ in range(20):
        assert first(ask(port, "2.0.0.127.bl.example.org")) == "127.0.0.2"
    assert "again" not in " ".join(running.lines)
    assert "Traceback" not in " ".join(running.lines)


def test_a_datagram_too_long_to_read_is_formerr(running: Server) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        sock.sendto(b"\xab\xcd\1\0\0\1" + bytes(20_000), ("127.0.0.1", running.port))
        assert sock.recv(600) == b"\xab\xcd\x81\1" + bytes(8)


def test_a_datagram_from_port_0_costs_nobody_his_answer(running: Server) -> None:
    """In one batch with others: the workers are held until all have come."""
    port = running.port
    try:
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    except PermissionError:
        pytest.skip("needs the right to send raw packets")
    wire = dns.message.make_query("2.0.0.127.bl.example.org", "A").to_wire()
    spoofed = bytes(2) + port.to_bytes(2) + (8 + len(wire)).to_bytes(2) + bytes(2) + wire
    with raw, contextlib.ExitStack() as stack:
        socks = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(40)]
        children = running.children()
        for pid in children:
            os.kill(pid, signal.SIGSTOP)
        try:
            for sock in socks:
                raw.sendto(spoofed, ("127.0.0.1", 0))
                sock.sendto(wire, ("127.0.0.1", port))
        finally:
            for pid in children:
                os.kill(pid, signal.SIGCONT)
        for sock in socks:
            sock.settimeout(5)
            assert sock.recv(600)[:2] == wire[:2]
