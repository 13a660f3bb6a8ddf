"""Constructed mails for tests: every kind of notification, and what is none, with the parts tests vary.

Each function returns the bytes of a mail as a reporter's server stored it. `Border` says how the border
host saw the emitter; without one there is no Received field, as in mails kept by old software. All names
are reserved for examples; the addresses are too, unless a test passes others.
"""

import base64
import dataclasses
import datetime as dt
import email.utils

REPORTER = "reporter.example"
VICTIM = "jo@reporter.example"
NOW = dt.datetime(2026, 11, 25, 12, 0, tzinfo=dt.UTC)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Border:
    """The hop at the reporter's door: his host, the emitter's address and name, and the time."""

    host: str = "mx.reporter.example"
    ip: str = "192.0.2.25"
    name: str = "mail.emitter.example"
    helo: str | None = None
    at: dt.datetime = NOW - dt.timedelta(hours=1)


def date_of(at: dt.datetime) -> str:
    """Return an RFC 5322 date."""
    return email.utils.format_datetime(at)


def postfix_received(border: Border) -> str:
    """Return the value of the Received field that Postfix would write."""
    literal = f"IPv6:{border.ip}" if ":" in border.ip else border.ip
    return (
        f"from {border.helo or border.name} ({border.name} [{literal}])\n"
        f"\tby {border.host} (Postfix) with ESMTPS id 4XyZ1a2b3c\n"
        f"\tfor <{VICTIM}>; {date_of(border.at)}"
    )


def join(headers: list[tuple[str, str]], body: str) -> bytes:
    """Return a mail of header fields and a body, with LF line ends."""
    return ("".join(f"{name}: {value}\n" for name, value in headers) + "\n" + body).encode()


def top(border: Border | None, return_path: str | None = "") -> list[tuple[str, str]]:
    """Return the fields that the reporter's server put on top."""
    fields = [] if return_path is None else [("Return-Path", f"<{return_path}>")]
    return fields if border is None else [*fields, ("Received", postfix_received(border))]


def original(
    message_id: str = "original-1@reporter.example",
    *,
    received: tuple[str, ...] = (
        "from bot.example (unknown [203.0.113.99]) by mail.emitter.example; Tue, 24 Nov 2026 09:00:00 +0000",
    ),
    extra: tuple[tuple[str, str], ...] = (),
) -> str:
    """Return the header block of the spam that somebody sent in the victim's name."""
    fields = [("Received", value) for value in received]
    fields += [
        *extra,
        ("From", f"Jo <{VICTIM}>"),
        ("To", "nobody@emitter.example"),
        ("Subject", "Cheap watches"),
    ]
    fields += [("Message-ID", f"<{message_id}>"), ("Date", "Tue, 24 Nov 2026 08:59:00 +0000")]
    return "".join(f"{name}: {value}\n" for name, value in fields)


def sent_to(message: bytes, address: str) -> bytes:
    """Return `message` as if it had been sent to `address`: the field To, and `for` at the border."""
    return message.replace(f"To: {VICTIM}\n".encode(), f"To: <{address}>\n".encode(), 1).replace(
        f"for <{VICTIM}>".encode(), f"for <{address}>".encode(), 1
    )


def multipart(
    headers: list[tuple[str, str]], kind: str, parts: list[tuple[str, str]], boundary: str = "=_b0"
) -> bytes:
    """Return a multipart mail; `kind`: its subtype; each part: a content type and content."""
    body = "".join(
        f"--{boundary}\nContent-Type: {content_type}\n\n{content}\n" for content_type, content in parts
    )
    fields = [*headers, ("MIME-Version", "1.0"), ("Content-Type", f'multipart/{kind}; boundary="{boundary}"')]
    return join(fields, body + f"--{boundary}--\n")


def dsn(
    *,
    border: Border | None = None,
    original_id: str = "original-1@reporter.example",
    action: str = "failed",
    status: str = "5.1.1",
    diagnostic: str = "smtp; 550 5.1.1 <nobody@emitter.example>: Recipient address rejected: User unknown",
    subject: str = "Undelivered Mail Returned to Sender",
    sender: str = "Mail Delivery System <MAILER-DAEMON@mail.emitter.example>",
    return_path: str | None = "",
    reporting_mta: str = "mail.emitter.example",
    returned: str | None = None,
    extra: tuple[tuple[str, str], ...] = (),
    text: str = "This is the mail system at host mail.emitter.example.\n\nI'm sorry to have to inform you.\n",
) -> bytes:
    """Return a standard delivery status notification (RFC 3464), a failure of Postfix by default."""
    headers = [
        *top(border, return_path),
        *extra,
        ("From", sender),
        ("To", VICTIM),
        ("Subject", subject),
        ("Date", date_of(border.at if border else NOW)),
        ("Auto-Submitted", "auto-replied"),
        ("Message-ID", "<20261125105500.4XyZ@mail.emitter.example>"),
    ]
    fields = (
        f"Reporting-MTA: dns; {reporting_mta}\nX-Postfix-Queue-ID: 4XyZ\n"
        f"X-Postfix-Sender: rfc822; {VICTIM}\nArrival-Date: Tue, 24 Nov 2026 09:00:00 +0000\n\n"
        f"Final-Recipient: rfc822; nobody@emitter.example\nAction: {action}\nStatus: {status}\n"
        f"Diagnostic-Code: {diagnostic}\n"
    )
    parts = [
        ("text/plain; charset=us-ascii", text),
        ("message/delivery-status", fields),
        ("text/rfc822-headers", returned if returned is not None else original(original_id)),
    ]
    return multipart(headers, "report; report-type=delivery-status", parts)


