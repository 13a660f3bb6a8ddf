"""The command line as an operator meets it: real processes, exit codes, words on standard error."""

import json
import os
import pathlib
import pty
import subprocess
import sys

import pytest
import sqlalchemy as sa

from feed.domain.address import parse_address
from feed.snapshot.reader import Snapshot
from feed.store.database import Database
from feed.store.tables import audit


class Operator:
    """Runs `backscatter-feed` in a folder of its own."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder

    def run(
        self, *arguments: str, module: str = "feed", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=self.folder,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def good(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def bad(self, *arguments: str, code: int = 1, **environment: str) -> str:
        done = self.run(*arguments, **environment)
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done.stderr


@pytest.fixture
def operator(tmp_path: pathlib.Path) -> Operator:
    made = Operator(tmp_path)
    made.good("db", "upgrade")
    return made


def _list(folder: pathlib.Path, text: str) -> str:
    (folder / "list.txt").write_text(text)
    return "list.txt"


def test_list_becomes_a_snapshot(tmp_path: pathlib.Path) -> None:
    text = "# mine\n8.8.4.4\n8.8.8.0/24 3   # a network\n2a00:1450::/32\n\n2a00:1450:1::5 127.0.0.3\n"
    operator = Operator(tmp_path)
    said = operator.good(
        "snapshot", "build", _list(tmp_path, text), "--zone", "bl.example.org", "--output", "a.snap"
    )
    assert "bl.example.org" in said
    snapshot = Snapshot.open((tmp_path / "a.snap").read_bytes())
    codes = {}
    for asked in (
        "8.8.4.4",
        "8.8.4.5",
        "8.8.8.77",
        "2a00:1450:2::1",
        "2a00:1450:1::5",
        "127.0.0.2",
        "127.0.0.1",
    ):
        value = snapshot.lookup_address(parse_address(asked))
        codes[asked] = value.code if value else 0
    assert list(codes.values()) == [2, 0, 3, 2, 3, 2, 0]
    assert operator.good("snapshot", "info", "a.snap") == said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("8.8.4.4\nnonsense\n", "list.txt, line 2: this is neither", id="no address"),
        pytest.param("8.8.4.4 1\n", "line 1: after the address comes nothing, or a return code", id="code 1"),
        pytest.param("8.8.4.4 300\n", "return code from 2 to 255", id="code 300"),
        pytest.param("8.8.4.4 2 2\n", "return code", id="two codes"),
        pytest.param("8.8.4.1/24\n", "host bits", id="host bits"),
        pytest.param("8.8.4.004\n", "neither", id="leading zeros"),
        pytest.param("8.8.4.4 2\n8.8.4.4 3\n", "listed twice", id="two answers for one address"),
        pytest.param("\xff\xfe\n", "ASCII", id="bytes that are no text"),
    ],
)
def test_bad_list_is_refused_and_the_old_file_stays(tmp_path: pathlib.Path, text: str, words: str) -> None:
    operator = Operator(tmp_path)
    build = ("snapshot", "build", "list.txt", "--zone", "bl.example.org", "--output", "a.snap")
    _list(tmp_path, "8.8.4.4\n")
    operator.good(*build)
    before = (tmp_path / "a.snap").read_bytes()
    (tmp_path / "list.txt").write_text(text, encoding="latin-1")
    assert words in operator.bad(*build)
    assert (tmp_path / "a.snap").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.snap", "list.txt"]


def test_special_space_is_taken_when_asked_for(tmp_path: pathlib.Path) -> None:
    build = (
        "snapshot",
        "build",
        _list(tmp_path, "10.0.0.1\n"),
        "--zone",
        "bl.feed.test",
        "--output",
        "a.snap",
    )
    Operator(tmp_path).good(*build, "--allow-special")


def test_building_again_raises_the_serial(tmp_path: pathlib.Path) -> None:
    operator = Operator(tmp_path)
    serials = []
    for text in ("8.8.4.4\n", "8.8.4.5\n"):
        operator.good(
            "snapshot", "build", _list(tmp_path, text), "--zone", "bl.example.org", "--output", "a.snap"
        )
        serials.append(Snapshot.open((tmp_path / "a.snap").read_bytes()).meta.serial)
    assert serials[0] < serials[1]


@pytest.mark.parametrize("position", [0, 9, 60, 195, 230, 4096, -1])
def test_one_flipped_byte_is_refused_in_words(tmp_path: pathlib.Path, position: int) -> None:
    operator = Operator(tmp_path)
    operator.good(
        "snapshot", "build", _list(tmp_path, "8.8.4.4\n"), "--zone", "bl.example.org", "--output", "a.snap"
    )
    data = bytearray((tmp_path / "a.snap").read_bytes())
    data[position] ^= 0x20
    (tmp_path / "a.snap").write_bytes(data)
    assert "a.snap cannot be served" in operator.bad("snapshot", "info", "a.snap")


def test_missing_files_are_named(tmp_path: pathlib.Path) -> None:
    operator = Operator(tmp_path)
    assert "cannot read none.snap" in operator.bad("snapshot", "info", "none.snap")
    build = ("snapshot", "build", "none.txt", "--zone", "bl.example.org", "--output", "a.snap")
    assert "cannot read none.txt" in operator.bad(*build)


def test_progress_is_shown_on_a_terminal_only(tmp_path: pathlib.Path) -> None:
    lines = "\n".join(f"8.{number >> 16}.{number >> 8 & 255}.{number & 255}" for number in range(60_000))
    build = ["snapshot", "build", _list(tmp_path, lines), "--zone", "bl.example.org", "--output", "a.snap"]
    piped = Operator(tmp_path).run(*build)
    assert (piped.returncode, piped.stderr) == (0, "")
    mine, theirs = pty.openpty()
    try:
        subprocess.run(
            [sys.executable, "-m", "feed", *build],
            cwd=tmp_path,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            env=os.environ | {"TERM": "xterm"},
        )
        assert b"reading" in os.read(mine, 100_000)
    finally:
        os.close(mine)
        os.close(theirs)


def test_settings_with_a_typo_start_nothing(operator: Operator) -> None:
    (operator.folder / "backscatter.toml").write_text("[http]\nlisen = 'x'\n")
    for command in (("score",), ("serve",), ("schedule",), ("rank",)):
        assert "did you mean listen?" in operator.bad(*command, code=78)
    done = operator.run(module="ingest")
    assert (done.returncode, "did you mean listen?" in done.stderr) == (78, True)


def test_database_of_a_newer_version_starts_nothing(operator: Operator) -> None:
    database = Database(f"sqlite:///{operator.folder}/var/feed.db")
    with database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    for command in (("score",), ("serve",), ("serve", "--first-run")):
        assert "newer version" in operator.bad(*command, code=78)
    assert "newer version" in operator.bad("db", "upgrade")
    done = operator.run(module="ingest")
    assert (done.returncode, "newer version" in done.stderr) == (78, True)
    database.dispose()


def test_reporter_key_exemption_and_freeze_leave_a_trail(operator: Operator) -> None:
    add = ("reporter", "add", "one", "--organisation", "One GmbH", "--contact", "postmaster@one.example")
    assert "bsf_" in operator.good(
        *add, "--reason", "asked", "--border-host", "MX.one.example", "--weight", "10"
    )
    assert "already" in operator.bad(*add, "--reason", "again")
    assert "mx.one.example" in operator.good("reporter", "list")
    assert "--reporter" in operator.bad("key", "new", "--scope", "report", "--reason", "whose is it?")
    key = operator.good("key", "new", "--reporter", "one", "--reason", "rotation").strip()
    operator.good("key", "revoke", key.split("_")[1], "--reason", "rotation")
    assert "no key" in operator.bad("key", "revoke", key.split("_")[1], "--reason", "again")
    operator.good("reporter", "suspend", "one", "--reason", "lies")
    assert "number 1" in operator.good("exempt", "add", "8.8.4.0/24", "--days", "3", "--reason", "ours")
    assert "8.8.4.0/24" in operator.good("exempt", "list")
    operator.good("exempt", "end", "1", "--reason", "done")
    operator.good("freeze", "--reason", "strange growth")
    assert "because: strange growth (cli" in operator.bad("freeze", "--reason", "again")
    operator.good("thaw", "--reason", "explained")
    database = Database(f"sqlite:///{operator.folder}/var/feed.db")
    with database.read() as connection:
        actions = list(connection.execute(sa.select(audit.c.action).order_by(audit.c.audit_id)).scalars())
    database.dispose()
    assert actions == [
        "reporter_add", "key_new", "key_revoke", "reporter_suspend",
        "exemption_add", "exemption_end", "freeze", "thaw",
    ]  # fmt: skip


def test_score_publish_rank_explain_on_an_empty_feed(operator: Operator) -> None:
    assert "0 addresses scored" in operator.good("score")
    assert "bl.feed.test: serial" in operator.good("publish")
    assert json.loads(operator.good("rank", "--json")) == []
    assert "nobody reported it" in operator.good("explain", "192.0.2.66")
    assert json.loads(operator.good("explain", "::ffff:192.0.2.66", "--json"))["address"] == "192.0.2.66"
    assert "neither" in operator.bad("explain", "nowhere")
