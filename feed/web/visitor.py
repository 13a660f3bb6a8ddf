"""The requester of one HTTP request: its address, and whether its network has asked too often."""

import ipaddress
from typing import Final

from fastapi import Request

from feed.domain.address import Address
from feed.web.messages import text
from feed.web.refusal import PageError
from feed.web.requester import client_address, network_name
from feed.web.site import Site
from feed.web.throttle import Throttle
from feed.web.wording import duration

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600


class Visitors:
    """Knows addresses and limits; one a process."""

    def __init__(self, site: Site) -> None:
        self._trusted = tuple(ipaddress.ip_network(text) for text in site.settings.http.trusted_proxies)
        self._site = site
        self._lookups = Throttle(burst=site.lookups_a_minute, period_s=_MINUTE_S)
        self._sign_ins = Throttle(burst=site.removals_an_hour, period_s=_HOUR_S)
        self._downloads = Throttle(burst=site.downloads_an_hour, period_s=_HOUR_S)
        self._removals = Throttle(burst=site.removals_an_hour, period_s=_HOUR_S)

    def address(self, request: Request) -> Address | None:
        """Return where the request comes from, None if that cannot be known."""
        peer = request.client.host if request.client is not None else None
        return client_address(peer, ",".join(request.headers.getlist("x-forwarded-for")), self._trusted)

    def count_lookup(self, request: Request) -> None:
        """Count a look-up; raises `PageError` 429 if the network has made too many."""
        self._count(self._lookups, request)

    def count_removal(self, request: Request) -> None:
        """Count a removal asked for; raises `PageError` 429 if the network has made too many."""
        self._count(self._removals, request)

    def count_download(self, request: Request) -> None:
        """Count a feed file sent; raises `PageError` 429 if the network has fetched too many."""
        self._count(self._downloads, request)

    def count_sign_in(self, request: Request) -> None:
        """Count a try to sign in; raises `PageError` 429 if the network has made too many."""
        self._count(self._sign_ins, request)

    def _count(self, throttle: Throttle, request: Request) -> None:
        network = network_name(self.address(request))
        wait_s = throttle.wait_s(network, now=self._site.now().timestamp())
        if wait_s:
            words = f"{wait_s} seconds" if wait_s < 2 * _MINUTE_S else duration(-(-wait_s // _MINUTE_S))
            raise PageError(
                429, text("error.429", network=network, wait=words), headers={"Retry-After": str(wait_s)}
            )
