"""A listing as names of a static zone: what AXFR and zone files hold in place of our binary search.

A listed range becomes whole octets or nibbles: an address a name, a wider block a wildcard over exactly
that block (RFC 5782 section 2.1). The blocks are disjoint, so a wildcard never stands above another name
(an exclusion is left out by listing its siblings, never by a hole under a wildcard). Where octets below ten
could be mistaken for nibbles, names of one family would hide the other's wildcards: there IPv4 is spelled
out, and IPv6 wildcards begin below the fourth nibble.

A wildcard also answers for names above and below the addresses that it stands for, and its text names the
block where ours names the address. To keep texts equal, blocks are taken apart down to the unit of their
value, as long as that makes at most 65,536 names of one block. Mapped addresses (::ffff:a.b.c.d) are
spelled out for the test entries only: nobody asks for others, and they would double the zone.
"""

import ipaddress
from collections.abc import Iterator
from typing import Final, NamedTuple

from feed.domain.address import MAPPED_PREFIX
from feed.snapshot.format import Value, masked_text
from feed.snapshot.reader import Range

_MOST_NAMES: Final = 1 << 16
_TESTS: Final = (0x7F000002, 0x7F000003)
_V4_SHORTEST: Final = 8
_V6_SHORTEST: Final = 16
"""Shorter IPv6 wildcards would have four labels, as IPv4 addresses have."""
_TEN: Final = 10


class Owner(NamedTuple):
    """A name before the zone, `7.2.0.192` or `*.2.0.192`, and what it answers."""

    name: str
    value: Value
    text: str


def blocks(first: int, last: int, bits: int) -> Iterator[tuple[int, int]]:
    """Yield (first address, prefix width) of the fewest networks that are `first` to `last`."""
    at = first
    while at <= last:
        size = min((at & -at).bit_length() - 1 if at else bits, (last - at + 1).bit_length() - 1)
        yield at, bits - size
        at += 1 << size


def owners(run: Range) -> Iterator[Owner]:
    """Yield the names of one listed range, in the order of addresses; texts as our own answers have them."""
    if run.version == 4:  # noqa: PLR2004
        if run.first == run.last:
            octets = run.first.to_bytes(4)
            yield Owner(".".join(map(str, reversed(octets))), run.value, run.value.text_for(octets))
        else:
            for first, width in blocks(run.first, run.last, 32):
                depth = _depth(run.value, width, 8, _V4_SHORTEST)
                for at in range(first, first + (1 << (32 - width)), 1 << (32 - depth)):
                    yield from _v4(at, depth, run.value)
        if run.first in _TESTS and run.last in _TESTS:
            for number in range(run.first, run.last + 1):
                mapped = int.from_bytes(MAPPED_PREFIX + number.to_bytes(4))
                yield _v6(mapped, 128, run.value)
    else:
        for first, width in blocks(run.first, run.last, 128):
            depth = _depth(run.value, width, 4, _V6_SHORTEST)
            for part in range(1 << (depth - width)):
                yield _v6(first + (part << (128 - depth)), depth, run.value)


def _depth(value: Value, width: int, step: int, shortest: int) -> int:
    """Return at which prefix width a block of `width` is spelled."""
    depth = max(shortest, -(-width // step) * step)
    wanted = -(-value.unit // step) * step if "$" in value.text else depth
    bits = 32 if step == 8 else 128  # noqa: PLR2004
    wanted = min(wanted, bits)
    return wanted if depth < wanted and wanted - width <= _MOST_NAMES.bit_length() - 1 else depth


def _v4(first: int, depth: int, value: Value) -> Iterator[Owner]:
    octets = first.to_bytes(4)
    count = depth // 8
    labels = ".".join(str(octet) for octet in reversed(octets[:count]))
    text = value.text.replace("$", masked_text(octets, min(value.unit, depth)))
    if count == 4:  # noqa: PLR2004
        yield Owner(labels, value, text)
    elif all(octet < _TEN for octet in octets[:count]):
        for part in range(256):
            yield from _v4(first + (part << (24 - depth)), depth + 8, value)
    else:
        yield Owner("*." + labels, value, text)


def _v6(first: int, depth: int, value: Value) -> Owner:
    packed = first.to_bytes(16)
    labels = ".".join(reversed(packed.hex()[: depth // 4]))
    if packed.startswith(MAPPED_PREFIX):
        text = value.text_for(packed)
    else:
        text = value.text.replace("$", masked_text(packed, min(value.unit, depth)))
    return Owner(labels if depth == 128 else "*." + labels, value, text)  # noqa: PLR2004


def network_text(version: int, first: int, width: int) -> str:
    """Return a network in the usual spelling, without "/width" for one address."""
    address = ipaddress.IPv4Address(first) if version == 4 else ipaddress.IPv6Address(first)  # noqa: PLR2004
    return str(address) if width == address.max_prefixlen else f"{address}/{width}"
