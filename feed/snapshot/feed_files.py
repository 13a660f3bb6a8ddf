"""Names of the feed files of a zone, and what leads from an older list to the present one.

Beside the files stand steps, one for each generation that differed from the one before: what
`exports.delta` says, kept for three days. A consumer who has some serial gets the steps from there as one.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from feed.snapshot.exports import FORMATS

FOLDER: Final = "feeds"
"""Folder of the feed files inside the one of the snapshots."""

_MEDIA: Final = {
    "txt": "text/plain; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "json": "application/json",
    "zone": "text/dns",
    "rbldnsd": "text/plain; charset=utf-8",
}


def manifest_name(zone: str) -> str:
    """Return the name of the file that says what the others hold: the metadata of the list, as JSON."""
    return f"{zone}.json"


def whole_names(zone: str) -> dict[str, str]:
    """Return every file with the whole list of a zone: its name, and its format as `FORMATS` has it."""
    return {f"{zone}.{ending}": name for name, (ending, _writer) in FORMATS.items()}


def steps_folder(zone: str) -> str:
    """Return the name of the folder of the steps."""
    return f".steps-{zone}"


def step_name(old: int, new: int) -> str:
    """Return the name of the step from one serial to a later one."""
    return f"{old}-{new}.jsonl.gz"


def step_serials(name: str) -> tuple[int, int] | None:
    """Return from which serial to which a file leads; None if it is no step."""
    old, dash, new = name.removesuffix(".jsonl.gz").partition("-")
    if not dash or not name.endswith(".jsonl.gz") or not (_is_serial(old) and _is_serial(new)):
        return None
    return (int(old), int(new)) if int(old) < int(new) else None


def media_type(name: str) -> str:
    """Return the media type of a feed file by its name."""
    return _MEDIA.get(name.rpartition(".")[2], "application/octet-stream")


def chain(names: Iterable[str], since: int, *, serial: int) -> list[str] | None:
    """Return the steps from `since` to the list of `serial` or a later one; None if they are not all kept."""
    onward: dict[int, int] = {}
    for name in names:
        found = step_serials(name)
        if found is not None:
            onward[found[0]] = max(found[1], onward.get(found[0], 0))
    way = []
    at = since
    while at in onward:
        way.append(step_name(at, onward[at]))
        at = onward[at]
    return way if since == serial or (way and at >= serial) else None


def merged(steps: Iterable[Iterable[str]], since: int, present: Mapping[str, Any]) -> Iterator[str]:
    """Yield several steps as one: what left, what came, metadata last, as `exports.delta` words it.

    present: the manifest of the whole files. A step killed half-way may lead beyond it; then its own
    metadata is used.
    """
    was_there: dict[str, bool] = {}
    came: dict[str, str | None] = {}
    meta = dict(present)
    for step in steps:
        for line in step:
            row = json.loads(line)
            if "change" not in row:
                meta = row if row["serial"] > present["serial"] else meta
                continue
            is_new = row["change"] == "came"
            was_there.setdefault(row["network"], not is_new)
            came[row["network"]] = line.rstrip("\n") if is_new else None
    left = [network for network, there in was_there.items() if there]
    added = [line for line in came.values() if line is not None]
    for network in left:
        yield json.dumps({"change": "left", "network": network}, separators=(",", ":"))
    yield from added
    keys = ("type", "zone", "serial", "refresh", "expire", "sha256")
    told = {key: meta[key] for key in keys} | {"from_serial": since, "records": len(left) + len(added)}
    yield json.dumps(told, separators=(",", ":"))


def _is_serial(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 10  # noqa: PLR2004 - serials have 32 bits
