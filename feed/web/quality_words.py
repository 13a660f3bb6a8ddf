"""Quality of a month of the feed, as page and JSON tell it. Of single reporters nothing is public. Pure."""

from typing import Any, Final

from feed.domain.quality import Quality
from feed.web.messages import text
from feed.web.wording import date, duration

_SHARES: Final = ("accuracy", "coverage", "differential", "exclusive")
_LATENCIES: Final = ("latency_minutes", "latency_p90_minutes")


def month(report: Quality | None) -> str:
    """Return `2026-10`, empty if there is no report."""
    return date(report.first_day)[:7] if report is not None else ""


def rows(report: Quality | None) -> list[tuple[str, str, str]]:
    """Return name, value and meaning of each measure; one that cannot be told is left out."""
    if report is None:
        return []
    feed = report.feed
    found = [
        (
            text("quality.volume"),
            text("quality.volume_value", listings=feed.listings, emitters=feed.emitters),
            text("quality.volume_means", reported=feed.reported, originals=feed.originals),
        )
    ]
    for name in _SHARES:
        share = getattr(feed, name)
        if share is not None:
            found.append((text(f"quality.{name}"), f"{100 * share:.1f} %", text(f"quality.{name}_means")))
    for name in _LATENCIES:
        minutes = getattr(feed, name)
        if minutes is not None:
            found.append((text(f"quality.{name}"), duration(minutes), text(f"quality.{name}_means")))
    return found


def as_json(report: Quality | None) -> dict[str, Any] | None:
    """Return the measures of the feed for programs, None if there is no report."""
    if report is None:
        return None
    names = ("listings", "emitters", "reported", "originals", *_SHARES, *_LATENCIES)
    values = {name: getattr(report.feed, name) for name in names}
    return {
        "first_day": date(report.first_day),
        "last_day": date(report.last_day),
        "complete": report.complete,
    } | values
