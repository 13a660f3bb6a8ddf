"""The shapes of a report, each made a `Submission`: mail, feedback report, JSON, XARF, rspamd's export."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from starlette.datastructures import Headers

from ingest import rspamd, schemas, xarf
from ingest.mail import limits
from ingest.problems import FieldError, ProblemError
from ingest.submission import Submission, Trace

JSON: Final = "application/json"
MAIL: Final = "message/rfc822"
FEEDBACK: Final = "multipart/report"
FORM: Final = "multipart/form-data"


def of_mail(
    message: bytes, parameters: Mapping[str, str], facts: Mapping[str, Any] | None = None
) -> Submission:
    """Return a notification as the reporter's server stored it, with the claim beside it.

    parameters: of the URL; facts: what rspamd's exporter saw, where the parameters do not say it.
    """
    if not message:
        raise ProblemError("malformed", "the body is empty")
    claim = schemas.claim_of(schemas.parse_parameters(dict(parameters)))
    return Submission(
        digest=hashlib.sha256(message).digest(),
        body=message + json.dumps(sorted(parameters.items())).encode(),
        claim=rspamd.claimed(claim, facts) if facts else claim,
        message=message,
    )


def of_feedback(content_type: str, body: bytes, parameters: Mapping[str, str]) -> Submission:
    """Return a feedback report (RFC 5965) whose own header is the request's Content-Type."""
    if "feedback-report" not in content_type.lower():
        raise ProblemError("unsupported_media_type", "multipart/report needs report-type=feedback-report")
    if len(content_type) > limits.FIELD_BYTES:
        raise ProblemError("malformed", "the Content-Type is too long")
    if not body:
        raise ProblemError("malformed", "the body is empty")
    end = b"\r\n" if b"\r\n" in body else b"\n"
    head = [b"MIME-Version: 1.0", b"Content-Type: " + content_type.encode("latin-1", "replace"), b"", b""]
    return of_mail(end.join(head) + body, parameters)


def of_json(body: bytes, parameters: Mapping[str, str]) -> Submission:
    """Return a structured report or an XARF report, told apart by `xarf_version`.

    Raises 422 when there are parameters too: who says the class in the URL would think that it counts.
    """
    if parameters:
        wrong = tuple(
            FieldError(pointer, "JSON says this in the body, not in the URL")
            for pointer in schemas.pointers_of(parameters)
        )
        raise ProblemError("invalid", errors=wrong)
    if _is_xarf(body):
        return xarf.submission_of(schemas.parse(schemas.XarfIn, body))
    return of_record(body)


def of_record(body: bytes) -> Submission:
    """Return a structured report."""
    report = schemas.parse(schemas.ReportIn, body)
    canonical = report.model_dump_json(exclude_none=True).encode()
    digest = bytes.fromhex(report.digest) if report.digest else hashlib.sha256(canonical).digest()
    trace = None
    if report.queue_id is not None or report.recipient_domain is not None:
        domain = report.recipient_domain
        trace = Trace(queue_id=report.queue_id, recipient_domain=domain.lower() if domain else None)
    return Submission(digest=digest, body=canonical, claim=schemas.claim_of(report), trace=trace)


def of_anything(
    content_type: str, body: bytes, headers: Headers, parameters: Mapping[str, str]
) -> Submission:
    """Return a report from software that sets no useful media type, rspamd's exporter above all.

    What begins with `{` is JSON, a form is the exporter's formatter `multipart`, all else is a mail.
    """
    facts = rspamd.facts_of(headers)
    if content_type.partition(";")[0].strip().lower() == FORM:
        export = rspamd.read_multipart(content_type, body)
        return of_mail(export.message or b"", parameters, export.facts | facts)
    if body.lstrip()[:1] != b"{":
        return of_mail(body, parameters, facts)
    exported = rspamd.read_json(body)
    if exported is None:
        return of_json(body, parameters)
    known = exported.facts | facts
    if exported.message is not None:
        return of_mail(exported.message, parameters, known)
    claim = rspamd.claimed(schemas.claim_of(schemas.parse_parameters(dict(parameters))), known)
    digest = rspamd.digest_of(known)
    return Submission(
        digest=digest, body=digest + json.dumps(sorted(parameters.items())).encode(), claim=claim
    )


def _is_xarf(body: bytes) -> bool:
    """Return whether JSON is an XARF report, without taking it apart twice where it plainly is none."""
    if b'"xarf_version"' not in body:
        return False
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return False  # said in words by the parser of structured reports
    return isinstance(found, dict) and "xarf_version" in found
