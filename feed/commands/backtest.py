"""`backtest`: what another policy would have made of the evidence that is stored."""

import collections
import json
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import rich.console
import rich.progress
import rich.table
import typer

from feed.commands.failure import fail
from feed.commands.opened import feed_of
from feed.domain.listing import Code
from feed.domain.policy import PolicyError
from feed.simulate import backtest as replaying
from feed.simulate.backtest import Fate, Verdict
from feed.simulate.policies import load_policy
from feed.store.database import StoreError

_CHANGES = {
    "added": "would have been listed and never was",
    "gone": "was listed and never would have been",
    "code": "would have had the other code",
    "now": "the same codes at some time, but today's differs",
}


def backtest(
    context: typer.Context,
    *,
    days: Annotated[int, typer.Option(min=1, max=90, help="how far back listings are compared")] = 30,
    policy: Annotated[str, typer.Option(help="private, community or a TOML file")],
    rows: Annotated[int, typer.Option(min=0, help="most rows of the table; --json has all")] = 500,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Replay the stored evidence under another policy and show what would have been listed, or not."""
    feed = feed_of(context)
    try:
        other = load_policy(policy)
    except PolicyError as problem:
        fail(str(problem))
    now = int(time.time())  # noqa: TID251 - an entry point
    console = rich.console.Console(stderr=True)
    quiet = not console.is_terminal or (as_json and sys.stdout.isatty())
    with rich.progress.Progress(console=console, disable=quiet, transient=True) as bar:
        task = bar.add_task(f"under {other.name}")
        found = replaying.backtest(
            feed.database, other, secret=feed.secret, days=days, now=now,
            progress=lambda done, all_: bar.update(task, completed=done, total=all_),
        )  # fmt: skip
        try:
            if as_json:
                _print_json(one for one in found if one.change)
                return
            counts, shown = _counted(found, rows=rows)
        except (replaying.BacktestError, StoreError) as problem:
            fail(str(problem))
    _print(counts, shown, policy=other.name, days=days)


def _counted(found: Iterable[Verdict], *, rows: int) -> tuple[collections.Counter[str], list[Verdict]]:
    """Return how many addresses there are of each change, and the first `rows` that differ."""
    counts: collections.Counter[str] = collections.Counter()
    shown: list[Verdict] = []
    for one in found:
        counts[one.change] += 1
        if one.change and len(shown) < rows:
            shown.append(one)
    return counts, shown


def _print(counts: collections.Counter[str], shown: list[Verdict], *, policy: str, days: int) -> None:
    differing = counts.total() - counts[""]
    print(f"{counts.total()} addresses replayed under {policy}, {differing} differ in {days} days")
    for change, words in _CHANGES.items():
        if counts[change]:
            print(f"  {change:<6}{counts[change]:>8}  {words}")
    if not shown:
        return
    table = rich.table.Table("address", "change", "was", f"under {policy}", "is now", "would be now", "why")
    for one in shown:
        table.add_row(
            str(one.address), one.change, _code(one.live.strictest), _code(one.other.strictest),
            _code(one.live.code), _code(one.other.code), one.other.reason or "-",
        )  # fmt: skip
    rich.console.Console(width=None if sys.stdout.isatty() else 130).print(table)
    if len(shown) < differing:
        print(f"{differing - len(shown)} more: --rows shows more of them, --json all")


def _code(code: Code) -> str:
    return f"127.0.0.{code}" if code else "-"


def _print_json(differing: Iterator[Verdict]) -> None:
    """Print a list of all that differ, each as it is found."""
    first = next(differing, None)
    if first is None:
        print("[]")
        return
    print(f"[\n  {json.dumps(_verdict(first))}", end="")
    for one in differing:
        print(f",\n  {json.dumps(_verdict(one))}", end="")
    print("\n]")


def _verdict(one: Verdict) -> dict[str, Any]:
    return {
        "address": str(one.address), "change": one.change, "live": _fate(one.live), "other": _fate(one.other)
    }  # fmt: skip


def _fate(one: Fate) -> dict[str, Any]:
    return {"strictest": int(one.strictest), "code": int(one.code), "reason": one.reason}
