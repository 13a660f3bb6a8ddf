"""Many events of one source in one transaction: the same result as one after the other, in few statements.

What `evidence.add_event` asks and writes for one event is asked and written here for up to a thousand
(`database.ROWS_A_WRITE`). A new original is merged into its cell; a known one that changes has the cells
of its emitter rebuilt, as there.
"""

import collections
import dataclasses
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain import cells
from feed.domain.address import emitter_key, packed
from feed.domain.event import Channel, Event, channel_of
from feed.domain.evidence import MINUTES_A_DAY, Cell
from feed.store import evidence, states
from feed.store.dialect import insert_missing, put_all
from feed.store.tables import cell, emitter_state, event, removal

Pool = tuple[bytes, Channel, bytes]
"""(emitter key, channel, original key): the events about one original of one source."""

_NEW_STATE: Final = states.fresh_values() | {"version": 0, "scored_version": 0, "policy_id": 0, "trust_id": 0}


def add_events(connection: Connection, new: Sequence[Event]) -> list[Event]:
    """Store events of one source with their epochs, update cells, mark emitters dirty; return them stored."""
    if not new:
        return []
    source_id = new[0].source_id
    _touch_all(connection, new)
    stored = _with_epochs(connection, new)
    known = _known(connection, stored, source_id)
    connection.execute(sa.insert(event), [evidence.event_values(one) for one in stored])
    pools: dict[Pool, list[Event]] = collections.defaultdict(list)
    for one in stored:
        pools[_pool(one)].append(one)
    changed = {
        pool[0]
        for pool, events in pools.items()
        if pool in known and cells.represent([*known[pool], *events]) != cells.represent(known[pool])
    }
    for key in sorted(changed):
        evidence.rebuild_cells(connection, key, source_id=source_id)
    fresh = {
        pool: cells.represent(events)
        for pool, events in pools.items()
        if pool not in known and pool[0] not in changed
    }
    _merge_all(connection, fresh, source_id)
    return stored


def _pool(one: Event) -> Pool:
    return emitter_key(one.address), channel_of(one.kind), one.original_key


def _touch_all(connection: Connection, new: Sequence[Event]) -> None:
    """Mark the emitters dirty, in the order of their keys so that two batches never wait for each other."""
    touched: dict[tuple[bytes, Channel], Event] = {}
    software: dict[tuple[bytes, Channel], str] = {}
    for one in new:
        at = emitter_key(one.address), channel_of(one.kind)
        touched[at] = one
        if one.software:
            software[at] = one.software
    ordered = sorted(touched)
    insert_missing(
        connection,
        emitter_state,
        [
            _NEW_STATE
            | {"emitter_key": key, "channel": channel, "address": packed(touched[key, channel].address)}
            for key, channel in ordered
        ],
    )
    mine = (emitter_state.c.emitter_key == sa.bindparam("b_key")) & (
        emitter_state.c.channel == sa.bindparam("b_channel")
    )
    connection.execute(
        sa.update(emitter_state)
        .where(mine)
        .values(version=emitter_state.c.version + 1, next_due_minute=states.DIRTY),
        [{"b_key": key, "b_channel": channel} for key, channel in ordered],
    )
    if software:
        connection.execute(
            sa.update(emitter_state).where(mine).values(software=sa.bindparam("b_software")),
            [{"b_key": at[0], "b_channel": at[1], "b_software": software[at]} for at in sorted(software)],
        )


def _with_epochs(connection: Connection, new: Sequence[Event]) -> list[Event]:
    """Return `new` with the number of removals accepted before each; see `evidence.epoch_at`."""
    keys = {emitter_key(one.address) for one in new}
    accepted: dict[tuple[bytes, Channel], list[int]] = collections.defaultdict(list)
    for row in connection.execute(sa.select(removal).where(removal.c.emitter_key.in_(keys))):
        accepted[bytes(row.emitter_key), Channel(row.channel)].append(row.accepted_minute)
    if not accepted:
        return list(new)
    stored = []
    for one in new:
        minutes = accepted.get((emitter_key(one.address), channel_of(one.kind)), [])
        before = sum(minute < cells.minute_of(one.observed_at) for minute in minutes)
        stored.append(dataclasses.replace(one, epoch=before))
    return stored


def _known(connection: Connection, stored: Sequence[Event], source_id: int) -> dict[Pool, list[Event]]:
    """Return the events that stand already about any original of `stored`."""
    chosen = sa.select(event).where(
        event.c.emitter_key.in_({emitter_key(one.address) for one in stored}),
        event.c.source_id == source_id,
        event.c.original_key.in_({one.original_key for one in stored}),
        event.c.retracted_at.is_(None),
    )
    found: dict[Pool, list[Event]] = collections.defaultdict(list)
    for row in connection.execute(chosen).mappings():
        one = evidence.event_of(row)
        found[_pool(one)].append(one)
    return dict(found)


def _merge_all(connection: Connection, fresh: dict[Pool, cells.Original], source_id: int) -> None:
    """Merge new originals into their cells."""
    if not fresh:
        return
    days = [original.at // MINUTES_A_DAY for original in fresh.values()]
    chosen = sa.select(cell).where(
        cell.c.emitter_key.in_({pool[0] for pool in fresh}),
        cell.c.source_id == source_id,
        cell.c.day.between(min(days), max(days)),
    )
    made: dict[tuple[bytes, cells.CellKey], Cell] = {
        (bytes(row["emitter_key"]), evidence.cell_key_of(row)): evidence.cell_of(row)
        for row in connection.execute(chosen).mappings()
    }
    changed = set()
    for (key, _, _), original in fresh.items():
        at = key, cells.cell_key(original)
        made[at] = cells.merge(made.get(at), original)
        changed.add(at)
    put_all(connection, cell, [evidence.cell_values(*at, made[at]) for at in sorted(changed)])
