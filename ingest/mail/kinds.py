"""Which kind of notification a mail is: an ordered table of recognisers, the first that fits wins.

The order is that of evidence.md 1.2 with two changes. Postmaster copies come before free-text bounces,
whose signs they share. The loose rule for bounces (several weak signals) comes last, since an honest
auto-reply shows two of them as well. After it only mails are left that show no mark at all.
"""

import dataclasses
from collections.abc import Callable
from typing import Final

from feed.domain.event import Kind
from ingest.mail import answers, bounces, certified, filters, other_reports, unmarked
from ingest.mail.dsn import DeliveryStatus
from ingest.mail.notice import Notice
from ingest.mail.people import by_mail_program, distributed

Recogniser = Callable[[Notice], str | None]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The kind, the words of the marks that decided it, and the status fields if there were any."""

    kind: Kind
    marks: tuple[str, ...] = ()
    status: DeliveryStatus | None = None


_BEFORE_STATUS: Final[tuple[tuple[Kind, Recogniser], ...]] = (
    (Kind.NONE, other_reports.feedback_report),
    (Kind.NONE, other_reports.tls_report),
    (Kind.NONE, other_reports.dmarc_report),
    (Kind.CR, answers.challenge),
    (Kind.MDN, answers.read_receipt),
    (Kind.VIRUS, filters.content_notice),
)
_AFTER_STATUS: Final[tuple[tuple[Kind, Recogniser], ...]] = (
    (Kind.PM, answers.postmaster_copy),
    (Kind.NDR, bounces.software_bounce),
    (Kind.AUTO, answers.auto_reply_header),
    (Kind.AUTO, answers.auto_reply_subject),
    (Kind.LIST, answers.list_reply),
)


def recognise(notice: Notice) -> Finding:
    """Return the kind of `notice`; Kind.NONE with a mark if it is another sort of report."""
    for kind, test in _BEFORE_STATUS:
        mark = test(notice)
        if mark:
            return Finding(kind=kind, marks=(mark,), status=notice.status or notice.disposition)
    receipt = certified.receipt(notice)
    if receipt:
        return Finding(kind=receipt, marks=("certified_mail",), status=notice.status)
    found = bounces.delivery_status(notice)
    if found:
        return Finding(kind=found[0], marks=(found[1],), status=found[2])
    for kind, test in _AFTER_STATUS:
        mark = test(notice)
        if mark:
            told = bounces.failed_or_delayed(notice) if kind is Kind.NDR else kind
            return Finding(kind=told, marks=(mark,), status=notice.status_in_text)
    signals = bounces.by_signals(notice)
    if signals:
        return Finding(kind=bounces.failed_or_delayed(notice), marks=signals, status=notice.status_in_text)
    mark = answers.auto_reply_text(notice)
    return Finding(kind=Kind.AUTO, marks=(mark,)) if mark else _by_words_alone(notice)


def _by_words_alone(notice: Notice) -> Finding:
    """Return the kind of a mail that no mark told: what it says in parts, else Kind.NONE."""
    if distributed(notice) or by_mail_program(notice):
        return Finding(kind=Kind.NONE)
    if unmarked.challenge(notice):
        return Finding(kind=Kind.CR, marks=("challenge_text",))
    if unmarked.filter_notice(notice):
        return Finding(kind=Kind.VIRUS, marks=("content_filter_text",))
    kind = unmarked.bounce(notice)
    if kind is not None:
        return Finding(kind=kind, marks=("bounce_text",), status=notice.status_in_text)
    mark = unmarked.auto_reply(notice)
    return Finding(kind=Kind.AUTO, marks=(mark,)) if mark else Finding(kind=Kind.NONE)