def ndr_qmail(
    *,
    border: Border | None = None,
    original_id: str = "original-1@reporter.example",
    return_path: str | None = "",
) -> bytes:
    """Return a bounce as qmail writes it (QSBMF): one text, the original below a line."""
    headers = [
        *top(border, return_path),
        ("Received", "(qmail 4711 invoked for bounce); 24 Nov 2026 09:00:05 -0000"),
        ("Date", "24 Nov 2026 09:00:05 -0000"),
        ("From", "MAILER-DAEMON@mail.emitter.example"),
        ("To", VICTIM),
        ("Subject", "failure notice"),
    ]
    body = (
        "Hi. This is the qmail-send program at mail.emitter.example.\n"
        "I'm afraid I wasn't able to deliver your message to the following addresses.\n\n"
        "<nobody@emitter.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
        "--- Below this line is a copy of the message.\n\n"
    )
    return join(headers, body + original(original_id) + "\nBuy now.\n")


def ndr_exim(
    *, border: Border | None = None, original_id: str = "original-1@reporter.example", delay: bool = False
) -> bytes:
    """Return a bounce, or a delay warning, of older Exim: one text, marks in the header."""
    subject = (
        "Warning: message 1rAbCd-0001Xy-2Z delayed 24 hours"
        if delay
        else "Mail delivery failed: returning message to sender"
    )
    headers = [
        *top(border),
        ("X-Failed-Recipients", "nobody@emitter.example"),
        ("Auto-Submitted", "auto-replied"),
        ("From", "Mail Delivery System <Mailer-Daemon@mail.emitter.example>"),
        ("To", VICTIM),
        ("Subject", subject),
        ("Message-Id", "<E1rAbCd-0001Xz-3Q@mail.emitter.example>"),
    ]
    words = (
        (
            "A message that you sent has not yet been delivered to one or more of "
            "its\nrecipients after more than 24 hours on the queue.\n"
        )
        if delay
        else (
            "A message that you sent could not be delivered to one or more "
            "of its\nrecipients. This is a permanent error.\n"
        )
    )
    body = (
        f"This message was created automatically by mail delivery "
        f"software.\n\n{words}\n------ This is a copy of the message ------\n\n"
    )
    return join(headers, body + original(original_id))


def ndr_text(
    *,
    border: Border | None = None,
    subject: str = "Undeliverable: Cheap watches",
    sender: str = "System Administrator <postmaster@emitter.example>",
    text: str = "Your message did not reach the following recipient(s):\n\nnobody@emitter.example\n",
    return_path: str | None = "",
    extra: tuple[tuple[str, str], ...] = (),
) -> bytes:
    """Return a bounce of free text with a subject and a sender of choice."""
    headers = [*top(border, return_path), *extra, ("From", sender), ("To", VICTIM), ("Subject", subject)]
    return join(headers, text)


def auto_reply(
    *,
    border: Border | None = None,
    subject: str = "Out of Office: Cheap watches",
    original_id: str | None = "original-1@reporter.example",
    extra: tuple[tuple[str, str], ...] = (("Auto-Submitted", "auto-replied"),),
    return_path: str | None = "",
    text: str = "I am out of the office until Monday.\n",
) -> bytes:
    """Return a vacation message (RFC 3834)."""
    headers = [*top(border, return_path), *extra, ("From", "Sam <sam@emitter.example>"), ("To", VICTIM)]
    headers += [("Subject", subject), ("Message-ID", "<auto-1@emitter.example>")]
    if original_id is not None:
        headers += [("In-Reply-To", f"<{original_id}>"), ("References", f"<{original_id}>")]
    return join(headers, text)


def challenge(
    *,
    border: Border | None = None,
    return_path: str | None = "sam-confirm@emitter.example",
    extra: tuple[tuple[str, str], ...] = (("Precedence", "junk"),),
    subject: str = "Please confirm your message to sam@emitter.example",
    text: str = (
        "Your message has not been delivered until you reply. Please confirm that you are a real person.\n"
    ),
) -> bytes:
    """Return the question of a challenge-response system."""
    headers = [*top(border, return_path), *extra, ("From", "sam@emitter.example"), ("To", VICTIM)]
    return join([*headers, ("Subject", subject), ("In-Reply-To", "<original-1@reporter.example>")], text)


