"""What the operator does to many addresses at once: chosen and counted, then done one by one, and undone.

A preview fixes the addresses; only those are touched. Each is done in a transaction of its own with its
result, so that a job that is killed goes on where it was, and twice at once does nothing twice. Undoing
puts back what was there before, or says why it cannot (ux-ecosystem.md B30).
"""

import dataclasses
import datetime as dt
import json
from collections.abc import Sequence
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain import scoring
from feed.domain.address import Address, Network, emitter_key, network_of, packed, unpacked
from feed.domain.event import Channel
from feed.domain.listing import Code, EmitterState, Hold, State
from feed.store import controls, evidence, exemptions, operator_removal, states
from feed.store import rules as rules_in_force
from feed.store.dialect import insert_rows
from feed.store.rules import Rules
from feed.store.secret import Secret
from feed.store.tables import cell, emitter_state, event, exemption, removal, transition
from feed.store.tables_site import bulk_action, bulk_item

Action = Literal["end", "hold", "exempt"]
ACTIONS: Final[tuple[Action, ...]] = ("end", "hold", "exempt")

MOST: Final = 5000
"""Addresses of one bulk action; whoever wants more retracts a reporter or exempts a network."""

FRESH_S: Final = 3600
"""A preview that is older is not let go any more: what it counted may have changed."""

UNDO_DAYS: Final = 28
"""So long ended listings can be put back: none would stand longer (`Policy.hard_cap_minutes`)."""

KEPT_DAYS: Final = 365
"""So long a bulk action is known, as what it did is in the history of its addresses."""

DONE: Final = "done"
NOT_LISTED: Final = "not listed"
UNDONE: Final = "undone"
ENDED: Final = "ended"
CHANGED: Final = "changed"
_MINUTE_S: Final = 60
_DAY_S: Final = 86_400


