"""CPU time of one answered query, ours and rbldnsd's in turn: plain, EDNS, cookies, IPv6; and memory.

Run: python -m tests.bench.dns_cpu [--entries N] [--seconds S] [--rounds R]. Needs Debian's dnsperf; rbldnsd
is measured beside it where it is installed. Each server has CPU 0, the load CPU 1. Prints machine, the
median of the rounds in microseconds (user and system, from /proc), and bytes that only the worker has.
"""

import argparse
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.bench.dns_swaps import ZONE, List, free_port, put, queries, said

TICK_US: Final = 1e6 / os.sysconf("SC_CLK_TCK")
COOKIE: Final = "10:0102030405060708"
KINDS: Final[dict[str, tuple[str, ...]]] = {
    "plain": (),
    "EDNS": ("-e",),
    "cookie": ("-E", COOKIE),
    "IPv6": (),
}


def v6_queries(count: int) -> str:
    """Return questions for IPv6 addresses that are not listed."""
    made = (f"{(0x2600 << 112) + number * 0x9E3779B97F4A7C15:032x}" for number in range(count))
    return "".join(".".join(reversed(text)) + f".{ZONE} A\n" for text in made)


def cpu_us(pids: list[int]) -> float:
    """Return microseconds of user and system time of these processes so far."""
    fields = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids)
    return sum(int(each[11]) + int(each[12]) for each in fields) * TICK_US


def private_kb(pid: int) -> int:
    """Return the kilobytes of memory that no other process shares."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(kb) for kb in re.findall(r"^Private_\w+:\s+(\d+)", text, re.MULTILINE))


def children(pid: int) -> list[int]:
    """Return the process ids of the children."""
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def measured(port: int, pids: list[int], file: Path, options: tuple[str, ...], seconds: int) -> float:
    """Load the server and return microseconds a query."""
    began = cpu_us(pids)
    out = subprocess.run(
        [
            "taskset", "-c", "1", "dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", str(file), "-l",
            str(seconds), "-c", "8", "-T", "1", "-q", "200", *options,
        ],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    done = re.search(r"completed:\s+(\d+)", out)
    assert done is not None
    return (cpu_us(pids) - began) / int(done[1])


def start_theirs(folder: Path, made: List, port: int) -> subprocess.Popen[bytes] | None:
    """Start rbldnsd on the same list, or return None where it is not installed."""
    program = shutil.which("rbldnsd", path="/usr/sbin:/usr/bin:/sbin")
    if program is None:
        return None
    lines = [":127.0.0.2:Listed, see https://feed.example.org/lookup/$", "127.0.0.2"]
    lines += [f"{n >> 24}.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in sorted(made.numbers)]
    head = [f"$SOA 300 ns.{ZONE} hostmaster.{ZONE} 1 600 300 86400 300", f"$NS 300 ns.{ZONE}"]
    (folder / "rbl").write_text("\n".join(head + lines) + "\n")
    folder.chmod(0o755)
    where = ["-b", f"127.0.0.1/{port}", "-u", "nobody", "-w", str(folder)]
    return subprocess.Popen(
        ["taskset", "-c", "0", program, "-n", "-q", *where, f"{ZONE}:ip4set:rbl"], stdout=subprocess.DEVNULL
    )


def rows(
    servers: dict[str, tuple[int, list[int]]], files: dict[str, Path], chosen: argparse.Namespace
) -> dict[tuple[str, str], list[float]]:
    """Return microseconds a query by server and kind, a number for each round; servers have their turns."""
    found: dict[tuple[str, str], list[float]] = {}
    for _ in range(chosen.rounds):
        for kind, options in KINDS.items():
            for server, (port, pids) in servers.items():
                took = measured(port, pids, files[kind], options, chosen.seconds)
                found.setdefault((server, kind), []).append(took)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=250_000)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    if shutil.which("dnsperf") is None:
        raise SystemExit("needs Debian's package dnsperf")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = List(chosen.entries)
        files = {kind: folder / kind for kind in KINDS}
        for kind, file in files.items():
            file.write_text(v6_queries(100_000) if kind == "IPv6" else queries(made))
        ports = free_port(), free_port()
        ours = subprocess.Popen(
            [
                "taskset", "-c", "0", sys.executable, "-m", "dnsbl_server", "--snapshot",
                str(put(folder, made.data)), "--listen", f"127.0.0.1:{ports[0]}", "--workers", "1",
            ],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        said(ours, "serving on")
        theirs = start_theirs(folder, made, ports[1])
        servers = {"ours": (ports[0], children(ours.pid))}
        if theirs is not None:
            servers["rbldnsd"] = (ports[1], [theirs.pid])
        try:
            found = rows(servers, files, chosen)
            memory = private_kb(servers["ours"][1][0])
        finally:
            for process in (ours, theirs):
                if process is not None:
                    process.terminate()
                    process.wait(10)
    load = ", ".join(f"{part:.1f}" for part in os.getloadavg())
    print(
        f"{platform.machine()}, Python {platform.python_version()}, {chosen.entries} entries, "
        f"{chosen.rounds} rounds of {chosen.seconds} s, load average {load}"
    )
    for (server, kind), numbers in found.items():
        ratio = ""
        if server == "ours" and ("rbldnsd", kind) in found:
            pairs = zip(numbers, found["rbldnsd", kind], strict=True)
            ratio = f", {statistics.median(mine / other for mine, other in pairs):.2f} x rbldnsd"
        print(f"{server} {kind}: {statistics.median(numbers):.2f} us a query{ratio}")
    print(f"private memory of a UDP worker: {memory / 1024:.1f} MB")


if __name__ == "__main__":
    main()
