"""Asking DNS and RDAP who stands behind an address, with bounds: few at once, remembered for a minute."""

import collections
import contextlib
import threading
from typing import Final

from feed.domain.address import Address, AddressError, parse_network, special_purpose
from feed.settings import Settings
from feed.web import rdap
from feed.web.ask_https import Refuse, fetch
from feed.web.messages import text
from feed.web.owner_names import Derived, confirmed_names, derive
from feed.web.refusal import PageError
from feed.web.resolver import Resolver, ResolverError
from feed.web.site import Site

AT_ONCE: Final = 8
REMEMBERED: Final = 1000
REMEMBERED_S: Final = 60


def refusal(settings: Settings) -> Refuse:
    """Return what says why a registry's address is not asked: special-purpose, or one of the feed's own.

    Its own are those where it listens, its resolver and its proxies, as the settings name them.
    """
    places = (settings.http.listen, *settings.dns.listen, *settings.trap.listen, settings.site.resolver or "")
    own = [parse_network(one) for one in settings.http.trusted_proxies]
    for place in places:
        with contextlib.suppress(AddressError):  # a name, or nothing
            own.append(parse_network(place.rpartition(":")[0]))

    def why(address: Address) -> str | None:
        if any(address in network for network in own):
            return "a network of the feed itself"
        return special_purpose(address)

    return why


class Prober:
    """Derives recipients and checks TXT records; one a process."""

    def __init__(self, site: Site) -> None:
        self._resolver = Resolver(site.settings.site.resolver)
        self._refuse = refusal(site.settings)
        self._registries = rdap.load(site.settings.site.rdap_bootstrap, site.settings.site.rdap_url)
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._known: collections.OrderedDict[Address, tuple[int, Derived]] = collections.OrderedDict()
        self._lock = threading.Lock()

    def derived(self, address: Address, *, now: int) -> Derived:
        """Return what DNS (and RDAP) say of `address`; `now` in seconds. Raises `PageError` 503 if busy."""
        with self._lock:
            known = self._known.get(address)
        if known is not None and 0 <= now - known[0] < REMEMBERED_S:
            return known[1]
        with self._slot():
            found = derive(self._resolver.session(), address)
            service = self._registries.service_of(address)
            if service is not None:
                contact = rdap.abuse_contact(service, address, get=self._fetch)
                recipients = (*found.recipients, *((contact,) if contact else ()))
                found = Derived(names=found.names, recipients=recipients, answered=found.answered)
        if found.answered:
            with self._lock:
                self._known[address] = (now, found)
                if len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
        return found

    def _fetch(self, url: str) -> bytes:
        return fetch(url, accept=rdap.MEDIA_TYPE, resolve=self._addresses, refuse=self._refuse)

    def _addresses(self, name: str) -> list[Address]:
        session = self._resolver.session()
        found: list[Address] = []
        for version in (4, 6):
            with contextlib.suppress(ResolverError):
                found += session.addresses(name, version)
        return found

    def has_text(self, address: Address, *, label: str, value: str) -> bool | None:
        """Return whether `value` is a TXT record at `label` below a confirmed name; None: no answer.

        Asked anew each time: the record was made a moment ago.
        """
        with self._slot():
            session = self._resolver.session()
            try:
                names = confirmed_names(session, address)
                return any(value in session.texts(f"{label}.{name}") for name in names)
            except ResolverError:
                return None

    def _slot(self) -> "_Slot":
        return _Slot(self._slots)


class _Slot:
    """One of the few places for visitors who make us ask others."""

    def __init__(self, slots: threading.BoundedSemaphore) -> None:
        self._slots = slots

    def __enter__(self) -> None:
        if not self._slots.acquire(timeout=1):
            raise PageError(503, text("proofs.busy"), headers={"Retry-After": "10"})

    def __exit__(self, *_problem: object) -> None:
        self._slots.release()
