"""A whole feed in a folder of its own: real processes, real sockets, real databases."""

import contextlib
import datetime as dt
import json
import pathlib
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

from feed.domain.address import parse_network
from feed.opening import Feed, open_feed
from feed.settings import load
from feed.store import reporters, upgrade
from feed.store.database import Database
from tests.conftest import needs
from tests.waiting import wait_until

ZONE = "bl.feed.test"
SCORE_ZONE = "score.bl.feed.test"
TICK_S = 1
START_S = 120


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody uses at this moment, by TCP or UDP.

    It lies below those that the system gives to whoever asks for any, or another test might get it meanwhile.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram,
        ):
            try:
                stream.bind(("127.0.0.1", port))
                datagram.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class RunningFeed:
    """A feed under `folder`; `start()` runs `backscatter-feed serve` on free ports."""

    def __init__(self, folder: pathlib.Path, url: str | None = None, providers: str | None = None) -> None:
        self.folder = folder
        self.http_port, self.dns_port = free_port(), free_port()
        self.config = folder / "backscatter.toml"
        self.url = url or f"sqlite:///{folder}/feed.db"
        lines = [
            f"[store]\nurl = {json.dumps(self.url)}\nsecret_file = '{folder}/secret'",
            f"[score]\ntick_s = {TICK_S}",
            f"[publish]\nfolder = '{folder}/snapshots'\nsite_url = 'http://127.0.0.1:{self.http_port}'",
            f"[http]\nlisten = '127.0.0.1:{self.http_port}'",
            f"[dns]\nlisten = ['127.0.0.1:{self.dns_port}']",
        ]
        if providers is not None:
            (folder / "providers.txt").write_text(providers)
            lines[1] += f"\nproviders_file = '{folder}/providers.txt'"
        self.config.write_text("\n".join(lines) + "\n")
        upgrade.upgrade(Database(self.url))
        self.feed: Feed = open_feed(load(self.config))
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "log"

    def reporter(self, name: str, **change: Any) -> str:
        """Register a reporter with the border host `mx.NAME.example` and return its key."""
        now = int(time.time())
        with self.feed.database.write() as connection:
            source_id = reporters.register(
                connection, name=name, organisation=name, contact=f"postmaster@{name}.example", now=now,
                border_hosts=[f"mx.{name}.example"], own_networks=[parse_network("203.0.113.0/28")],
                weight=reporters.FULL_WEIGHT, weight_reason="test", **change,
            )  # fmt: skip
            return reporters.new_key(
                connection,
                self.feed.secret,
                source_id=source_id,
                scopes=("report", "read"),
                author="test",
                now=now,
            )

    def start(self) -> None:
        """Run everything and wait until HTTP and DNS answer."""
        command = [sys.executable, "-m", "feed", "--config", str(self.config), "serve"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        wait_until(lambda: self._ready() or self._died(), seconds=START_S, words=self.said)
        assert not self._died(), self.said()

    def _ready(self) -> bool:
        try:
            return self.get("/readyz")[0] == 200 and self.ask(f"2.0.0.127.{ZONE}") == ["127.0.0.2"]
        except OSError:
            return False

    def _died(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def said(self) -> str:
        """Return what the processes printed."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def stop(self) -> float:
        """End everything by SIGTERM and return how many seconds it took."""
        assert self.process is not None
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        return time.monotonic() - started

    def children(self) -> dict[str, int]:
        """Return the process ids of the direct children by the module that they run."""
        assert self.process is not None
        found = {}
        for task in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                status = (task / "stat").read_text().rpartition(")")[2].split()
                if int(status[1]) == self.process.pid:
                    words = (task / "cmdline").read_bytes().split(b"\0")
                    name = words[2].decode() if len(words) > 2 else ""
                    found["scheduler" if b"schedule" in words else name] = int(task.name)
        return found

    def get(
        self, path: str, *, accept: str = "application/json", client: str | None = None
    ) -> tuple[int, str]:
        """Return status and text of a GET."""
        return self._http(urllib.request.Request(self._url(path), headers=self._headers(accept, client)))

    def post(
        self, path: str, body: bytes, *, content_type: str, key: str | None = None, client: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Return status and JSON of a POST."""
        request = urllib.request.Request(
            self._url(path), data=body, headers=self._headers("application/json", client)
        )
        request.add_header("Content-Type", content_type)
        if key is not None:
            request.add_header("Authorization", f"Bearer {key}")
        status, text = self._http(request)
        return status, json.loads(text)

    def report(self, key: str, mail: bytes, **claim: str) -> tuple[int, dict[str, Any]]:
        """Post a mail as a report."""
        claim = {"class" if name == "class_" else name: value for name, value in claim.items()}
        query = urllib.parse.urlencode(claim)
        return self.post(f"/v1/reports?{query}", mail, content_type="message/rfc822", key=key)

    def remove(self, address: str) -> tuple[int, dict[str, Any]]:
        """Ask for removal as the listed server itself, through a proxy on this machine."""
        body = urllib.parse.urlencode({"address": address}).encode()
        return self.post("/removal", body, content_type="application/x-www-form-urlencoded", client=address)

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.http_port}{path}"

    @staticmethod
    def _headers(accept: str, client: str | None) -> dict[str, str]:
        return {"Accept": accept} | ({"X-Forwarded-For": client} if client else {})

    @staticmethod
    def _http(request: urllib.request.Request) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as problem:
            with problem:
                return problem.code, problem.read().decode()

    def dig(self, name: str, kind: str = "A", *options: str, port: int | None = None) -> str:
        """Return everything that dig prints."""
        command = [needs("dig"), "@127.0.0.1", "-p", str(port or self.dns_port), "+tries=1", "+time=2"]
        done = subprocess.run([*command, *options, name, kind], capture_output=True, text=True, check=False)
        return done.stdout

    def ask(self, name: str, kind: str = "A", *options: str, port: int | None = None) -> list[str]:
        """Return the answers, or the status in a list of one where it is not NOERROR."""
        said = self.dig(name, kind, "+noall", "+comments", "+answer", *options, port=port)
        status = said.partition("status: ")[2].partition(",")[0] or "no answer"
        if status != "NOERROR":
            return [status]
        return [
            line.split(None, 4)[4].strip('"')
            for line in said.splitlines()
            if line and not line.startswith(";")
        ]

    def wait_listed(self, address: str, *answers: str, zone: str = ZONE, seconds: float = 15) -> None:
        """Wait until DNS answers exactly `answers` for `address`."""
        name = f"{'.'.join(reversed(address.split('.')))}.{zone}"
        wait_until(
            lambda: self.ask(name) == list(answers),
            seconds=seconds,
            words=lambda: (
                f"{name}: {self.ask(name)}; {self.get(f'/lookup?address={address}')}\n{self.said()}"
            ),
        )


@contextlib.contextmanager
def running(feed: RunningFeed) -> Iterator[RunningFeed]:
    """Start `feed` and end it in any case."""
    try:
        feed.start()
        yield feed
    finally:
        if feed.process is not None and feed.process.poll() is None:
            feed.stop()
        feed.feed.database.dispose()


def stamp(moment: dt.datetime) -> str:
    """Return `moment` as the API takes it."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
