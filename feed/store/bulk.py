"""Events of one source in one transaction: the same result as one after the other, in few statements.

What `evidence.add_event` asks and writes for one event is asked and written here for up to a thousand
(`database.ROWS_A_WRITE`). A new original is merged into its cell; a known one that changes has the cells
of its emitter rebuilt, as there. The statements are made once, since making them costs more than running
them.
"""

import collections
import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain import cells
from feed.domain.address import emitter_key, packed
from feed.domain.event import Channel, Event, channel_of
from feed.domain.evidence import MINUTES_A_DAY, Cell
from feed.store import evidence, evidence_rows, states
from feed.store.dialect import insert_missing, insert_rows, put_all, select_rows
from feed.store.tables import cell, emitter_state, event, removal

Pool = tuple[bytes, Channel, bytes]
"""(emitter key, channel, original key): the events about one original of one source."""

Keyed = tuple[bytes, Channel, Event]
"""An event with its emitter's key and its channel, which are worked out once."""

_NEW_STATE: Final = states.fresh_values() | {"version": 0, "scored_version": 0, "policy_id": 0, "trust_id": 0}
_THIS_STATE: Final = (emitter_state.c.emitter_key == sa.bindparam("b_key")) & (
    emitter_state.c.channel == sa.bindparam("b_channel")
)
_TOUCH: Final = (
    sa.update(emitter_state)
    .where(_THIS_STATE)
    .values(version=emitter_state.c.version + 1, next_due_minute=states.DIRTY)
)
_SOFTWARE: Final = sa.update(emitter_state).where(_THIS_STATE).values(software=sa.bindparam("b_software"))
_REMOVALS: Final = sa.select(removal).where(removal.c.emitter_key.in_(sa.bindparam("keys", expanding=True)))


def add_events(
    connection: Connection, new: Sequence[Event], *, reporting_mtas: Mapping[int, str | None] | None = None
) -> list[Event]:
    """Store events of one source with their epochs, update cells, mark emitters dirty; return them stored.

    reporting_mtas: host names in the status part, by event_id.
    """
    if not new:
        return []
    source_id = new[0].source_id
    mtas = reporting_mtas or {}
    keyed = [(emitter_key(one.address), channel_of(one.kind), one) for one in new]
    _touch_all(connection, keyed)
    keyed = _with_epochs(connection, keyed)
    pools: dict[Pool, list[Event]] = collections.defaultdict(list)
    for key, channel, one in keyed:
        pools[key, channel, one.original_key].append(one)
    known = _known(connection, list(pools), source_id)
    rows = [evidence_rows.event_values(one, mtas.get(one.event_id)) for _, _, one in keyed]
    insert_rows(connection, event, rows)
    changed = {
        pool[0]
        for pool, events in known.items()
        if cells.represent([*events, *pools[pool]]) != cells.represent(events)
    }
    for key in sorted(changed):
        evidence.rebuild_cells(connection, key, source_id=source_id)
    fresh = {
        pool: cells.represent(events)
        for pool, events in pools.items()
        if pool not in known and pool[0] not in changed
    }
    _merge_all(connection, fresh, source_id)
    return [one for _, _, one in keyed]


def _touch_all(connection: Connection, new: Sequence[Keyed]) -> None:
    """Mark the emitters dirty, in the order of their keys so that two batches never wait for each other."""
    touched: dict[tuple[bytes, Channel], Event] = {}
    software: dict[tuple[bytes, Channel], str] = {}
    for key, channel, one in new:
        touched.setdefault((key, channel), one)
        if one.software:
            software[key, channel] = one.software
    ordered = sorted(touched)
    rows = [
        _NEW_STATE | {"emitter_key": at[0], "channel": at[1], "address": packed(touched[at].address)}
        for at in ordered
    ]
    insert_missing(connection, emitter_state, rows)
    connection.execute(_TOUCH, [{"b_key": at[0], "b_channel": at[1]} for at in ordered])
    if software:
        connection.execute(
            _SOFTWARE,
            [{"b_key": at[0], "b_channel": at[1], "b_software": software[at]} for at in sorted(software)],
        )


