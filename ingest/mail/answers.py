"""Recognisers of the kinds that answer a mail: challenge, read receipt, content notice, auto-reply, list.

Each returns the stable word of the mark it saw, or None. Marks: evidence.md 1.1 and 1.2.
"""

import re
from typing import Final

from ingest.mail import phrases
from ingest.mail.dsn import DISPOSITION_TYPES, STATUS_TYPES
from ingest.mail.notice import Notice
from ingest.mail.signs import (
    automatic,
    bounce_subject,
    bulk,
    distributed,
    failure_text,
    from_daemon,
    lures,
    of_a_person,
    of_mail,
    opens_as_bounce,
    replying,
    trouble_text,
    virus_text,
    without_brackets,
)

_CHALLENGE_HEADERS: Final = (
    "x-boxtrapper",
    "x-spamarrest-noauth",
    "x-spamarrest-speedcode",
    "x-askversion",
    "x-bluebottle-request",
    "x-boxbe-challenge",
    "x-tmda-confirm",
    "x-challenge-response",
    "x-uol-antispam",
    "x-choicemail-registration-request",
    "x-mailblocks-challenge",
    "x-qconfirm",
    "x-sfilter-challenge",
)
_CHALLENGE_SENDER: Final = re.compile(
    r"@(?:[\w.-]{1,60}\.)?(?:boxbe|spamarrest|mailblocks|knowspam|bluebottle|vanquish|0spam|sendio|qurb)\."
    r"(?:com|net|ch)\b|[-+_](?:confirm|challenge|verify)[-+_][\w.=+-]{6,100}@"
    r"|\b(?:challenge|antispam-?verif\w{0,8})[-+_.=]?[0-9a-f]{8,64}@"
)
_CHALLENGE_ID: Final = re.compile(
    r"tmda[-.]?confirm|-confirm-[\w.]{4,60}tmda|boxbe|spamarrest", re.IGNORECASE
)


def challenge(notice: Notice) -> str | None:
    """Recognise a challenge: confirm that you are a person, then your mail is delivered."""
    if any(name in notice.headers for name in _CHALLENGE_HEADERS):
        return "challenge_header"
    if _CHALLENGE_ID.search(notice.headers.get("message-id")[:300]):
        return "challenge_message_id"
    if distributed(notice) or phrases.LIST_SUBJECT.search(notice.subject):
        return None
    return "challenge_sender" if _CHALLENGE_SENDER.search(notice.sender) else _challenge_words(notice)


def _challenge_words(notice: Notice) -> str | None:
    subject = phrases.CHALLENGE_SUBJECT.search(notice.subject) is not None
    if STATUS_TYPES & notice.skeleton.types or from_daemon(notice):
        told = subject and phrases.CHALLENGE_TEXT.search(notice.opening) is not None
        return "challenge_text" if told else None
    if notice.answered and not automatic(notice):
        return None
    sure = subject or replying(notice) or notice.from_null
    weak = not sure and (automatic(notice) or bulk(notice))
    if (sure or weak) and phrases.CHALLENGE_TEXT.search(notice.opening):
        own = phrases.OWN_MESSAGE.search(notice.opening) and phrases.HELD_TEXT.search(notice.opening)
        return "challenge_text" if sure or own else None
    return "challenge_subject" if subject and replying(notice) and not notice.answered else None


def read_receipt(notice: Notice) -> str | None:
    """Recognise a disposition notification (RFC 8098), also a rejection sent in that form."""
    if DISPOSITION_TYPES & notice.skeleton.types:
        return "disposition_part"
    if notice.report_type == "disposition-notification" and not STATUS_TYPES & notice.skeleton.types:
        return "disposition_report"
    if notice.skeleton.content_type == "multipart/report" and "\ndisposition:" in notice.text[-3000:]:
        return "disposition_fields"
    return "receipt_text" if _receipt_in_words(notice) else None


def _receipt_in_words(notice: Notice) -> bool:
    """Whether it is a receipt of old mail programs: subject and text only, sent by a machine."""
    if STATUS_TYPES & notice.skeleton.types or not automatic(notice) or from_daemon(notice):
        return False
    return (
        phrases.RECEIPT_SUBJECT.match(notice.subject) is not None
        and phrases.RECEIPT_TEXT.search(notice.opening) is not None
    )


_FILTER_MAILER: Final = re.compile(r"bitdefender|mailmarshal|scanmail|interscan|antigen")
_MAIL_FILTER: Final = re.compile(r"antigen|groupshield|scanmail|mailmarshal|interscan|amavis|content-?filter")
_REFUSED_CONTENT: Final = re.compile(r"[25]\.[67]\.")


