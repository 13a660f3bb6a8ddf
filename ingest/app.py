"""The HTTP application: the report API, with the site mounted behind it where it is served too."""

import datetime as dt
from collections.abc import Callable, Collection

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from feed.opening import Feed
from feed.store.database import StoreError
from feed.web.app import Site
from feed.web.app import create_app as create_site
from ingest import problems, routes
from ingest.desk import Desk
from ingest.problems import ProblemError

RETRY_S = 5


def create_app(feed: Feed, *, serve: Collection[str], now: Callable[[], dt.datetime]) -> FastAPI:
    """Return the application; `serve` holds words of reports, site."""
    app = FastAPI(
        title="Backscatter Feed",
        summary="Report unsolicited notifications; the answer never promises a listing.",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json" if "reports" in serve else None,
    )
    if "reports" in serve:
        app.state.desk = Desk(feed, now=now)
        app.include_router(routes.router)
        app.add_exception_handler(ProblemError, problems.respond)
        app.add_exception_handler(StoreError, _unavailable)
        app.add_exception_handler(HTTPException, _bare)
    if "site" in serve:
        app.mount(
            "/",
            create_site(
                Site(
                    database=feed.database,
                    settings=feed.settings,
                    secret=feed.secret,
                    policy=feed.policy,
                    providers=feed.providers,
                    now=now,
                )
            ),
        )
    return app


def _unavailable(request: Request, _problem: Exception) -> JSONResponse:
    return problems.respond(request, ProblemError("busy", headers={"Retry-After": str(RETRY_S)}))


def _bare(request: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, HTTPException)
    return problems.respond(request, problems.from_status(problem.status_code))
