"""The ticket: what was asked, what became of it, when it shows where, and what DNS answers now.

Whoever has the link sees the page, so it is never sent on as a referrer.
"""

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from feed.domain.listing import State
from feed.store import inspection, removals, rules
from feed.store.removals import Ticket
from feed.web import ask_dns, owner_link, render
from feed.web.answers import answer_json, answer_lines, answer_rows
from feed.web.finding_words import ends_words
from feed.web.messages import text
from feed.web.name_servers import NameServers
from feed.web.promise import CACHE_MINUTES, SERVER_S, TTL_MINUTES
from feed.web.refusal import PageError
from feed.web.site import Site
from feed.web.visitor import Visitors
from feed.web.wording import exact_moment, iso, moment

_HEADERS: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "Vary": "Accept"}
_ID_MOST: Final = 64
_PROOFS: Final = frozenset({"address", "mail", "rdap", "txt"})
_OWNER_S: Final = 30 * 86_400
"""How long a ticket leads to the reports: machines and their owners change."""


def router(site: Site, visitors: Visitors) -> APIRouter:
    """Return the route of `/ticket/{ticket_id}`."""
    routes = APIRouter()
    servers = NameServers(site)

    @routes.api_route("/ticket/{ticket_id}", methods=["GET", "HEAD"], response_model=None)
    def show(request: Request, ticket_id: str) -> Response:
        visitors.count_lookup(request)
        ticket, seen = _read(site, ticket_id)
        publish = site.settings.publish
        names = servers.endpoints()
        answers = ask_dns.ask(tuple(names), (publish.zone, publish.score_zone), ticket.address)
        if render.wanted(request) == "json":
            url = publish.site_url.rstrip("/") + f"/ticket/{ticket.ticket_id}"
            more = {"dns": [answer_json(one) for one in answers], "owner_path": _owner_path(site, ticket)}
            content = ticket_json(ticket, url=url) | more
            return JSONResponse(content, headers=_HEADERS)
        sentences = _sentences(ticket, seen, hostmaster=publish.hostmaster)
        if render.wanted(request) == "text":
            return render.lines(*sentences, *answer_lines(answers, names), headers=_HEADERS)
        response = render.html(
            "ticket.html",
            hostmaster=publish.hostmaster,
            address=ticket.address,
            ticket_id=ticket.ticket_id,
            outcome=ticket.outcome,
            relisted=_is_relisted(ticket, seen),
            sentences=sentences,
            facts=_facts(ticket),
            dns=answer_rows(answers, names),
            ttl_minutes=TTL_MINUTES,
            owner_path=_owner_path(site, ticket),
        )
        response.headers.update(_HEADERS)
        return response

    return routes


def ticket_json(ticket: Ticket, *, url: str) -> dict[str, Any]:
    """Return the ticket for programs; times are ISO 8601 in UTC, None where there is none."""
    accepted = ticket.outcome == "accepted"
    return {
        "ticket": ticket.ticket_id,
        "url": url,
        "address": str(ticket.address),
        "outcome": ticket.outcome,
        "asked_at": iso(ticket.asked_at),
        "was_code": f"127.0.0.{ticket.was_code}" if ticket.was_code else None,
        "server_by": iso(ticket.asked_at + SERVER_S) if accepted else None,
        "caches_by": iso(ticket.asked_at + CACHE_MINUTES * 60) if accepted else None,
        "again_from": iso(ticket.until_minute * 60) if ticket.until_minute else None,
    }


def _owner_path(site: Site, ticket: Ticket) -> str | None:
    """Return the link to the reports in detail: the ticket was given to somebody who proved control."""
    now = site.seconds()
    if ticket.proof not in _PROOFS or now - ticket.asked_at > _OWNER_S:
        return None
    return owner_link.path(site.secret, ticket.address, now=now)


def _read(site: Site, ticket_id: str) -> tuple[Ticket, inspection.Inspection]:
    now = site.seconds()
    with site.database.read() as connection:
        known = ticket_id.isascii() and ticket_id.isprintable() and len(ticket_id) <= _ID_MOST
        ticket = removals.find_ticket(connection, ticket_id) if known else None
        if ticket is None:
            raise PageError(404, text("ticket.unknown"), headers={"Referrer-Policy": "no-referrer"})
        found = rules.load(connection, policy=site.policy, providers=site.providers, now=now)
        seen = inspection.inspect(connection, ticket.address, rules=found, secret=site.secret, tick=now // 60)
    return ticket, seen


def _is_relisted(ticket: Ticket, seen: inspection.Inspection) -> bool:
    return (
        ticket.outcome in {"accepted", "nothing"}
        and seen.row is not None
        and seen.row.state.state is State.LISTED
        and seen.row.state.listed_at * 60 >= ticket.asked_at - 60
    )


def _sentences(ticket: Ticket, seen: inspection.Inspection, *, hostmaster: str) -> list[str]:
    when = moment(ticket.asked_at)
    match ticket.outcome:
        case "accepted":
            words = [text("ticket.accepted_at", when=exact_moment(ticket.asked_at))]
        case "wait":
            words = [text("ticket.wait_until", when=moment(ticket.until_minute * 60))]
        case "operator":
            words = [text("ticket.operator_text", hostmaster=hostmaster)]
            if ticket.until_minute:  # older tickets do not know it
                words.append(text("ticket.again_from", when=moment(ticket.until_minute * 60)))
        case _:
            words = [text("ticket.nothing_text", when=when)]
    if _is_relisted(ticket, seen):
        words.append(text("ticket.relisted"))
    ends = ends_words(seen)
    return [*words, ends] if ends is not None else words


def _facts(ticket: Ticket) -> list[tuple[str, str]]:
    accepted = ticket.outcome == "accepted"
    rows = [] if accepted else [(text("ticket.asked"), exact_moment(ticket.asked_at))]
    if ticket.was_code:
        rows.append((text("ticket.was"), f"127.0.0.{ticket.was_code}"))
    if accepted:
        rows.append((text("ticket.our_server"), exact_moment(ticket.asked_at + SERVER_S)))
        rows.append((text("ticket.caches"), exact_moment(ticket.asked_at + CACHE_MINUTES * 60)))
    return [*rows, (text("ticket.number"), ticket.ticket_id)]
