"""Events and their cache, the cells. One report changes one cell, or has one source's cells rebuilt.

An event about a new original is merged into its cell. One about a known original changes nothing unless
it is stronger or earlier; then the cells of that source and emitter are rebuilt from events, since a
minimum or maximum cannot be undone. Either way the cells equal `cells_of` over all events.
"""

import dataclasses
from collections.abc import Collection, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain import cells
from feed.domain.address import Address, emitter_key, packed
from feed.domain.event import Channel, Event, channel_of
from feed.domain.evidence import MINUTES_A_DAY, Cell
from feed.domain.timeline import Observed
from feed.store import states
from feed.store.evidence_rows import cell_key_of, cell_of, cell_values, event_of, event_values
from feed.store.tables import cell, event, observation, removal

_SECONDS_A_DAY: Final = 86_400
_SECONDS_A_MINUTE: Final = 60
_A_STATEMENT: Final = 500
"""Values that one statement names; SQLite takes no more than some thousand."""


def add_event(connection: Connection, new: Event, *, reporting_mta: str | None = None) -> Event:
    """Store `new` with its epoch, update the cells, mark the emitter dirty; return the event as stored."""
    key, channel = emitter_key(new.address), channel_of(new.kind)
    states.touch(connection, key, channel, address=packed(new.address), software=new.software)
    stored = dataclasses.replace(
        new, epoch=epoch_at(connection, key, channel, cells.minute_of(new.observed_at))
    )
    same = events_of(
        connection, key, source_id=stored.source_id, original_key=stored.original_key, channel=channel
    )
    connection.execute(sa.insert(event).values(event_values(stored, reporting_mta)))
    if not same:
        original = cells.represent([stored])
        at = cells.cell_key(original)
        _put(connection, key, at, cells.merge(_read(connection, key, at), [original]))
    elif cells.represent([*same, stored]) != cells.represent(same):
        rebuild_cells(connection, key, source_id=stored.source_id)
    return stored


def add_observation(
    connection: Connection,
    address: Address,
    *,
    source_id: int,
    day: int,
    null_n: int,
    genuine_n: int,
    seen_24h: int,
    now: int | None = None,
) -> None:
    """Keep what a source said of an address and day, and mark the emitter dirty.

    The cell keeps the largest number of each day. now: seconds; unknown, it was said as the day began.
    """
    key = emitter_key(address)
    row = states.touch(connection, key, Channel.MAIN, address=packed(address))
    minute = now // _SECONDS_A_MINUTE if now is not None else day * MINUTES_A_DAY
    said = Observed(
        received_at=minute, source_id=source_id, day=day, epoch=row.state.epoch,
        null_n=null_n, genuine_n=genuine_n, seen_24h=seen_24h,
    )  # fmt: skip
    _keep_observation(connection, key, packed(address), said)
    at = (Channel.MAIN, day, said.epoch, source_id)
    old = _read(connection, key, at) or Cell(source_id=source_id, day=day, epoch=said.epoch)
    _put(connection, key, at, cells.observe(old, null_n=null_n, genuine_n=genuine_n, seen_24h=seen_24h))


def _keep_observation(connection: Connection, key: bytes, address: bytes, said: Observed) -> None:
    """Store an observation; of one minute the largest numbers are kept."""
    mine = (
        (observation.c.emitter_key == key)
        & (observation.c.source_id == said.source_id)
        & (observation.c.day == said.day)
        & (observation.c.received_minute == said.received_at)
    )
    old = connection.execute(sa.select(observation).where(mine)).first()
    values = {
        "emitter_key": key, "source_id": said.source_id, "day": said.day, "received_minute": said.received_at,
        "epoch": said.epoch, "address": address,
        "null_n": said.null_n, "genuine_n": said.genuine_n, "seen_24h": said.seen_24h,
    }  # fmt: skip
    if old is None:
        connection.execute(sa.insert(observation).values(values))
        return
    if old.retracted_at is None and old.epoch == said.epoch:
        for name in ("null_n", "genuine_n", "seen_24h"):
            values[name] = max(values[name], getattr(old, name))
    connection.execute(sa.update(observation).where(mine).values(values | {"retracted_at": None}))


def epoch_at(connection: Connection, key: bytes, channel: Channel, minute: int) -> int:
    """Return how many removals were accepted before `minute`; one of the same minute is later."""
    found = connection.execute(
        sa.select(sa.func.count())
        .select_from(removal)
        .where(removal.c.emitter_key == key, removal.c.channel == channel, removal.c.accepted_minute < minute)
    ).scalar_one()
    return int(found)


