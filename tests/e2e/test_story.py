"""The main job, end to end: reports go in, DNS answers, the page explains, the removal removes."""

import collections
import datetime as dt
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from feed.store.tables import cell, event, receipt
from tests.conftest import ROOT, corpora, needs
from tests.e2e.harness import SCORE_ZONE, ZONE, RunningFeed, free_port, running, stamp
from tests.mails import Border, auto_reply, dsn, ndr_exim, ndr_qmail
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

EMITTER, REFUSER, PROVIDER, MIXED, QUIET = (
    "192.0.2.66",
    "192.0.2.77",
    "209.85.220.41",
    "192.0.2.88",
    "192.0.2.99",
)
PROVIDERS = "# date: 2026-11-25\n209.85.128.0/17 google\n"
NAMES = ("one", "two", "three")
WITHIN_5_S = 5


@pytest.fixture
def feed(tmp_path: pathlib.Path) -> Iterator[RunningFeed]:
    with running(RunningFeed(tmp_path, providers=PROVIDERS)) as made:
        yield made


def _name(address: str, zone: str = ZONE) -> str:
    return f"{'.'.join(reversed(address.split('.')))}.{zone}"


def _reports(keys: dict[str, str]) -> list[tuple[str, bytes, dict[str, str]]]:
    """Return what the three reporters send, as (key, mail, claim), over the last three days."""
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    made: list[tuple[str, bytes, dict[str, str]]] = []
    for number, name in enumerate(NAMES):
        for day, write in ((0, dsn), (1, ndr_qmail), (2, ndr_exim)):
            at = now - dt.timedelta(days=day, hours=1 + number)
            for emitter in (EMITTER, PROVIDER, MIXED):
                border = Border(host=f"mx.{name}.example", ip=emitter, at=at)
                mail = write(border=border, original_id=f"{emitter}-{number}-{day}@{name}.example")
                claim = {
                    "class_": "trap",
                    "client_ip": emitter,
                    "observed_at": stamp(at),
                    "recipient_token": f"t{day}",
                }
                made.append((keys[name], mail, claim))
        # A server that refused in the SMTP dialogue is only named inside the notification of the other.
        diagnostic = f"smtp; 550 5.1.1 host refuser.example[{REFUSER}] said: no such user"
        border = Border(host=f"mx.{name}.example", ip=EMITTER, at=now - dt.timedelta(hours=2))
        mail = dsn(border=border, diagnostic=diagnostic, original_id=f"refused-{number}@{name}.example")
        made.append((keys[name], mail, {"class_": "trap"}))
        border = Border(host=f"mx.{name}.example", ip=QUIET, at=now - dt.timedelta(hours=3))
        made.append((keys[name], auto_reply(border=border, original_id=f"auto-{number}@{name}.example"), {}))
    return made


def _observe(feed: RunningFeed, key: str) -> None:
    """Say that the mixed host also returned genuine bounces."""
    today = dt.datetime.now(dt.UTC).date()
    said = {"address": MIXED, "day": today.isoformat(), "seen_24h": 40, "null_24h": 20, "genuine_24h": 5}
    status, _ = feed.post(
        "/v1/observations", json.dumps(said).encode(), content_type="application/json", key=key
    )
    assert status == 200


def _rows(feed: RunningFeed) -> list[int]:
    with feed.feed.database.read() as connection:
        return [
            connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in (event, cell, receipt)
        ]


def _page(feed: RunningFeed, address: str) -> dict[str, Any]:
    status, text = feed.get(f"/lookup?address={address}")
    assert status == 200, text
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


