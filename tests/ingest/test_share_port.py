"""Several processes on one port, where the settings say so, and never by accident."""

import json
import pathlib
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest

from feed.store.database import Database
from feed.store.upgrade import upgrade
from tests.e2e.harness import free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e


class Servers:
    """Starts `backscatter-ingest` on one port, as often as asked."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[bytes]] = []
        upgrade(Database(f"sqlite:///{folder}/feed.db"))
        self.port = free_port()

    def start(self, *, share: bool) -> subprocess.Popen[bytes]:
        config = self.folder / f"{share}.toml"
        store = f"url = {json.dumps(f'sqlite:///{self.folder}/feed.db')}\nsecret_file = 'secret'\n"
        config.write_text(
            f"[store]\n{store}[http]\nlisten = '127.0.0.1:{self.port}'\nserve = ['reports']\n"
            f"share_port = {str(share).lower()}\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "ingest", "--config", str(config)], cwd=self.folder, stderr=subprocess.PIPE
        )
        self.started.append(process)
        return process

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=10) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def wait(self) -> None:
        wait_until(self.answers, seconds=60, words=lambda: "no answer")


@pytest.fixture
def servers(tmp_path: pathlib.Path) -> Iterator[Servers]:
    made = Servers(tmp_path)
    yield made
    for process in made.started:
        process.kill()
        process.communicate()


def test_two_share_a_port_and_one_is_enough(servers: Servers) -> None:
    first, _ = servers.start(share=True), servers.start(share=True)
    servers.wait()
    first.send_signal(signal.SIGTERM)
    first.wait(30)
    servers.wait()


def test_without_it_a_taken_port_is_said_in_words(servers: Servers) -> None:
    servers.start(share=False)
    servers.wait()
    second = servers.start(share=False)
    _, said = second.communicate(timeout=60)
    assert second.returncode == 78
    assert b"another instance" in said
