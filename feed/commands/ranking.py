"""`rank`: the worst emitters, alone or summed by network or autonomous system; shown is not listed."""

import json
import pathlib
from typing import Annotated, Literal

import rich.console
import rich.table
import typer

from feed.commands.acting import now
from feed.commands.daily import Json
from feed.commands.failure import fail
from feed.commands.opened import feed_of
from feed.commands.times import minute_in_words
from feed.domain.evidence import MICRO
from feed.domain.origin import OriginFileError, Origins
from feed.opening import Feed, read_origins
from feed.store import ranking, rules
from feed.store.inspection import Inspection, inspection_json


def rank(
    context: typer.Context,
    *,
    by: Annotated[
        Literal["address", "network", "as"],
        typer.Option(help="network: by /24 and /48; as: by autonomous system"),
    ] = "address",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="how many")] = 20,
    as_file: Annotated[
        pathlib.Path | None,
        typer.Option(help="lines of PREFIX, tab, AS number, tab, name; as_file of [score] unless named"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the worst emitters, alone with their reasons or summed; shown is not listed."""
    feed = feed_of(context)
    if by == "address":
        _addresses(feed, limit, as_json=as_json)
        return
    origins = _origins(as_file or feed.settings.score.as_file) if by == "as" else None
    with feed.database.read() as connection:
        if origins is None:
            rows = [ranking.network_json(one) for one in ranking.worst_networks(connection, limit=limit)]
        else:
            rows = [
                ranking.system_json(one) for one in ranking.worst_systems(connection, origins, limit=limit)
            ]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    table = rich.table.Table(by, "emitters", "listed", "sum of last scores")
    for row in rows:
        table.add_row(row[by] or "unknown", str(row["emitters"]), str(row["listed"]), f"{row['score']:.2f}")
    rich.console.Console().print(table if rows else "nobody has a score")


def _origins(path: pathlib.Path | None) -> Origins:
    if path is None:
        fail("--by as needs a file of prefixes: --as-file PATH, or as_file in the section [score]")
    try:
        return read_origins(path)
    except (OSError, OriginFileError) as problem:
        fail(f"cannot use {path}: {problem}")


def _addresses(feed: Feed, limit: int, *, as_json: bool) -> None:
    at = now()
    with feed.database.read() as connection:
        current = rules.load(connection, policy=feed.policy, providers=feed.providers, now=at)
        found = ranking.worst(connection, limit=limit, rules=current, secret=feed.secret, tick=at // 60)
    if as_json:
        print(json.dumps([inspection_json(one, history=False) for one in found], indent=2))
        return
    table = rich.table.Table("address", "state", "code", "score", "reason", "last evidence")
    for one in found:
        table.add_row(*_cells(one))
    rich.console.Console().print(table if found else "nobody has a score")


def _cells(one: Inspection) -> list[str]:
    assert one.row is not None
    assert one.explanation is not None
    state = one.row.state
    return [
        str(one.address), one.state.word, f"127.0.0.{one.code}" if one.code else "-",
        f"{one.explanation.score / MICRO:.2f}", state.reason or "-", minute_in_words(state.last_evidence_at),
    ]  # fmt: skip
