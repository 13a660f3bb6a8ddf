"""The reporter's desk: own standing, receipts, keys, networks, and what owners may see. Own things only."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from sqlalchemy.engine import Connection

from feed.domain.address import AddressError, parse_network
from feed.store import canaries, controls, disclosures, overview, reporters
from feed.store.dialect import insert_if_missing
from feed.store.tables import api_key, reporter_network
from feed.web import render
from feed.web.messages import text
from feed.web.posted import read_form
from feed.web.refusal import PageError
from feed.web.signed_in import NO_STORE, Door, Visit
from feed.web.site import Site

KEYS_MOST: Final = 5
NETWORKS_MOST: Final = 50
_WIDEST: Final = {4: 12, 6: 32}
"""Shortest prefix of an own network: nobody owns more, and a slip would make a reporter deaf."""


class DeskError(Exception):
    """What was asked cannot be done; the message says why."""


def router(site: Site, door: Door) -> APIRouter:
    """Return the routes of `/desk`."""
    routes = APIRouter()

    @routes.api_route("/desk", methods=["GET", "HEAD"], response_model=None)
    def desk(request: Request) -> Response:
        visit = door.visit(request)
        return door.to_sign_in() if visit is None else _show(site, visit)

    @routes.post("/desk/do/{action}", response_model=None)
    async def do(request: Request, action: str) -> Response:
        fields = await read_form(request)
        return await run_in_threadpool(_do, request, site, door, action, fields)

    return routes


def _do(request: Request, site: Site, door: Door, action: str, fields: dict[str, str]) -> Response:
    visit = door.checked(request, fields)
    if action not in _ACTIONS:
        raise PageError(404, text("error.404"))
    try:
        with site.database.write() as connection:
            done, key = _ACTIONS[action](connection, site, visit, fields)
    except DeskError as problem:
        return _show(site, visit, status=422, error=str(problem))
    return _show(site, visit, done=done, key=key)


def _show(
    site: Site,
    visit: Visit,
    *,
    status: int = 200,
    error: str | None = None,
    done: str | None = None,
    key: str | None = None,
) -> Response:
    now = site.seconds()
    source_id = _source(visit)
    with site.database.read() as connection:
        me = reporters.find(connection, source_id)
        values: dict[str, Any] = {
            "me": me,
            "usage": overview.usage_of(connection, source_id, now=now),
            "receipts": overview.receipts_of(connection, source_id, now=now),
            "keys": overview.keys_of(connection, source_id),
            "runs": canaries.latest(connection, source_id, most=3),
            "detail": disclosures.detail_of(connection, source_id),
        }
    quota = None if site.quotas is None else site.quotas[1 if me.vetted else 0]
    response = render.html(
        "desk.html", status=status, hostmaster=site.settings.publish.hostmaster, visit=visit, error=error,
        done=done, new_key=key, quota=quota, now=now, full_weight=reporters.FULL_WEIGHT, **values,
    )  # fmt: skip
    response.headers.update(NO_STORE)
    return response


def _source(visit: Visit) -> int:
    assert visit.session.source_id is not None
    return visit.session.source_id


_Done = tuple[str, str | None]


def _new_key(connection: Connection, site: Site, visit: Visit, _fields: Mapping[str, str]) -> _Done:
    source_id, now = _source(visit), site.seconds()
    if len(_in_force(connection, source_id, now)) >= KEYS_MOST:
        raise DeskError(text("desk.keys_most", most=KEYS_MOST))
    made = reporters.new_key(
        connection, site.secret, source_id=source_id, scopes=("report", "read"), author=visit.session.actor,
        now=now,
    )  # fmt: skip
    _log(connection, visit, now, "key_new", made.split("_")[1])
    return text("desk.key_made"), made


def _end_key(connection: Connection, site: Site, visit: Visit, fields: Mapping[str, str]) -> _Done:
    source_id, now, wanted = _source(visit), site.seconds(), fields.get("key_id", "")
    mine = _in_force(connection, source_id, now)
    if wanted not in mine:
        raise DeskError(text("desk.key_unknown"))
    if len(mine) == 1:
        raise DeskError(text("desk.key_last"))
    reporters.revoke_key(connection, wanted, now=now)
    _log(connection, visit, now, "key_revoke", wanted)
    return text("desk.key_ended", name=wanted), None


def _in_force(connection: Connection, source_id: int, now: int) -> list[str]:
    rows = connection.execute(
        sa.select(api_key.c.key_id).where(
            api_key.c.source_id == source_id,
            api_key.c.revoked_at.is_(None),
            sa.or_(api_key.c.expires_at.is_(None), api_key.c.expires_at > now),
        )
    ).scalars()
    return list(rows)


def _add_network(connection: Connection, site: Site, visit: Visit, fields: Mapping[str, str]) -> _Done:
    source_id = _source(visit)
    try:
        network = parse_network(fields.get("network", ""))
    except AddressError as problem:
        raise DeskError(str(problem)) from None
    if network.prefixlen < _WIDEST[network.version]:
        raise DeskError(text("desk.network_wide", least=_WIDEST[network.version]))
    if len(reporters.find(connection, source_id).own_networks) >= NETWORKS_MOST:
        raise DeskError(text("desk.networks_most", most=NETWORKS_MOST))
    values = {"source_id": source_id, "network": str(network), "role": "own"}
    insert_if_missing(connection, reporter_network, values)
    _log(connection, visit, site.seconds(), "network_add", str(network))
    return text("desk.network_added", network=network), None


def _end_network(connection: Connection, site: Site, visit: Visit, fields: Mapping[str, str]) -> _Done:
    network = fields.get("network", "")
    gone = connection.execute(
        sa.delete(reporter_network).where(
            reporter_network.c.source_id == _source(visit),
            reporter_network.c.network == network,
            reporter_network.c.role == "own",
        )
    )
    if not gone.rowcount:
        raise DeskError(text("desk.network_unknown"))
    _log(connection, visit, site.seconds(), "network_remove", network)
    return text("desk.network_removed", network=network), None


def _detail(connection: Connection, site: Site, visit: Visit, fields: Mapping[str, str]) -> _Done:
    wanted = fields.get("detail", "")
    if wanted not in {"minute", "hour"}:
        raise DeskError(text("desk.detail_choose"))
    disclosures.choose(connection, _source(visit), "minute" if wanted == "minute" else "hour")
    _log(connection, visit, site.seconds(), "detail", wanted)
    return text("desk.detail_set"), None


def _log(connection: Connection, visit: Visit, now: int, action: str, subject: str) -> None:
    controls.log(
        connection, at=now, actor=visit.session.actor, action=action, subject=subject, reason="own desk"
    )


_ACTIONS: Final[dict[str, Callable[[Connection, Site, Visit, Mapping[str, str]], _Done]]] = {
    "key-new": _new_key,
    "key-end": _end_key,
    "network-add": _add_network,
    "network-end": _end_network,
    "detail": _detail,
}
