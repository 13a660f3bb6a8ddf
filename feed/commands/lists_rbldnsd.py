"""Reading data files of rbldnsd for `snapshot build`, with the same care for special-purpose space."""

import pathlib
import sys
from collections.abc import Iterator

from feed.commands.lists import LeftOut, ListError
from feed.domain.address import overlaps_special, parse_network
from feed.snapshot.rbldnsd_files import PassedOver, RbldnsdError, read
from feed.snapshot.static import network_text
from feed.snapshot.writer import PackedEntry


def read_rbldnsd(
    path: pathlib.Path, kind: str, *, text: str, left_out: LeftOut | None = None
) -> Iterator[PackedEntry]:
    """Yield the entries of a data file; raises `ListError`. left_out: as in `read_list`.

    Directives that our own settings replace are named on standard error once they have been passed over.
    """
    passed = PassedOver()
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            for address, width, value in read(lines, kind, fallback=text, passed_over=passed):
                why = _special(address, width) if left_out is not None and value is not None else None
                if left_out is not None and why is not None:
                    left_out.count += 1
                    left_out.first = left_out.first or why
                else:
                    yield address, width, value
    except OSError as problem:
        raise ListError(f"cannot read {path}: {problem.strerror}") from None
    except RbldnsdError as problem:
        raise ListError(f"{path}, {problem}") from None
    if passed.lines:
        named = ", ".join(f"{name} (line {number})" for name, number in passed.lines.items())
        print(f"passed over: {named}; the server's own settings hold", file=sys.stderr)


def _special(address: bytes, width: int) -> str | None:
    version = 4 if len(address) == 4 else 6  # noqa: PLR2004
    name = network_text(version, int.from_bytes(address), width)
    why = overlaps_special(parse_network(name))
    return None if why is None else f"{name} is {why}"
