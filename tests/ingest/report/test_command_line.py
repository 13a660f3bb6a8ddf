"""The command line as an admin uses it: dry run, submit, follow; against a small real feed."""

import collections
import contextlib
import datetime as dt
import fcntl
import gzip
import json
import os
import pathlib
import random
import subprocess
import sys

import pytest

from ingest.mail.judge import judge_record
from ingest.mail.judgement import Registration
from ingest.report.follow import Follower
from ingest.report.index import Index
from ingest.report.keys import Keys, secret_at
from ingest.report.scan import scan
from ingest.report.settings import Settings
from ingest.schemas import ObservationIn, ReportIn, claim_of
from tests.ingest.report import mail_logs
from tests.ingest.report.mail_logs import PostfixLog, long_log
from tests.ingest.report.small_feed import SmallFeed, running
from tests.ingest.report.test_spool import config

DAY = dt.timedelta(days=1)
REAL_NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)


def run(*arguments: str, ok: bool = True) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ingest.report", *arguments], capture_output=True, text=True, check=False
    )
    assert (done.returncode == 0) is ok, done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def log(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> tuple[pathlib.Path, mail_logs.Week]:
    monkeypatch.setattr(mail_logs, "NOW", REAL_NOW)
    week = long_log(5)
    path = tmp_path / "mail.log"
    path.write_bytes(week.log)
    return path, week


def test_a_dry_run_needs_nothing_and_leaves_nothing(
    log: tuple[pathlib.Path, mail_logs.Week], tmp_path: pathlib.Path
) -> None:
    path, week = log
    providers = tmp_path / "providers"
    providers.write_text("# large ones\n192.0.2.0/25\n")
    shown = run("scan", str(path), "--domain", "own.example", "--complete", "--zone", "UTC",
                "--providers", str(providers))  # fmt: skip
    assert f"genuine      {week.genuine:>8}" in shown
    assert f"would report {week.backscatter + week.refused:>8}" in shown
    assert "at large providers" in shown
    assert "nothing was sent" in shown
    assert shown.count("reported  |") >= 3
    assert sorted(one.name for one in tmp_path.iterdir()) == ["mail.log", "providers"]


def test_submitted_facts_are_what_the_api_takes(
    log: tuple[pathlib.Path, mail_logs.Week], tmp_path: pathlib.Path
) -> None:
    path, week = log
    with running(SmallFeed()) as feed:
        file = str(config(tmp_path, one=feed.url))
        for _ in range(2):
            run("scan", str(path), "--config", file, "--complete", "--zone", "UTC", "--submit")
    records = [ReportIn.model_validate_json(json.dumps(record)) for record in feed.records]
    classes = collections.Counter(record.recipient_class for record in records)
    assert classes == {"log_miss": week.backscatter, "no_such_user": week.refused}
    assert set(feed.receipts.values()) == {1}
    assert all(record.original_recipient_match for record in records if record.recipient_class == "log_miss")
    steps = {
        record.recipient_class: judge_record(claim_of(record), registration=Registration(accept_special=True),
                                             now=REAL_NOW).attestation.name
        for record in records
    }  # fmt: skip
    assert steps == {"log_miss": "U3", "no_such_user": "U2"}
    told = [ObservationIn.model_validate_json(json.dumps(one)) for one in feed.observations]
    assert all(one.genuine_24h <= one.null_24h <= one.seen_24h for one in told)
    assert len({(one.address, one.day) for one in told}) == len(told)
    assert "own.example" not in json.dumps(feed.records + feed.observations)


def test_submitting_needs_domains(tmp_path: pathlib.Path) -> None:
    (tmp_path / "log").write_text("")
    shown = run("scan", str(tmp_path / "log"), "--submit", ok=False)
    assert "name your domains" in shown


def test_a_missing_or_damaged_log_is_said_and_the_others_are_read(
    log: tuple[pathlib.Path, mail_logs.Week], tmp_path: pathlib.Path
) -> None:
    path, week = log
    (tmp_path / "broken.gz").write_bytes(b"\x1f\x8b\x08\x00rubbish")
    logs = [str(one) for one in (tmp_path / "none", tmp_path / "broken.gz", path)]
    shown = run("scan", *logs, "--domain", "own.example",
                "--zone", "UTC")  # fmt: skip
    assert "none: " in shown
    assert "broken.gz: " in shown
    assert f"genuine      {week.genuine:>8}" in shown


def test_exit_75_only_if_the_spool_fails(tmp_path: pathlib.Path) -> None:
    file = config(tmp_path, one="http://127.0.0.1:9")
    (tmp_path / "state").write_text("a file where a folder is to be")
    line = [sys.executable, "-m", "ingest.report", "send", "--config", str(file), "--class", "trap"]
    line += ["--client-ip", "192.0.2.66"]
    mail = b"Return-Path: <>\nX-Failed-Recipients: a@b\nDelivered-To: t@own.example\n\ntext\n"
    assert subprocess.run(line, input=mail, capture_output=True, check=False).returncode == 75
    (tmp_path / "state").unlink()
    done = subprocess.run(line, input=mail, capture_output=True, check=False)
    assert (done.returncode, b"spooled: 1" in done.stdout) == (0, True)


class Following:
    """A follower with its files in a folder, and a clock that the test moves."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.path = folder / "mail.log"
        self.index = Index(folder / "index.sqlite")
        self.follower = self.make()

    def make(self) -> Follower:
        settings = Settings(domains=frozenset({"own.example"}), complete=True)
        return Follower([str(self.path)], self.index, Keys(b"k" * 32), settings, zone=dt.UTC)

    def step(self, now: dt.datetime) -> dict[str, int]:
        if self.path.exists():
            os.utime(self.path, (now.timestamp(), now.timestamp()))
        self.follower.step(now=now, complain=pytest.fail)
        return dict(collections.Counter(one.kind for one in self.index.judged(since=0, until=2**40)))


@pytest.mark.parametrize(
    "rotated", ["mail.log.1", "mail.log.1.gz", "mail.log-20261125", "mail.log-20261125.gz", "mail.log.0"]
)
def test_follow_reads_on_through_rotation_and_restart(rotated: str, tmp_path: pathlib.Path) -> None:
    now = mail_logs.NOW
    log = PostfixLog()
    log.quiet(now - 12 * DAY, now)
    log.sent(now - DAY, sender="u@own.example", recipient="a@b.example", message_id="m@own.example")
    following = Following(tmp_path)
    assert following.step(now) == {}
    following.path.write_bytes(log.text())
    assert following.step(now) == {}
    more = PostfixLog(number=5000)
    more.bounced(now, client="192.0.2.1", recipient="u@own.example", own_id="1@e", original="m@own.example")
    more.bounced(
        now, client="192.0.2.1", recipient="u@own.example", own_id="2@e", original="f@own.example",
        original_sender="u@own.example",
    )  # fmt: skip
    text = more.text()
    half = text.index(b"\n", len(text) // 2) - 7  # the process dies in the middle of a line and of a mail
    with following.path.open("ab") as file:
        file.write(text[:half])
    following.step(now)
    following.follower = following.make()
    with following.path.open("ab") as file:
        file.write(text[half:])
    whole = following.path.read_bytes()
    following.path.unlink()
    if rotated.endswith(".gz"):
        (tmp_path / rotated).write_bytes(gzip.compress(whole))
        # Compression that has only begun, of a log before it.
        (tmp_path / "mail.log.1").with_suffix(".2.gz").write_bytes(b"\x1f\x8b")
    else:
        (tmp_path / rotated).write_bytes(whole)
        (tmp_path / f"{rotated}.gz").write_bytes(gzip.compress(whole)[:20])
    last = PostfixLog(number=9000)
    last.refused(now + dt.timedelta(seconds=5), client="192.0.2.1", recipient="nobody@own.example")
    following.path.write_bytes(last.text())
    assert following.step(now + dt.timedelta(minutes=10)) == {"genuine": 1, "log_miss": 1, "no_such_user": 1}
    assert following.step(now + dt.timedelta(minutes=11)) == {"genuine": 1, "log_miss": 1, "no_such_user": 1}


def test_a_scan_killed_at_any_point_is_made_good_by_the_next(
    log: tuple[pathlib.Path, mail_logs.Week], tmp_path: pathlib.Path
) -> None:
    path, week = log
    chance = random.Random(7)
    state, command = tmp_path / "state", [sys.executable, "-m", "ingest.report"]
    what = ["scan", str(path), "--domain", "own.example", "--zone", "UTC"]
    for _ in range(8):
        program = subprocess.Popen([*command, *what, "--state", str(state)], stdout=subprocess.DEVNULL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(timeout=chance.uniform(0.1, 0.6))
        program.kill()
        program.wait()
    shown = run(*what, "--state", str(state))
    assert f"genuine      {week.genuine:>8}" in shown
    index, fresh = Index(state / "index.sqlite"), Index(None)
    settings, keys = Settings(domains=frozenset({"own.example"})), Keys(secret_at(state / "index.key"))
    scan([str(path)], fresh, keys, settings, zone=dt.UTC, now=REAL_NOW, complain=pytest.fail)
    assert index.observations(first_day=0) == fresh.observations(first_day=0)
    assert index.judged(since=0, until=2**40) == fresh.judged(since=0, until=2**40)


def test_two_scans_of_one_state_do_not_meet(tmp_path: pathlib.Path) -> None:
    (tmp_path / "log").write_text("")
    with (tmp_path / "index.lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        shown = run("scan", str(tmp_path / "log"), "--state", str(tmp_path), ok=False)
    assert "another scan" in shown
