"""Mails that wait to be sent. The limits live here, so that no route can get around them.

Whoever can make us write can make us a source of the very mail that this feed lists. So a mail goes only
to addresses that we derived, at most one to an address and five to a domain in 24 hours, whatever became
of the earlier ones, and the queue itself is bounded (ux-ecosystem.md 0, point 7).
"""

import dataclasses
from typing import Final, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.store.secret import Secret
from feed.store.tables_site import outbox

WINDOW_S: Final = 24 * 3600
PER_ADDRESS: Final = 1
PER_DOMAIN: Final = 5
WAITING_MOST: Final = 1000
"""Unsent mails at which no more are taken: the relay is down or somebody tries hard."""

MARK: Final = "@@TOKEN@@"
"""Stands in a body where the token goes; the token itself is made when the mail is sent."""

ATTEMPTS_MOST: Final = 8
_PAUSES_S: Final = (60, 300, 900, 1800, 3600, 7200, 14400)
_KEEP_S: Final = 7 * 24 * 3600
_FAILURE_MOST: Final = 200

Outcome = Literal["queued", "address", "domain", "full"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail to send. seed: from which `link_token` makes the token that replaces `MARK`."""

    mail_id: int
    recipient: str
    subject: str
    body: str
    seed: bytes | None
    created_at: int
    attempts: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """How the outbox stands: unsent mails, when the oldest was asked for, and those given up in a day."""

    waiting: int
    oldest_at: int | None
    failed: int
    last_failure: str | None


def link_token(secret: Secret, seed: bytes) -> str:
    """Return the token of a link: 256 bits in hexadecimal, made again from `seed` and the secret."""
    return secret.mac("link token", seed).hex()


def enqueue(
    connection: Connection,
    *,
    recipient: str,
    domain: str,
    subject: str,
    body: str,
    seed: bytes | None,
    now: int,
    expires_at: int,
) -> Outcome:
    """Take a mail, or say which limit forbids it: `address`, `domain` or `full`. Times in seconds.

    domain: the registered domain of the recipient, so that inventing host names below it gains nothing.
    """
    if connection.dialect.name == "postgresql":
        # Two requests at once must not both count zero mails; one lock for all is enough at this rate.
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(760403)"))
    since = outbox.c.created_at > now - WINDOW_S
    if _count(connection, (outbox.c.recipient == recipient.lower()) & since) >= PER_ADDRESS:
        return "address"
    if _count(connection, (outbox.c.domain == domain.lower()) & since) >= PER_DOMAIN:
        return "domain"
    if _count(connection, _waiting()) >= WAITING_MOST:
        return "full"
    connection.execute(
        sa.insert(outbox).values(
            recipient=recipient.lower(), domain=domain.lower(), subject=subject, body=body, seed=seed,
            created_at=now, expires_at=expires_at, attempts=0, next_at=now,
        )
    )  # fmt: skip
    return "queued"


def take(connection: Connection, *, now: int) -> Mail | None:
    """Return the mail that has been due longest, counted as tried, None if none is due.

    The count is written before the mail is sent: killed in between, it is tried again later, not at once.
    """
    row = connection.execute(
        sa.select(outbox)
        .where(_waiting(), outbox.c.next_at <= now, outbox.c.expires_at > now)
        .order_by(outbox.c.next_at, outbox.c.mail_id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    if row is None:
        return None
    pause = _PAUSES_S[min(row.attempts, len(_PAUSES_S) - 1)]
    connection.execute(
        sa.update(outbox)
        .where(outbox.c.mail_id == row.mail_id)
        .values(attempts=row.attempts + 1, next_at=now + pause)
    )
    return Mail(
        mail_id=row.mail_id,
        recipient=row.recipient,
        subject=row.subject,
        body=row.body,
        seed=bytes(row.seed) if row.seed is not None else None,
        created_at=row.created_at,
        attempts=row.attempts + 1,
    )


def sent(connection: Connection, mail_id: int, *, now: int) -> None:
    """Note that the relay took the mail; its text goes."""
    _end(connection, mail_id, sent_at=now)


def failed(connection: Connection, mail: Mail, words: str, *, final: bool, now: int) -> None:
    """Note a failed try; `final` or the last of `ATTEMPTS_MOST` gives the mail up."""
    if final or mail.attempts >= ATTEMPTS_MOST:
        _end(connection, mail.mail_id, failed_at=now, failure=words[:_FAILURE_MOST])
        return
    connection.execute(
        sa.update(outbox).where(outbox.c.mail_id == mail.mail_id).values(failure=words[:_FAILURE_MOST])
    )


def sweep(connection: Connection, *, now: int) -> None:
    """Give up what came too late, and forget what is old."""
    connection.execute(
        sa.update(outbox)
        .where(_waiting(), outbox.c.expires_at <= now)
        .values(failed_at=now, body="", seed=None, failure=sa.func.coalesce(outbox.c.failure, "too late"))
    )
    connection.execute(sa.delete(outbox).where(~_waiting(), outbox.c.created_at < now - _KEEP_S))


def queue(connection: Connection, *, now: int) -> Queue:
    """Return how the outbox stands."""
    given_up = outbox.c.failed_at > now - WINDOW_S
    last = connection.execute(
        sa.select(outbox.c.failure)
        .where(outbox.c.failure.is_not(None), outbox.c.created_at > now - WINDOW_S)
        .order_by(outbox.c.mail_id.desc())
        .limit(1)
    ).scalar()
    oldest = connection.execute(sa.select(sa.func.min(outbox.c.created_at)).where(_waiting())).scalar()
    return Queue(
        waiting=_count(connection, _waiting()),
        oldest_at=oldest,
        failed=_count(connection, given_up),
        last_failure=last,
    )


def _waiting() -> sa.ColumnElement[bool]:
    return outbox.c.sent_at.is_(None) & outbox.c.failed_at.is_(None)


def _count(connection: Connection, condition: sa.ColumnElement[bool]) -> int:
    chosen = sa.select(sa.func.count()).select_from(outbox).where(condition)
    return int(connection.execute(chosen).scalar_one())


def _end(connection: Connection, mail_id: int, **values: object) -> None:
    connection.execute(
        sa.update(outbox).where(outbox.c.mail_id == mail_id).values(body="", seed=None, **values)
    )
