"""Recognisers of bounces: by delivery status, by the marks of one software, and by several weak signals."""

import re
from typing import Final

from feed.domain.event import Kind
from ingest.mail import phrases
from ingest.mail.dsn import DeliveryStatus
from ingest.mail.notice import Notice
from ingest.mail.people import (
    by_mail_program,
    carries_program,
    distributed,
    lures,
    of_a_monitor,
    of_a_person,
    of_goods,
    personal,
    quotes,
)
from ingest.mail.signs import (
    addresses_named,
    answers_by_machine,
    automatic,
    bounce_subject,
    daemon_address,
    delay_told,
    failure_text,
    from_daemon,
    from_daemon_address,
    names_address,
    opens_as_bounce,
    returns_mail,
    shows_failure,
    subject_is_failure,
    trouble_text,
)


def delivery_status(notice: Notice) -> tuple[Kind, str, DeliveryStatus] | None:
    """Read kinds 4 to 6 out of a status part, or out of status fields in text where the parts were lost."""
    status, mark = notice.status, "delivery_status_part"
    if status is None or not (status.actions or status.statuses or status.recipients):
        in_text = notice.status_in_text
        if in_text is not None and (
            notice.report_type == "delivery-status" or from_daemon(notice) or notice.from_null
        ):
            status, mark = in_text, "delivery_status_text"
    if status is None:
        return None
    kind = status.kind
    if kind is None:
        kind = Kind.DSN_DELAY if delay_told(notice) else Kind.DSN_FAIL
    return kind, mark, status


def failed_or_delayed(notice: Notice) -> Kind:
    """Return DSN_DELAY for a free-text delay notice, which counts as one; else NDR."""
    return Kind.DSN_DELAY if delay_told(notice) else Kind.NDR


_SOFTWARE_TEXT: Final = re.compile(
    r"this is the qmail|i wasn't able to deliver your message to the following address"
    r"|this is the (?:postfix program|mail system) at host"
    r"|created automatically by (?:the )?(?:mail delivery|smtp) (?:software|server|system)"
    r"|the original message was received at .{0,200}(?:transcript of session|following addresses had)"
    r"|transcript of session follows|did not reach the following recipient"
    r"|diagnostic information for administrators|failure reasons -"
    r"|diagnosinformation för administratörer|diagnoseinformationen für administratoren"
    r"|informations? de diagnostic pour les administrateurs|información de diagnóstico para (?:los )?admin"
    r"|informazioni di diagnostica per gli amministratori|diagnostische gegevens voor beheerders"
    r"|informações de diagnóstico para administradores|diagnostic(?:erings)?oplysninger til administratorer"
    r"|informacje diagnostyczne dla administrator|диагностические сведения для администраторов"
    r"|管理者向けの診断情報|管理员的诊断信息"
    r"|i'm sorry to have to inform you that (?:your|the) message|this is the dma at|this is the mailsystem at"
    r"|mailer daemon.{0,80}(?:error|inform)|this is a permanent error"
    r"|delivery to the following recipients? (?:has )?(?:failed|was aborted)"
    r"|following addresses? (?:had|have) (?:permanent|delivery|transient)"
    r"|message from .{0,100}(?:could not be delivered|was not delivered)"
    r"|your message (?:was|could) not (?:be )?deliver|below this line is a copy of the message"
    r"|(?:following|this) (?:recipient|address)(?:s|es|\(s\))? (?:could not be reached|cannot be reached"
    r"|failed)"
)
_BOUNCE_HEADERS: Final = frozenset(
    {"x-ms-exchange-message-is-ndr", "x-ms-embedded-report", "x-mddsn-message"}
)


def software_bounce(notice: Notice) -> str | None:
    """Recognise a bounce without a status part by the marks of the software (evidence.md 1.3)."""
    headers = notice.headers
    if notice.answered and not from_daemon(notice):
        return None
    if headers.any_of(_BOUNCE_HEADERS):
        return "bounce_header"
    machine = from_daemon(notice) or automatic(notice)
    if machine and "x-failed-recipients" in headers:
        return "failed_recipients"
    if any("invoked for bounce)" in value[:200] for value in headers.all("received")):
        return "qmail_bounce"
    if notice.report_type == "delivery-status":
        return "delivery_status_report"
    return "bounce_text" if _bounce_in_words(notice) else None


def _bounce_in_words(notice: Notice) -> bool:
    """Whether the first lines are those of a known server, and no person or swindler repeats them."""
    if notice.headers.get("x-mailer").startswith("<SMTP32 v") and "undeliver" in notice.subject:
        return True
    machine = from_daemon(notice) or notice.from_null
    told = opens_as_bounce(notice) and not distributed(notice) and not _by_people(notice)
    words = _SOFTWARE_TEXT.search(notice.opening) if machine or told else None
    if words is None or (not from_daemon(notice) and quotes(notice, before=words.start())):
        return False
    by_hand = not daemon_address(notice) and quotes(notice)
    return notice.from_null or not (lures(notice) or by_hand or carries_program(notice))


def _by_people(notice: Notice) -> bool:
    """Whether the mail sounds like a person's, or speaks of other goods than mail."""
    return personal(notice) or by_mail_program(notice) or of_goods(notice)


def _by_monitor(notice: Notice) -> bool:
    told = of_a_monitor(notice) or phrases.DIGEST_SUBJECT.search(notice.subject) is not None
    return told and not (opens_as_bounce(notice) or returns_mail(notice))


