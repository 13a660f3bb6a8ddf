"""`quality`: what a month of the feed and of each reporter was worth."""

import dataclasses
import datetime as dt
import json
import re
from typing import Annotated, Any

import rich.console
import rich.table
import typer

from feed.commands.acting import now
from feed.commands.daily import Json
from feed.commands.failure import fail
from feed.commands.opened import feed_of
from feed.domain.quality import Quality
from feed.jobs.quality import month_before, month_of
from feed.jobs.retention import EVENT_DAYS
from feed.store import quality as measuring
from feed.store import quality_months, reporters
from feed.store.database import Database

_UNIX_DAY = dt.date(1970, 1, 1)
_MINUTES_AN_HOUR = 60
_MINUTES_A_DAY = 1440


def quality(
    context: typer.Context,
    *,
    month: Annotated[str | None, typer.Option(help="YYYY-MM; the month that ended last unless given")] = None,
    as_json: Json = False,
) -> None:
    """Show volume, contribution, latency, accuracy and coverage of the feed and of each reporter."""
    feed = feed_of(context)
    today = dt.datetime.fromtimestamp(now(), dt.UTC).date()
    first = _first_of(month) if month is not None else month_before(today)
    if first > today:
        fail("this month has not begun")
    found = _report(feed.database, first, today)
    with feed.database.read() as connection:
        names = {one.source_id: one.name for one in reporters.everyone(connection)}
    if as_json:
        print(json.dumps(_document(found, names), indent=2))
        return
    _print(found, names, f"{first:%Y-%m}" + ("" if _date(found.last_day) < today else ", not over"))


def _report(database: Database, first: dt.date, today: dt.date) -> Quality:
    """Return the report made now, or the one that was kept where the events have gone."""
    first_day, last_day = month_of(first)
    if (today - first).days <= EVENT_DAYS:
        return measuring.quality(database, first_day=first_day, last_day=last_day)
    with database.read() as connection:
        found = quality_months.kept(connection, first_day=first_day)
    if found is None:
        fail(f"reports are kept for {EVENT_DAYS} days, and of that month nothing else was kept")
    return found


def _first_of(month: str) -> dt.date:
    shape = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", month, re.ASCII)
    if shape is None or shape[1] == "0000":
        fail("--month is YYYY-MM")
    return dt.date(int(shape[1]), int(shape[2]), 1)


def _date(day: int) -> dt.date:
    return _UNIX_DAY + dt.timedelta(days=day)


def _document(found: Quality, names: dict[int, str]) -> dict[str, Any]:
    return {
        "first_day": _date(found.first_day).isoformat(),
        "last_day": _date(found.last_day).isoformat(),
        "complete": found.complete,
        "feed": dataclasses.asdict(found.feed),
        "reporters": [
            {"reporter": names.get(one.source_id)}
            | dataclasses.asdict(one)
            | {"nearest": names.get(one.nearest) if one.nearest is not None else None}
            for one in found.reporters
        ],
    }


def _print(found: Quality, names: dict[int, str], title: str) -> None:
    console = rich.console.Console(highlight=False)
    if not found.complete:
        console.print(f"only the first {measuring.EMITTERS_MOST:,} addresses were looked at")
    feed = found.feed
    table = rich.table.Table("the feed", title, title_justify="left")
    for name, value in (
        ("originals reported, of addresses", f"{feed.originals:,}, {feed.reported:,}"),
        ("listings begun, of addresses", f"{feed.listings:,}, {feed.emitters:,}"),
        ("listed, but not reported by the best reporter", _share(feed.differential)),
        ("listed, and reported by one group alone", _share(feed.exclusive)),
        ("first report to listing, median", _duration(feed.latency_minutes)),
        ("first report to listing, nine of ten", _duration(feed.latency_p90_minutes)),
        ("listed and not taken back as wrong", _share(feed.accuracy)),
        ("listed of what traps saw", _share(feed.coverage)),
    ):
        table.add_row(name, value)
    console.print(table)
    table = rich.table.Table(
        "reporter", "originals", "addresses", "not listed", "alone", "nearest", "beyond it", "behind first",
        "confirmed", "wrong", "coverage",
    )  # fmt: skip
    for one in found.reporters:
        nearest = names.get(one.nearest, "-") if one.nearest is not None else "-"
        table.add_row(
            names.get(one.source_id, str(one.source_id)), f"{one.originals:,}", f"{one.emitters:,}",
            _share(one.differential), _share(one.exclusive), nearest, _share(one.nearest_differential),
            _duration(one.latency_minutes), _share(one.confirmed), str(one.contradicted),
            _share(one.coverage),
        )  # fmt: skip
    console.print(table if found.reporters else "no reporters")


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _duration(minutes: int | None) -> str:
    if minutes is None:
        return "-"
    if minutes < 2 * _MINUTES_AN_HOUR:
        return f"{minutes} min"
    if minutes < 2 * _MINUTES_A_DAY:
        return f"{minutes / _MINUTES_AN_HOUR:.1f} h"
    return f"{minutes / _MINUTES_A_DAY:.1f} days"
