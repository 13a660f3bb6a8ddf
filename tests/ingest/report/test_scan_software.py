"""Scanning days of Exim and of rspamd beside Postfix, and logs into which clients wrote what they like."""

import datetime as dt
import json
import pathlib
import random

import pytest

from ingest.report.index import Index
from tests.ingest.report.mail_logs import NOW, EximLog, PostfixLog
from tests.ingest.report.test_scan import DAY, kinds, scanned, written


@pytest.mark.parametrize("seed", range(2))
def test_exim_backscatter_is_found_and_no_genuine_bounce_is_called_a_miss(
    seed: int, tmp_path: pathlib.Path
) -> None:
    log, chance = EximLog(), random.Random(seed)
    log.quiet(NOW - 12 * DAY, NOW)
    truth = {"genuine": 0, "log_miss": 0, "no_such_user": 0}
    for number in range(400):
        at = NOW - dt.timedelta(minutes=chance.randrange(10, 11 * 1440))
        user = f"u{chance.randrange(9)}@own.example"
        log.sent(at, sender=user, recipient=f"r{number}@there.example", message_id=f"{number}@own.example")
        if chance.random() < 0.2:
            truth["genuine"] += 1
            later = min(at + dt.timedelta(minutes=chance.randrange(4000)), NOW)
            client = f"198.51.100.{number % 200 + 2}"
            log.bounced(later, client=client, recipient=user, own_id=f"g{number}@there.example",
                        original=f"{number}@own.example", sender=user)  # fmt: skip
    for number in range(200):
        at, client = NOW - dt.timedelta(minutes=chance.randrange(1, 2880)), f"192.0.2.{number % 200 + 1}"
        user = f"u{chance.randrange(9)}@own.example"
        if chance.random() < 0.5:
            truth["log_miss"] += 1
            log.bounced(at, client=client, recipient=user, own_id=f"b{number}@e.example",
                        original=f"forged{number}@own.example", sender=user)  # fmt: skip
        else:
            truth["no_such_user"] += 1
            log.refused(at, client=client, recipient=f"nobody{number}@own.example")
    found = scanned([written(tmp_path / "mainlog", log.text())])
    assert kinds(found) == truth
    assert {one.address for one in found if one.kind == "log_miss"} <= {f"192.0.2.{n}" for n in range(256)}


def test_rotated_exim_logs_are_one_host(tmp_path: pathlib.Path) -> None:
    log = EximLog()
    log.quiet(NOW - 12 * DAY, NOW)
    log.sent(NOW - 11 * DAY, sender="u@own.example", recipient="a@b.example", message_id="m@own.example")
    log.bounced(NOW - DAY, client="192.0.2.1", recipient="u@own.example", own_id="b@e.example",
                original="f@own.example", sender="u@own.example")  # fmt: skip
    lines = log.text().splitlines(keepends=True)
    new = written(tmp_path / "mainlog", b"".join(lines[150:]))
    old = written(tmp_path / "mainlog.1.gz", b"".join(lines[:150]), at=NOW - 6 * DAY)
    assert kinds(scanned([new, old])) == {"log_miss": 1}


@pytest.mark.parametrize("first", ["postfix", "rspamd"])
def test_rspamd_adds_the_original_to_what_postfix_says(first: str, tmp_path: pathlib.Path) -> None:
    log = PostfixLog()
    log.quiet(NOW - 12 * DAY, NOW)
    log.sent(NOW - 9 * DAY, sender="v@own.example", recipient="a@b.example", message_id="m@own.example")
    log.bounced(NOW - DAY, client="192.0.2.1", recipient="u@own.example", own_id="x@e.example")
    queue_id = next(line for _, _, line in log.entries if "message-id=<x@e.example>" in line).split(": ")[1]
    said = {"ip": "192.0.2.1", "qid": queue_id, "from": "", "mid": "x@e.example", "rcpt": ["u@own.example"],
            "original": ["f@own.example"], "original_from": ["u@own.example"]}  # fmt: skip
    rule = f"{NOW - DAY:%Y-%m-%d %H:%M:%S} #12(normal) <a1b2c3>; lua; bsf.lua:12: bsf {json.dumps(said)}\n"
    postfix = written(tmp_path / "mail.log", log.text())
    rspamd = written(tmp_path / "rspamd.log", rule.encode())
    index = Index(None)
    scanned([postfix if first == "postfix" else rspamd], index=index)
    found = scanned([rspamd if first == "postfix" else postfix], index=index)
    assert [(one.kind, one.reason) for one in found] == [("log_miss", "original_never_sent")]
    assert [tuple(row[2:]) for row in index.observations(first_day=0)] == [(1, 1, 0)]


HOSTILE = [
    pytest.param("mail[198.51.100.9]", id="literal"),
    pytest.param("x>; from=<> to=<u@own.example> proto=ESMTP helo=<y", id="fields of Postfix"),
    pytest.param(
        "x?Nov 24 10:00:00 mx1 postfix/smtpd[1]: 4FFFFFFFF: client=v[198.51.100.9]", id="line end as ?"
    ),
    pytest.param('"; DROP "a\\" b', id="quotes"),
    pytest.param("A" * 100_000, id="100 kB"),
    pytest.param("\udcff\udcfe\x00", id="no UTF-8"),
]


@pytest.mark.parametrize("chosen", HOSTILE)
def test_hostile_text_in_a_log_of_days_changes_nothing(chosen: str, tmp_path: pathlib.Path) -> None:
    """What clients chose stands in HELO, sender and Message-ID; nobody but their own server is named."""
    log = PostfixLog()
    log.quiet(NOW - 12 * DAY, NOW)
    log.sent(NOW - 9 * DAY, sender="v@own.example", recipient="a@b.example", message_id="m@own.example")
    log.bounced(NOW - DAY, client="192.0.2.1", recipient="u@own.example", own_id="x@e.example",
                original="f@own.example", original_sender="u@own.example")  # fmt: skip
    log.refused(NOW - DAY, client="192.0.2.2", recipient="nobody@own.example")
    before = scanned([written(tmp_path / "before.log", log.text())])
    one = "4EEEEEEEE"
    log.add(NOW - DAY, "smtpd", f"{one}: client=unknown[192.0.2.3]")
    log.add(NOW - DAY, "smtpd", f"warning: hostname {chosen} does not resolve to address 192.0.2.3")
    log.add(NOW - DAY, "cleanup", f"{one}: message-id=<{chosen}>")
    log.add(
        NOW - DAY,
        "cleanup",
        f"{one}: info: body Message-ID: <{chosen}> from unknown[192.0.2.3]; from=<s@e> "
        f"to=<u@own.example> proto=ESMTP helo=<{chosen}>",
    )
    log.add(NOW - DAY, "qmgr", f"{one}: from=<{chosen}>, size=9, nrcpt=1 (queue active)")
    log.add(
        NOW - DAY,
        "smtpd",
        f"NOQUEUE: reject: RCPT from unknown[192.0.2.3]: 554 5.7.1 <{chosen}>: Relay access denied; "
        f"from=<{chosen}> to=<{chosen}> proto=ESMTP helo=<{chosen}>",
    )
    log.refused(NOW - DAY, client="192.0.2.3", recipient=f"{chosen}@own.example", helo=chosen)
    data = b"".join(
        line.encode("utf-8", "surrogateescape") + b"\n" for _, _, line in sorted(log.entries)
    )  # fmt: skip
    after = scanned([written(tmp_path / "after.log", data)])
    assert [one for one in after if one.address != "192.0.2.3"] == before
