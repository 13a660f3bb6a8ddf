"""Three made-up notifications, as a backscattering server would send them to a trap."""

import datetime as dt
import email.utils
import uuid
from collections.abc import Callable


def _received(emitter: str, when: dt.datetime) -> str:
    stamp = email.utils.format_datetime(when)
    return (
        f"Received: from mail.emitter.example (mail.emitter.example [{emitter}])\r\n"
        f"\tby mx.own.example with ESMTP id 5Q1; {stamp}\r\n"
    )


def _postfix(emitter: str, when: dt.datetime, original: str) -> str:
    return (
        f"Return-Path: <>\r\n{_received(emitter, when)}"
        "From: MAILER-DAEMON@mail.emitter.example (Mail Delivery System)\r\n"
        "To: trap@own.example\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        f"Date: {email.utils.format_datetime(when)}\r\nMessage-ID: <{uuid.uuid4()}@mail.emitter.example>\r\n"
        "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b1"\r\n\r\n'
        "--b1\r\nContent-Type: text/plain\r\n\r\n"
        "This is the mail system at host mail.emitter.example.\r\n\r\n"
        "--b1\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mail.emitter.example\r\nX-Postfix-Sender: rfc822; trap@own.example\r\n\r\n"
        "Final-Recipient: rfc822; nobody@emitter.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        f"--b1\r\nContent-Type: text/rfc822-headers\r\n\r\n{_original(original)}\r\n--b1--\r\n"
    )


def _exim(emitter: str, when: dt.datetime, original: str) -> str:
    return (
        f"Return-path: <>\r\n{_received(emitter, when)}"
        "X-Failed-Recipients: nobody@emitter.example\r\nAuto-Submitted: auto-replied\r\n"
        "From: Mail Delivery System <Mailer-Daemon@mail.emitter.example>\r\nTo: trap@own.example\r\n"
        "Subject: Mail delivery failed: returning message to sender\r\n"
        f"Date: {email.utils.format_datetime(when)}\r\n"
        f"Message-Id: <E1x-{uuid.uuid4()}@mail.emitter.example>\r\n\r\n"
        "This message was created automatically by mail delivery software.\r\n\r\n"
        "A message that you sent could not be delivered to one or more of its recipients.\r\n\r\n"
        "------ This is a copy of the message, including all the headers. ------\r\n\r\n"
        f"{_original(original)}\r\nforged\r\n"
    )


def _qmail(emitter: str, when: dt.datetime, original: str) -> str:
    return (
        f"Return-Path: <>\r\n{_received(emitter, when)}"
        f"Received: (qmail 4711 invoked for bounce); {email.utils.format_datetime(when)}\r\n"
        "From: MAILER-DAEMON@mail.emitter.example\r\nTo: trap@own.example\r\nSubject: failure notice\r\n"
        f"Date: {email.utils.format_datetime(when)}\r\n\r\n"
        "Hi. This is the qmail-send program at mail.emitter.example.\r\n\r\n"
        "<nobody@emitter.example>:\r\nSorry, no mailbox here by that name. (#5.1.1)\r\n\r\n"
        "--- Below this line is a copy of the message.\r\n\r\n"
        f"{_original(original)}\r\nforged\r\n"
    )


def _original(message_id: str) -> str:
    return (
        "Received: from unknown (HELO dialup.example) (198.51.100.99)\r\n"
        "\tby mail.emitter.example with SMTP; Mon, 23 Nov 2026 03:00:00 +0000\r\n"
        "From: trap@own.example\r\nTo: nobody@emitter.example\r\nSubject: a forged mail\r\n"
        f"Date: Mon, 23 Nov 2026 02:59:00 +0000\r\nMessage-ID: {message_id}\r\n"
    )


_WRITERS: tuple[tuple[Callable[[str, dt.datetime, str], str], int], ...] = (
    (_postfix, 44),
    (_exim, 21),
    (_qmail, 1),
)


def notifications(emitter: str, *, now: dt.datetime) -> list[tuple[bytes, dt.datetime]]:
    """Return three mails about three different originals, with their times over the last two days."""
    made = []
    for write, hours in _WRITERS:
        when = now - dt.timedelta(hours=hours)
        mail = write(emitter, when, f"<{uuid.uuid4()}@own.example>")
        made.append((mail.encode("ascii"), when))
    return made
