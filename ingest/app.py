"""The HTTP application: the report API, with the site mounted behind it where it is served too."""

import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable, Collection

import sqlalchemy.exc
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from feed.opening import Feed
from feed.store.database import StoreError
from feed.web.app import Site
from feed.web.app import create_app as create_site
from ingest import openapi, problems, quota, reading, routes, schemas
from ingest.desk import RETRY_S, Desk
from ingest.problems import ProblemError


def create_app(feed: Feed, *, serve: Collection[str], now: Callable[[], dt.datetime]) -> FastAPI:
    """Return the application; `serve` holds words of reports, site, console."""
    desk = Desk(feed, now=now) if "reports" in serve else None

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if desk is not None:
            await run_in_threadpool(desk.open)
        try:
            yield
        finally:
            if desk is not None:
                await run_in_threadpool(desk.close)

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    if desk is not None:
        app.state.desk = desk
        app.state.api_routes = [*routes.router.routes, *reading.router.routes]
        app.include_router(routes.router)
        app.include_router(reading.router)
        app.add_api_route(
            "/v1/{rest:path}", routes.nothing, methods=list(routes.METHODS), include_in_schema=False
        )
        app.add_exception_handler(ProblemError, _refused)
        app.add_exception_handler(StoreError, _unavailable)
        app.add_exception_handler(sqlalchemy.exc.TimeoutError, _unavailable)  # no connection is free
        app.add_exception_handler(HTTPException, _bare)
        app.add_exception_handler(RequestValidationError, _invalid)
        app.add_exception_handler(Exception, _failed)
    if {"site", "console"} & set(serve):
        app.mount(
            "/",
            create_site(
                Site(
                    database=feed.database,
                    settings=feed.settings,
                    secret=feed.secret,
                    policy=feed.policy,
                    provider_file=feed.provider_file,
                    now=now,
                    openapi=openapi.document if desk is not None else None,
                    quotas=(quota.NEW, quota.VETTED),
                ),
                parts=serve,
            ),
        )
    return app


def _refused(request: Request, problem: Exception) -> JSONResponse:
    """Render a refusal; once the reporter is known it also says what he may still send."""
    assert isinstance(problem, ProblemError)
    request.app.state.desk.results.labels(problem.code).inc()
    left = getattr(request.state, "quota", None)
    if left is not None:
        problem.with_headers(left.wait_headers if problem.code == "over_quota" else left.headers)
    return problems.respond(request, problem)


def _unavailable(request: Request, _problem: Exception) -> JSONResponse:
    return problems.respond(request, ProblemError("busy", headers={"Retry-After": str(RETRY_S)}))


def _bare(request: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, HTTPException)
    found = problems.from_status(problem.status_code)
    if found.code == "method_not_allowed":
        found.with_headers({"Allow": ", ".join(sorted(routes.methods_at(request)))})
    return problems.respond(request, found)


def _invalid(request: Request, problem: Exception) -> JSONResponse:
    """Render what the framework finds wrong with a parameter, without the value that it would repeat."""
    assert isinstance(problem, RequestValidationError)
    return _refused(request, schemas.wrong_parameters(problem.errors()))


def _failed(request: Request, _problem: Exception) -> JSONResponse:
    # The server logs the exception itself; the answer tells nothing of it.
    return problems.respond(request, ProblemError("internal"))
