"""What happens to a mail on its way changes no kind: every change, over all tables of constructed mails."""

import base64
import quopri
import re
from collections.abc import Callable

import pytest

from ingest.mail.judge import judge
from ingest.mail.judgement import Claim, Registration
from tests import mails
from tests.ingest.mail.test_answers import ANSWERS
from tests.ingest.mail.test_ordinary import ORDINARY
from tests.ingest.mail.test_people import PAIRS
from tests.ingest.mail.test_vendors import NOTICES, SECOND_ROUND

MAILS: dict[str, bytes] = (
    {f"ordinary: {name}": message for name, message in ORDINARY.items()}
    | {f"notice: {name}": row[0] for name, row in NOTICES.items()}
    | {f"second: {name}": row[0] for name, row in SECOND_ROUND.items()}
    | {f"answer: {name}": row[0] for name, row in ANSWERS.items()}
    | {f"pair: {name}": row[0] for name, row in PAIRS.items()}
    | {f"twin: {name}": row[2] for name, row in PAIRS.items()}
)
TRACE = re.compile(rb"(?:return-path|received|delivered-to)[ \t]*:", re.IGNORECASE)
ENCODED = re.compile(rb"^content-transfer-encoding:", re.IGNORECASE | re.MULTILINE)
HOPS = (
    b"Received: from mx.reporter.example (mx.reporter.example [10.0.0.1])\n"
    b"\tby store.reporter.example (Postfix) with LMTP id 4C1; Thu, 05 Nov 2026 10:00:01 +0000\n"
    b"Received: from localhost (localhost [127.0.0.1])\n"
    b"\tby mx.reporter.example (Postfix) with ESMTP id 4C0; Thu, 05 Nov 2026 10:00:00 +0000\n"
)
FOOTER = b"\n--=_foot\nContent-Type: text/plain\n\n-- \nThis mail has been scanned for viruses.\n--=_foot--\n"


def halves(message: bytes) -> tuple[list[bytes], bytes]:
    """Return the fields, each with its continuation lines, and the body."""
    head, _, body = message.partition(b"\n\n")
    return re.findall(rb"[^\n]+(?:\n[ \t][^\n]*)*", head), body


def joined(fields: list[bytes], body: bytes) -> bytes:
    return b"\n".join(fields) + b"\n\n" + body


def plain(message: bytes) -> bool:
    """Whether the mail has one text that is not encoded, so that it may be."""
    head = message.partition(b"\n\n")[0]
    return b"multipart/" not in head.lower() and not ENCODED.search(head)


def encoded(encoding: bytes, encode: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def change(message: bytes) -> bytes:
        fields, body = halves(message)
        if not plain(message):
            return message
        return joined([*fields, b"Content-Transfer-Encoding: " + encoding], encode(body))

    return change


def folded(message: bytes) -> bytes:
    """Fold the subject at its first blank (RFC 5322 section 2.2.3)."""
    fields, body = halves(message)
    return joined(
        [
            re.sub(rb"^(subject: \S+) (?=\S)", rb"\1\n ", field, count=1, flags=re.IGNORECASE)
            for field in fields
        ],
        body,
    )


def reordered(message: bytes) -> bytes:
    fields, body = halves(message)
    trace = [field for field in fields if TRACE.match(field)]
    return joined([*trace, *reversed([field for field in fields if field not in trace])], body)


def as_page(message: bytes) -> bytes:
    """Turn a plain text into HTML."""
    fields, body = halves(message)
    if not plain(message) or any(field.lower().startswith(b"content-type:") for field in fields):
        return message
    text = (
        body.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;").replace(b"\n", b"<br>\n")
    )
    return joined(
        [*fields, b"Content-Type: text/html; charset=utf-8"], b"<html><p>" + text + b"</p></html>\n"
    )


def with_footer(message: bytes) -> bytes:
    """Put a gateway's footer below a text, as a second part."""
    fields, body = halves(message)
    if not plain(message):
        return message
    content = [field for field in fields if field.lower().startswith(b"content-")]
    rest = [field for field in fields if field not in content]
    kept = b"\n".join(content or [b"Content-Type: text/plain; charset=utf-8"])
    first = b"--=_foot\n" + kept + b"\n\n" + body
    return joined([*rest, b'Content-Type: multipart/mixed; boundary="=_foot"'], first + FOOTER)


def scanned(message: bytes) -> bytes:
    """Add what the reporter's own filter writes."""
    fields, body = halves(message)
    return joined(
        [*fields, b"X-Spam-Status: No, score=1.0", b"Authentication-Results: mx.reporter.example; spf=none"],
        body,
    )


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "CRLF": lambda message: message.replace(b"\n", b"\r\n"),
    "base64": encoded(b"base64", base64.encodebytes),
    "quoted-printable": encoded(b"quoted-printable", quopri.encodestring),
    "folded subject": folded,
    "fields in another order": reordered,
    "more hops of our own": lambda message: HOPS + message,
    "a page": as_page,
    "a footer": with_footer,
    "fields of our own filter": scanned,
    "a footer below everything": lambda message: message + b"\n-- \nsent over a gateway\n",
    "an mbox line": lambda message: b"From sender@host Thu Nov  5 10:00:00 2026\n" + message,
}


def kind_of(message: bytes) -> str:
    return judge(message, registration=Registration(), claim=Claim(), now=mails.NOW).kind.word


@pytest.mark.parametrize("change", CHANGES)
def test_no_kind_changes(change: str) -> None:
    moved = {name: kind_of(CHANGES[change](message)) for name, message in MAILS.items()}
    assert moved == {name: kind_of(message) for name, message in MAILS.items()}


def test_each_change_changes_most_mails() -> None:
    assert all(
        sum(change(message) != message for message in MAILS.values()) > len(MAILS) // 3
        for change in CHANGES.values()
    )
