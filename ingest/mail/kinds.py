"""Which kind of notification a mail is: an ordered table of recognisers, the first that fits wins.

The order is that of evidence.md 1.2, with one change: the loose rule for non-standard bounces (two of
several signals) comes last, since an honest auto-reply shows two of them as well. Each recogniser returns
the stable word of the mark it saw, or None.
"""

import dataclasses
import re
from collections.abc import Callable
from typing import Final

from feed.domain.event import Kind
from ingest.mail import phrases
from ingest.mail.dsn import DISPOSITION_TYPES, STATUS_TYPES, DeliveryStatus
from ingest.mail.notice import Notice
from ingest.mail.returned import HEADER_TYPES, MAIL_TYPES

Recogniser = Callable[[Notice], str | None]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The kind and the words of the marks that decided it."""

    kind: Kind
    marks: tuple[str, ...] = ()
    status: DeliveryStatus | None = None


def recognise(notice: Notice) -> Finding:
    """Return the kind of `notice`; Kind.NONE with a mark if it is another sort of report."""
    for test in _OTHER_REPORTS:
        mark = test(notice)
        if mark:
            return Finding(kind=Kind.NONE, marks=(mark,))
    for kind, test in _BEFORE_STATUS:
        mark = test(notice)
        if mark:
            return Finding(kind=kind, marks=(mark,), status=notice.status or notice.disposition)
    found = _delivery_status(notice)
    if found:
        return found
    for kind, test in _AFTER_STATUS:
        mark = test(notice)
        if mark:
            if kind is Kind.NDR:
                kind = _failed_or_delayed(notice)  # noqa: PLW2901
            return Finding(kind=kind, marks=(mark,), status=notice.status_in_text)
    return _by_signals(notice)


# --- kind 0: other sorts of reports ------------------------------------------------------------------


def _feedback_report(notice: Notice) -> str | None:
    if notice.report_type == "feedback-report" or "message/feedback-report" in notice.skeleton.types:
        return "feedback_report"
    holds_mail = bool(notice.skeleton.types & (MAIL_TYPES | HEADER_TYPES))
    if holds_mail and not notice.status and phrases.COMPLAINT_SUBJECT.search(notice.subject):
        return "complaint"
    if "x-hmxmroriginalrecipient" in notice.headers or "x-loop-complaint" in notice.headers:
        return "complaint"
    return None


def _tls_report(notice: Notice) -> str | None:
    if notice.report_type in ("tlsrpt", "smtp-tls-report") or any(
        "tlsrpt" in name for name in notice.skeleton.types
    ):
        return "tls_report"
    if "tls-report-domain" in notice.headers:
        return "tls_report"
    return None


def _dmarc_report(notice: Notice) -> str | None:
    if STATUS_TYPES & notice.skeleton.types or DISPOSITION_TYPES & notice.skeleton.types:
        return None
    if notice.report_type == "dmarc-report" or any("dmarc" in name for name in notice.skeleton.types):
        return "dmarc_report"
    packed = any(
        name.endswith(("/zip", "/gzip", "-gzip", "/x-zip", "-compressed", "/xml"))
        for name in notice.skeleton.types
    )
    named = any(
        phrases.DMARC_FILE.search(
            part.parameters.get("name", "") + part.headers.get("content-disposition")[:500]
        )
        for part in notice.skeleton.parts
    )
    if named or (packed and phrases.DMARC_SUBJECT.search(notice.subject)):
        return "dmarc_report"
    if phrases.TLSRPT_SUBJECT.search(notice.subject) or re.search(
        r"\bdmarc\b.{0,40}\breport\b", notice.subject
    ):
        return "dmarc_report"
    return None


_OTHER_REPORTS: Final[tuple[Recogniser, ...]] = (_feedback_report, _tls_report, _dmarc_report)


# --- kinds 1 to 3: before the delivery status, because they may come in its form ---------------------------

_CHALLENGE_HEADERS: Final = (
    "x-boxtrapper",
    "x-spamarrest-noauth",
    "x-spamarrest-speedcode",
    "x-askversion",
    "x-bluebottle-request",
    "x-boxbe-challenge",
    "x-tmda-confirm",
    "x-tmda-fingerprint",
    "x-challenge-response",
    "x-uol-antispam",
    "x-choicemail-registration-request",
    "x-mailblocks-challenge",
    "x-qconfirm",
    "x-sfilter-challenge",
)
_CHALLENGE_SENDER: Final = re.compile(
    r"@(?:[\w.-]{1,60}\.)?(?:boxbe|spamarrest|mailblocks|knowspam|bluebottle|vanquish|0spam|cleanmail|sendio|qurb)\.(?:com|net|ch)\b"
    r"|[-+_](?:confirm|challenge|verify)[-+_][\w.=+-]{6,100}@|\b(?:confirm|challenge|verif(?:y|ication|ier)|antispam-?verif\w{0,8})[-+_.=]?[0-9a-f]{8,64}@"
)
_CHALLENGE_ID: Final = re.compile(
    r"tmda[-.]?confirm|-confirm-[\w.]{4,60}tmda|boxbe|spamarrest", re.IGNORECASE
)


def _challenge(notice: Notice) -> str | None:
    if any(name in notice.headers for name in _CHALLENGE_HEADERS):
        return "challenge_header"
    if _CHALLENGE_ID.search(notice.headers.get("message-id")[:300]) or _CHALLENGE_SENDER.search(
        notice.sender
    ):
        return "challenge_sender"
    if notice.answered and not _automatic(notice):
        return None
    subject = phrases.CHALLENGE_SUBJECT.search(notice.subject) is not None
    text = phrases.CHALLENGE_TEXT.search(notice.opening) is not None
    if (subject or text) and STATUS_TYPES & notice.skeleton.types:
        return "challenge_text" if subject and text else None
    if text and (subject or _automatic(notice)) and not _daemon(notice):
        return "challenge_text"
    if subject and _automatic(notice) and not _daemon(notice) and "list-id" not in notice.headers:
        return "challenge_subject"
    return None


def _automatic(notice: Notice) -> bool:
    """Whether the mail says in some way that a machine sent it in answer: weak, never enough alone."""
    precedence = (notice.headers.get("precedence") + notice.headers.get("x-precedence"))[:40].lower()
    return bool(
        notice.from_null
        or notice.auto_submitted
        or any(word in precedence for word in ("junk", "bulk", "auto"))
    )


def _read_receipt(notice: Notice) -> str | None:
    if DISPOSITION_TYPES & notice.skeleton.types:
        return "disposition_part"
    if notice.report_type == "disposition-notification" and not STATUS_TYPES & notice.skeleton.types:
        return "disposition_report"
    if notice.skeleton.content_type == "multipart/report" and "\ndisposition:" in notice.text[-3000:]:
        return "disposition_fields"
    return None


def _content_notice(notice: Notice) -> str | None:
    if "x-mailscanner" in notice.headers and "generated" in notice.headers.get("x-mailscanner")[:80].lower():
        return "content_filter_header"
    if re.match(
        r"bitdefender|mailmarshal|scanmail|interscan|antigen", notice.headers.get("x-mailer")[:80].lower()
    ):
        return "content_filter_header" if not STATUS_TYPES & notice.skeleton.types else None
    sender = phrases.VIRUS_SENDER.search(notice.sender) is not None
    subject = phrases.VIRUS_SUBJECT.search(notice.subject) is not None and not notice.answered
    text = phrases.VIRUS_TEXT.search(notice.opening) is not None
    if sender and (subject or text) and not _person(notice):
        return "content_filter_sender"
    if subject and (text or _daemon(notice)) and (_automatic(notice) or _daemon(notice)):
        return "content_filter_subject"
    status = notice.status
    if status is not None and status.status and re.match(r"[25]\.[67]\.", status.status):
        wording = phrases.VIRUS_DIAGNOSTIC.search(status.diagnostics)
        if wording and (text or subject or "amavis" in notice.sender or " - " in wording[0]):
            return "content_filter_status"
    return None


def _person(notice: Notice) -> bool:
    """Whether the mail looks like one of a person: answered or forwarded, or distributed by a list."""
    return notice.answered or "list-post" in notice.headers or "list-unsubscribe" in notice.headers


_BEFORE_STATUS: Final[tuple[tuple[Kind, Recogniser], ...]] = (
    (Kind.CR, _challenge),
    (Kind.MDN, _read_receipt),
    (Kind.VIRUS, _content_notice),
)


# --- kinds 4 to 6: delivery status ----------------------------------------------------------------------------


def _delivery_status(notice: Notice) -> Finding | None:
    """Read kinds 4 to 6 out of a status part, or out of status fields where the parts were lost."""
    status, mark = notice.status, "delivery_status_part"
    if status is None or not (status.actions or status.statuses or status.recipients):
        in_text = notice.status_in_text
        if in_text is not None and (
            notice.report_type == "delivery-status" or _daemon(notice) or notice.from_null
        ):
            status, mark = in_text, "delivery_status_text"
    if status is None:
        return None
    kind = status.kind
    if kind is None:
        kind = Kind.DSN_DELAY if _says_delay(notice) else Kind.DSN_FAIL
    return Finding(kind=kind, marks=(mark,), status=status)


def _says_delay(notice: Notice) -> bool:
    """Whether subject or text say that delivery is still being tried, and not that it ended."""
    if phrases.DELAY_SUBJECT.search(notice.subject):
        return True
    return bool(
        phrases.DELAY_TEXT.search(notice.opening) and not phrases.GIVEN_UP_TEXT.search(notice.opening)
    )


def _failed_or_delayed(notice: Notice) -> Kind:
    """Return DSN_DELAY for a free-text delay notice, which counts as one; else NDR."""
    return Kind.DSN_DELAY if _says_delay(notice) else Kind.NDR


# --- kind 7: bounces without a status part, by the marks of one software --------------------------------

_VENDOR_TEXT: Final = re.compile(
    r"this is the qmail|i wasn't able to deliver your message to the following address"
    r"|this is the (?:postfix program|mail system) at host|created automatically by (?:the )?(?:mail delivery|smtp) (?:software|server|system)"
    r"|the original message was received at .{0,200}(?:transcript of session follows|following addresses had)"
    r"|transcript of session follows|did not reach the following recipient|diagnostic information for administrators"
    r"|failure reasons -|this is an automated message .{0,40}(?:mail|smtp) (?:server|system).{0,200}(?:deliver|recipient)"
    r"|i'm sorry to have to inform you that (?:your|the) message|this is the dma at|this is the mailsystem at"
    r"|mailer daemon.{0,80}(?:error|inform)|delivery to the following recipients? (?:has )?(?:failed|was aborted)"
    r"|following addresses? (?:had|have) (?:permanent|delivery|transient)|this is a permanent error"
    r"|message from .{0,100}(?:could not be delivered|was not delivered)|your message (?:was|could) not (?:be )?deliver"
    r"|below this line is a copy of the message|(?:the following|this) (?:recipient|address)(?:s|es|\(s\))? (?:could not be reached|cannot be reached|failed)"
)


def _vendor_bounce(notice: Notice) -> str | None:
    headers = notice.headers
    if notice.answered and not _daemon(notice):
        return None
    if (
        "x-ms-exchange-message-is-ndr" in headers
        or "x-ms-embedded-report" in headers
        or "x-mddsn-message" in headers
    ):
        return "bounce_header"
    if "x-failed-recipients" in headers and (_daemon(notice) or notice.auto_submitted or notice.from_null):
        return "failed_recipients"
    if any("invoked for bounce)" in value[:200] for value in headers.all("received")):
        return "qmail_bounce"
    if (
        headers.get("message-id")[:12].lower().startswith("<courier.")
        and notice.report_type == "delivery-status"
    ):
        return "courier_bounce"
    if headers.get("x-mailer")[:12].startswith("<SMTP32 v") and "undeliver" in notice.subject:
        return "imail_bounce"
    if _VENDOR_TEXT.search(notice.opening) and (
        _daemon(notice) or _bounce_subject(notice) or notice.from_null
    ):
        return "bounce_text"
    if notice.report_type == "delivery-status":
        return "delivery_status_report"
    return None


def _daemon(notice: Notice) -> bool:
    sender = notice.sender
    if not sender and "from" in notice.headers:
        return True
    return sender.endswith("<>") or phrases.DAEMON_SENDER.search(sender) is not None


def _bounce_subject(notice: Notice) -> bool:
    return not notice.answered and (
        phrases.BOUNCE_SUBJECT.search(notice.subject) is not None
        or phrases.DELAY_SUBJECT.search(notice.subject) is not None
    )


# --- kind 8: auto-replies --------------------------------------------------------------------------------------

_AUTO_HEADERS: Final = (
    "x-autoreply",
    "x-autoreply-from",
    "x-auto-reply-from",
    "x-autorespond",
    "x-autoresponder",
    "x-auto-response",
    "x-autoresponse",
    "x-mail-autoreply",
    "x-autoreply-domain",
    "x-vacation",
    "x-away",
    "auto-reply",
    "x-amazon-auto-reply",
    "x-roving-autoreply",
    "x-is-autoreply",
)
_BRACKET: Final = re.compile(r"^(?:\[[^\]]{1,40}\] ?|\*+ ?|<[^>]{1,40}> ?|(?:external|spam|extern) ?:? ?)")


def _auto_header(notice: Notice) -> str | None:
    headers = notice.headers
    if _daemon(notice) and _bounce_subject(notice):
        return None
    for name in _AUTO_HEADERS:
        if name in headers and headers.get(name)[:10].lower() not in ("no", "false", "0"):
            return "auto_reply_header"
    precedence = f"{headers.get('precedence')[:40]} {headers.get('x-precedence')[:40]} {headers.get('preference')[:40]}".lower()
    if re.search(r"auto[-_ ]?repl|auto[-_ ]?respon", precedence):
        return "auto_reply_precedence"
    if headers.get("x-apple-action")[:20].lower().startswith("vacation"):
        return "auto_reply_header"
    if re.search(r"\b(?:vacation|autorespond|auto-?reply)", headers.get("x-mailer")[:80].lower()):
        return "auto_reply_mailer"
    if (
        "reply" in headers.get("x-autogenerated")[:20].lower()
        or "autoresponder" in headers.get("x-post-messageclass")[:40].lower()
    ):
        return "auto_reply_header"
    if "mailbox rules agent" in headers.get("x-ms-exchange-generated-message-source")[
        :80
    ].lower() and not _failure(notice):
        return "auto_reply_header"
    if (
        notice.auto_submitted == "auto-replied"
        and not notice.status
        and not (
            _bounce_subject(notice) or "x-failed-recipients" in headers or "x-list-administrivia" in headers
        )
    ):
        return "auto_submitted"
    if headers.get("delivered-to")[:40].lower().startswith("autoresponder"):
        return "auto_reply_header"
    calendar = next((part for part in notice.skeleton.parts if part.content_type == "text/calendar"), None)
    if calendar is not None and (
        calendar.parameters.get("method", "").lower() == "reply"
        or "\nmethod:reply" in calendar.text.lower()[:2000]
    ):
        return "calendar_reply"
    return None


def _failure(notice: Notice) -> bool:
    return phrases.FAILURE_TEXT.search(notice.opening) is not None


def _auto_subject(notice: Notice) -> str | None:
    """Recognise by subject: alone if the words are a program's own, else beside a second sign."""
    if (_daemon(notice) and (_bounce_subject(notice) or _failure(notice))) or "list-post" in notice.headers:
        return None
    subject = _BRACKET.sub("", notice.subject)
    if phrases.SURE_AUTO_SUBJECT.match(subject):
        return "auto_reply_subject"
    if not phrases.AUTO_SUBJECT.match(subject) and not re.search(r"\(?out of (?:the )?office\)?$", subject):
        return None
    headers = notice.headers
    answers = "in-reply-to" in headers and "list-unsubscribe" not in headers
    if _automatic(notice) or ("x-auto-response-suppress" in headers and answers):
        return "auto_reply_subject"
    if answers and not notice.answered and phrases.ABSENCE_TEXT.search(notice.opening):
        return "auto_reply_text"
    return None


