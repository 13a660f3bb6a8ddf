"""`reporter canary` as an operator meets it: sent, written, and shown; each run leaves a line."""

import email
import os
import pathlib
import subprocess
import sys

import pytest
import sqlalchemy as sa

from feed.domain.canary import FIELD, NAMES
from feed.store.database import Database
from feed.store.tables import audit
from tests.mail_sink import MailSink

FROM = ("--address", "127.0.0.1", "--host", "canary.feed.example", "--to", "trap@one.example")


class Operator:
    """Runs `backscatter-feed reporter` in a folder with a database and one reporter."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.run("db", "upgrade")
        who = ("--organisation", "One", "--contact", "p@one.example", "--border-host", "mx.one.example")
        self.run("reporter", "add", "one", *who, "--reason", "t")

    def run(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "feed", *arguments],
            cwd=self.folder, env=os.environ | {"COLUMNS": "200"}, capture_output=True, text=True, check=False,
            timeout=120,
        )  # fmt: skip
        assert done.returncode == code, (done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def canary(self, *arguments: str, code: int = 0) -> str:
        return self.run("reporter", "canary", *arguments, code=code)

    def reasons(self) -> list[str]:
        database = Database(f"sqlite:///{self.folder}/var/feed.db")
        with database.read() as connection:
            chosen = sa.select(audit.c.reason).where(audit.c.action == "reporter_canary")
            found = list(connection.execute(chosen.order_by(audit.c.audit_id)).scalars())
        database.dispose()
        return found


@pytest.fixture
def operator(tmp_path: pathlib.Path) -> Operator:
    return Operator(tmp_path)


def test_a_run_is_sent_and_shown(operator: Operator, sink: MailSink) -> None:
    said = operator.canary("send", "one", f"127.0.0.1:{sink.port}", *FROM)
    assert "plain: sent" in said
    assert "run 1: 9 sent" in said
    assert [email.message_from_bytes(one.data)[FIELD].split()[1] for one in sink.taken] == list(NAMES)
    shown = operator.canary("show", "one")
    assert "run 1 from 127.0.0.1" in shown
    assert shown.count("not submitted yet") == 9
    sink.answers["RCPT"] = "550 5.1.1 who?"
    refused = operator.canary("send", "one", f"127.0.0.1:{sink.port}", *FROM, code=1)
    assert "plain: not sent: 550 5.1.1 who?" in refused
    assert "9 of 9 were not sent; run 2 waits for the others" in refused
    assert operator.reasons() == ["calibration from 127.0.0.1"] * 2


def test_a_run_is_written_to_be_sent_by_other_means(operator: Operator) -> None:
    said = operator.canary("write", "one", "out", *FROM)
    assert "plain.eml: MAIL FROM:<>, EHLO canary.feed.example" in said
    assert sorted(one.stem for one in (operator.folder / "out").iterdir()) == sorted(NAMES)
    assert operator.reasons() == ["calibration from 127.0.0.1"]


def test_what_is_wrong_is_said_in_words_and_nothing_is_begun(operator: Operator) -> None:
    wrong = [
        (("send", "one", "mx.example:x", *FROM), "no HOST:PORT"),
        (("send", "two", "127.0.0.1:9", *FROM), "two"),
        (("send", "one", "127.0.0.1:9", *FROM, "--to", "nobody"), "one mail address"),
        (("send", "one", "127.0.0.1:9", *FROM, "--address", "here"), "--address"),
    ]
    for arguments, words in wrong:
        assert words in operator.canary(*arguments, code=1)
    assert operator.reasons() == []
