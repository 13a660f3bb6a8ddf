"""Who is signed in to the console or the desk: short sessions, and links for one sign-in.

The cookie carries a random number; here stands its keyed hash. A session ends after half an hour without
a request and after eight hours in any case, on signing out, and with the key that opened it.
"""

import dataclasses
import secrets
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.store.secret import Secret
from feed.store.tables import api_key
from feed.store.tables_site import session, sign_in

IDLE_S: Final = 30 * 60
LONGEST_S: Final = 8 * 3600
LINK_S: Final = 10 * 60
_KEEP_S: Final = 7 * 24 * 3600
_NUMBER_LENGTH: Final = 43


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One sign-in. place: console or desk. actor: as it stands in the audit log."""

    actor: str
    place: str
    source_id: int | None
    created_at: int


def new_link(connection: Connection, secret: Secret, *, author: str, now: int) -> str:
    """Store a link to the console and return its token, good once for ten minutes."""
    token = secrets.token_urlsafe(32)
    connection.execute(
        sa.insert(sign_in).values(
            token_mac=_mac(secret, "sign-in", token), author=author, created_at=now, expires_at=now + LINK_S
        )
    )
    return token


def use_link(connection: Connection, secret: Secret, token: str, *, now: int) -> str | None:
    """Take a link and return who made it, None if it is unknown, used or over."""
    if len(token) != _NUMBER_LENGTH:
        return None
    row = connection.execute(
        sa.update(sign_in)
        .where(
            sign_in.c.token_mac == _mac(secret, "sign-in", token),
            sign_in.c.used_at.is_(None),
            sign_in.c.expires_at > now,
        )
        .values(used_at=now)
        .returning(sign_in.c.author)
    ).first()
    return None if row is None else str(row.author)


def open_session(
    connection: Connection,
    secret: Secret,
    *,
    actor: str,
    place: str,
    now: int,
    source_id: int | None = None,
    key_id: str | None = None,
) -> str:
    """Store a session and return the number for its cookie."""
    number = secrets.token_urlsafe(32)
    connection.execute(
        sa.insert(session).values(
            session_mac=_mac(secret, "session", number), actor=actor, place=place, source_id=source_id,
            key_id=key_id, created_at=now, seen_at=now,
        )
    )  # fmt: skip
    return number


def find(connection: Connection, secret: Secret, number: str, *, place: str, now: int) -> Session | None:
    """Return the session of that number if it is in force at `place`; reads only."""
    if len(number) != _NUMBER_LENGTH:
        return None
    row = connection.execute(
        sa.select(session).where(session.c.session_mac == _mac(secret, "session", number))
    ).first()
    if row is None or row.place != place or row.ended_at is not None:
        return None
    if row.seen_at + IDLE_S <= now or row.created_at + LONGEST_S <= now:
        return None
    if row.key_id is not None and not _key_in_force(connection, row.key_id, now=now):
        return None
    return Session(actor=row.actor, place=row.place, source_id=row.source_id, created_at=row.created_at)


def seen(connection: Connection, secret: Secret, number: str, *, now: int) -> None:
    """Note a request, so that half an hour runs anew."""
    connection.execute(
        sa.update(session)
        .where(session.c.session_mac == _mac(secret, "session", number), session.c.seen_at < now)
        .values(seen_at=now)
    )


def end(connection: Connection, secret: Secret, number: str, *, now: int) -> None:
    """End a session."""
    connection.execute(
        sa.update(session)
        .where(session.c.session_mac == _mac(secret, "session", number), session.c.ended_at.is_(None))
        .values(ended_at=now)
    )


def sweep(connection: Connection, *, now: int) -> None:
    """Forget sessions and links long over."""
    connection.execute(sa.delete(session).where(session.c.seen_at < now - _KEEP_S))
    connection.execute(sa.delete(sign_in).where(sign_in.c.expires_at < now - _KEEP_S))


def _mac(secret: Secret, purpose: str, number: str) -> bytes:
    return secret.mac(purpose, number.encode())


def _key_in_force(connection: Connection, key_id: str, *, now: int) -> bool:
    row = connection.execute(sa.select(api_key).where(api_key.c.key_id == key_id)).first()
    return row is not None and row.revoked_at is None and (row.expires_at is None or row.expires_at > now)
