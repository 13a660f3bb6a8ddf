"""Numbers and times as people read them: bands, dates in UTC, durations. Pure."""

import datetime as dt
from typing import Final

_MINUTES_A_DAY: Final = 1440
_BANDS: Final = ((1, 1), (2, 4), (5, 9))


def band(number: int) -> tuple[int, int | None]:
    """Return the least and greatest number of the band that holds `number` (greatest None: open).

    Exact counts would tell an emitter which of its mails hit a trap (ux-ecosystem.md 1.2).
    """
    if number < 1:
        return 0, 0
    return next(((low, high) for low, high in _BANDS if number <= high), (10, None))


def band_words(number: int) -> str:
    """Return the band of `number` in words: `no`, `1`, `2 to 4`, `5 to 9`, `10 or more`."""
    low, high = band(number)
    if high is None:
        return f"{low} or more"
    return "no" if high == 0 else str(low) if low == high else f"{low} to {high}"


def moment(seconds: int) -> str:
    """Return `2026-11-25 14:05 UTC` of seconds since 1970."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")


def exact_moment(seconds: int) -> str:
    """Return `2026-11-25 14:05:09 UTC` of seconds since 1970."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def iso(seconds: int) -> str:
    """Return `2026-11-25T14:05:09Z`, for machines."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def date(day: int) -> str:
    """Return `2026-11-25` of days since 1970."""
    return (dt.date(1970, 1, 1) + dt.timedelta(days=day)).isoformat()


def duration(minutes: int) -> str:
    """Return `45 minutes`, `24 hours`, `7 days`: the largest unit that tells it exactly, days from two on."""
    if minutes >= 2 * _MINUTES_A_DAY and minutes % _MINUTES_A_DAY == 0:
        return f"{minutes // _MINUTES_A_DAY} days"
    if minutes >= 60 and minutes % 60 == 0:  # noqa: PLR2004
        hours = minutes // 60
        return "1 hour" if hours == 1 else f"{hours} hours"
    return "1 minute" if minutes == 1 else f"{minutes} minutes"


def points(micro: int) -> str:
    """Return micro-points as points, without needless zeros: `10`, `2.5`."""
    whole, rest = divmod(micro, 1_000_000)
    return str(whole) if not rest else f"{whole}.{rest:06d}".rstrip("0")


def size(number: int) -> str:
    """Return bytes as people read them: `812 B`, `14 kB`, `1.2 MB`."""
    value = float(number)
    for unit in ("B", "kB", "MB"):
        if value < 1000:  # noqa: PLR2004
            return f"{value:.0f} {unit}" if unit != "MB" else f"{value:.1f} MB"
        value /= 1000
    return f"{value:.1f} GB"


def left(minutes: int) -> str:
    """Return how long is left, in one unit rounded up: `1 minute`, `5 hours`, `27 days`."""
    if minutes < 2 * 60:
        return duration(max(minutes, 1))
    if minutes < 2 * _MINUTES_A_DAY:
        return f"{-(-minutes // 60)} hours"
    return f"{-(-minutes // _MINUTES_A_DAY)} days"