def _speaks_against(notice: Notice) -> bool:
    """Whether the mail shows a person, a list or a swindler, and too little of a mail system beside it."""
    daemon, null = from_daemon(notice), notice.from_null
    if not daemon and ((not null and of_a_person(notice)) or _by_monitor(notice)):
        return True
    if not daemon and _by_people(notice) and not (null and shows_failure(notice)):
        return True
    answers = "in-reply-to" in notice.headers or "references" in notice.headers
    if not null and notice.answered and answers and not _speaks_at_once(notice):
        return True
    if phrases.OWN_MAILBOX_TEXT.search(notice.opening) and not (opens_as_bounce(notice) or _shown(notice)):
        return True
    by_hand = distributed(notice) and not daemon_address(notice) and quotes(notice)
    return not null and (by_hand or lures(notice) or carries_program(notice))


def _of_a_mail(notice: Notice) -> bool:
    """Whether the mail tells of a failed mail; what filters put below a text speaks of mail as well."""
    if subject_is_failure(notice) or phrases.OWN_MESSAGE.search(notice.opening):
        return True
    return opens_as_bounce(notice) and phrases.OF_MAIL.search(notice.subject) is not None


def _shown(notice: Notice) -> bool:
    """Whether the mail comes back, or an address that failed is named."""
    return returns_mail(notice) or _names_another(notice) or "x-failed-recipients" in notice.headers


def by_signals(notice: Notice) -> tuple[str, ...]:
    """Return the signals of a bounce if they are enough, else nothing (the two-of rule, evidence.md 1.4).

    One signal must speak of failure, not only of a machine: reminders and auto-replies are sent by
    machines too. Words that failures share with other mail count only beside two signs of a machine.
    """
    if _speaks_against(notice):
        return ()
    daemon, null, answer = from_daemon(notice), notice.from_null, bool(notice.auto_submitted)
    answers = "in-reply-to" in notice.headers or "references" in notice.headers
    subject, text = bounce_subject(notice), failure_text(notice)
    returned, failed = returns_mail(notice), "x-failed-recipients" in notice.headers
    named = _named_daemon(notice)
    shown = shows_failure(notice) or names_address(notice)
    empty = null and (daemon or shown or (_of_a_mail(notice) and "http" not in notice.text))
    seen = {
        "null_sender": null,
        "daemon_sender": daemon,
        "auto_submitted": answer,
        "bounce_subject": subject,
        "failed_recipients": failed,
        "failure_text": text,
        "returned_mail": returned,
    }
    enough = (
        ((subject or failed) and (named or empty))
        or ((subject or failed) and daemon and (text or returned) and shown)
        or ((subject or failed) and answer and text and (answers_by_machine(notice) or returned or failed))
        or (text and (empty or _speaking_daemon(notice)))
        or (daemon and null and (returned or (trouble_text(notice) and _of_one_mail(notice))))
        or (daemon and returned and trouble_text(notice))
        or (opens_as_bounce(notice) and text and not answers and _names_failed(notice))
        or (subject and text and returned)
        or (daemon_address(notice) and (null or "http" not in notice.text) and _names_another(notice))
        or (null and from_daemon_address(notice) and _names_one(notice))
    )
    return tuple(name for name, found in seen.items() if found) if enough else ()


def _names_failed(notice: Notice) -> bool:
    """Whether the text names the address that failed, in a server's frame or beside a reply code."""
    if phrases.FAILED_RECIPIENT_TEXT.search(notice.opening):
        return True
    return names_address(notice) and shows_failure(notice)


def _names_one(notice: Notice) -> bool:
    """Whether the text names one other address and no link: a report of a server names many."""
    known = notice.sender + " " + notice.headers.get("to")[:400].lower()
    others = {address for address in addresses_named(notice) if address not in known}
    return len(others) == 1 and "http" not in notice.text


_QUOTED_LINE: Final = re.compile(r"^>", re.MULTILINE)


def _named_daemon(notice: Notice) -> bool:
    """Whether the address in From is the mail system's; a postmaster's text must tell."""
    if not from_daemon_address(notice):
        return False
    if daemon_address(notice) or shows_failure(notice):
        return True
    told = trouble_text(notice) or phrases.DELAY_TEXT.search(notice.opening) is not None
    return (told and _of_one_mail(notice)) or (bounce_subject(notice) and _names_another(notice))


def _speaking_daemon(notice: Notice) -> bool:
    """Whether the mail system's address tells of one mail; a postmaster may write about mail in general."""
    if not from_daemon_address(notice):
        return False
    if daemon_address(notice) or opens_as_bounce(notice) or returns_mail(notice):
        return True
    return (shows_failure(notice) or _of_one_mail(notice)) and not personal(notice)


def _of_one_mail(notice: Notice) -> bool:
    """Whether the mail tells of a certain mail, and not of mail in general, as statistics do."""
    if daemon_address(notice) or names_address(notice) or subject_is_failure(notice):
        return True
    return phrases.OWN_MESSAGE.search(notice.opening) is not None


def _names_another(notice: Notice) -> bool:
    """Whether the text names a mail address that is neither the sender's nor the reader's.

    What a mailer-daemon says so in a language that we do not know is a bounce.
    """
    known = notice.sender + " " + notice.headers.get("to")[:400].lower()
    return any(address not in known for address in addresses_named(notice))


def _speaks_at_once(notice: Notice) -> bool:
    """Whether the text opens with the failure and quotes nobody: a postmaster who answers by hand quotes."""
    if personal(notice) or by_mail_program(notice):
        return False
    return phrases.FAILURE_TEXT.search(notice.opening[:300]) is not None and not (
        quotes(notice) or _QUOTED_LINE.search(notice.text[:2000])
    )
