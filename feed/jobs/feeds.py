"""Feed files beside the snapshots: written whole or not at all, and not touched when nothing changed.

The scheduler has them made by a process of its own at low priority (`python -m feed.jobs.feeds`): at a
million entries it takes minutes, which no tick may wait for. Killed half-way it is done again. The order
(step, files, manifest, base) makes a step that is there always true.
"""

import contextlib
import fcntl
import gzip
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from feed.snapshot import exports, feed_files
from feed.snapshot.exports import FORMATS
from feed.snapshot.format import SnapshotError
from feed.snapshot.reader import Snapshot

STALE_S: Final = 3600
"""Files of an unchanged list are written anew when the expiry in them is so much behind that of the list."""

KEPT_S: Final = 72 * 3600
"""How long steps are kept (DESIGN section 6)."""

SHORT_STEP: Final = 1000
"""A step of so many lines is always kept; a longer one only if the whole list has twice as many."""

_LINES: Final = 4096
_NICE: Final = 10
_LOOK_S: Final = 0.2


class FeedFilesError(Exception):
    """The files cannot be made; those that are there stay."""


class _StepTooLongError(Exception):
    pass


def write_lines(path: pathlib.Path, lines: Iterable[str]) -> None:
    """Put lines under `path`, aside first, then renamed; raises `OSError`, and then the old file stays."""
    aside = path.with_name(f".{path.name}.new")
    try:
        with aside.open("w", encoding="utf-8", newline="\n") as file:
            pile: list[str] = []
            for line in lines:
                pile.append(line)
                if len(pile) >= _LINES:
                    file.write("\n".join(pile) + "\n")
                    pile.clear()
            file.write("".join(line + "\n" for line in pile))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise


def write_all(folder: pathlib.Path, snapshot: Snapshot) -> Mapping[str, pathlib.Path]:
    """Write every format of a snapshot into `folder`; return format name to file `ZONE.ending`.

    Takes a second for each 100,000 entries and format; raises `OSError`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for name, (ending, writer) in FORMATS.items():
        written[name] = folder / f"{snapshot.meta.zone}.{ending}"
        write_lines(written[name], writer(snapshot))
    return written


def is_due(file: pathlib.Path, folder: pathlib.Path, zone: str) -> bool:
    """Return whether the feed files of a zone are behind its snapshot file; False if there is none."""
    try:
        snapshot = Snapshot.open(file.read_bytes())
    except (OSError, SnapshotError):
        return False
    return _is_behind(_manifest(folder / feed_files.manifest_name(zone)), snapshot)


def bring_up(file: pathlib.Path, folder: pathlib.Path, *, now: int) -> bool:
    """Make the feed files of a snapshot file if they are behind it; return whether they were.

    now: seconds; decides only which steps are too old to be kept. Raises `OSError` and `SnapshotError`.
    """
    snapshot = Snapshot.open(file.read_bytes())
    zone = snapshot.meta.zone
    folder.mkdir(parents=True, exist_ok=True)
    manifest = folder / feed_files.manifest_name(zone)
    if not _is_behind(_manifest(manifest), snapshot):
        return False
    base = folder / f".base-{zone}.snap"
    steps = folder / feed_files.steps_folder(zone)
    steps.mkdir(exist_ok=True)
    _add_step(steps, base, snapshot)
    for path in write_all(folder, snapshot).values():
        _compress(path)
    write_lines(manifest, [_last_line(folder / f"{zone}.jsonl")])
    _replace(base, snapshot.data())
    for path in steps.iterdir():
        serials = feed_files.step_serials(path.name)
        if serials is None or serials[1] < now - KEPT_S:
            path.unlink()
    return True


def in_own_process(
    files: Mapping[str, pathlib.Path], folder: pathlib.Path, *, now: int, stopping: threading.Event
) -> list[str]:
    """Have the feed files made by another process; return the zones whose files were.

    It is ended when `stopping` is set. Raises `FeedFilesError` with what it said.
    """
    due = {zone: file for zone, file in files.items() if is_due(file, folder, zone)}
    if not due:
        return []
    command = [sys.executable, "-m", "feed.jobs.feeds", str(folder), str(now), *map(str, due.values())]
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=said) as process:  # noqa: S603 - our own program, no shell
            while process.poll() is None:
                if stopping.wait(_LOOK_S):
                    process.terminate()
                    return []
        if process.returncode:
            said.seek(0)
            words = said.read().decode("utf-8", "replace").strip().splitlines() or ["it was killed"]
            raise FeedFilesError(f"the feed files were not made: {words[-1]}")
    return list(due)


def _is_behind(made: Mapping[str, Any] | None, snapshot: Snapshot) -> bool:
    return (
        made is None
        or made.get("sha256") != snapshot.body_digest.hex()
        or made.get("serial") != snapshot.serial
        or snapshot.meta.expire_at - int(made.get("expire", 0)) >= STALE_S
    )


def _manifest(path: pathlib.Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _add_step(steps: pathlib.Path, base: pathlib.Path, snapshot: Snapshot) -> None:
    """Write what leads from the list of last time to this one, if that is known and worth it."""
    try:
        old = Snapshot.open(base.read_bytes())
    except (OSError, SnapshotError):
        return
    if old.meta.zone != snapshot.meta.zone or old.serial >= snapshot.serial:
        return
    counts = snapshot.counts()
    most = max(SHORT_STEP, (counts.v4_addresses + counts.v6_ranges) // 2)
    path = steps / feed_files.step_name(old.serial, snapshot.serial)
    aside = path.with_name(f".{path.name}.new")
    try:
        with aside.open("wb") as raw:
            with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed:
                for line in _at_most(most, exports.delta(old, snapshot)):
                    packed.write(line.encode() + b"\n")
            raw.flush()
            os.fsync(raw.fileno())
        aside.replace(path)
    except _StepTooLongError:
        aside.unlink()
    except OSError:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise


def _at_most(most: int, lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        if number > most:
            raise _StepTooLongError
        yield line


def _compress(path: pathlib.Path) -> None:
    """Put a compressed copy beside a file; equal files give equal copies."""
    target = path.with_name(f"{path.name}.gz")
    aside = target.with_name(f".{target.name}.new")
    try:
        with path.open("rb") as plain, aside.open("wb") as raw:
            with gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as packed:
                shutil.copyfileobj(plain, packed, 1 << 18)
            raw.flush()
            os.fsync(raw.fileno())
        aside.replace(target)
    except OSError:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise


def _last_line(path: pathlib.Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4096))
        return file.read().decode().splitlines()[-1]


def _replace(path: pathlib.Path, data: bytes) -> None:
    aside = path.with_name(f"{path.name}.new")
    aside.write_bytes(data)
    aside.replace(path)


def main(arguments: list[str]) -> int:
    """Make the files of the snapshots that `arguments` name: FOLDER NOW SNAPSHOT...; return the exit code."""
    folder, now = pathlib.Path(arguments[0]), int(arguments[1])
    os.nice(_NICE)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("w") as lock:
            # One that a killed scheduler left behind still works: it does what is to be done.
            fcntl.flock(lock, fcntl.LOCK_EX)
            for name in arguments[2:]:
                bring_up(pathlib.Path(name), folder, now=now)
    except (OSError, SnapshotError) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
