"""Feedback reports (RFC 5965) as an envelope: a reporter may wrap the notification in one."""

import dataclasses
import re
from typing import Final

from feed.domain.address import Address, AddressError, parse_address
from ingest.mail import limits
from ingest.mail.returned import MAIL_TYPES
from ingest.mail.skeleton import Skeleton

_NOT_FOR_US: Final = re.compile(
    r"^feedback-type[ \t]*:[ \t]*(?:auth-failure|not-spam|opt-out)\b", re.IGNORECASE | re.MULTILINE
)
"""Reports of DMARC (RFC 6591) and of loops that praise: whatever they carry, nobody submits it to us."""
_SOURCE: Final = re.compile(r"^source-ip[ \t]*:[ \t]*([0-9A-Fa-f:.\[\]]{2,48})", re.IGNORECASE | re.MULTILINE)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wrapped:
    """What a feedback report carries: the mail itself, and who delivered it to the reporter."""

    message: bytes
    source_ip: Address | None


def unwrap(skeleton: Skeleton) -> Wrapped | None:
    """Return the mail inside a feedback report, None if this is none or carries no mail. One level only.

    A report about failed authentication is never opened: it is written for the owner of a forged domain.
    """
    if "message/feedback-report" not in skeleton.types:
        return None
    source = None
    for part in skeleton.parts:
        if part.content_type == "message/feedback-report":
            fields = part.decoded(limits.STATUS_BYTES).decode("utf-8", "replace")
            if _NOT_FOR_US.search(fields):
                return None
            match = _SOURCE.search(fields)
            if match:
                try:
                    source = parse_address(match[1])
                except AddressError:
                    source = None
        if part.content_type in MAIL_TYPES:
            return Wrapped(message=part.decoded(limits.MESSAGE_BYTES), source_ip=source)
    return None
