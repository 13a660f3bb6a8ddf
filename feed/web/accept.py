"""Carrying out a removal for whoever proved control, and telling him what came of it."""

from fastapi import Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlalchemy.engine import Connection

from feed.domain.address import Address
from feed.store import removals, rules
from feed.store.removals import Ticket
from feed.web import render
from feed.web.messages import text
from feed.web.promise import CACHE_MINUTES, SERVER_S
from feed.web.site import Site
from feed.web.ticket import ticket_json
from feed.web.wording import exact_moment, moment


def carry_out(site: Site, address: Address, *, proof: str, comment: str = "") -> Ticket:
    """Ask for the removal in a transaction of its own. proof: address, mail, rdap or txt."""
    with site.database.write() as connection:
        return carry_out_in(connection, site, address, proof=proof, comment=comment)


def carry_out_in(
    connection: Connection, site: Site, address: Address, *, proof: str, comment: str = ""
) -> Ticket:
    """Do the same inside a transaction that does more."""
    now = site.seconds()
    found = rules.load(connection, policy=site.policy, providers=site.providers, now=now)
    return removals.ask(
        connection,
        address=address,
        rules=rules.recorded(connection, found) or found,
        now=now,
        proof=proof,
        comment=comment or None,
    )


def answer(request: Request, site: Site, ticket: Ticket) -> Response:
    """Return the ticket in the form that is wanted; a browser is led to its page."""
    path = f"/ticket/{ticket.ticket_id}"
    form = render.wanted(request)
    if form == "html":
        return RedirectResponse(path, status_code=303, headers={"Cache-Control": "no-store"})
    headers = {"Location": path, "Cache-Control": "no-store"}
    url = site.settings.publish.site_url.rstrip("/") + path
    if form == "json":
        return JSONResponse(ticket_json(ticket, url=url), status_code=201, headers=headers)
    return render.lines(_in_words(site, ticket), text("text.ticket", url=url), status=201, headers=headers)


def _in_words(site: Site, ticket: Ticket) -> str:
    when = exact_moment(ticket.asked_at)
    match ticket.outcome:
        case "accepted":
            return text(
                "text.accepted",
                address=ticket.address,
                when=when,
                server=exact_moment(ticket.asked_at + SERVER_S),
                caches=exact_moment(ticket.asked_at + CACHE_MINUTES * 60),
            )
        case "wait":
            return text("ticket.wait_until", when=moment(ticket.until_minute * 60))
        case "operator":
            return text("ticket.operator_text", hostmaster=site.settings.publish.hostmaster)
        case _:
            return text("ticket.nothing_text", when=when)
