"""XARF v4 reports (evidence.md 4.3): the profile of `schemas.XarfIn`, and what it becomes.

XARF has no type for backscatter and calls a null sender invalid; the profile tolerates both. With a mail
attached the report becomes the feedback report (RFC 5965) that says the same, so that one reader decides
what its address is worth. Without one it is a structured report whose address is second-hand.
"""

import base64
import binascii
import hashlib
import secrets
from typing import Final

from feed.domain.address import Address, AddressError, parse_address
from feed.domain.event import Kind, RecipientClass
from ingest import body
from ingest.mail.judgement import Claim
from ingest.problems import FieldError, ProblemError
from ingest.schemas import XarfBackscatter, XarfIn, utc
from ingest.submission import Submission

_NULL: Final = frozenset({None, "", "<>"})
_TAG: Final = "backscatter:"


def submission_of(report: XarfIn) -> Submission:
    """Return what an XARF report says; raises 422 for an address that is none, 413 for a large mail."""
    address = _address(report.source_identifier)
    canonical = report.model_dump_json(exclude_none=True, exclude={"evidence"}).encode()
    message = _message(report)
    claim = _claim(report, address if message is None else None)
    if message is None:
        return Submission(
            digest=hashlib.sha256(canonical).digest(), body=canonical, claim=claim, second_hand=True
        )
    digest = hashlib.sha256(message).digest()
    return Submission(digest=digest, body=canonical + digest, claim=claim, message=_wrapped(message, address))


def _address(text: str) -> Address:
    try:
        return parse_address(text)
    except AddressError as problem:
        raise ProblemError("invalid", errors=(FieldError("/source_identifier", str(problem)),)) from None


def _message(report: XarfIn) -> bytes | None:
    """Return the attached mail, if there is one."""
    for item in report.evidence:
        if item.content_type.partition(";")[0].strip().lower() != "message/rfc822":
            continue
        try:
            found = base64.b64decode(item.payload, validate=True)
        except (binascii.Error, ValueError):
            wrong = FieldError("/evidence/0/payload", "base64 is needed")
            raise ProblemError("invalid", errors=(wrong,)) from None
        if len(found) > body.LARGEST:
            raise body.too_large(body.LARGEST)
        return found or None
    return None


def _claim(report: XarfIn, address: Address | None) -> Claim:
    said = report.x_backscatter or XarfBackscatter()
    known = "spamtrap" if report.evidence_source == "spamtrap" else None
    word = said.recipient_class or ("trap" if known else "unknown")
    kind: str | None = said.kind or next(
        (tag[len(_TAG) :] for tag in report.tags if tag.startswith(_TAG)), None
    )
    try:
        found = Kind.from_word(kind) if kind is not None else None
    except ValueError:
        raise ProblemError("invalid", errors=(FieldError("/tags", "there is no such kind"),)) from None
    has_sender = "smtp_from" in report.model_fields_set
    return Claim(
        recipient_class=RecipientClass.from_word(word),
        client_ip=address,
        observed_at=utc(report.timestamp, "/timestamp"),
        null_sender=report.smtp_from in _NULL if has_sender else None,
        kind=found,
        recipient_token=said.recipient_token,
        original_key=said.original_key,
        original_recipient_match=said.original_recipient_match,
        lookback_days=said.lookback_days,
    )


def _wrapped(message: bytes, address: Address) -> bytes:
    """Return the feedback report around a mail, in the mail's own line ends."""
    end = b"\r\n" if b"\r\n" in message else b"\n"
    boundary = secrets.token_hex(16).encode()
    lines = [
        b"MIME-Version: 1.0",
        b'Content-Type: multipart/report; report-type=feedback-report; boundary="%s"' % boundary,
        b"",
        b"--%s" % boundary,
        b"Content-Type: message/feedback-report",
        b"",
        b"Feedback-Type: abuse",
        b"User-Agent: xarf",
        b"Version: 1",
        b"Source-IP: %s" % str(address).encode(),
        b"",
        b"--%s" % boundary,
        b"Content-Type: message/rfc822",
        b"",
        message,
        b"--%s--" % boundary,
        b"",
    ]
    return end.join(lines)
