"""`simulate` and `backtest` as an operator meets them."""

import json
import os
import pathlib
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest


def run(folder: pathlib.Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "feed", *arguments],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(pathlib.Path(__file__).parents[3])},
        capture_output=True, text=True, check=False, timeout=120,
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


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(("simulate", "--policy", "none"), "there is no policy", id="policy"),
        pytest.param(("simulate", "--scale", "huge"), "there is no scale", id="scale"),
        pytest.param(("simulate", "--scenario", "war"), "there is no scenario", id="scenario"),
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
