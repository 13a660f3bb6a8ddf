"""Labels before the zone to the address they name (RFC 5782 sections 2.1 and 2.4).

Only the one spelling counts: plain decimal octets without leading zeros, or single hexadecimal nibbles in
either case. Everything sloppy is no name of ours. Every valid beginning of an address exists (an empty
non-terminal, RFC 8020), whether or not anything is listed below it: a resolver that minimises names asks
for exactly these, and an NXDOMAIN there would hide a later listing for the negative TTL.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

_OCTETS: Final = {str(number).encode(): number for number in range(256)}
_NIBBLES: Final = {b"%x" % number: number for number in range(16)}
_V4_LABELS: Final = 4
_V6_LABELS: Final = 32


class Place(NamedTuple):
    """Where a name stands in the zone.

    address: 4 or 16 bytes when the name can be one. exists: the name exists without being listed; both
    hold for four octets below ten, which also begin an IPv6 address.
    """

    address: bytes | None
    exists: bool


def place_of(labels: Sequence[bytes]) -> Place:
    """Return the place of the lower-case labels left of the zone, in the order of the name."""
    count = len(labels)
    nibbles = count <= _V6_LABELS and all(label in _NIBBLES for label in labels)
    if nibbles and count == _V6_LABELS:
        digits = b"".join(reversed(labels)).decode()
        return Place(bytes.fromhex(digits), exists=False)
    if count < _V4_LABELS:
        return Place(None, exists=nibbles or all(label in _OCTETS for label in labels))
    if count == _V4_LABELS and all(label in _OCTETS for label in labels):
        return Place(bytes(_OCTETS[label] for label in reversed(labels)), exists=nibbles)
    return Place(None, exists=nibbles)


def wrong_use(labels: Sequence[bytes]) -> str:
    """Return how labels that name nothing were misspelled: what the operator of a client should be told.

    "name": no address at all, for instance a domain asked at an address list. "octet": four numbers of
    which one is no octet. "length": an address with labels missing or left over.
    """
    if len(labels) == _V4_LABELS and all(label.isdigit() for label in labels):
        return "octet"
    if all(label in _NIBBLES or label.isdigit() for label in labels):
        return "length"
    return "name"
