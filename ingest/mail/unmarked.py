"""Recognisers of notices that show no mark of a machine: known by what their text says in parts.

Small servers, templates in other languages and mailboxes that kept no Return-Path leave nothing but words.
One fixed sentence a product would only fit what somebody has seen, so the parts are asked for together:
it speaks of a mail that the reader sent, says what became of it, and names another address or calls itself
automatic. RFC 3464 section 2.1 and RFC 3834 section 3.1 want just these parts for the reader. Asked last:
whatever shows a person, a list, a campaign or goods is no notice here.
"""

import re
from typing import Final

from feed.domain.event import Kind
from ingest.mail import phrases, wording
from ingest.mail.dsn import STATUS_TYPES
from ingest.mail.notice import Notice
from ingest.mail.people import (
    by_mail_program,
    carries_program,
    distributed,
    lures,
    of_a_monitor,
    of_goods,
    personal,
    quotes,
)
from ingest.mail.signs import (
    addresses_named,
    automatic,
    bounce_subject,
    delay_told,
    failure_text,
    from_daemon,
    once,
    replying,
    without_brackets,
)

_OPENING: Final = 900
"""Characters in which a notice says all of it; a mail that comes to it later is about something else."""
_DECLARED: Final = 240
_SHORT_SUBJECT: Final = 60
_MOST_ADDRESSES: Final = 4
"""A notice names its reader, its sender and whom it did not reach; reports name many."""


def _ordinary(notice: Notice) -> bool:
    """Whether anything shows a person, a list, a campaign, a monitor, a swindler or goods."""
    if distributed(notice) or by_mail_program(notice) or of_a_monitor(notice) or carries_program(notice):
        return True
    if "list" in notice.headers.get("precedence")[:40].lower():
        return True
    if quotes(notice) or phrases.DIGEST_SUBJECT.search(notice.subject):
        return True
    if notice.auto_submitted == "auto-generated" and not replying(notice):
        return True
    return _of_other_goods(notice)


def _of_other_goods(notice: Notice) -> bool:
    """Whether the subject, or a text that speaks of no mail of ours, names goods."""
    if of_goods(notice) or wording.GOODS.within(notice.subject):
        return True
    told = notice.opening[:_OPENING]
    return wording.GOODS.within(told) and not wording.YOUR_MAIL.within(told)


def _answers_a_person(notice: Notice) -> bool:
    """Whether subject and fields say that a person answers in a thread."""
    return notice.answered or "references" in notice.headers or "in-reply-to" in notice.headers


def _names_whom(notice: Notice, *, sender: bool) -> bool:
    """Whether the text names the address that failed: not the reader's, and no list of them.

    sender: his own address counts as well, as where a full mailbox answers.
    """
    if "@" not in notice.opening[:1000]:
        return False
    known = notice.headers.get("to")[:400].lower() + ("" if sender else " " + notice.sender)
    others = {address for address in addresses_named(notice) if address not in known}
    return 0 < len(others) <= _MOST_ADDRESSES


@once
def _declares_itself(notice: Notice) -> bool:
    """Whether the text begins by calling itself an automatic answer."""
    told = notice.opening[:_DECLARED]
    return ("auto" in told or "otomat" in told or not told.isascii()) and wording.REPLY_DECLARED.within(told)


_ENDS: Final = re.compile(r"(?<=[^\W\d]{4})[.;!?](?= )|[。！？]")  # noqa: RUF001


def _tells_whose(told: str) -> bool:
    """Whether one sentence, or a field beside it, joins the reader's mail with the address that failed.

    Whom to ask for help stands in a sentence of its own. A stop behind a short word is an abbreviation's.
    """
    if not wording.YOUR_MAIL.within(told):
        return False
    if wording.RECIPIENT_LABEL.within(told):
        return True
    return any("@" in sentence and wording.YOUR_MAIL.within(sentence) for sentence in _ENDS.split(told))


def bounce(notice: Notice) -> Kind | None:
    """Recognise a bounce or a delay notice by words: whose mail, that it did not arrive, and for whom."""
    if (notice.answered and not from_daemon(notice)) or not _names_whom(notice, sender=True):
        return None
    told = notice.opening[:_OPENING]
    subject = bounce_subject(notice) or _subject_says_so(notice)
    machine = from_daemon(notice) or notice.from_null or wording.BY_MACHINE.within(told)
    if not machine and (not subject or _by_hand(notice)):
        return None
    not_yet = wording.NOT_YET.within(told)
    if not (not_yet or failure_text(notice) or wording.NOT_DELIVERED.within(told)):
        return None
    server = from_daemon(notice) or notice.from_null
    if not (_tells_whose(told) or (server and (subject or wording.YOUR_MAIL.within(told)))):
        return None
    if _ordinary(notice) or lures(notice):
        return None
    return Kind.DSN_DELAY if not_yet or delay_told(notice) else Kind.NDR


