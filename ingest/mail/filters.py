"""Recogniser of what content filters write to the sender: a virus found, a file banned, a mail held.

Marks: evidence.md 1.1 and 1.2, row 3.
"""

import re
from typing import Final

from ingest.mail import phrases
from ingest.mail.dsn import STATUS_TYPES
from ingest.mail.notice import Notice
from ingest.mail.people import by_mail_program, lures, of_a_monitor, of_a_person
from ingest.mail.signs import automatic, from_daemon, opens_as_bounce, virus_text

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
    if (sender and _by_filter(notice, subject=subject)) or (
        phrases.VIRUS_VENDOR.search(notice.sender) and _by_vendor(notice, subject=subject)
    ):
        return "content_filter_sender"
    if (automatic(notice) or from_daemon(notice)) and _filter_subject(notice, virus=subject, plain=plain):
        return "content_filter_subject"
    if plain:
        return "content_filter_text" if _told_by_machine(notice, subject=subject) else None
    return "content_filter_status" if _content_status(notice, told=sender or subject) else None


def _by_filter(notice: Notice, *, subject: bool) -> bool:
    """Whether a sender named like a filter speaks of a mail, and not of one's computer."""
    if of_a_person(notice) or of_a_monitor(notice) or lures(notice):
        return False
    if not (subject or virus_text(notice)):
        return False
    return _MAIL_FILTER.search(notice.sender) is not None or _in_a_mail(notice)


def _in_a_mail(notice: Notice) -> bool:
    """Whether the filter found it in a mail: those of a computer or a file server write alerts too."""
    if phrases.OF_MAIL.search(notice.subject):
        return True
    told = (phrases.SENT_BY_YOU, phrases.OWN_MESSAGE, phrases.IN_A_MAIL)
    return any(words.search(notice.opening) for words in told)


def _by_vendor(notice: Notice, *, subject: bool) -> bool:
    """Whether a sender named like a vendor speaks of a virus in a mail that one sent."""
    if of_a_person(notice) or lures(notice) or not (subject or virus_text(notice)):
        return False
    return phrases.OWN_MESSAGE.search(notice.opening) is not None


def _filter_subject(notice: Notice, *, virus: bool, plain: bool) -> bool:
    """Whether the subject of a machine is a filter's; words that bounces share need the text as well."""
    if virus and not notice.answered and not opens_as_bounce(notice):
        return from_daemon(notice) or (virus_text(notice) and _in_a_mail(notice))
    blocked = plain and phrases.BLOCKED_SUBJECT.search(notice.subject) is not None
    return blocked and not of_a_person(notice) and virus_text(notice)


_SERVER_CODE: Final = re.compile(r"(?<![\d.,-])5[05]\d[ -](?!\w{0,12}@)|\bsmtp error\b|\btranscript\b")


def _told_by_machine(notice: Notice, *, subject: bool) -> bool:
    """Whether a machine tells one what a filter did with the mail that he sent.

    A server's reply code beside it makes it a bounce: somebody else's refusal is passed on.
    """
    machine = notice.from_null or automatic(notice) or from_daemon(notice)
    machine = machine or (subject and phrases.GATE_SENDER.search(notice.sender) is not None)
    if not machine or of_a_person(notice) or by_mail_program(notice) or opens_as_bounce(notice):
        return False
    sent = phrases.SENT_BY_YOU.search(notice.opening) is not None
    if not virus_text(notice) or not (sent or (subject and _in_a_mail(notice))):
        return False
    return not _SERVER_CODE.search(notice.opening) and not lures(notice)


def _content_status(notice: Notice, *, told: bool) -> bool:
    """Whether a delivery status says that content was refused, by the filter that also wrote the notice.

    A relay that passes on somebody else's refusal sends an ordinary bounce.
    """
    status = notice.status
    if status is None or status.status is None or not _REFUSED_CONTENT.match(status.status):
        return False
    wording = phrases.VIRUS_DIAGNOSTIC.search(status.diagnostics)
    return wording is not None and (told or wording[0].startswith("- ") or virus_text(notice))