def content_notice(notice: Notice) -> str | None:
    """Recognise the notice of a content filter: a virus, a banned file, unsolicited bulk mail "from you"."""
    if "generated" in notice.headers.get("x-mailscanner")[:80].lower():
        return "content_filter_header"
    plain = not STATUS_TYPES & notice.skeleton.types
    if plain and _FILTER_MAILER.match(notice.headers.get("x-mailer")[:80].lower()):
        return "content_filter_header"
    sender = phrases.VIRUS_SENDER.search(notice.sender) is not None
    subject = phrases.VIRUS_SUBJECT.search(notice.subject) is not None
    if sender and _by_filter(notice, subject=subject):
        return "content_filter_sender"
    if phrases.VIRUS_VENDOR.search(notice.sender) and _by_vendor(notice, subject=subject):
        return "content_filter_sender"
    if (automatic(notice) or from_daemon(notice)) and _filter_subject(notice, virus=subject, plain=plain):
        return "content_filter_subject"
    return "content_filter_status" if _content_status(notice, told=sender or subject) else None


def _by_filter(notice: Notice, *, subject: bool) -> bool:
    """Whether a sender named like a filter speaks of a mail, and not of one's computer."""
    if of_a_person(notice) or lures(notice) or not (subject or virus_text(notice)):
        return False
    return of_mail(notice) or _MAIL_FILTER.search(notice.sender) is not None


def _by_vendor(notice: Notice, *, subject: bool) -> bool:
    """Whether a sender named like a vendor speaks of a virus in a mail that one sent."""
    if of_a_person(notice) or lures(notice) or not (subject or virus_text(notice)):
        return False
    return phrases.OWN_MESSAGE.search(notice.opening) is not None


def _filter_subject(notice: Notice, *, virus: bool, plain: bool) -> bool:
    """Whether the subject of a machine is a filter's; words that bounces share need the text as well."""
    if virus and not notice.answered and not opens_as_bounce(notice):
        return from_daemon(notice) or virus_text(notice)
    blocked = plain and phrases.BLOCKED_SUBJECT.search(notice.subject) is not None
    return blocked and not of_a_person(notice) and virus_text(notice)


def _content_status(notice: Notice, *, told: bool) -> bool:
    """Whether a delivery status says that content was refused, by the filter that also wrote the notice.

    A relay that passes on somebody else's refusal sends an ordinary bounce.
    """
    status = notice.status
    if status is None or status.status is None or not _REFUSED_CONTENT.match(status.status):
        return False
    wording = phrases.VIRUS_DIAGNOSTIC.search(status.diagnostics)
    return wording is not None and (told or wording[0].startswith("- ") or virus_text(notice))


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
    "x-is-autoreply",
)
_AUTO_VALUES: Final = (
    # header, pattern at its beginning or anywhere, lower case
    ("precedence", r"auto[-_ ]?(?:repl|respon)"),
    ("x-precedence", r"auto[-_ ]?(?:repl|respon)"),
    ("preference", r"auto[-_ ]?(?:repl|respon)"),
    ("x-apple-action", r"^vacation"),
    ("x-mailer", r"\b(?:vacation|autorespond|auto-?reply)"),
    ("x-autogenerated", r"^reply"),
    ("x-post-messageclass", r"autoresponder"),
    ("delivered-to", r"^autoresponder"),
    ("x-sieve-action", r"vacation"),
    ("auto-submitted", r"vacation"),
)
_AUTO_COMPILED: Final = tuple((name, re.compile(pattern)) for name, pattern in _AUTO_VALUES)
_NO: Final = ("no", "false", "0")


def auto_reply_header(notice: Notice) -> str | None:
    """Recognise an auto-reply by what its header says (RFC 3834 section 5, and vendors' own fields)."""
    headers = notice.headers
    if from_daemon(notice) and (bounce_subject(notice) or trouble_text(notice)):
        return None
    if any(name in headers and headers.get(name)[:10].strip().lower() not in _NO for name in _AUTO_HEADERS):
        return "auto_reply_header"
    if any(
        name in headers and pattern.search(headers.get(name)[:80].lower()) for name, pattern in _AUTO_COMPILED
    ):
        return "auto_reply_header"
    other = bounce_subject(notice) or "x-failed-recipients" in headers or "x-list-administrivia" in headers
    if notice.auto_submitted and not other and _by_exchange(notice):
        return "auto_reply_header"
    other = other or list_reply(notice) is not None
    if notice.auto_submitted == "auto-replied" and not notice.status and not other:
        return "auto_submitted"
    return "calendar_reply" if _calendar_reply(notice) else None


