"""From events to originals to cells: what the score counts, rebuilt or grown, in any order.

All events about one original in one (emitter, channel, source) are one original. A cell sums originals,
so a store adds a new original by `merge`; a second event about a known original needs `cells_of`, since
a maximum cannot be taken back (engineering.md, tables).
"""

import collections
import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from feed.domain.address import packed
from feed.domain.event import Channel, Event, Kind, RecipientClass, channel_of
from feed.domain.evidence import MICRO, MINUTES_A_DAY, Cell

CellKey = tuple[Channel, int, int, int]
"""(channel, day, epoch, source_id): the key of a cell inside one emitter."""

STRONG: Final = 3
"""Least strength that may support a listing: complete sent log, tag or trap."""

TRAP_STRENGTH: Final = 4

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_POINTS: Final = (0, MICRO // 2, 2 * MICRO, 3 * MICRO, 4 * MICRO, 5 * MICRO)
_HALF: Final = frozenset({Kind.AUTO, Kind.DSN_DELAY, Kind.DSN_OK})
_TRAPS: Final = frozenset({RecipientClass.TRAP, RecipientClass.TAG_BAD, RecipientClass.TAG_MISSING})


def minute_of(instant: dt.datetime) -> int:
    """Return whole minutes since 1970-01-01 UTC of an aware instant, rounded down."""
    return (instant - _EPOCH) // dt.timedelta(minutes=1)


def points_of(kind: Kind, recipient_class: RecipientClass, strength: int) -> int:
    """Return the micro-points of one original (scoring.md 3).

    Kinds that well-behaved servers send too (auto-replies, delay and delivery notices) count half.
    Kinds of other channels have points as well; their channel is never listed. An unknown recipient is
    worth strength 2 at most, whatever was claimed.
    """
    if kind is Kind.NONE:
        return 0
    most = 2 if recipient_class is RecipientClass.NO_SUCH_USER else 5
    points = _POINTS[max(0, min(strength, most))]
    return points // 2 if kind in _HALF else points


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """One mail that was returned, as one source saw it come back from one emitter in one channel.

    at: earliest observation of any of its events, minutes since 1970; epoch: that event's epoch. kind,
    recipient_class, strength, points and recipient_token: of the representative, the event with the
    most points, then the earliest, then the lowest id. kinds, addr_min, addr_max: over all its events.
    """

    channel: Channel
    source_id: int
    at: int
    epoch: int
    kind: Kind
    recipient_class: RecipientClass
    strength: int
    points: int
    recipient_token: int
    kinds: int
    addr_min: bytes
    addr_max: bytes


def represent(events: Iterable[Event]) -> Original:
    """Return the original that `events` speak of: one source, channel and original_key, at least one."""
    pool = sorted(events, key=lambda event: (event.observed_at, event.event_id))
    if not pool:
        raise ValueError("an original has at least one event")
    earliest = pool[0]
    best = max(pool, key=_worth)  # max keeps the first of equals: the earliest, then the lowest id
    addresses = [packed(event.address) for event in pool]
    kinds = 0
    for event in pool:
        kinds |= 1 << event.kind
    return Original(
        channel=channel_of(best.kind),
        source_id=best.source_id,
        at=minute_of(earliest.observed_at),
        epoch=earliest.epoch,
        kind=best.kind,
        recipient_class=best.recipient_class,
        strength=best.strength,
        points=_worth(best),
        recipient_token=best.recipient_token,
        kinds=kinds,
        addr_min=min(addresses),
        addr_max=max(addresses),
    )


def _worth(event: Event) -> int:
    return points_of(event.kind, event.recipient_class, event.strength)


def originals_of(events: Iterable[Event]) -> list[Original]:
    """Return the originals of one emitter's events, in no particular order."""
    pools: dict[tuple[Channel, int, bytes], list[Event]] = collections.defaultdict(list)
    for event in events:
        pools[channel_of(event.kind), event.source_id, event.original_key].append(event)
    return [represent(pool) for pool in pools.values()]


def cell_key(original: Original) -> CellKey:
    """Return the key of the cell in which `original` is counted."""
    return original.channel, original.at // MINUTES_A_DAY, original.epoch, original.source_id


def merge(cell: Cell | None, new: Sequence[Original]) -> Cell:
    """Return `cell` with new originals added, at least one; None: a cell that does not exist yet.

    The caller keeps to the cell of `cell_key(original)` and to originals not counted before. All at once is
    the same as one after the other.
    """
    if cell is None:
        _, day, epoch, source_id = cell_key(new[0])
        cell = Cell(source_id=source_id, day=day, epoch=epoch)
    trapped = [
        one for one in new if _counted_strength(one) >= TRAP_STRENGTH and one.recipient_class in _TRAPS
    ]
    if trapped:
        cell = _with_traps(cell, trapped)
    points = weak_points = nsu_points = nsu_n = log_miss_n = auto_n = kinds = strong_at = 0
    counts = list(cell.n_u)
    for one in new:
        strength = _counted_strength(one)
        counts[max(0, min(strength, 5))] += 1
        kinds |= one.kinds
        if one.recipient_class is RecipientClass.NO_SUCH_USER:
            nsu_points += one.points
            nsu_n += 1
        elif strength <= 1:
            weak_points += one.points
        else:
            points += one.points
        if strength >= STRONG:
            strong_at = max(strong_at, one.at)
            log_miss_n += one.recipient_class is RecipientClass.LOG_MISS
            auto_n += one.kind is Kind.AUTO
    times = [one.at for one in new]
    lowest, highest = min(one.addr_min for one in new), max(one.addr_max for one in new)
    first = cell.n == 0
    return dataclasses.replace(
        cell,
        points=cell.points + points,
        weak_points=cell.weak_points + weak_points,
        nsu_points=cell.nsu_points + nsu_points,
        nsu_n=cell.nsu_n + nsu_n,
        n=cell.n + len(new),
        n_u=(counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]),
        log_miss_n=cell.log_miss_n + log_miss_n,
        auto_n=cell.auto_n + auto_n,
        first_at=min(times) if first else min(cell.first_at, *times),
        last_at=max(times) if first else max(cell.last_at, *times),
        strong_at=max(cell.strong_at, strong_at),
        addr_min=lowest if first else min(cell.addr_min, lowest),
        addr_max=highest if first else max(cell.addr_max, highest),
        kinds=cell.kinds | kinds,
    )


