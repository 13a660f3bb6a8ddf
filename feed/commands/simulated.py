"""Results of `simulate` for people and programs: tables on a terminal, and JSON."""

from collections.abc import Sequence
from typing import Any

import rich.console
import rich.table

from feed.simulate.kept import Judged, Series
from feed.simulate.metric import Metric
from feed.simulate.spread import Spread, spread


def words_of(run: Judged) -> str:
    """Return what a run is called."""
    return "one provider alone" if run.alone else run.series.scenario


def _by_series(runs: Sequence[Judged]) -> dict[Series, list[Judged]]:
    found: dict[Series, list[Judged]] = {}
    for run in runs:
        found.setdefault(run.series, []).append(run)
    return found


def _spreads(runs: Sequence[Judged]) -> list[Spread]:
    return [spread(row) for row in zip(*(run.metrics for run in runs), strict=True)]


def document_of(runs: Sequence[Judged], *, days: int, scale: str) -> dict[str, Any]:
    """Return all runs, and what they say together, for JSON."""
    return {
        "days": days,
        "scale": scale,
        "runs": [
            {
                "policy": run.series.policy,
                "scenario": run.series.scenario,
                "alone": run.alone,
                "seed": run.seed,
                "events": run.events,
                "metrics": [
                    {"name": one.name, "value": one.value, "target": one.target, "reached": one.reached}
                    for one in run.metrics
                ],
            }
            for run in runs
        ],
        "seeds": [
            {
                "policy": series.policy,
                "scenario": series.scenario,
                "alone": mine[0].alone,
                "seeds": [run.seed for run in mine],
                "metrics": [_spread_fields(one) for one in _spreads(mine)],
            }
            for series, mine in _by_series(runs).items()
        ],
    }


def _spread_fields(one: Spread) -> dict[str, Any]:
    part = None if one.part is None else {"found": one.part.found, "total": one.part.total}
    return {
        "name": one.metric.name, "value": one.value, "mean": one.mean, "median": one.median,
        "min": one.least, "max": one.most, "seeds": one.n, "target": one.metric.target,
        "reached": one.reached, "missed_seeds": one.missed, "bound_95": one.bound,
        "bound_by": one.bound_by, "pooled": part,
    }  # fmt: skip


def _console(columns: int) -> rich.console.Console:
    console = rich.console.Console(highlight=False)
    return console if console.is_terminal else rich.console.Console(highlight=False, width=columns)


def print_side_by_side(runs: Sequence[Judged], *, seed: int, days: int, scale: str) -> None:
    """Print one table for one seed, a column a run."""
    table = rich.table.Table(title=f"seed {seed}, {days} days, scale {scale}", title_justify="left")
    table.add_column("what")
    for run in runs:
        table.add_column(f"{run.series.policy}\n{words_of(run)}", justify="right")
    table.add_column("target")
    for row in zip(*(run.metrics for run in runs), strict=True):
        target = " / ".join(dict.fromkeys(one.target for one in row if one.target))
        table.add_row(row[0].name, *(_cell(one) for one in row), target)
    console = _console(48 + 24 * (len(runs) + 2))
    if runs:
        console.print(table)
    console.print(_closing([one.reached for run in runs for one in run.metrics if one.target]))


def _cell(one: Metric) -> str:
    return _number(one, one.value) + (" !" if one.reached is False else "")


def _number(one: Metric, value: float | None, more: int = 0) -> str:
    return "-" if value is None else f"{value:.{one.digits + more}f}"


def print_spreads(runs: Sequence[Judged], *, days: int, scale: str) -> None:
    """Print a table for each policy and scenario: what its seeds say together, and how sure that is."""
    console = _console(150)
    reached: list[bool | None] = []
    for series, mine in _by_series(runs).items():
        table = rich.table.Table(
            "what",
            *(rich.table.Column(name, justify="right") for name in ("mean", "median", "min", "max")),
            "95 % bound", "target", "seeds that miss it",
            title=f"{series.policy}, {words_of(mine[0])}: {len(mine)} seeds, {days} days, scale {scale}",
            title_justify="left",
        )  # fmt: skip
        for one in _spreads(mine):
            metric = one.metric
            reached += [one.reached] if metric.target else []
            more = 1 if metric.is_count or not metric.digits else 0
            table.add_row(
                metric.name, _number(metric, one.mean, more), _number(metric, one.median),
                _number(metric, one.least), _number(metric, one.most), _bound_words(one),
                metric.target + (" !" if one.reached is False else ""),
                f"{one.missed} of {one.n}" if metric.target else "",
            )  # fmt: skip
        console.print(table)
    console.print(_closing(reached))


def _closing(reached: Sequence[bool | None]) -> str:
    """Return the last line: how many targets are missed, and how many had nothing to measure (None)."""
    missed, unmeasured = sum(one is False for one in reached), sum(one is None for one in reached)
    if missed:
        words = f"{missed} numbers miss their target, marked !"
    elif not unmeasured:
        words = "every target reached"
    elif unmeasured < len(reached):
        words = "every target that could be measured reached"
    else:
        words = "no target reached or missed"
    return f"{words}; {unmeasured} not measured" if unmeasured else words


def _bound_words(one: Spread) -> str:
    """Return the bound, how it was reckoned, and of how many things."""
    if one.bound is None:
        return ""
    sign = ">=" if one.metric.at_least is not None else "<="
    if one.metric.is_count:
        number = f"{one.bound * 100:.3g} %"
    else:
        number = _number(one.metric, one.bound, 0 if one.metric.digits > 3 else 1)  # noqa: PLR2004
    of = f" of {one.part.total}" if one.part is not None and one.bound_by != "t" else ""
    return f"{sign} {number}{of} ({one.bound_by})"
