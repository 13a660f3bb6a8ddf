"""Sending the outbox: one relay, an empty envelope sender, few tries, and no reply to anything.

The envelope sender is `<>`, so that no server can send us a bounce, and the mail says that a program made
it (RFC 3834), so that no server should answer. A relay that cannot be reached ends the run; its mail is
tried again later, each time after a longer pause, until its link would be over anyway.
"""

import contextlib
import dataclasses
import email.message
import email.policy
import email.utils
import hashlib
import smtplib
import ssl
from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa

from feed.settings import MailSettings
from feed.store import disclosures, outbox, proofs, sessions
from feed.store.database import Database
from feed.store.outbox import Mail
from feed.store.secret import Secret
from feed.store.tables_site import outbox as table

A_RUN: Final = 20
"""Mails of one run, so that a slow relay never keeps the scheduler for long."""

_PERMANENT: Final = 500
_WORDS_MOST: Final = 120
_NAME: Final = "Backscatter Feed"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run did. failure: the last one, in words for the log, without any address."""

    sent: int = 0
    failed: int = 0
    failure: str = ""


class _RelayError(Exception):
    """The relay did not take a mail. final: it never will; unreachable: no other mail would do better."""

    def __init__(self, words: str, *, final: bool = False, unreachable: bool = False) -> None:
        super().__init__(words)
        self.final = final
        self.unreachable = unreachable


def send_due(database: Database, settings: MailSettings, secret: Secret, *, now: int) -> Run:
    """Send what is due, at most `A_RUN` mails; `now` in seconds. Without a relay nothing is done."""
    if not settings.can_send or not _anything_due(database, now=now):
        return Run()
    sent = failed = 0
    failure = ""
    for _ in range(A_RUN):
        with database.write() as connection:
            mail = outbox.take(connection, now=now)
        if mail is None:
            break
        try:
            _send(settings, message_of(mail, settings, secret))
        except _RelayError as problem:
            failed, failure = failed + 1, str(problem)
            with database.write() as connection:
                outbox.failed(connection, mail, failure, final=problem.final, now=now)
            if problem.unreachable:
                break
            continue
        sent += 1
        with database.write() as connection:
            outbox.sent(connection, mail.mail_id, now=now)
    return Run(sent=sent, failed=failed, failure=failure)


def sweep(database: Database, *, now: int) -> None:
    """Forget mails, links and sessions that are long over."""
    with database.write() as connection:
        outbox.sweep(connection, now=now)
        proofs.sweep(connection, now=now)
        sessions.sweep(connection, now=now)
        disclosures.sweep(connection, now=now)


def message_of(mail: Mail, settings: MailSettings, secret: Secret) -> email.message.EmailMessage:
    """Return the message. Its Message-ID stays the same when it is tried again."""
    body = mail.body
    if mail.seed is not None:
        body = body.replace(outbox.MARK, outbox.link_token(secret, mail.seed))
    domain = settings.sender.rpartition("@")[2]
    unique = hashlib.sha256((mail.seed or b"") + mail.mail_id.to_bytes(8, "big")).hexdigest()[:32]
    made = email.message.EmailMessage(policy=email.policy.SMTP)
    made["From"] = email.utils.formataddr((_NAME, settings.sender))
    made["To"] = mail.recipient
    made["Subject"] = mail.subject
    made["Date"] = email.utils.formatdate(mail.created_at)
    made["Message-ID"] = f"<{unique}@{domain}>"
    made["Auto-Submitted"] = "auto-generated"
    made["X-Auto-Response-Suppress"] = "All"
    made.set_content(body, cte="7bit")
    return made


def _anything_due(database: Database, *, now: int) -> bool:
    """Look before writing, so that an empty outbox costs nobody the write lock."""
    waiting = table.c.sent_at.is_(None) & table.c.failed_at.is_(None) & (table.c.next_at <= now)
    with database.read() as connection:
        return connection.execute(sa.select(table.c.mail_id).where(waiting).limit(1)).first() is not None


def _send(settings: MailSettings, message: email.message.EmailMessage) -> None:
    try:
        with _connected(settings) as relay:
            relay.send_message(message, from_addr="", to_addrs=[str(message["To"])])
    except smtplib.SMTPRecipientsRefused as problem:
        code, words = next(iter(problem.recipients.values()))
        raise _RelayError(_words(code, words), final=code >= _PERMANENT) from None
    except smtplib.SMTPConnectError as problem:
        raise _RelayError(_words(problem.smtp_code, problem.smtp_error), unreachable=True) from None
    except smtplib.SMTPResponseException as problem:
        final = problem.smtp_code >= _PERMANENT
        raise _RelayError(_words(problem.smtp_code, problem.smtp_error), final=final) from None
    except (OSError, smtplib.SMTPException) as problem:
        raise _RelayError(f"the relay does not answer: {type(problem).__name__}", unreachable=True) from None


@contextlib.contextmanager
def _connected(settings: MailSettings) -> Iterator[smtplib.SMTP]:
    name = settings.sender.rpartition("@")[2]
    if settings.tls == "tls":
        relay: smtplib.SMTP = smtplib.SMTP_SSL(
            settings.host, settings.port, local_hostname=name, timeout=settings.timeout_s,
            context=ssl.create_default_context(),
        )  # fmt: skip
    else:
        relay = smtplib.SMTP(settings.host, settings.port, local_hostname=name, timeout=settings.timeout_s)
    with relay:
        if settings.tls == "starttls":
            relay.starttls(context=ssl.create_default_context())
        yield relay


def _words(code: int, said: bytes | str) -> str:
    """Return the relay's answer, of a size and alphabet that a log takes."""
    plain = said.decode("ascii", "replace") if isinstance(said, bytes) else said
    return f"{code} " + "".join(letter if " " <= letter <= "~" else "?" for letter in plain[:_WORDS_MOST])
