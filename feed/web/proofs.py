"""The other proofs of control: a link by mail to an address that DNS or the registry names, or a TXT record.

Nothing typed becomes a recipient. A mail is only ever sent about an address that is listed and would be
removed at once, so that the form cannot be used to write to strangers (ux-ecosystem.md 0, point 7).
"""

import base64
import secrets
from typing import Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from feed.domain.address import Address, packed
from feed.store import outbox, proofs
from feed.store.secret import Secret
from feed.web import accept, form_token, render, trap_field
from feed.web.asked import AskedError
from feed.web.messages import text
from feed.web.owner_names import Derived, Recipient
from feed.web.posted import read_form
from feed.web.probing import Prober
from feed.web.refusal import PageError
from feed.web.removal import listable, wrong_address
from feed.web.site import Site
from feed.web.standing import Standing, standing_of
from feed.web.visitor import Visitors
from feed.web.wording import moment

LABEL: Final = "_backscatter-removal"
_MAIL_LATEST_S: Final = 6 * 3600
"""A mail that could not be handed over for so long is not sent any more: nobody waits for it."""


def router(site: Site, visitors: Visitors, prober: Prober) -> APIRouter:
    """Return the routes of `/removal/proofs`, `/removal/mail` and `/removal/txt`."""
    routes = APIRouter()

    @routes.api_route("/removal/proofs", methods=["GET", "HEAD"], response_model=None)
    def choose(request: Request) -> Response:
        visitors.count_lookup(request)
        given = request.query_params.get("address", "")
        try:
            address = listable(given, site)
        except AskedError:
            return wrong_address(request, site, given)
        return _page(request, site, prober, address)

    @routes.post("/removal/mail", response_model=None)
    async def mail(request: Request) -> Response:
        fields = await read_form(request)
        return await run_in_threadpool(_mail, request, site, visitors, prober, fields)

    @routes.post("/removal/txt", response_model=None)
    async def txt(request: Request) -> Response:
        fields = await read_form(request)
        return await run_in_threadpool(_txt, request, site, visitors, prober, fields)

    return routes


def txt_value(secret: Secret, address: Address, epoch: int) -> str:
    """Return what the TXT record has to say: bound to the address and to its removals so far."""
    mac = secret.mac("txt proof", packed(address) + epoch.to_bytes(4, "big"))
    return base64.b32encode(mac[:20]).decode("ascii").lower()


def recipient_key(secret: Secret, address: Address, recipient: Recipient) -> str:
    """Return the word by which the form names a recipient."""
    return secret.mac("recipient", packed(address) + recipient.address.encode())[:8].hex()


def _checked(
    request: Request, site: Site, visitors: Visitors, fields: dict[str, str]
) -> tuple[Address, Standing] | Response:
    """Return address and standing of a POST; refuse what no form of ours sent."""
    visitors.count_removal(request)
    given = fields.get("address", "")
    try:
        address = listable(given, site)
    except AskedError:
        return wrong_address(request, site, given)
    refused = form_token.refused(
        site.secret,
        headers=request.headers,
        site_url=site.settings.publish.site_url,
        cookie=request.cookies.get(form_token.COOKIE),
        given=fields.get("token", ""),
        address=address,
        now=site.seconds(),
    )
    if refused is not None:
        raise PageError(403, text(refused, site_url=site.settings.publish.site_url))
    return address, standing_of(site, address, now=site.seconds())


def _mail(
    request: Request, site: Site, visitors: Visitors, prober: Prober, fields: dict[str, str]
) -> Response:
    checked = _checked(request, site, visitors, fields)
    if isinstance(checked, Response):
        return checked
    address, standing = checked
    if not site.settings.mail.can_send:
        raise PageError(503, text("proofs.mail_off"))
    if not standing.can_ask:
        return _page(request, site, prober, address)
    derived = prober.derived(address, now=site.seconds())
    wanted = fields.get("recipient", "")
    chosen = next(
        (one for one in derived.recipients if recipient_key(site.secret, address, one) == wanted), None
    )
    if chosen is None:
        return _page(request, site, prober, address, status=422, error=text("proofs.choose"))
    outcome = "queued" if trap_field.is_filled(fields) else _queue(site, address, standing, chosen)
    if outcome != "queued":
        why = text(f"proofs.limit_{outcome}", to=chosen.masked, most=outbox.PER_DOMAIN)
        return _page(request, site, prober, address, status=429, error=why)
    return _told(request, site, address, chosen)


def _queue(site: Site, address: Address, standing: Standing, chosen: Recipient) -> str:
    """Put the mail into the outbox together with its proof; both or neither."""
    now = site.seconds()
    seed = secrets.token_bytes(32)
    with site.database.write() as connection:
        outcome = outbox.enqueue(
            connection,
            recipient=chosen.address,
            domain=chosen.domain,
            subject=text("mail.subject", address=address),
            body=_body(site, address, now),
            seed=seed,
            now=now,
            expires_at=now + _MAIL_LATEST_S,
        )
        if outcome == "queued":
            proofs.make(
                connection, site.secret, seed=seed, address=address, epoch=standing.epoch,
                means=chosen.means, now=now,
            )  # fmt: skip
    return outcome


