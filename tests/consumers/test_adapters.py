"""Adapters of docs/report-adapters.md with the real programs and exactly the printed settings."""

import datetime as dt
import json
import os
import pathlib
import tomllib
from typing import Any

import pytest

from ingest.report import rspamd
from ingest.report.events import Scanned
from ingest.report.lines import LineReader
from ingest.report.networks import network
from ingest.report.settings import settings_of
from ingest.report.stamps import Stamps
from ingest.schemas import ReportIn
from tests.conftest import needs
from tests.consumers import running
from tests.consumers.packages import DOVECOT, laid_over

pytestmark = pytest.mark.e2e


def _laboratory(adapter: str, folder: pathlib.Path, *packages: str) -> dict[str, Any]:
    if os.geteuid() != 0:
        pytest.skip("needs root for a network namespace")
    root = [str(laid_over(*packages))] if packages else []
    lab = folder / "lab"
    lab.mkdir()
    return running.laboratory("adapters_lab", adapter, str(lab), *root)


def test_exim_reports_a_trap_inside_the_dialogue_and_refuses_only_what_is_on_disk() -> None:
    with running.place() as folder:
        running.mail_server("exim", folder)
        found = _laboratory("exim", folder)
    assert found["answers"] == {
        "socket down": 451,
        "trap": 550,
        "trap again": 550,
        "trap, IPv6": 550,
        "user": 250,
        "junk in Message-ID": 550,
    }
    reports = [ReportIn.model_validate_json(json.dumps(one)) for one in found["reports"]]
    assert sorted(one.client_ip for one in reports) == ["198.51.100.66"] * 2 + ["2001:db8:66::66"]
    assert {one.recipient_class for one in reports} == {"trap"}
    assert {one.helo for one in reports} == {"mail.emitter.example"}


def test_the_milter_only_writes_to_the_spool() -> None:
    needs("postfix")
    with running.place() as folder:
        found = _laboratory("milter", folder, "python3-milter")
    assert set(found["answers"].values()) == {250}
    reports = [ReportIn.model_validate_json(json.dumps(one)) for one in found["before"]]
    told = sorted((one.client_ip, one.recipient_class, one.null_sender, one.kind) for one in reports)
    assert told == [
        ("198.51.100.66", "trap", False, "dsn_fail"),
        ("198.51.100.66", "trap", True, "dsn_fail"),
        ("198.51.100.66", "unknown", True, "dsn_fail"),
        ("2001:db8:66::66", "trap", True, "dsn_fail"),
    ]
    assert all(one.original_key for one in reports)
    assert len(found["reports"]) == 1  # the one after the spool worked again


def test_sieve_pipes_what_has_an_empty_sender_and_no_delivery_depends_on_it() -> None:
    with running.place() as folder:
        found = _laboratory("sieve", folder, *DOVECOT)
    assert found["answers"] == {
        "bounce": 0,
        "the same bounce": 0,
        "named sender": 0,
        "program fails": 0,
        "delivered": 4,
    }
    (report,) = found["reports"]
    assert (report["client_ip"], report["recipient_class"]) == ("198.51.100.66", "trap")


def test_fail2ban_tells_of_a_refused_trap_only() -> None:
    needs("postfix")
    with running.place() as folder:
        found = _laboratory("fail2ban", folder, "fail2ban")
    assert found["answers"] == {
        "trap": 550, "named sender": 550, "no trap": 454, "quoted": 550, "injected": False
    }  # fmt: skip
    assert {(one["client_ip"], one["recipient_class"], one["null_sender"]) for one in found["reports"]} == {
        ("198.51.100.66", "no_such_user", True)
    }
    for one in found["reports"]:
        ReportIn.model_validate_json(json.dumps(one))


def test_b17_b18_rspamd_exports_mail_to_traps_and_the_feed_answers_as_it_wants() -> None:
    needs("rspamd")
    with running.place() as folder:
        answers = _laboratory("rspamd", folder)["answers"]
    assert answers["errors"] == []
    dsn_fail, trap, p3 = 4, 5, 3
    assert answers["events"] == [
        ["::ffff:198.51.100.66", dsn_fail, trap, 4, p3],  # the same mail twice is one
        ["2001:db8:66::66", dsn_fail, trap, 4, p3],
    ]


def test_the_rule_for_rspamd_logs_what_a_notification_returns() -> None:
    needs("rspamd")
    with running.place() as folder:
        log = _laboratory("rspamd_log", folder)["answers"]["log"].encode()
    reader = LineReader(Stamps(zone=dt.UTC, latest=dt.datetime.now(dt.UTC)), host=b"mx1")
    entries = [entry for line in log.split(b"\n") if (entry := reader.read(line)) is not None]
    events = [event for entry in entries if (event := rspamd.parse(entry.text)) is not None]
    by_id = {event.queue_id: event for event in events if isinstance(event, Scanned) and event.originals}
    assert by_id[b"4AB1"] == Scanned(
        b"4AB1",
        b"192.0.2.66",
        False,
        b"",
        b"20261125105500.4XyZ@mail.emitter.example",
        (b"jo@reporter.example",),
        (b"original-1@reporter.example",),
        (b"jo@reporter.example", b"jo@reporter.example"),
    )
    assert by_id[b"4AB2"].originals == (b"original-1@reporter.example",)
    assert by_id[b"4AB2"].message_id is None
    # What the bounce contains stays inside the quotes: nobody else is named.
    assert {event.address for event in events if isinstance(event, Scanned)} <= {b"192.0.2.66", b"127.0.0.1"}
    sent = [event for event in events if isinstance(event, Scanned) and event.sender == b"u@own.example"]
    assert [event.message_id for event in sent] == [b"sent@own.example"]


def test_a_real_bounce_reaches_the_trap_receiver_and_is_refused_after_it_was_stored() -> None:
    needs("postfix")
    with running.place() as folder:
        answers = _laboratory("trap", folder)["answers"]
    dsn_fail, trap, p4 = 4, 5, 4
    assert answers["events"] == [["::ffff:198.51.100.66", dsn_fail, trap, 5, p4]] * 3
    assert answers["refused"] == 3
    assert answers["code"] == 0


def test_init_asks_a_real_exim() -> None:
    with running.place() as folder:
        running.mail_server("exim", folder)
        answers = _laboratory("init_exim", folder)["answers"]
    assert answers["code"] == 0, answers["said"]
    settings = settings_of(tomllib.loads(answers["proposed"]))
    assert settings.domains == {
        "mx1.own.example", "own.example", "shop.example", "forum.example", "friend.example"
    }  # fmt: skip
    assert settings.own_networks == (network("203.0.113.0/24"), network("2001:db8:5::/48"))
    assert settings.border_hosts == {"mx1.own.example"}
    assert "you relay for friend.example" in answers["proposed"]
    assert "perhaps" in answers["proposed"]  # a transport that signs senders was found


def test_a_real_dovecot_that_is_killed_meanwhile_loses_and_doubles_nothing() -> None:
    with running.place() as folder:
        answers = _laboratory("imap", folder, *DOVECOT)["answers"]
    assert answers["different"] == answers["moved"] == answers["moved, different"] == 30
    assert answers["left"] == 0
    assert answers["failures"] >= 1
    assert (
        answers["taken"] <= 30 + answers["failures"]
    )  # at most the mail in hand comes twice; the spool knows it