def _with_epochs(connection: Connection, new: Sequence[Keyed]) -> list[Keyed]:
    """Return `new` with the number of removals accepted before each; see `evidence.epoch_at`."""
    accepted: dict[tuple[bytes, Channel], list[int]] = collections.defaultdict(list)
    for row in connection.execute(_REMOVALS, {"keys": list({key for key, _, _ in new})}):
        accepted[bytes(row.emitter_key), Channel(row.channel)].append(row.accepted_minute)
    if not accepted:
        return list(new)
    return [
        (key, channel, dataclasses.replace(one, epoch=_epoch(one, accepted.get((key, channel), []))))
        for key, channel, one in new
    ]


def _epoch(one: Event, accepted: Sequence[int]) -> int:
    minute = cells.minute_of(one.observed_at)
    return sum(earlier < minute for earlier in accepted)


def _size_for(number: int) -> int:
    """Return the next power of two: few sizes, so that few statements are made; the rest is filled up."""
    return 1 << (number - 1).bit_length()


@functools.cache
def _cells_statement(size: int) -> sa.Select[Any]:
    """Return the look-up of the cells of `size` emitters in a span of days."""
    return sa.select(cell).where(
        cell.c.emitter_key.in_([sa.bindparam(f"k{number}", type_=sa.LargeBinary) for number in range(size)]),
        cell.c.day.between(sa.bindparam("first"), sa.bindparam("last")),
        cell.c.source_id == sa.bindparam("source_id"),
    )


@functools.cache
def _known_statement(size: int) -> sa.Select[Any]:
    """Return the look-up of `size` originals; a join, since two IN lists would try every pair."""
    pairs: list[tuple[Any, Any]] = [
        (sa.bindparam(f"k{number}"), sa.bindparam(f"o{number}")) for number in range(size)
    ]
    columns = sa.column("wanted_key", sa.LargeBinary), sa.column("wanted_original", sa.LargeBinary)
    wanted = sa.values(*columns, name="wanted").data(pairs).cte()
    return sa.select(event).select_from(
        wanted.join(
            event,
            (event.c.emitter_key == wanted.c.wanted_key)
            & (event.c.source_id == sa.bindparam("source_id"))
            & (event.c.original_key == wanted.c.wanted_original)
            & event.c.retracted_at.is_(None),
        )
    )


def _known(connection: Connection, pools: Sequence[Pool], source_id: int) -> dict[Pool, list[Event]]:
    """Return the events that stand already about any original of `pools`."""
    wanted = sorted({(key, original) for key, _, original in pools})
    size = _size_for(len(wanted))
    values: dict[str, object] = {"source_id": source_id}
    for number in range(size):
        key, original = wanted[min(number, len(wanted) - 1)]
        values[f"k{number}"], values[f"o{number}"] = key, original
    found: dict[Pool, dict[int, Event]] = collections.defaultdict(dict)
    for row in select_rows(connection, _known_statement(size), values):
        one = evidence_rows.event_of(row)
        pool = bytes(row["emitter_key"]), channel_of(one.kind), one.original_key
        found[pool][one.event_id] = one
    asked = set(pools)
    return {pool: list(events.values()) for pool, events in found.items() if pool in asked}


def _merge_all(connection: Connection, fresh: dict[Pool, cells.Original], source_id: int) -> None:
    """Merge new originals into their cells."""
    if not fresh:
        return
    days = [original.at // MINUTES_A_DAY for original in fresh.values()]
    keys = sorted({pool[0] for pool in fresh})
    size = _size_for(len(keys))
    values: dict[str, object] = {"first": min(days), "last": max(days), "source_id": source_id}
    values |= {f"k{number}": keys[min(number, len(keys) - 1)] for number in range(size)}
    made: dict[tuple[bytes, cells.CellKey], Cell] = {
        (bytes(row["emitter_key"]), evidence_rows.cell_key_of(row)): evidence_rows.cell_of(row)
        for row in select_rows(connection, _cells_statement(size), values)
    }
    added: dict[tuple[bytes, cells.CellKey], list[cells.Original]] = collections.defaultdict(list)
    for (key, _, _), original in fresh.items():
        added[key, cells.cell_key(original)].append(original)
    changed = [evidence_rows.cell_values(*at, cells.merge(made.get(at), added[at])) for at in sorted(added)]
    put_all(connection, cell, changed)