def _by_exchange(notice: Notice) -> bool:
    """Whether an Exchange server answered for a mailbox; the loop field alone is also on forwarded mail."""
    source = notice.headers.get("x-ms-exchange-generated-message-source")[:80].lower()
    if "mailbox rules agent" in source or "oof" in source:
        return True
    return "x-ms-exchange-inbox-rules-loop" in notice.headers and replying(notice)


def _calendar_reply(notice: Notice) -> bool:
    """Whether a calendar part answers an invitation (RFC 6047 section 2.4)."""
    calendar = next((part for part in notice.skeleton.parts if part.content_type == "text/calendar"), None)
    if calendar is None:
        return False
    return (
        calendar.parameters.get("method", "").lower() == "reply"
        or "\nmethod:reply" in calendar.text[:2000].lower()
    )


_ENDS_AS_AUTO: Final = re.compile(
    r"(?:[\[(](?:auto(?:mat(?:ic|ed))?[- ]?(?:reply|response|replied)|vacation)[\])]"
    r"|\b(?:out of (?:the )?office|au(?:ß|ss)er haus|fuori (?:sede|ufficio)|fuera de la oficina)"
    r"(?: \([^()]{1,60}\))?[\])]?)\.?$"
)


def auto_reply_subject(notice: Notice) -> str | None:
    """Recognise by subject: alone if the words are a program's own, else beside a second sign."""
    if (from_daemon(notice) and (bounce_subject(notice) or trouble_text(notice))) or distributed(notice):
        return None
    subjects = {without_brackets(notice.subject), notice.subject.lstrip("[(*【 ")}
    if any(phrases.SURE_AUTO_SUBJECT.match(subject) for subject in subjects):
        return "auto_reply_subject"
    absent = any(phrases.AUTO_SUBJECT.match(subject) for subject in subjects)
    absent = absent or _ENDS_AS_AUTO.search(notice.subject) is not None
    received = phrases.RECEIVED_SUBJECT.match(notice.subject) is not None
    numbered = phrases.TICKET_SUBJECT.match(notice.subject) is not None
    if not absent and not received and not numbered:
        return None
    answers = "in-reply-to" in notice.headers or "references" in notice.headers
    suppresses = answers and "x-auto-response-suppress" in notice.headers and not numbered
    told = absent and phrases.ABSENCE_TEXT.search(notice.opening) is not None
    if suppresses or (automatic(notice) and _answers_so(notice, absent=absent, told=told)):
        return "auto_reply_subject"
    return "auto_reply_text" if told and answers else None


def _answers_so(notice: Notice, *, absent: bool, told: bool) -> bool:
    """Whether an automatic mail with such a subject answers; approvals and reminders are automatic too."""
    if not absent:
        return replying(notice)
    if notice.auto_submitted != "auto-generated" or replying(notice):
        return True
    return told and phrases.FIRST_PERSON.search(notice.opening) is not None


def auto_reply_text(notice: Notice) -> str | None:
    """Recognise by text: a null sender or an automatic mark beside words of absence, and no bounce."""
    if from_daemon(notice) or bounce_subject(notice) or (of_a_person(notice) and not notice.from_null):
        return None
    if not phrases.ABSENCE_TEXT.search(notice.opening) or failure_text(notice):
        return None
    if notice.from_null or (notice.auto_submitted and "in-reply-to" in notice.headers):
        return "auto_reply_text"
    return None


def list_reply(notice: Notice) -> str | None:
    """Recognise what list managers write: held or refused posts, answers to commands, confirmations."""
    subject = phrases.LIST_SUBJECT.search(notice.subject) is not None
    if opens_as_bounce(notice) and not subject:
        return None
    if phrases.FAILED_REPORT_SUBJECT.match(notice.subject):
        return None
    administrivia = notice.headers.get("x-list-administrivia")[:10].lower() == "yes"
    if administrivia and (subject or replying(notice)):
        return "list_administrivia"
    if not subject or notice.answered or "list-post" in notice.headers:
        return None
    sender = phrases.LIST_SENDER.search(notice.sender) or phrases.LIST_SENDER.search(notice.return_path or "")
    return "list_reply_subject" if sender or automatic(notice) else None


def postmaster_copy(notice: Notice) -> str | None:
    """Recognise the copies that a server sends to its own postmaster."""
    if phrases.PM_SUBJECT.search(notice.subject) and (from_daemon(notice) or notice.from_null):
        return "postmaster_subject"
    if "double-bounce@" in notice.sender or (notice.return_path or "").startswith("double-bounce@"):
        return "double_bounce_sender"
    return None
