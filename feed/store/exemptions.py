"""Exemptions and operator holds: networks with reason, author and end. They beat all evidence."""

import dataclasses

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain.address import Address, Network, emitter_key, network_of, packed, parse_network
from feed.domain.intervals import NetworkIndex
from feed.domain.listing import Hold
from feed.store import controls, rescore
from feed.store.tables import exemption


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """One network that is exempt (Hold.EXEMPT) or held (Hold.OPERATOR) until a minute."""

    exemption_id: int
    network: Network
    kind: Hold
    reason: str
    author: str
    until_minute: int


def add(
    connection: Connection,
    *,
    network: Network,
    kind: Hold,
    reason: str,
    author: str,
    now: int,
    until_minute: int,
) -> int:
    """Insert an exemption or hold, and have every emitter inside it scored at the next tick."""
    number: int = connection.execute(
        sa.insert(exemption)
        .values(
            network=str(network),
            kind=kind,
            reason=reason,
            author=author,
            created_at=now,
            until_minute=until_minute,
        )
        .returning(exemption.c.exemption_id)
    ).scalar_one()
    _make_due(connection, network, number)
    controls.next_generation(connection)
    return number


def end(connection: Connection, exemption_id: int, *, now: int) -> bool:
    """End an exemption before its time; returns whether it was in force."""
    row = connection.execute(
        sa.update(exemption)
        .where(exemption.c.exemption_id == exemption_id, exemption.c.ended_at.is_(None))
        .values(ended_at=now)
        .returning(exemption.c.network)
    ).first()
    if row is None:
        return False
    _make_due(connection, parse_network(row.network), exemption_id)
    controls.next_generation(connection)
    return True


def in_force(connection: Connection, *, minute: int) -> list[Exemption]:
    """Return what is in force at `minute`, narrowest network first."""
    rows = connection.execute(
        sa.select(exemption).where(exemption.c.ended_at.is_(None), exemption.c.until_minute > minute)
    ).all()
    found = [
        Exemption(
            exemption_id=row.exemption_id,
            network=parse_network(row.network),
            kind=Hold(row.kind),
            reason=row.reason,
            author=row.author,
            until_minute=row.until_minute,
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: (-one.network.prefixlen, one.exemption_id))


def any_ran_out(connection: Connection, *, since_minute: int, minute: int) -> bool:
    """Whether the time of one was over after `since_minute` and by `minute`: nobody notes that."""
    over = exemption.c.until_minute.between(since_minute + 1, minute)
    chosen = sa.select(exemption.c.exemption_id).where(exemption.c.ended_at.is_(None), over)
    return connection.execute(chosen.limit(1)).first() is not None


def index(connection: Connection, *, minute: int) -> NetworkIndex[Exemption]:
    """Return what is in force at `minute`, made for many questions."""
    return NetworkIndex.build((one.network, one) for one in in_force(connection, minute=minute))


def covering(exempt: NetworkIndex[Exemption], address: Address, *, whole_64: bool) -> list[Exemption]:
    """Return those of `exempt` that hold `address`, or for an IPv6 emitter any part of its /64.

    Narrowest network first, as `in_force` has them.
    """
    return exempt.overlapping(_asked(address, whole_64=whole_64))


def covers(one: Exemption, address: Address) -> bool:
    """Whether one exemption holds `address`, or for an IPv6 emitter any part of its /64."""
    network = _asked(address, whole_64=True)
    return one.network.version == network.version and one.network.overlaps(network)


def _asked(address: Address, *, whole_64: bool) -> Network:
    return network_of(address, 32 if address.version == 4 else 64 if whole_64 else 128)  # noqa: PLR2004


def _make_due(connection: Connection, network: Network, exemption_id: int) -> None:
    """Have whoever it covers scored; publication asks exemptions itself and does not wait for that."""
    first, last = emitter_key(network.network_address), packed(network.broadcast_address)
    rescore.span(connection, first, last, word=f"exempt:{exemption_id}")
