"""`backscatter-feed snippets` as it is typed."""

import pathlib
import subprocess
import sys

import pytest

from feed.domain.snippets import WRITERS, Stage, Zones
from tests.conftest import ROOT


def _run(folder: pathlib.Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    config = folder / "backscatter.toml"
    config.write_text(f"[store]\nurl = 'sqlite:///{folder}/feed.db'\nsecret_file = '{folder}/secret'\n")
    return subprocess.run(
        [sys.executable, "-m", "feed", "--config", str(config), "snippets", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_prints_what_was_tried_with_the_name_server_that_is_named(tmp_path: pathlib.Path) -> None:
    done = _run(tmp_path, "unbound", "--server", "[2001:db8::53]:5353")
    zones = Zones(zone="bl.feed.test", score_zone="score.bl.feed.test", server="2001:db8::53", port=5353)
    assert done.stdout == WRITERS["unbound"](zones, Stage.WARN)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("qmail",), "there is no configuration for qmail"),
        (("unbound", "--server", "ns1.example.org"), "is not ADDRESS:PORT"),
        (("unbound", "--server", "192.0.2.1:99999"), "is not ADDRESS:PORT"),
    ],
)
def test_refuses_in_words(tmp_path: pathlib.Path, arguments: tuple[str, ...], words: str) -> None:
    done = _run(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
