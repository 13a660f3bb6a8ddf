"""The look-up: any spelling of an address in, everything that may be said about it out.

Nothing is changed and nobody is asked who he is. The same numbers go out as a page and as JSON.
"""

import dataclasses
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from feed.domain.address import Address
from feed.store import inspection, publications, rules
from feed.store.publications import Publication
from feed.web import ask_dns, chart, render
from feed.web.advice import GENERAL, PRODUCTS, advice_for, advice_named
from feed.web.answers import answer_json, answer_lines, answer_rows
from feed.web.asked import AskedError, read_asked
from feed.web.finding import Finding, find, finding_json, finding_lines
from feed.web.messages import text
from feed.web.name_servers import NameServers
from feed.web.promise import TTL_MINUTES
from feed.web.requester import proves
from feed.web.site import Site
from feed.web.visitor import Visitors
from feed.web.wording import iso, moment

_HEADERS: Final = {
    # Not kept at all: who looks again right after a removal must not see the page from before.
    "Cache-Control": "no-cache",
    "Vary": "Accept",
    "X-Robots-Tag": "noindex",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the database says: the finding, the software seen, and the newest publication of each zone."""

    found: Finding
    software: str | None
    zones: dict[str, Publication | None]


def router(site: Site, visitors: Visitors) -> APIRouter:
    """Return the routes of `/lookup` and `/mine`."""
    routes = APIRouter()
    servers = NameServers(site)

    @routes.api_route("/lookup", methods=["GET", "HEAD"], response_model=None)
    def lookup(request: Request) -> Response:
        given = request.query_params.get("address")
        if given is None:
            return _form(site, "", None)
        visitors.count_lookup(request)
        try:
            address = read_asked(given)
        except AskedError as problem:
            return _wrong(request, site, given, str(problem))
        return _answer(request, site, servers, address, from_it=proves(visitors.address(request), address))

    @routes.api_route("/lookup/{given:path}", methods=["GET", "HEAD"], response_model=None)
    def follow(given: str) -> Response:
        """Take the URL of a TXT record, whose address may end in `/64`."""
        return RedirectResponse(f"/lookup?address={quote(given[:100], safe=':/')}", status_code=302)

    @routes.api_route("/mine", methods=["GET", "HEAD"], response_model=None)
    def mine(request: Request) -> Response:
        """Lead to the look-up of the requester's own address."""
        client = visitors.address(request)
        to = "/lookup" if client is None else f"/lookup?address={quote(str(client), safe=':')}"
        return RedirectResponse(to, status_code=302, headers={"Cache-Control": "no-store"})

    return routes


def _form(site: Site, value: str, error: str | None) -> Response:
    response = render.html(
        "lookup.html",
        status=200 if error is None else 422,
        hostmaster=site.settings.publish.hostmaster,
        value=value[:64],
        error=error,
    )
    response.headers.update(_HEADERS)
    return response


def _wrong(request: Request, site: Site, given: str, why: str) -> Response:
    if render.wanted(request) == "html":
        return _form(site, given, why)
    return render.problem(
        request,
        status=422,
        title=text("error.422_title"),
        detail=why,
        hostmaster=site.settings.publish.hostmaster,
    )


def _answer(
    request: Request, site: Site, servers: NameServers, address: Address, *, from_it: bool
) -> Response:
    known = _known(site, address)
    zones = tuple(known.zones)
    names = servers.endpoints()
    answers = [] if known.found.never else ask_dns.ask(tuple(names), zones, address)
    chosen = advice_named(request.query_params.get("software", ""))
    advice = chosen or advice_for(known.software)
    if render.wanted(request) == "json":
        content = finding_json(known.found) | {
            "zones": [_zone_json(zone, last) for zone, last in known.zones.items()],
            "dns": [answer_json(one) for one in answers],
            "advice": advice.key if advice is not None else None,
            "removal_url": _removal_url(site, known.found),
        }
        return JSONResponse(content, headers=_HEADERS)
    if render.wanted(request) == "text":
        return render.lines(*finding_lines(known.found), *answer_lines(answers, names), headers=_HEADERS)
    response = render.html(
        "finding.html",
        hostmaster=site.settings.publish.hostmaster,
        found=known.found,
        dns=answer_rows(answers, names),
        publications=[_zone_words(zone, last) for zone, last in known.zones.items()],
        ttl_minutes=TTL_MINUTES,
        advice=advice,
        chosen=chosen is not None,
        from_it=from_it,
        chart_days=chart.DAYS,
        chart_width=chart.WIDTH,
        general=GENERAL,
        products=PRODUCTS,
    )
    response.headers.update(_HEADERS)
    return response


def _known(site: Site, address: Address) -> _Known:
    now = site.seconds()
    publish = site.settings.publish
    with site.database.read() as connection:
        found = rules.load(connection, policy=site.policy, providers=site.providers, now=now)
        seen = inspection.inspect(connection, address, rules=found, secret=site.secret, tick=now // 60)
        zones = {zone: publications.last(connection, zone) for zone in (publish.zone, publish.score_zone)}
    return _Known(
        found=find(seen, now=now, allow_special=publish.allow_special),
        software=seen.row.software if seen.row is not None else None,
        zones=zones,
    )


def _removal_url(site: Site, found: Finding) -> str | None:
    if not found.can_ask:
        return None
    return f"{site.settings.publish.site_url.rstrip('/')}/removal?address={found.address}"


def _zone_words(zone: str, last: Publication | None) -> str:
    if last is None:
        return text("dns.unpublished", zone=zone)
    when = moment(max(last.renewed_at, last.published_at))
    return text("dns.published", zone=zone, when=when, entries=last.entries_n)


def _zone_json(zone: str, last: Publication | None) -> dict[str, Any]:
    if last is None:
        return {"zone": zone, "serial": None, "published_at": None, "confirmed_at": None}
    return {
        "zone": zone,
        "serial": last.serial,
        "published_at": iso(last.published_at),
        "confirmed_at": iso(max(last.renewed_at, last.published_at)),
    }
