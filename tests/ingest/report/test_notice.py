"""The facts of one stored mail, and what is spooled of it."""

import argparse
import datetime as dt
import email.utils
import hashlib
import json
import pathlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.report.index import Index
from ingest.report.keys import Keys
from ingest.report.mails import LARGEST, mails
from ingest.report.networks import network
from ingest.report.notice import read_notice
from ingest.report.sending import Sender
from ingest.report.settings import Settings
from ingest.report.spool import RAW, REPORT, Item, Spool
from ingest.schemas import ReportIn
from tests.ingest.report.mail_logs import NOW, PostfixLog
from tests.ingest.report.test_scan import DAY, scanned, written

KEYS = Keys(b"k" * 32)
BORDER, INTERNAL = frozenset({"mx.own.example"}), frozenset({"store.own.example"})
HOSTS = {"border_hosts": BORDER, "internal_hosts": INTERNAL}
POSTFIX = b"from h.example (mail.e.example [192.0.2.66])\n\tby mx.own.example (Postfix) with ESMTP id 4AB; "
DATE = email.utils.format_datetime(NOW - DAY).encode()


def mail(
    *,
    received: bytes = POSTFIX,
    head: bytes = b"",
    original: bytes = b"forged@own.example",
    sender: bytes = b"",
) -> bytes:
    return (
        b"Return-Path: <" + sender + b">\nReceived: " + received + DATE + b"\nDelivered-To: u@own.example\n"
        b"Message-ID: <dsn@mail.e.example>\n" + head
        + b'Content-Type: multipart/report; report-type=delivery-status;\n\tboundary="b"\n\n--b\n'
        b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mail.e.example\n\nAction: failed\n\n"
        b"--b\nContent-Type: text/rfc822-headers\n\nFrom: A User <u@own.example>\nMessage-ID: <" + original
        + b">\n--b--\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("received", "client"),
    [
        pytest.param(POSTFIX, b"192.0.2.66", id="Postfix"),
        pytest.param(
            b"from [203.0.113.1] (unknown [192.0.2.66]) by mx.own.example (Postfix) with SMTP id 4; ",
            b"192.0.2.66",
            id="Postfix, literal in HELO",
        ),
        pytest.param(
            b"from h (mail.e.example [IPv6:2001:db8::1]) by mx.own.example (Postfix) with SMTP id 4; ",
            b"2001:db8::1",
            id="Postfix, IPv6",
        ),
        pytest.param(
            b"from mail.e.example ([192.0.2.66]:4711 helo=[203.0.113.1])\n\t"
            b"by mx.own.example with esmtp (Exim) id 1; ",
            b"192.0.2.66",
            id="Exim, literal in HELO",
        ),
        pytest.param(
            b"from [192.0.2.66] (helo=h.example)\n\tby mx.own.example with esmtp (Exim) id 1; ",
            b"192.0.2.66",
            id="Exim without a name",
        ),
        pytest.param(
            b"from store (x [10.0.0.1]) by store.own.example with LMTP id 1; "
            + DATE
            + b"\nReceived: "
            + POSTFIX,
            b"192.0.2.66",
            id="behind an own internal host",
        ),
        pytest.param(
            b"from x (y [10.0.0.1]) by other.example with LMTP id 1; " + DATE + b"\nReceived: " + POSTFIX,
            None,
            id="behind a foreign host: it may be forged",
        ),
        pytest.param(b"by mx.own.example with HTTP; ", None, id="no client"),
    ],
)
def test_client_comes_from_the_border_host_only(received: bytes, client: bytes | None) -> None:
    assert read_notice(mail(received=received), **HOSTS).client == client


def test_facts_of_a_notification() -> None:
    for text in (mail(), mail().replace(b"\n", b"\r\n")):
        notice = read_notice(text, **HOSTS)
        assert (notice.kind, notice.null_sender, notice.recipient) == ("dsn_fail", True, b"u@own.example")
        assert (notice.originals, notice.original_senders) == ((b"forged@own.example",), (b"u@own.example",))
        assert notice.at == int((NOW - DAY).timestamp())


@given(st.binary(max_size=500), st.binary(max_size=200))
def test_any_bytes_are_read(start: bytes, tail: bytes) -> None:
    read_notice(start, **HOSTS)
    read_notice(mail()[:200] + start + b"\n\n" + tail, **HOSTS)


def options(**changes: Any) -> argparse.Namespace:
    return argparse.Namespace(
        **{"recipient_class": None, "client_ip": None, "recipient": None, "raw": False} | changes
    )


