"""`score`, `publish`, `explain`: what the scheduler does, by hand, and looking at the result."""

import json
import sys
import time
from typing import Annotated, Any

import rich.console
import rich.table
import typer

from feed.commands.failure import fail
from feed.commands.opened import feed_of
from feed.commands.times import in_words, minute_in_words
from feed.domain.address import AddressError, parse_address
from feed.domain.explanation import explanation_json
from feed.jobs import publish as publishing
from feed.jobs import score as scoring
from feed.opening import Feed
from feed.store import rules
from feed.store.inspection import Inspection, inspect

Json = Annotated[bool, typer.Option("--json", help="print JSON")]


def _now() -> int:
    return int(time.time())  # noqa: TID251 - an entry point


def score(context: typer.Context) -> None:
    """Score everything that is due now, as the scheduler does at each tick."""
    feed = feed_of(context)
    done = scoring.Scorer(
        database=feed.database, secret=feed.secret, policy=feed.policy, providers=feed.providers
    ).run(now=_now())
    print(f"{done.scored} addresses scored, {done.transitions} changed")


def publish(context: typer.Context) -> None:
    """Publish both zones now, through the same gates as the scheduler."""
    feed = feed_of(context)
    for zone in publishing.publish(feed.database, feed.settings.publish, now=_now()):
        since = in_words(zone.published_at)
        print(f"{zone.zone}: serial {zone.serial}, {zone.entries_n} entries, since {since}")
        if zone.alarm:
            print(f"{zone.zone}: {zone.alarm}; {zone.held_n} additions held", file=sys.stderr)


def explain(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="any spelling of an address")],
    *,
    as_json: Json = False,
) -> None:
    """Explain the score of one address; the parts add up to it exactly."""
    feed = feed_of(context)
    try:
        wanted = parse_address(address)
    except AddressError as problem:
        fail(str(problem))
    now = _now()
    with feed.database.read() as connection:
        current = rules.load(connection, policy=feed.policy, providers=feed.providers, now=now)
        found = inspect(connection, wanted, rules=current, secret=feed.secret, tick=now // 60)
    if as_json:
        print(json.dumps(explained(found), indent=2))
    else:
        _print(found, feed)


def explained(found: Inspection) -> dict[str, Any]:
    """Return an inspection as plain values."""
    document: dict[str, Any] = {"address": str(found.address)}
    if found.explanation is None:
        return document | {"state": "clear", "score": 0}
    return document | explanation_json(found.explanation)


def _print(found: Inspection, feed: Feed) -> None:
    console = rich.console.Console(highlight=False)
    if found.row is None or found.explanation is None:
        console.print(f"{found.address}: nobody reported it")
        return
    document = explanation_json(found.explanation)
    parts, gates, not_counted = (document.pop(name, []) for name in ("parts", "gates", "not_counted"))
    console.print(f"[bold]{found.address}[/bold] under policy {feed.policy.name}")
    for name, value in document.items():
        console.print(f"  {name.replace('_', ' ') + ':':17} {_word(value)}", soft_wrap=True)
    for title, rows in (("gates", gates), ("what the score is made of", parts), ("not counted", not_counted)):
        _print_rows(console, title, rows)
    for change in found.history:
        words = f"{change.from_state.word} -> {change.to_state.word}  {change.cause}"
        console.print(f"  {minute_in_words(change.at)}  {words}")


def _print_rows(console: rich.console.Console, title: str, rows: Any) -> None:
    if not isinstance(rows, list) or not rows:
        console.print(f"  {title}: none")
        return
    table = rich.table.Table(*(name.replace("_", " ") for name in rows[0]), title=title, title_justify="left")
    for row in rows:
        table.add_row(*(_word(value) for value in row.values()))
    console.print(table)


def _word(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
