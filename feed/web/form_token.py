"""That a removal or dispute was asked for on our own page: signed token, cookie, Origin.

The proof behind a removal is the address that the request comes from. For a browser this is ambient
authority, like a cookie: a foreign page opened in an office whose mail server shares its address could
make the browser send the form. So whatever may be a browser needs a token that our form gave, the cookie
of that form, and an Origin that is ours.

A program such as curl has no foreign page inside it, and its line is meant to be copied to the listed
server, so it goes without a token. It is told apart by what browsers send and scripts in them cannot
suppress: Origin (on every POST, `null` at the least), Sec-Fetch-Site, Referer, Cookie. None of them may
be there. The Accept field plays no part, since a foreign page may set it. An ancient browser that sends
none of the four could be made to ask for one removal of its own address, which does no lasting harm.

Pages with the form must not be sent with `Referrer-Policy: no-referrer`: browsers then write
`Origin: null` even for our own form.
"""

import secrets
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import itsdangerous
from fastapi.responses import Response

from feed.domain.address import Address
from feed.store.secret import Secret

COOKIE: Final = "bsf_form"
LIFE_S: Final = 2 * 3600
_NONCE_LENGTH: Final = 32
_BROWSER_FIELDS: Final = ("origin", "referer", "cookie", "sec-fetch-site", "sec-fetch-mode")
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def nonce(cookie: str | None) -> str:
    """Return the nonce of the cookie if it can be one of ours, so that two open forms both work; else new."""
    if cookie is not None and len(cookie) == _NONCE_LENGTH and cookie.isascii() and cookie.isalnum():
        return cookie
    return secrets.token_hex(_NONCE_LENGTH // 2)


def token(secret: Secret, *, address: Address, cookie: str, now: int) -> str:
    """Return the token that the form for `address` carries. now: seconds."""
    return _signer(secret).dumps([cookie, str(address), now])


def from_browser(headers: Mapping[str, str]) -> bool:
    """Return whether a request may come from a browser; `headers` has names in lower case."""
    return any(name in headers for name in _BROWSER_FIELDS)


def refused(
    secret: Secret,
    *,
    headers: Mapping[str, str],
    site_url: str,
    cookie: str | None,
    given: str,
    address: Address,
    now: int,
) -> str | None:
    """Return why a POST is not known to come from our own form (a key of the messages), None if it is.

    A request that cannot come from a browser needs no token.
    """
    if not from_browser(headers):
        return None
    origin = headers.get("origin")
    if (origin is not None and not is_ours(origin, site_url)) or headers.get(
        "sec-fetch-site", "same-origin"
    ) not in {"same-origin", "none"}:
        return "form.foreign"
    try:
        content = _signer(secret).loads(given)
    except itsdangerous.BadData:
        return "form.stale"
    match content:
        case [str(signed), str(text), int(at)]:
            same = cookie is not None and secrets.compare_digest(signed.encode(), cookie.encode())
            fresh = abs(now - at) <= LIFE_S
            return None if same and fresh and text == str(address) else "form.stale"
        case _:
            return "form.stale"


def set_cookie(response: Response, cookie: str, *, path: str, site_url: str) -> None:
    """Give the cookie of a form to the browser, for the pages below `path` only."""
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=LIFE_S,
        path=path,
        secure=site_url.startswith("https:"),
        httponly=True,
        samesite="lax",
    )


def _signer(secret: Secret) -> itsdangerous.URLSafeSerializer:
    return itsdangerous.URLSafeSerializer(secret.mac("removal form", b""), salt="removal form")


def is_ours(origin: str, site_url: str) -> bool:
    """Return whether `origin` is the site's; on one machine all names of loopback are one.

    The Host field is not asked: after DNS rebinding it agrees with a foreign Origin.
    """
    ours = urlsplit(site_url)
    try:
        theirs = urlsplit(origin)
        port = theirs.port
    except ValueError:
        return False
    if theirs.hostname in _LOOPBACK and ours.hostname in _LOOPBACK:
        return port == ours.port
    return (theirs.scheme, theirs.hostname, port) == (ours.scheme, ours.hostname, ours.port)
