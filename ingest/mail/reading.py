"""What the bytes of a mail say, before anybody is believed."""

import dataclasses
from typing import Final

from feed.domain.event import Kind
from ingest.mail import limits
from ingest.mail.arf import Wrapped, unwrap
from ingest.mail.border import BorderHop, border_hop
from ingest.mail.judgement import Registration
from ingest.mail.kinds import Finding, recognise
from ingest.mail.notice import Notice
from ingest.mail.returned import NOTHING_RETURNED, Returned, original_of, read_returned
from ingest.mail.skeleton import read_skeleton

_CRITICAL: Final = ("return-path", "from", "content-type", "message-id")
"""Fields that may stand once; programs disagree which of two counts (RFC 7103 section 7.5)."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A mail read: its kind, what it returned, the hop of the border host, and a feedback report around it.

    defects: stable words for what is broken in it.
    """

    notice: Notice
    finding: Finding
    returned: Returned
    border: BorderHop | None
    wrapped: Wrapped | None
    defects: tuple[str, ...]

    @property
    def original(self) -> str | None:
        """The Message-ID of the mail that is answered, if anything tells."""
        return original_of(self.notice.skeleton, self.returned, self.finding.status)


def read_mail(message: bytes, *, registration: Registration, null_sender: bool | None) -> Reading:
    """Read a mail; a feedback report that wraps a notification is opened once.

    Raises `limits.TooComplexError`.
    """
    notice, finding = _recognise(message, null_sender)
    wrapped = unwrap(notice.skeleton) if finding.kind is Kind.NONE else None
    if wrapped is not None:
        inner, inner_finding = _recognise(wrapped.message, null_sender)
        if inner_finding.kind is Kind.NONE:
            wrapped = None
        else:
            notice = inner
            finding = dataclasses.replace(inner_finding, marks=(*inner_finding.marks, "unwrapped"))
    return Reading(
        notice=notice,
        finding=finding,
        returned=read_returned(notice.skeleton) if finding.kind is not Kind.NONE else NOTHING_RETURNED,
        border=border_hop(
            notice.headers.all("received"),
            border=registration.border_hosts,
            internal=registration.internal_hosts,
            own=registration.own_networks,
        ),
        wrapped=wrapped,
        defects=_defects(notice),
    )


def _recognise(message: bytes, null_sender: bool | None) -> tuple[Notice, Finding]:
    checked = limits.prescan(message)
    skeleton = read_skeleton(checked.message, defects=checked.defects)
    notice = Notice(skeleton=skeleton, null_sender=null_sender)
    return notice, recognise(notice)


def _defects(notice: Notice) -> tuple[str, ...]:
    doubled = [
        f"duplicate_{name.replace('-', '_')}" for name in _CRITICAL if len(notice.headers.positions(name)) > 1
    ]
    return tuple(dict.fromkeys((*notice.skeleton.defects, *doubled)))
