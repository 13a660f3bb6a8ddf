"""New lists under load: how many queries are lost, are in error or wait, in 100 swaps of a million entries.

Run: python tests/bench/dns_swaps.py [--entries N] [--swaps N] [--rate Q]. Needs Debian's dnsperf. The name
server has one worker; each swap is a patch of 3,000 changes put in place as the publisher does, taken over
at once. Prints machine, rows and the latencies that dnsperf saw.
"""

import argparse
import collections
import dataclasses
import os
import platform
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from feed.snapshot.format import Meta, Value
from feed.snapshot.reader import Snapshot
from feed.snapshot.writer import PackedEntry, build_packed, patch_packed

ZONE: Final = "bl.example.org"
CHANGES: Final = 3000
LISTED: Final = Value(code=2, unit=32, text="Listed, see https://feed.example.org/lookup/$")
QUERIES: Final = 100_000
HITS: Final = 0.2
BEFORE_S: Final = 20
_WITH_TIME: Final = 5


class List:
    """A list that changes; `next` is its next snapshot."""

    def __init__(self, entries: int) -> None:
        self._random = random.Random(1)
        self.numbers = self._random.sample(range(1 << 24, 126 << 24), entries)
        now = int(time.time())
        self.meta = Meta(
            zone=ZONE, serial=now - 1_000_000, created_at=now, refresh_by=now + 900, expire_at=now + 172_800,
            mname="ns1.example.net", rname="hostmaster@example.net", ns=("ns1.example.net",),
            lookup_url="https://feed.example.org/lookup/$", allow_special=True,
        )  # fmt: skip
        entry: list[PackedEntry] = [(number.to_bytes(4), 32, LISTED) for number in self.numbers]
        self.data = build_packed(entry, self.meta)

    def next(self) -> bytes:
        """Return the snapshot with 3,000 addresses more or less than the last one."""
        self.meta = dataclasses.replace(self.meta, serial=self.meta.serial + 1)
        changes: list[PackedEntry] = [
            (
                self._random.randrange(128 << 24, 224 << 24).to_bytes(4),
                32,
                LISTED if self._random.random() < 0.5 else None,
            )
            for _ in range(CHANGES)
        ]
        self.data = patch_packed(Snapshot.attach(self.data), changes, self.meta)
        return self.data


def queries(made: List) -> str:
    """Return the questions, one a line as dnsperf reads them."""
    rnd = random.Random(2)
    lines = []
    for _ in range(QUERIES):
        number = rnd.choice(made.numbers) if rnd.random() < HITS else rnd.getrandbits(32)
        lines.append(".".join(str(number >> shift & 255) for shift in (0, 8, 16, 24)) + f".{ZONE} A")
    return "\n".join(lines) + "\n"


def put(folder: Path, data: bytes) -> Path:
    """Write a snapshot aside and rename it over."""
    aside, path = folder / "aside", folder / "bl.snap"
    aside.write_bytes(data)
    return aside.replace(path)


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def said(server: subprocess.Popen[str], words: str, count: int = 1) -> None:
    """Wait until the server has said these words so often."""
    assert server.stderr is not None
    while count:
        line = server.stderr.readline()
        if not line:
            raise SystemExit("the server has ended")
        count -= words in line


def percentile(ordered: list[float], share: float) -> float:
    """Return in milliseconds what this share of all is not above."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--swaps", type=int, default=100)
    parser.add_argument("--rate", type=int, default=10_000, help="queries a second")
    chosen = parser.parse_args()
    dnsperf = shutil.which("dnsperf")
    if dnsperf is None:
        raise SystemExit("needs Debian's package dnsperf")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = List(chosen.entries)
        port = free_port()
        (folder / "queries").write_text(queries(made))
        server = subprocess.Popen(
            [
                sys.executable, "-m", "dnsbl_server", "--snapshot", str(put(folder, made.data)),
                "--listen", f"127.0.0.1:{port}", "--workers", "1",
            ],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        said(server, "serving on")
        arguments = [
            dnsperf, "-s", "127.0.0.1", "-p", str(port), "-d", str(folder / "queries"), "-v",
            "-Q", str(chosen.rate), "-c", "4", "-t", "2",
        ]  # fmt: skip
        # The same load without swaps first: what a busy machine adds is in both.
        with (folder / "before").open("w") as out:
            subprocess.run([*arguments, "-l", str(BEFORE_S)], stdout=out, stderr=out, check=True)
        with (folder / "answers").open("w") as out:
            load = subprocess.Popen([*arguments, "-l", "86400"], stdout=out, stderr=out)
            began = time.monotonic()
            for _ in range(chosen.swaps):
                put(folder, made.next())
                server.send_signal(signal.SIGHUP)
                said(server, f"serial {made.meta.serial}")
            took = time.monotonic() - began
            load.send_signal(signal.SIGINT)
            load.wait(30)
        server.terminate()
        server.wait(10)
        print(
            f"{platform.machine()}, Python {platform.python_version()}, {chosen.entries} entries, "
            f"{chosen.rate} queries/s, one worker, load average {os.getloadavg()[0]:.1f}"
        )
        report(f"{BEFORE_S} s without swaps", folder / "before")
        report(f"{chosen.swaps} swaps in {took:.0f} s", folder / "answers")


def report(what: str, path: Path) -> None:
    """Print what dnsperf saw.

    Its lines: `> RCODE NAME TYPE SECONDS`; without a time T is a lost answer, I one that the end cut off.
    """
    latencies: list[float] = []
    rcodes: collections.Counter[str] = collections.Counter()
    with path.open() as lines:
        for line in lines:
            if line.startswith("> "):
                words = line.split()
                rcodes[words[1]] += 1
                if len(words) == _WITH_TIME:
                    latencies.append(float(words[-1]))
            elif "Queries lost" in line:
                print(f"{what}: {' '.join(line.split()).lower()}, answers by rcode: {dict(rcodes)}")
    latencies.sort()
    shares = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "p99.99": 0.9999, "max": 1.0}
    print(", ".join(f"{word} {percentile(latencies, share):.2f} ms" for word, share in shares.items()))


if __name__ == "__main__":
    main()
