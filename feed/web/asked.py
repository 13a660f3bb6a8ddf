"""Reading what somebody typed, pasted or followed from a TXT record as an address. Pure."""

import ipaddress
from typing import Final

from feed.domain.address import Address, AddressError, canonical, parse_address
from feed.web.messages import text

LONGEST: Final = 64
_UNITS: Final = frozenset({(4, 32), (6, 64), (6, 128)})


class AskedError(ValueError):
    """The text names no address; the message is a sentence for the form."""


def read_asked(given: str) -> Address:
    """Return the address that `given` asks about.

    Takes every spelling of `parse_address`, and the units that TXT records name: `ADDRESS/32`,
    `ADDRESS/64` (IPv6, the first address stands for it), `ADDRESS/128`. Raises `AskedError`.
    """
    bare = given.strip()
    if not bare:
        raise AskedError(text("error.empty"))
    first, slash, width = bare.partition("/")
    try:
        address = parse_address(first)
    except AddressError as problem:
        raise AskedError(text("error.address", why=problem)) from None
    if not slash:
        return address
    if not (width.isascii() and width.isdigit() and len(width) < 4):  # noqa: PLR2004
        raise AskedError(text("error.address", why=text("error.width")))
    if (address.version, int(width)) not in _UNITS:
        raise AskedError(text("error.range", why=f"/{int(width)} was given"))
    if int(width) == 64:  # noqa: PLR2004
        return canonical(ipaddress.IPv6Network((address, 64), strict=False).network_address)
    return address
