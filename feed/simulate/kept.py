"""Results of single runs as JSON lines, so that an interrupted series loses nothing and is carried on.

A line belongs to one seed of one world under one policy, and to the code that made it: lines of another
version of scoring or of the simulation are passed over.
"""

import dataclasses
import functools
import hashlib
import json
import pathlib
from typing import Any, NamedTuple

from feed.domain.policy import Policy
from feed.simulate.metric import Metric, Part


class Series(NamedTuple):
    """What is the same for all seeds of a series: policy (name, numbers), world, version of the code."""

    policy: str
    numbers: str
    scenario: str
    scale: str
    days: int
    version: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One run. alone: in the world of one provider."""

    series: Series
    seed: int
    alone: bool
    events: int
    metrics: tuple[Metric, ...]


def series_of(policy: Policy, *, scenario: str, scale: str, days: int) -> Series:
    """Return what tells one series from another."""
    numbers = hashlib.sha256(repr(policy).encode()).hexdigest()[:16]
    return Series(policy.name, numbers, scenario, scale, days, version())


@functools.cache
def version() -> str:
    """Return a digest of the code that decides results: the domain and the simulation."""
    folder = pathlib.Path(__file__).parents[1]
    digest = hashlib.sha256()
    for file in sorted([*folder.glob("domain/*.py"), *folder.glob("simulate/*.py")]):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def append(file: pathlib.Path, one: Judged) -> None:
    """Write one line at the end, whole. Raises `OSError`."""
    line = json.dumps(dataclasses.asdict(one), separators=(",", ":"))
    torn = file.exists() and not file.read_bytes().endswith(b"\n") and file.stat().st_size > 0
    with file.open("a", encoding="utf-8") as out:
        out.write(("\n" if torn else "") + line + "\n")


def read(file: pathlib.Path) -> dict[tuple[Series, int], Judged]:
    """Return what a file holds by series and seed; torn and foreign lines are passed over."""
    found = {}
    if file.exists():
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            one = _parsed(line)
            if one is not None:
                found[one.series, one.seed] = one
    return found


def _parsed(line: str) -> Judged | None:
    try:
        table: dict[str, Any] = json.loads(line)
        metrics = tuple(
            Metric(**{**one, "part": Part(*one["part"]) if one["part"] is not None else None})
            for one in table.pop("metrics")
        )
        return Judged(**{**table, "series": Series(*table["series"]), "metrics": metrics})
    except (ValueError, TypeError, KeyError, AttributeError):
        return None  # half a line of a killed run, or of another version
