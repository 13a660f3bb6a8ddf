"""Zones to answer from: a snapshot with its records packed once, and the search for the zone of a name."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Final, Self

from dnsbl_server.blocks import EVERYWHERE, Blocks
from dnsbl_server.wire import IN, RECORD, SOA
from feed.snapshot.reader import Snapshot

TTL: Final = 300
NEGATIVE_TTL: Final = 120
"""SOA minimum, and TTL of the SOA in negative answers (RFC 2308 sections 3 and 5)."""
REFRESH_S: Final = 300
RETRY_S: Final = 60
EXPIRE_S: Final = 172_800


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Zone:
    """One zone at one moment.

    apex: its name on the wire, lower case. soa, ns: the data of its SOA and NS records. negative: the
    SOA record of negative answers without its owner. blocks: which parts of the IPv4 space are listed at
    all. number: which of the server's zones it is.
    """

    snapshot: Snapshot
    apex: bytes
    soa: bytes
    ns: tuple[bytes, ...]
    negative: bytes
    blocks: Blocks = EVERYWHERE
    number: int = 0

    @classmethod
    def of(
        cls,
        snapshot: Snapshot,
        *,
        soa: bytes,
        ns: tuple[bytes, ...],
        blocks: Blocks = EVERYWHERE,
        number: int = 0,
    ) -> Self:
        """Return the zone of `snapshot` with the data of its apex records."""
        labels = snapshot.meta.zone.encode().split(b".")
        return cls(
            snapshot=snapshot,
            apex=b"".join(bytes((len(label),)) + label for label in labels) + b"\0",
            soa=soa,
            ns=ns,
            negative=RECORD.pack(SOA, IN, NEGATIVE_TTL, len(soa)) + soa,
            blocks=blocks,
            number=number,
        )

    def expired(self, now: int) -> bool:
        """Return whether the list is too old to answer from."""
        return now >= self.snapshot.meta.expire_at


class Zones:
    """The zones that are served; immutable, so that one message sees one generation of each."""

    def __init__(self, zones: Iterable[Zone]) -> None:
        """Take the zones; of two with one name the last one counts."""
        self.by_apex: Final = {zone.apex: zone for zone in zones}

    def find(self, name: bytes, starts: Sequence[int]) -> tuple[Zone, int] | None:
        """Return the zone with the longest name that a lower-case wire name ends in, and where it begins.

        starts: where the labels of `name` begin, from left to right; so the first match is the longest.
        """
        by_apex = self.by_apex
        for start in starts:
            zone = by_apex.get(name[start:])
            if zone is not None:
                return zone, start
        return None
