"""Bulk actions on the console: a preview with the exact count, then the work with its results, and undo."""

from collections.abc import Callable
from typing import Any, Final

from feed.domain.address import AddressError, parse_network
from feed.store import bulk_actions, reporters
from feed.store.bulk_actions import ACTIONS as KINDS
from feed.store.bulk_actions import BulkError, Wanted
from feed.store.reporters import ReporterError
from feed.web.doing import ActionError, Doing
from feed.web.messages import text
from feed.web.site import Site

SHOWN_MOST: Final = 200
DAYS_MOST: Final = 3650
_HOURS_MOST: Final = 24 * 366


def values(site: Site, query: dict[str, str]) -> dict[str, Any]:
    """Return what the page shows: the bulk action that `query` names or the last one, and older ones."""
    given = query.get("number", "")
    with site.database.read() as connection:
        latest = bulk_actions.latest(connection, limit=20)
        one = latest[0] if latest else None
        if given.isascii() and given.isdigit() and len(given) < 10:  # noqa: PLR2004
            one = next((bulk for bulk in latest if bulk.bulk_id == int(given)), one)
        items = bulk_actions.items(connection, one.bulk_id, limit=SHOWN_MOST) if one else []
    return {
        "latest": latest,
        "one": one,
        "items": items,
        "kinds": KINDS,
        "can_start": one is not None
        and one.started_at is None
        and site.seconds() - one.made_at <= bulk_actions.FRESH_S,
        "can_undo": one is not None and one.undo_until is not None and site.seconds() < one.undo_until,
    }


def wanted_of(doing: Doing) -> Wanted:
    """Return which addresses the form means; raises `ActionError`."""
    network, name, hours = (doing.given.get(field, "").strip() for field in ("network", "name", "hours"))
    words = []
    try:
        chosen = parse_network(network) if network else None
        source_id = reporters.find_by_name(doing.connection, name).source_id if name else None
    except (AddressError, ReporterError) as problem:
        raise ActionError(str(problem)) from None
    since = doing.number("hours", least=1, most=_HOURS_MOST) if hours else None
    if hours and since is None:
        raise ActionError(text("console.hours", most=_HOURS_MOST))
    if chosen is not None:
        words.append(text("console.bulk_in", network=chosen))
    if name:
        words.append(text("console.bulk_by", name=name))
    if since is not None:
        words.append(text("console.bulk_since", hours=since))
    return Wanted(
        network=chosen,
        source_id=source_id,
        since_minute=doing.now // 60 - since * 60 if since is not None else None,
        words=", ".join(words)[:200],
    )


def _preview(doing: Doing) -> str:
    kind = next((word for word in KINDS if word == doing.given.get("kind")), None)
    if kind is None:
        raise ActionError(text("console.bulk_kind_choose"))
    days = 0 if kind == "end" else doing.number("days", least=1, most=DAYS_MOST)
    if days is None:
        raise ActionError(text("console.days", most=DAYS_MOST))
    try:
        number = bulk_actions.prepare(
            doing.connection, kind, wanted_of(doing), author=doing.actor, reason=doing.reason,
            until_minute=doing.now // 60 + days * 1440, now=doing.now,
        )  # fmt: skip
        found = bulk_actions.find(doing.connection, number)
    except BulkError as problem:
        raise ActionError(str(problem)) from None
    return text("console.done_preview", number=number, n=found.items_n)


def _start(doing: Doing) -> str:
    number = _number(doing)
    try:
        bulk_actions.start(doing.connection, number, author=doing.actor, now=doing.now)
    except BulkError as problem:
        raise ActionError(str(problem)) from None
    return text("console.done_start", number=number)


def _undo(doing: Doing) -> str:
    number = _number(doing)
    try:
        bulk_actions.undo(doing.connection, number, author=doing.actor, reason=doing.reason, now=doing.now)
    except BulkError as problem:
        raise ActionError(str(problem)) from None
    return text("console.done_undo", number=number)


def _number(doing: Doing) -> int:
    number = doing.number("number", least=1, most=999_999_999)
    if number is None:
        raise ActionError(text("console.no_bulk"))
    return number


ACTIONS: Final[dict[str, Callable[[Doing], str]]] = {
    "bulk-preview": _preview,
    "bulk-start": _start,
    "bulk-undo": _undo,
}
"""Word in the path -> what is done."""
