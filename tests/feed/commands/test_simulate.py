"""`simulate` and `backtest` as an operator meets them."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

import pytest

from feed.store.database import Database
from tests.feed.simulate.lived import live

ENVIRONMENT = os.environ | {"PYTHONPATH": str(pathlib.Path(__file__).parents[3])}


def run(folder: pathlib.Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "feed", *arguments],
        cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


SHORT = ("simulate", "--scale", "tiny", "--days", "5", "--policy", "private")


def test_two_policies_stand_side_by_side_and_a_seed_gives_the_same_bytes(tmp_path: pathlib.Path) -> None:
    (tmp_path / "stern.toml").write_text('base = "private"\nlist_at = 4.0\n')
    arguments = (*SHORT, "--policy", "stern.toml", "--seed", "7")
    first, second = (run(tmp_path, *arguments, "--svg", name) for name in ("a.svg", "b.svg"))
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    assert "stern" in first.stdout
    assert "precision at .2" in first.stdout
    assert "\x1b" not in first.stdout + first.stderr
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    ET.parse(tmp_path / "a.svg")


def test_json_says_each_number_with_its_target(tmp_path: pathlib.Path) -> None:
    done = run(tmp_path, *SHORT, "--json")
    document = json.loads(done.stdout)
    metrics = {one["name"]: one for one in document["runs"][0]["metrics"]}
    assert document["runs"][0]["alone"] is True
    assert metrics["pools and providers ever at .2"] == {
        "name": "pools and providers ever at .2", "value": 0, "target": "0", "reached": True,
    }  # fmt: skip


def test_several_seeds_say_together_how_sure_they_are(tmp_path: pathlib.Path) -> None:
    arguments = (*SHORT, "--seeds", "3,5-6")
    done = run(tmp_path, *arguments)
    assert done.returncode == 0, done.stderr
    assert "3 seeds, 5 days, scale tiny" in done.stdout
    assert "rule of three" in done.stdout
    document = json.loads(run(tmp_path, *arguments, "--json").stdout)
    (together,) = document["seeds"]
    assert together["seeds"] == [run["seed"] for run in document["runs"]] == [3, 5, 6]
    metrics = {one["name"]: one for one in together["metrics"]}
    singles = [
        one["value"] for run in document["runs"] for one in run["metrics"] if one["name"] == "recall at .2"
    ]
    recall = metrics["recall at .2"]
    assert (recall["min"], recall["max"]) == (min(singles), max(singles))
    assert recall["min"] <= recall["mean"] <= recall["max"]
    assert recall["value"] == recall["pooled"]["found"] / recall["pooled"]["total"]


def test_a_series_is_carried_on_where_it_was_stopped(tmp_path: pathlib.Path) -> None:
    kept = ("--keep", "runs.jsonl", "--json")
    whole = json.loads(run(tmp_path, *SHORT, "--seeds", "1-2", "--json").stdout)
    run(tmp_path, *SHORT, "--seeds", "1", *kept)
    lines = (tmp_path / "runs.jsonl").read_text().splitlines()
    assert len(lines) == 1
    known = json.loads(lines[0])
    known["events"] = 123_456  # a mark: this run is taken from the file, not made again
    (tmp_path / "runs.jsonl").write_text(json.dumps(known) + "\n")
    carried = json.loads(run(tmp_path, *SHORT, "--seeds", "1-2", *kept).stdout)
    assert [one["events"] for one in carried["runs"]] == [123_456, whole["runs"][1]["events"]]
    assert carried["seeds"] == whole["seeds"]
    assert len((tmp_path / "runs.jsonl").read_text().splitlines()) == 2


def test_an_interrupted_series_tells_what_is_done(tmp_path: pathlib.Path) -> None:
    command = [sys.executable, "-m", "feed", *SHORT, "--seeds", "1-1000", "--keep", "runs.jsonl"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 120
        while not (tmp_path / "runs.jsonl").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "of 1000 runs are done" in err
    assert "scale tiny" in out
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(("simulate", "--policy", "none"), "there is no policy", id="policy"),
        pytest.param(("simulate", "--scale", "huge"), "there is no scale", id="scale"),
        pytest.param(("simulate", "--scenario", "war"), "there is no scenario", id="scenario"),
        pytest.param(("simulate", "--seeds", "4-2"), "is no range", id="seeds backwards"),
        pytest.param(("simulate", "--seeds", "one"), "numbers and ranges", id="seeds in words"),
        pytest.param((*SHORT, "--keep", "none/x.jsonl"), "cannot write", id="nowhere to keep"),
        pytest.param((*SHORT, "--svg", "none/x.svg"), "cannot write", id="picture"),
    ],
)
def test_slips_are_said_in_words(tmp_path: pathlib.Path, arguments: tuple[str, ...], words: str) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_backtest_of_an_empty_feed_is_refused_in_words(tmp_path: pathlib.Path) -> None:
    assert run(tmp_path, "db", "upgrade").returncode == 0
    done = run(tmp_path, "backtest", "--policy", "community")
    assert done.returncode == 1
    assert "no scored evidence" in done.stderr


def test_backtest_counts_lists_and_tells_programs(tmp_path: pathlib.Path) -> None:
    assert run(tmp_path, "db", "upgrade").returncode == 0
    (file,) = tmp_path.rglob("*.db")
    database = Database(f"sqlite:///{file}", synchronous="NORMAL")
    live(database, end=int(time.time()) // 60 * 60)
    database.dispose()
    done = run(tmp_path, "backtest", "--policy", "community")
    assert done.returncode == 0, done.stderr
    assert "4 addresses replayed under community, 3 differ in 30 days" in done.stdout
    assert "gone         3  was listed and never would have been" in done.stdout
    assert done.stdout.count("│ gone ") == 3
    short = run(tmp_path, "backtest", "--policy", "community", "--rows", "1").stdout
    assert short.count("192.0.2.") == 1
    assert "2 more: --rows" in short
    found = json.loads(run(tmp_path, "backtest", "--policy", "community", "--json").stdout)
    assert [one["address"] for one in found] == ["192.0.2.1", "192.0.2.2", "192.0.2.4"]
    assert found[0]["live"]["strictest"] == 2
    assert found[0]["other"] == {"strictest": 0, "code": 0, "reason": ""}
    same = run(tmp_path, "backtest", "--policy", "private", "--json")
    assert json.loads(same.stdout) == []