def _body(site: Site, address: Address, now: int) -> str:
    url = site.settings.publish.site_url.rstrip("/")
    return text(
        "mail.body",
        address=address,
        link=f"{url}/confirm/{outbox.MARK}",
        lookup=f"{url}/lookup?address={address}",
        until=moment(now + proofs.LIFE_S),
        hostmaster=site.settings.publish.hostmaster,
    )


def _told(request: Request, site: Site, address: Address, chosen: Recipient) -> Response:
    words = text("proofs.sent", to=chosen.masked, until=moment(site.seconds() + proofs.LIFE_S))
    headers = {"Cache-Control": "no-store"}
    form = render.wanted(request)
    if form == "json":
        return JSONResponse({"status": "queued", "to": chosen.masked}, status_code=202, headers=headers)
    if form == "text":
        return render.lines(words, status=202, headers=headers)
    response = render.html(
        "done.html",
        hostmaster=site.settings.publish.hostmaster,
        title=text("proofs.sent_title"),
        sentences=[words, text("proofs.sent_next")],
        links=[(f"/lookup?address={address}", text("ticket.lookup", address=address))],
    )
    response.headers.update(headers)
    return response


def _txt(
    request: Request, site: Site, visitors: Visitors, prober: Prober, fields: dict[str, str]
) -> Response:
    checked = _checked(request, site, visitors, fields)
    if isinstance(checked, Response):
        return checked
    address, standing = checked
    if not standing.can_ask:
        return _page(request, site, prober, address)
    value = txt_value(site.secret, address, standing.epoch)
    found = prober.has_text(address, label=LABEL, value=value)
    if not found:
        why = text("proofs.txt_unanswered" if found is None else "proofs.txt_missing")
        return _page(request, site, prober, address, status=422, error=why)
    return accept.answer(request, site, accept.carry_out(site, address, proof="txt"))


def _page(
    request: Request,
    site: Site,
    prober: Prober,
    address: Address,
    *,
    status: int = 200,
    error: str | None = None,
) -> Response:
    now = site.seconds()
    standing = standing_of(site, address, now=now)
    derived = prober.derived(address, now=now) if standing.can_ask else Derived()
    value = txt_value(site.secret, address, standing.epoch)
    if render.wanted(request) != "html":
        return _plain(request, site, address, standing, derived, value, status=status, error=error)
    cookie = form_token.nonce(request.cookies.get(form_token.COOKIE))
    response: Response = render.html(
        "proofs.html",
        status=status,
        hostmaster=site.settings.publish.hostmaster,
        address=address,
        standing=standing,
        derived=derived,
        choices=[(recipient_key(site.secret, address, one), one) for one in derived.recipients],
        mail_is_on=site.settings.mail.can_send,
        rdap_is_on=bool(site.settings.site.rdap_url or site.settings.site.rdap_bootstrap),
        txt_name=f"{LABEL}.{derived.names[0]}" if derived.names else None,
        txt_value=value,
        token=form_token.token(site.secret, address=address, cookie=cookie, now=now),
        answer_days=site.settings.site.answer_days,
        error=error,
    )
    response.headers["Cache-Control"] = "no-store"
    form_token.set_cookie(response, cookie, path="/removal", site_url=site.settings.publish.site_url)
    return response


def _plain(
    request: Request,
    site: Site,
    address: Address,
    standing: Standing,
    derived: Derived,
    value: str,
    *,
    status: int,
    error: str | None,
) -> Response:
    """Return the proofs for programs, or what was wrong."""
    if error is not None:
        title = text(f"error.{status}_title")
        hostmaster = site.settings.publish.hostmaster
        return render.problem(request, status=status, title=title, detail=error, hostmaster=hostmaster)
    names = [f"{LABEL}.{name}" for name in derived.names]
    mails = [
        {"recipient": recipient_key(site.secret, address, one), "to": one.masked}
        for one in derived.recipients
        if site.settings.mail.can_send
    ]
    headers = {"Cache-Control": "no-store", "Vary": "Accept"}
    if render.wanted(request) == "json":
        content = {"address": str(address), "can_ask": standing.can_ask, "mail": mails}
        return JSONResponse(content | {"txt": {"names": names, "value": value}}, headers=headers)
    lines = [standing.words]
    lines += [text("proofs.line_mail", recipient=one["recipient"], to=one["to"]) for one in mails]
    lines += [text("proofs.line_txt", name=name, value=value) for name in names]
    return render.lines(*lines, headers=headers)
