"""What rspamd's metadata exporter sends, with its default formatter, json, json_with_message or multipart.

The metadata stands in `X-Rspamd-*` fields (meta_headers) or in the JSON. Of it only four facts are read:
the address, whether MAIL FROM was empty, the first recipient (at once as a hash), and whether the mail
was submitted by a user of one's own. A value that rspamd does not know is the word `unknown`.
"""

import base64
import binascii
import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from starlette.datastructures import Headers

from feed.domain.address import AddressError, parse_address
from ingest.mail.judgement import Claim
from ingest.problems import FieldError, ProblemError

PREFIX: Final = "x-rspamd-"
UNKNOWN: Final = "unknown"
_FACTS: Final = ("ip", "from", "rcpt", "user", "qid")
_MOST_PARTS: Final = 4
_BOUNDARY: Final = re.compile(r'boundary="?([0-9A-Za-z\'()+_,./:=?-]{1,70})"?', re.IGNORECASE)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One exported mail. facts: what the metadata says, by rspamd's names. message: None if not sent."""

    facts: dict[str, Any]
    message: bytes | None


def facts_of(headers: Headers) -> dict[str, Any]:
    """Return the metadata in header fields; raises 400 for a field that comes twice."""
    facts: dict[str, Any] = {}
    for name in _FACTS:
        values = headers.getlist(PREFIX + name)
        if len(values) > 1:
            raise ProblemError("malformed", f"{PREFIX}{name} comes more than once")
        if values:
            facts[name] = values[0].strip()
    if isinstance(facts.get("rcpt"), str) and facts["rcpt"].startswith("["):
        try:
            facts["rcpt"] = json.loads(facts["rcpt"])
        except (ValueError, RecursionError):
            raise ProblemError("malformed", f"{PREFIX}rcpt is not a JSON list") from None
    return facts


def read_json(body: bytes) -> Export | None:
    """Return what the formatters json and json_with_message send, None for JSON of another origin."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None  # said in words by whoever reads it as a report
    if not isinstance(found, Mapping) or not {"qid", "action", "rspamd_server"} <= found.keys():
        return None
    message = found.get("message")
    if message is None:
        return Export(facts=_known(found), message=None)
    try:
        return Export(facts=_known(found), message=base64.b64decode(message, validate=True))
    except (binascii.Error, ValueError, TypeError):
        wrong = FieldError("/message", "base64 is needed")
        raise ProblemError("invalid", errors=(wrong,)) from None


def read_multipart(content_type: str, body: bytes) -> Export:
    """Return what the formatter multipart sends: parts `metadata` (JSON) and `message`; raises 400."""
    boundary = _BOUNDARY.search(content_type)
    parts = body.split(b"--" + boundary[1].encode(), _MOST_PARTS + 1) if boundary else []
    facts: dict[str, Any] = {}
    message = None
    for part in parts[1:]:
        head, _, content = part.partition(b"\r\n\r\n")
        content = content.removesuffix(b"\r\n")
        if b"message/rfc822" in head.lower():
            message = content
        elif b"application/json" in head.lower():
            export = read_json(content)
            facts = export.facts if export is not None else {}
    if message is None:
        raise ProblemError("malformed", "the form holds no part of the type message/rfc822")
    return Export(facts=facts, message=message)


def _known(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in _FACTS if name in found}


def claimed(claim: Claim, facts: Mapping[str, Any]) -> Claim:
    """Return `claim` with what the exporter saw, where the reporter did not say it himself.

    The address of a mail that an own user submitted says nothing of an emitter and is left out.
    """
    changes: dict[str, Any] = {}
    address, user = _text(facts.get("ip")), _text(facts.get("user"))
    if claim.client_ip is None and address is not None and user is None:
        try:
            changes["client_ip"] = parse_address(address)
        except AddressError as problem:
            raise ProblemError("invalid", errors=(FieldError("/X-Rspamd-Ip", str(problem)),)) from None
    sender = facts.get("from")
    if claim.null_sender is None and isinstance(sender, str) and sender != UNKNOWN:
        changes["null_sender"] = sender in {"", "<>"}
    recipients = facts.get("rcpt")
    if isinstance(recipients, list) and recipients:
        first = str(recipients[0]).strip()
        changes["recipient"] = first  # while judging only: it may be signed
        if claim.recipient_token is None:
            changes["recipient_token"] = hashlib.sha256(first.lower().encode("utf-8", "replace")).hexdigest()
    return dataclasses.replace(claim, **changes)


def digest_of(facts: Mapping[str, Any]) -> bytes:
    """Return what tells metadata without a mail apart from others: the queue id, address and recipients."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).digest()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value not in {"", UNKNOWN} else None
