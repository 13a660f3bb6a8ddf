"""`simulate`: what a policy does in a world where everybody's deeds are known."""

import json
import pathlib
import tempfile
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import rich.console
import rich.progress
import typer

from feed.commands.failure import fail
from feed.commands.simulated import document_of, print_side_by_side, print_spreads, words_of
from feed.domain.policy import Policy, PolicyError
from feed.simulate import kept
from feed.simulate.book import Book, MemoryBook
from feed.simulate.kept import Judged
from feed.simulate.measure import by_day, measure
from feed.simulate.outcome import Outcome
from feed.simulate.picture import draw
from feed.simulate.policies import load_policy
from feed.simulate.run import Simulation
from feed.simulate.scenarios import SCALES, SCENARIOS, USUAL
from feed.simulate.stored import StoredBook
from feed.simulate.world import World, build, providers_of
from feed.store.database import Database
from feed.store.secret import Secret
from feed.store.upgrade import upgrade

_SECRET = Secret(bytes(32))
"""Nothing in a simulated world is worth hiding; the jitter must be the same each time."""

_MOST_SEEDS = 1000

Wanted = tuple[Policy, World, kept.Series]


def simulate(
    *,
    seed: Annotated[int, typer.Option(min=0, help="the same seed gives the same world and bytes")] = 1,
    seeds: Annotated[
        str, typer.Option(help="several: 1-10 or 1,3,5; mean, ends and confidence of each")
    ] = "",
    days: Annotated[int, typer.Option(min=1, max=365, help="days measured, after a warm-up of 20")] = 40,
    policy: Annotated[
        list[str] | None, typer.Option(help="private, community or a TOML file; twice for side by side")
    ] = None,
    scale: Annotated[str, typer.Option(help=f"one of {', '.join(SCALES)}")] = "small",
    scenario: Annotated[
        list[str] | None,
        typer.Option(help=f"of {', '.join(SCENARIOS)}; {', '.join(USUAL)} unless given"),
    ] = None,
    svg: Annotated[
        pathlib.Path | None, typer.Option(help="draw the first seed over time into this file")
    ] = None,
    keep: Annotated[
        pathlib.Path | None,
        typer.Option(help="write each run as a line of JSON here, and do not repeat what it holds"),
    ] = None,
    through_store: Annotated[
        bool, typer.Option(help="on a database of its own: slow, the same result")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Judge policies by a seeded world of emitters, innocents and reporters, some of whom lie."""
    policies = [_policy(name) for name in policy or ["community"]]
    if scale not in SCALES:
        fail(f"there is no scale {scale!r}; there are {', '.join(SCALES)}")
    for name in scenario or ():
        if name not in SCENARIOS:
            fail(f"there is no scenario {name!r}; there are {', '.join(SCENARIOS)}")
    numbers = _seeds(seeds) if seeds else [seed]
    wanted = [
        one
        for number in numbers  # seed by seed, so that an interrupted series has whole seeds
        for one in _wanted(number, policies, scenario or USUAL, days=days, scale=scale)
    ]
    runs, pictures = _runs(wanted, keep=keep, draws=svg is not None, through_store=through_store)
    if svg is not None and pictures:
        _write(svg, draw(pictures))
    if as_json:
        print(json.dumps(document_of(runs, days=days, scale=scale), indent=2))
    elif len(numbers) == 1:
        print_side_by_side(runs, seed=numbers[0], days=days, scale=scale)
    else:
        print_spreads(runs, days=days, scale=scale)
    if len(runs) < len(wanted):
        fail(f"interrupted: {len(runs)} of {len(wanted)} runs are done")


def _wanted(
    seed: int, policies: Sequence[Policy], scenarios: Sequence[str], *, days: int, scale: str
) -> Iterator[Wanted]:
    for policy in policies:
        alone = policy.quorum_groups < 2  # noqa: PLR2004 - then one provider is its own only reporter
        for name in ["calm"] if alone else dict.fromkeys(scenarios):
            world = build(seed, days, SCALES[scale], SCENARIOS[name], alone=alone)
            yield policy, world, kept.series_of(policy, scenario=name, scale=scale, days=days)


def _policy(name: str) -> Policy:
    try:
        return load_policy(name)
    except PolicyError as problem:
        fail(str(problem))


def _seeds(text: str) -> list[int]:
    """Return the seeds that `1-3,7` names."""
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not (first.isdecimal() and (last.isdecimal() or not dash)):
            fail(f"--seeds takes numbers and ranges such as 1-10 or 1,3,5, not {text!r}")
        begin, end = int(first), int(last or first)
        if not begin <= end < begin + _MOST_SEEDS:
            fail(f"--seeds: {part.strip()} is no range of 1 to {_MOST_SEEDS} seeds")
        found += range(begin, end + 1)
    return list(dict.fromkeys(found))


def _runs(
    wanted: Sequence[Wanted], *, keep: pathlib.Path | None, draws: bool, through_store: bool
) -> tuple[list[Judged], list[tuple[str, Any]]]:
    """Run all, with a progress bar on a terminal only; an interruption ends with what is done."""
    console = rich.console.Console(stderr=True)
    done = kept.read(keep) if keep is not None else {}
    runs: list[Judged] = []
    pictures: list[tuple[str, Any]] = []
    with rich.progress.Progress(
        rich.progress.TextColumn("{task.description}"),
        rich.progress.BarColumn(),
        rich.progress.TaskProgressColumn(),
        rich.progress.TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    ) as bar:
        task = bar.add_task("", total=sum(world.total_days for _, world, _ in wanted))
        try:
            for policy, world, series in wanted:
                bar.update(task, description=f"{policy.name}, {series.scenario}, seed {world.seed}")
                drawn = draws and world.seed == wanted[0][1].seed
                known = None if drawn else done.get((series, world.seed))
                if known is not None:
                    bar.advance(task, world.total_days)
                    runs.append(known)
                    continue
                outcome = _outcome(policy, world, bar, task, through_store=through_store)
                one = Judged(
                    series=series, seed=world.seed, alone=world.alone, events=outcome.events,
                    metrics=tuple(measure(outcome)),
                )  # fmt: skip
                runs.append(one)
                if keep is not None:
                    _keep(keep, one)
                if drawn:
                    pictures.append((f"{policy.name}, {words_of(one)}, seed {world.seed}", by_day(outcome)))
        except KeyboardInterrupt:
            pass  # told at the end, after what is done
    return runs, pictures


def _outcome(
    policy: Policy,
    world: World,
    bar: rich.progress.Progress,
    task: rich.progress.TaskID,
    *,
    through_store: bool,
) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="bsf-simulate-") as folder:
        book = _book(policy, world, pathlib.Path(folder) if through_store else None)
        try:
            return Simulation(world, book).run(lambda _day: bar.advance(task))
        finally:
            if isinstance(book, StoredBook):
                book.database.dispose()


def _book(policy: Policy, world: World, folder: pathlib.Path | None) -> Book:
    if folder is None:
        return MemoryBook(policy, secret=_SECRET, providers=providers_of(world), canaries=world.canaries)
    database = Database(f"sqlite:///{folder}/feed.db", synchronous="NORMAL")
    upgrade(database)
    return StoredBook(
        database, policy, secret=_SECRET, providers=providers_of(world), canaries=world.canaries
    )


def _keep(file: pathlib.Path, one: Judged) -> None:
    try:
        kept.append(file, one)
    except OSError as problem:
        fail(f"cannot write {file}: {problem.strerror}")


def _write(file: pathlib.Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as problem:
        fail(f"cannot write {file}: {problem.strerror}")
