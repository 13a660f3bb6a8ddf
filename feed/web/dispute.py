"""Objecting to a listing: a form that is never a dead end, a queue, and an answer with a reason.

Whoever cannot prove control in any way, for want of reverse DNS or of access to the machine, writes here
too. The number of a dispute cannot be guessed; what was written is never public.
"""

import re
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, RedirectResponse, Response

from feed.domain.address import Address, emitter_key
from feed.domain.event import Channel
from feed.store import disputes, states
from feed.store.disputes import Dispute
from feed.web import form_token, owner_link, render, trap_field
from feed.web.asked import AskedError
from feed.web.messages import text
from feed.web.posted import clean_comment, read_form
from feed.web.refusal import PageError
from feed.web.removal import listable, wrong_address
from feed.web.requester import proves
from feed.web.site import Site
from feed.web.visitor import Visitors
from feed.web.wording import exact_moment, iso, moment

_NUMBERS: Final = re.compile(r"[A-Z2-7]{8}")
_NUMBERS_MOST: Final = 40
_ID_MOST: Final = 64
_DAY_S: Final = 86_400
_HEADERS: Final = {"Cache-Control": "no-store", "Vary": "Accept", "X-Robots-Tag": "noindex"}


def router(site: Site, visitors: Visitors) -> APIRouter:
    """Return the routes of `/dispute`."""
    routes = APIRouter()

    @routes.api_route("/dispute", methods=["GET", "HEAD"], response_model=None)
    def form(request: Request) -> Response:
        visitors.count_lookup(request)
        given = request.query_params.get("address", "")
        try:
            address = listable(given, site)
        except AskedError:
            return wrong_address(request, site, given)
        return _form(request, site, address, owner=request.query_params.get("owner", ""))

    @routes.post("/dispute", response_model=None)
    async def file(request: Request) -> Response:
        fields = await read_form(request)
        return await run_in_threadpool(_file, request, site, visitors, fields)

    @routes.api_route("/dispute/{dispute_id}", methods=["GET", "HEAD"], response_model=None)
    def show(request: Request, dispute_id: str) -> Response:
        visitors.count_lookup(request)
        known = dispute_id.isascii() and dispute_id.isprintable() and len(dispute_id) <= _ID_MOST
        with site.database.read() as connection:
            found = disputes.find(connection, dispute_id) if known else None
        if found is None:
            raise PageError(404, text("dispute.unknown"), headers={"Referrer-Policy": "no-referrer"})
        return _shown(request, site, found)

    return routes


def _file(request: Request, site: Site, visitors: Visitors, fields: dict[str, str]) -> Response:
    visitors.count_removal(request)
    given = fields.get("address", "")
    try:
        address = listable(given, site)
    except AskedError:
        return wrong_address(request, site, given)
    now = site.seconds()
    owner = fields.get("owner", "")
    words = clean_comment(fields.get("words", ""))
    numbers = clean_comment(fields.get("reports", "")).upper()
    refused = form_token.refused(
        site.secret, headers=request.headers, site_url=site.settings.publish.site_url,
        cookie=request.cookies.get(form_token.COOKIE), given=fields.get("token", ""), address=address,
        now=now,
    )  # fmt: skip
    problem: tuple[int, str] | None = None
    if refused is not None:
        problem = (403, text(refused, site_url=site.settings.publish.site_url))
    elif not words:
        problem = (422, text("dispute.empty"))
    elif len(words) > disputes.WORDS_MOST:
        problem = (422, text("removal.comment_long", most=disputes.WORDS_MOST, has=len(words)))
    if problem is not None:
        return _refusal(request, site, address, problem, owner=owner, words=words, numbers=numbers)
    if trap_field.is_filled(fields):
        return RedirectResponse("/", status_code=303, headers={"Cache-Control": "no-store"})
    client = visitors.address(request)
    proven = proves(client, address) or owner_link.check(site.secret, owner, now=now) == address
    filed = _store(site, address, words=words, numbers=_NUMBERS.findall(numbers), proven=proven, now=now)
    if filed is None:
        raise PageError(409, text("dispute.nothing", address=address))
    if not filed:
        raise PageError(429, text("dispute.enough"), headers={"Retry-After": str(_DAY_S)})
    return _filed(request, site, filed)


