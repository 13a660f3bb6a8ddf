"""A drawing of runs over time as SVG: plain text out, the same bytes for the same numbers.

Lines and words use colours that can be read on white and on black; nothing is loaded from anywhere.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

WIDTH: Final = 860
PANEL: Final = 150
LEFT: Final = 60
RIGHT: Final = 16
HEAD: Final = 34

_COLOURS: Final = ("#2f7ed8", "#d9772b", "#3a9d5d", "#b0509c")
_PANELS: Final = (
    ("servers listed at the end of the day", ("listed .2", "listed .3")),
    (
        "of these wrongly: no backscatter of its own in 28 days, or a large shared sender",
        ("false .2", "false .3"),
    ),
    ("minutes from gates met to listed, median of the day", ("minutes to list",)),
)

Series = Mapping[str, Sequence[float | None]]


def draw(runs: Sequence[tuple[str, Series]]) -> str:
    """Return an SVG document: three panels for each (title, series by day)."""
    parts: list[str] = []
    top = 0
    for title, series in runs:
        parts.append(_text(LEFT, top + 22, title, size=15, weight="bold"))
        top += HEAD
        for caption, names in _PANELS:
            parts += _panel(top, caption, [(name, series.get(name, ())) for name in names])
            top += PANEL
        top += 10
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}" '
        'role="img" font-family="sans-serif" fill="#808080">'
    )
    return "\n".join(
        [head, "<title>Listings, false listings and delays over time</title>", *parts, "</svg>", ""]
    )


def _panel(top: int, caption: str, lines: Sequence[tuple[str, Sequence[float | None]]]) -> list[str]:
    bottom, ceiling = top + PANEL - 30, top + 24
    most = _round_up(max((value for _, values in lines for value in values if value is not None), default=1))
    days = max((len(values) for _, values in lines), default=0)
    parts = [_text(LEFT, top + 14, caption, size=12)]
    for part in (0, 1, 2):
        y = bottom - (bottom - ceiling) * part / 2
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#808080" stroke-opacity=".35"/>')
        parts.append(_text(LEFT - 6, y + 4, f"{most * part / 2:g}", size=11, anchor="end"))
    parts += [
        _text(_x(day, days), bottom + 15, f"{day + 1}", size=11, anchor="middle")
        for day in range(0, days, max(1, _round_up(days / 8)))
    ]
    for number, (name, values) in enumerate(lines):
        colour = _COLOURS[number]
        path = _path(values, most, bottom, ceiling)
        if path:
            parts.append(
                f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2" '
                'stroke-linejoin="round" stroke-linecap="round"/>'
            )
        if len(lines) > 1:
            x = WIDTH - RIGHT - 70 * (len(lines) - number)
            parts.append(f'<path d="M{x} {top + 10}h18" stroke="{colour}" stroke-width="3"/>')
            parts.append(_text(x + 24, top + 14, name.rpartition(" ")[2], size=11))
    return parts


def _path(values: Sequence[float | None], most: float, bottom: float, ceiling: float) -> str:
    """Return the line of a series; a day without a number leaves a gap."""
    parts, is_down = [], False
    for day, value in enumerate(values):
        if value is None:
            is_down = False
            continue
        y = bottom - (bottom - ceiling) * value / most
        parts.append(f"{'L' if is_down else 'M'}{_x(day, len(values)):.1f} {y:.1f}{'' if is_down else 'h.1'}")
        is_down = True
    return "".join(parts)


def _x(day: int, days: int) -> float:
    return LEFT + (WIDTH - RIGHT - LEFT) * day / max(1, days - 1)


def _round_up(value: float) -> int:
    """Return the next of 1, 2, 5, 10, 20, 50 and so on."""
    size = 1
    while True:
        for step in (1, 2, 5):
            if value <= step * size:
                return step * size
        size *= 10


def _text(x: float, y: float, words: str, *, size: int, anchor: str = "start", weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}">'
        f"{escape(words)}</text>"
    )
