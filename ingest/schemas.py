"""The shapes of requests and answers. pydantic stays in this file; inside there are only domain values."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal, TypeVar

import pydantic
import pydantic_core
from pydantic import Field

from feed.domain.address import AddressError, parse_address
from feed.domain.event import Kind, RecipientClass
from ingest.mail.judgement import Claim
from ingest.problems import FieldError, ProblemError

RecipientClassWord = Literal["trap", "tag_missing", "tag_bad", "log_miss", "no_such_user", "unknown"]
KindWord = Literal[
    "dsn_fail", "dsn_delay", "dsn_ok", "ndr", "auto", "cr", "virus", "mdn", "list", "pm", "sav"
]
Token = Annotated[str, Field(min_length=1, max_length=128)]

MOST_ERRORS: Final = 20
"""Wrong fields that are named; a list of a thousand helps nobody."""
_CLASSES: Final = {one.word: one for one in RecipientClass}
_KINDS: Final = {one.word: one for one in Kind}
_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,40}")

Model = TypeVar("Model", bound=pydantic.BaseModel)


class FieldProblem(pydantic.BaseModel):
    """One wrong field."""

    pointer: Annotated[str, Field(description="JSON pointer, or / and the name of a parameter")]
    detail: str


class ProblemOut(pydantic.BaseModel):
    """A problem document (RFC 9457). It never repeats what was sent."""

    type: Annotated[str, Field(description="urn:backscatter-feed:problem: and a stable word")]
    title: str
    status: int
    detail: str | None = None
    errors: list[FieldProblem] | None = None


class ReportIn(pydantic.BaseModel):
    """A structured report: envelope facts, no mail content."""

    model_config = pydantic.ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "client_ip": "192.0.2.66",
                    "observed_at": "2026-11-24T08:15:00Z",
                    "null_sender": True,
                    "kind": "dsn_fail",
                    "recipient_class": "trap",
                    "recipient_token": "7f3a90",
                    "original_key": "c1f4d2",
                    "digest": "2f1b0c9e" * 8,
                }
            ]
        },
    )

    client_ip: Annotated[str, Field(max_length=64, description="Address of the connecting server")]
    observed_at: Annotated[dt.datetime, Field(description="When it arrived, with a time zone (RFC 3339)")]
    null_sender: Annotated[bool, Field(description="Whether MAIL FROM was <>")]
    kind: KindWord
    recipient_class: RecipientClassWord = "unknown"
    recipient_token: Annotated[
        Token | None, Field(description="Stands for your recipient; never an address")
    ] = None
    original_key: Annotated[Token | None, Field(description="Your HMAC of the original's Message-ID")] = None
    original_recipient_match: bool | None = None
    lookback_days: Annotated[int | None, Field(ge=0, le=3650)] = None
    digest: Annotated[str | None, Field(pattern=r"^[0-9a-fA-F]{64}$", description="SHA-256 of the mail")] = (
        None
    )
    helo: Annotated[str | None, Field(max_length=255)] = None
    cause: Annotated[Literal["listed"] | None, Field(description="Refused only because of this list")] = None
    queue_id: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Za-z0-9._-]{1,64}$",
            description="The emitter's own queue id, for its proven owner only; not kept of traps",
        ),
    ] = None
    recipient_domain: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$",
            description="Domain of the failed recipient, for the proven owner only; not kept of traps",
        ),
    ] = None


class Parameters(pydantic.BaseModel):
    """The reporter's claim beside a raw mail, as query parameters."""

    model_config = pydantic.ConfigDict(extra="forbid")

    recipient_class: Annotated[RecipientClassWord, Field(alias="class")] = "unknown"
    client_ip: Annotated[str | None, Field(max_length=64)] = None
    observed_at: dt.datetime | None = None
    null_sender: bool | None = None
    recipient_token: Token | None = None
    original_recipient_match: bool | None = None
    lookback_days: Annotated[int | None, Field(ge=0, le=3650)] = None
    cause: Literal["listed"] | None = None
    forwarded: Annotated[
        bool | None,
        Field(
            description="A person of yours forwarded it by hand, attached to his mail: that one is judged. "
            "Never set it for what a program submits; anybody can send a mail that looks so"
        ),
    ] = None


class XarfEvidence(pydantic.BaseModel):
    """One piece of evidence of an XARF report; only message/rfc822 is read."""

    content_type: Annotated[str, Field(max_length=128)]
    payload: Annotated[str, Field(description="base64; at most 262144 bytes when decoded")]