def test_from_report_to_listed_to_removed(feed: RunningFeed, tmp_path: pathlib.Path) -> None:
    keys = {name: feed.reporter(name) for name in NAMES}
    assert feed.ask(_name(EMITTER)) == ["NXDOMAIN"]

    _observe(feed, keys["one"])
    reports = _reports(keys)
    for key, mail, claim in reports:
        status, said = feed.report(key, mail, **claim)
        assert (status, said["status"]) == (200, "accepted"), said

    feed.wait_listed(EMITTER, "127.0.0.2")
    feed.wait_listed(MIXED, "127.0.0.3", zone=SCORE_ZONE)
    for options in ((), ("+tcp",)):
        assert feed.ask(_name(EMITTER), "A", *options) == ["127.0.0.2"]
        assert EMITTER in feed.ask(_name(EMITTER), "TXT", *options)[0]
        assert f"127.0.0.1:{feed.http_port}/lookup/{EMITTER}" in feed.ask(_name(EMITTER), "TXT", *options)[0]
        for innocent in (REFUSER, PROVIDER, MIXED, QUIET):
            assert feed.ask(_name(innocent), "A", *options) == ["NXDOMAIN"], innocent
    assert feed.ask(_name(PROVIDER, SCORE_ZONE)) == ["NXDOMAIN"]
    _through_unbound(feed, tmp_path)

    assert _page(feed, EMITTER)["state"] == "listed"
    assert _page(feed, PROVIDER)["state"] == "held"
    assert _page(feed, REFUSER)["state"] not in {"listed", "held"}

    before = _rows(feed)
    for key, mail, claim in reports:
        assert feed.report(key, mail, **claim)[1]["status"] == "duplicate"
    assert _rows(feed) == before

    status, ticket = feed.remove(EMITTER)
    assert (status, ticket["outcome"]) == (201, "accepted"), ticket
    feed.wait_listed(EMITTER, "NXDOMAIN", seconds=WITHIN_5_S + 1)
    assert _page(feed, EMITTER)["state"] != "listed"

    for key, mail, claim in reports:
        assert feed.report(key, mail, **claim)[1]["status"] == "duplicate"
    time.sleep(3)
    assert feed.ask(_name(EMITTER)) == ["NXDOMAIN"]
    assert _rows(feed) == before


def test_real_mails_of_other_collections_list_their_emitter(feed: RunningFeed) -> None:
    """Mails as others collected them, attested by three reporters over several days, go the whole way."""
    folder = corpora()
    mails = [path.read_bytes() for path in sorted((folder / "sisimai").glob("*.eml"))[::12]]
    mails += [path.read_bytes() for path in sorted((folder / "flufl").glob("*.txt"))[::4]]
    keys = [feed.reporter(name) for name in NAMES]
    now = dt.datetime.now(dt.UTC)
    statuses = collections.Counter[str]()
    for number, mail in enumerate(mails):
        at = now - dt.timedelta(hours=1 + number % 120)
        claim = {
            "class_": "trap",
            "client_ip": EMITTER,
            "observed_at": stamp(at),
            "recipient_token": f"t{number % 5}",
        }
        status, said = feed.report(keys[number % 3], mail, **claim)
        statuses[said["status"] if status == 200 else said["type"].rpartition(":")[2]] += 1
    assert statuses["accepted"] >= 0.8 * len(mails), statuses
    assert statuses.keys() <= {"accepted", "duplicate", "not_a_notification", "too_complex"}, statuses
    feed.wait_listed(EMITTER, "127.0.0.2")