def rebuild_cells(connection: Connection, key: bytes, *, source_id: int | None = None) -> None:
    """Make the cells of an emitter (of one source, or of all) again from its rows: the one repair."""
    mine = cell.c.emitter_key == key
    if source_id is not None:
        mine &= cell.c.source_id == source_id
    connection.execute(sa.delete(cell).where(mine))
    rows = [cell_values(key, at, made) for at, made in rebuilt_cells(connection, key, source_id).items()]
    if rows:
        connection.execute(sa.insert(cell), rows)


def rebuilt_cells(
    connection: Connection, key: bytes, source_id: int | None = None
) -> dict[cells.CellKey, Cell]:
    """Return what the cells of an emitter (of one source, or of all) must be by its rows that stand."""
    rebuilt = cells.cells_of(events_of(connection, key, source_id=source_id))
    for said in observations_of(connection, key, source_id=source_id):
        at = (Channel.MAIN, said.day, said.epoch, said.source_id)
        made = rebuilt.get(at) or Cell(source_id=said.source_id, day=said.day, epoch=said.epoch)
        rebuilt[at] = cells.observe(
            made, null_n=said.null_n, genuine_n=said.genuine_n, seen_24h=said.seen_24h
        )
    return rebuilt


def rebuilt_many(connection: Connection, keys: Sequence[bytes]) -> dict[bytes, dict[cells.CellKey, Cell]]:
    """Return what the cells of up to a thousand emitters must be, read in two statements."""
    events: dict[bytes, list[Event]] = {key: [] for key in keys}
    chosen = sa.select(event).where(event.c.emitter_key.in_(keys), event.c.retracted_at.is_(None))
    for row in connection.execute(chosen).mappings():
        events[bytes(row["emitter_key"])].append(event_of(row))
    rebuilt = {key: cells.cells_of(found) for key, found in events.items()}
    said = sa.select(observation).where(
        observation.c.emitter_key.in_(keys), observation.c.retracted_at.is_(None)
    )
    for one in connection.execute(said):
        mine = rebuilt[bytes(one.emitter_key)]
        at = (Channel.MAIN, one.day, one.epoch, one.source_id)
        made = mine.get(at) or Cell(source_id=one.source_id, day=one.day, epoch=one.epoch)
        mine[at] = cells.observe(made, null_n=one.null_n, genuine_n=one.genuine_n, seen_24h=one.seen_24h)
    return rebuilt


def stored_many(
    connection: Connection, keys: Sequence[bytes], *, first_day: int
) -> dict[bytes, dict[cells.CellKey, Cell]]:
    """Return the cells of up to a thousand emitters as they are, since a day."""
    found: dict[bytes, dict[cells.CellKey, Cell]] = {key: {} for key in keys}
    chosen = sa.select(cell).where(cell.c.emitter_key.in_(keys), cell.c.day >= first_day)
    for row in connection.execute(chosen).mappings():
        found[bytes(row["emitter_key"])][cell_key_of(row)] = cell_of(row)
    return found


def observations_of(connection: Connection, key: bytes, *, source_id: int | None = None) -> list[Observed]:
    """Return the observations of an emitter that stand, in no particular order."""
    chosen = sa.select(observation).where(
        observation.c.emitter_key == key, observation.c.retracted_at.is_(None)
    )
    if source_id is not None:
        chosen = chosen.where(observation.c.source_id == source_id)
    return [
        Observed(
            received_at=row.received_minute, source_id=row.source_id, day=row.day, epoch=row.epoch,
            null_n=row.null_n, genuine_n=row.genuine_n, seen_24h=row.seen_24h,
        )
        for row in connection.execute(chosen)
    ]  # fmt: skip


def cells_of_many(
    connection: Connection, keys: Sequence[bytes], *, first_day: int
) -> dict[tuple[bytes, Channel], list[Cell]]:
    """Return the cells since `first_day` of up to a thousand emitters, by emitter and channel."""
    found: dict[tuple[bytes, Channel], list[Cell]] = {}
    chosen = sa.select(cell).where(cell.c.emitter_key.in_(keys), cell.c.day >= first_day)
    for row in connection.execute(chosen).mappings():
        found.setdefault((bytes(row["emitter_key"]), Channel(row["channel"])), []).append(cell_of(row))
    return found