def _auto_text(notice: Notice) -> str | None:
    """Recognise by text: a null sender or an automatic mark, and words of absence, and no bounce."""
    if _daemon(notice) or _bounce_subject(notice) or _person(notice):
        return None
    if notice.from_null and phrases.ABSENCE_TEXT.search(notice.opening) and not _failure(notice):
        return "auto_reply_text"
    if (
        notice.auto_submitted
        and "in-reply-to" in notice.headers
        and phrases.ABSENCE_TEXT.search(notice.opening)
    ):
        return "auto_reply_text"
    return None


# --- kinds 9 and 10: list managers, postmaster copies -----------------------------------------------------


def _list_reply(notice: Notice) -> str | None:
    headers = notice.headers
    if headers.get("x-list-administrivia")[:10].lower() == "yes":
        return "list_administrivia"
    if notice.answered or "list-post" in headers:
        return None
    subject = phrases.LIST_SUBJECT.search(notice.subject) is not None
    if phrases.BOUNCE_SUBJECT.match(notice.subject) and not subject:
        return None
    if subject and not re.match(r"non[- ]?delivery|undeliver|returned|mail delivery", notice.subject):
        sender = phrases.LIST_SENDER.search(notice.sender) or phrases.LIST_SENDER.search(
            notice.return_path or ""
        )
        if sender or _automatic(notice):
            return "list_reply_subject"
    return None


