"""The public site, the desk and the console as one ASGI application.

Works without scripts and without third parties; its only state for visitors is the cookie of a form. It is
mounted at `/` by the process that serves HTTP, or run alone. Serve it without the web server's own
handling of forwarded addresses (`proxy_headers=False`): who may set them is decided in `requester`.
"""

from collections.abc import Collection, Sequence
from http import HTTPStatus

import sqlalchemy.exc
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match

from feed.store.database import StoreError
from feed.web import (
    confirm,
    console,
    console_actions,
    desk,
    dispute,
    feeds,
    lookup,
    owner,
    pages,
    pages_more,
    proofs,
    removal,
    render,
    sign_in,
    ticket,
)
from feed.web.headers import SECURITY, SecurityHeaders
from feed.web.messages import MESSAGES, text
from feed.web.probing import Prober
from feed.web.refusal import PageError
from feed.web.signed_in import Door
from feed.web.site import Site
from feed.web.visitor import Visitors

__all__ = ["Site", "create_app"]


def create_app(site: Site, *, parts: Collection[str] = ("site",)) -> FastAPI:
    """Return the application for `site`. It opens nothing and reads no clock before the first request.

    parts: `site` for the public pages and the desk, `console` for the operator's console.
    """
    # No redirects for a slash too many: the framework would take their host from the request.
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    visitors = Visitors(site)
    app.add_middleware(SecurityHeaders)
    app.mount("/static", StaticFiles(directory=render.STATIC), name="static")
    routers: list[APIRouter] = []
    if "site" in parts:
        routers += _public(site, visitors)
    if "console" in parts:
        door = Door(site, "console")
        routers.append(sign_in.router(site, visitors, door))
        routers.append(console_actions.router(site, door))
        routers.append(console.router(site, door))
    for router in routers:
        app.include_router(router)
    _add_errors(app, site, [route for router in routers for route in router.routes])
    return app


def _public(site: Site, visitors: Visitors) -> list[APIRouter]:
    door = Door(site, "desk")
    return [
        pages.router(site),
        pages_more.router(site),
        feeds.router(site, visitors),
        lookup.router(site, visitors),
        removal.router(site, visitors),
        proofs.router(site, visitors, Prober(site)),
        confirm.router(site, visitors),
        ticket.router(site, visitors),
        owner.router(site, visitors),
        dispute.router(site, visitors),
        sign_in.router(site, visitors, door),
        desk.router(site, door),
    ]


def _add_errors(app: FastAPI, site: Site, routes: Sequence[BaseRoute]) -> None:
    def answer(
        request: Request, status: int, detail: str | None = None, headers: dict[str, str] | None = None
    ) -> Response:
        known = f"error.{status}_title" in MESSAGES
        return render.problem(
            request,
            status=status,
            title=text(f"error.{status}_title") if known else HTTPStatus(status).phrase,
            detail=detail or text(f"error.{status}" if f"error.{status}" in MESSAGES else "error.400"),
            hostmaster=site.settings.publish.hostmaster,
            headers=headers,
        )

    @app.exception_handler(PageError)
    def _refused(request: Request, problem: PageError) -> Response:
        return answer(request, problem.status, problem.detail, problem.headers)

    @app.exception_handler(HTTPException)
    def _http(request: Request, problem: HTTPException) -> Response:
        headers = dict(problem.headers or {})
        if problem.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(sorted(_methods(routes, request)))
        return answer(request, problem.status_code, headers=headers)

    @app.exception_handler(StoreError)
    @app.exception_handler(sqlalchemy.exc.TimeoutError)  # all connections of the pool are taken
    def _store(request: Request, _problem: Exception) -> Response:
        return answer(request, 503, headers={"Retry-After": "60"})

    @app.exception_handler(Exception)
    def _defect(request: Request, _problem: Exception) -> Response:
        # Made outside all middleware; the server logs the exception, the page tells nothing of it.
        return answer(request, 500, headers=dict(SECURITY))


def _methods(routes: Sequence[BaseRoute], request: Request) -> set[str]:
    """Return what the path takes; the framework names the methods of its first route only."""
    return {
        method
        for route in routes
        if route.matches(request.scope)[0] is not Match.NONE
        for method in getattr(route, "methods", None) or ()
    }
