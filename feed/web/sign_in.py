"""Signing in: to the console by a one-time link or an operator's key, to the desk by a reporter's key.

Opening the link shows a button; only pressing it uses the link up, so that no mail or chat scanner can.
"""

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from sqlalchemy.engine import Connection

from feed.store import controls, reporters, sessions
from feed.web import render
from feed.web.messages import text
from feed.web.posted import read_form
from feed.web.refusal import PageError
from feed.web.signed_in import NO_STORE, Door
from feed.web.site import Site
from feed.web.visitor import Visitors


def router(site: Site, visitors: Visitors, door: Door) -> APIRouter:
    """Return the routes of signing in and out of one place."""
    routes = APIRouter(prefix=f"/{door.place}")

    @routes.api_route("/sign-in", methods=["GET", "HEAD"], response_model=None)
    def form() -> Response:
        return _form(site, door)

    @routes.post("/sign-in", response_model=None)
    async def by_key(request: Request) -> Response:
        fields = await read_form(request)
        return await run_in_threadpool(_by_key, request, site, visitors, door, fields)

    @routes.post("/sign-out", response_model=None)
    async def out(request: Request) -> Response:
        fields = await read_form(request)
        await run_in_threadpool(door.checked, request, fields)
        return await run_in_threadpool(door.let_out, request)

    if door.place == "console":

        @routes.api_route("/enter/{token}", methods=["GET", "HEAD"], response_model=None)
        def show(token: str) -> Response:
            return _page(site, "sign_in_link.html", door=door, link_token=token[:100])

        @routes.post("/enter/{token}", response_model=None)
        def by_link(request: Request, token: str) -> Response:
            return _by_link(request, site, visitors, door, token)

    return routes


def _by_key(request: Request, site: Site, visitors: Visitors, door: Door, fields: dict[str, str]) -> Response:
    visitors.count_sign_in(request)
    door.check_origin(request)
    now = site.seconds()
    with site.database.read() as connection:
        found = reporters.authenticate(connection, site.secret, fields.get("key", "").strip(), now=now)
    wanted = {"operate"} if door.place == "console" else {"read", "report"}
    right = found is not None and bool(found.scopes & wanted)
    if door.place == "desk":
        right = right and found is not None and found.source_id is not None
    if found is None or not right:
        return _form(site, door, status=403, error=text(f"signin.wrong_{door.place}"))
    reporters.note_use(site.database, found, now=now)
    source_id = found.source_id if door.place == "desk" else None
    actor = f"key:{found.key_id}" if source_id is None else f"reporter:{source_id}"
    with site.database.write() as connection:
        number = sessions.open_session(
            connection, site.secret, actor=actor, place=door.place, now=now, source_id=source_id,
            key_id=found.key_id,
        )  # fmt: skip
        if door.place == "console":
            _log(connection, now, actor)
    return door.let_in(number)


def _by_link(request: Request, site: Site, visitors: Visitors, door: Door, token: str) -> Response:
    visitors.count_sign_in(request)
    door.check_origin(request)
    now = site.seconds()
    with site.database.write() as connection:
        author = sessions.use_link(connection, site.secret, token, now=now)
        if author is None:
            raise PageError(403, text("signin.link_over"))
        actor = f"link:{author}"[:100]
        number = sessions.open_session(connection, site.secret, actor=actor, place=door.place, now=now)
        _log(connection, now, actor)
    return door.let_in(number)


def _log(connection: Connection, now: int, actor: str) -> None:
    controls.log(
        connection, at=now, actor=actor, action="console_sign_in", subject="console", reason="signed in"
    )


def _form(site: Site, door: Door, *, status: int = 200, error: str | None = None) -> Response:
    return _page(site, "sign_in.html", status=status, door=door, error=error)


def _page(site: Site, template: str, *, status: int = 200, **values: object) -> Response:
    response = render.html(template, status=status, hostmaster=site.settings.publish.hostmaster, **values)
    response.headers.update(NO_STORE)
    return response
