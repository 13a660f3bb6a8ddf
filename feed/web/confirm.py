"""The page behind the link in a mail: one button. Looking at it changes nothing, however often.

Mail scanners open links, some a hundred times (ux-ecosystem.md B19); only the POST acts. The token in the
path is the whole authority, and no browser sends it by itself, so the form needs no other token.
"""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from feed.domain.address import emitter_key
from feed.domain.event import Channel
from feed.domain.removal import Accepted
from feed.store import proofs, removals, rules, states
from feed.store.proofs import Proof
from feed.store.removals import Ticket
from feed.web import accept, render
from feed.web.messages import text
from feed.web.refusal import PageError
from feed.web.site import Site
from feed.web.standing import standing_of
from feed.web.visitor import Visitors
from feed.web.wording import exact_moment, moment


def router(site: Site, visitors: Visitors) -> APIRouter:
    """Return the routes of `/confirm/{token}`."""
    routes = APIRouter()

    @routes.api_route("/confirm/{token}", methods=["GET", "HEAD"], response_model=None)
    def show(request: Request, token: str) -> Response:
        visitors.count_lookup(request)
        return _page(site, token, _known(site, token))

    @routes.post("/confirm/{token}", response_model=None)
    def act(request: Request, token: str) -> Response:
        visitors.count_removal(request)
        found = _known(site, token)
        if found.used_at is not None:
            return _page(site, token, found)
        ticket = _carry_out(site, token, found)
        if ticket is None:
            return _page(site, token, _known(site, token))
        return accept.answer(request, site, ticket)

    return routes


def _known(site: Site, token: str) -> Proof:
    with site.database.read() as connection:
        found = proofs.find(connection, site.secret, token)
    if found is None:
        raise PageError(404, text("confirm.unknown"))
    return found


def _carry_out(site: Site, token: str, found: Proof) -> Ticket | None:
    """Use the link and remove, in one transaction; None if there is nothing that it could remove now.

    A link that would only bring a wait is not used up.
    """
    now = site.seconds()
    with site.database.write() as connection:
        row = states.read(connection, emitter_key(found.address), Channel.MAIN)
        in_force = rules.load(connection, policy=site.policy, providers=site.providers, now=now)
        decision = removals.preview(connection, found.address, rules=in_force, now=now)
        if row is None or row.state.epoch != found.epoch or not isinstance(decision, Accepted):
            return None
        if not proofs.use(connection, site.secret, token, now=now):
            return None
        ticket = accept.carry_out_in(connection, site, found.address, proof=found.means)
        proofs.note_ticket(connection, site.secret, token, ticket.ticket_id)
        return ticket


def _page(site: Site, token: str, found: Proof) -> Response:
    now = site.seconds()
    standing = standing_of(site, found.address, now=now)
    can_press = False
    links = [(f"/lookup?address={found.address}", text("ticket.lookup", address=found.address))]
    if found.used_at is not None:
        words = text("confirm.used", when=exact_moment(found.used_at))
        if found.ticket_id is not None:
            links.insert(0, (f"/ticket/{found.ticket_id}", text("confirm.ticket")))
    elif found.expires_at <= now:
        words = text("confirm.over", when=moment(found.expires_at))
    elif standing.epoch != found.epoch:
        words = text("confirm.void")
    else:
        words = standing.words
        can_press = standing.can_ask
    response = render.html(
        "confirm.html",
        hostmaster=site.settings.publish.hostmaster,
        address=found.address,
        words=words,
        can_press=can_press,
        token=token,
        until=moment(found.expires_at),
        links=links,
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
