"""The report of the month that ended last, made once, on the first night that finds none."""

import calendar
import datetime as dt
from collections.abc import Callable

from feed.store import quality, quality_months
from feed.store.database import Database

_UNIX_DAY = dt.date(1970, 1, 1)


def month_of(date: dt.date) -> tuple[int, int]:
    """Return the first and the last day of the month of `date`, in days since 1970."""
    first = date.replace(day=1)
    last = date.replace(day=calendar.monthrange(date.year, date.month)[1])
    return (first - _UNIX_DAY).days, (last - _UNIX_DAY).days


def month_before(date: dt.date) -> dt.date:
    """Return the first day of the month before that of `date`."""
    return (date.replace(day=1) - dt.timedelta(days=1)).replace(day=1)


def keep_last_month(
    database: Database, *, now: int, progress: Callable[[int], None] = lambda _done: None
) -> bool:
    """Make and keep the report of the last whole month unless it is kept; returns whether it was made."""
    first_day, last_day = month_of(month_before(dt.datetime.fromtimestamp(now, dt.UTC).date()))
    with database.read() as connection:
        if quality_months.kept(connection, first_day=first_day) is not None:
            return False
    made = quality.quality(database, first_day=first_day, last_day=last_day, progress=progress)
    with database.write() as connection:
        quality_months.keep(connection, made, made_at=now)
    return True
