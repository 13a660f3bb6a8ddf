"""What the console does, on the command line: the link, disputes, ending a listing, the audit log."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

from feed.domain.address import parse_address
from feed.store import disputes
from feed.store.database import Database


class Operator:
    """Runs `backscatter-feed` in a folder of its own."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "feed", *arguments], cwd=self.folder, env=dict(os.environ),
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip


@pytest.fixture
def operator(tmp_path: pathlib.Path) -> Operator:
    made = Operator(tmp_path)
    assert made.run("db", "upgrade").returncode == 0
    return made


def test_the_link_to_the_console(operator: Operator) -> None:
    done = operator.run("console-link")
    assert re.fullmatch(r"http://127\.0\.0\.1:8080/console/enter/[\w-]{43}\n", done.stdout), done.stderr
    log = operator.run("audit").stdout
    assert "console_link" in log
    assert done.stdout.rpartition("/")[2].strip() not in log


def test_disputes_are_listed_and_answered_with_a_reason(operator: Operator) -> None:
    database = Database(f"sqlite:///{operator.folder}/var/feed.db")
    with database.write() as connection:
        number = disputes.file(
            connection, address=parse_address("192.0.2.7"), words="not\x1b[31mours", reports="", proven=True,
            now=1,
        )  # fmt: skip
    database.dispose()
    assert number is not None
    assert number.isalnum(), "no command takes it for an option"
    listed = operator.run("dispute", "list").stdout
    assert number in listed
    assert "\x1b" not in listed
    assert operator.run("dispute", "answer", number, "upheld").returncode == 2
    wrong = operator.run("dispute", "answer", number, "maybe", "--reason", "x")
    assert wrong.returncode == 1
    assert "Traceback" not in wrong.stderr
    done = operator.run("dispute", "answer", number, "rejected", "--reason", "looked at it")
    assert "Answered for 192.0.2.7" in done.stdout
    assert operator.run("dispute", "list").stdout == ""


def test_ending_a_listing_needs_one(operator: Operator) -> None:
    done = operator.run("listing", "remove", "192.0.2.7", "--reason", "asked by mail")
    assert done.returncode == 1
    assert "192.0.2.7 is not listed" in done.stderr
