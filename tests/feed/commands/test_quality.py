"""The monthly report at the command line."""

import datetime as dt
import json
import pathlib
import subprocess
import sys

import pytest

from feed.store import evidence
from feed.store.database import Database
from tests.factories import make_event, make_reporter


@pytest.fixture
def place(sqlite: Database, tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "backscatter.toml").write_text(
        f'[store]\nurl = "{sqlite.url}"\nsecret_file = "{tmp_path}/secret"\n'
    )
    return tmp_path


def _run(place: pathlib.Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [sys.executable, "-m", "feed", "quality", *arguments],
        cwd=place, env={"PATH": "/usr/bin:/bin", "COLUMNS": "200", "PYTHONPATH": str(pathlib.Path.cwd())},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done


def test_report_of_this_month_as_table_and_as_json(sqlite: Database, place: pathlib.Path) -> None:
    now = dt.datetime.now(dt.UTC).replace(second=0, microsecond=0)
    with sqlite.write() as connection:
        for name in ("trapper", "mail admin"):
            make_reporter(connection, name, anchor=name == "trapper")
        for source_id in (1, 2):
            evidence.add_event(connection, make_event(source_id=source_id, observed_at=now, received_at=now))
    month = f"{now:%Y-%m}"
    document = json.loads(_run(place, "--month", month, "--json").stdout)
    assert document["first_day"] == f"{month}-01"
    assert document["feed"]["originals"] == 2
    admin = next(one for one in document["reporters"] if one["reporter"] == "mail admin")
    assert (admin["emitters"], admin["nearest"], admin["coverage"]) == (1, "trapper", 1.0)
    said = _run(place, "--month", month).stdout
    assert f"{month}, not over" in said or "not over" not in said
    assert "100.0 %" in next(line for line in said.splitlines() if "mail admin" in line)


def test_month_that_ended_last_unless_one_is_named(place: pathlib.Path) -> None:
    document = json.loads(_run(place, "--json").stdout)
    last = dt.date.fromisoformat(document["last_day"])
    today = dt.datetime.now(dt.UTC).date()
    assert last < today
    assert (last + dt.timedelta(days=1)).day == 1
    assert (today - last).days <= 31
    assert "no reporters" in _run(place).stdout


@pytest.mark.parametrize(
    ("month", "words"),
    [
        ("2026-13", "YYYY-MM"),
        ("26-01", "YYYY-MM"),
        ("0000-01", "YYYY-MM"),
        ("9999-12", "has not begun"),
        ("2020-01", "130 days"),
    ],
)
def test_month_that_cannot_be_shown_is_refused_in_words(place: pathlib.Path, month: str, words: str) -> None:
    done = _run(place, "--month", month)
    assert done.returncode == 1
    assert words in done.stderr
