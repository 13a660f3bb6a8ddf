"""Recognisers of the kinds that answer a mail: challenge, read receipt, content notice, auto-reply, list.

Each returns the stable word of the mark it saw, or None. Marks: evidence.md 1.1 and 1.2.
"""

import re
from typing import Final

from ingest.mail import phrases, unmarked, wording
from ingest.mail.dsn import DISPOSITION_TYPES, STATUS_TYPES
from ingest.mail.notice import Notice
from ingest.mail.people import by_mail_program, distributed, of_a_person, personal
from ingest.mail.signs import (
    automatic,
    bounce_subject,
    bulk,
    failure_text,
    from_daemon,
    opens_as_bounce,
    replying,
    trouble_text,
    without_brackets,
)

_CHALLENGE_HEADERS: Final = frozenset(
    {
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
    }
)
_CHALLENGE_MAILER: Final = re.compile(r"(?:qconfirm|choicemail|spamarrest)\b", re.IGNORECASE)
_CHALLENGE_SENDER: Final = re.compile(
    r"@(?:[\w.-]{1,60}\.)?(?:boxbe|spamarrest|mailblocks|knowspam|bluebottle|vanquish|0spam|sendio|qurb)\."
    r"(?:com|net|ch)\b|[-+_](?:confirm|challenge|verify)[-+_][\w.=+-]{6,100}@"
    r"|\b(?:challenge|antispam-?verif\w{0,8})[-+_.=]?[0-9a-f]{8,64}@|challenge@"
)
_CHALLENGE_ID: Final = re.compile(
    r"tmda[-.]?confirm|-confirm-[\w.]{4,60}tmda|boxbe|spamarrest", re.IGNORECASE
)


def challenge(notice: Notice) -> str | None:
    """Recognise a challenge: confirm that you are a person, then your mail is delivered."""
    if notice.headers.any_of(_CHALLENGE_HEADERS) or _CHALLENGE_MAILER.match(notice.headers.get("x-mailer")):
        return "challenge_header"
    if _CHALLENGE_ID.search(notice.headers.get("message-id")[:300]):
        return "challenge_message_id"
    if distributed(notice) or phrases.LIST_SUBJECT.search(notice.subject):
        return None
    for address in (notice.sender, notice.return_path or ""):
        if _CHALLENGE_SENDER.search(address):
            return "challenge_sender"
    return _challenge_words(notice)


def _challenge_words(notice: Notice) -> str | None:
    subject = phrases.CHALLENGE_SUBJECT.search(notice.subject) is not None
    if STATUS_TYPES & notice.skeleton.types or from_daemon(notice):
        told = subject and phrases.CHALLENGE_TEXT.search(notice.opening) is not None
        return "challenge_text" if told else None
    if (notice.answered or by_mail_program(notice)) and not automatic(notice):
        return None
    if subject and unmarked.asks_to_confirm(notice):
        return "challenge_text"
    sure = subject or replying(notice) or notice.from_null
    weak = not sure and (automatic(notice) or bulk(notice))
    if (sure or weak) and phrases.CHALLENGE_TEXT.search(notice.opening):
        wanted = (phrases.OWN_MESSAGE, phrases.HELD_TEXT, phrases.VERIFY_TEXT)
        own = all(words.search(notice.opening) for words in wanted)
        return "challenge_text" if sure or own else None
    answers = replying(notice) and (automatic(notice) or bulk(notice)) and not notice.answered
    return "challenge_subject" if subject and answers else None


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
    if STATUS_TYPES & notice.skeleton.types or from_daemon(notice):
        return False
    if phrases.RECEIPT_SUBJECT.match(notice.subject) is None:
        return False
    if phrases.RECEIPT_FRAME.match(notice.opening):
        return True
    return automatic(notice) and phrases.RECEIPT_TEXT.search(notice.opening) is not None


_AUTO_HEADERS: Final = frozenset(
    {
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
    }
)
_AUTO_VALUES: Final = (
    # header, pattern at its beginning or anywhere, lower case
    ("precedence", r"auto[-_ ]?(?:repl|respon)"),
    ("x-precedence", r"auto[-_ ]?(?:repl|respon)"),
    ("preference", r"auto[-_ ]?(?:repl|respon)"),
    ("x-apple-action", r"^(?:vacation|ooo)"),
    ("x-mailer", r"\b(?:vacation|autorespond|auto-?reply)"),
    ("x-autogenerated", r"^reply"),
    ("x-post-messageclass", r"autoresponder"),
    ("delivered-to", r"^autoresponder"),
    ("x-sieve-action", r"vacation"),
    ("auto-submitted", r"vacation"),
    ("delivered-by-the-graces-of", r"vacation"),
)
_AUTO_COMPILED: Final = tuple((name, re.compile(pattern)) for name, pattern in _AUTO_VALUES)
_NO: Final = ("no", "false", "0")


def auto_reply_header(notice: Notice) -> str | None:
    """Recognise an auto-reply by what its header says (RFC 3834 section 5, and vendors' own fields)."""
    headers = notice.headers
    if from_daemon(notice) and (bounce_subject(notice) or trouble_text(notice)):
        return None
    if headers.any_of(_AUTO_HEADERS) and any(
        name in headers and headers.get(name)[:10].strip().lower() not in _NO for name in _AUTO_HEADERS
    ):
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


