"""Published ranges of large shared senders: evidence about them is held, never listed.

A provider's outbound pool carries the genuine bounces of millions beside any backscatter, so a listing
would hit the wrong people (field-review.md 1 and 2). The file is plain text:

    # date: 2026-11-25
    192.0.2.0/24 Example Mail

one network and a name to a line, `#` starts a comment, and the date says when it was gathered.
"""

import bisect
import dataclasses
import datetime as dt
import re
from typing import Final, Self

from feed.domain.address import Address, AddressError, canonical, packed, parse_network
from feed.domain.intervals import Span, boundaries

LONGEST_FILE: Final = 8_000_000
"""Characters: the largest known set of provider ranges is a few thousand lines; a disk image is refused."""

WIDEST: Final = {4: 8, 6: 16}
"""Least prefix length that is believed; a wider line is a slip that would hold half of the Internet."""

_DATE: Final = re.compile(r"#\s*date:\s*(\d{4}-\d{2}-\d{2})\s*$")


class ProviderFileError(ValueError):
    """A provider file cannot be used; the message gives line and reason."""

    def __init__(self, line: int, words: str) -> None:
        super().__init__(f"line {line}: {words}")
        self.line = line
        self.words = words


@dataclasses.dataclass(frozen=True, slots=True)
class Providers:
    """Ranges flattened to disjoint intervals, so that a look-up is one bisection.

    starts: sorted first addresses (16 bytes); names: whose interval starts there, None for a gap.
    """

    date: dt.date
    starts: tuple[bytes, ...]
    names: tuple[str | None, ...]
    network_count: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the ranges of a provider file.

        Raises `ProviderFileError` for a missing date, a line that is not `NETWORK NAME`, host bits, a
        network too wide, or the same network under two names.
        """
        if len(text) > LONGEST_FILE:
            raise ProviderFileError(1, f"the file is longer than {LONGEST_FILE} characters")
        date: dt.date | None = None
        ranges: dict[Span, str] = {}
        for number, raw in enumerate(text.splitlines(), start=1):
            line = raw.strip()
            if date is None and (found := _DATE.fullmatch(line)):
                date = _date(number, found[1])
            bare = line.partition("#")[0].strip()
            if not bare:
                continue
            span, name = _line(number, bare)
            if ranges.setdefault(span, name) != name:
                raise ProviderFileError(number, "this network was given before under another name")
        if date is None:
            raise ProviderFileError(1, "a line '# date: YYYY-MM-DD' is needed")
        starts, names = _flattened(ranges)
        return cls(date, starts, names, len(ranges))

    def find(self, address: Address) -> str | None:
        """Return the provider whose narrowest range holds `address`, or None."""
        index = bisect.bisect_right(self.starts, packed(canonical(address))) - 1
        return self.names[index] if index >= 0 else None


def _date(number: int, text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ProviderFileError(number, f"{text} is not a date") from None


def _line(number: int, bare: str) -> tuple[Span, str]:
    """Return first and last address as 128-bit numbers, and the name."""
    network_text, _, name = bare.partition(" ")
    name = " ".join(name.split())
    if not name:
        raise ProviderFileError(number, "a network and a name are needed")
    try:
        network = parse_network(network_text)
    except AddressError as problem:
        raise ProviderFileError(number, str(problem)) from None
    if network.prefixlen < WIDEST[network.version]:
        raise ProviderFileError(number, f"a network wider than /{WIDEST[network.version]} is not believed")
    first = int.from_bytes(packed(network.network_address), "big")
    return (first, first + network.num_addresses - 1), name


def _flattened(ranges: dict[Span, str]) -> tuple[tuple[bytes, ...], tuple[str | None, ...]]:
    """Return interval starts and the name of the narrowest range from there on."""
    starts: list[int] = []
    names: list[str | None] = []
    for at, chain in boundaries(ranges):
        name = chain.value if chain is not None else None
        if starts and starts[-1] == at:
            names[-1] = name
        elif not names or names[-1] != name:
            starts.append(at)
            names.append(name)
    kept = [(at, name) for at, name in zip(starts, names, strict=True) if at < 1 << 128]
    return tuple(at.to_bytes(16, "big") for at, _ in kept), tuple(name for _, name in kept)
