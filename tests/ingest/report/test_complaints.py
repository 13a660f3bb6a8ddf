"""What public projects were told about their reporting side, each as a case that must not happen here.

The numbers are those of ux-ecosystem.md 6; each names the public issue. B17 and B18 (rspamd's exporter) stand
in tests/consumers/test_adapters.py with the real rspamd, B25 (parsedmarc) in test_imap.py.
"""

import datetime as dt
import json
import os
import pathlib
import random
import socket
import subprocess
import sys

import pytest

from ingest.report import client
from ingest.report.client import FeedClient, FeedError
from ingest.report.flush import Flush, wait_s
from ingest.report.index import Index
from ingest.report.keys import Keys
from ingest.report.scan import scan
from ingest.report.settings import Settings
from ingest.report.spool import FeedSpool, Spool
from ingest.report.submit import submit
from tests.conftest import ROOT
from tests.ingest.report.mail_logs import NOW, PostfixLog
from tests.ingest.report.small_feed import SmallFeed, running
from tests.ingest.report.test_spool import Clock, flushed, item
from tests.mails import Border, dsn

KEYS = Keys(b"k" * 32)
SETTINGS = Settings(domains=frozenset({"own.example"}), complete=True)


def submitted(log: PostfixLog, folder: pathlib.Path, *, index: Index) -> FeedSpool:
    """Scan a log and spool what it proves."""
    path = folder / "mail.log"
    path.write_bytes(log.text())
    scan([str(path)], index, KEYS, SETTINGS, zone=dt.UTC, now=NOW, complain=print)
    spool = Spool(folder / "spool", ("f",))
    submit(index, spool, now=int(NOW.timestamp()))
    return spool.feeds["f"]


def refusals(count: int) -> PostfixLog:
    log = PostfixLog()
    log.quiet(NOW - dt.timedelta(days=7), NOW)
    log.sent(
        NOW - dt.timedelta(days=7),
        sender="u@own.example",
        recipient="a@b.example",
        message_id="m@own.example",
    )
    for number in range(count):
        at = NOW - dt.timedelta(hours=1)
        log.refused(at, client="192.0.2.66", recipient=f"secret.name{number}@own.example")
    return log


def test_b8_fail2ban_921_1141_3990_a_restart_tells_nothing_again(tmp_path: pathlib.Path) -> None:
    first = submitted(refusals(3), tmp_path, index=Index(None))
    with running(SmallFeed()) as feed:
        flushed(first, feed, Clock())
        again = submitted(refusals(3), tmp_path, index=Index(None))  # even with all memory lost
        flushed(again, feed, Clock())
    assert len(feed.receipts) == 3
    assert set(feed.receipts.values()) == {2}  # the feed knows them by digest, so each counts once


def test_b8_what_is_old_is_never_replayed(tmp_path: pathlib.Path) -> None:
    index = Index(None)
    path = tmp_path / "mail.log"
    path.write_bytes(refusals(3).text())
    scan([str(path)], index, KEYS, SETTINGS, zone=dt.UTC, now=NOW, complain=print)
    spool = Spool(tmp_path / "spool", ("f",))
    reports, _ = submit(index, spool, now=int((NOW + dt.timedelta(days=8)).timestamp()))
    assert reports == 0


def test_b9_fail2ban_3428_2829_nothing_of_the_log_line_leaves(tmp_path: pathlib.Path) -> None:
    part = submitted(refusals(3), tmp_path, index=Index(None))
    bodies = b"".join(one.body for name in part.names() if (one := part.read(name)) is not None)
    assert b"192.0.2.66" in bodies
    for word in (b"secret", b"own.example", b"mx1", b"emitter.example", b"reject"):
        assert word not in bodies


@pytest.mark.parametrize("field", ["ip=<ip>", "ip=$f2bV_ip", "ip=%(ip)s", "rcpt=<F-USER>", "class=%(class)s"])
def test_b10_fail2ban_2590_2488_a_placeholder_is_refused_before_it_is_spooled(
    tmp_path: pathlib.Path, field: str
) -> None:
    config = written_settings(tmp_path, "http://127.0.0.1:1")
    fields = {"class": "trap", "ip": "192.0.2.66", "rcpt": "a@b.example"} | dict([field.split("=", 1)])
    words = [f"{name}={value}" for name, value in fields.items()]
    done = reported("tell", "--config", str(config), *words)
    assert done.returncode == 1
    assert not list((tmp_path / "spool").glob("f/queue/*"))


