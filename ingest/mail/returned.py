"""The returned part: what a notification shows of the mail that it answers.

Everything here is text that the other side wrote. It identifies the original, and it can lower a claim
(a hop of the reporter's own host); it never raises one.
"""

import dataclasses
import re
from typing import Final

from ingest.mail import limits
from ingest.mail.dsn import DeliveryStatus
from ingest.mail.received import Hop, read_received
from ingest.mail.skeleton import Headers, Part, Skeleton, split_headers

MAIL_TYPES: Final = frozenset({"message/rfc822", "message/global", "message/partial"})
HEADER_TYPES: Final = frozenset(
    {
        "text/rfc822-headers",
        "message/rfc822-headers",
        "message/global-headers",
        "text/rfc822",
        "text/rfc822-header",
    }
)
_KNOWN_FIELDS: Final = frozenset(
    {
        "from", "to", "cc", "date", "subject", "message-id", "received", "return-path", "sender", "reply-to",
        "mime-version", "content-type", "content-transfer-encoding", "in-reply-to", "references", "x-mailer",
        "user-agent", "dkim-signature", "x-priority",
    }
)  # fmt: skip
_LEAST_WITH_ID: Final = 3
_LEAST_WITHOUT_ID: Final = 5
_MESSAGE_ID: Final = re.compile(r"<([^<>\s]{1,500})>")
_HEADER_LINE: Final = re.compile(r"[>|\s]{0,4}([A-Za-z][A-Za-z0-9-]{1,60}):(?:\s|$)")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What was found of the original. complete: enough fields to be a real header block (evidence.md 2.2).

    message_id: without angle brackets. hops: its Received fields. failed_authentication: the emitter's
    own Authentication-Results or Received-SPF say that the sender was forged, and it answered anyway.
    signed_by: domains of its DKIM signatures, not verified.
    """

    message_id: str | None = None
    hops: tuple[Hop, ...] = ()
    complete: bool = False
    failed_authentication: bool = False
    header_names: frozenset[str] = frozenset()
    signed_by: frozenset[str] = frozenset()


NOTHING_RETURNED: Final = Returned()


def read_returned(skeleton: Skeleton) -> Returned:
    """Find the returned header block: in its own part, or as lines of text; NOTHING_RETURNED if absent."""
    for part in skeleton.parts:
        if part.content_type in MAIL_TYPES or part.content_type in HEADER_TYPES:
            found = _from_block(part.decoded(limits.PART_HEADER_BYTES + 2))
            if found is not None:
                return found
    for part in skeleton.parts:
        if part.content_type.startswith("text/plain") or part.content_type == "text/html":
            found = _from_text(part)
            if found is not None:
                return found
    return NOTHING_RETURNED


def _from_block(data: bytes) -> Returned | None:
    block = data.lstrip(b"\n")
    if block.startswith((b"From ", b">From ")):
        block = block.partition(b"\n")[2]
    end = block.find(b"\n\n")
    try:
        headers, _ = split_headers(
            block[:end] if end >= 0 else block[: limits.PART_HEADER_BYTES], limits.PART_HEADER_BYTES, []
        )
    except limits.TooComplexError:
        return None
    return _read(headers) if headers.fields else None


def _from_text(part: Part) -> Returned | None:
    """Look for the longest run of header lines in a text; one that is not complete is no header block."""
    text = part.decoded(limits.RETURNED_TEXT_BYTES).decode("utf-8", "replace")
    if "essage-" not in text and "eceived:" not in text and "rom:" not in text.lower():
        return None
    run: list[str] = []
    names: set[str] = set()
    lines = text.split("\n", limits.RETURNED_LINES)[: limits.RETURNED_LINES]
    for line in [*lines, ""]:
        match = _HEADER_LINE.match(line)
        if match:
            names.add(match[1].lower())
            run.append(line.lstrip("> |\t"))
        elif run and line[:1] in (" ", "\t") and line.strip():
            run.append(line)
        elif run and line.startswith(">") and line[1:2] in (" ", "\t") and line[2:3] in (" ", "\t"):
            run.append(line[1:])
        else:
            if _is_complete(names):
                return _from_block("\n".join(run).encode("utf-8", "replace"))
            run, names = [], set()
    return None


def _is_complete(names: set[str] | frozenset[str]) -> bool:
    """Whether the field names make a header block: amavisd-new's threshold, to tell it from quoted text."""
    known = len(names & _KNOWN_FIELDS)
    least = _LEAST_WITH_ID if "message-id" in names else _LEAST_WITHOUT_ID
    return "from" in names and known >= least


def _read(headers: Headers) -> Returned:
    names = frozenset(headers.names())
    return Returned(
        message_id=message_id_of(headers.get("message-id")),
        hops=tuple(
            read_received(value, dated=False) for value in headers.all("received")[: limits.RECEIVED_FIELDS]
        ),
        complete=_is_complete(names),
        failed_authentication=_failed_authentication(headers),
        header_names=names,
        signed_by=_signers(headers),
    )


def message_id_of(value: str) -> str | None:
    """Return the first msg-id of a field value, without brackets; a bare word with @ is taken too."""
    match = _MESSAGE_ID.search(value[: limits.RECEIVED_BYTES])
    if match:
        return match[1]
    word = value.strip()
    return word if "@" in word and " " not in word and len(word) <= 500 else None  # noqa: PLR2004


_SIGNER: Final = re.compile(r"(?:^|;)\s*d\s*=\s*([A-Za-z0-9.-]{1,253})")
_MOST_SIGNATURES: Final = 8


def _signers(headers: Headers) -> frozenset[str]:
    """Return the d= domains of the first DKIM signatures (RFC 6376 section 3.5), lower case."""
    values = headers.all("dkim-signature")[:_MOST_SIGNATURES]
    found = (_SIGNER.search(value[: limits.RECEIVED_BYTES]) for value in values)
    return frozenset(match[1].lower() for match in found if match)


_FAILED: Final = re.compile(r"\b(?:spf|dmarc)\s{0,4}=\s{0,4}fail", re.IGNORECASE)


def _failed_authentication(headers: Headers) -> bool:
    if headers.get("received-spf").lower().startswith("fail"):
        return True
    return any(
        _FAILED.search(value[: limits.RECEIVED_BYTES]) for value in headers.all("authentication-results")[:5]
    )


def original_of(skeleton: Skeleton, returned: Returned, status: DeliveryStatus | None) -> str | None:
    """Return the Message-ID of the mail that the notification answers, None if nothing tells.

    Order: the returned part, Original-Message-ID of a disposition, In-Reply-To, the last of References.
    """
    if returned.message_id:
        return returned.message_id
    if status is not None and status.original_message_id:
        found = message_id_of(status.original_message_id)
        if found:
            return found
    answered = message_id_of(skeleton.headers.get("in-reply-to"))
    if answered:
        return answered
    references = _MESSAGE_ID.findall(skeleton.headers.get("references")[-limits.RECEIVED_BYTES :])
    return references[-1] if references else None


def in_domains(domain: str | None, domains: frozenset[str]) -> bool:
    """Whether `domain` is one of `domains` or lies below one."""
    while domain:
        if domain in domains:
            return True
        domain = domain.partition(".")[2]
    return False


def names_host(returned: Returned, hosts: frozenset[str]) -> bool:
    """Whether the original claims to have passed one of `hosts`: by a hop, or by its Message-ID."""
    if not hosts:
        return False
    if any(hop.by in hosts or hop.helo in hosts for hop in returned.hops):
        return True
    _, mark, domain = (returned.message_id or "").rpartition("@")
    return bool(mark) and domain.lower() in hosts
