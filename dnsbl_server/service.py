"""What every answer depends on beside the query; shared by the fast and the general path."""

import dataclasses
from typing import Final

from dnsbl_server.access import Access
from dnsbl_server.cookies import Cookies
from dnsbl_server.tsig import Keys
from dnsbl_server.zone import Zones

OPEN: Final = Access()
"""Everybody may ask, nobody may transfer."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Service:
    """The zones and how the server is set.

    cookies: None = no cookies are given. keepalive_s: how long an idle TCP connection is kept. access: who
    may do what. keys: for TSIG.
    """

    zones: Zones
    cookies: Cookies | None = None
    keepalive_s: int = 10
    access: Access = OPEN
    keys: Keys = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(slots=True, kw_only=True)
class Note:
    """What one answer was about, for whoever counts.

    zone: number of the zone, -1 = none. wrong: how a name was misspelled, "" = it was not. client: number
    of the client that is counted, -1 = none. trusted: the query had a cookie of ours. refused: by access.
    transfer: which kind of transfer it was, "" = none.
    """

    zone: int = -1
    qtype: int = 0
    wrong: str = ""
    client: int = -1
    trusted: bool = False
    refused: bool = False
    transfer: str = ""
