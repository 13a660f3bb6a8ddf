"""Who may be asked about an address: names and mail addresses that DNS itself ties to it, nobody else.

A name counts only when it is forward-confirmed: the PTR record names it and its own A or AAAA record names
the address back. So neither the owner of the reverse zone nor that of the name alone can point us at a
third party. Nothing that a visitor types ever becomes a mail address.
"""

import dataclasses
import re
from typing import Final, Protocol

from feed.domain.address import Address
from feed.web.resolver import ResolverError

ROLES: Final = ("postmaster", "abuse")
_NAMES_MOST: Final = 3
_SECOND_LEVELS: Final = frozenset(
    {"ac", "asso", "co", "com", "ed", "edu", "gen", "go", "gob", "gouv", "gov", "ind", "info", "ltd", "me",
     "mil", "ne", "net", "nom", "or", "org", "oz", "plc", "sch", "web"}
)  # fmt: skip
_COUNTRY: Final = 2
_MAIL: Final = re.compile(
    r"[a-z0-9](?:[a-z0-9._+-]{0,62}[a-z0-9])?@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
)
_MAIL_MOST: Final = 254


class Asks(Protocol):
    """The questions that are put to DNS."""

    def names(self, address: Address) -> list[str]: ...  # noqa: D102
    def addresses(self, name: str, version: int) -> list[Address]: ...  # noqa: D102
    def takes_mail(self, domain: str) -> bool: ...  # noqa: D102
    def texts(self, name: str) -> list[str]: ...  # noqa: D102


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """One mail address that was derived. domain: the registered domain by which mails are limited."""

    address: str
    domain: str
    means: str = "mail"

    @property
    def masked(self) -> str:
        """The address as pages show it: enough for its owner to know it, useless to others."""
        local, _, domain = self.address.partition("@")
        first, dot, rest = domain.partition(".")
        shown = local if local in ROLES else f"{local[0]}…"
        return f"{shown}@{first[0]}…{dot}{rest}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """What DNS says of an address. names: forward-confirmed. answered: False if DNS did not answer."""

    names: tuple[str, ...] = ()
    recipients: tuple[Recipient, ...] = ()
    answered: bool = True


def registered_domain(name: str) -> str:
    """Return a guess of the domain that somebody registered: two labels, three below words like `co.uk`.

    Only limits and the choice of role addresses rest on it: a wrong guess makes a limit stricter, or
    offers no address at the parent.
    """
    labels = name.split(".")
    deep = len(labels) > 2 and len(labels[-1]) == _COUNTRY and labels[-2] in _SECOND_LEVELS  # noqa: PLR2004
    return ".".join(labels[-3:] if deep else labels[-2:])


def derive(dns: Asks, address: Address) -> Derived:
    """Return the confirmed names of `address` and the role addresses at each name and its domain."""
    try:
        names = confirmed_names(dns, address)
        domains = list(dict.fromkeys(domain for name in names for domain in (name, registered_domain(name))))
        found = [
            Recipient(address=f"{role}@{domain}", domain=registered_domain(domain))
            for domain in domains
            if mail_address(f"{ROLES[0]}@{domain}") and dns.takes_mail(domain)
            for role in ROLES
        ]
    except ResolverError:
        return Derived(answered=False)
    return Derived(names=tuple(names), recipients=tuple(found))


def confirmed_names(dns: Asks, address: Address) -> list[str]:
    """Return up to three names that point back at `address`; raises `ResolverError`."""
    names = dns.names(address)[:_NAMES_MOST]
    return [name for name in names if address in dns.addresses(name, address.version)]


def mail_address(text: str) -> str | None:
    """Return `text` in lower case if it is a plain mail address that needs no quoting anywhere."""
    plain = text.strip().lower()
    return plain if len(plain) <= _MAIL_MOST and ".." not in plain and _MAIL.fullmatch(plain) else None
