"""What the operator can do on the console: one POST each, with a reason, written to the audit log with it.

Each action is one transaction with its line in the log: both happen or neither. The same functions serve
the command line.
"""

from collections.abc import Callable, Mapping
from typing import Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from feed.domain.address import AddressError, emitter_key, parse_address, parse_network
from feed.domain.listing import Hold
from feed.store import (
    controls,
    disclosures,
    disputes,
    exemptions,
    operator_removal,
    replay,
    rules,
    standing,
)
from feed.store.controls import Control
from feed.web import console_bulk, console_trust
from feed.web.console import FREEZE, RELEASE, show
from feed.web.doing import ActionError, Doing
from feed.web.messages import text
from feed.web.posted import clean_comment, read_form
from feed.web.refusal import PageError
from feed.web.signed_in import Door
from feed.web.site import Site
from feed.web.wording import exact_moment

__all__ = ["ACTIONS", "ActionError", "Doing", "carry_out", "router"]

REASON_MOST: Final = 200
DAYS_MOST: Final = 3650
_SECONDS_A_DAY: Final = 86_400


def router(site: Site, door: Door) -> APIRouter:
    """Return the route of `/console/do/{action}`."""
    routes = APIRouter()

    @routes.post("/console/do/{action}", response_model=None)
    async def do(request: Request, action: str) -> Response:
        fields = await read_form(request)
        return await run_in_threadpool(_do, request, site, door, action, fields)

    return routes


def carry_out(site: Site, action: str, given: Mapping[str, str], *, actor: str) -> str:
    """Do one action and return in words what was done; raises `ActionError`."""
    reason = clean_comment(given.get("reason", ""))
    if not reason:
        raise ActionError(text("console.no_reason"))
    if len(reason) > REASON_MOST:
        raise ActionError(text("removal.comment_long", most=REASON_MOST, has=len(reason)))
    work, _page = ACTIONS[action]
    with site.database.write() as connection:
        doing = Doing(
            site=site, connection=connection, actor=actor, reason=reason, now=site.seconds(), given=given
        )
        words = [work(doing)]
    words += [last() for last in doing.afterwards]
    return " ".join(words)


def _do(request: Request, site: Site, door: Door, action: str, fields: dict[str, str]) -> Response:
    visit = door.checked(request, fields)
    if action not in ACTIONS:
        raise PageError(404, text("error.404"))
    page = ACTIONS[action][1]
    try:
        done = carry_out(site, action, fields, actor=visit.session.actor)
    except ActionError as problem:
        return show(site, visit, page, status=422, error=str(problem))
    return show(site, visit, page, done=done)


def _freeze(doing: Doing) -> str:
    """Freeze; when it began decides what may stay published, so a second freeze leaves the first alone."""
    new = Control(value="on", reason=doing.reason, author=doing.actor, set_at=doing.now)
    before = controls.switch_on(doing.connection, FREEZE, new)
    if before is not None:
        since = exact_moment(before.set_at)
        raise ActionError(text("console.frozen_already", when=since, reason=before.reason, by=before.author))
    return _done(doing, "freeze")


def _thaw(doing: Doing) -> str:
    return _switch(doing, "off", "thaw")


def _release(doing: Doing) -> str:
    return _switch(doing, "on", "release", name=RELEASE)


def _switch(doing: Doing, value: str, action: str, *, name: str = FREEZE) -> str:
    new = Control(value=value, reason=doing.reason, author=doing.actor, set_at=doing.now)
    controls.put(doing.connection, name, new)
    return _done(doing, action)


def _done(doing: Doing, action: str) -> str:
    controls.next_generation(doing.connection)
    doing.log(action, "publication")
    return text(f"console.done_{action}")


def _exempt(doing: Doing) -> str:
    try:
        network = parse_network(doing.given.get("network", ""))
    except AddressError as problem:
        raise ActionError(str(problem)) from None
    days = doing.given.get("days", "")
    if not (days.isascii() and days.isdigit() and 0 < int(days[:6]) <= DAYS_MOST):
        raise ActionError(text("console.days", most=DAYS_MOST))
    hold = doing.given.get("kind") == "hold"
    exemptions.add(
        doing.connection,
        network=network,
        kind=Hold.OPERATOR if hold else Hold.EXEMPT,
        reason=doing.reason,
        author=doing.actor,
        now=doing.now,
        until_minute=doing.now // 60 + int(days) * 1440,
    )
    doing.log("hold_add" if hold else "exemption_add", str(network))
    return text("console.done_exempt", network=network)


def _end_exemption(doing: Doing) -> str:
    number = doing.given.get("number", "")
    whole = number.isascii() and number.isdigit() and len(number) < 10  # noqa: PLR2004
    if not whole or not exemptions.end(doing.connection, int(number), now=doing.now):
        raise ActionError(text("console.no_exemption"))
    doing.log("exemption_end", number)
    return text("console.done_exemption_end", number=number)


def _remove(doing: Doing) -> str:
    try:
        address = parse_address(doing.given.get("address", ""))
    except AddressError as problem:
        raise ActionError(str(problem)) from None
    site = doing.site
    found = rules.load(doing.connection, policy=site.policy, providers=site.providers, now=doing.now)
    in_force = rules.recorded(doing.connection, found) or found
    if not operator_removal.end(doing.connection, address, rules=in_force, now=doing.now):
        raise ActionError(text("console.not_listed", address=address))
    doing.log("listing_remove", str(address))
    return text("console.done_remove", address=address)


def _answer(doing: Doing) -> str:
    """Answer a dispute; with `retract` the reports that it names stop counting, as if they had never come.

    Only an upheld one lowers the trust in whoever reported, once for each reporter; a removal never does.
    """
    number, answer = doing.given.get("dispute", ""), doing.given.get("answer", "")
    found = disputes.find(doing.connection, number)
    if found is None or found.answer is not None:
        raise ActionError(text("console.no_dispute"))
    if answer not in {"upheld", "partly", "rejected"}:
        raise ActionError(text("console.no_answer"))
    key = emitter_key(found.address)
    secret = doing.site.secret
    named = disclosures.ids_of(doing.connection, secret, key, frozenset(found.reports.split()), now=doing.now)
    if answer == "upheld":
        for source_id in disputes.sources_of(doing.connection, key, [event_id for _, event_id in named]):
            standing.contradict(doing.connection, source_id, kind="dispute", day=doing.now // _SECONDS_A_DAY)
    taken = 0
    if doing.given.get("retract") == "yes" and answer != "rejected":
        events = [event_id for _, event_id in named]
        taken = replay.retract_events(doing.connection, key, events, secret=secret, now=doing.now)
    disputes.answer(
        doing.connection, number, answer=answer, reason=doing.reason, author=doing.actor, now=doing.now,
        retracted_n=taken,
    )  # fmt: skip
    doing.log(f"dispute_{answer}", f"{found.address} {number[:8]}")
    return text("console.done_answer", address=found.address, n=taken)


ACTIONS: Final[dict[str, tuple[Callable[[Doing], str], str]]] = {
    "freeze": (_freeze, "health"),
    "thaw": (_thaw, "health"),
    "release": (_release, "health"),
    "exempt": (_exempt, "exemptions"),
    "end-exemption": (_end_exemption, "exemptions"),
    "remove": (_remove, "listings"),
    "answer": (_answer, "disputes"),
    **{word: (work, "reporters") for word, work in console_trust.ACTIONS.items()},
    **{word: (work, "bulk") for word, work in console_bulk.ACTIONS.items()},
}
"""Word in the path -> what is done, and the page that follows."""
