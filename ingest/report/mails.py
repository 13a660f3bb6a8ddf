"""Mails to report one by one: from standard input, a file, a Maildir or an mbox; none is moved or changed."""

import pathlib
import sys
from collections.abc import Iterator
from typing import BinaryIO, Final

LARGEST: Final = 256 * 1024
"""Bytes of a mail that a feed takes; the rest is cut off: the original's headers are enough."""
_LONGEST_LINE: Final = 1 << 20


def mails(path: str) -> Iterator[bytes]:
    """Yield the mails at a path, `-` for one mail on standard input; raises OSError."""
    if path == "-":
        yield sys.stdin.buffer.read(LARGEST)
        return
    place = pathlib.Path(path)
    if place.is_dir():
        yield from _folder(place)
        return
    with place.open("rb") as file:
        is_mbox = file.read(5) == b"From "
        file.seek(0)
        if is_mbox:
            yield from _mbox(file)
        else:
            yield file.read(LARGEST)


def _folder(place: pathlib.Path) -> Iterator[bytes]:
    """Yield the mails of a Maildir (`new` and `cur`) or of a plain folder of mails."""
    folders = [place / name for name in ("new", "cur") if (place / name).is_dir()] or [place]
    for folder in folders:
        for path in sorted(folder.iterdir()):
            if path.is_file() and not path.name.startswith("."):
                try:
                    with path.open("rb") as file:
                        mail = file.read(LARGEST)
                except FileNotFoundError:
                    continue  # a reader moved it from `new` to `cur`; it is found there, now or next time
                yield mail


def _mbox(file: BinaryIO) -> Iterator[bytes]:
    """Yield the mails of an mbox: each begins with `From ` behind an empty line."""
    parts: list[bytes] = []
    size, blank = 0, True
    while line := file.readline(_LONGEST_LINE):
        if blank and line.startswith(b"From "):
            if parts:
                yield b"".join(parts)[:LARGEST]
            parts, size = [], 0
        elif size < LARGEST:
            parts.append(line[1:] if line.startswith(b">From ") else line)
            size += len(line)
        blank = line in {b"\n", b"\r\n"}
    if parts:
        yield b"".join(parts)[:LARGEST]