def _by_hand(notice: Notice) -> bool:
    """Whether a person may write so: in a thread, in his own words, or about his own address."""
    return personal(notice) or _answers_a_person(notice) or not _names_whom(notice, sender=False)


def _subject_says_so(notice: Notice) -> bool:
    return wording.NOT_DELIVERED.within(notice.subject) or wording.NOT_YET.within(notice.subject)


def filter_notice(notice: Notice) -> bool:
    """Recognise what a filter tells a sender: your mail, to whom, what was found in it and what was done."""
    if not (wording.FILTERED.within(notice.subject) or phrases.BLOCKED_SUBJECT.search(notice.subject)):
        return False
    if (
        STATUS_TYPES & notice.skeleton.types
        or _answers_a_person(notice)
        or not _names_whom(notice, sender=False)
    ):
        return False
    if _ordinary(notice) or lures(notice) or personal(notice):
        return False
    told = notice.opening[:_OPENING]
    acted = wording.FILTER_ACTED.within(told) or wording.NOT_DELIVERED.within(told)
    return acted and wording.FILTERED.within(told) and _tells_whose(told)


def challenge(notice: Notice) -> bool:
    """Recognise a challenge that no field and no subject tells: it calls itself an automatic answer."""
    return _declares_itself(notice) and asks_to_confirm(notice) and not _ordinary(notice)


def asks_to_confirm(notice: Notice) -> bool:
    """Whether the text holds every part of a challenge: your mail waits, do this, so that we know you."""
    told = notice.opening[:_OPENING]
    return (
        wording.YOUR_MAIL.within(told)
        and wording.HELD.within(told)
        and wording.ASKS_BACK.within(told)
        and wording.OF_SENDERS.within(told)
    )


_BEFORE_ANOTHER: Final = re.compile(r"^[^:：]{2,60}?(?: ?[:：] ?\S| (?:re|aw|sv|fwd?|odp|ynt|ref): ?\S)")  # noqa: RUF001
"""Words of absence, then the subject that is answered."""


def auto_reply(notice: Notice) -> str | None:
    """Recognise an auto-reply by words: it says what it is, who is away, or which number a mail got."""
    if from_daemon(notice) or bounce_subject(notice) or STATUS_TYPES & notice.skeleton.types:
        return None
    if _declares_itself(notice):
        mark = "auto_reply_declared"
    elif (not notice.answered or automatic(notice)) and _tells_absence_or_receipt(notice):
        mark = "auto_reply_text"
    elif _numbered(notice):
        mark = "ticket_number"
    else:
        return None
    return None if _ordinary(notice) else mark


def _tells_absence_or_receipt(notice: Notice) -> bool:
    """Whether the subject begins as those of auto-replies do, and the text answers the reader so."""
    subjects = {without_brackets(notice.subject), notice.subject.lstrip("[(*【 ")}
    prefixed = any(phrases.AUTO_SUBJECT.match(subject) for subject in subjects)
    if not prefixed and not phrases.RECEIVED_SUBJECT.match(notice.subject):
        return False
    told = notice.opening[:_OPENING]
    away = phrases.ABSENCE_TEXT.search(told) is not None or wording.ABSENT.within(told)
    if prefixed and away and _answers_by_words(notice, told):
        return True
    received = wording.RECEIVED.within(told) and wording.YOUR_MAIL.within(told)
    return received and wording.BY_MACHINE.within(notice.subject + " " + told)


_ASKS: Final = re.compile(r"\?(?: |$)|\bhow (?:do|can|to)\b")


def _answers_by_words(notice: Notice, told: str) -> bool:
    """Whether words of absence answer the reader: they stand before his subject, or speak of his mail."""
    if "http" in notice.text[:2000]:
        return False
    if _BEFORE_ANOTHER.match(notice.subject) and (
        phrases.FIRST_PERSON.search(told) is not None or wording.FIRST_PERSON.within(told)
    ):
        return wording.UNTIL.within(told) or wording.YOUR_MAIL.within(told)
    answers = wording.YOUR_MAIL.within(told) or wording.REPLY_DECLARED.within(told)
    return answers and len(notice.subject) <= _SHORT_SUBJECT and _ASKS.search(told) is None


_NUMBER: Final = re.compile(r"\d{3}")
_NUMBERED_REQUEST: Final = re.compile(r"\byour (?:request|ticket|case) [(\[]?#?\d{3,12}\b")


def _numbered(notice: Notice) -> bool:
    """Whether a help desk says that a mail or request arrived, and which number it got."""
    told = notice.opening[:_OPENING]
    if _NUMBER.search(notice.subject + " " + told) is None or not wording.RECEIVED.within(told):
        return False
    if not (wording.TICKET.within(told) or wording.TICKET.within(notice.subject)):
        return _NUMBERED_REQUEST.search(told[:300]) is not None
    return wording.YOUR_MAIL.within(told) or wording.YOUR_REQUEST.within(told)
