"""Events of one source in one transaction: the same result as one after the other, in few statements.

What `evidence.add_event` asks and writes for one event is asked and written here for up to a thousand
(`database.ROWS_A_WRITE`). A new original is merged into its cell; a known one that changes has the cells
of its emitter rebuilt, as there. The statements are made once, since making them costs more than running
them.
"""

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain import cells
from feed.domain.address import Address, emitter_key, packed
from feed.domain.event import Channel, Event, channel_of
from feed.domain.evidence import MINUTES_A_DAY, Cell
from feed.store import evidence, evidence_rows, states
from feed.store.dialect import insert_all, matching, merge_all, put_all
from feed.store.tables import cell, emitter_state, event, removal

Pool = tuple[bytes, Channel, bytes]
"""(emitter key, channel, original key): the events about one original of one source."""

Keyed = tuple[bytes, Channel, bytes, Event]
"""An event with its emitter's key, its channel and its packed address, which are worked out once."""

_NEW_STATE: Final = states.fresh_values() | {
    "next_due_minute": states.DIRTY, "scored_version": 0, "policy_id": 0, "trust_id": 0,
}  # fmt: skip
_STATE_NAMES: Final = ("emitter_key", "channel", "address", "software", "version", *_NEW_STATE)
_NEW: Final = (1, *(int(value) if isinstance(value, int) else value for value in _NEW_STATE.values()))
_KNOWN_NAMES: Final = tuple(event.c)
_STANDING: Final = (event.c.source_id == sa.bindparam("source_id"), event.c.retracted_at.is_(None))
_CELL_NAMES: Final = tuple(cell.c)
_THESE_DAYS: Final = (
    cell.c.day.between(sa.bindparam("first"), sa.bindparam("last")),
    cell.c.source_id == sa.bindparam("source_id"),
)


def _touched(new: Any) -> dict[str, Any]:
    return {
        "version": emitter_state.c.version + sa.literal_column("1"),
        "next_due_minute": sa.literal_column(str(states.DIRTY)),
        "software": sa.func.coalesce(new.software, emitter_state.c.software),
    }


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
    keyed = _keyed(new)
    _touch_all(connection, keyed)
    keyed = _with_epochs(connection, keyed)
    pools: dict[Pool, list[Event]] = collections.defaultdict(list)
    for key, channel, _, one in keyed:
        pools[key, channel, one.original_key].append(one)
    known = _known(connection, list(pools), source_id)
    rows = [
        evidence_rows.event_row(one, key, channel, address, mtas.get(one.event_id))
        for key, channel, address, one in keyed
    ]
    insert_all(connection, event, evidence_rows.EVENT_NAMES, rows)
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
    return [one for _, _, _, one in keyed]


def _keyed(new: Sequence[Event]) -> list[Keyed]:
    """Return `new` with their keys; most events of a batch speak of the same few emitters."""
    known: dict[Address, tuple[bytes, bytes]] = {}
    keyed = []
    for one in new:
        found = known.get(one.address)
        if found is None:
            found = known[one.address] = emitter_key(one.address), packed(one.address)
        keyed.append((found[0], channel_of(one.kind), found[1], one))
    return keyed


def _touch_all(connection: Connection, new: Sequence[Keyed]) -> None:
    """Mark the emitters dirty, in the order of their keys so that two batches never wait for each other."""
    touched: dict[tuple[bytes, Channel], bytes] = {}
    software: dict[tuple[bytes, Channel], str] = {}
    for key, channel, address, one in new:
        touched.setdefault((key, channel), address)
        if one.software:
            software[key, channel] = one.software
    rows = [(at[0], int(at[1]), touched[at], software.get(at), *_NEW) for at in sorted(touched)]
    merge_all(connection, emitter_state, _STATE_NAMES, rows, change=_touched)


def _with_epochs(connection: Connection, new: Sequence[Keyed]) -> list[Keyed]:
    """Return `new` with the number of removals accepted before each; see `evidence.epoch_at`."""
    accepted: dict[tuple[bytes, int], list[int]] = collections.defaultdict(list)
    names = (removal.c.emitter_key, removal.c.channel, removal.c.accepted_minute)
    wanted = [(key,) for key in {key for key, _, _, _ in new}]
    for key, channel, minute in matching(connection, names, (removal.c.emitter_key,), wanted):
        accepted[key, channel].append(minute)
    if not accepted:
        return list(new)
    return [
        (key, channel, address, dataclasses.replace(one, epoch=_epoch(one, accepted.get((key, channel), []))))
        for key, channel, address, one in new
    ]


def _epoch(one: Event, accepted: Sequence[int]) -> int:
    minute = cells.minute_of(one.observed_at)
    return sum(earlier < minute for earlier in accepted)


def _known(connection: Connection, pools: Sequence[Pool], source_id: int) -> dict[Pool, list[Event]]:
    """Return the events that stand already about any original of `pools`."""
    wanted = sorted({(key, original) for key, _, original in pools})
    keys = (event.c.emitter_key, event.c.original_key)
    found: dict[Pool, dict[int, Event]] = collections.defaultdict(dict)
    for values in matching(
        connection, _KNOWN_NAMES, keys, wanted, also=_STANDING, one_by_one=True, source_id=source_id
    ):
        row = dict(zip(event.c.keys(), values, strict=True))
        one = evidence_rows.event_of(row)
        found[row["emitter_key"], channel_of(one.kind), one.original_key][one.event_id] = one
    asked = set(pools)
    return {pool: list(events.values()) for pool, events in found.items() if pool in asked}


def _merge_all(connection: Connection, fresh: dict[Pool, cells.Original], source_id: int) -> None:
    """Merge new originals into their cells."""
    if not fresh:
        return
    days = [original.at // MINUTES_A_DAY for original in fresh.values()]
    wanted = [(key,) for key in sorted({pool[0] for pool in fresh})]
    made: dict[tuple[bytes, cells.CellKey], Cell] = {}
    for values in matching(
        connection, _CELL_NAMES, (cell.c.emitter_key,), wanted, also=_THESE_DAYS,
        source_id=source_id, first=min(days), last=max(days),
    ):  # fmt: skip
        row = dict(zip(cell.c.keys(), values, strict=True))
        made[row["emitter_key"], evidence_rows.cell_key_of(row)] = evidence_rows.cell_of(row)
    added: dict[tuple[bytes, cells.CellKey], list[cells.Original]] = collections.defaultdict(list)
    for (key, _, _), original in fresh.items():
        added[key, cells.cell_key(original)].append(original)
    changed = [evidence_rows.cell_values(*at, cells.merge(made.get(at), added[at])) for at in sorted(added)]
    put_all(connection, cell, changed)
