"""Many networks at once: which of them hold an address, by bisection instead of one after the other.

Two networks nest or are apart, never half inside each other. So at every address the ones that hold it
form a chain from the narrowest outwards, and the chain changes only where a network begins or ends.
"""

import bisect
import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Generic, Self, TypeVar

from feed.domain.address import MAPPED_PREFIX, Network

_Value = TypeVar("_Value")

Span = tuple[int, int]
"""First and last address as numbers."""

_V4: Final = 4
_WHOLE_64: Final = bytes((64,))
_AFTER_ALL_UNITS: Final = b"\xff"


@dataclasses.dataclass(frozen=True, slots=True)
class Open(Generic[_Value]):
    """What holds a place most narrowly, and what holds that: None if nothing does."""

    value: _Value
    outer: "Open[_Value] | None"


def boundaries(spans: Mapping[Span, _Value]) -> Iterator[tuple[int, Open[_Value] | None]]:
    """Yield where the chain of open spans changes and what it is from there on, in order of place.

    Of several at one place the last counts. Spans must nest or be apart.
    """
    open_spans: list[tuple[int, Open[_Value]]] = []
    for span in sorted(spans, key=_outer_first):
        while open_spans and open_spans[-1][0] < span[0]:
            last, closed = open_spans.pop()
            yield last + 1, closed.outer
        now = Open(spans[span], open_spans[-1][1] if open_spans else None)
        open_spans.append((span[1], now))
        yield span[0], now
    while open_spans:
        last, closed = open_spans.pop()
        yield last + 1, closed.outer


@dataclasses.dataclass(frozen=True, slots=True)
class _Table:
    """Networks of one IP version. starts, chains: see `boundaries`; numbers are positions in the input."""

    starts: tuple[int, ...]
    chains: tuple[Open[list[int]] | None, ...]
    firsts: tuple[int, ...]
    numbers: tuple[list[int], ...]
    outermost: tuple[Span, ...]

    @classmethod
    def build(cls, spans: Mapping[Span, list[int]]) -> Self:
        chains = dict(boundaries(spans))
        ordered = sorted(spans, key=_outer_first)
        outermost: list[Span] = []
        for span in ordered:
            if not outermost or outermost[-1][1] < span[0]:
                outermost.append(span)
        return cls(
            tuple(chains),
            tuple(chains.values()),
            tuple(first for first, _ in ordered),
            tuple(spans[span] for span in ordered),
            tuple(outermost),
        )

    def overlapping(self, first: int, last: int) -> Iterator[int]:
        """Yield the numbers of what holds `first`, and of what begins behind it up to `last`."""
        at = bisect.bisect_right(self.starts, first) - 1
        chain = self.chains[at] if at >= 0 else None
        while chain is not None:
            yield from chain.value
            chain = chain.outer
        begin, end = bisect.bisect_right(self.firsts, first), bisect.bisect_right(self.firsts, last)
        for numbers in self.numbers[begin:end]:
            yield from numbers


@dataclasses.dataclass(frozen=True, slots=True)
class NetworkIndex(Generic[_Value]):
    """Networks of both IP versions with a value each; the same network may come more than once."""

    values: tuple[_Value, ...]
    tables: Mapping[int, _Table]

    @classmethod
    def build(cls, pairs: Iterable[tuple[Network, _Value]]) -> Self:
        """Return the index of `pairs`, whose order is that of all answers."""
        values: list[_Value] = []
        spans: dict[int, dict[Span, list[int]]] = {}
        for number, (network, value) in enumerate(pairs):
            values.append(value)
            spans.setdefault(network.version, {}).setdefault(_span(network), []).append(number)
        return cls(tuple(values), {version: _Table.build(found) for version, found in spans.items()})

    def overlapping(self, network: Network) -> list[_Value]:
        """Return the values of the networks that share an address with `network`, as they were given."""
        table = self.tables.get(network.version)
        if table is None:
            return []
        return [self.values[number] for number in sorted(table.overlapping(*_span(network)))]

    def entries(self, keys: list[bytes]) -> set[bytes]:
        """Return which entries lie inside; a /64 counts if any part of it does.

        keys: sorted; each 16 bytes of the packed address and one of the width that is published. They are
        asked for each outermost network, not each of them for all networks.
        """
        found: set[bytes] = set()
        for version, table in self.tables.items():
            for span in table.outermost:
                first, last = (_packed(number, version) for number in span)
                begin = bisect.bisect_left(keys, first)
                inside = keys[begin : bisect.bisect_left(keys, last + _AFTER_ALL_UNITS, lo=begin)]
                # `::/0` and the like span the IPv4 addresses as they are packed, and do not mean them.
                found.update(key for key in inside if key.startswith(MAPPED_PREFIX) == (version == _V4))
                if version == _V4:
                    continue
                around = first[:8] + bytes(8) + _WHOLE_64
                at = bisect.bisect_left(keys, around)
                if keys[at : at + 1] == [around]:
                    found.add(around)
        return found


def _outer_first(span: Span) -> tuple[int, int]:
    """Order spans by where they begin, of those that begin together the widest first."""
    return span[0], -span[1]


def _span(network: Network) -> Span:
    return int(network.network_address), int(network.broadcast_address)


def _packed(number: int, version: int) -> bytes:
    """Return the 16 bytes under which an address is published."""
    return MAPPED_PREFIX + number.to_bytes(4, "big") if version == _V4 else number.to_bytes(16, "big")
