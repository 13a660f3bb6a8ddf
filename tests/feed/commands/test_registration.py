"""Registering a reporter's facts and calibrating him, on the command line."""

import dataclasses
import email.utils
import pathlib
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from feed.__main__ import app
from tests.factories import NOW
from tests.mail_sink import MailSink


@dataclasses.dataclass(frozen=True, kw_only=True)
class Done:
    """What a command said, and its exit status."""

    returncode: int
    stdout: str
    stderr: str


class Operator:
    """Gives commands in a folder of its own, where one reporter is registered."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        assert self.run("db", "upgrade").returncode == 0
        added = self.run(
            "reporter", "add", "one", "--organisation", "One", "--contact", "p@one.example",
            "--border-host", "mx.one.example", "--reason", "test",
        )  # fmt: skip
        assert added.returncode == 0, added.stderr

    def run(self, *arguments: str) -> Done:
        said = CliRunner(env={"COLUMNS": "200"}).invoke(app, arguments)
        assert said.exception is None or isinstance(said.exception, SystemExit), said.exception
        return Done(returncode=said.exit_code, stdout=said.stdout, stderr=said.stderr)


@pytest.fixture
def operator(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    monkeypatch.chdir(tmp_path)
    return Operator(tmp_path)


@pytest.fixture
def sink() -> Iterator[MailSink]:
    made = MailSink()
    yield made
    made.close()


def test_facts_are_added_shown_and_dropped_and_keys_never_shown(operator: Operator) -> None:
    (operator.folder / "key").write_text("Sesame-open\n")
    done = operator.run(
        "reporter", "change", "one", "--add", "own-domain=One.Example", "--add", "prvs-key=key",
        "--add", "own-network=192.0.2.0/24", "--reason", "asked by phone",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "one.example" in done.stdout
    assert "192.0.2.0/24" in done.stdout
    done = operator.run("reporter", "change", "one", "--drop", "own-network=192.0.2.0/24", "--reason", "gone")
    assert "192.0.2.0/24" not in done.stdout
    log = operator.run("audit").stdout
    assert "reporter_fact_add" in log
    assert "reporter_fact_drop" in log
    assert "Sesame" not in log + operator.run("reporter", "show", "one").stdout


WRONG = {
    "no such kind": ("--add", "colour=blue"),
    "no value": ("--add", "own-domain"),
    "key file missing": ("--add", "srs-key=nowhere"),
    "host bits": ("--add", "own-network=192.0.2.1/24"),
    "not registered": ("--drop", "own-domain=other.example"),
    "nothing": (),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_fact_is_refused_and_nothing_is_changed(operator: Operator, case: str) -> None:
    good = ("--add", "own-domain=good.example") if WRONG[case] else ()
    done = operator.run("reporter", "change", "one", *good, *WRONG[case], "--reason", "x")
    assert done.returncode == 1, done.stdout
    assert len(done.stderr.strip().splitlines()) == 1
    assert "good.example" not in operator.run("reporter", "show", "one").stdout


def test_canaries_are_sent_and_their_results_shown(operator: Operator, sink: MailSink) -> None:
    who = ("--to", "trap@one.example", "--address", "192.0.2.77", "--host", "probe.feed.example")
    done = operator.run("reporter", "canary", "send", "one", f"127.0.0.1:{sink.port}", *who, "--no-bind")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(sink.taken) == 9
    assert {one.sender for one in sink.taken} == {"<>"}
    assert {one.recipients for one in sink.taken} == {("trap@one.example",)}
    shown = operator.run("reporter", "canary", "show", "one").stdout
    assert "0 of 9 right" in shown
    assert shown.count("not submitted yet") == 9


def test_canaries_that_are_refused_are_named(operator: Operator, sink: MailSink) -> None:
    sink.answers["RCPT"] = "550 5.1.1 no such user"
    who = ("--to", "trap@one.example", "--address", "192.0.2.77", "--host", "probe.feed.example")
    done = operator.run("reporter", "canary", "send", "one", f"127.0.0.1:{sink.port}", *who, "--no-bind")
    assert done.returncode == 1
    assert "9 of 9 were not sent" in done.stderr
    unbound = operator.run("reporter", "canary", "send", "one", f"127.0.0.1:{sink.port}", *who)
    assert unbound.returncode == 1


def test_canaries_are_written_for_other_ways_of_sending(operator: Operator) -> None:
    who = ("--to", "trap@one.example", "--address", "192.0.2.77", "--host", "probe.feed.example")
    done = operator.run("reporter", "canary", "write", "one", "out", *who)
    assert done.returncode == 0, done.stderr
    written = sorted((operator.folder / "out").iterdir())
    assert len(written) == 9
    assert all(email.utils.parsedate_to_datetime(_date(path)) for path in written)
    assert NOW.year <= email.utils.parsedate_to_datetime(_date(written[0])).year


def _date(path: pathlib.Path) -> str:
    return next(line[6:] for line in path.read_text().splitlines() if line.startswith("Date: "))


@pytest.mark.parametrize("address", ["nonsense", "999.1.1.1"])
def test_a_wrong_address_is_refused(operator: Operator, address: str) -> None:
    done = operator.run(
        "reporter", "canary", "write", "one", "out", "--to", "t@one.example", "--address", address,
        "--host", "probe.feed.example",
    )  # fmt: skip
    assert done.returncode == 1