class XarfBackscatter(pydantic.BaseModel):
    """What XARF has no field for: the reporter's attestation."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid")

    kind: KindWord | None = None
    recipient_class: RecipientClassWord | None = None
    recipient_token: Token | None = None
    original_key: Token | None = None
    original_recipient_match: bool | None = None
    lookback_days: Annotated[int | None, Field(ge=0, le=3650)] = None


class XarfIn(pydantic.BaseModel):
    """An XARF v4 report in the profile that can speak of backscatter; fields not named here are passed over.

    The address in it is second-hand: alone it never carries more than strength 1. It counts fully where
    the attached notification shows the same address at your border host.
    """

    model_config = pydantic.ConfigDict(
        strict=True,
        extra="ignore",
        json_schema_extra={
            "examples": [
                {
                    "xarf_version": "4.2.0",
                    "report_id": "4b7a4f0a-6f0e-4a3c-9a53-0d6f4c1d2e3f",
                    "timestamp": "2026-11-24T08:15:00Z",
                    "source_identifier": "192.0.2.66",
                    "category": "messaging",
                    "type": "spam",
                    "protocol": "smtp",
                    "smtp_from": "",
                    "evidence_source": "spamtrap",
                    "tags": ["backscatter:dsn_fail"],
                    "x_backscatter": {"recipient_class": "trap", "recipient_token": "7f3a90"},
                }
            ]
        },
    )

    xarf_version: Annotated[str, Field(pattern=r"^4\.[0-9]{1,4}\.[0-9]{1,4}$")]
    report_id: Annotated[str, Field(min_length=1, max_length=128)]
    timestamp: dt.datetime
    source_identifier: Annotated[str, Field(max_length=253, description="An IP address, never a domain")]
    category: Literal["messaging"]
    type: Literal["spam", "backscatter"]
    protocol: Literal["smtp"] | None = None
    smtp_from: Annotated[
        str | None, Field(max_length=320, description='null, "" or "<>": the null sender')
    ] = None
    evidence_source: Annotated[str | None, Field(max_length=64)] = None
    evidence: Annotated[list[XarfEvidence], Field(max_length=1)] = []
    tags: Annotated[list[Annotated[str, Field(max_length=128)]], Field(max_length=50)] = []
    x_backscatter: XarfBackscatter | None = None


class ReportOut(pydantic.BaseModel):
    """The answer to a report. It promises no listing."""

    model_config = pydantic.ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "receipt": "4k0m2v7x9a1c3e5g7j9n1q3s5v",
                    "status": "accepted",
                    "verdict": "backscatter",
                    "kind": "dsn_fail",
                    "emitter": "192.0.2.66",
                    "provenance": "P3",
                    "attestation": "U4",
                    "strength": 4,
                    "reasons": ["structured"],
                    "defects": [],
                }
            ]
        }
    )

    receipt: str
    status: Annotated[
        Literal["accepted", "duplicate", "retracted"],
        Field(description="duplicate: the first answer again; retracted: taken back, counts no more"),
    ]
    verdict: Literal["backscatter", "unverifiable", "relayed"]
    kind: KindWord
    emitter: str | None
    provenance: str
    attestation: str
    strength: int
    reasons: list[str]
    defects: list[str]


class LineOut(pydantic.BaseModel):
    """What became of one line of a batch: the answer to the report, or the problem with it."""

    line: Annotated[int, Field(ge=1, description="From 1, empty lines counted")]
    report: ReportOut | None = None
    problem: ProblemOut | None = None


class BatchOut(pydantic.BaseModel):
    """What became of a batch, line by line."""

    accepted: int
    duplicate: int
    refused: int
    results: list[LineOut]


class ObservationOut(pydantic.BaseModel):
    """An observation was kept."""

    status: Literal["accepted"]


class StandingOut(pydantic.BaseModel):
    """A reporter's own standing. weight: 0 to 1, what his word counts."""

    name: str
    weight: Annotated[float, Field(ge=0, le=1)]
    vetted: bool
    border_hosts: list[str]
    own_networks: list[str]
    forwarders: list[str]
    events_today: int


class CheckOut(pydantic.BaseModel):
    """Whether an address is listed."""

    address: str
    listed: bool
    code: str | None
    state: str
    by_hand: bool
    exempt: Any
    never_listed_because: str | None
    prefix_published: int | None
    last_evidence_day: str | None
    expires_at: Any


class ExplanationOut(pydantic.BaseModel):
    """What makes up the score of an address; more fields than these, all words, numbers and dates."""

    model_config = pydantic.ConfigDict(extra="allow")

    address: str
    state: str
    score: Any
    parts: list[Any]


class RankingOut(pydantic.BaseModel):
    """The worst emitters, networks or autonomous systems, worst first."""

    by: Literal["address", "network", "as"]
    worst: list[dict[str, Any]]


