"""A drawing of runs over time as SVG: plain text out, the same bytes for the same numbers.

Lines and words use colours that can be read on white and on black; nothing is loaded from anywhere. The first
line of a panel is whole and the second dashed, so that they differ without colour and where they lie on each
other.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

WIDTH: Final = 860
PANEL: Final = 160
LEFT: Final = 60
RIGHT: Final = 16
HEAD: Final = 34

_LINES: Final = (("#2f7ed8", ""), ("#d9772b", ' stroke-dasharray="7 4"'))
_CODES: Final = ("127.0.0.2", "127.0.0.3")
_PANELS: Final = (
    ("servers listed at the end of the day", ("listed .2", "listed .3"), None),
    (
        "of these wrongly: no backscatter of its own in 28 days, or a large shared sender",
        ("false .2", "false .3"),
        None,
    ),
    (
        "minutes from gates met to listed, median of the day (dotted: at most 35 are asked for)",
        ("minutes to list",),
        35,
    ),
)
"""Caption, series, and the level that is asked for."""

Series = Mapping[str, Sequence[float | None]]


def draw(runs: Sequence[tuple[str, Series]]) -> str:
    """Return an SVG document: three panels for each (title, series by day)."""
    parts: list[str] = []
    top = 0
    for title, series in runs:
        parts.append(_text(LEFT, top + 22, title, size=15, weight="bold"))
        top += HEAD
        for caption, names, asked in _PANELS:
            parts += _panel(top, caption, [series.get(name, ()) for name in names], asked)
            top += PANEL
        top += 10
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}" '
        'role="img" font-family="sans-serif" fill="#808080">'
    )
    return "\n".join(
        [head, "<title>Listings, false listings and delays over time</title>", *parts, "</svg>", ""]
    )


def _panel(top: int, caption: str, lines: Sequence[Sequence[float | None]], asked: int | None) -> list[str]:
    bottom, ceiling = top + PANEL - 40, top + 24
    known = [value for values in lines for value in values if value is not None]
    most = _round_up(max([*known, asked or 2]))  # no axis of half a server
    days = max((len(values) for values in lines), default=0)
    parts = [_text(LEFT, top + 14, caption, size=12)]
    for part in (0, 1, 2):
        y = bottom - (bottom - ceiling) * part / 2
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#808080" stroke-opacity=".35"/>')
        parts.append(_text(LEFT - 6, y + 4, f"{most * part / 2:g}", size=11, anchor="end"))
    if asked is not None:
        y = bottom - (bottom - ceiling) * asked / most
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#808080" stroke-dasharray="2 3"/>')
    parts += [
        _text(
            _x(day - 1, days), bottom + 15, f"day {day}" if day == 1 else f"{day}", size=11, anchor="middle"
        )
        for day in _days_named(days)
    ]
    for number, values in enumerate(lines):
        colour, dashes = _LINES[number]
        path, points = _path(values, most, bottom, ceiling)
        if path:
            parts.append(
                f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2" '
                f'stroke-linejoin="round"{dashes}/>'
            )
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in points]
        if len(lines) > 1:
            x = WIDTH - RIGHT - 100 * (len(lines) - number)
            parts.append(f'<path d="M{x} {top + 10}h24" stroke="{colour}" stroke-width="2"{dashes}/>')
            parts.append(_text(x + 30, top + 14, _CODES[number], size=11))
    return parts


def _days_named(days: int) -> list[int]:
    """Return which days are named on the axis: the first, and round ones."""
    step = max(5, _round_up(days / 10))
    return [1, *range(step, days + 1, step)] if days else []


def _path(
    values: Sequence[float | None], most: float, bottom: float, ceiling: float
) -> tuple[str, list[tuple[float, float]]]:
    """Return the line of a series, in pieces where a day has no number, and the points that stand alone."""
    where: list[tuple[float, float] | None] = [
        None if value is None else (_x(day, len(values)), bottom - (bottom - ceiling) * value / most)
        for day, value in enumerate(values)
    ]
    pieces: list[list[tuple[float, float]]] = [[]]
    for point in where:
        if point is not None:
            pieces[-1].append(point)
        elif pieces[-1]:
            pieces.append([])
    lines = ["M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in piece) for piece in pieces if len(piece) > 1]
    return "".join(lines), [piece[0] for piece in pieces if len(piece) == 1]


def _x(day: int, days: int) -> float:
    return LEFT + (WIDTH - RIGHT - LEFT) * day / max(1, days - 1)


def _round_up(value: float) -> int:
    """Return the next of 1, 2, 4, 6, 8, 10, 20, 40, 60 and so on, so that its half is a plain number."""
    size = 1
    while True:
        for step in (1, 2, 4, 6, 8):
            if value <= step * size:
                return step * size
        size *= 10


def _text(x: float, y: float, words: str, *, size: int, anchor: str = "start", weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}">'
        f"{escape(words)}</text>"
    )
