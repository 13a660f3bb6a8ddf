"""What the proven owner sees: each report with its minute, HELO and queue id, and a line to test the fix.

Shown to a request from the listed address itself, to whoever holds a ticket of a proven removal, and to
the holder of a signed link, which both of them get.
"""

import secrets
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from feed.domain.address import Address
from feed.store import disclosures
from feed.store.disclosures import Shown
from feed.web import owner_link, render
from feed.web.asked import AskedError
from feed.web.messages import text
from feed.web.refusal import PageError
from feed.web.removal import listable, wrong_address
from feed.web.requester import proves
from feed.web.resolver import host_name
from feed.web.site import Site
from feed.web.visitor import Visitors
from feed.web.wording import iso, moment

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Vary": "Accept",
    "X-Robots-Tag": "noindex",
    "Referrer-Policy": "no-referrer",
}


def router(site: Site, visitors: Visitors) -> APIRouter:
    """Return the routes of `/owner`."""
    routes = APIRouter()

    @routes.api_route("/owner", methods=["GET", "HEAD"], response_model=None)
    def enter(request: Request) -> Response:
        """Lead a request from the listed address to its signed link."""
        visitors.count_lookup(request)
        given = request.query_params.get("address", "")
        try:
            address = listable(given, site)
        except AskedError:
            return wrong_address(request, site, given)
        client = visitors.address(request)
        if not proves(client, address):
            url = site.settings.publish.site_url.rstrip("/")
            line = f"curl -L -{address.version} '{url}/owner?address={address}'"
            raise PageError(403, text("owner.not_proven", address=address, line=line))
        to = owner_link.path(site.secret, address, now=site.seconds())
        return RedirectResponse(to, status_code=302, headers={"Cache-Control": "no-store"})

    @routes.api_route("/owner/{signed}", methods=["GET", "HEAD"], response_model=None)
    def show(request: Request, signed: str) -> Response:
        visitors.count_lookup(request)
        address = owner_link.check(site.secret, signed, now=site.seconds())
        if address is None:
            raise PageError(404, text("owner.over"))
        return _answer(request, site, address, signed)

    return routes


def probe_line(address: Address, reports: list[Shown]) -> str:
    """Return a command that asks the server to refuse a recipient that does not exist.

    Nothing is sent: it stops after RCPT. The domain is one that a reporter named, else for the admin to
    fill in; as it goes into a shell, nothing but a host name does.
    """
    named = (host_name(one.recipient_domain or "") for one in reports)
    domain = next((name for name in named if name is not None), "YOUR-DOMAIN")
    host = f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004
    name = f"no-such-user-{secrets.token_hex(4)}"
    return f"swaks --server {host} --from '<>' --to {name}@{domain} --quit-after RCPT"


def _answer(request: Request, site: Site, address: Address, signed: str) -> Response:
    with site.database.read() as connection:
        reports = disclosures.shown(connection, site.secret, address, now=site.seconds())
    line = probe_line(address, reports)
    form = render.wanted(request)
    if form == "json":
        content = {"address": str(address), "reports": [_json(one) for one in reports], "test": line}
        return JSONResponse(content, headers=_HEADERS)
    if form == "text":
        rows = [_words(one) for one in reports] or [text("owner.none")]
        return render.lines(*rows, text("owner.test"), line, headers=_HEADERS)
    response = render.html(
        "owner.html",
        hostmaster=site.settings.publish.hostmaster,
        address=address,
        reports=reports,
        several=len({one.address for one in reports}) > 1,
        line=line,
        signed=signed,
        until=moment(site.seconds() + owner_link.LIFE_S),
    )
    response.headers.update(_HEADERS)
    return response


def _json(one: Shown) -> dict[str, Any]:
    return {
        "report": one.number,
        "at": iso(one.at),
        "exact_to": "minute" if one.exact else "hour",
        "address": str(one.address),
        "kind": one.kind.word,
        "helo": one.helo,
        "status": one.status,
        "queue_id": one.queue_id,
        "recipient_domain": one.recipient_domain,
    }


def _words(one: Shown) -> str:
    when = moment(one.at) if one.exact else text("owner.hour", when=moment(one.at))
    parts = [one.number, when, one.kind.phrase]
    for name, value in (
        ("helo", one.helo), ("status", one.status), ("queue id", one.queue_id),
        ("domain", one.recipient_domain),
    ):  # fmt: skip
        if value:
            parts.append(f"{name} {value}")
    return ", ".join(parts)
