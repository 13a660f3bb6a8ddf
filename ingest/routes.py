"""The report API: thin routes that read, call and render. What they promise stands in `openapi`."""

import collections
import dataclasses
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.concurrency import run_in_threadpool
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from feed.store.reporters import FULL_WEIGHT
from ingest import batch, body, openapi, schemas, shapes
from ingest.desk import Caller, Desk, idempotency_key
from ingest.intake import Answer
from ingest.problems import ProblemError
from ingest.shapes import FEEDBACK, FORM, JSON, MAIL
from ingest.submission import Submission

_LIMITS: Final = {JSON: body.LARGEST_JSON, MAIL: body.LARGEST, FEEDBACK: body.LARGEST}


class _ReceiptConvertor(StringConvertor):
    """Lets a path match only where its last part could be a receipt, so that `raw` is none."""

    regex = "[0-9a-z]{26}"


register_url_convertor("receipt", _ReceiptConvertor())
router = APIRouter(include_in_schema=False)


def _desk(request: Request) -> Desk:
    desk = request.app.state.desk
    assert isinstance(desk, Desk)
    return desk


async def _caller(request: Request) -> Caller:
    """Return who is asking, before anything of the body is read."""
    caller = await run_in_threadpool(_desk(request).caller, request.headers.get("authorization"))
    request.state.source_id = caller.reporter.source_id
    request.state.quota = caller.quota
    return caller


async def _take(
    request: Request, caller: Caller, *, largest: int, shape: Callable[[bytes], Submission]
) -> Response:
    """Take one report; `shape` makes it of the body."""
    desk = _desk(request)
    keys = request.headers.getlist("idempotency-key")
    if len(keys) > 1:
        raise ProblemError("malformed", "Idempotency-Key comes more than once")
    key = idempotency_key(keys[0] if keys else None)
    content = await body.read(request, largest=largest)

    def work() -> Answer:
        return desk.take(caller, dataclasses.replace(shape(content), idempotency_key=key))

    answer = await run_in_threadpool(work)
    desk.results.labels(answer.fields["status"]).inc()
    quota = caller.quota if answer.left is None else caller.quota.after(answer.left)
    return JSONResponse(answer.fields, headers=quota.headers)


@router.post("/v1/reports")
async def report(request: Request) -> Response:
    """Take one report of the shape that its Content-Type names."""
    caller = await _caller(request)
    kind = body.media_type(request)
    if kind not in _LIMITS:
        raise ProblemError("unsupported_media_type", f"send {MAIL}, {JSON} or {FEEDBACK}")
    parameters = _parameters(request)

    def shape(content: bytes) -> Submission:
        if kind == JSON:
            return shapes.of_json(content, parameters)
        if kind == MAIL:
            return shapes.of_mail(content, parameters)
        return shapes.of_feedback(request.headers["content-type"], content, parameters)

    return await _take(request, caller, largest=_LIMITS[kind], shape=shape)


@router.post("/v1/reports/raw")
async def raw(request: Request) -> Response:
    """Take one report whose shape is told by its content."""
    caller = await _caller(request)
    parameters = _parameters(request)
    content_type = request.headers.get("content-type", "")
    # The exporter's JSON and form carry a mail of the ordinary size, the former as base64.
    is_wrapped = body.media_type(request) in {JSON, FORM, "text/plain", ""}

    def shape(content: bytes) -> Submission:
        if len(content) > body.LARGEST and content.lstrip()[:1] != b"{" and body.media_type(request) != FORM:
            raise body.too_large(body.LARGEST)
        return shapes.of_anything(content_type, content, request.headers, parameters)

    largest = body.LARGEST_JSON if is_wrapped else body.LARGEST
    return await _take(request, caller, largest=largest, shape=shape)


def _parameters(request: Request) -> dict[str, str]:
    """Return the parameters of the URL; raises 400 for one that comes twice."""
    items = request.query_params.multi_items()
    found = dict(items)
    if len(found) < len(items):
        raise ProblemError("malformed", "a parameter comes more than once")
    return found