class BulkError(Exception):
    """A bulk action cannot be made, let go or undone; the message says why."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which listed addresses are meant: all that is given must hold. since_minute: listed since then."""

    network: Network | None = None
    source_id: int | None = None
    since_minute: int | None = None
    words: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One address of a bulk action. result, undo_result: None while it is to be done."""

    address: Address
    unit: int
    code: Code
    result: str | None
    undo_result: str | None

    @property
    def network(self) -> Network:
        """Return what is listed as a network."""
        return network_of(self.address, self.unit)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """One bulk action; times in seconds, None while that has not happened."""

    bulk_id: int
    action: Action
    wanted: str
    until_minute: int
    author: str
    reason: str
    made_at: int
    started_at: int | None
    done_at: int | None
    undo_author: str | None
    undo_reason: str | None
    undo_at: int | None
    undone_at: int | None
    items_n: int
    results: dict[str, int]
    undo_results: dict[str, int]

    @property
    def undo_until(self) -> int | None:
        """Return the second from which it cannot be undone any more; None: it never could, or it is.

        Holds and exemptions end by themselves at their time, listings that stand after theirs.
        """
        if self.started_at is None or self.undo_at is not None:
            return None
        if self.action == "end":
            return self.started_at + UNDO_DAYS * _DAY_S
        return min(self.until_minute * _MINUTE_S, self.made_at + KEPT_DAYS * _DAY_S)


def prepare(
    connection: Connection,
    action: Action,
    wanted: Wanted,
    *,
    author: str,
    reason: str,
    until_minute: int,
    now: int,
) -> int:
    """Note what would be done to which addresses and return the number; nothing else is changed.

    Raises `BulkError` if that is nothing, or too many.
    """
    if wanted.network is None and wanted.source_id is None and wanted.since_minute is None:
        raise BulkError("say which addresses: a network, a reporter, or since when")
    found = _chosen(connection, wanted)
    if not found:
        raise BulkError("no listed address is like that")
    if len(found) > MOST:
        raise BulkError(f"more than {MOST} addresses are like that; choose fewer")
    made = sa.insert(bulk_action).values(
        action=action, wanted=wanted.words[:200], until_minute=0 if action == "end" else until_minute,
        author=author, reason=reason, made_at=now,
    )  # fmt: skip
    number = int(connection.execute(made.returning(bulk_action.c.bulk_id)).scalar_one())
    insert_rows(
        connection,
        bulk_item,
        [
            {
                "bulk_id": number, "address": bytes(row["address"]), "unit": row["unit"], "code": row["code"],
                "result": None, "before": None, "undo_result": None,
            }
            for row in found
        ],
    )  # fmt: skip
    return number


def _chosen(connection: Connection, wanted: Wanted) -> Sequence[sa.RowMapping]:
    table = emitter_state
    chosen = sa.select(table.c.address, table.c.unit, table.c.code).where(
        table.c.channel == Channel.MAIN, table.c.code > 0
    )
    if wanted.network is not None:
        first, last = packed(wanted.network.network_address), packed(wanted.network.broadcast_address)
        begin = emitter_key(wanted.network.network_address) if wanted.network.version == 6 else first  # noqa: PLR2004
        # A /64 is meant only whole: one address of it names none of its neighbours.
        inside = table.c.address.between(first, last)
        chosen = chosen.where(table.c.emitter_key.between(begin, last), inside)
    if wanted.since_minute is not None:
        chosen = chosen.where(table.c.listed_minute >= wanted.since_minute)
    if wanted.source_id is not None:
        told = sa.exists().where(
            cell.c.emitter_key == table.c.emitter_key,
            cell.c.channel == Channel.MAIN,
            cell.c.source_id == wanted.source_id,
            cell.c.epoch == table.c.epoch,
            cell.c.n > 0,
        )
        chosen = chosen.where(told)
    return connection.execute(chosen.order_by(table.c.address).limit(MOST + 1)).mappings().all()


def find(connection: Connection, number: int) -> Bulk:
    """Return a bulk action; raises `BulkError` if there is none."""
    return _bulk(_row(connection, number), *_counted(connection, number))


def _row(connection: Connection, number: int) -> sa.RowMapping:
    chosen = sa.select(bulk_action).where(bulk_action.c.bulk_id == number)
    row = connection.execute(chosen).mappings().first()
    if row is None:
        raise BulkError("there is no such bulk action")
    return row


def latest(connection: Connection, *, limit: int) -> list[Bulk]:
    """Return the bulk actions made last, newest first."""
    rows = connection.execute(
        sa.select(bulk_action).order_by(bulk_action.c.bulk_id.desc()).limit(limit)
    ).mappings()
    return [_bulk(row, *_counted(connection, row["bulk_id"])) for row in rows.all()]


def items(connection: Connection, number: int, *, limit: int) -> list[Item]:
    """Return the addresses of a bulk action in order, those that were not done as wanted first."""
    rows = connection.execute(
        sa.select(bulk_item)
        .where(bulk_item.c.bulk_id == number)
        .order_by(
            sa.case((bulk_item.c.result == DONE, 1), else_=0),
            sa.case((bulk_item.c.undo_result == UNDONE, 1), else_=0),
            bulk_item.c.address,
        )
        .limit(limit)
    )
    return [
        Item(
            address=unpacked(bytes(row.address)), unit=row.unit, code=Code(row.code), result=row.result,
            undo_result=row.undo_result,
        )
        for row in rows
    ]  # fmt: skip


def start(connection: Connection, number: int, *, author: str, now: int) -> None:
    """Let a bulk action go; its addresses are done by `work`. Raises `BulkError`."""
    found = find(connection, number)
    if found.started_at is not None:
        raise BulkError("it was let go already")
    if now - found.made_at > FRESH_S:
        raise BulkError("this preview is older than an hour; make it anew")
    changed = connection.execute(
        sa.update(bulk_action)
        .where(bulk_action.c.bulk_id == number, bulk_action.c.started_at.is_(None))
        .values(started_at=now)
    )
    if changed.rowcount != 1:
        raise BulkError("it was let go already")
    subject = f"number {number}: {found.action} {found.items_n} addresses"
    controls.log(connection, at=now, actor=author, action="bulk_start", subject=subject, reason=found.reason)


def undo(connection: Connection, number: int, *, author: str, reason: str, now: int) -> None:
    """Have a bulk action undone by `work`, what is not done yet left alone. Raises `BulkError`."""
    found = find(connection, number)
    if found.started_at is None:
        raise BulkError("it was never let go, so there is nothing to undo")
    if found.undo_at is not None:
        raise BulkError("it is undone, or about to be")
    if found.undo_until is not None and now >= found.undo_until:
        day = dt.datetime.fromtimestamp(found.undo_until, dt.UTC).date()
        raise BulkError(f"it could be undone until {day}; what it did is over by now")
    connection.execute(
        sa.update(bulk_action)
        .where(bulk_action.c.bulk_id == number)
        .values(undo_author=author, undo_reason=reason, undo_at=now, done_at=found.done_at or now)
    )
    controls.log(
        connection, at=now, actor=author, action="bulk_undo", subject=f"number {number}", reason=reason
    )


def unfinished(connection: Connection) -> list[int]:
    """Return the numbers of bulk actions that have something to be done or undone."""
    chosen = sa.select(bulk_action.c.bulk_id).where(_unfinished()).order_by(bulk_action.c.bulk_id)
    return [int(number) for number in connection.execute(chosen).scalars()]


def _unfinished() -> sa.ColumnElement[bool]:
    doing = bulk_action.c.started_at.is_not(None) & bulk_action.c.done_at.is_(None)
    undoing = bulk_action.c.undo_at.is_not(None) & bulk_action.c.undone_at.is_(None)
    return doing | undoing


def past_items(*, now: int) -> sa.ColumnElement[bool]:
    """Return which addresses belong to bulk actions that need not be known any more; they go first."""
    return bulk_item.c.bulk_id.in_(sa.select(bulk_action.c.bulk_id).where(_past(now)))


def past_actions(*, now: int) -> sa.ColumnElement[bool]:
    """Return which bulk actions need not be known any more and have no addresses left."""
    return _past(now) & ~sa.exists().where(bulk_item.c.bulk_id == bulk_action.c.bulk_id)


def _past(now: int) -> sa.ColumnElement[bool]:
    return (bulk_action.c.made_at < now - KEPT_DAYS * _DAY_S) & ~_unfinished()


def work(connection: Connection, number: int, *, rules: Rules, secret: Secret, now: int) -> bool:
    """Do or undo one address and return whether more can be done; call it in a transaction of its own.

    Without provider file nothing is undone yet: what it would hold must not be published. rules: those
    recorded as in force. now: seconds.
    """
    bulk = _bulk(_row(connection, number), 0, {}, {})
    undoing = bulk.undo_at is not None
    if undoing and rules.providers is None:
        return False
    waiting: sa.ColumnElement[bool] = bulk_item.c.result.is_(None)
    if undoing:
        waiting = bulk_item.c.undo_result.is_(None) & (bulk_item.c.result == DONE)
    row = (
        connection.execute(
            sa.select(bulk_item)
            .where(bulk_item.c.bulk_id == number, waiting)
            .order_by(bulk_item.c.address)
            .limit(1)
            .with_for_update()
        )
        .mappings()
        .first()
    )
    mine = bulk_action.c.bulk_id == number
    if row is None:
        column = "undone_at" if undoing else "done_at"
        connection.execute(
            sa.update(bulk_action).where(mine, bulk_action.c[column].is_(None)).values({column: now})
        )
        return False
    at = (bulk_item.c.bulk_id == number) & (bulk_item.c.address == row["address"])
    if undoing:
        result = _undo(connection, bulk, row, rules=rules, secret=secret, now=now)
        connection.execute(sa.update(bulk_item).where(at).values(undo_result=result))
    else:
        result, before = _do(connection, bulk, row, rules=rules, now=now)
        connection.execute(sa.update(bulk_item).where(at).values(result=result, before=before))
    return True


def _do(
    connection: Connection, bulk: Bulk, row: sa.RowMapping, *, rules: Rules, now: int
) -> tuple[str, str | None]:
    address = unpacked(bytes(row["address"]))
    found = states.read(connection, emitter_key(address), Channel.MAIN)
    if found is None or not found.state.code:
        return NOT_LISTED, None
    network = network_of(address, row["unit"])
    before: dict[str, Any] = {
        "minute": now // _MINUTE_S,
        "state": dataclasses.asdict(found.state) | {"address": found.state.address.hex()},
    }
    if bulk.action == "end":
        if not operator_removal.end(connection, address, rules=rules, now=now):
            return NOT_LISTED, None
        _log(connection, bulk, "listing_remove", str(network), now)
        return DONE, json.dumps(before)
    before["exemption"] = exemptions.add(
        connection,
        network=network,
        kind=Hold.OPERATOR if bulk.action == "hold" else Hold.EXEMPT,
        reason=bulk.reason,
        author=bulk.author,
        now=now,
        until_minute=bulk.until_minute,
    )
    _log(connection, bulk, "hold_add" if bulk.action == "hold" else "exemption_add", str(network), now)
    return DONE, json.dumps(before)


def _undo(
    connection: Connection, bulk: Bulk, row: sa.RowMapping, *, rules: Rules, secret: Secret, now: int
) -> str:
    address = unpacked(bytes(row["address"]))
    before = json.loads(row["before"])
    state = _state(before["state"])
    if bulk.action == "end":
        if not _not_ended(connection, address, state, rules=rules, secret=secret, now=now):
            return CHANGED
        _log(connection, bulk, "listing_restore", str(network_of(address, row["unit"])), now)
        return UNDONE
    if not exemptions.end(connection, before["exemption"], now=now):
        return ENDED
    _not_held(connection, address, state, before, rules=rules, secret=secret, now=now)
    _log(connection, bulk, "exemption_end", str(before["exemption"]), now)
    return UNDONE


def _state(stored: dict[str, Any]) -> EmitterState:
    values = stored | {
        "state": State(stored["state"]),
        "code": Code(stored["code"]),
        "address": bytes.fromhex(stored["address"]),
    }
    return EmitterState(**values)


def _not_ended(
    connection: Connection, address: Address, state: EmitterState, *, rules: Rules, secret: Secret, now: int
) -> bool:
    """Put a listing back that was ended, as if that had never been; False if something came since.

    What came since was counted under the new epoch and would be lost with it.
    """
    key = emitter_key(address)
    row = states.touch(connection, key, Channel.MAIN, address=packed(address))
    if row.state.epoch != state.epoch + 1:
        return False
    for table in (cell, event):
        newer = sa.select(sa.literal(1)).where(table.c.emitter_key == key, table.c.epoch > state.epoch)
        if connection.execute(newer.limit(1)).first() is not None:
            return False
    gone = connection.execute(
        sa.delete(removal)
        .where(removal.c.emitter_key == key, removal.c.channel == Channel.MAIN)
        .where(removal.c.epoch == row.state.epoch)
        .returning(removal.c.accepted_minute)
    ).scalar()
    if gone is None:
        return False
    left = (transition.c.cause == "removal") | (transition.c.from_state == State.PROBATION)
    _as_before(connection, row, state, since=gone, undone=left, rules=rules, secret=secret, now=now)
    return True


def _not_held(
    connection: Connection,
    address: Address,
    state: EmitterState,
    before: dict[str, Any],
    *,
    rules: Rules,
    secret: Secret,
    now: int,
) -> None:
    """Put a listing back that was held, without the strike that listing it anew would bring.

    The hold goes as if it had never been, so that a replay of the events tells the same life.
    """
    key = emitter_key(address)
    connection.execute(sa.delete(exemption).where(exemption.c.exemption_id == before["exemption"]))
    row = states.touch(connection, key, Channel.MAIN, address=packed(address))
    if row.state.state is State.HELD and row.state.epoch == state.epoch:
        held = (transition.c.from_state == State.HELD) | (transition.c.to_state == State.HELD)
        since = before["minute"]
        _as_before(connection, row, state, since=since, undone=held, rules=rules, secret=secret, now=now)


def _as_before(
    connection: Connection,
    row: states.Row,
    state: EmitterState,
    *,
    since: int,
    undone: sa.ColumnElement[bool],
    rules: Rules,
    secret: Secret,
    now: int,
) -> None:
    """Give a row its state of before; what its history says of the time since, minute `since`, is void.

    The rules of now have the last word on it at once: a provider's range or a pool that holds it since is
    not published until the next tick.
    """
    connection.execute(
        sa.update(transition)
        .where(transition.c.emitter_key == row.key, transition.c.channel == Channel.MAIN)
        .where(transition.c.at_minute >= since, transition.c.void_at.is_(None), undone)
        .values(void_at=now)
    )
    minute = now // _MINUTE_S
    fresh = rules_in_force.load(connection, policy=rules.policy, providers=rules.providers, now=now)
    cells = evidence.cells_of_many(connection, [row.key], first_day=fresh.first_day(minute))
    inputs = fresh.inputs(unpacked(row.key), cells.get((row.key, Channel.MAIN), []), secret)
    dirty = dataclasses.replace(state, next_due_at=states.DIRTY)
    done = scoring.step(dirty, inputs, fresh.policy, fresh.trust, minute)
    again = dataclasses.replace(row, state=dataclasses.replace(done.state, next_due_at=states.DIRTY))
    states.save(connection, [again], policy_id=rules.policy_id, trust_id=rules.trust_id)
    states.add_history(
        connection, row.key, Channel.MAIN, done.transitions,
        policy_id=rules.policy_id, trust_id=rules.trust_id,
    )  # fmt: skip
    controls.next_generation(connection)


def _log(connection: Connection, bulk: Bulk, action: str, subject: str, now: int) -> None:
    author, reason = bulk.author, bulk.reason
    if bulk.undo_at is not None:
        author, reason = bulk.undo_author or author, bulk.undo_reason or reason
    controls.log(
        connection, at=now, actor=author, action=action, subject=subject,
        reason=f"number {bulk.bulk_id}: {reason}"[:200],
    )  # fmt: skip


def _counted(connection: Connection, number: int) -> tuple[int, dict[str, int], dict[str, int]]:
    """Return how many addresses a bulk action has, and its results and undo results with their numbers."""
    mine = bulk_item.c.bulk_id == number
    counts = []
    for column in (bulk_item.c.result, bulk_item.c.undo_result):
        grouped = sa.select(column, sa.func.count()).where(mine, column.is_not(None)).group_by(column)
        counts.append({str(word): int(n) for word, n in connection.execute(grouped)})
    total = connection.execute(sa.select(sa.func.count()).select_from(bulk_item).where(mine)).scalar_one()
    return int(total), counts[0], counts[1]


def _bulk(row: sa.RowMapping, items_n: int, results: dict[str, int], undo_results: dict[str, int]) -> Bulk:
    return Bulk(**row, items_n=items_n, results=results, undo_results=undo_results)
