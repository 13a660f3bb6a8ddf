"""What stands of an address, and why: `GET /v1/check`, `/v1/explain` and `/v1/ranking`, scope `read`.

All three show the one explanation that pages and the command line show, made from the numbers of the
score, so its parts add up to it exactly. Shown in a ranking is not listed.
"""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request

from feed.domain.address import AddressError, parse_address, special_purpose
from feed.domain.origin import Origins
from feed.opening import Feed
from feed.store import reporters, rules
from feed.store.inspection import Inspection, day, inspect, inspection_json
from feed.store.ranking import network_json, system_json, worst, worst_networks, worst_systems
from feed.store.reporters import Principal
from ingest import auth
from ingest.desk import RETRY_S, Desk
from ingest.problems import FieldError, ProblemError

MOST_RANKED: Final = 500

_SECONDS_A_MINUTE: Final = 60

router = APIRouter()

AddressText = Annotated[str, Query(max_length=64, description="any spelling of an IPv4 or IPv6 address")]


def _reader(request: Request) -> tuple[Desk, Principal, int]:
    """Return the desk, who is asking and the time in seconds; raises 401 or 403."""
    desk = request.app.state.desk
    assert isinstance(desk, Desk)
    now = int(desk.now().timestamp())
    with desk.feed.database.read() as connection:
        header = request.headers.get("authorization")
        found = auth.principal(connection, desk.feed.secret, header, scope="read", now=now)
    reporters.note_use(desk.feed.database, found, now=now)
    return desk, found, now


def _inspect(request: Request, text: str) -> tuple[Desk, Inspection]:
    desk, _, now = _reader(request)
    try:
        address = parse_address(text)
    except AddressError as problem:
        raise ProblemError("invalid", errors=(FieldError("/address", str(problem)),)) from None
    feed = desk.feed
    with feed.database.read() as connection:
        providers = feed.provider_file.look(now=now)
        current = rules.load(connection, policy=feed.policy, providers=providers, now=now)
        tick = now // _SECONDS_A_MINUTE
        return desk, inspect(connection, address, rules=current, secret=feed.secret, tick=tick)


@router.get("/v1/check")
def check(request: Request, address: AddressText) -> dict[str, Any]:
    """Say in a few words whether an address is listed, as the name servers answer once all is published."""
    desk, found = _inspect(request, address)
    row = found.row.state if found.row is not None else None
    allowed = desk.feed.settings.publish.allow_special
    never = None if allowed else special_purpose(found.address)
    listed = bool(found.code) and never is None
    return {
        "address": str(found.address),
        "listed": listed,
        "code": f"127.0.0.{found.code.value}" if listed else None,
        "state": found.state.word,
        "by_hand": bool(found.by_hand),
        "exempt": found.exempt,
        "never_listed_because": never,
        "prefix_published": found.entry.network.prefixlen if listed and found.entry is not None else None,
        "last_evidence_day": day(row.last_evidence_at) if row is not None else None,
        "expires_at": inspection_json(found).get("expires_at") if listed else None,
    }


@router.get("/v1/explain")
def explain(request: Request, address: AddressText) -> dict[str, Any]:
    """Return everything that makes up the score of an address, its gates and its history."""
    _, found = _inspect(request, address)
    return inspection_json(found)


@router.get("/v1/ranking")
def ranking(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=MOST_RANKED)] = 50,
    by: Literal["address", "network", "as"] = "address",
) -> dict[str, Any]:
    """Return the worst emitters with their reasons, or summed by network or AS; shown is not listed."""
    desk, _, now = _reader(request)
    feed = desk.feed
    origins = _origins(feed, now) if by == "as" else None
    with feed.database.read() as connection:
        if origins is not None:
            systems = worst_systems(connection, origins, limit=limit)
            return {"by": by, "worst": [system_json(one) for one in systems]}
        if by == "network":
            networks = worst_networks(connection, limit=limit)
            return {"by": by, "worst": [network_json(one) for one in networks]}
        providers = feed.provider_file.look(now=now)
        current = rules.load(connection, policy=feed.policy, providers=providers, now=now)
        tick = now // _SECONDS_A_MINUTE
        found = worst(connection, limit=limit, rules=current, secret=feed.secret, tick=tick)
    return {"by": by, "worst": [inspection_json(one, history=False) for one in found]}


def _origins(feed: Feed, now: int) -> Origins:
    """Return who announces which addresses; raises 404 where the operator has no such file."""
    if feed.origin_file.path is None:
        raise ProblemError("no_as_file")
    found = feed.origin_file.look(now=now)
    if found is None:
        raise ProblemError("as_file_unusable", headers={"Retry-After": str(RETRY_S)})
    return found
