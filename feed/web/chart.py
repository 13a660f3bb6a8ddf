"""Pictures as plain numbers: where bars stand, in the units of an SVG view box. Pure.

Templates turn them into SVG that a stylesheet colours; beside each picture the same stands in words.
"""

import dataclasses
from collections.abc import Sequence
from typing import Final

from feed.domain.listing import Code, State
from feed.store.states import Change

WIDTH: Final = 900
DAYS: Final = 90
_MINUTES_A_DAY: Final = 1440


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One rectangle. x, width: of `WIDTH`; y, height: of 100, from the top. code: 2, 3 or 0 for none."""

    x: int
    width: int
    y: int = 0
    height: int = 100
    code: int = 0


def listed_bars(history: Sequence[Change], *, now_minute: int) -> list[Bar]:
    """Return when the emitter was listed in the last `DAYS` days, oldest first.

    history: newest first. A listing that began before the oldest known change counts from the left edge.
    """
    first = now_minute - DAYS * _MINUTES_A_DAY
    bars: list[Bar] = []
    changes = list(reversed(history))  # several changes may share a minute: their order is kept
    known = bool(changes) and changes[0].from_state is State.LISTED
    since, code = (first, Code.CONFIRMED) if known else (0, Code.NONE)
    for change in changes:
        if code is not Code.NONE:
            bars += _bar(since, change.at, code, first=first)
        since, code = change.at, change.code if change.to_state is State.LISTED else Code.NONE
    if code is not Code.NONE:
        bars += _bar(since, now_minute, code, first=first)
    return bars


def _bar(since: int, until: int, code: Code, *, first: int) -> list[Bar]:
    if until < first:
        return []
    scale = WIDTH / (DAYS * _MINUTES_A_DAY)
    x = round((max(since, first) - first) * scale)
    width = max(round((until - max(since, first)) * scale), 2)  # a short listing stays visible
    return [Bar(x=min(x, WIDTH - width), width=width, code=int(code))]


def columns(values: Sequence[int]) -> list[Bar]:
    """Return one column for each value, the highest of full height; 0 has none."""
    most = max(values, default=0)
    if not most:
        return []
    step = WIDTH / len(values)
    return [
        Bar(
            x=round(number * step),
            width=max(round(step * 0.8), 1),
            y=100 - max(round(100 * value / most), 1),
            height=max(round(100 * value / most), 1),
        )
        for number, value in enumerate(values)
        if value
    ]