def _postmaster_copy(notice: Notice) -> str | None:
    if phrases.PM_SUBJECT.search(notice.subject) and (_daemon(notice) or notice.from_null):
        return "postmaster_subject"
    if "double-bounce@" in notice.sender or (notice.return_path or "").startswith("double-bounce@"):
        return "double_bounce_sender"
    return None


_AFTER_STATUS: Final[tuple[tuple[Kind, Recogniser], ...]] = (
    (Kind.PM, _postmaster_copy),
    (Kind.NDR, _vendor_bounce),
    (Kind.AUTO, _auto_header),
    (Kind.AUTO, _auto_subject),
    (Kind.LIST, _list_reply),
)


# --- kind 7 by signals ----------------------------------------------------------------------------------------


def _by_signals(notice: Notice) -> Finding:
    """Apply the two-of rule (evidence.md 1.4), of which one must speak of failure, not only of a machine."""
    machine = {
        "null_sender": notice.from_null,
        "daemon_sender": _daemon(notice),
        "auto_submitted": bool(notice.auto_submitted),
    }
    failure = {
        "bounce_subject": _bounce_subject(notice),
        "failed_recipients": "x-failed-recipients" in notice.headers,
        "failure_text": _failure(notice),
        "returned_mail": _returns_mail(notice),
    }
    if notice.answered and not machine["daemon_sender"]:
        return Finding(kind=Kind.NONE)
    if _person(notice) and not machine["daemon_sender"] and not machine["null_sender"]:
        return Finding(kind=Kind.NONE)
    marks = tuple(name for name, seen in {**machine, **failure}.items() if seen)
    strong = failure["bounce_subject"] or failure["failed_recipients"]
    failing = sum(failure.values())
    if (
        (strong and any(machine.values()))
        or (failing >= 2 and (any(machine.values()) or strong))
        or (
            failing and machine["null_sender"] and machine["daemon_sender"]
        )
        or (failure["failure_text"] and (machine["daemon_sender"] or machine["null_sender"]))
    ):
        return Finding(kind=_failed_or_delayed(notice), marks=marks, status=notice.status_in_text)
    mark = _auto_text(notice)
    if mark:
        return Finding(kind=Kind.AUTO, marks=(mark,))
    if machine["null_sender"] and (failing or re.search(r"mailer-daemon", notice.sender)):
        return Finding(kind=_failed_or_delayed(notice), marks=marks)
    return Finding(kind=Kind.NONE)


def _returns_mail(notice: Notice) -> bool:
    return bool(notice.skeleton.types & (MAIL_TYPES | HEADER_TYPES))