def read_receipt(*, border: Border | None = None, original_id: str = "original-1@reporter.example") -> bytes:
    """Return a disposition notification (RFC 8098)."""
    headers = [
        *top(border),
        ("From", "sam@emitter.example"),
        ("To", VICTIM),
        ("Subject", "Read: Cheap watches"),
    ]
    fields = (
        "Reporting-UA: reader.example; MailReader\nFinal-Recipient: rfc822;sam@emitter.example\n"
        f"Original-Message-ID: <{original_id}>\nDisposition: manual-action/MDN-sent-manually; displayed\n"
    )
    parts = [("text/plain", "The message was displayed.\n"), ("message/disposition-notification", fields)]
    return multipart(headers, "report; report-type=disposition-notification", parts)


def content_notice(
    *,
    border: Border | None = None,
    sender: str = '"Content-filter at mail.emitter.example" <postmaster@mail.emitter.example>',
    subject: str = "VIRUS (Eicar-Test) in mail FROM you",
    text: str = "Our content checker found\n    virus: Eicar-Test\nin an email to you from you.\n",
    return_path: str | None = "",
) -> bytes:
    """Return the notice of a content filter about a virus "you" sent."""
    headers = [*top(border, return_path), ("From", sender), ("To", VICTIM), ("Subject", subject)]
    return join(headers, text)


def list_reply(
    *,
    border: Border | None = None,
    sender: str = "talk-bounces@lists.emitter.example",
    subject: str = "Your message to Talk awaits moderator approval",
    text: str = "Your mail to 'Talk' is being held until the list moderator can review it.\n",
    extra: tuple[tuple[str, str], ...] = (("X-List-Administrivia", "yes"), ("Precedence", "bulk")),
) -> bytes:
    """Return what a list manager answers to a post of a stranger."""
    headers = [*top(border), *extra, ("From", sender), ("To", VICTIM), ("Subject", subject)]
    return join([*headers, ("List-Id", "<talk.lists.emitter.example>")], text)


def postmaster_copy(*, border: Border | None = None) -> bytes:
    """Return a protocol of a failed session that Postfix sends to its postmaster."""
    headers = [*top(border, "double-bounce@mail.emitter.example")]
    headers += [
        ("From", "Mail Delivery System <MAILER-DAEMON@mail.emitter.example>"),
        ("To", "postmaster@emitter.example"),
    ]
    headers += [("Subject", "Postfix SMTP server: errors from unknown[203.0.113.5]")]
    return join(
        headers, "Transcript of session follows.\n\n Out: 220 mail.emitter.example ESMTP\n In:  QUIT\n"
    )


def feedback_report(
    wrapped: bytes,
    *,
    source_ip: str | None = "192.0.2.25",
    feedback_type: str = "abuse",
    border: Border | None = None,
) -> bytes:
    """Return a feedback report (RFC 5965) around a mail."""
    headers = [
        *top(border, None),
        ("From", "loop@isp.example"),
        ("To", "abuse@reporter.example"),
        ("Subject", "FW: a mail"),
    ]
    fields = f"Feedback-Type: {feedback_type}\nUser-Agent: Loop/1.0\nVersion: 1\n"
    fields += f"Source-IP: {source_ip}\n" if source_ip else ""
    parts = [
        ("text/plain", "This is a feedback report."),
        ("message/feedback-report", fields),
        ("message/rfc822", wrapped.decode()),
    ]
    return multipart(headers, "report; report-type=feedback-report", parts, boundary="=_f0")


def dmarc_report() -> bytes:
    """Return an aggregate report (RFC 7489 section 7.2.1.1), from a null sender as some send it."""
    name = "isp.example!reporter.example!1795564800!1795651199.zip"
    headers = [
        *top(None),
        ("From", "dmarc-noreply@isp.example"),
        ("Subject", "Report Domain: reporter.example Submitter: isp.example Report-ID: <2026.11.25.1>"),
        ("Content-Type", f'application/zip; name="{name}"'),
        ("Content-Transfer-Encoding", "base64"),
    ]
    return join(headers, base64.b64encode(b"PK\x03\x04 not a real archive").decode() + "\n")


def tls_report() -> bytes:
    """Return a TLS report (RFC 8460)."""
    headers = [
        *top(None),
        ("From", "tlsrpt-noreply@isp.example"),
        ("Subject", "Report Domain: reporter.example Submitter: isp.example Report-ID: <1@isp.example>"),
        ("TLS-Report-Domain", "reporter.example"),
        ("TLS-Report-Submitter", "isp.example"),
    ]
    return multipart(
        headers,
        "report; report-type=tlsrpt",
        [("text/plain", "A report."), ("application/tlsrpt+gzip", "H4sI")],
    )


def ordinary(
    *,
    subject: str = "Lunch on Friday?",
    text: str = "Shall we meet at noon?\n",
    sender: str = "Kim <kim@friend.example>",
    return_path: str | None = "kim@friend.example",
    extra: tuple[tuple[str, str], ...] = (),
    border: Border | None = None,
) -> bytes:
    """Return a mail of a person."""
    headers = [*top(border, return_path), *extra, ("From", sender), ("To", VICTIM), ("Subject", subject)]
    return join([*headers, ("Message-ID", "<lunch-1@friend.example>")], text)