@router.post("/v1/reports:batch")
async def reports_batch(request: Request) -> Response:
    """Take up to a thousand structured reports, with a result for each."""
    desk = _desk(request)
    caller = await _caller(request)
    if body.media_type(request) not in batch.MEDIA_TYPES:
        raise ProblemError("unsupported_media_type", f"send {batch.NDJSON}")
    coding = body.encoding(request)
    if coding not in batch.CODINGS:
        raise ProblemError("unsupported_media_type", "the content coding may be gzip or none")
    content = await body.read_any(request, largest=body.LARGEST_BATCH)

    def work() -> list[batch.Result]:
        return desk.take_batch(caller, content, coding=coding)

    results = await run_in_threadpool(work)
    if batch.is_over_quota(results):
        raise ProblemError("over_quota")
    lefts = [result.left for _, result in results if not isinstance(result, ProblemError)]
    left = min((left for left in lefts if left is not None), default=caller.quota.left)
    codes = collections.Counter(
        result.code if isinstance(result, ProblemError) else result.fields["status"] for _, result in results
    )
    for code, number in codes.items():
        desk.results.labels(code).inc(number)
    document = schemas.as_json(batch.document_of(results))
    return Response(document, media_type=JSON, headers=caller.quota.after(left).headers)


@router.get("/v1/reports/{receipt:receipt}")
async def receipt(receipt: str, request: Request) -> Response:
    """Return the first answer to one of the caller's own reports."""
    caller = await _caller(request)
    answer = await run_in_threadpool(_desk(request).receipt, caller.reporter, receipt)
    return JSONResponse(answer, headers=caller.quota.headers)


@router.delete("/v1/reports/{receipt:receipt}")
async def retract(receipt: str, request: Request) -> Response:
    """Take one of the caller's own reports back."""
    caller = await _caller(request)
    answer = await run_in_threadpool(_desk(request).retract, caller.reporter, receipt)
    return JSONResponse(answer, headers=caller.quota.headers)


@router.post("/v1/observations")
async def observations(request: Request) -> Response:
    """Keep what the caller saw of one address on one day."""
    caller = await _caller(request)
    if body.media_type(request) != JSON:
        raise ProblemError("unsupported_media_type", f"send {JSON}")
    content = await body.read(request)

    def work() -> None:
        _desk(request).observe(caller.reporter, schemas.parse(schemas.ObservationIn, content))

    await run_in_threadpool(work)
    return JSONResponse({"status": "accepted"})


@router.get("/v1/reporter")
async def standing(request: Request) -> Response:
    """Return the caller's own standing."""
    caller = await _caller(request)
    reporter = caller.reporter
    said = {
        "name": reporter.name,
        "weight": reporter.weight / FULL_WEIGHT,
        "vetted": reporter.vetted,
        "border_hosts": sorted(reporter.border_hosts),
        "own_networks": [str(network) for network in reporter.own_networks],
        "forwarders": [str(network) for network in reporter.forwarders],
        "events_today": caller.used,
    }
    return JSONResponse(said, headers=caller.quota.headers)


@router.get("/v1/openapi.json")
def description() -> Response:
    """Return the description of this API."""
    return JSONResponse(openapi.document())


@router.get("/healthz")
def healthz() -> PlainTextResponse:
    """Say that the process answers."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
def readyz(request: Request) -> PlainTextResponse:
    """Say that the database answers too."""
    with _desk(request).feed.database.read() as connection:
        connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one()
    return PlainTextResponse("ready\n")


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Return counters for Prometheus; no address and no key is a label."""
    return Response(generate_latest(_desk(request).registry), media_type=CONTENT_TYPE_LATEST)


METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


async def nothing(request: Request) -> Response:
    """Refuse what no route of the API takes, so that the site behind it never answers for `/v1`."""
    known = methods_at(request)
    raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED if known else HTTPStatus.NOT_FOUND)


def methods_at(request: Request) -> set[str]:
    """Return the methods that the API takes at this path; the framework names those of one route only."""
    return {
        method
        for route in request.app.state.api_routes
        if route.matches(request.scope)[0] is not Match.NONE
        for method in getattr(route, "methods", None) or ()
    }
