"""The shapes of requests and answers. pydantic stays in this file; inside there are only domain values."""

import dataclasses
import datetime as dt
from typing import Annotated, Any, Literal, TypeVar

import pydantic
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

Model = TypeVar("Model", bound=pydantic.BaseModel)


class ReportIn(pydantic.BaseModel):
    """A structured report: envelope facts, no mail content."""

    model_config = pydantic.ConfigDict(
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


class ReportOut(pydantic.BaseModel):
    """The answer to a report. It promises no listing."""

    receipt: str
    status: Literal["accepted", "duplicate"]
    verdict: Literal["backscatter", "unverifiable", "relayed"]
    kind: KindWord
    emitter: str | None
    provenance: str
    attestation: str
    strength: int
    reasons: list[str]
    defects: list[str]


class ObservationIn(pydantic.BaseModel):
    """What a reporter saw of one address on one day: the denominator, and the genuine notifications."""

    model_config = pydantic.ConfigDict(extra="forbid")

    address: Annotated[str, Field(max_length=64)]
    day: Annotated[dt.date, Field(description="UTC day")]
    seen_24h: Annotated[int, Field(ge=0, le=2_000_000_000, description="All mails from it that day")]
    null_24h: Annotated[int, Field(ge=0, le=2_000_000_000, description="Those with a null sender")]
    genuine_24h: Annotated[int, Field(ge=0, le=2_000_000_000, description="Those answering your own mail")]


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
    errors = tuple(
        FieldError(pointer="/" + "/".join(str(part) for part in one["loc"]), detail=_words(one))
        for one in found
    )
    return ProblemError("invalid", errors=errors[:20])


def _words(error: Any) -> str:
    known = {
        "extra_forbidden": "there is no such field",
        "missing": "this field is needed",
    }
    return known.get(error["type"], str(error["msg"]))


def claim_of(report: ReportIn | Parameters) -> Claim:
    """Return the claim as domain values; raises 422 for an address or a time that cannot be read."""
    address = None
    if report.client_ip is not None:
        try:
            address = parse_address(report.client_ip)
        except AddressError as problem:
            raise ProblemError("invalid", errors=(FieldError("/client_ip", str(problem)),)) from None
    observed_at = report.observed_at
    if observed_at is not None:
        if observed_at.tzinfo is None:
            raise ProblemError("invalid", errors=(FieldError("/observed_at", "a time zone is needed"),))
        try:
            observed_at = observed_at.astimezone(dt.UTC)
        except OverflowError:
            raise ProblemError("invalid", errors=(FieldError("/observed_at", "no such day"),)) from None
    claim = Claim(
        recipient_class=RecipientClass.from_word(report.recipient_class),
        client_ip=address,
        observed_at=observed_at,
        null_sender=report.null_sender,
        recipient_token=report.recipient_token,
        original_recipient_match=report.original_recipient_match,
        lookback_days=report.lookback_days,
        cause_is_listing=report.cause == "listed",
    )
    if isinstance(report, Parameters):
        return claim
    return dataclasses.replace(
        claim,
        kind=Kind.from_word(report.kind),
        original_key=report.original_key,
        digest=report.digest,
        helo=report.helo,
    )
