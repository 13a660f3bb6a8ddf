"""Which autonomous system announces an address, from a plain text file of prefixes.

One prefix to a line, then its number and a name, separated by tabs:

    192.0.2.0/24	64496	Example Net
    2001:db8::/32	AS64497	Another Example

The name may be missing, `#` begins a comment, an empty line is skipped. The longest prefix that holds an
address decides; of a prefix that stands twice the first line counts. The table is a sorted row of
boundaries, as in a snapshot, so that a look-up is one bisection however the prefixes lie in each other.
"""

import bisect
import dataclasses
import ipaddress
from collections.abc import Iterable
from typing import Final, Self

from feed.domain.address import MAPPED_PREFIX

MOST_LINES: Final = 3_000_000
"""Three times what the whole Internet announces; a longer file is something else."""

_HIGHEST_NUMBER: Final = (1 << 32) - 1  # RFC 6793
_LONGEST_NAME: Final = 80
_MAPPED: Final = int.from_bytes(MAPPED_PREFIX + bytes(4), "big")


class OriginFileError(ValueError):
    """A file of prefixes cannot be used; the message gives line and reason."""

    def __init__(self, line: int, words: str) -> None:
        super().__init__(f"line {line}: {words}")


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Origin:
    """An autonomous system."""

    number: int
    name: str = ""

    def __str__(self) -> str:
        return f"AS{self.number} {self.name}".rstrip()


@dataclasses.dataclass(frozen=True, slots=True)
class Origins:
    """Prefixes flattened to disjoint intervals of addresses.

    starts: first addresses as numbers of 128 bits, IPv4 as ::ffff:a.b.c.d; owners: whose interval begins
    there, None for a gap.
    """

    starts: tuple[int, ...]
    owners: tuple[Origin | None, ...]
    prefixes: int

    @classmethod
    def parse(cls, lines: Iterable[str]) -> Self:
        """Return the table of a file's lines; raises `OriginFileError`."""
        known: dict[str, Origin] = {}
        owners: dict[tuple[int, int], Origin] = {}
        for at, line in enumerate(lines, start=1):
            if at > MOST_LINES:
                raise OriginFileError(at, f"the file has more than {MOST_LINES:,} lines")
            bare = line.partition("#")[0].strip()
            if not bare:
                continue
            prefix, _, whose = bare.partition("\t")
            owner = known.get(whose)
            if owner is None:
                owner = known[whose] = _origin(at, whose)
            owners.setdefault(_span(at, prefix.strip()), owner)
        starts, flat = _flattened(owners)
        return cls(tuple(starts), tuple(flat), len(owners))

    def find(self, packed: bytes) -> Origin | None:
        """Return whose the longest prefix is that holds an address (16 bytes), None if none does."""
        at = bisect.bisect_right(self.starts, int.from_bytes(packed, "big"))
        return self.owners[at - 1] if at else None


def _origin(line: int, text: str) -> Origin:
    number, _, name = text.partition("\t")
    digits = number.strip().upper().removeprefix("AS")
    if not (digits.isascii() and digits.isdecimal()) or int(digits) > _HIGHEST_NUMBER:
        raise OriginFileError(line, "PREFIX, a tab, the number of the AS, a tab and its name are needed")
    words = " ".join("".join(sign for sign in name if sign.isprintable() or sign == "\t").split())
    return Origin(int(digits), words[:_LONGEST_NAME])


def _span(line: int, prefix: str) -> tuple[int, int]:
    """Return the first address of a prefix and, negative, the last: so they sort the wider one first."""
    try:
        network = ipaddress.ip_network(prefix)
    except ValueError as problem:
        raise OriginFileError(line, f"a prefix is needed: {str(problem)[:100]}") from None
    base = _MAPPED if network.version == 4 else 0  # noqa: PLR2004
    first = base + int(network.network_address)
    return first, -(first + network.num_addresses - 1)


def _flattened(owners: dict[tuple[int, int], Origin]) -> tuple[list[int], list[Origin | None]]:
    """Return starts and owners of the disjoint intervals that look-ups by longest prefix see."""
    starts: list[int] = []
    flat: list[Origin | None] = []
    open_ones: list[tuple[int, Origin]] = []  # (last address, owner), the narrowest at the end

    def begin(at: int, owner: Origin | None) -> None:
        if starts and starts[-1] == at:
            starts.pop()
            flat.pop()
        if (flat[-1] if flat else None) != owner:
            starts.append(at)
            flat.append(owner)

    def end_before(at: int) -> None:
        while open_ones and open_ones[-1][0] < at:
            last, _ = open_ones.pop()
            begin(last + 1, open_ones[-1][1] if open_ones else None)

    for first, negative in sorted(owners):
        end_before(first)
        begin(first, owners[first, negative])
        open_ones.append((-negative, owners[first, negative]))
    end_before(1 << 128)
    return starts, flat