def test_b11_fail2ban_3964_the_same_address_again_is_no_error(tmp_path: pathlib.Path) -> None:
    spool = FeedSpool(tmp_path, "f")
    with running(SmallFeed(offers_batch=False)) as feed:
        for _ in range(3):
            spool.put(item(1))
            outcome = flushed(spool, feed, Clock())
            assert (outcome.sent, outcome.refused, outcome.waiting) == (1, 0, 0)


def test_b12_fail2ban_2600_2862_a_dead_service_hangs_nobody(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "TIMEOUT_S", 0.5)
    spool = FeedSpool(tmp_path, "f")
    spool.put(item(1))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(5)
        dead = FeedClient(f"http://127.0.0.1:{silent.getsockname()[1]}", "bsf_k_s")
        outcome = Flush(spool, dead, now=Clock(), chance=random.Random(1)).run()
    assert (outcome.sent, outcome.waiting) == (0, 1)
    assert "does not answer" in outcome.words


def test_b12_a_mail_that_is_piped_in_never_waits_for_the_feed(tmp_path: pathlib.Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(5)
        config = written_settings(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}")
        arguments = [
            "send",
            "--later",
            "--class",
            "trap",
            "--client-ip",
            "192.0.2.66",
            "--config",
            str(config),
        ]
        done = reported(*arguments, stdin=dsn(border=Border()))
        assert (done.returncode, silent_was_asked(silent)) == (0, False)
    assert len(list((tmp_path / "spool" / "f" / "queue").iterdir())) == 1


def silent_was_asked(listener: socket.socket) -> bool:
    listener.settimeout(0.2)
    try:
        listener.accept()[0].close()
    except TimeoutError:
        return False
    return True


def test_b13_crowdsec_2962_what_is_too_large_is_buried_and_blocks_nothing(tmp_path: pathlib.Path) -> None:
    spool = FeedSpool(tmp_path, "f")
    for number in range(3):
        spool.put(item(number))
    with running(SmallFeed(offers_batch=False)) as feed:
        feed.script = [(404, {}), (413, {})]  # no batch; the first report is too large
        outcome = flushed(spool, feed, Clock())
    assert (outcome.sent, outcome.refused, outcome.waiting) == (2, 1, 0)
    (dead,) = list(spool.dead.iterdir())
    assert "413" in json.loads(dead.read_bytes())["refusal"]


@pytest.mark.parametrize("status", [429, 403])
def test_b14_crowdsec_4641_4165_a_burst_or_a_refused_key_means_to_wait_and_loses_nothing(
    tmp_path: pathlib.Path, status: int
) -> None:
    spool, clock = FeedSpool(tmp_path, "f"), Clock()
    for number in range(3):
        spool.put(item(number))
    with running(SmallFeed()) as feed:
        feed.script = [(status, {"Retry-After": "600"})]
        assert flushed(spool, feed, clock).waiting == 3
        asked = len(feed.paths)
        assert flushed(spool, feed, clock).waiting == 3
        assert len(feed.paths) == asked  # it rests, and does not ask again and again
        clock.now += 700
        assert flushed(spool, feed, clock).waiting == 0


def test_b14_clients_that_failed_together_do_not_come_back_together() -> None:
    waits = {round(wait_s(3, random.Random(seed))) for seed in range(50)}
    assert len(waits) > 20


def test_b16_the_answer_of_a_broken_proxy_is_no_receipt(tmp_path: pathlib.Path) -> None:
    spool = FeedSpool(tmp_path, "f")
    spool.put(item(1))
    with running(SmallFeed(offers_batch=False)) as feed:
        feed.script = [(502, {}), (502, {})]
        assert flushed(spool, feed, Clock()).waiting == 1


def test_a_key_never_stands_in_a_url() -> None:
    with running(SmallFeed()) as feed, pytest.raises(FeedError):
        feed.script = [(403, {})]
        FeedClient(feed.url, "bsf_k_secret").report(b"{}")
    assert not any("secret" in path for path in feed.paths)


def written_settings(folder: pathlib.Path, url: str) -> pathlib.Path:
    config = folder / "settings.toml"
    (folder / "key").write_text("bsf_k_s")
    config.write_text(f'state = "{folder}"\n[[feed]]\nname = "f"\nurl = "{url}"\nkey_file = "{folder}/key"\n')
    return config


def reported(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "ingest.report", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, input=stdin, capture_output=True, check=False, timeout=120, env=environment
    )
