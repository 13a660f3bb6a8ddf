"""Time stamps of logs: bytes in, seconds since 1970 out.

A classic syslog stamp has neither year nor zone. The year is the last in which the stamp does not lie after
the moment the log was written; logs are kept for less than a year. Each hour is worked out once, since a
log of millions of lines has few of them.
"""

import datetime as dt
from typing import Final

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"), 1
    )
}
_SLACK: Final = dt.timedelta(days=1)
"""A log may be ahead of the moment it is compared with by a zone or a wrong clock."""
_OLDEST_LEAP: Final = 4
_MOST_CACHED: Final = 20_000


class Stamps:
    """Turns hours of one source into epoch seconds.

    zone: of stamps that name none. latest: aware, when the source was last written.
    """

    def __init__(self, *, zone: dt.tzinfo, latest: dt.datetime) -> None:
        """Remember how to read."""
        self._zone = zone
        self._latest = latest
        self._hours: dict[bytes, int | None] = {}

    def at(self, hour: bytes, minute: bytes, second: bytes, offset: bytes | None = None) -> int | None:
        """Return seconds since 1970 of `Nov 25 08` or `2026-11-25T08` with minute and second, or None.

        offset: `Z`, `+0100`, `+01:00`, or None for the source's own zone.
        """
        key = hour if offset is None else hour + offset
        try:
            start = self._hours[key]
        except KeyError:
            if len(self._hours) >= _MOST_CACHED:
                self._hours.clear()
            start = self._hours[key] = self._start(hour, offset)
        return None if start is None else start + int(minute) * 60 + int(second)

    def _start(self, hour: bytes, offset: bytes | None) -> int | None:
        try:
            if hour[:1].isdigit():
                zone = self._zone if offset is None else _zone(offset)
                moment = dt.datetime(
                    int(hour[:4]), int(hour[5:7]), int(hour[8:10]), int(hour[11:13]), tzinfo=zone
                )
                return int(moment.timestamp())
            return self._without_year(_MONTHS[hour[:3]], int(hour[4:6]), int(hour[7:9]))
        except (KeyError, ValueError, OverflowError):
            return None

    def _without_year(self, month: int, day: int, hour: int) -> int | None:
        newest = self._latest + _SLACK
        for year in range(newest.year, newest.year - _OLDEST_LEAP - 1, -1):
            try:
                moment = dt.datetime(year, month, day, hour, tzinfo=self._zone)
            except ValueError:
                continue  # 29 February exists in some years only
            if moment <= newest:
                return int(moment.timestamp())
        return None


def _zone(offset: bytes) -> dt.tzinfo:
    if offset == b"Z":
        return dt.UTC
    digits = offset[1:].replace(b":", b"")
    span = dt.timedelta(hours=int(digits[:2]), minutes=int(digits[2:4]))
    return dt.timezone(-span if offset[:1] == b"-" else span)
