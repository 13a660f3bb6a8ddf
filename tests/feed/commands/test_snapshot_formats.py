"""`snapshot build --format` and `snapshot export`, as an operator runs them."""

import subprocess
import sys
from pathlib import Path

import pytest

from feed.snapshot.exports import FORMATS
from feed.snapshot.reader import Snapshot

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.e2e


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "feed", "snapshot", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.fixture
def built(tmp_path: Path) -> Path:
    source, file = tmp_path / "list", tmp_path / "bl.snap"
    source.write_text(
        "$SOA 0 a. b. 0 1h 1h 2d 1h\n:3:See https://example.org/$\n45/16\n!45.0.3.4\n10.0.0.1\n"
    )
    done = run(
        "build", str(source), "--format", "rbldnsd-ip4trie", "--zone", "bl.example.org", "--output", str(file)
    )
    assert done.returncode == 0, done.stderr
    assert "passed over: $SOA (line 1)" in done.stderr
    assert "1 lines are special-purpose" in done.stderr
    return file


def test_a_data_file_becomes_a_snapshot(built: Path) -> None:
    snapshot = Snapshot.open(built.read_bytes())
    assert snapshot.lookup(bytes((45, 0, 3, 4))) is None
    assert snapshot.lookup(bytes((10, 0, 0, 1))) is None
    found = snapshot.lookup(bytes((45, 0, 3, 5)))
    assert found is not None
    assert (found.code, found.text_for(bytes((45, 0, 3, 5)))) == (3, "See https://example.org/45.0.3.5")


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_written_whole(built: Path, tmp_path: Path, kind: str) -> None:
    output = tmp_path / "out"
    assert run("export", str(built), "--format", kind, "--output", str(output)).returncode == 0
    assert output.read_text().endswith("\n")
    assert "45.0" in output.read_text() or "v6" in kind or "ip6" in kind or "0.45" in output.read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["export", "SNAP", "--format", "xml", "--output", "OUT"], "no format"),
        (["export", "LIST", "--format", "csv", "--output", "OUT"], "not a snapshot"),
        (["export", "NONE", "--format", "csv", "--output", "OUT"], "No such file"),
        (["export", "SNAP", "--format", "csv", "--output", "NONE/x"], "No such file"),
        (["build", "LIST", "--format", "xml", "--zone", "bl.example.org", "--output", "OUT"], "no format"),
        (
            ["build", "SNAP", "--format", "rbldnsd-ip4set", "--zone", "bl.example.org", "--output", "OUT"],
            "line 1",
        ),
    ],
)
def test_what_cannot_be_done_is_said(built: Path, tmp_path: Path, arguments: list[str], words: str) -> None:
    names = {"SNAP": built, "LIST": tmp_path / "list", "OUT": tmp_path / "out"}
    done = run(*(str(names.get(word, word)).replace("NONE", str(tmp_path / "none")) for word in arguments))
    assert done.returncode != 0
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
