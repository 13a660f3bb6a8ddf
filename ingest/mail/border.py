"""The hop of the border host: the one Received field of a mail that its reporter can answer for.

What stands below it was written by others (evidence.md 3.1).
"""

import dataclasses
from collections.abc import Iterable, Iterator

from feed.domain.address import Network
from ingest.mail import limits
from ingest.mail.received import Hop, read_received


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BorderHop:
    """The hop that a registered border host wrote; position counts the Received fields from the top."""

    hop: Hop
    position: int


def border_hop(
    values: Iterable[str], *, border: frozenset[str], internal: frozenset[str], own: tuple[Network, ...] = ()
) -> BorderHop | None:
    """Return the first hop from the top that a border host wrote about a peer outside, or None.

    Every field above it must be written by a registered host too: one unknown `by` ends the search,
    since whatever stands below may come from anybody. A border host that re-injected the mail through a
    filter on its own machine, or from an own network, is passed by; a private address is not, because a
    proxy that hides its clients would then hand us the forged line below it.
    """
    for position, hop in _hops(values):
        if hop.local and (hop.by is None or hop.by in border or hop.by in internal):
            continue
        inside = hop.address is not None and (
            hop.address.is_loopback or any(hop.address in network for network in own)
        )
        if hop.by in border and not inside:
            return BorderHop(hop=hop, position=position)
        if hop.by in internal or (inside and (hop.by in border or hop.by == "localhost")):
            continue
        return None
    return None


def _hops(values: Iterable[str]) -> Iterator[tuple[int, Hop]]:
    for position, value in enumerate(values):
        if position >= limits.RECEIVED_FIELDS:
            return
        yield position, read_received(value)
