"""Which name servers a page asks: all that the zones name, found by our resolver, or the one of this machine.

A secondary that is behind must be seen on the ticket: resolvers ask it too.
"""

import threading
from typing import Final

from feed.web.resolver import Resolver, ResolverError, Session
from feed.web.site import Site

SERVERS_MOST: Final = 6
KNOWN_S: Final = 600
AGAIN_S: Final = 60
"""So soon it is tried again when a name could not be resolved."""

_PORT: Final = 53


class NameServers:
    """Knows the addresses of our name servers; one a process."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._resolver = Resolver(site.settings.site.resolver)
        self._lock = threading.Lock()
        self._known: tuple[tuple[str, str], ...] = ()
        self._until = -1

    def endpoints(self) -> dict[str, str]:
        """Return HOST:PORT of each server to ask, with the name under which it is shown.

        Zones under .test exist on this machine only. While one request finds the addresses out, others
        take those that are known.
        """
        here = {endpoint: endpoint for endpoint in self._site.settings.dns.listen}
        if self._site.settings.publish.allow_special:
            return here
        now = self._site.seconds()
        if now >= self._until and self._lock.acquire(blocking=False):
            try:
                self._find(now)
            finally:
                self._lock.release()
        return dict(self._known) or here

    def _find(self, now: int) -> None:
        session = self._resolver.session()
        found: list[tuple[str, str]] = []
        whole = True
        for name in self._site.settings.publish.name_servers:
            try:
                found += _of(session, name)
            except ResolverError:
                whole = False
                found += [one for one in self._known if one[1].startswith(f"{name} ")]
        self._known = tuple(found[:SERVERS_MOST])
        self._until = now + (KNOWN_S if whole and found else AGAIN_S)


def _of(session: Session, name: str) -> list[tuple[str, str]]:
    """Return where to ask one name server: at its IPv4 address, at the IPv6 one if it has no other."""
    for version in (4, 6):
        for address in session.addresses(name, version)[:1]:
            host = f"[{address}]" if version == 6 else str(address)  # noqa: PLR2004
            return [(f"{host}:{_PORT}", f"{name} ({address})")]
    return []