def _ends_as_auto(subject: str) -> bool:
    """Whether a subject ends with words of absence: in brackets, or as a whole sentence about somebody."""
    found = _ENDS_AS_AUTO.search(subject)
    return found is not None and (subject[-1] in ")]" or ":" not in subject)


def auto_reply_subject(notice: Notice) -> str | None:
    """Recognise by subject: alone if the words are a program's own, else beside a second sign."""
    if (from_daemon(notice) and (bounce_subject(notice) or trouble_text(notice))) or distributed(notice):
        return None
    subjects = {without_brackets(notice.subject), notice.subject.lstrip("[(*【 ")}
    if any(phrases.SURE_AUTO_SUBJECT.match(subject) for subject in subjects) and _by_machine(notice):
        return "auto_reply_subject"
    absent = any(phrases.AUTO_SUBJECT.match(subject) for subject in subjects)
    absent = absent or _ends_as_auto(notice.subject)
    received = phrases.RECEIVED_SUBJECT.match(notice.subject) is not None
    numbered = phrases.TICKET_SUBJECT.match(notice.subject) is not None
    if not absent and not received and not numbered:
        return None
    answers = "in-reply-to" in notice.headers or "references" in notice.headers
    suppresses = answers and "x-auto-response-suppress" in notice.headers and not numbered
    told = absent and phrases.ABSENCE_TEXT.search(notice.opening) is not None
    if suppresses or (automatic(notice) and _answers_so(notice, absent=absent, told=told)):
        return "auto_reply_subject"
    fixed = told and phrases.RESPONDER_TEXT.search(notice.opening) is not None
    return "auto_reply_text" if told and (answers or fixed) and not notice.answered else None


_NAMED_PREFIX: Final = re.compile(r"[^:\uff1a]{2,60}[:\uff1a] ?\S")
"""What a program puts before the subject that it answers; alone, the words may be what one asks about."""


def _by_machine(notice: Notice) -> bool:
    """Whether nothing shows a person who writes about auto-replies."""
    if automatic(notice):
        return True
    told = phrases.ABSENCE_TEXT.search(notice.opening) is not None
    if _NAMED_PREFIX.match(notice.subject) is None:
        return told and not by_mail_program(notice) and not personal(notice)
    return told or not (by_mail_program(notice) or "http" in notice.text)


def _answers_one(notice: Notice) -> bool:
    """Whether a generated mail shows that it answers: a null sender alone is also on reminders."""
    return "in-reply-to" in notice.headers or (
        notice.from_null and "x-auto-response-suppress" in notice.headers
    )


def _answers_so(notice: Notice, *, absent: bool, told: bool) -> bool:
    """Whether an automatic mail with such a subject answers; approvals and reminders are automatic too."""
    if not absent:
        suppresses = "x-auto-response-suppress" in notice.headers
        return replying(notice) or (
            suppresses and phrases.ACKNOWLEDGED_TEXT.search(notice.opening) is not None
        )
    if notice.auto_submitted != "auto-generated" or _answers_one(notice):
        return True
    return told and phrases.FIRST_PERSON.search(notice.opening) is not None


def auto_reply_text(notice: Notice) -> str | None:
    """Recognise by text: a null sender or an automatic mark beside words of absence, and no bounce."""
    if from_daemon(notice) or bounce_subject(notice) or (of_a_person(notice) and not notice.from_null):
        return None
    if not phrases.ABSENCE_TEXT.search(notice.opening) or failure_text(notice):
        return None
    if notice.auto_submitted == "auto-generated" and not _answers_one(notice):
        told = phrases.FIRST_PERSON.search(notice.opening) is not None
        return "auto_reply_text" if notice.from_null and told else None
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
    sender = phrases.LIST_SENDER.search(notice.sender) or phrases.LIST_SENDER.search(notice.return_path or "")
    if "list-post" in notice.headers or (notice.answered and not notice.from_null):
        return None
    if sender and _list_refuses(notice) and not personal(notice):
        return "list_reply_text"
    told = automatic(notice) and (notice.from_null or phrases.OF_A_LIST.search(notice.opening) is not None)
    return "list_reply_subject" if subject and (sender or told) else None


def _list_refuses(notice: Notice) -> bool:
    """Whether a list manager's text refuses or holds a post, or does not understand a command."""
    told = notice.opening[:1000]
    if phrases.LIST_TEXT.search(told):
        return True
    return wording.LIST_REFUSES.within(told) and wording.NOT_ALLOWED.within(told)


def postmaster_copy(notice: Notice) -> str | None:
    """Recognise the copies that a server sends to its own postmaster."""
    if phrases.PM_SUBJECT.search(notice.subject) and (from_daemon(notice) or notice.from_null):
        return "postmaster_subject"
    if "double-bounce@" in notice.sender or (notice.return_path or "").startswith("double-bounce@"):
        return "double_bounce_sender"
    return None
