"""Sessions of console and desk on the web: the cookie, who it is, and that a POST comes from our own form.

The cookie is signed, for its own place only, never sent from a foreign page (SameSite=Strict), and names a
session that stands in the database. A POST also carries a token that is made from the session.
"""

import dataclasses
import secrets
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import itsdangerous
from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from feed.store import sessions
from feed.store.sessions import Session
from feed.web.form_token import is_ours
from feed.web.messages import text
from feed.web.refusal import PageError
from feed.web.site import Site

_FRESH_S: Final = 60
"""A session is noted as seen at most once a minute, so that looking at pages hardly writes."""

NO_STORE: Final = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex", "Vary": "Cookie"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request of somebody who is signed in. token: for the forms of the page."""

    session: Session
    number: str
    token: str


class Door:
    """Lets people in to one place: `console` or `desk`."""

    def __init__(self, site: Site, place: str) -> None:
        self.place = place
        self._site = site
        self._cookie = f"bsf_{place}"
        self._signer = itsdangerous.URLSafeSerializer(site.secret.mac("cookie", place.encode()), salt=place)
        self._seen: dict[str, int] = {}

    def visit(self, request: Request) -> Visit | None:
        """Return who is signed in, None if nobody is."""
        number = self._number(request)
        if number is None:
            return None
        now = self._site.seconds()
        with self._site.database.read() as connection:
            found = sessions.find(connection, self._site.secret, number, place=self.place, now=now)
        if found is None:
            return None
        if now - self._seen.get(number, 0) >= _FRESH_S:
            with self._site.database.write() as connection:
                sessions.seen(connection, self._site.secret, number, now=now)
            self._seen = {known: at for known, at in self._seen.items() if now - at < _FRESH_S}
            self._seen[number] = now
        return Visit(session=found, number=number, token=self._token(number))

    def checked(self, request: Request, fields: Mapping[str, str]) -> Visit:
        """Return who sent a form of ours; raises `PageError` 403."""
        found = self.visit(request)
        if found is None:
            raise PageError(403, text("signin.over"))
        self.check_origin(request)
        if not secrets.compare_digest(fields.get("token", "").encode(), found.token.encode()):
            raise PageError(403, text("signin.foreign"))
        return found

    def check_origin(self, request: Request) -> None:
        """Refuse a POST that a foreign page caused; raises `PageError` 403."""
        origin = request.headers.get("origin")
        site_url = self._site.settings.publish.site_url
        fetch = request.headers.get("sec-fetch-site", "same-origin")
        if (origin is not None and not is_ours(origin, site_url)) or fetch not in {"same-origin", "none"}:
            raise PageError(403, text("signin.foreign"))

    def let_in(self, number: str) -> Response:
        """Lead to the place with the cookie of a new session."""
        response = RedirectResponse(f"/{self.place}", status_code=303, headers=NO_STORE)
        response.set_cookie(
            self._cookie,
            self._signer.dumps(number),
            max_age=sessions.LONGEST_S,
            path=f"/{self.place}",
            secure=urlsplit(self._site.settings.publish.site_url).scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return response

    def let_out(self, request: Request) -> Response:
        """End the session and lead to the sign-in page."""
        number = self._number(request)
        if number is not None:
            with self._site.database.write() as connection:
                sessions.end(connection, self._site.secret, number, now=self._site.seconds())
        response = RedirectResponse(f"/{self.place}/sign-in", status_code=303, headers=NO_STORE)
        response.delete_cookie(self._cookie, path=f"/{self.place}")
        return response

    def to_sign_in(self) -> Response:
        """Lead to the sign-in page."""
        return RedirectResponse(f"/{self.place}/sign-in", status_code=303, headers=NO_STORE)

    def _number(self, request: Request) -> str | None:
        try:
            found = self._signer.loads(request.cookies.get(self._cookie, ""))
        except itsdangerous.BadData:
            return None
        return found if isinstance(found, str) else None

    def _token(self, number: str) -> str:
        return self._site.secret.mac("form of session", number.encode()).hex()
