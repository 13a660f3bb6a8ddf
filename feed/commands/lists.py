"""Reading plain lists of addresses: one address or CIDR a line, optional return code, `#` comments."""

import dataclasses
import ipaddress
import pathlib
import socket
from collections.abc import Iterable, Iterator
from typing import Final

from feed.domain.address import MAPPED_PREFIX, AddressError, overlaps_special, parse_network
from feed.snapshot.format import Value

LOWEST_CODE: Final = 2
HIGHEST_CODE: Final = 255
_V4_BITS: Final = 32
_ORDINARY_OCTETS: Final = frozenset(
    octet for octet in range(256) if overlaps_special(ipaddress.IPv4Network((octet << 24, 8))) is None
)
"""First octets with no special-purpose space below them."""


class ListError(Exception):
    """A line of a list cannot be used; the message names file and line."""


@dataclasses.dataclass(slots=True)
class LeftOut:
    """Lines of a list that name special-purpose space: how many, and the first of them in words."""

    count: int = 0
    first: str = ""


def read_list(
    path: pathlib.Path, *, text: str, left_out: LeftOut | None = None
) -> Iterator[tuple[bytes, int, Value]]:
    """Yield (packed address, width, value) of each line; raises `ListError` at the first bad line.

    text: template of the TXT record, `$` stands for the address. left_out: lines in private and other
    special-purpose space are passed over and counted there; None takes them like any other.
    """
    values: dict[tuple[int, int], Value] = {}
    try:
        with path.open(encoding="ascii", errors="replace") as lines:
            for number, line in enumerate(lines, start=1):
                bare = line.partition("#")[0].split()
                if bare:
                    try:
                        entry = _entry(bare, values, text)
                    except (AddressError, ValueError) as problem:
                        raise ListError(f"{path}, line {number}: {problem}") from None
                    if left_out is not None and (why := _special(entry[0], bare[0])) is not None:
                        left_out.count += 1
                        left_out.first = left_out.first or f"line {number}: {bare[0]} is {why}"
                    else:
                        yield entry
    except OSError as problem:
        raise ListError(f"cannot read {path}: {problem.strerror}") from None


def _entry(words: list[str], values: dict[tuple[int, int], Value], text: str) -> tuple[bytes, int, Value]:
    code = _code(words[1:])
    try:
        # Nearly every line of a large list is a bare IPv4 address; this is ten times faster.
        packed, value = socket.inet_pton(socket.AF_INET, words[0]), values.get((code, _V4_BITS))
        if value is not None:
            return MAPPED_PREFIX + packed, 128, value
    except OSError:
        pass
    network = parse_network(words[0])
    unit = network.prefixlen
    value = values.get((code, unit))
    if value is None:
        value = values[code, unit] = Value(code=code, unit=unit, text=text)
    packed = network.network_address.packed
    if network.version == 4:  # noqa: PLR2004
        return MAPPED_PREFIX + packed, unit + 128 - _V4_BITS, value
    return packed, unit, value


def _special(packed: bytes, word: str) -> str | None:
    """Return why an entry is special-purpose space; the first octet spares most lines the look."""
    if packed.startswith(MAPPED_PREFIX) and packed[12] in _ORDINARY_OCTETS and "/" not in word:
        return None
    return overlaps_special(parse_network(word))


def _code(words: Iterable[str]) -> int:
    """Return the return code that follows the address: `2`, `127.0.0.2` or nothing (2)."""
    rest = list(words)
    if not rest:
        return LOWEST_CODE
    code = rest[0].removeprefix("127.0.0.")
    if (
        len(rest) > 1
        or not code.isascii()
        or not code.isdecimal()
        or not LOWEST_CODE <= int(code) <= HIGHEST_CODE
    ):
        raise ValueError("after the address comes nothing, or a return code from 2 to 255")
    return int(code)


def lines_of(path: pathlib.Path) -> int:
    """Return how many lines a file has, for a progress bar; 0 if it cannot be read."""
    try:
        with path.open("rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    except OSError:
        return 0
