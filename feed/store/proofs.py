"""Links that prove control of an address: made once, good for one removal, void after the next one."""

import dataclasses
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain.address import Address, emitter_key, packed, unpacked
from feed.store.outbox import link_token
from feed.store.secret import Secret
from feed.store.tables_site import proof

LIFE_S: Final = 24 * 3600
_KEEP_S: Final = 30 * 24 * 3600
_TOKEN_LENGTH: Final = 64


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One link. epoch: accepted removals of the emitter when it was made. Times in seconds."""

    address: Address
    epoch: int
    means: str
    expires_at: int
    used_at: int | None
    ticket_id: str | None


def make(
    connection: Connection, secret: Secret, *, seed: bytes, address: Address, epoch: int, means: str, now: int
) -> None:
    """Store a link for `address`; `seed` (32 random bytes) makes its token. means: mail or rdap."""
    connection.execute(
        sa.insert(proof).values(
            token_mac=_mac(secret, link_token(secret, seed)),
            emitter_key=emitter_key(address),
            address=packed(address),
            epoch=epoch,
            means=means,
            created_at=now,
            expires_at=now + LIFE_S,
        )
    )


def find(connection: Connection, secret: Secret, token: str) -> Proof | None:
    """Return the link with that token. The database sees a keyed hash, so its timing tells nothing."""
    if not _can_be(token):
        return None
    row = connection.execute(sa.select(proof).where(proof.c.token_mac == _mac(secret, token))).first()
    if row is None:
        return None
    return Proof(
        address=unpacked(bytes(row.address)),
        epoch=row.epoch,
        means=row.means,
        expires_at=row.expires_at,
        used_at=row.used_at,
        ticket_id=row.ticket_id,
    )


def use(connection: Connection, secret: Secret, token: str, *, now: int) -> bool:
    """Mark the link as used; False if it was used before, is over or unknown. Two at once: one is True."""
    if not _can_be(token):
        return False
    done = connection.execute(
        sa.update(proof)
        .where(
            proof.c.token_mac == _mac(secret, token),
            proof.c.used_at.is_(None),
            proof.c.expires_at > now,
        )
        .values(used_at=now)
    )
    return done.rowcount == 1


def note_ticket(connection: Connection, secret: Secret, token: str, ticket_id: str) -> None:
    """Remember what came of a used link, so that pressing again leads to the same ticket."""
    connection.execute(
        sa.update(proof).where(proof.c.token_mac == _mac(secret, token)).values(ticket_id=ticket_id)
    )


def sweep(connection: Connection, *, now: int) -> None:
    """Forget links long over."""
    connection.execute(sa.delete(proof).where(proof.c.expires_at < now - _KEEP_S))


def _can_be(token: str) -> bool:
    return len(token) == _TOKEN_LENGTH and token.isascii() and token.isalnum()


def _mac(secret: Secret, token: str) -> bytes:
    return secret.mac("link", token.encode())
