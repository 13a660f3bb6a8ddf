"""`simulate` and `backtest`: what a policy does, before it goes live."""

import dataclasses
import json
import pathlib
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Annotated, Any

import rich.console
import rich.progress
import rich.table
import typer

from feed.commands.failure import fail
from feed.commands.opened import feed_of
from feed.domain.policy import Policy, PolicyError
from feed.simulate import backtest as replaying
from feed.simulate.book import Book, MemoryBook
from feed.simulate.measure import Metric, by_day, measure
from feed.simulate.picture import draw
from feed.simulate.policies import load_policy
from feed.simulate.run import Outcome, Simulation, providers_of
from feed.simulate.stored import StoredBook
from feed.simulate.world import SCALES, SCENARIOS, World, build
from feed.store.database import Database
from feed.store.secret import Secret
from feed.store.upgrade import upgrade

Json = Annotated[bool, typer.Option("--json", help="print JSON")]

_SECRET = Secret(bytes(32))
"""Nothing in a simulated world is worth hiding; the jitter must be the same each time."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One run and what it is called."""

    policy: str
    scenario: str
    outcome: Outcome
    metrics: list[Metric]


def simulate(
    *,
    seed: Annotated[int, typer.Option(min=0, help="the same seed gives the same world and bytes")] = 1,
    days: Annotated[int, typer.Option(min=1, max=365, help="days measured, after a warm-up of 20")] = 40,
    policy: Annotated[
        list[str] | None, typer.Option(help="private, community or a TOML file; twice for side by side")
    ] = None,
    scale: Annotated[str, typer.Option(help=f"one of {', '.join(SCALES)}")] = "small",
    scenario: Annotated[
        list[str] | None, typer.Option(help=f"of {', '.join(SCENARIOS)}; all unless given")
    ] = None,
    svg: Annotated[pathlib.Path | None, typer.Option(help="draw listings over time into this file")] = None,
    through_store: Annotated[
        bool, typer.Option(help="on a database of its own: slow, the same result")
    ] = False,
    as_json: Json = False,
) -> None:
    """Judge policies by a seeded world of emitters, innocents and reporters, some of whom lie."""
    policies = [_policy(name) for name in policy or ["community"]]
    if scale not in SCALES:
        fail(f"there is no scale {scale!r}; there are {', '.join(SCALES)}")
    for name in scenario or ():
        if name not in SCENARIOS:
            fail(f"there is no scenario {name!r}; there are {', '.join(SCENARIOS)}")
    wanted = []
    for one in policies:
        alone = one.quorum_groups < 2  # noqa: PLR2004 - then one provider is its own only reporter
        names = ["calm"] if alone else scenario or list(SCENARIOS)
        wanted += [(one, build(seed, days, SCALES[scale], SCENARIOS[name], alone=alone)) for name in names]
    runs = _runs(wanted, through_store=through_store)
    if svg is not None:
        titles = [(f"{run.policy}, {_scenario_words(run)}, seed {seed}", by_day(run.outcome)) for run in runs]
        try:
            svg.write_text(draw(titles), encoding="utf-8")
        except OSError as problem:
            fail(f"cannot write {svg}: {problem.strerror}")
    if as_json:
        print(json.dumps(_document(runs, seed=seed, days=days, scale=scale), indent=2))
    else:
        _print(runs, seed=seed, days=days, scale=scale)


def _policy(name: str) -> Policy:
    try:
        return load_policy(name)
    except PolicyError as problem:
        fail(str(problem))


def _runs(wanted: Sequence[tuple[Policy, World]], *, through_store: bool) -> list[Judged]:
    """Run all, with a progress bar on a terminal only."""
    console = rich.console.Console(stderr=True)
    runs = []
    with rich.progress.Progress(
        rich.progress.TextColumn("{task.description}"),
        rich.progress.BarColumn(),
        rich.progress.TaskProgressColumn(),
        rich.progress.TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    ) as bar:
        for policy, world in wanted:
            words = f"{policy.name}, {world.scenario.name}"
            task = bar.add_task(words, total=world.total_days)
            with tempfile.TemporaryDirectory(prefix="bsf-simulate-") as folder:
                book = _book(policy, world, pathlib.Path(folder) if through_store else None)
                outcome = Simulation(world, book).run(
                    lambda _day, task=task: bar.advance(task)  # type: ignore[misc]
                )
                if isinstance(book, StoredBook):
                    book.database.dispose()
            runs.append(
                Judged(
                    policy=policy.name,
                    scenario=world.scenario.name,
                    outcome=outcome,
                    metrics=measure(outcome),
                )
            )
    return runs


