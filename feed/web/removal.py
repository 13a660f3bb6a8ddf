"""Asking for a removal: a page that shows what it takes, and the one POST that changes something.

The proof is proof (a) of DESIGN section 8: the request comes from the listed address or its /64. GET and
HEAD change nothing, so a mail scanner that follows links removes nobody (ux-ecosystem.md B19). How a
POST is told from one that a foreign page caused is reasoned out in `form_token`.
"""

import dataclasses
from typing import Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, RedirectResponse, Response

from feed.domain.address import Address
from feed.domain.listing import State
from feed.domain.removal import Accepted, NotBySelf, Wait
from feed.store import inspection, removals, rules
from feed.store.removals import Ticket
from feed.web import criteria, form_token, render
from feed.web.asked import AskedError, read_asked
from feed.web.finding import ends_words, never_words
from feed.web.messages import text
from feed.web.posted import clean_comment, read_form
from feed.web.promise import CACHE_MINUTES, SERVER_S
from feed.web.requester import proves
from feed.web.site import Site
from feed.web.ticket import ticket_json
from feed.web.visitor import Visitors
from feed.web.wording import exact_moment, moment

COMMENT_MOST: Final = 500


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """What asking would bring now. rung: which removal of the ladder it would be, 0 if there is none."""

    decision: Accepted | Wait | NotBySelf | None
    words: str
    ends: str | None
    rung: int


def router(site: Site, visitors: Visitors) -> APIRouter:
    """Return the routes of `/removal`."""
    routes = APIRouter()

    @routes.api_route("/removal", methods=["GET", "HEAD"], response_model=None)
    def form(request: Request) -> Response:
        visitors.count_lookup(request)
        try:
            address = _listable(request.query_params.get("address", ""), site)
        except AskedError:
            given = request.query_params.get("address", "")
            return (
                RedirectResponse(str(request.url.replace(path="/lookup", query="")), status_code=303)
                if (not given)
                else _wrong_address(request, site, given)
            )
        return _form_page(request, site, visitors, address)

    @routes.post("/removal", response_model=None)
    async def ask(request: Request) -> Response:
        fields = await read_form(request)
        return await run_in_threadpool(_ask, request, site, visitors, fields)

    return routes


def _listable(given: str, site: Site) -> Address:
    """Return the address that `given` names; raises `AskedError`, also for one that is never listed."""
    address = read_asked(given)
    never = never_words(address, allow_special=site.settings.publish.allow_special)
    if never is not None:
        raise AskedError(never)
    return address


def _ask(request: Request, site: Site, visitors: Visitors, fields: dict[str, str]) -> Response:
    """Check a POST in the order of its cost, carry it out, and answer in the form that is wanted."""
    visitors.count_removal(request)
    try:
        address = _listable(fields.get("address", ""), site)
    except AskedError:
        return _wrong_address(request, site, fields.get("address", ""))
    cookie = request.cookies.get(form_token.COOKIE)
    refused = form_token.refused(
        site.secret,
        headers=request.headers,
        site_url=site.settings.publish.site_url,
        cookie=cookie,
        given=fields.get("token", ""),
        address=address,
        now=site.seconds(),
    )
    comment = clean_comment(fields.get("comment", ""))
    if refused is not None:
        why = text(refused, site_url=site.settings.publish.site_url)
        return _refusal(request, site, visitors, address, 403, why, comment)
    client = visitors.address(request)
    if not proves(client, address):
        key = "removal.not_proven" if client is not None else "removal.not_proven_unknown"
        why = text(key, client=client, address=address)
        return _refusal(request, site, visitors, address, 403, why, comment)
    if len(comment) > COMMENT_MOST:
        why = text("removal.comment_long", most=COMMENT_MOST, has=len(comment))
        return _refusal(request, site, visitors, address, 422, why, comment)
    return _answer(request, site, _carry_out(site, address, comment))


def _carry_out(site: Site, address: Address, comment: str) -> Ticket:
    now = site.seconds()
    with site.database.write() as connection:
        found = rules.load(connection, policy=site.policy, providers=site.providers, now=now)
        return removals.ask(
            connection,
            address=address,
            rules=rules.recorded(connection, found) or found,
            now=now,
            proof="address",
            comment=comment or None,
        )


def _answer(request: Request, site: Site, ticket: Ticket) -> Response:
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


