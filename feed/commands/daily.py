"""`score`, `publish`, `explain`: what the scheduler does, by hand, and looking at the result."""

import json
import sys
import time
from typing import Annotated

import typer

from feed.commands.explained import print_explained
from feed.commands.failure import fail
from feed.commands.opened import feed_of
from feed.commands.times import in_words
from feed.domain.address import AddressError, parse_address
from feed.jobs import publish as publishing
from feed.jobs import score as scoring
from feed.store import rules
from feed.store.inspection import inspect, inspection_json

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
        print(json.dumps(inspection_json(found), indent=2))
    else:
        print_explained(found, policy=feed.policy.name)
