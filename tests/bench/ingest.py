"""How many reports a second come in through HTTP: raw mails one by one, and batches of 1,000 records.

Run: python -m tests.bench.ingest [RUNS]. A real server with one process and one judging child, on SQLite
(synchronous FULL) and, when it is installed, on a private PostgreSQL; then with two processes. Prints
machine, Python, the median over the runs by the clock, and the processor time that the server spent, since
clients share the machine.
"""

import contextlib
import datetime as dt
import http.client
import json
import os
import pathlib
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator

import sqlalchemy as sa

from feed.opening import open_feed
from feed.settings import Settings, StoreSettings
from feed.store import reporters
from feed.store.database import Database
from feed.store.tables import reporter
from feed.store.upgrade import upgrade
from tests.mails import Border, dsn

CLIENTS = 8
STARTING_S = 3
MAILS = 1500
BATCHES = 10
LINES = 1000
SQLITE = (("SQLite", 1), ("SQLite, two processes", 2))
EMITTERS = 250
"""Emitters that a batch speaks of."""


@contextlib.contextmanager
def postgresql(folder: pathlib.Path) -> Iterator[str | None]:
    """Run a private PostgreSQL with its default durability; None if it is not installed."""
    programs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        yield None
        return
    as_user: list[str] = []
    if os.geteuid() == 0:
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        shutil.chown(folder, "postgres")
    data, tools = folder / "data", programs[-1].parent

    def run(*command: str) -> None:
        subprocess.run([*as_user, *command], cwd=folder, check=True, stdout=subprocess.DEVNULL)

    run(str(tools / "initdb"), "-D", str(data), "-U", "bsf", "-A", "trust", "-E", "UTF8", "-N")
    control = [str(tools / "pg_ctl"), "-D", str(data), "-l", str(folder / "log"), "-w"]
    run(*control, "-o", f"-c listen_addresses='' -c unix_socket_directories={folder}", "start")
    try:
        yield f"postgresql://bsf@/postgres?host={folder}"
    finally:
        run(*control, "-m", "immediate", "stop")


@contextlib.contextmanager
def serving(folder: pathlib.Path, url: str, *, processes: int) -> Iterator[tuple[int, str, list[int]]]:
    """Run the server on a fresh database; gives its port, a reporter's key and its process ids."""
    upgrade(Database(url))
    settings = Settings(store=StoreSettings(url=url, secret_file=folder / "secret"))
    feed = open_feed(settings)
    now = int(time.time())
    with feed.database.write() as connection:
        source_id = reporters.register(
            connection, name=f"bench {processes}", organisation="b", contact="b@b.example", now=now,
            border_hosts=["mx.reporter.example"],
        )  # fmt: skip
        connection.execute(sa.update(reporter).values(vetted=True))
        key = reporters.new_key(
            connection, feed.secret, source_id=source_id, scopes=("report",), author="bench", now=now
        )
    feed.database.dispose()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    config = folder / "backscatter.toml"
    config.write_text(
        f"[store]\nurl = {json.dumps(url)}\nsecret_file = {json.dumps(str(folder / 'secret'))}\n"
        "[http]\nshare_port = true\n"
    )
    command = [sys.executable, "-m", "ingest", "--serve", "reports", "--listen", f"127.0.0.1:{port}"]
    with contextlib.ExitStack() as running:
        started = [
            running.enter_context(subprocess.Popen([*command, "--config", str(config)]))
            for _ in range(processes)
        ]
        try:
            _wait_for(port)
            time.sleep(STARTING_S if processes > 1 else 0)  # which of them answers is the kernel's choice
            yield port, key, [process.pid for process in started]
        finally:
            for process in started:
                process.terminate()


def _wait_for(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise SystemExit("the server does not start")


def processor_s(pid: int) -> float:
    """Return the processor time of a process and its children."""
    total = 0.0
    for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        total += processor_s(int(child))
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return total + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def post_all(port: int, key: str, requests: list[tuple[str, bytes, str]], clients: int) -> None:
    """Send requests (path, body, media type) over `clients` connections; all must be taken."""
    waiting = iter(requests)
    mutex = threading.Lock()
    refused: list[bytes] = []

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while not refused:
            with mutex:
                one = next(waiting, None)
            if one is None:
                break
            path, body, kind = one
            headers = {"Authorization": f"Bearer {key}", "Content-Type": kind}
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != http.client.OK or (b'"refused":' in said and b'"refused":0' not in said):
                refused.append(said[:300])
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if refused:
        raise SystemExit(f"refused: {refused[0]!r}")


def mails(run: int) -> list[tuple[str, bytes, str]]:
    """Return different notifications of the last hours."""
    at = dt.datetime.now(dt.UTC) - dt.timedelta(hours=2)
    made = []
    for number in range(MAILS):
        border = Border(ip=f"192.0.2.{number % 250 + 1}", at=at)
        message = dsn(border=border, original_id=f"{run}-{number}@reporter.example")
        made.append(("/v1/reports?class=trap", message, "message/rfc822"))
    return made


def batches(run: int) -> list[tuple[str, bytes, str]]:
    """Return batches of different records."""
    at = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    made = []
    for number in range(BATCHES):
        lines = []
        for line in range(LINES):
            emitter = (number * LINES + line) * 7919 % EMITTERS
            record = {
                "client_ip": f"198.18.{emitter // 250}.{emitter % 250}", "observed_at": at,
                "null_sender": True, "kind": "dsn_fail", "recipient_class": "trap",
                "recipient_token": f"t{line % 50}", "original_key": f"{run}/{number}/{line}",
            }  # fmt: skip
            lines.append(json.dumps(record, separators=(",", ":")))
        made.append(("/v1/reports:batch", "\n".join(lines).encode(), "application/x-ndjson"))
    return made


def measure(
    port: int, key: str, pids: list[int], make: Callable[[int], list[tuple[str, bytes, str]]], *,
    each: int, clients: int, runs: int,
) -> str:  # fmt: skip
    """Return the rates of one kind of request in words."""
    rates, costs = [], []
    for run in range(runs):
        requests = make(run)
        before, start = sum(map(processor_s, pids)), time.perf_counter()
        post_all(port, key, requests, clients)
        seconds, spent = time.perf_counter() - start, sum(map(processor_s, pids)) - before
        rates.append(len(requests) * each / seconds)
        costs.append(spent / (len(requests) * each))
    cost = statistics.median(costs)
    return f"{statistics.median(rates):9,.0f}/s by the clock, {cost * 1e6:7.0f} us of processor each"


def main() -> None:
    """Run the benchmark."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {runs} runs")
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bsf-bench-")))
        cases = [(name, f"sqlite:///{folder}/{number}.db", number) for name, number in SQLITE]
        data = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bsf-pg-")))
        server = stack.enter_context(postgresql(data))
        if server is not None:
            cases += [("PostgreSQL", server, 1), ("PostgreSQL, two processes", server, 2)]
        for name, url, processes in cases:
            with serving(folder, url, processes=processes) as (port, key, pids):
                raw = measure(port, key, pids, mails, each=1, clients=CLIENTS, runs=runs)
                print(f"{name:26} raw mails    {raw}")
                events = measure(port, key, pids, batches, each=LINES, clients=2 * processes - 1, runs=runs)
                print(f"{name:26} batch events {events}")


if __name__ == "__main__":
    main()
