"""Adapters of docs/report-adapters.md with the real programs and exactly the printed settings."""

import json
import os
import pathlib
from typing import Any

import pytest

from ingest.schemas import ReportIn
from tests.conftest import needs
from tests.consumers import running
from tests.consumers.packages import laid_over

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
        found = _laboratory("sieve", folder, "dovecot-core", "dovecot-sieve")
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


def test_rspamd_exports_mail_to_traps_and_the_feed_answers_as_it_wants() -> None:
    needs("rspamd")
    with running.place() as folder:
        answers = _laboratory("rspamd", folder)["answers"]
    assert answers["errors"] == []
    dsn_fail, trap, p3 = 4, 5, 3
    assert answers["events"] == [
        ["::ffff:198.51.100.66", dsn_fail, trap, 4, p3],  # the same mail twice is one
        ["2001:db8:66::66", dsn_fail, trap, 4, p3],
    ]
