"""Hostile mails: whatever the bytes, judging answers, and every bound holds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.mail import limits
from ingest.mail.judge import judge
from ingest.mail.judgement import Claim, Judgement, Refusal, Registration
from ingest.mail.skeleton import read_skeleton
from tests import mails

REGISTERED = Registration(border_hosts=frozenset({"mx.reporter.example"}), accept_special=True)
DAEMON = b"From: MAILER-DAEMON@emitter.example\nSubject: Undelivered Mail Returned to Sender\n"

FORGED = b"from x (x [198.51.100.66]) by mx.reporter.example (Postfix); Wed, 25 Nov 2026 11:00:00 +0000"


def judged(message: bytes) -> Judgement:
    result = judge(message, registration=REGISTERED, claim=Claim(), now=mails.NOW)
    assert "parser_failed" not in result.defects
    return result


def nested(depth: int) -> bytes:
    return b"From: a@b.example\n" + b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (level, level) for level in range(depth)
    )


TOO_COMPLEX = {
    "1000 nested multiparts": (nested(1000), "nested_types"),
    "200 nested multiparts": (nested(200), "nested_types"),
    "12 nested multiparts": (nested(12), "depth"),
    "1000 nested mails": (
        b"From: a@b.example\n" + b"Content-Type: message/rfc822\n\n" * 1000,
        "nested_types",
    ),
    "100000 parts": (
        DAEMON + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 100000,
        "parts",
    ),
    "20000 encoded words": (
        b"From: a@b.example\nSubject: " + b"=?utf-8?q?a?= " * 20000 + b"\n\nx",
        "header_block",
    ),
    "20000 parameters": (b"Content-Type: text/plain" + b"; a*1=x" * 20000 + b"\n\nx", "header_block"),
    "200000 folded lines": (b"From: a\nX: a\n" + b" b\n" * 200000 + b"\nx", "header_block"),
    "300 fields": (b"X: a\n" * 300 + b"\nx", "header_fields"),
}


@pytest.mark.parametrize("case", TOO_COMPLEX)
def test_a_mail_beyond_a_limit_is_refused_and_the_limit_named(case: str) -> None:
    message, limit = TOO_COMPLEX[case]
    result = judged(message)
    assert (result.refusal, result.defects) == (Refusal.TOO_COMPLEX, (limit,))


BOUNDED = {
    "100000 recipients in a status": DAEMON
    + b"Content-Type: message/delivery-status\n\n"
    + b"Final-Recipient: rfc822; a@b\nAction: failed\n\n" * 100000,
    "encoded words below the limit": b"From: a@b.example\nSubject: " + b"=?utf-8?q?a?= " * 4000 + b"\n\nx",
    "quotes": b"From: " + b'"' * 20000 + b"\n\nx",
    "open parentheses": b"To: " + b"(" * 900 + b"\nFrom: " + b"(" * 900 + b"\n\nx",
    "carriage returns only": b"\r" * 250000,
    "NUL bytes": b"\0" * 250000,
    "line feeds only": b"\n" * 250000,
    "angle brackets in HTML": DAEMON + b"Content-Type: text/html\n\n" + b"<" * 250000,
    "near boundaries": DAEMON + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--bx\n" * 50000,
    "dashes without a boundary": DAEMON + b"Content-Type: multipart/mixed\n\n" + b"--a\n" * 60000,
    "mentions of a status": DAEMON + b"\n" + b"final-recipient:\n" * 15000,
    "header blocks in text": DAEMON + b"\n" + b"From: a\nTo: b\n\n" * 15000,
    "base64": DAEMON + b"Content-Transfer-Encoding: base64\n\n" + b"A" * 250001,
    "broken base64": DAEMON + b"Content-Transfer-Encoding: base64\n\n" + b"A=\n" * 80000,
    "quoted-printable": DAEMON + b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=" * 250000,
    "a codec that is no charset": DAEMON + b"Content-Type: text/plain; charset=punycode\n\n" + b"a-" * 100000,
    "a very long body": DAEMON + b"\n" + b"x" * 5_000_000,
    "a huge date": b"Received: from a (b [192.0.2.1]) by mx.reporter.example; "
    + b"9" * 2000
    + b"\n"
    + DAEMON
    + b"\nx",
    "reports in reports": mails.feedback_report(mails.ordinary()).rpartition(b"--=_f0--")[0]
    + b"--b\nContent-Type: message/feedback-report\n\n--b\nContent-Type: message/rfc822\n\n" * 10,
    "empty": b"",
}


@pytest.mark.parametrize("case", BOUNDED)
def test_an_odd_mail_gets_an_ordinary_answer(case: str) -> None:
    assert judged(BOUNDED[case]).refusal is not Refusal.TOO_COMPLEX


def test_a_mail_that_is_too_long_is_cut_and_says_so() -> None:
    message = mails.dsn(border=mails.Border()) + b"x" * limits.MESSAGE_BYTES
    result = judged(message)
    assert (result.refusal, result.defects) == (None, ("cut",))
    assert result == judged(message + b"y" * 1_000_000)


CONSTRUCTED = [
    mails.dsn(border=mails.Border()),
    mails.ndr_qmail(border=mails.Border()),
    mails.ndr_exim(border=mails.Border()),
    mails.auto_reply(border=mails.Border()),
    mails.challenge(border=mails.Border()),
    mails.read_receipt(border=mails.Border()),
    mails.content_notice(border=mails.Border()),
    mails.list_reply(border=mails.Border()),
    mails.feedback_report(mails.dsn(border=mails.Border())),
]


@settings(deadline=None)
@given(message=st.binary(max_size=600))
def test_any_bytes_are_judged(message: bytes) -> None:
    judged(message)


@settings(deadline=None)
@given(message=st.sampled_from(CONSTRUCTED), junk=st.binary(max_size=40), data=st.data())
def test_any_damage_is_judged(message: bytes, junk: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(message)))
    end = data.draw(st.integers(start, min(len(message), start + 60)))
    judged(message[:start] + junk + message[end:])


@settings(max_examples=60, deadline=None)
@given(message=st.sampled_from(CONSTRUCTED), data=st.data())
def test_a_mail_cut_anywhere_is_judged_and_never_names_another_address(
    message: bytes, data: st.DataObject
) -> None:
    result = judged(message[: data.draw(st.integers(0, len(message)))])
    assert str(result.emitter) in ("None", "192.0.2.25")


@pytest.mark.parametrize("message", CONSTRUCTED)
def test_no_field_below_the_border_changes_the_address(message: bytes) -> None:
    forged = message.replace(
        b"\nFrom: ",
        b"\nReceived: " + FORGED + b"\nX-Originating-IP: [198.51.100.66]\nFrom: ",
        1,
    )
    assert str(judged(forged).emitter) in ("None", "192.0.2.25")


def test_the_skeleton_holds_no_more_parts_than_the_limit() -> None:
    parts = b"--b\n\nx\n" * (limits.PARTS - 1)
    skeleton = read_skeleton(b"Content-Type: multipart/mixed; boundary=b\n\n" + parts)
    assert len(skeleton.parts) == limits.PARTS - 1


def test_a_lone_carriage_return_cannot_open_a_field() -> None:
    smuggled = mails.dsn().replace(
        b"Subject: ",
        b"Subject: x\rReceived: " + FORGED + b"\r",
    )
    result = judged(smuggled)
    assert result.emitter is None
    assert "bare_cr" in result.defects
