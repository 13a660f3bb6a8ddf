"""A small list, the service that answers from it, and real servers on free ports."""

import contextlib
import ipaddress
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from dnsbl_server import blocks
from dnsbl_server.cookies import Cookies
from dnsbl_server.general import zone_of
from dnsbl_server.service import Service
from dnsbl_server.zone import Zones
from feed.snapshot.format import Meta, Value
from feed.snapshot.reader import Snapshot
from feed.snapshot.writer import build

ROOT = Path(__file__).resolve().parents[2]
NOW = 1_800_000_000
URL = "https://feed.example.org/lookup/$"
LISTED = (
    "192.0.2.7",
    "192.0.2.99",
    "198.51.100.0/24",
    "203.0.113.128/25",
    "8.8.8.8",
    "45.0.0.0/22",
    "0.0.0.0",
    "255.255.255.255",
    "2001:db8::1",
    "2001:db8:1:2::/64",
    "2600:1:2::/48",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
)


def snapshot_bytes(
    listed: Sequence[str] = LISTED,
    *,
    zone: str = "bl.example.org",
    serial: int = NOW,
    expire_at: int = NOW + 172_800,
    text: str = "Listed for backscatter, see " + URL,
    codes: Sequence[int] = (2,),
    code_of: Callable[[str], int] | None = None,
) -> bytes:
    """Return a snapshot; entry n has code n modulo the number of codes, or what `code_of` says."""
    meta = Meta(
        zone=zone,
        serial=serial,
        created_at=expire_at - 172_800,
        refresh_by=expire_at - 171_900,
        expire_at=expire_at,
        mname="ns1.example.net",
        rname="hostmaster@example.net",
        ns=("ns1.example.net", "ns2.example.net"),
        lookup_url=URL,
        allow_special=True,
    )
    networks = [ipaddress.ip_network(entry) for entry in listed]
    return build(
        (
            (
                net,
                Value(
                    code=code_of(listed[at]) if code_of else codes[at % len(codes)],
                    unit=net.prefixlen,
                    text=text,
                ),
            )
            for at, net in enumerate(networks)
        ),
        meta,
    )


@pytest.fixture
def snapshot() -> Callable[..., bytes]:
    """Return the maker of snapshots."""
    return snapshot_bytes


def make_service(*snapshots: bytes, cookies: bool = True) -> Service:
    """Return the service that answers from `snapshots`."""
    opened = [Snapshot.open(data) for data in snapshots]
    # The last zone goes without blocks, so that both ways are tested.
    zones = Zones(
        zone_of(
            each,
            blocks.Blocks.read(memoryview(blocks.packed(each)))
            if at < len(opened) - 1 or not at
            else blocks.EVERYWHERE,
        )
        for at, each in enumerate(opened)
    )
    return Service(zones=zones, cookies=Cookies(secrets=(b"s" * 32,)) if cookies else None)


@pytest.fixture
def service() -> Service:
    """Two zones, one inside the other."""
    return make_service(
        snapshot_bytes(),
        snapshot_bytes(("192.0.2.8", "192.0.2.9"), zone="score.bl.example.org", codes=(2, 3)),
    )


class Server:
    """A real server: its process, its lines on standard error, its port."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self.arguments = list(arguments)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dnsbl_server", *arguments], cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip())

    def wait_for(self, words: str, *, count: int = 1, timeout: float = 60.0) -> str:
        """Return the `count`-th line that holds `words`, once it is there."""
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            found = [line for line in list(self.lines) if words in line]
            if len(found) >= count:
                return found[count - 1]
            time.sleep(0.01)
        raise AssertionError(f"{words!r} was not said; said was {self.lines}")

    @property
    def port(self) -> int:
        """The port of the first endpoint."""
        return int(self.wait_for("serving on").rpartition(":")[2])

    def children(self) -> list[int]:
        """Return the process ids of the workers."""
        task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in task.read_text().split()]

    def stop(self) -> int:
        """End it as an operator would and return its exit status."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(10)
        self._reader.join(5)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return status


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """Start servers that are ended after the test."""
    servers: list[Server] = []

    def starter(*arguments: str) -> Server:
        server = Server(arguments)
        servers.append(server)
        return server

    yield starter
    for server in servers:
        if server.process.poll() is None:
            server.stop()
        elif server.process.stderr is not None and not server.process.stderr.closed:
            server._reader.join(5)
            server.process.stderr.close()


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    """Write a file aside and rename it over, as the publisher does."""

    def putter(data: bytes, name: str = "bl.snap") -> Path:
        path = tmp_path / name
        aside = tmp_path / (name + ".new")
        aside.write_bytes(data)
        aside.replace(path)
        return path

    return putter