def _store(
    site: Site, address: Address, *, words: str, numbers: list[str], proven: bool, now: int
) -> str | None:
    """Return the number, an empty text if enough are open, None if nothing was ever reported."""
    with site.database.write() as connection:
        if states.read(connection, emitter_key(address), Channel.MAIN) is None:
            return None
        reports = " ".join(dict.fromkeys(numbers[:_NUMBERS_MOST]))
        return (
            disputes.file(connection, address=address, words=words, reports=reports, proven=proven, now=now)
            or ""
        )


def _filed(request: Request, site: Site, number: str) -> Response:
    path = f"/dispute/{number}"
    headers = {"Location": path, "Cache-Control": "no-store"}
    url = site.settings.publish.site_url.rstrip("/") + path
    form = render.wanted(request)
    if form == "html":
        return RedirectResponse(path, status_code=303, headers={"Cache-Control": "no-store"})
    if form == "json":
        return JSONResponse({"dispute": number, "url": url}, status_code=201, headers=headers)
    return render.lines(text("dispute.line", url=url), status=201, headers=headers)


def _refusal(
    request: Request,
    site: Site,
    address: Address,
    problem: tuple[int, str],
    *,
    owner: str,
    words: str,
    numbers: str,
) -> Response:
    status, why = problem
    if render.wanted(request) != "html":
        raise PageError(status, why)
    return _form(request, site, address, owner=owner, words=words, numbers=numbers, status=status, error=why)


def _form(
    request: Request,
    site: Site,
    address: Address,
    *,
    owner: str,
    words: str = "",
    numbers: str = "",
    status: int = 200,
    error: str | None = None,
) -> Response:
    now = site.seconds()
    cookie = form_token.nonce(request.cookies.get(form_token.COOKIE))
    response: Response = render.html(
        "dispute_form.html",
        status=status,
        hostmaster=site.settings.publish.hostmaster,
        address=address,
        owner=owner if owner_link.check(site.secret, owner, now=now) == address else "",
        words=words,
        numbers=numbers,
        most=disputes.WORDS_MOST,
        answer_days=site.settings.site.answer_days,
        token=form_token.token(site.secret, address=address, cookie=cookie, now=now),
        error=error,
        wrong_words=status == 422,  # noqa: PLR2004
    )
    response.headers["Cache-Control"] = "no-store"
    form_token.set_cookie(response, cookie, path="/dispute", site_url=site.settings.publish.site_url)
    return response


def _shown(request: Request, site: Site, found: Dispute) -> Response:
    by = found.asked_at + site.settings.site.answer_days * _DAY_S
    if render.wanted(request) == "json":
        return JSONResponse(_json(found, by), headers=_HEADERS)
    state = text(f"dispute.{found.answer or 'open'}")
    sentences = [text("dispute.asked", when=exact_moment(found.asked_at))]
    if found.answered_at is None:
        sentences.append(text("dispute.answer_by", when=moment(by)))
    else:
        sentences.append(text("dispute.answered", when=moment(found.answered_at), reason=found.reason))
        if found.retracted_n:
            sentences.append(text("dispute.retracted", n=found.retracted_n))
    if render.wanted(request) == "text":
        return render.lines(f"{found.address}: {state}", *sentences, headers=_HEADERS)
    response = render.html(
        "done.html",
        hostmaster=site.settings.publish.hostmaster,
        title=text("dispute.of", address=found.address),
        state=state,
        sentences=[*sentences, text("ticket.keep")],
        links=[(f"/lookup?address={found.address}", text("ticket.lookup", address=found.address))],
    )
    response.headers.update(_HEADERS | {"Referrer-Policy": "no-referrer"})
    return response


def _json(found: Dispute, by: int) -> dict[str, Any]:
    return {
        "dispute": found.dispute_id,
        "address": str(found.address),
        "state": found.answer or "open",
        "asked_at": iso(found.asked_at),
        "answer_by": iso(by) if found.answered_at is None else None,
        "answered_at": iso(found.answered_at) if found.answered_at is not None else None,
        "reason": found.reason,
        "reports_retracted": found.retracted_n,
    }
