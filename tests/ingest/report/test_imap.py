"""Reporting from a mailbox: nothing is lost or moved when anything fails (parsedmarc 211, 219, 292, 168)."""

import json
import pathlib
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.report import imap
from ingest.report.imap import ImapError, Position, poll
from ingest.report.settings import ImapSettings, SettingsError, settings_of
from ingest.report.spool import SpoolError
from tests.conftest import ROOT
from tests.ingest.report.small_feed import SmallFeed, running
from tests.ingest.report.small_imap import SmallImap, small_imap
from tests.mails import Border, dsn

BOUNCES = {uid: dsn(border=Border(), original_id=f"o{uid}@reporter.example") for uid in range(1, 6)}


class Taken:
    """Stands for the spool: remembers, and fails when told to."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.fails_at = -1

    def __call__(self, mail: bytes) -> bool:
        if len(self.mails) == self.fails_at:
            self.fails_at = -1
            raise SpoolError("disk full")
        self.mails.append(mail)
        return b"MAILER-DAEMON" in mail

    def __len__(self) -> int:
        return len(set(self.mails))


@pytest.fixture
def server() -> Iterator[SmallImap]:
    with small_imap() as made:
        made.folders["Traps"] = dict(BOUNCES)
        yield made


def box(server: SmallImap, folder: pathlib.Path, **change: str) -> ImapSettings:
    password = folder / "password"
    password.write_text("pass word\n")
    values = {"name": "desk", "host": "127.0.0.1", "user": "desk", "folder": "Traps", "security": "none"}
    return ImapSettings(**values | change, port=server.port, password_file=password)  # type: ignore[arg-type]


def test_each_mail_is_taken_once_and_the_mailbox_is_not_changed(
    server: SmallImap, tmp_path: pathlib.Path
) -> None:
    taken, mailbox = Taken(), box(server, tmp_path)
    assert poll(mailbox, tmp_path, taken).seen == 5
    assert poll(mailbox, tmp_path, taken).seen == 0
    server.folders["Traps"][9] = dsn(border=Border(), original_id="new@reporter.example")
    assert poll(mailbox, tmp_path, taken).seen == 1
    assert len(taken.mails) == len(taken) == 6
    assert set(server.folders["Traps"]) == {1, 2, 3, 4, 5, 9}
    assert any(command.startswith("EXAMINE") for command in server.commands)
    assert not any("STORE" in command or "MOVE" in command for command in server.commands)


@pytest.mark.parametrize("moves", [True, False], ids=["MOVE", "COPY and a mark"])
def test_only_what_was_spooled_is_moved(tmp_path: pathlib.Path, moves: bool) -> None:
    with small_imap(moves=moves) as server:
        server.folders["Traps"] = {1: BOUNCES[1], 2: b"Subject: hello\n\njust a mail\n", 3: BOUNCES[3]}
        taken = Taken()
        done = poll(box(server, tmp_path, move_to="Done"), tmp_path, taken)
        assert (done.seen, done.evidence, done.moved) == (3, 2, 2)
        assert list(server.folders["Done"].values()) == [BOUNCES[1], BOUNCES[3]]
        assert set(server.folders["Traps"]) - server.deleted == {2}


FAILURES: dict[str, Callable[[str], str | None]] = {
    "connection lost": lambda line: "" if line.startswith("UID FETCH 3 ") else None,
    "server going down": lambda line: "* BYE shutting down\r\n" if line.startswith("UID FETCH 3 ") else None,
    "half an answer": lambda line: (
        "* 1 FETCH (UID 3 BODY[]<0> {5000}\r\nhalf" if line.startswith("UID FETCH 3 ") else None
    ),
    "nonsense": lambda line: "?\x00?\r\n" if line.startswith("UID FETCH 3 ") else None,
    "list refused": lambda line: "TAG NO busy\r\n" if ":*" in line else None,
    "folder refused": lambda line: "TAG NO locked\r\n" if line.startswith(("SELECT", "EXAMINE")) else None,
    "login refused": lambda line: "TAG NO [UNAVAILABLE] later\r\n" if line.startswith("LOGIN") else None,
}


@pytest.mark.parametrize("failure", FAILURES)
def test_b25_parsedmarc_211_219_292_whatever_the_server_does_everything_is_taken_in_the_end(
    server: SmallImap, tmp_path: pathlib.Path, failure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "TIMEOUT_S", 2)
    taken, mailbox = Taken(), box(server, tmp_path, move_to="Done")
    server.fail = FAILURES[failure]
    with pytest.raises(ImapError, match=r"desk: 127\.0\.0\.1"):
        poll(mailbox, tmp_path, taken)
    assert len(server.folders["Done"]) == len(taken.mails)
    server.fail = lambda _: None
    poll(mailbox, tmp_path, taken)
    assert len(taken) == 5
    assert sorted(server.folders["Done"].values()) == sorted(BOUNCES.values())


def test_a_spool_that_fails_moves_nothing(server: SmallImap, tmp_path: pathlib.Path) -> None:
    taken, mailbox = Taken(), box(server, tmp_path, move_to="Done")
    taken.fails_at = 2
    with pytest.raises(ImapError, match="disk full"):
        poll(mailbox, tmp_path, taken)
    assert set(server.folders["Traps"]) == {3, 4, 5}
    poll(mailbox, tmp_path, taken)
    assert len(taken.mails) == len(taken) == 5


def test_b25_parsedmarc_168_a_mail_that_the_server_cannot_give_holds_up_no_other_and_is_asked_for_again(
    server: SmallImap, tmp_path: pathlib.Path
) -> None:
    taken, mailbox = Taken(), box(server, tmp_path, move_to="Done")
    server.refuse = {2}
    assert poll(mailbox, tmp_path, taken).put_off == 1
    assert len(taken) == 4
    assert set(server.folders["Traps"]) == {2}
    assert poll(mailbox, tmp_path, taken).put_off == 1
    server.refuse = set()
    assert poll(mailbox, tmp_path, taken).seen == 1
    assert len(taken) == 5
    assert poll(mailbox, tmp_path, taken).seen == 0


def test_a_move_that_fails_leaves_the_mail_where_it_is(server: SmallImap, tmp_path: pathlib.Path) -> None:
    taken, mailbox = Taken(), box(server, tmp_path, move_to="Done")
    server.fail = lambda line: "TAG NO over quota\r\n" if line.startswith("UID MOVE") else None
    done = poll(mailbox, tmp_path, taken)
    assert (done.evidence, done.moved) == (5, 0)
    assert set(server.folders["Traps"]) == set(BOUNCES)


def test_a_folder_made_anew_is_read_from_its_beginning(server: SmallImap, tmp_path: pathlib.Path) -> None:
    taken, mailbox = Taken(), box(server, tmp_path)
    poll(mailbox, tmp_path, taken)
    server.validity = 8
    assert poll(mailbox, tmp_path, taken).seen == 5  # the spool knows them


@pytest.mark.parametrize("content", [b"", b"{", b'{"validity": 7}', b"[]", b"\xff"])
def test_a_damaged_position_means_to_read_again(
    server: SmallImap, tmp_path: pathlib.Path, content: bytes
) -> None:
    (tmp_path / "desk.json").write_bytes(content)
    assert poll(box(server, tmp_path), tmp_path, Taken()).seen == 5


@settings(deadline=None, max_examples=31)  # real sockets
@given(st.integers(0, 30))
def test_a_connection_cut_at_any_command_loses_and_doubles_nothing(cut: int) -> None:
    import tempfile

    with small_imap() as server, tempfile.TemporaryDirectory() as name:
        folder, taken = pathlib.Path(name), Taken()
        server.folders["Traps"] = dict(BOUNCES)
        mailbox, count = box(server, folder, move_to="Done"), iter(range(1000))
        server.fail = lambda _: "" if next(count) == cut else None
        for _ in range(3):
            try:
                poll(mailbox, folder, taken)
            except ImapError:
                continue
        assert len(taken) == 5
        assert sorted(server.folders["Done"].values()) == sorted(BOUNCES.values())
        assert server.folders["Traps"] == {}


@pytest.mark.parametrize(
    ("name", "quoted"),
    [("INBOX", '"INBOX"'), ('a "b"\\', r'"a \"b\"\\"'), ("Entwürfe", '"Entw&APw-rfe"'), ("A&B", '"A&-B"')],
)
def test_names_of_folders(name: str, quoted: str) -> None:
    assert imap._quoted(name) == quoted


def test_the_wait_after_failures_grows_and_has_an_end() -> None:
    assert [imap.wait_s(n) for n in (1, 2, 3, 100)] == [30, 60, 120, 900]


def test_a_position_survives(tmp_path: pathlib.Path) -> None:
    Position(1, 2, [3]).write(tmp_path / "p")
    assert Position.read(tmp_path / "p") == Position(1, 2, [3])
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "A B"}, "small letters"),
        ({"security": "ssl"}, "tls, starttls or none"),
        ({"class": "spam"}, "class is one of"),
        ({"port": "143"}, "a number"),
        ({"user": 5}, "a text in quotes"),
        ({"folder": "a\r\nb"}, "line ends"),
        ({"passwort": "x"}, "there is no setting 'passwort'"),
    ],
)
def test_wrong_settings_are_refused_in_words(change: dict[str, object], words: str) -> None:
    right = {"name": "desk", "host": "imap.own.example", "user": "desk", "password_file": "/p"}
    assert settings_of({"imap": [right]}).imap[0].port == 993
    with pytest.raises(SettingsError, match=words):
        settings_of({"imap": [right | change]})


def test_the_command_reports_what_lies_in_the_folder(server: SmallImap, tmp_path: pathlib.Path) -> None:
    with running(SmallFeed()) as feed:
        (tmp_path / "key").write_text("bsf_a_b")
        (tmp_path / "password").write_text("pass word")
        config = tmp_path / "settings.toml"
        config.write_text(
            f'state = "{tmp_path}/state"\nborder_hosts = ["mx.reporter.example"]\n'
            f'[[feed]]\nname = "f"\nurl = "{feed.url}"\nkey_file = "{tmp_path}/key"\n'
            f'[[imap]]\nname = "desk"\nhost = "127.0.0.1"\nport = {server.port}\nuser = "desk"\n'
            f'password_file = "{tmp_path}/password"\nfolder = "Traps"\nsecurity = "none"\nclass = "trap"\n'
        )
        command = [sys.executable, "-m", "ingest.report", "imap", "--config", str(config), "--once"]

        def run() -> subprocess.CompletedProcess[str]:
            return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)

        server.fail = lambda line: "" if line.startswith("UID FETCH 3 ") else None
        cut = run()
        assert (cut.returncode, "nothing is lost" in cut.stderr) == (1, True)
        server.fail = lambda _: None
        assert run().returncode == 0
        assert len(feed.records) == 5
        assert {record["recipient_class"] for record in feed.records} == {"trap"}
        assert json.loads((tmp_path / "state/imap/desk.json").read_text())["last"] == 5