class ObservationIn(pydantic.BaseModel):
    """What a reporter saw of one address on one day: the denominator, and the genuine notifications."""

    model_config = pydantic.ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "address": "192.0.2.66",
                    "day": "2026-11-24",
                    "seen_24h": 1200,
                    "null_24h": 90,
                    "genuine_24h": 3,
                }
            ]
        },
    )

    address: Annotated[str, Field(max_length=64)]
    day: Annotated[dt.date, Field(description="UTC day")]
    seen_24h: Annotated[int, Field(ge=0, le=2_000_000_000, description="All mails from it that day")]
    null_24h: Annotated[int, Field(ge=0, le=2_000_000_000, description="Those with a null sender")]
    genuine_24h: Annotated[int, Field(ge=0, le=2_000_000_000, description="Those answering your own mail")]


def as_json(value: object) -> bytes:
    """Return plain values as JSON; several times as fast as the standard library for small ones."""
    return pydantic_core.to_json(value)


def parse(model: type[Model], body: bytes) -> Model:
    """Return `body` as `model`; raises 400 for what is no JSON and 422 naming each wrong field."""
    try:
        return model.model_validate_json(body)
    except pydantic.ValidationError as problem:
        raise _refused(problem) from None


def parse_parameters(values: dict[str, str]) -> Parameters:
    """Return the query parameters of a raw report; raises 422 naming each wrong one."""
    try:
        return Parameters.model_validate(values)
    except pydantic.ValidationError as problem:
        raise _refused(problem) from None


def _refused(problem: pydantic.ValidationError) -> ProblemError:
    found = problem.errors(include_url=False, include_input=False, include_context=False)
    if found[0]["type"] == "json_invalid":
        return ProblemError("malformed", "the body is not valid JSON")
    errors = tuple(FieldError(pointer=_pointer(one["loc"]), detail=_words(one)) for one in found)
    return ProblemError("invalid", errors=errors[:MOST_ERRORS])


def wrong_parameters(found: Iterable[Mapping[str, Any]]) -> ProblemError:
    """Return the refusal of parameters, from what the framework says of them; no value is repeated."""
    errors = tuple(FieldError(pointer=_pointer(one["loc"][1:]), detail=_words(one)) for one in found)
    return ProblemError("invalid", errors=errors[:MOST_ERRORS])


def _pointer(place: tuple[int | str, ...]) -> str:
    """Return the JSON pointer of a field; a name that could be anything is not repeated."""
    known = (str(part) if _NAME.fullmatch(str(part)) else "?" for part in place)
    return "".join(f"/{part}" for part in known)


def _words(error: Any) -> str:
    known = {
        "extra_forbidden": "there is no such field",
        "missing": "this field is needed",
    }
    return known.get(error["type"], str(error["msg"]))


def utc(moment: dt.datetime, pointer: str) -> dt.datetime:
    """Return `moment` in UTC; raises 422 for one without a time zone or outside the calendar."""
    if moment.tzinfo is None:
        raise ProblemError("invalid", errors=(FieldError(pointer, "a time zone is needed"),))
    try:
        return moment.astimezone(dt.UTC)
    except OverflowError:
        raise ProblemError("invalid", errors=(FieldError(pointer, "no such day"),)) from None


def claim_of(report: ReportIn | Parameters) -> Claim:
    """Return the claim as domain values; raises 422 for an address or a time that cannot be read."""
    address = None
    if report.client_ip is not None:
        try:
            address = parse_address(report.client_ip)
        except AddressError as problem:
            raise ProblemError("invalid", errors=(FieldError("/client_ip", str(problem)),)) from None
    observed_at = utc(report.observed_at, "/observed_at") if report.observed_at is not None else None
    record = report if isinstance(report, ReportIn) else None
    return Claim(
        recipient_class=_CLASSES[report.recipient_class],
        client_ip=address,
        observed_at=observed_at,
        null_sender=report.null_sender,
        recipient_token=report.recipient_token,
        original_recipient_match=report.original_recipient_match,
        lookback_days=report.lookback_days,
        cause_is_listing=report.cause == "listed",
        kind=_KINDS[record.kind] if record else None,
        original_key=record.original_key if record else None,
        digest=record.digest if record else None,
        helo=record.helo if record else None,
        forwarded=isinstance(report, Parameters) and report.forwarded is True,
    )


def pointers_of(names: Iterable[str]) -> list[str]:
    """Return a pointer for each of the first few parameters called `names`."""
    return [_pointer((name,)) for name in list(names)[:MOST_ERRORS]]
