"""What every answer depends on beside the query; shared by the fast and the general path."""

import dataclasses

from dnsbl_server.cookies import Cookies
from dnsbl_server.zone import Zones


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Service:
    """The zones and how the server is set.

    cookies: None = no cookies are given. keepalive_s: how long an idle TCP connection is kept.
    """

    zones: Zones
    cookies: Cookies | None = None
    keepalive_s: int = 10