def _book(policy: Policy, world: World, folder: pathlib.Path | None) -> Book:
    if folder is None:
        return MemoryBook(policy, secret=_SECRET, providers=providers_of(world))
    database = Database(f"sqlite:///{folder}/feed.db", synchronous="NORMAL")
    upgrade(database)
    return StoredBook(database, policy, secret=_SECRET, providers=providers_of(world))


def _scenario_words(run: Judged) -> str:
    return "one provider alone" if run.outcome.world.alone else run.scenario


def _document(runs: Sequence[Judged], *, seed: int, days: int, scale: str) -> dict[str, Any]:
    return {
        "seed": seed,
        "days": days,
        "scale": scale,
        "runs": [
            {
                "policy": run.policy,
                "scenario": run.scenario,
                "alone": run.outcome.world.alone,
                "events": run.outcome.events,
                "metrics": [
                    {"name": one.name, "value": one.value, "target": one.target, "reached": one.reached}
                    for one in run.metrics
                ],
            }
            for run in runs
        ],
    }


def _print(runs: Sequence[Judged], *, seed: int, days: int, scale: str) -> None:
    table = rich.table.Table(title=f"seed {seed}, {days} days, scale {scale}", title_justify="left")
    table.add_column("what")
    for run in runs:
        table.add_column(f"{run.policy}\n{_scenario_words(run)}", justify="right")
    table.add_column("target")
    targets: list[str] = []
    for row in zip(*(run.metrics for run in runs), strict=True):
        target = " / ".join(dict.fromkeys(one.target for one in row if one.target))
        targets.append(target)
        table.add_row(row[0].name, *(_cell(one) for one in row), target)
    console = rich.console.Console(highlight=False)
    if not console.is_terminal:
        console = rich.console.Console(highlight=False, width=40 + 24 * (len(runs) + 2))
    console.print(table)
    missed = sum(one.reached is False for run in runs for one in run.metrics)
    console.print("every target reached" if not missed else f"{missed} numbers miss their target, marked !")


def _cell(one: Metric) -> str:
    if one.value is None:
        return "-"
    return f"{one.value:.{one.digits}f}{' !' if one.reached is False else ''}"


def backtest(
    context: typer.Context,
    *,
    days: Annotated[int, typer.Option(min=1, max=90, help="how far back listings are compared")] = 30,
    policy: Annotated[str, typer.Option(help="private, community or a TOML file")],
    as_json: Json = False,
) -> None:
    """Replay the stored evidence under another policy and show what would have been listed, or not."""
    feed = feed_of(context)
    other = _policy(policy)
    now = int(time.time())  # noqa: TID251 - an entry point
    console = rich.console.Console(stderr=True)
    with rich.progress.Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(f"under {other.name}")
        try:
            found = replaying.backtest(
                feed.database, other, secret=feed.secret, days=days, now=now,
                progress=lambda done, all_: bar.update(task, completed=done, total=all_),
            )  # fmt: skip
        except replaying.BacktestError as problem:
            fail(str(problem))
    differing = [one for one in found if one.change]
    if as_json:
        print(json.dumps([_verdict(one) for one in differing], indent=2))
        return
    print(f"{len(found)} addresses replayed under {other.name}, {len(differing)} differ in {days} days")
    if not differing:
        return
    table = rich.table.Table(
        "address", "change", "was", f"under {other.name}", "is now", "would be now", "why"
    )
    for one in differing:
        table.add_row(
            str(one.address), one.change, _code(one.live.strictest), _code(one.other.strictest),
            _code(one.live.code), _code(one.other.code), one.other.reason or "-",
        )  # fmt: skip
    rich.console.Console(width=None if sys.stdout.isatty() else 130).print(table)


def _code(code: int) -> str:
    return f"127.0.0.{code}" if code else "-"


def _verdict(one: replaying.Verdict) -> dict[str, Any]:
    return {
        "address": str(one.address),
        "change": one.change,
        "live": {"strictest": int(one.live.strictest), "code": int(one.live.code), "reason": one.live.reason},
        "other": {
            "strictest": int(one.other.strictest), "code": int(one.other.code), "reason": one.other.reason,
        },
    }  # fmt: skip
