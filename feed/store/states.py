"""Emitter states: the rows that are due, writing scored rows, what is published, history."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain.event import Channel
from feed.domain.listing import Code, EmitterState, State, Transition
from feed.store.dialect import insert_if_missing
from feed.store.tables import emitter_state, transition

DIRTY: Final = 0
"""`next_due_minute` of a row whose inputs changed: scored at the next tick, whatever the time."""

WHOLE_IPV6: Final = 128
"""Unit of one IPv6 address; only then the address that is published differs from the emitter key."""

_COLUMNS: Final = {  # field of EmitterState -> column
    "state": "state", "code": "code", "unit": "unit", "since_at": "since_minute",
    "listed_at": "listed_minute", "min_until": "min_until_minute",
    "last_evidence_at": "last_evidence_minute", "epoch": "epoch", "strikes": "strikes",
    "strike_at": "strike_minute", "aside_from": "aside_from_day", "aside_to": "aside_to_day",
    "probation_until": "probation_until_minute",
    "score": "score", "next_due_at": "next_due_minute", "hold": "hold", "reason": "reason",
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A stored state. version: of the inputs when it was read. address: exact one where unit is 128."""

    key: bytes
    channel: Channel
    state: EmitterState
    address: bytes
    version: int
    software: str | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A row of history. at: minute. cause: stable word."""

    at: int
    from_state: State
    to_state: State
    code: Code
    cause: str
    score: int


def row_of(row: sa.Row[Any]) -> Row:
    """Return a state as it is stored."""
    values = row._mapping  # noqa: SLF001 - the public way to read a row by name
    fields = {field: values[column] for field, column in _COLUMNS.items()}
    fields["state"], fields["code"] = State(fields["state"]), Code(fields["code"])
    address = bytes(values["address"])
    fields["address"] = address if fields["unit"] == WHOLE_IPV6 else b""
    return Row(
        key=bytes(values["emitter_key"]),
        channel=Channel(values["channel"]),
        state=EmitterState(**fields),
        address=address,
        version=values["version"],
        software=values["software"],
    )


def fresh_values() -> dict[str, Any]:
    """Return the columns of a state that says nothing yet, without its key, address and versions."""
    return {column: getattr(EmitterState(), field) for field, column in _COLUMNS.items()}


def touch(
    connection: Connection, key: bytes, channel: Channel, *, address: bytes, software: str | None = None
) -> Row:
    """Mark the state of an emitter dirty, making it if needed, and return it locked for this transaction."""
    fresh = fresh_values() | {"emitter_key": key, "channel": channel, "address": address, "version": 0}
    insert_if_missing(connection, emitter_state, fresh | {"scored_version": 0, "policy_id": 0, "trust_id": 0})
    connection.execute(
        sa.update(emitter_state)
        .where(emitter_state.c.emitter_key == key, emitter_state.c.channel == channel)
        .values(
            version=emitter_state.c.version + 1,
            next_due_minute=DIRTY,
            **({"software": software} if software else {}),
        )
    )
    row = read(connection, key, channel)
    assert row is not None
    return row


def read(connection: Connection, key: bytes, channel: Channel) -> Row | None:
    """Return the state of one emitter, if it has one."""
    row = connection.execute(
        sa.select(emitter_state).where(emitter_state.c.emitter_key == key, emitter_state.c.channel == channel)
    ).first()
    return row_of(row) if row is not None else None


def after(connection: Connection, key: bytes, *, limit: int) -> list[Row]:
    """Return the rows of up to `limit` emitters with a key above `key`, in order; for walks over all."""
    keys = (
        sa.select(emitter_state.c.emitter_key)
        .where(emitter_state.c.emitter_key > key)
        .distinct()
        .order_by(emitter_state.c.emitter_key)
        .limit(limit)
    )
    chosen = sa.select(emitter_state).where(emitter_state.c.emitter_key.in_(keys))
    rows = [row_of(row) for row in connection.execute(chosen)]
    return sorted(rows, key=lambda row: (row.key, row.channel))


def of_keys(connection: Connection, keys: Sequence[bytes]) -> list[Row]:
    """Return all rows of up to a thousand emitters."""
    chosen = sa.select(emitter_state).where(emitter_state.c.emitter_key.in_(keys))
    return [row_of(row) for row in connection.execute(chosen)]


def make_due(connection: Connection, first: bytes, last: bytes) -> None:
    """Have every emitter with a key from `first` to `last` scored at the next tick."""
    connection.execute(
        sa.update(emitter_state)
        .where(emitter_state.c.emitter_key.between(first, last))
        .values(version=emitter_state.c.version + 1, next_due_minute=DIRTY)
    )


def make_keys_due(connection: Connection, keys: Sequence[bytes]) -> None:
    """Have the emitters with these keys (up to a thousand) scored at the next tick."""
    connection.execute(
        sa.update(emitter_state)
        .where(emitter_state.c.emitter_key.in_(keys))
        .values(version=emitter_state.c.version + 1, next_due_minute=DIRTY)
    )


def due(connection: Connection, *, minute: int, limit: int) -> list[Row]:
    """Return up to `limit` rows that are dirty or due at `minute`, in the order of their keys, locked."""
    table = emitter_state
    is_due = table.c.next_due_minute <= minute
    first = (
        sa.select(table.c.emitter_key)
        .where(is_due)
        .order_by(table.c.next_due_minute, table.c.emitter_key)
        .limit(limit)
        .scalar_subquery()
    )
    # Locked in the order of keys, like every other writer: two that want the same rows never wait in a ring.
    chosen = (
        sa.select(table)
        .where(table.c.emitter_key.in_(first), is_due)
        .order_by(table.c.emitter_key, table.c.channel)
        .with_for_update()
    )
    return [row_of(row) for row in connection.execute(chosen)]


def save(connection: Connection, rows: Iterable[Row], *, policy_id: int, trust_id: int) -> None:
    """Write scored states. A row whose version moved since it was read stays dirty for the next tick."""
    table = emitter_state
    values = [
        {
            "b_key": row.key, "b_channel": row.channel, "b_version": row.version,
            "address": row.state.address or row.key, "scored_version": row.version,
            "policy_id": policy_id, "trust_id": trust_id,
            **{column: getattr(row.state, field) for field, column in _COLUMNS.items()},
        }
        for row in rows
    ]  # fmt: skip
    if not values:
        return
    statement = (
        sa.update(table)
        .where(
            table.c.emitter_key == sa.bindparam("b_key"),
            table.c.channel == sa.bindparam("b_channel"),
            table.c.version == sa.bindparam("b_version"),
        )
        .values({name: sa.bindparam(name) for name in values[0] if not name.startswith("b_")})
    )
    connection.execute(statement, values)


def add_history(
    connection: Connection,
    key: bytes,
    channel: Channel,
    changes: Sequence[Transition],
    *,
    policy_id: int,
    trust_id: int,
    void_at: int | None = None,
) -> None:
    """Append `changes` to the history of one emitter; `void_at`: kept for the audit only."""
    if not changes:
        return
    mine = (transition.c.emitter_key == key) & (transition.c.channel == channel)
    last = connection.execute(sa.select(sa.func.max(transition.c.seq)).where(mine)).scalar() or 0
    connection.execute(
        sa.insert(transition),
        [
            {
                "emitter_key": key, "channel": channel, "seq": last + number, "at_minute": change.at,
                "from_state": change.from_state, "to_state": change.to_state, "code": change.to_code,
                "cause": change.cause, "score": change.score, "policy_id": policy_id, "trust_id": trust_id,
                "void_at": void_at,
            }
            for number, change in enumerate(changes, start=1)
        ],
    )  # fmt: skip


def history(connection: Connection, key: bytes, channel: Channel, *, limit: int = 100) -> list[Change]:
    """Return the latest changes of one emitter, newest first, without what a retraction undid."""
    rows = connection.execute(
        sa.select(transition)
        .where(
            transition.c.emitter_key == key, transition.c.channel == channel, transition.c.void_at.is_(None)
        )
        .order_by(transition.c.seq.desc())
        .limit(limit)
    )
    return [
        Change(
            at=row.at_minute, from_state=State(row.from_state), to_state=State(row.to_state),
            code=Code(row.code), cause=row.cause, score=row.score,
        )
        for row in rows
    ]  # fmt: skip


def published(connection: Connection) -> dict[bytes, int]:
    """Return everything that belongs into the zones: 16 bytes of address and one of unit, to the code."""
    table = emitter_state
    rows = connection.execute(
        sa.select(table.c.address, table.c.unit, table.c.code)
        .where(table.c.code > 0)
        .order_by(table.c.emitter_key)
    )
    return {bytes(address) + bytes((unit,)): code for address, unit, code in rows}


def counts(connection: Connection) -> dict[State, int]:
    """Return how many emitters are in each state."""
    rows = connection.execute(
        sa.select(emitter_state.c.state, sa.func.count()).group_by(emitter_state.c.state)
    ).all()
    return {State(state): number for state, number in rows}


def ended_since(connection: Connection, *, minute: int) -> set[bytes]:
    """Return the emitters that left a zone since `minute`: out of LISTED, or down to the milder code."""
    rows = connection.execute(
        sa.select(transition.c.emitter_key).where(
            transition.c.at_minute >= minute,
            transition.c.from_state == State.LISTED,
            sa.or_(transition.c.to_state != State.LISTED, transition.c.code == Code.REPORTED),
        )
    )
    return {bytes(key) for key in rows.scalars()}


def listed_since(connection: Connection, *, minute: int) -> set[bytes]:
    """Return the emitters whose listing began or changed its code since `minute`."""
    rows = connection.execute(
        sa.select(transition.c.emitter_key).where(
            transition.c.at_minute >= minute,
            transition.c.to_state == State.LISTED,
            transition.c.void_at.is_(None),
        )
    )
    return {bytes(key) for key in rows.scalars()}