def _counted_strength(original: Original) -> int:
    is_nsu = original.recipient_class is RecipientClass.NO_SUCH_USER
    return min(original.strength, 2) if is_nsu else original.strength


def _with_traps(cell: Cell, trapped: Sequence[Original]) -> Cell:
    """Return `cell` with originals at traps or tagged addresses added in its trap fields only."""
    times = [one.at for one in trapped]
    tokens = [one.recipient_token for one in trapped if one.recipient_token]
    tokens += [token for token in (cell.trap_token_min, cell.trap_token_max) if token]
    if cell.trap_n:
        times += [cell.trap_first_at, cell.trap_last_at]
    return dataclasses.replace(
        cell,
        trap_n=cell.trap_n + len(trapped),
        trap_first_at=min(times),
        trap_last_at=max(times),
        trap_token_min=min(tokens, default=0),
        trap_token_max=max(tokens, default=0),
    )


def cells_of(events: Iterable[Event]) -> dict[CellKey, Cell]:
    """Return all cells of one emitter, rebuilt from all its events that stand.

    Any order and any repetition of the same events gives the same cells.
    """
    found: dict[CellKey, list[Original]] = collections.defaultdict(list)
    for original in originals_of(events):
        found[cell_key(original)].append(original)
    return {key: merge(None, originals) for key, originals in found.items()}


def observe(cell: Cell, *, null_n: int, genuine_n: int, seen_24h: int) -> Cell:
    """Return `cell` with a source's observation of that day; of several the largest number counts."""
    return dataclasses.replace(
        cell,
        observed=True,
        null_n=max(cell.null_n, null_n),
        genuine_n=max(cell.genuine_n, genuine_n),
        seen_24h=max(cell.seen_24h, seen_24h),
    )


def without_muted(cells: Iterable[Cell], muted: Collection[tuple[int, int]]) -> list[Cell]:
    """Return the cells that count where the reports of some (source, day) are muted.

    Of those stays what the source observed: its word of genuine mail can only make a listing milder, and
    without it a genuine notification could be refused because of what somebody provoked.
    """
    counted = []
    for cell in cells:
        if (cell.source_id, cell.day) not in muted:
            counted.append(cell)
        elif cell.observed:
            empty = Cell(source_id=cell.source_id, day=cell.day, epoch=cell.epoch)
            said = observe(empty, null_n=cell.null_n, genuine_n=cell.genuine_n, seen_24h=cell.seen_24h)
            counted.append(said)
    return counted


def carry_observations(rebuilt: Mapping[CellKey, Cell], old: Mapping[CellKey, Cell]) -> dict[CellKey, Cell]:
    """Return `rebuilt` with the observations of `old`: a rebuild from events must not lose them."""
    result = dict(rebuilt)
    for key, cell in old.items():
        if cell.observed:
            fresh = result.get(key) or Cell(source_id=cell.source_id, day=cell.day, epoch=cell.epoch)
            result[key] = observe(fresh, null_n=cell.null_n, genuine_n=cell.genuine_n, seen_24h=cell.seen_24h)
    return result
