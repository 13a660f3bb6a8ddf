"""Addresses that an operator lists by hand: one address or /64 each, with reason, author and an end.

Beside the scored rows, never in them: a score is not edited by hand (scoring.md 8, no. 16). Exemptions
beat it, an accepted removal ends it, and special-purpose space is refused.

Some of them never send: canary addresses, whose reporters have copied the zone (scoring.md 4.2). Nothing
that is published tells them from the others.
"""

import dataclasses
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain.address import (
    MAPPED_PREFIX,
    Address,
    Network,
    emitter_key,
    network_of,
    packed,
    special_purpose,
    unpacked,
)
from feed.domain.event import Channel
from feed.domain.listing import Code
from feed.store import controls
from feed.store.tables import cell, manual_listing

_V4_BITS = 32
_UNITS_V6 = (64, 128)
_SECONDS_A_DAY: Final = 86_400
_SECONDS_A_MINUTE: Final = 60
_MINUTES_A_DAY: Final = 1440
_SECRET_WORD: Final = "canary"  # noqa: S105 - a word that would tell, no password


class ManualError(Exception):
    """A listing by hand is refused; the message says why."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Manual:
    """One listing by hand in force. address: the first of the /64 where unit is 64. Times: minutes.

    canary: it never sends. Whoever is no operator must not see that.
    """

    manual_id: int
    address: Address
    unit: int
    code: Code
    reason: str
    author: str
    until_minute: int
    canary: bool

    @property
    def network(self) -> Network:
        """What is listed."""
        return network_of(self.address, self.unit)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CanaryAddress:
    """One address or /64 that never sends, and the first and last day on which it was listed."""

    address: Address
    unit: int
    first_day: int
    last_day: int


def add(
    connection: Connection,
    *,
    network: Network,
    code: Code,
    reason: str,
    author: str,
    now: int,
    until_minute: int,
    allow_special: bool = False,
    canary: bool = False,
) -> int:
    """Insert a listing of one address or one /64 and return its number; raises `ManualError`.

    canary: it never sends, so that whoever reports it is taken to copy the zone. One that was reported is
    refused: its honest reporters would pay.
    """
    unit = network.prefixlen
    if unit not in ((_V4_BITS,) if network.version == 4 else _UNITS_V6):  # noqa: PLR2004
        raise ManualError("one IPv4 address, one IPv6 address or one /64 is listed, never a wider network")
    address = network.network_address
    if (why := special_purpose(address, trial=allow_special)) is not None:
        raise ManualError(f"it can never be listed: {why}")
    if until_minute <= now // 60:
        raise ManualError("the end lies in the past")
    if canary:
        _refuse_what_tells(connection, address, reason)
    values = {
        "address": packed(address), "unit": unit, "code": code, "reason": reason, "author": author,
        "created_at": now, "until_minute": until_minute, "canary": canary,
    }  # fmt: skip
    made = sa.insert(manual_listing).values(values).returning(manual_listing.c.manual_id)
    number = int(connection.execute(made).scalar_one())
    controls.next_generation(connection)
    return number


def _refuse_what_tells(connection: Connection, address: Address, reason: str) -> None:
    """Raise `ManualError` if the reason gives a canary address away, or if the address was reported."""
    if _SECRET_WORD in reason.casefold():
        raise ManualError(
            "the reason of a listing by hand is public: one that says canary tells what must stay secret. "
            "Give one that would be true of any listing"
        )
    reported = sa.select(cell.c.day).where(
        cell.c.emitter_key == emitter_key(address), cell.c.channel == Channel.MAIN, cell.c.n > 0
    )
    if connection.execute(reported.limit(1)).first() is not None:
        raise ManualError(
            "reports about it (for IPv6: about its /64) are on file, so it is no address that never sends: "
            "choose one that nobody uses"
        )


def end(connection: Connection, manual_id: int, *, by: str, now: int) -> bool:
    """End a listing before its time; returns whether it was in force."""
    changed = connection.execute(
        sa.update(manual_listing)
        .where(manual_listing.c.manual_id == manual_id, manual_listing.c.ended_at.is_(None))
        .values(ended_at=now, ended_by=by)
    )
    if changed.rowcount:
        controls.next_generation(connection)
    return changed.rowcount > 0


def end_expired(connection: Connection, *, now: int) -> int:
    """Close the listings whose time is over, so that publication notices; returns how many."""
    over = manual_listing.c.ended_at.is_(None) & (manual_listing.c.until_minute <= now // 60)
    changed = connection.execute(
        sa.update(manual_listing).where(over).values(ended_at=now, ended_by="its time is over")
    )
    if changed.rowcount:
        controls.next_generation(connection)
    return changed.rowcount


def end_covering(connection: Connection, address: Address, *, by: str, now: int) -> int:
    """End what lists `address` by hand; returns how many listings that were."""
    found = covering(connection, address, minute=now // 60)
    return sum(end(connection, one.manual_id, by=by, now=now) for one in found)


def in_force(connection: Connection, *, minute: int) -> list[Manual]:
    """Return the listings in force at `minute`, by number."""
    rows = connection.execute(
        sa.select(manual_listing)
        .where(manual_listing.c.ended_at.is_(None), manual_listing.c.until_minute > minute)
        .order_by(manual_listing.c.manual_id)
    )
    return [
        Manual(
            manual_id=row.manual_id, address=unpacked(bytes(row.address)), unit=row.unit, code=Code(row.code),
            reason=row.reason, author=row.author, until_minute=row.until_minute, canary=row.canary,
        )
        for row in rows
    ]  # fmt: skip


def canary_addresses(connection: Connection, *, since_day: int) -> list[CanaryAddress]:
    """Return what never sends and was listed on `since_day` or later, ended or not, by number."""
    table = manual_listing
    rows = connection.execute(
        sa.select(table.c.address, table.c.unit, table.c.created_at, table.c.until_minute, table.c.ended_at)
        .where(table.c.until_minute >= since_day * _MINUTES_A_DAY, table.c.canary)
        .where(table.c.ended_at.is_(None) | (table.c.ended_at >= since_day * _SECONDS_A_DAY))
        .order_by(table.c.manual_id)
    )
    found = []
    for row in rows:
        last_day = row.until_minute // _MINUTES_A_DAY
        if row.ended_at is not None:
            last_day = min(last_day, row.ended_at // _SECONDS_A_DAY)
        found.append(
            CanaryAddress(
                address=unpacked(bytes(row.address)), unit=row.unit,
                first_day=row.created_at // _SECONDS_A_DAY, last_day=last_day,
            )
        )  # fmt: skip
    return found


def spans(connection: Connection, key: bytes) -> list[tuple[int, int]]:
    """Return from which minute and before which each listing of an emitter was in force, ended or not.

    key: emitter key. For IPv6 every listing inside its /64, of one address or of all.
    """
    table = manual_listing
    last = key if key.startswith(MAPPED_PREFIX) else key[:8] + b"\xff" * 8
    rows = connection.execute(
        sa.select(table.c.created_at, table.c.until_minute, table.c.ended_at)
        .where(table.c.address.between(key, last))
        .order_by(table.c.manual_id)
    )
    found = []
    for row in rows:
        until = row.until_minute
        if row.ended_at is not None:
            # The minute in which it ended counts: it was published for a part of it.
            until = min(until, row.ended_at // _SECONDS_A_MINUTE + 1)
        found.append((row.created_at // _SECONDS_A_MINUTE, until))
    return found


def covering(connection: Connection, address: Address, *, minute: int) -> list[Manual]:
    """Return the listings by hand in force that hold `address`."""
    data = packed(address)
    wanted = {(data, _V4_BITS if data.startswith(MAPPED_PREFIX) else 128), (data[:8] + bytes(8), 64)}
    return [one for one in in_force(connection, minute=minute) if (packed(one.address), one.unit) in wanted]


def added(connection: Connection, entries: dict[bytes, int], *, minute: int) -> dict[bytes, int]:
    """Return `entries` (see `states.published`) with the listings by hand; of one entry the stronger code."""
    found = dict(entries)
    for one in in_force(connection, minute=minute):
        at = packed(one.address) + bytes((one.unit,))
        found[at] = min(one.code, found.get(at, one.code))
    return found


def keys_since(connection: Connection, *, since: int, minute: int) -> set[bytes]:
    """Return the entries (see `states.published`) in force at `minute` that were made since a second."""
    rows = connection.execute(
        sa.select(manual_listing.c.address, manual_listing.c.unit).where(
            manual_listing.c.ended_at.is_(None),
            manual_listing.c.until_minute > minute,
            manual_listing.c.created_at >= since,
        )
    )
    return {bytes(row.address) + bytes((row.unit,)) for row in rows}