def spooled(tmp_path: pathlib.Path, data: bytes, *, index: Index | None = None, **changes: Any) -> list[Item]:
    settings = Settings(
        domains=frozenset({"own.example"}),
        complete=True,
        forwarders=(network("192.0.2.77"),),
        border_hosts=BORDER,
        internal_hosts=INTERNAL,
    )
    spool = Spool(tmp_path / "spool", ("one",))
    path = tmp_path / "mail.eml"
    path.write_bytes(data)
    sender = Sender(settings, KEYS, index, spool, options(**changes))
    sender.send_all([str(path)], now=NOW)
    part = spool.feeds["one"]
    return [item for name in part.names() if (item := part.read(name)) is not None]


def test_only_facts_leave_the_host_and_the_api_takes_them(tmp_path: pathlib.Path) -> None:
    (item,) = spooled(tmp_path, mail(), recipient_class="trap")
    record = ReportIn.model_validate_json(item.body)
    assert (item.kind, record.recipient_class, record.client_ip) == (REPORT, "trap", "192.0.2.66")
    assert record.digest == hashlib.sha256(mail()).hexdigest()
    for word in (b"own.example", b"forged", b"Action", b"u@"):
        assert word not in item.body


def test_the_same_words_from_two_servers_are_two_reports(tmp_path: pathlib.Path) -> None:
    """A milter sees a mail before any server of ours stamps it."""
    for client in ("192.0.2.1", "192.0.2.2", "192.0.2.1"):
        found = spooled(tmp_path, mail(), recipient_class="trap", client_ip=client)
    assert sorted(json.loads(item.body)["client_ip"] for item in found) == ["192.0.2.1", "192.0.2.2"]


def test_raw_mail_leaves_only_when_asked_for(tmp_path: pathlib.Path) -> None:
    (item,) = spooled(tmp_path, mail(), raw=True, recipient_class="trap")
    assert (item.kind, item.body, item.claim["class"]) == (RAW, mail(), "trap")


@pytest.mark.parametrize(
    ("data", "changes"),
    [
        pytest.param(mail(), {"client_ip": "192.0.2.77"}, id="from a forwarder"),
        pytest.param(mail(), {"client_ip": "10.0.0.1"}, id="from inside"),
        pytest.param(mail(received=b"by nobody; "), {}, id="no address to trust"),
        pytest.param(
            b"From: a@b\nSubject: hello\n\ntext\n", {"client_ip": "192.0.2.1"}, id="no notification"
        ),
        pytest.param(mail().replace(DATE, b"Mon, 02 Nov 2026 10:00:00 +0000"), {}, id="weeks old"),
    ],
)
def test_what_is_no_evidence_is_left_out(
    tmp_path: pathlib.Path, data: bytes, changes: dict[str, Any]
) -> None:
    assert spooled(tmp_path, data, **changes) == []


def test_the_index_tells_a_miss_from_an_answer(tmp_path: pathlib.Path) -> None:
    log = PostfixLog()
    log.quiet(NOW - 12 * DAY, NOW)
    log.sent(NOW - 2 * DAY, sender="u@own.example", recipient="a@b.example", message_id="real@own.example")
    index = Index(None)
    scanned([written(tmp_path / "mail.log", log.text())], index=index)
    (item,) = spooled(tmp_path / "", mail(), index=index)
    record = json.loads(item.body)
    assert (record["recipient_class"], record["original_recipient_match"]) == ("log_miss", True)
    assert record["lookback_days"] == 11
    other = tmp_path / "other"
    other.mkdir()
    assert spooled(other, mail(original=b"real@own.example"), index=index) == []


def test_mails_of_every_kind_of_box(tmp_path: pathlib.Path) -> None:
    (tmp_path / "box").write_bytes(
        b"From a Mon\nA: 1\n\n>From here\n\nFrom b Mon\nA: 2\n\n" + b"x" * LARGEST + b"\n"
    )
    first, second = mails(str(tmp_path / "box"))
    assert first == b"A: 1\n\nFrom here\n\n"
    assert len(second) == LARGEST
    for name in ("new", "cur", "tmp"):
        (tmp_path / "dir" / name).mkdir(parents=True)
        (tmp_path / "dir" / name / "1").write_bytes(name.encode())
    assert list(mails(str(tmp_path / "dir"))) == [b"new", b"cur"]


def test_dates_that_are_none_do_not_matter() -> None:
    bad = mail(received=POSTFIX + b"Foo, 99 Bar 99999 99:99:99 +9999 ")
    assert read_notice(bad, **HOSTS).client == b"192.0.2.66"
    assert dt.datetime.fromtimestamp(read_notice(mail(), **HOSTS).at or 0, dt.UTC) == NOW - DAY
