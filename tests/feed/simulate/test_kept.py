"""Results kept as lines: whole after a kill, and only of the same world, policy and code."""

import pathlib

import pytest

from feed.domain.policy import COMMUNITY, with_overrides
from feed.simulate import kept
from feed.simulate.kept import Judged
from feed.simulate.metric import Metric, Part

SERIES = kept.series_of(COMMUNITY, scenario="calm", scale="tiny", days=5)


def run(seed: int) -> Judged:
    metrics = (
        Metric(name="recall", value=0.5, at_least=0.75, part=Part(1, 2), digits=4),
        Metric(name="median", value=None, at_most=7),
    )
    return Judged(series=SERIES, seed=seed, alone=False, events=seed * 10, metrics=metrics)


def test_what_was_written_is_read_again(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "runs.jsonl"
    assert kept.read(file) == {}
    for seed in (1, 2):
        kept.append(file, run(seed))
    assert kept.read(file) == {(SERIES, 1): run(1), (SERIES, 2): run(2)}


def test_a_torn_line_costs_only_itself(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "runs.jsonl"
    kept.append(file, run(1))
    kept.append(file, run(2))
    file.write_bytes(file.read_bytes()[:-40])
    kept.append(file, run(3))
    assert [seed for _, seed in kept.read(file)] == [1, 3]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "null",
        "[]",
        '{"metrics": 3}',
        '{"metrics": [{"part": [1]}]}',
        '{"metrics": [], "series": []}',
        "\udcff",
    ],
)
def test_foreign_lines_are_passed_over(tmp_path: pathlib.Path, line: str) -> None:
    file = tmp_path / "runs.jsonl"
    file.write_text(line + "\n", encoding="utf-8", errors="surrogateescape")
    assert kept.read(file) == {}


def test_another_number_of_the_policy_is_another_series() -> None:
    other = with_overrides(COMMUNITY, {"confirm_share_percent": 26})
    assert kept.series_of(other, scenario="calm", scale="tiny", days=5) != SERIES
    assert kept.series_of(COMMUNITY, scenario="calm", scale="tiny", days=6) != SERIES
