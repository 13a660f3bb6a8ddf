"""Signed links for the proven owner of an address: whoever has one sees the reports in detail, for a week."""

from typing import Final

import itsdangerous

from feed.domain.address import Address, AddressError, parse_address
from feed.store.secret import Secret

LIFE_S: Final = 7 * 24 * 3600
_LONGEST: Final = 200


def sign(secret: Secret, address: Address, *, now: int) -> str:
    """Return the signed part of the link for `address`; `now` in seconds."""
    return _signer(secret).dumps([str(address), now])


def path(secret: Secret, address: Address, *, now: int) -> str:
    """Return the path of the page for the owner of `address`."""
    return f"/owner/{sign(secret, address, now=now)}"


def check(secret: Secret, signed: str, *, now: int) -> Address | None:
    """Return the address that `signed` speaks for, None if it is forged, broken or over."""
    if len(signed) > _LONGEST:
        return None
    try:
        content = _signer(secret).loads(signed)
    except itsdangerous.BadData:
        return None
    match content:
        case [str(written), int(at)] if 0 <= now - at <= LIFE_S:
            try:
                return parse_address(written)
            except AddressError:
                return None
        case _:
            return None


def _signer(secret: Secret) -> itsdangerous.URLSafeSerializer:
    return itsdangerous.URLSafeSerializer(secret.mac("owner link", b""), salt="owner link")
