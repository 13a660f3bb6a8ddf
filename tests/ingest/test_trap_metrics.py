"""What the trap receiver counts, as Prometheus reads it."""

import contextlib
import json
import os
import pathlib
import smtplib
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from feed.domain.address import parse_address
from feed.settings import SettingsError, load
from feed.store import reporters
from feed.store.database import Database
from ingest.mail.limits import MESSAGE_BYTES
from ingest.trap_desk import Outcome, TrapDesk
from ingest.trap_metrics import AT_ONCE, TrapMetrics, page
from ingest.trap_server import Desk, Rules, TrapServer
from ingest.trap_session import Callout, Limits, Session
from tests import mails
from tests.conftest import ROOT
from tests.factories import NOW
from tests.ingest.test_trap import EMITTER, TRAPS, a_mail, opened, send
from tests.waiting import wait_until

Numbers = dict[tuple[str, tuple[str, ...]], float]


def numbers_of(text: bytes) -> Numbers:
    """Return the samples of a page by name and values of their labels."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


class World:
    """A receiver that does not listen, with the real desk behind it."""

    def __init__(self, database: Database, folder: pathlib.Path) -> None:
        self.feed = opened(database, folder)
        self.desk = TrapDesk(self.feed, reporter="traps", now=lambda: NOW)
        self.desk.open()
        rules = Rules(hostname="mx.trap.example", traps=TRAPS, refusal="Not ours")
        self.server = TrapServer(rules, Desk(mail=self.desk.mail, callout=self.desk.callout), threads=1)
        self.metrics = TrapMetrics(self.server, self.desk)

    def numbers(self) -> Numbers:
        return numbers_of(self.metrics.text())


@pytest.fixture
def world(sqlite: Database, tmp_path: pathlib.Path) -> Iterator[World]:
    made = World(sqlite, tmp_path)
    yield made
    made.desk.close()
    made.feed.database.dispose()


def test_mails_are_counted_by_result_and_verdict_and_refusals_by_reason(world: World) -> None:
    assert world.desk.mail(a_mail(), EMITTER) is Outcome.ACCEPTED
    assert world.desk.mail(a_mail(), EMITTER) is Outcome.DUPLICATE
    ordinary = a_mail(b"From: a@b.example\r\nTo: old@trap.example\r\nSubject: Hello\r\n\r\nHello\r\n")
    assert world.desk.mail(ordinary, EMITTER) is Outcome.REFUSED
    assert world.desk.mail(a_mail(), parse_address("127.0.0.1")) is Outcome.REFUSED
    with world.feed.database.write() as connection:
        reporters.suspend(connection, 1, now=1)
    world.desk._known = None
    assert world.desk.mail(a_mail(mails.dsn() + b"x"), EMITTER) is Outcome.BUSY
    found = world.numbers()
    assert {labels: value for (name, labels), value in found.items() if name == "bsf_trap_mails_total"} == {
        ("accepted", "backscatter"): 1, ("duplicate", "backscatter"): 1, ("refused", ""): 2, ("busy", ""): 1,
    }  # fmt: skip
    reasons = {labels: value for (name, labels), value in found.items() if name == "bsf_trap_refusals_total"}
    assert reasons == {("not_a_notification",): 1, ("bad_address_class",): 1, ("reporter",): 1}


def test_callouts_are_counted_by_result(world: World) -> None:
    call = Callout(helo="mail.emitter.example", recipients=("old@trap.example",))
    assert [world.desk.callout(call, EMITTER) for _ in range(2)] == [Outcome.ACCEPTED, Outcome.DUPLICATE]
    world.server.counts["callouts_dropped"] += 3
    found = world.numbers()
    expected = {"accepted": 1, "duplicate": 1, "capped": 0, "refused": 0, "busy": 0, "dropped": 3}
    assert {word: found["bsf_trap_callouts_total", (word,)] for word in expected} == expected


def test_no_address_and_no_trap_is_told(world: World) -> None:
    world.desk.mail(a_mail(), EMITTER)
    world.desk.callout(Callout(helo="mail.emitter.example", recipients=("old@trap.example",)), EMITTER)
    text = world.metrics.text().decode()
    for word in ("trap.example", "old@", str(EMITTER), "emitter.example"):
        assert word not in text


@pytest.mark.parametrize(
    ("lines", "reasons"),
    [
        pytest.param("RCPT TO:<a@other.example>\r\n", {"no_trap": 1}, id="no trap"),
        pytest.param("RSET\r\nMAIL FROM:<> SIZE=99999999999\r\n", {"too_large": 1}, id="said to be large"),
        pytest.param(
            "RCPT TO:<a@trap.example>\r\nDATA\r\n" + ("x" * 98 + "\r\n") * 11 + ".\r\n",
            {"too_large": 1},
            id="large",
        ),
        pytest.param("RCPT TO:<a@trap.example>\r\n", {}, id="taken"),
    ],
)
def test_a_session_says_why_it_refused(lines: str, reasons: dict[str, int]) -> None:
    session = Session(hostname="mx", traps=TRAPS, limits=Limits(kept_bytes=MESSAGE_BYTES, largest_bytes=1000))
    session.receive(b"EHLO a\r\nMAIL FROM:<>\r\n")
    session.receive(lines.encode())
    assert session.refusals == reasons


def test_a_session_without_room_says_so() -> None:
    session = Session(hostname="mx", traps=TRAPS, limits=Limits())
    start = b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@trap.example>\r\nDATA\r\n"
    session.receive(start + b"x\r\n.\r\n", can_keep=False)
    assert session.refusals == {"no_memory": 1}


@pytest.mark.parametrize(
    ("request_line", "status", "has_body"),
    [
        (b"GET /metrics HTTP/1.1", b"200", True),
        (b"GET /metrics?a=b HTTP/1.1", b"200", True),
        (b"HEAD /metrics HTTP/1.1", b"200", False),
        (b"GET / HTTP/1.1", b"404", True),
        (b"POST /metrics HTTP/1.1", b"404", True),
        (b"GET", b"404", True),
        (b"", b"404", True),
        (b"\xff\x00 \xfe", b"404", True),
    ],
)
def test_the_page_is_at_its_place_and_nothing_else_is_there(
    request_line: bytes, status: bytes, *, has_body: bool
) -> None:
    answer = page(request_line + b"\r\nHost: a\r\n\r\n", lambda: b"numbers")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split()[1] == status
    assert bool(body) is has_body
    assert (b"numbers" in body) is (status == b"200" and has_body)


# The program


class Program:
    """The real command with its page of metrics."""

    def __init__(self, database: Database, folder: pathlib.Path) -> None:
        opened(database, folder).database.dispose()
        self.port, self.page_port = free_ports(2)
        self.file = folder / "backscatter.toml"
        self.file.write_text(
            f'[store]\nurl = "{database.url}"\nsecret_file = "{folder}/secret"\n'
            f'[publish]\nfolder = "{folder}/snapshots"\n'
            f'[trap]\nlisten = ["127.0.0.1:{self.port}"]\ndomains = ["trap.example"]\n'
            f'hostname = "mx.trap.example"\nmetrics_listen = "127.0.0.1:{self.page_port}"\n'
        )
        self.process: subprocess.Popen[bytes] | None = None

    def command(self, **options: Any) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "ingest", "trap", "--config", str(self.file)],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            env={name: value for name, value in os.environ.items() if not name.startswith("BSF_")},
            **options,
        )

    def start(self) -> None:
        self.process = self.command()
        assert self.process.stderr is not None
        assert json.loads(self.process.stderr.readline())["event"] == "trap_listening"

    def numbers(self) -> Numbers:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.page_port}/metrics", timeout=60) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain")
            return numbers_of(answer.read())


def free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as held:
        bound = [held.enter_context(socket.socket()) for _ in range(number)]
        for one in bound:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in bound]


@pytest.fixture
def program(sqlite: Database, tmp_path: pathlib.Path) -> Iterator[Program]:
    made = Program(sqlite, tmp_path)
    made.start()
    yield made
    assert made.process is not None
    made.process.kill()
    made.process.wait()
    assert made.process.stderr is not None
    made.process.stderr.close()


def test_the_program_serves_what_it_counted_beside_its_work(program: Program) -> None:
    with smtplib.SMTP("127.0.0.1", program.port, timeout=60) as smtp:
        smtp.ehlo()
        smtp.docmd("MAIL", "FROM:<>")
        assert smtp.docmd("RCPT", "TO:<a@other.example>")[0] == 550
        smtp.docmd("RSET")
        assert send(smtp)[0] == 550
        found = program.numbers()
        assert found["bsf_trap_open_connections", ()] == 1
    assert found["bsf_trap_connections_total", ()] == 1
    assert found["bsf_trap_mails_total", ("refused", "")] == 1
    assert found["bsf_trap_refusals_total", ("no_trap",)] == 1
    assert found["bsf_trap_refusals_total", ("bad_address_class",)] == 1
    wait_until(
        lambda: not program.numbers()["bsf_trap_open_connections", ()],
        seconds=60, words=lambda: "the connection is still counted as open",
    )  # fmt: skip
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"http://127.0.0.1:{program.page_port}/", timeout=60)


def test_clients_of_the_page_that_ask_nothing_keep_no_mail_server_out(program: Program) -> None:
    with contextlib.ExitStack() as held:
        idle = [
            held.enter_context(socket.create_connection(("127.0.0.1", program.page_port), timeout=60))
            for _ in range(AT_ONCE + 20)
        ]
        with smtplib.SMTP("127.0.0.1", program.port, timeout=60) as smtp:
            assert send(smtp)[0] == 550
        for one in idle:  # each is let go of in the end, and has had no answer
            with contextlib.suppress(ConnectionError):
                assert one.recv(1) == b""
    assert program.numbers()["bsf_trap_connections_total", ()] == 1


def test_a_port_that_is_taken_is_said_in_words(sqlite: Database, tmp_path: pathlib.Path) -> None:
    made = Program(sqlite, tmp_path)
    with socket.create_server(("127.0.0.1", made.page_port)), made.command() as process:
        assert process.stderr is not None
        said = process.stderr.read().decode()
        assert process.wait(60) == 78
    assert "[trap] metrics_listen" in said
    assert "Traceback" not in said


def test_a_place_that_is_none_is_refused(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "backscatter.toml"
    file.write_text('[trap]\nmetrics_listen = "9125"\n')
    with pytest.raises(SettingsError, match=r"trap.metrics_listen: HOST:PORT is needed"):
        load(file)


def test_none_is_served_unless_it_is_set(tmp_path: pathlib.Path) -> None:
    assert load(_empty(tmp_path)).trap.metrics_listen is None


def _empty(folder: pathlib.Path) -> pathlib.Path:
    file = folder / "backscatter.toml"
    file.write_text("")
    return file
