"""The report API: thin routes that read, call and render."""

import datetime as dt
import json
from typing import Any, Final

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from feed.store import receipts, usage
from feed.store.reporters import FULL_WEIGHT
from ingest import body, schemas
from ingest.desk import Desk
from ingest.problems import ProblemError

JSON: Final = "application/json"
MAIL: Final = "message/rfc822"

_BODIES: Final = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {"schema": schemas.ReportIn.model_json_schema()},
            MAIL: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}

router = APIRouter()


def _desk(request: Request) -> Desk:
    desk = request.app.state.desk
    assert isinstance(desk, Desk)
    return desk


async def _take(request: Request, *, is_record: bool | None) -> Response:
    """Take one report; `is_record` None: a body that begins with `{` is JSON, anything else a mail."""
    desk = _desk(request)
    key = request.headers.get("idempotency-key")
    try:
        reporter = await run_in_threadpool(desk.reporter, request.headers.get("authorization"))
        content = await body.read(request)
        record = is_record if is_record is not None else content.lstrip()[:1] == b"{"
        if record:
            answer = await run_in_threadpool(desk.take_record, reporter, content, idempotency_key=key)
        else:
            claim = dict(request.query_params)
            answer = await run_in_threadpool(desk.take_mail, reporter, content, claim, idempotency_key=key)
    except ProblemError as problem:
        desk.results.labels(problem.code).inc()
        raise
    desk.results.labels(answer.fields["status"]).inc()
    left = answer.left_today
    return JSONResponse(answer.fields, headers={} if left is None else {"RateLimit": f'"day";r={left}'})


@router.post("/v1/reports", response_model=schemas.ReportOut, openapi_extra=_BODIES)
async def report(request: Request) -> Response:
    """Submit one unsolicited notification: as mail with the claim as parameters, or as JSON."""
    kind = body.media_type(request)
    if kind not in {JSON, MAIL}:
        raise ProblemError("unsupported_media_type", f"send {MAIL} or {JSON}")
    return await _take(request, is_record=kind == JSON)


@router.post("/v1/reports/raw", response_model=schemas.ReportOut, openapi_extra=_BODIES)
async def raw(request: Request) -> Response:
    """Submit one report; JSON or mail is told by its content, for software that sets no media type."""
    return await _take(request, is_record=None)


@router.get("/v1/reports/{receipt}", response_model=schemas.ReportOut)
def receipt(receipt: str, request: Request) -> Response:
    """Return the first answer to one of your own reports."""
    desk = _desk(request)
    reporter = desk.reporter(request.headers.get("authorization"))
    with desk.feed.database.read() as connection:
        found = receipts.by_id(connection, reporter.source_id, receipt)
    if found is None:
        raise ProblemError("not_found")
    return JSONResponse(json.loads(found.answer))


@router.post("/v1/observations")
async def observations(request: Request) -> Response:
    """Say what you saw of one address on one day; repeated, the largest numbers are kept."""
    desk = _desk(request)
    reporter = await run_in_threadpool(desk.reporter, request.headers.get("authorization"))
    content = await body.read(request)
    await run_in_threadpool(desk.observe, reporter, schemas.parse(schemas.ObservationIn, content))
    return JSONResponse({"status": "accepted"})


@router.get("/v1/reporter")
def standing(request: Request) -> dict[str, Any]:
    """Return your own standing."""
    desk = _desk(request)
    reporter = desk.reporter(request.headers.get("authorization"))
    today = (desk.now().date() - dt.date(1970, 1, 1)).days
    with desk.feed.database.read() as connection:
        events = usage.events(connection, reporter.source_id, day=today)
    return {
        "name": reporter.name,
        "weight": reporter.weight / FULL_WEIGHT,
        "vetted": reporter.vetted,
        "border_hosts": sorted(reporter.border_hosts),
        "own_networks": [str(network) for network in reporter.own_networks],
        "forwarders": [str(network) for network in reporter.forwarders],
        "events_today": events,
    }


@router.get("/healthz", include_in_schema=False)
def healthz() -> PlainTextResponse:
    """Say that the process answers."""
    return PlainTextResponse("ok\n")


@router.get("/readyz", include_in_schema=False)
def readyz(request: Request) -> PlainTextResponse:
    """Say that the database answers too."""
    with _desk(request).feed.database.read() as connection:
        connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one()
    return PlainTextResponse("ready\n")


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request) -> Response:
    """Return counters for Prometheus; no address and no key is a label."""
    return Response(generate_latest(_desk(request).registry), media_type=CONTENT_TYPE_LATEST)
