"""The worst emitters at the command line: alone, by network, by autonomous system."""

import json
import pathlib
import subprocess
import sys
from typing import Any

import pytest

from feed.domain.origin import Origins
from feed.jobs.score import Scorer
from feed.opening import open_feed
from feed.settings import Settings, StoreSettings
from feed.store import evidence, ranking
from feed.store.database import Database
from tests.factories import NOW, make_event, make_reporter

PREFIXES = (
    "203.0.112.0/23\t64496\tExample Net\n203.0.113.128/25\t64497\tInner\n2a00:1450::/32\tAS64498\tSix\n"
)
ADDRESSES = (
    "203.0.112.7",
    "203.0.112.9",
    "203.0.113.130",
    "2a00:1450:1::1",
    "2a00:1450:1:2::1",
    "198.51.1.1",
)


def _fill(database: Database, folder: pathlib.Path) -> None:
    feed = open_feed(
        Settings(store=StoreSettings(url=database.url.render_as_string(hide_password=False),
                                     secret_file=folder / "secret"))
    )  # fmt: skip
    with database.write() as connection:
        make_reporter(connection)
        for address in ADDRESSES:
            for day in (NOW.day, NOW.day - 1):
                at = NOW.replace(day=day, second=0)
                evidence.add_event(connection, make_event(address=address, received_at=NOW, observed_at=at))
    Scorer(database=database, secret=feed.secret, policy=feed.policy, providers=feed.providers).run(
        now=int(NOW.timestamp())
    )
    feed.database.dispose()


def test_systems_are_summed_worst_first(database: Database, tmp_path: pathlib.Path) -> None:
    _fill(database, tmp_path)
    with database.read() as connection:
        found = ranking.worst_systems(connection, Origins.parse(PREFIXES.splitlines()), limit=9)
        assert ranking.worst_systems(connection, Origins.parse([]), limit=1)[0].emitters == 6
    sums = {str(one.origin): (one.emitters, one.listed) for one in found}
    assert sums == {
        "AS64496 Example Net": (2, 2), "AS64497 Inner": (1, 1), "AS64498 Six": (2, 2), "None": (1, 1),
    }  # fmt: skip
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > scores[-1] > 0


@pytest.fixture
def place(sqlite: Database, tmp_path: pathlib.Path) -> pathlib.Path:
    _fill(sqlite, tmp_path)
    (tmp_path / "prefixes").write_text(PREFIXES)
    (tmp_path / "backscatter.toml").write_text(
        f'[store]\nurl = "{sqlite.url}"\nsecret_file = "{tmp_path}/secret"\n'
    )
    return tmp_path


def _run(place: pathlib.Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "feed", "rank", *arguments],
        cwd=place, capture_output=True, text=True, check=False,
    )  # fmt: skip


def _json(place: pathlib.Path, *arguments: str) -> Any:
    done = _run(place, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_ranking_by_each_way(place: pathlib.Path) -> None:
    assert {row["address"] for row in _json(place)} == set(ADDRESSES)
    assert all(row["gates"] for row in _json(place))
    networks = {row["network"]: row["emitters"] for row in _json(place, "--by", "network")}
    assert networks == {
        "203.0.112.0/24": 2, "203.0.113.0/24": 1, "2a00:1450:1::/48": 2, "198.51.1.0/24": 1,
    }  # fmt: skip
    systems = {row["as"]: row["listed"] for row in _json(place, "--by", "as", "--as-file", "prefixes")}
    assert systems == {"AS64496 Example Net": 2, "AS64497 Inner": 1, "AS64498 Six": 2, None: 1}
    assert len(_json(place, "--by", "as", "--as-file", "prefixes", "--limit", "2")) == 2
    with (place / "backscatter.toml").open("a") as settings:
        settings.write('[score]\nas_file = "prefixes"\n')
    assert {row["as"]: row["listed"] for row in _json(place, "--by", "as")} == systems
    (place / "others").write_text("0.0.0.0/0\t64511\tAll\n")
    named = _json(place, "--by", "as", "--as-file", "others")
    assert [row["as"] for row in named] == ["AS64511 All", None]
    table = _run(place, "--by", "as", "--as-file", "prefixes").stdout
    assert "AS64497 Inner" in table
    assert "unknown" in table


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--by", "as"), "--as-file"),
        (("--by", "as", "--as-file", "missing"), "cannot use missing"),
        (("--by", "as", "--as-file", "backscatter.toml"), "line 1: "),
    ],
)
def test_what_cannot_be_used_is_said_in_words(
    place: pathlib.Path, arguments: tuple[str, ...], words: str
) -> None:
    done = _run(place, *arguments)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
