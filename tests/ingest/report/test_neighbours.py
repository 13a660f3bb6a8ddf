"""Forwarders and own servers that a log shows are proposed; ordinary senders are not."""

import datetime as dt
import pathlib

import pytest

from ingest.report.neighbours import LEAST, Neighbour, neighbours_in
from ingest.report.networks import network
from tests.ingest.report.mail_logs import NOW, EximLog, PostfixLog

OWN = [network("203.0.113.0/24")]
UNIVERSITY = "198.51.100.77"


def found(path: pathlib.Path, data: bytes) -> list[Neighbour]:
    path.write_bytes(data)
    complaints: list[str] = []
    proposed = neighbours_in(
        [str(path)], own=OWN, domains=["own.example"], zone=dt.UTC, now=NOW, complain=complaints.append
    )
    assert complaints == []
    return proposed


def came(log: PostfixLog, *, client: str, name: str, sender: str, message_id: str) -> None:
    one = log.queue_id()
    log.add(NOW, "smtpd", f"{one}: client={name}[{client}]")
    log.add(NOW, "cleanup", f"{one}: message-id=<{message_id}>")
    log.add(NOW, "qmgr", f"{one}: from=<{sender}>, size=900, nrcpt=1 (queue active)")
    log.add(
        NOW, "lmtp", f"{one}: to=<jo@own.example>, relay=mx1[private/lmtp], delay=0.1, dsn=2.0.0, status=sent"
    )
    log.add(NOW, "qmgr", f"{one}: removed")


def signs(proposed: list[Neighbour]) -> dict[str, list[str]]:
    return {one.address: list(one.signs) for one in proposed}


def test_mail_of_ours_that_comes_back_shows_a_forwarder(tmp_path: pathlib.Path) -> None:
    log = PostfixLog()
    for number in range(LEAST):
        log.sent(NOW, sender="u@own.example", recipient="a@uni.example", message_id=f"m{number}@own.example")
        came(
            log,
            client=UNIVERSITY,
            name="mail.uni.example",
            sender="u@own.example",
            message_id=f"m{number}@own.example",
        )
    # A mailing list comes back with a sender of its own, and a reply has another Message-ID.
    for number in range(5):
        came(
            log,
            client="198.51.100.8",
            name="lists.example",
            sender="bounce@lists.example",
            message_id="m0@own.example",
        )
        came(
            log,
            client="198.51.100.9",
            name="mx.there.example",
            sender="r@there.example",
            message_id=f"r{number}@t.example",
        )
    assert signs(found(tmp_path / "log", log.text())) == {UNIVERSITY: ["mail_came_back"]}


def test_rewritten_senders_and_bounces_of_other_domains_show_a_forwarder(tmp_path: pathlib.Path) -> None:
    log = PostfixLog()
    for number in range(LEAST):
        came(log, client=UNIVERSITY, name="mail.uni.example",
             sender=f"SRS0=ab=cd=x.example=u{number}@uni.example",
             message_id=f"s{number}@x.example")  # fmt: skip
        log.bounced(NOW, client="198.51.100.78", name="mail.school.example", recipient="jo@own.example",
                    own_id=f"d{number}@mx.example", original=f"o{number}@school.example",
                    original_sender="jo@school.example")  # fmt: skip
        log.bounced(NOW, client="192.0.2.66", recipient="jo@own.example", own_id=f"b{number}@e.example",
                    original=f"f{number}@own.example", original_sender="jo@own.example")  # fmt: skip
    assert signs(found(tmp_path / "log", log.text())) == {
        UNIVERSITY: ["srs"],
        "198.51.100.78": ["other_domain"],
    }


def test_a_server_with_a_name_of_ours_is_our_own(tmp_path: pathlib.Path) -> None:
    log = PostfixLog()
    for number in range(LEAST):
        came(
            log,
            client="198.51.100.5",
            name="mx2.own.example",
            sender="a@b.example",
            message_id=f"m{number}@b.example",
        )
        came(
            log,
            client="198.51.100.6",
            name="mx2.notown.example",
            sender="a@b.example",
            message_id=f"n{number}@b.example",
        )
    (one,) = found(tmp_path / "log", log.text())
    assert (one.address, one.is_own) == ("198.51.100.5", True)
    assert "backup MX" in one.words


def test_exim(tmp_path: pathlib.Path) -> None:
    log = EximLog()
    for number in range(LEAST):
        log.bounced(NOW, client="198.51.100.78", recipient="jo@own.example", own_id=f"d{number}@mx.example",
                    original=f"o{number}@school.example", sender="jo@school.example")  # fmt: skip
    assert signs(found(tmp_path / "log", log.text())) == {"198.51.100.78": ["other_domain"]}


@pytest.mark.parametrize("count", range(LEAST))
def test_a_single_mail_names_nobody(tmp_path: pathlib.Path, count: int) -> None:
    log = PostfixLog()
    for number in range(count):
        came(
            log,
            client=UNIVERSITY,
            name="u.example",
            sender="SRS0=a=b=c=d@u.example",
            message_id=f"{number}@x",
        )
    assert found(tmp_path / "log", log.text()) == []


def test_a_log_that_cannot_be_read_is_said(tmp_path: pathlib.Path) -> None:
    complaints: list[str] = []
    neighbours_in(["/nowhere/log"], own=OWN, domains=[], zone=dt.UTC, now=NOW, complain=complaints.append)
    assert len(complaints) == 1
