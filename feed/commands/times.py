"""Times for people: ISO dates in UTC."""

import datetime as dt
from typing import Final

_SECONDS_A_MINUTE: Final = 60


def in_words(seconds: int) -> str:
    """Return `2026-11-25 08:15:00 UTC`; a number too large for a date is said to be far away."""
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return "beyond the calendar"


def minute_in_words(minute: int) -> str:
    """Return `2026-11-25 08:15 UTC` for minutes since 1970; `never` for 0."""
    if minute == 0:
        return "never"
    return in_words(minute * _SECONDS_A_MINUTE).replace(":00 UTC", " UTC")
