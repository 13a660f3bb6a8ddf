"""Pages that explain: how to fix, use and report, the terms, the statistics, the reference of the API."""

import threading
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from feed.domain.quality import Quality
from feed.domain.snippets import Stage
from feed.store import quality_months, statistics
from feed.store.statistics import DAYS, KIND_DAYS, REMOVAL_STEPS, Statistics
from feed.web import quality_words, reference, render, snippets
from feed.web.advice import GENERAL, PRODUCTS, advice_named
from feed.web.chart import WIDTH, columns
from feed.web.messages import text
from feed.web.refusal import PageError
from feed.web.site import Site
from feed.web.wording import date, duration, iso

CACHED_S: Final = 60


class _Cached:
    """The statistics, made anew at most once a minute whatever the number of visitors."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = threading.Lock()
        self._at = 0
        self._value: Statistics | None = None
        self._month: Quality | None = None

    def get(self) -> tuple[int, Statistics, Quality | None]:
        """Return when the numbers were made, the numbers, and the report of the last month if any."""
        with self._lock:
            now = self._site.seconds()
            if self._value is None or not 0 <= now - self._at < CACHED_S:
                with self._site.database.read() as connection:
                    self._value = statistics.statistics(connection, now=now)
                    self._month = quality_months.latest(connection)
                self._at = now
            return self._at, self._value, self._month


def router(site: Site) -> APIRouter:
    """Return the routes of `/fix`, `/use`, `/report`, `/terms`, `/statistics` and `/reference`."""
    routes = APIRouter()
    _explaining(routes, site)
    _counting(routes, site)
    return routes


def _explaining(routes: APIRouter, site: Site) -> None:
    publish = site.settings.publish

    @routes.api_route("/fix", methods=["GET", "HEAD"], response_model=None)
    def fix() -> Response:
        return _page(site, "fix.html", general=GENERAL, products=PRODUCTS, only=None)

    @routes.api_route("/fix/{key}", methods=["GET", "HEAD"], response_model=None)
    def fix_one(key: str) -> Response:
        product = advice_named(key)
        if product is None:
            raise PageError(404, text("error.404"))
        return _page(site, "fix.html", general=GENERAL, products=PRODUCTS, only=product)

    @routes.api_route("/use", methods=["GET", "HEAD"], response_model=None)
    def use(request: Request) -> Response:
        stage = snippets.stage_named(request.query_params.get("stage", ""))
        return _page(
            site,
            "use.html",
            zone=publish.zone,
            score_zone=publish.score_zone,
            first=snippets.first_checks(publish.zone),
            resolvers=snippets.resolvers(site.settings),
            directly=snippets.asked_directly(site.settings),
            trial=publish.allow_special,
            stage=stage,
            stages=tuple(Stage),
            snippets=snippets.mail_servers(site.settings, stage),
        )

    @routes.api_route("/report", methods=["GET", "HEAD"], response_model=None)
    def report() -> Response:
        return _page(
            site, "report.html", site_url=publish.site_url.rstrip("/"), has_reference=site.openapi is not None
        )

    @routes.api_route("/terms", methods=["GET", "HEAD"], response_model=None)
    def terms() -> Response:
        return _page(site, "terms.html", controller=site.settings.site.controller)


def _counting(routes: APIRouter, site: Site) -> None:
    cached = _Cached(site)

    @routes.api_route("/statistics", methods=["GET", "HEAD"], response_model=None)
    def numbers(request: Request) -> Response:
        at, found, month = cached.get()
        if render.wanted(request) == "json":
            content = _json(at, found) | {"quality": quality_words.as_json(month)}
            return JSONResponse(content, headers={"Cache-Control": "max-age=60", "Vary": "Accept"})
        response = _page(
            site,
            "statistics.html",
            **_pictures(at, found),
            width=WIDTH,
            days=DAYS,
            month=quality_words.month(month),
            quality=quality_words.rows(month),
        )
        response.headers["Vary"] = "Accept"
        return response

    if site.openapi is not None:
        document = site.openapi()

        @routes.api_route("/reference", methods=["GET", "HEAD"], response_model=None)
        def described() -> Response:
            return _page(
                site,
                "reference.html",
                operations=reference.operations(document),
                schemas=reference.schemas(document),
            )


def _page(site: Site, template: str, **values: Any) -> Response:
    response = render.html(template, hostmaster=site.settings.publish.hostmaster, **values)
    response.headers["Cache-Control"] = "max-age=60"
    return response


def _pictures(at: int, found: Statistics) -> dict[str, Any]:
    dates = [date(found.first_day + number) for number in range(DAYS)]
    series = [
        (key, text(f"statistics.{key}"), values, columns(values), list(zip(dates, values, strict=True)))
        for key, values in (
            ("listings", found.listings),
            ("removals", found.removals),
            ("reports", found.reports),
        )
    ]
    most = max((number for _, number in found.kinds), default=1)
    ended = max(sum(found.lengths), 1)
    steps = [text("statistics.within", time=duration(step)) for step in REMOVAL_STEPS]
    return {
        "at": at,
        "found": found,
        "series": series,
        "first": dates[0],
        "last": dates[-1],
        "kinds": [
            (kind.phrase, number, max(round(WIDTH * number / most), 2)) for kind, number in found.kinds
        ],
        "kind_days": KIND_DAYS,
        "lengths": [
            (words, number, round(WIDTH * number / ended), round(100 * number / ended))
            for words, number in zip([*steps, text("statistics.longer")], found.lengths, strict=True)
        ],
        "ended": sum(found.lengths),
    }


def _json(at: int, found: Statistics) -> dict[str, Any]:
    return {
        "as_of": iso(at),
        "listed": {"127.0.0.2": found.confirmed, "127.0.0.3": found.reported},
        "zones": found.zone_entries,
        "first_day": date(found.first_day),
        "listings_by_day": found.listings,
        "removals_by_day": found.removals,
        "reports_by_day": found.reports,
        "kinds": {kind.word: number for kind, number in found.kinds},
        "ended_within_minutes": [
            {"less_than": step, "listings": number}
            for step, number in zip([*REMOVAL_STEPS, None], found.lengths, strict=True)
        ],
    }
