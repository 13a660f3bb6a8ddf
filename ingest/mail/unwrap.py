"""A person's forward with the notification attached: one level is opened where the outside is plainly that.

Forwarded as an attachment, a notification is the classic false positive: judged from outside, the person
who passed it on would be blamed. The border chain that counts is the one of the attached mail, as the
reporter's server stored it (evidence.md 4.1). That chain is only as good as the person who attached it, so
nothing is opened unless the submitter says that one of his people forwarded it: a stranger may send such a
mail with any chain in it to an address whose mail a program submits.
"""

import dataclasses
import datetime as dt
import re
from typing import Final

from feed.domain.event import Kind
from ingest.mail import limits
from ingest.mail.judge import judge
from ingest.mail.judgement import Claim, Judgement, Refusal, Registration
from ingest.mail.skeleton import Skeleton, read_skeleton, subject_of

_TEXTS: Final = frozenset({"text/plain", "text/html"})
_CARRIED: Final = frozenset({"message/rfc822", "message/global"})
_MACHINE: Final = frozenset(
    {
        *("auto-submitted", "x-failed-recipients", "x-autoreply", "list-id", "list-unsubscribe", "list-post"),
        *("precedence", "mailing-list", "x-beenthere", "feedback-id", "x-auto-response-suppress"),
    }
)
_DAEMON: Final = re.compile(r"mailer-daemon|postmaster|\bdaemon@|no-?reply", re.IGNORECASE)
_FORWARD: Final = re.compile(r"(?:fwd?|wg|tr|rv|i|enc|doorst|vb|vs|vl|pd|trs)\s*:|\[fwd:", re.IGNORECASE)
"""How mail programs begin the subject of a forward, in the languages of the large ones."""


def judge_submitted(
    message: bytes,
    *,
    registration: Registration,
    claim: Claim,
    now: dt.datetime,
    unwrap_forward: bool = False,
) -> Judgement:
    """Judge a mail as somebody submitted it: itself, or the notification that it plainly forwards.

    A forward is opened if `unwrap_forward` or `claim.forwarded` says that it is one of the submitter's
    people's. Never raises. The word `forwarded` among the reasons says that the attached mail was judged.
    """
    outer = judge(message, registration=registration, claim=claim, now=now)
    if not (unwrap_forward or claim.forwarded):
        return outer
    doubtful = outer.refusal is Refusal.NOT_A_NOTIFICATION
    inner = forwarded(message, doubtful=doubtful) if outer.refusal is not Refusal.TOO_COMPLEX else None
    if inner is None:
        return outer
    inside = dataclasses.replace(claim, client_ip=None, helo=None, null_sender=None, observed_at=None)
    found = judge(inner, registration=registration, claim=inside, now=now)
    if found.kind is Kind.NONE:
        return outer
    return dataclasses.replace(found, reasons=(*found.reasons, "forwarded"))


def forwarded(message: bytes, *, doubtful: bool) -> bytes | None:
    """Return the one mail attached to a person's forward, None if this is none.

    The outside is multipart/mixed of texts and exactly one mail, with nothing on it that a machine writes.
    doubtful: the outside is no notification itself; else its subject must say that it forwards.
    """
    try:
        checked = limits.prescan(message)
        skeleton = read_skeleton(checked.message)
    except limits.TooComplexError:
        return None
    if skeleton.content_type != "multipart/mixed" or not _by_a_person(skeleton):
        return None
    if not doubtful and not _FORWARD.match(subject_of(skeleton.headers)):
        return None
    carried = [part for part in skeleton.parts if part.content_type in _CARRIED]
    others = [part for part in skeleton.parts if part.content_type not in _CARRIED]
    if len(carried) != 1 or any(part.content_type not in _TEXTS for part in others):
        return None
    return carried[0].decoded(limits.MESSAGE_BYTES)


def _by_a_person(skeleton: Skeleton) -> bool:
    headers = skeleton.headers
    if any(name in _MACHINE for name in headers.names()):
        return False
    return headers.get("return-path").strip() != "<>" and not _DAEMON.search(
        headers.get("from")[: limits.SUBJECT_CHARACTERS]
    )
