"""The pieces below judging: skeleton, status fields, returned headers, software, charsets."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.mail.charset import decode_text, decode_words
from ingest.mail.dsn import find_status, host_of, read_status
from ingest.mail.judge import judge
from ingest.mail.judgement import Claim, Registration
from ingest.mail.limits import prescan
from ingest.mail.returned import message_id_of, read_returned
from ingest.mail.skeleton import read_skeleton, split_headers
from tests import mails


def skeleton_types(message: bytes) -> list[str]:
    return [part.content_type for part in read_skeleton(prescan(message).message).parts]


def test_the_parts_of_a_notification_are_split() -> None:
    assert skeleton_types(mails.dsn()) == ["text/plain", "message/delivery-status", "text/rfc822-headers"]


BROKEN = {
    "no closing boundary": lambda message: message.replace(b"--=_b0--", b""),
    "blanks after the boundary": lambda message: message.replace(b"--=_b0\n", b"--=_b0 \t\n"),
    "boundary in capitals of the parameter": lambda message: message.replace(b"boundary=", b"BOUNDARY="),
    "boundary without quotes": lambda message: message.replace(b'"=_b0"', b"=_b0"),
    "boundary continued by RFC 2231": lambda message: message.replace(b"boundary=", b"boundary*0="),
    "header folded before the boundary": lambda message: message.replace(b"; boundary", b";\n\tboundary"),
    "fold without a blank": lambda message: message.replace(b"; boundary", b";\nboundary"),
    "other boundary than said": lambda message: message.replace(b'"=_b0"', b'"=_other"'),
}


@pytest.mark.parametrize("damage", BROKEN)
def test_the_parts_are_found_in_spite_of(damage: str) -> None:
    assert "message/delivery-status" in skeleton_types(BROKEN[damage](mails.dsn()))


HEADER_LINES = st.lists(
    st.sampled_from(
        [
            b"Subject: one",
            b"X-A:two",
            b"From : x",
            b" folded",
            b"\tmore",
            b"",
            b"Bad line",
            b"A" * 80 + b": x",
            b":",
        ]
    ),
    max_size=12,
)


@given(lines=HEADER_LINES, end=st.sampled_from([b"", b"\n", b"\n\nThe text.\n"]))
def test_an_mbox_line_on_top_changes_no_field(lines: list[bytes], end: bytes) -> None:
    """A header in which every line belongs to a field is read in one go, any other line by line."""
    block = b"Date: x\n" + b"\n".join(lines) + end
    plain: list[str] = []
    mbox: list[str] = []
    headers, body = split_headers(block, 65536, plain)
    same, same_body = split_headers(b"From a@b Thu Nov  5 10:00:00 2026\n" + block, 65536, mbox)
    assert (headers.fields, body, plain) == (same.fields, same_body, mbox)


@pytest.mark.parametrize("below", [b"", b"\n-- \na footer\n", b"\nabc", b"=\n", b"\n\xff\n"])
def test_a_text_in_base64_is_read_in_spite_of_what_was_put_below_it(below: bytes) -> None:
    text = base64.encodebytes(b"The text.") + below
    message = b"Content-Transfer-Encoding: base64\n\n" + text
    assert read_skeleton(prescan(message).message).parts[0].text.startswith("The text.")


def test_what_a_returned_mail_holds_is_not_a_part_of_the_notification() -> None:
    inner = mails.read_receipt().decode().replace("=_b0", "=_inner")
    assert "message/disposition-notification" not in skeleton_types(
        mails.multipart([("From", "a@b.example")], "mixed", [("message/rfc822", inner)])
    )


STATUSES = [
    ("5.1.1", "5.1.1"),
    ("5.1.1 (bad destination)", "5.1.1"),
    ("550 5.7.1 refused", "5.7.1"),
    ("5 . 1 . 1", None),
    ("10.5.1.1", None),
    ("15.1.225.42", None),
    ("4.04.07", "4.4.7"),
    ("", None),
]


@pytest.mark.parametrize(("text", "status"), STATUSES)
def test_an_enhanced_status_code_is_found(text: str, status: str | None) -> None:
    assert find_status(text) == status


def test_the_worst_recipient_decides() -> None:
    fields = (
        b"Reporting-MTA: dns; mail.example\n"
        b"\nFinal-Recipient: rfc822; a@b\nAction: delivered\nStatus: 2.0.0\n"
        b"\nFinal-Recipient: rfc822; c@d\nAction: failed\nStatus: 5.2.2\n"
    )
    read = read_status([fields])
    assert (read.status, read.recipients, read.kind.word if read.kind else None) == ("5.2.2", 2, "dsn_fail")


def test_recipients_without_a_blank_line_between_them_are_told_apart() -> None:
    read = read_status(
        [b"Final-Recipient: rfc822; a@b\nAction: delayed\nFinal-Recipient: rfc822; c@d\nAction: failed\n"]
    )
    assert read.actions == ("delayed", "failed")


@pytest.mark.parametrize(
    ("value", "host"),
    [
        ("dns; Mail.Example.", "mail.example"),
        ("dns;mail.example (comment)", "mail.example"),
        ("mail.example", "mail.example"),
        ("dns; [192.0.2.1]", "192.0.2.1"),
        ("dns; <script>alert(1)</script>", None),
        ("dns; a\nb", "a"),
        ("", None),
    ],
)
def test_only_host_names_are_kept_of_a_reporting_mta(value: str, host: str | None) -> None:
    assert host_of(value) == host


@pytest.mark.parametrize(
    "message",
    [mails.dsn(), mails.ndr_qmail(), mails.ndr_exim()],
    ids=["own part", "text below a line", "text below a heading"],
)
def test_the_returned_header_is_found(message: bytes) -> None:
    returned = read_returned(read_skeleton(message))
    assert returned.complete
    assert returned.message_id == "original-1@reporter.example"
    assert [hop.by for hop in returned.hops] == ["mail.emitter.example"]


def test_a_few_quoted_lines_are_no_header_block() -> None:
    returned = read_returned(
        read_skeleton(mails.ndr_text(text="Sorry.\n\nSubject: Hi\nTo: nobody@emitter.example\n"))
    )
    assert not returned.complete
    assert returned.message_id is None


def test_a_server_that_knew_of_the_forgery_is_noted() -> None:
    told = mails.original(
        extra=(("Authentication-Results", "mail.emitter.example; spf=fail smtp.mailfrom=x"),)
    )
    assert read_returned(read_skeleton(mails.dsn(returned=told))).failed_authentication
    assert not read_returned(read_skeleton(mails.dsn())).failed_authentication


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("<a@b>", "a@b"),
        (" (x) <a@b> <c@d>", "a@b"),
        ("a@b", "a@b"),
        ("none", None),
        ("<>", None),
        ("<a b@c>", None),
    ],
)
def test_message_ids_are_read(value: str, found: str | None) -> None:
    assert message_id_of(value) == found


SOFTWARE = [
    (mails.dsn(), "postfix"),
    (mails.ndr_exim(), "exim"),
    (mails.ndr_qmail(), "qmail"),
    (mails.content_notice(), "amavis"),
    (mails.challenge(extra=(("X-Boxtrapper", "v1"),)), "boxtrapper"),
    (mails.ndr_text(extra=(("X-MS-Exchange-Message-Is-Ndr", ""),), text="-"), "exchange"),
    (mails.ndr_text(subject="Returned mail: see transcript for details", text="-"), "sendmail"),
    (mails.ndr_text(subject="DELIVERY FAILURE: nobody", text="-"), "domino"),
    (mails.ndr_text(extra=(("Message-ID", "<courier.1A2B@mail.emitter.example>"),), text="-"), "courier"),
    (mails.ndr_text(extra=(("X-MDDSN-Message", "1"),), text="-"), "mdaemon"),
    (mails.ndr_text(extra=(("X-Mailer", "<SMTP32 v8.22>"),), text="-"), "imail"),
    (mails.ndr_text(sender="Mail Delivery Subsystem <mailer-daemon@googlemail.com>", text="-"), "gmail"),
    (
        mails.list_reply(sender="majordomo@emitter.example", subject="Majordomo results", extra=()),
        "majordomo",
    ),
    (mails.list_reply(), "mailman"),
    (mails.ndr_text(text="-"), None),
]


@pytest.mark.parametrize(("message", "software"), SOFTWARE, ids=[str(row[1]) for row in SOFTWARE])
def test_the_software_is_guessed_by_its_marks(message: bytes, software: str | None) -> None:
    result = judge(message, registration=Registration(), claim=Claim(), now=mails.NOW)
    assert result.software == software


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?UTF-8?B?R3LDvMOfZQ==?= =?utf-8?q?_aus?=", "Grüße aus"),
        ("=?iso-8859-1*de?q?Gr=FC=DFe?=", "Grüße"),
        ("=?koi8-r?b?8NLJ18XU?=", "Привет"),
        ("=?punycode?b?eC0=?=", "x-"),
        ("=?utf-8?b?broken", "=?utf-8?b?broken"),
        ("plain", "plain"),
    ],
)
def test_encoded_words_are_read(value: str, text: str) -> None:
    assert decode_words(value) == text


@pytest.mark.parametrize(
    "charset", ["zlib", "hex", "punycode", "idna", "rot13", "unicode_escape", "\0", "x" * 999, ""]
)
def test_codecs_that_are_no_charsets_are_never_called(charset: str) -> None:
    assert decode_text(b"\\x41-abc", charset) == "\\x41-abc"
