"""The operator's console: everything on a few pages, oldest or worst first. Looking changes nothing."""

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from feed.domain.address import AddressError, parse_address
from feed.store import (
    controls,
    disputes,
    exemptions,
    inspection,
    manual,
    outbox,
    overview,
    publications,
    rules,
    states,
)
from feed.store.controls import Control
from feed.web import console_bulk, console_trust, render
from feed.web.messages import text
from feed.web.reported import reported_of
from feed.web.signed_in import NO_STORE, Door, Visit
from feed.web.site import Site

FREEZE: Final = "freeze"
"""Name of the switch that `feed.jobs.publish` reads."""

RELEASE: Final = "release"
"""Name of the switch with which `feed.jobs.publish` lets out once what a gate holds."""

TICK: Final = "tick"
_NEW_MINUTES: Final = 24 * 60
_WARN_S: Final = 15 * 60
_CRITICAL_S: Final = 6 * 3600
PAGES: Final = ("health", "reporters", "listings", "disputes", "bulk", "exemptions", "audit")


def router(site: Site, door: Door) -> APIRouter:
    """Return the routes of `/console` that only show."""
    routes = APIRouter()

    @routes.api_route("/console", methods=["GET", "HEAD"], response_model=None)
    def health(request: Request) -> Response:
        return _answer(request, "health")

    @routes.api_route("/console/{page}", methods=["GET", "HEAD"], response_model=None)
    def other(request: Request, page: str) -> Response:
        return _answer(request, page if page in PAGES else "health")

    def _answer(request: Request, name: str) -> Response:
        visit = door.visit(request)
        return door.to_sign_in() if visit is None else show(site, visit, name, dict(request.query_params))

    return routes


def show(
    site: Site,
    visit: Visit,
    name: str,
    query: dict[str, str] | None = None,
    *,
    status: int = 200,
    error: str | None = None,
    done: str | None = None,
) -> Response:
    """Return one page of the console, with what an action brought on top."""
    values = _VALUES[name](site, query or {})
    response = render.html(
        f"console_{name}.html",
        status=status,
        hostmaster=site.settings.publish.hostmaster,
        pages=[(page, text(f"console.{page}")) for page in PAGES],
        page=name,
        visit=visit,
        error=error,
        done=done,
        now=site.seconds(),
        **values,
    )
    response.headers.update(NO_STORE)
    return response


def _health(site: Site, _query: dict[str, str]) -> dict[str, Any]:
    now = site.seconds()
    publish = site.settings.publish
    with site.database.read() as connection:
        zones = [(zone, publications.last(connection, zone)) for zone in (publish.zone, publish.score_zone)]
        tick = controls.get(connection, TICK)
        return {
            "zones": [
                (zone, last, _level(now, max(last.renewed_at, last.published_at) if last else None))
                for zone, last in zones
            ],
            "held_n": sum(last.held_n for _zone, last in zones if last is not None),
            "tick": tick,
            "tick_level": _level(now, int(tick.value) if tick else None),
            "freeze": _freeze(controls.get(connection, FREEZE)),
            "mail": outbox.queue(connection, now=now),
            "mail_is_on": site.settings.mail.can_send,
            "disputes_n": disputes.waiting_n(connection),
            "counts": sorted(states.counts(connection).items()),
            "policy": site.policy.name,
            "providers": site.providers,
        }


def _freeze(found: Control | None) -> Control | None:
    return found if found is not None and found.value == "on" else None


def _level(now: int, at: int | None) -> str:
    """Return ok, late or dead by the ages at which the DNS server warns too (DESIGN section 2)."""
    if at is None or now - at >= _CRITICAL_S:
        return "dead"
    return "late" if now - at >= _WARN_S else "ok"


def _listings(site: Site, query: dict[str, str]) -> dict[str, Any]:
    now = site.seconds()
    with site.database.read() as connection:
        values: dict[str, Any] = {
            "listings": overview.new_listings(connection, since_minute=now // 60 - _NEW_MINUTES),
            "mixed": overview.mixed(connection),
            "held": overview.held(connection),
            "by_hand": manual.in_force(connection, minute=now // 60)[-overview.SHOWN_MOST :],
            "given": query.get("address", "")[:64],
            "one": None,
        }
        try:
            address = parse_address(query.get("address", ""))
        except AddressError:
            return values
        in_force = rules.load(connection, policy=site.policy, providers=site.providers, now=now)
        seen = inspection.inspect(connection, address, rules=in_force, secret=site.secret, tick=now // 60)
        return values | {"one": seen, "one_reported": reported_of(seen.explanation)}


def _disputes(site: Site, _query: dict[str, str]) -> dict[str, Any]:
    with site.database.read() as connection:
        return {
            "waiting": disputes.waiting(connection, limit=overview.SHOWN_MOST),
            "answered": disputes.answered(connection, limit=20),
            "answer_s": site.settings.site.answer_days * 86_400,
        }


def _exemptions(site: Site, _query: dict[str, str]) -> dict[str, Any]:
    with site.database.read() as connection:
        return {"exemptions": exemptions.in_force(connection, minute=site.seconds() // 60)}


def _audit(site: Site, query: dict[str, str]) -> dict[str, Any]:
    given = query.get("before", "")
    before = int(given) if given.isascii() and given.isdigit() and len(given) < 10 else None  # noqa: PLR2004
    with site.database.read() as connection:
        lines = overview.audit_lines(connection, before=before)
    return {"lines": lines, "older": lines[-1].audit_id if len(lines) == overview.SHOWN_MOST else None}


_VALUES: Final = {
    "health": _health,
    "reporters": console_trust.values,
    "listings": _listings,
    "disputes": _disputes,
    "bulk": console_bulk.values,
    "exemptions": _exemptions,
    "audit": _audit,
}