def _through_unbound(feed: RunningFeed, folder: pathlib.Path) -> None:
    """Ask through a strict, minimising resolver: it sees what we serve (dnsbl-serving.md 7, nos. 1 and 2)."""
    port = free_port()
    config = folder / "unbound.conf"
    config.write_text(
        f"""
server:
    interface: 127.0.0.1@{port}
    directory: "{folder}"
    chroot: ""
    username: ""
    pidfile: "{folder}/unbound.pid"
    use-syslog: no
    logfile: "{folder}/unbound.log"
    do-not-query-localhost: no
    qname-minimisation: yes
    qname-minimisation-strict: yes
    harden-below-nxdomain: yes
    local-zone: "test." nodefault
    domain-insecure: "feed.test"
    module-config: "iterator"
remote-control:
    control-enable: no
stub-zone:
    name: "{ZONE}"
    stub-addr: 127.0.0.1@{feed.dns_port}
"""
    )
    process = subprocess.Popen([needs("unbound"), "-d", "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        ask = f"2.0.0.127.{ZONE}"
        wait_until(
            lambda: feed.ask(ask, port=port) == ["127.0.0.2"],
            seconds=10,
            words=(folder / "unbound.log").read_text,
        )
        assert feed.ask(_name(EMITTER), port=port) == ["127.0.0.2"]
        assert feed.ask(_name(REFUSER), port=port) == ["NXDOMAIN"]
        assert feed.ask(f"1.0.0.127.{ZONE}", port=port) == ["NXDOMAIN"]
    finally:
        process.terminate()
        process.wait(10)


def test_dns_goes_on_without_scheduler_http_and_database(feed: RunningFeed) -> None:
    key = feed.reporter("one")
    for _, mail, claim in _reports(dict.fromkeys(NAMES, key))[:9]:
        feed.report(key, mail, **claim)
    feed.wait_listed(EMITTER, "127.0.0.2")
    assert feed.process is not None
    feed.process.send_signal(signal.SIGSTOP)  # nobody restarts what is killed now
    children = feed.children()
    for name in ("scheduler", "ingest"):
        os.kill(children[name], signal.SIGKILL)
    for file in feed.folder.glob("feed.db*"):
        file.rename(feed.folder / f"away-{file.name}")
    for options in ((), ("+tcp",)):
        assert feed.ask(_name(EMITTER), "A", *options) == ["127.0.0.2"]
        assert feed.ask(_name(REFUSER), "A", *options) == ["NXDOMAIN"]
    for file in feed.folder.glob("away-*"):
        file.rename(feed.folder / file.name.removeprefix("away-"))
    feed.process.send_signal(signal.SIGCONT)
    wait_until(lambda: feed.children().keys() >= {"scheduler", "ingest"}, seconds=20, words=feed.said)
    wait_until(lambda: _alive(feed), seconds=20, words=feed.said)
    assert _page(feed, EMITTER)["state"] == "listed"


def _alive(feed: RunningFeed) -> bool:
    try:
        return feed.get("/readyz")[0] == 200
    except OSError:
        return False


def test_killed_child_is_started_again(feed: RunningFeed) -> None:
    for name, child in feed.children().items():
        os.kill(child, signal.SIGKILL)
        wait_until(
            lambda name=name, child=child: feed.children().get(name, child) != child,  # type: ignore[misc]
            seconds=15,
            words=feed.said,
        )
    wait_until(
        lambda: _alive(feed) and feed.ask(f"2.0.0.127.{ZONE}") == ["127.0.0.2"], seconds=20, words=feed.said
    )


def test_sigterm_ends_everything_within_five_seconds(feed: RunningFeed) -> None:
    children = list(feed.children().values())
    assert len(children) == 3
    assert feed.stop() < 5
    assert feed.process is not None
    assert feed.process.returncode == 0
    assert not any(pathlib.Path(f"/proc/{child}").exists() for child in children)
    assert feed.ask(f"2.0.0.127.{ZONE}") == ["no answer"]


@pytest.mark.parametrize("port", ["http_port", "dns_port"])
def test_taken_port_is_a_clear_error(feed: RunningFeed, tmp_path: pathlib.Path, port: str) -> None:
    folder = tmp_path / "second"
    folder.mkdir()
    second = RunningFeed(folder)
    text = second.config.read_text().replace(str(getattr(second, port)), str(getattr(feed, port)))
    second.config.write_text(text)
    done = subprocess.run(
        [sys.executable,
         "-m", "feed", "--config", str(second.config), "serve"],
        capture_output=True, text=True, timeout=30, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 78, done.stderr
    assert f"127.0.0.1:{getattr(feed, port)}" in done.stderr


def test_corrupt_snapshot_is_refused_and_the_last_good_one_served(feed: RunningFeed) -> None:
    key = feed.reporter("one")
    for _, mail, claim in _reports(dict.fromkeys(NAMES, key))[:9]:
        feed.report(key, mail, **claim)
    feed.wait_listed(EMITTER, "127.0.0.2")
    os.kill(feed.children()["scheduler"], signal.SIGSTOP)
    file = feed.folder / "snapshots" / f"{ZONE}.snap"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    aside = file.with_suffix(".bad")
    aside.write_bytes(data)
    aside.replace(file)
    time.sleep(3)
    assert feed.ask(_name(EMITTER)) == ["127.0.0.2"]
    assert file.name in feed.said()
    os.kill(feed.children()["scheduler"], signal.SIGCONT)
    wait_until(lambda: file.read_bytes() != bytes(data), seconds=10, words=feed.said)
