"""Feed files beside the snapshots: made when they are behind, whole or not at all, never in a tick's way."""

import gzip
import json
import pathlib
import sys
import threading

import pytest

from feed.domain.address import packed, parse_address
from feed.jobs import feeds
from feed.jobs.feeds import FeedFilesError, bring_up, in_own_process, is_due
from feed.snapshot import writer
from feed.snapshot.format import EXPIRE_S, Meta, Value
from feed.snapshot.reader import Snapshot

NOW = 1_795_000_000
ZONE = "bl.feed.test"


def put(path: pathlib.Path, addresses: list[str], *, serial: int, created_at: int | None = None) -> None:
    """Put a snapshot file."""
    at = created_at or serial
    meta = Meta(
        zone=ZONE, serial=serial, created_at=at, refresh_by=at + 300, expire_at=at + EXPIRE_S,
        mname="ns.feed.test", rname="hostmaster.feed.test", ns=("ns.feed.test",),
        lookup_url="http://feed.test/lookup/$", allow_special=True,
    )  # fmt: skip
    entries = ((packed(parse_address(text)), 128, Value(code=2, unit=32, text="$")) for text in addresses)
    path.write_bytes(writer.build_packed(entries, meta))


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def file(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / f"{ZONE}.snap"
    put(path, ["192.0.2.7"], serial=NOW)
    return path


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "feeds"


def test_files_say_until_when_they_may_be_used(file: pathlib.Path, folder: pathlib.Path) -> None:
    assert bring_up(file, folder, now=NOW)
    until = NOW + EXPIRE_S
    for name in ("v4.txt", "v6.txt", "csv", "jsonl", "json", "zone"):
        assert str(until) in (folder / f"{ZONE}.{name}").read_text(), name
    for name in ("ip4trie", "ip6trie"):
        assert "$TIMESTAMP - 2026:11:20:" in (folder / f"{ZONE}.{name}.rbldnsd").read_text(), name


def test_compressed_copies_hold_the_same(file: pathlib.Path, folder: pathlib.Path) -> None:
    bring_up(file, folder, now=NOW)
    made = contents(folder)
    names = [name for name in made if name + ".gz" in made]
    assert len(names) == 7
    for name in names:
        assert gzip.decompress(made[name + ".gz"]) == made[name]


def test_entries_said_are_the_lines_that_follow(file: pathlib.Path, folder: pathlib.Path) -> None:
    """Complaint B15: importers take the count at the head for granted."""
    put(file, ["192.0.2.7", "192.0.2.9", "198.51.100.4"], serial=NOW)
    bring_up(file, folder, now=NOW)
    lines = (folder / f"{ZONE}.v4.txt").read_text().splitlines()
    assert "# entries: 3" in lines
    assert [line for line in lines if not line.startswith("#")] == ["192.0.2.7", "192.0.2.9", "198.51.100.4"]


def test_unchanged_list_is_not_touched_until_its_expiry_is_an_hour_behind(
    file: pathlib.Path, folder: pathlib.Path
) -> None:
    bring_up(file, folder, now=NOW)
    before = contents(folder)
    put(file, ["192.0.2.7"], serial=NOW, created_at=NOW + 3599)
    assert not is_due(file, folder, ZONE)
    assert not bring_up(file, folder, now=NOW + 3599)
    assert contents(folder) == before
    put(file, ["192.0.2.7"], serial=NOW, created_at=NOW + 3600)
    assert bring_up(file, folder, now=NOW + 3600)
    assert not list((folder / f".steps-{ZONE}").iterdir()), "nothing changed, so there is no step"


def test_a_change_leaves_a_step_that_goes_after_three_days(file: pathlib.Path, folder: pathlib.Path) -> None:
    bring_up(file, folder, now=NOW)
    put(file, ["192.0.2.9"], serial=NOW + 60)
    bring_up(file, folder, now=NOW + 60)
    [step] = (folder / f".steps-{ZONE}").iterdir()
    rows = [json.loads(line) for line in gzip.decompress(step.read_bytes()).splitlines()]
    assert [(row["change"], row["network"]) for row in rows[:-1]] == [
        ("left", "192.0.2.7"), ("came", "192.0.2.9"),
    ]  # fmt: skip
    later = NOW + 60 + feeds.KEPT_S + 1
    put(file, ["192.0.2.9"], serial=NOW + 60, created_at=later)
    bring_up(file, folder, now=later)
    assert not step.exists()


def test_a_step_longer_than_half_the_list_is_not_kept(
    file: pathlib.Path, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "SHORT_STEP", 1)
    bring_up(file, folder, now=NOW)
    put(file, ["192.0.2.9"], serial=NOW + 60)
    bring_up(file, folder, now=NOW + 60)
    assert not list((folder / f".steps-{ZONE}").iterdir())


@pytest.mark.parametrize("stops_at", ["_add_step", "write_all", "_compress", "_last_line", "_replace"])
def test_killed_half_way_it_is_done_again(
    file: pathlib.Path, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, stops_at: str
) -> None:
    class KilledError(Exception):
        pass

    def killed(*_arguments: object) -> None:
        raise KilledError

    bring_up(file, folder, now=NOW)
    put(file, ["192.0.2.7", "192.0.2.9"], serial=NOW + 60)
    with monkeypatch.context() as patch:
        patch.setattr(feeds, stops_at, killed)
        with pytest.raises(KilledError):
            bring_up(file, folder, now=NOW + 60)
    bring_up(file, folder, now=NOW + 90)
    put(file, ["192.0.2.9"], serial=NOW + 120)
    assert bring_up(file, folder, now=NOW + 120)
    whole = [json.loads(line) for line in (folder / f"{ZONE}.jsonl").read_bytes().splitlines()]
    assert [row.get("network") for row in whole] == ["192.0.2.9", None]
    assert json.loads((folder / f"{ZONE}.json").read_bytes())["serial"] == NOW + 120


def test_own_process_makes_what_is_due(file: pathlib.Path, folder: pathlib.Path) -> None:
    stopping = threading.Event()
    files = {ZONE: file, "score.bl.feed.test": file.with_name("none.snap")}
    assert in_own_process(files, folder, now=NOW, stopping=stopping) == [ZONE]
    assert Snapshot.open((folder / f".base-{ZONE}.snap").read_bytes()).serial == NOW
    assert in_own_process(files, folder, now=NOW, stopping=stopping) == []


def test_own_process_says_what_is_wrong(file: pathlib.Path, folder: pathlib.Path) -> None:
    folder.write_text("a file where the folder should be")
    with pytest.raises(FeedFilesError, match="File exists"):
        in_own_process({ZONE: file}, folder, now=NOW, stopping=threading.Event())


def test_own_process_ends_with_the_scheduler(
    file: pathlib.Path, folder: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 600\n")
    slow.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(slow))
    stopping = threading.Event()
    stopping.set()
    assert in_own_process({ZONE: file}, folder, now=NOW, stopping=stopping) == []