def retract_events(connection: Connection, key: bytes, event_ids: Collection[int], *, now: int) -> int:
    """Make events of one emitter count no more, as if they had never come; return how many counted.

    The emitter is scored again at the next tick (scoring.md 4.4).
    """
    states.make_due(connection, key, key)  # first, so that its rows are locked as `add_event` locks them
    sources: list[int] = []
    wanted = sorted(event_ids)
    for start in range(0, len(wanted), _A_STATEMENT):
        some = wanted[start : start + _A_STATEMENT]
        changed = connection.execute(
            sa.update(event)
            .where(event.c.emitter_key == key, event.c.event_id.in_(some), event.c.retracted_at.is_(None))
            .values(retracted_at=now)
            .returning(event.c.source_id)
        ).scalars()
        sources += changed
    for source_id in sorted(set(sources)):
        rebuild_cells(connection, key, source_id=source_id)
    return len(sources)


def standing(connection: Connection, key: bytes, event_ids: Collection[int]) -> list[int]:
    """Return those of an emitter's events `event_ids` that count, in order."""
    wanted = sorted(event_ids)
    found: list[int] = []
    for start in range(0, len(wanted), _A_STATEMENT):
        some = wanted[start : start + _A_STATEMENT]
        chosen = sa.select(event.c.event_id).where(
            event.c.emitter_key == key, event.c.event_id.in_(some), event.c.retracted_at.is_(None)
        )
        found += connection.execute(chosen).scalars()
    return sorted(found)


def retract_source(connection: Connection, key: bytes, *, source_id: int, until: int, now: int) -> None:
    """Make nothing count any more that a source said of an emitter up to second `until`."""
    states.make_due(connection, key, key)
    connection.execute(
        sa.update(event)
        .where(event.c.emitter_key == key, event.c.source_id == source_id)
        .where(event.c.retracted_at.is_(None), event.c.received_at <= until)
        .values(retracted_at=now)
    )
    connection.execute(
        sa.update(observation)
        .where(observation.c.emitter_key == key, observation.c.source_id == source_id)
        .where(observation.c.retracted_at.is_(None))
        .where(observation.c.received_minute <= until // _SECONDS_A_MINUTE)
        .values(retracted_at=now)
    )
    rebuild_cells(connection, key, source_id=source_id)


def keys_of_source(connection: Connection, source_id: int, *, until: int) -> list[bytes]:
    """Return the emitters of which a source said anything up to second `until` that stands, in order."""
    told = sa.select(event.c.emitter_key).where(
        event.c.source_id == source_id, event.c.retracted_at.is_(None), event.c.received_at <= until
    )
    seen = sa.select(observation.c.emitter_key).where(
        observation.c.source_id == source_id,
        observation.c.retracted_at.is_(None),
        observation.c.received_minute <= until // _SECONDS_A_MINUTE,
    )
    return sorted(bytes(key) for key in connection.execute(sa.union(told, seen)).scalars())


def events_of(
    connection: Connection,
    key: bytes,
    *,
    source_id: int | None = None,
    original_key: bytes | None = None,
    channel: Channel | None = None,
) -> list[Event]:
    """Return the events of an emitter that stand, in no particular order."""
    chosen = sa.select(event).where(event.c.emitter_key == key, event.c.retracted_at.is_(None))
    if source_id is not None:
        chosen = chosen.where(event.c.source_id == source_id)
    if original_key is not None:
        chosen = chosen.where(event.c.original_key == original_key)
    if channel is not None:
        chosen = chosen.where(event.c.channel == channel)
    return [event_of(row) for row in connection.execute(chosen).mappings()]


def _at(key: bytes, at: cells.CellKey) -> sa.ColumnElement[bool]:
    channel, day, epoch, source_id = at
    return sa.and_(
        cell.c.emitter_key == key,
        cell.c.channel == channel,
        cell.c.day == day,
        cell.c.epoch == epoch,
        cell.c.source_id == source_id,
    )


def _read(connection: Connection, key: bytes, at: cells.CellKey) -> Cell | None:
    row = connection.execute(sa.select(cell).where(_at(key, at))).mappings().first()
    return cell_of(row) if row is not None else None


def _put(connection: Connection, key: bytes, at: cells.CellKey, made: Cell) -> None:
    values = cell_values(key, at, made)
    changed = connection.execute(sa.update(cell).where(_at(key, at)).values(values))
    if changed.rowcount == 0:
        connection.execute(sa.insert(cell).values(values))
