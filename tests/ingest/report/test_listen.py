"""What mail servers say on the local socket becomes a report on disk, and nothing else does."""

import contextlib
import datetime as dt
import json
import pathlib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.report.keys import Keys
from ingest.report.listen import LONGEST_LINE, answer, listening
from ingest.report.networks import Peers, network
from ingest.report.settings import FeedSettings, Settings
from ingest.report.spool import Item, Spool
from ingest.schemas import ReportIn
from tests.conftest import ROOT
from tests.waiting import wait_until

NOW = 1_795_608_000
KEYS = Keys(b"k" * 32)
PEERS = Peers(own=[network("203.0.113.0/24")], forwarders=[network("198.51.100.7")])
LINE = b"class=trap\tip=192.0.2.66\tfrom=\trcpt=old@trap.example\thelo=mail.emitter.example\tid=<a@b>\n"


def spool_in(folder: pathlib.Path) -> Spool:
    return Spool(folder, ("f",))


def told(line: bytes, folder: pathlib.Path, *, now: int = NOW) -> bytes:
    return answer(line, spool_in(folder), keys=KEYS, peers=PEERS, now=now)


def items(folder: pathlib.Path) -> list[Item]:
    part = spool_in(folder).feeds["f"]
    return [item for name in part.names() if (item := part.read(name)) is not None]


def test_a_line_becomes_a_report_that_the_api_takes(tmp_path: pathlib.Path) -> None:
    assert told(LINE, tmp_path) == b"ok\n"
    (item,) = items(tmp_path)
    record = json.loads(item.body)
    assert ReportIn.model_validate_json(item.body).recipient_class == "trap"
    assert (record["client_ip"], record["helo"]) == ("192.0.2.66", "mail.emitter.example")
    assert b"old@trap.example" not in item.body


@pytest.mark.parametrize(
    ("again", "now", "said"),
    [
        pytest.param(LINE, NOW + 9000, b"ok known\n", id="same Message-ID, later"),
        pytest.param(LINE.replace(b"id=<a@b>", b"id="), NOW, b"ok\n", id="no Message-ID"),
        pytest.param(LINE.replace(b"66", b"67"), NOW, b"ok\n", id="another server"),
        pytest.param(LINE.replace(b"old@", b"OLD@"), NOW, b"ok known\n", id="same recipient in capitals"),
    ],
)
def test_the_same_mail_again_is_the_same_report(
    tmp_path: pathlib.Path, again: bytes, now: int, said: bytes
) -> None:
    told(LINE, tmp_path)
    assert told(again, tmp_path, now=now) == said


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(LINE.replace(b"192.0.2.66", b"203.0.113.5"), id="own network"),
        pytest.param(LINE.replace(b"192.0.2.66", b"198.51.100.7"), id="forwarder"),
        pytest.param(
            LINE.replace(b"from=", b"from=a@b.example").replace(b"trap\t", b"unknown\t"), id="sender"
        ),
    ],
)
def test_what_is_no_evidence_is_left_out(tmp_path: pathlib.Path, line: bytes) -> None:
    assert told(line, tmp_path) == b"ok left out\n"
    assert items(tmp_path) == []


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"\n", id="empty"),
        pytest.param(b"class=trap\n", id="no address"),
        pytest.param(LINE.replace(b"192.0.2.66", b"localhost"), id="a name for an address"),
        pytest.param(LINE.replace(b"192.0.2.66", b"$sender_host_address"), id="never filled in"),
        pytest.param(LINE.replace(b"class=trap", b"class=spam"), id="unknown class"),
        pytest.param(LINE.replace(b"rcpt=old@trap.example", b"rcpt=old"), id="no mail address"),
        pytest.param(LINE.replace(b"\n", b"\tip=192.0.2.1\n"), id="a value that smuggles another address in"),
        pytest.param(LINE.replace(b"\n", b"\tadmin=1\n"), id="unknown name"),
        pytest.param(LINE[:-1], id="no end"),
        pytest.param(b"x" * LONGEST_LINE, id="too long"),
        pytest.param(b"\xff\xfe\x00\n", id="noise"),
    ],
)
def test_anything_else_is_refused_in_words_and_leaves_nothing(tmp_path: pathlib.Path, line: bytes) -> None:
    assert told(line, tmp_path).startswith(b"refused ")
    assert items(tmp_path) == []


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_get_one_line(line: bytes) -> None:
    said = answer(line, Spool(pathlib.Path("/dev/null/x"), ("f",)), keys=KEYS, peers=PEERS, now=NOW)
    assert said.endswith(b"\n")
    assert said.count(b"\n") == 1