def _wrong_address(request: Request, site: Site, given: str) -> Response:
    """Return the look-up form with the error beside the field: without an address there is no removal."""
    try:
        _listable(given, site)
        raise AssertionError("only called for what cannot be listed")
    except AskedError as problem:
        why = str(problem)
    if render.wanted(request) != "html":
        return render.problem(
            request,
            status=422,
            title=text("error.422_title"),
            detail=why,
            hostmaster=site.settings.publish.hostmaster,
        )
    response: Response = render.html(
        "lookup.html",
        status=422,
        hostmaster=site.settings.publish.hostmaster,
        value=given[:64],
        error=why,
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _refusal(
    request: Request,
    site: Site,
    visitors: Visitors,
    address: Address,
    status: int,
    why: str,
    comment: str,
) -> Response:
    """Return the removal page again with the error on top and what was typed still there."""
    if render.wanted(request) != "html":
        return render.problem(
            request,
            status=status,
            title=text(f"error.{status}_title"),
            detail=why,
            hostmaster=site.settings.publish.hostmaster,
        )
    return _form_page(request, site, visitors, address, status=status, error=why, comment=comment)


def _form_page(
    request: Request,
    site: Site,
    visitors: Visitors,
    address: Address,
    *,
    status: int = 200,
    error: str | None = None,
    comment: str = "",
) -> Response:
    now = site.seconds()
    standing = _standing(site, address, now=now)
    client = visitors.address(request)
    proven = proves(client, address)
    cookie = form_token.nonce(request.cookies.get(form_token.COOKIE))
    trial = site.settings.publish.allow_special and client is not None and client.is_loopback
    response: Response = render.html(
        "removal.html",
        status=status,
        hostmaster=site.settings.publish.hostmaster,
        address=address,
        standing=standing.words,
        ends=standing.ends,
        can_ask=isinstance(standing.decision, Accepted),
        proof_why=text(f"removal.proof_{address.version}"),
        proven=proven,
        client=client,
        token=form_token.token(site.secret, address=address, cookie=cookie, now=now) if proven else "",
        line=_line(site, address),
        trial_line=_line(site, address, forwarded=True) if trial else None,
        comment=comment,
        comment_most=COMMENT_MOST,
        error=error,
        wrong_comment=status == 422,  # noqa: PLR2004
        error_target="comment" if status == 422 else "ask" if standing.decision else "content",  # noqa: PLR2004
        window=criteria.window(site.policy),
        steps=criteria.ladder(site.policy),
        rung=standing.rung,
    )
    response.headers["Cache-Control"] = "no-store"
    if proven:
        _set_cookie(response, cookie, secure=site.settings.publish.site_url.startswith("https:"))
    return response


def _set_cookie(response: Response, cookie: str, *, secure: bool) -> None:
    response.set_cookie(
        form_token.COOKIE,
        cookie,
        max_age=form_token.LIFE_S,
        path="/removal",
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def _line(site: Site, address: Address, *, forwarded: bool = False) -> str:
    """Return the line that asks for the removal from a terminal of the listed server."""
    url = site.settings.publish.site_url.rstrip("/") + "/removal"
    if forwarded:
        return f"curl -d address={address} -H 'X-Forwarded-For: {address}' {url}"
    return f"curl -{address.version} -d address={address} {url}"


def _standing(site: Site, address: Address, *, now: int) -> _Standing:
    with site.database.read() as connection:
        found = rules.load(connection, policy=site.policy, providers=site.providers, now=now)
        seen = inspection.inspect(connection, address, rules=found, secret=site.secret, tick=now // 60)
        decision = removals.preview(connection, address, rules=found, now=now)
    recent = sum(1 for minute in seen.removals if minute > now // 60 - site.policy.removal_window_minutes)
    match decision:
        case Accepted():
            words = text("removal.now")
        case Wait():
            words = text("removal.wait", when=moment(decision.until * 60))
        case NotBySelf():
            words = text(
                "removal.by_self",
                hostmaster=site.settings.publish.hostmaster,
                when=moment(decision.until * 60),
            )
        case None:
            held = seen.row is not None and seen.row.state.state is State.HELD
            words = text("removal.held_nothing" if held else "removal.nothing")
    return _Standing(
        decision=decision,
        words=words,
        ends=ends_words(seen) if decision is not None else None,
        rung=min(recent + 1, 4) if decision is not None else 0,
    )
