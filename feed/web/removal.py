"""Asking for a removal: a page that shows what it takes, and the one POST that changes something.

The proof is proof (a) of DESIGN section 8: the request comes from the listed address or its /64. GET and
HEAD change nothing, so a mail scanner that follows links removes nobody (ux-ecosystem.md B19). How a
POST is told from one that a foreign page caused is reasoned out in `form_token`.
"""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from feed.domain.address import Address
from feed.domain.removal import Accepted
from feed.web import accept, criteria, form_token, render
from feed.web.asked import AskedError, read_asked
from feed.web.finding_words import never_words
from feed.web.messages import text
from feed.web.posted import clean_comment, read_form
from feed.web.requester import proves
from feed.web.site import Site
from feed.web.standing import standing_of
from feed.web.visitor import Visitors

COMMENT_MOST: Final = 500


def router(site: Site, visitors: Visitors) -> APIRouter:
    """Return the routes of `/removal`."""
    routes = APIRouter()

    @routes.api_route("/removal", methods=["GET", "HEAD"], response_model=None)
    def form(request: Request) -> Response:
        visitors.count_lookup(request)
        try:
            address = listable(request.query_params.get("address", ""), site)
        except AskedError:
            given = request.query_params.get("address", "")
            return (
                RedirectResponse("/lookup", status_code=303)
                if (not given)
                else wrong_address(request, site, given)
            )
        return _form_page(request, site, visitors, address)

    @routes.post("/removal", response_model=None)
    async def ask(request: Request) -> Response:
        fields = await read_form(request)
        return await run_in_threadpool(_ask, request, site, visitors, fields)

    return routes


def listable(given: str, site: Site) -> Address:
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
        address = listable(fields.get("address", ""), site)
    except AskedError:
        return wrong_address(request, site, fields.get("address", ""))
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
    return accept.answer(request, site, accept.carry_out(site, address, proof="address", comment=comment))


def wrong_address(request: Request, site: Site, given: str) -> Response:
    """Return the look-up form with the error beside the field: without an address nothing can be asked."""
    try:
        listable(given, site)
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
    standing = standing_of(site, address, now=now)
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
        form_token.set_cookie(response, cookie, path="/removal", site_url=site.settings.publish.site_url)
    return response


def _line(site: Site, address: Address, *, forwarded: bool = False) -> str:
    """Return the line that asks for the removal from a terminal of the listed server."""
    url = site.settings.publish.site_url.rstrip("/") + "/removal"
    if forwarded:
        return f"curl -d address={address} -H 'X-Forwarded-For: {address}' {url}"
    return f"curl -{address.version} -d address={address} {url}"