def test_a_spool_that_cannot_be_written_is_said(tmp_path: pathlib.Path) -> None:
    (tmp_path / "f").write_text("in the way")
    assert told(LINE, tmp_path).startswith(b"failed ")


@contextlib.contextmanager
def served(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    settings = Settings(feeds=(FeedSettings(name="f", url="http://x", key_file=folder / "key"),))
    path = folder / "socket"
    clock = lambda: dt.datetime.fromtimestamp(NOW, dt.UTC)  # noqa: E731
    with listening(path, 0o600, settings, spool_in(folder / "spool"), KEYS, clock) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield path
        finally:
            server.shutdown()
            thread.join()


def say(path: pathlib.Path, line: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(str(path))
        client.sendall(line)
        said = b""
        while part := client.recv(4096):
            said += part
        return said


def test_many_at_once_over_the_socket(tmp_path: pathlib.Path) -> None:
    with served(tmp_path) as path:
        assert path.stat().st_mode & 0o777 == 0o600
        lines = [LINE.replace(b"<a@b>", b"<%d@b>" % number) for number in range(50)]
        said: list[bytes] = []
        threads = [threading.Thread(target=lambda one=one: said.append(say(path, one))) for one in lines]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert said == [b"ok\n"] * 50
        assert say(path, b"x" * LONGEST_LINE).startswith(b"refused ")
    assert len(items(tmp_path / "spool")) == 50
    assert not path.exists()


def test_a_socket_that_a_killed_process_left_is_replaced_and_nothing_else(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with served(tmp_path) as path:
        assert say(path, LINE) == b"ok\n"
        with pytest.raises(OSError, match="another process"), served(tmp_path):
            pass
    path.write_text("a file")
    with pytest.raises(OSError, match="no socket"), served(tmp_path):
        pass
    assert path.read_text() == "a file"


def test_the_command_serves_until_it_is_ended(tmp_path: pathlib.Path) -> None:
    config = tmp_path / "settings.toml"
    config.write_text(
        f'state = "{tmp_path}"\n[[feed]]\nname = "f"\n'
        f'url = "http://127.0.0.1:1"\nkey_file = "{tmp_path}/key"\n'
    )
    path = tmp_path / "socket"
    command = [
        sys.executable,
        "-m",
        "ingest.report",
        "listen",
        "--config",
        str(config),
        "--socket",
        str(path),
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        wait_until(path.exists, seconds=30, words=lambda: "no socket")
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"listening on")
        assert say(path, LINE) == b"ok\n"
        process.terminate()
        assert process.wait(30) == 0
        assert not path.exists()
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    assert len(items(tmp_path / "spool")) == 1


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        pytest.param(["class=trap", "ip=192.0.2.66", "rcpt=a@trap.example"], 0, id="a report"),
        pytest.param(
            ["class=trap", "ip=<ip>", "rcpt=a@trap.example"], 1, id="fail2ban 2590: never filled in"
        ),
        pytest.param(["class=trap", "ip=192.0.2.66\tip=192.0.2.1", "rcpt=a@b.example"], 1, id="smuggled"),
    ],
)
def test_tell_takes_the_same_fields_as_words(tmp_path: pathlib.Path, fields: list[str], code: int) -> None:
    config = tmp_path / "settings.toml"
    config.write_text(
        f'state = "{tmp_path}"\n[[feed]]\nname = "f"\n'
        f'url = "http://127.0.0.1:1"\nkey_file = "{tmp_path}/key"\n'
    )
    command = [sys.executable, "-m", "ingest.report", "tell", "--config", str(config), *fields]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=60)
    assert done.returncode == code, done.stderr
    assert len(items(tmp_path / "spool")) == (code == 0)
    if code == 0:
        (tmp_path / "spool" / "f" / "queue").rename(tmp_path / "away")
        (tmp_path / "spool" / "f" / "queue").write_text("in the way")
        assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 75
