"""Feedback reports (RFC 5965) as an envelope: a reporter may wrap the notification in one."""

import dataclasses
import re
from typing import Final

from feed.domain.address import Address, AddressError, parse_address
from ingest.mail import limits
from ingest.mail.returned import MAIL_TYPES
from ingest.mail.skeleton import Skeleton

_SOURCE: Final = re.compile(r"^source-ip[ \t]*:[ \t]*([0-9A-Fa-f:.\[\]]{2,48})", re.IGNORECASE | re.MULTILINE)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wrapped:
    """What a feedback report carries: the mail itself, and who delivered it to the reporter."""

    message: bytes
    source_ip: Address | None


def unwrap(skeleton: Skeleton) -> Wrapped | None:
    """Return the mail inside a feedback report, None if this is none or carries no mail. One level only."""
    if "message/feedback-report" not in skeleton.types:
        return None
    source = None
    for part in skeleton.parts:
        if part.content_type == "message/feedback-report":
            match = _SOURCE.search(part.decoded(limits.STATUS_BYTES).decode("utf-8", "replace"))
            if match:
                try:
                    source = parse_address(match[1])
                except AddressError:
                    source = None
        if part.content_type in MAIL_TYPES:
            return Wrapped(message=part.decoded(limits.MESSAGE_BYTES), source_ip=source)
    return None
