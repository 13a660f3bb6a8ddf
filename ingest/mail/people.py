"""Signs that a person, a list, a campaign, a carrier of parcels or a swindler wrote the mail, and no server.

They only speak against a notification, and each recogniser says what outweighs them.
"""

import re
from typing import Final

from ingest.mail import phrases
from ingest.mail.notice import Notice
from ingest.mail.signs import once, shows_failure

_LIST_HEADERS: Final = frozenset(
    {
        "list-post",
        "list-unsubscribe",
        "list-id",
        "mailing-list",
        "x-mailing-list",
        "x-beenthere",
        "x-campaign",
        "x-campaignid",
        "feedback-id",
    }
)


@once
def distributed(notice: Notice) -> bool:
    """Whether a list or a campaign distributed the mail; what a list manager says itself is no post."""
    if notice.headers.get("x-list-administrivia")[:10].lower() == "yes":
        return False
    return notice.headers.any_of(_LIST_HEADERS)


def of_a_person(notice: Notice) -> bool:
    """Whether the mail looks written by a person, or sent to many."""
    return notice.answered or distributed(notice)


@once
def lures(notice: Notice) -> bool:
    """Whether the mail shows no failure and wants one to click or to log in, as swindles do."""
    if shows_failure(notice) or phrases.LURE_TEXT.search(notice.opening) is None:
        return False
    return any("href=" in part.text.lower() or "http" in part.text for part in notice.text_parts)


_PERSONAL: Final = re.compile(
    r"^(?:hi|hello|hey|dear \w+|hallo|look|see|bonjour|hola|ciao)\b"
    r"(?!\.? ?(?:this is the|sender|customer|user))|\?(?: |$)"
    r"|\b(?:my (?:e-?mail|mail|message)|i (?:got|get|sent|tried|received|think|have)|(?:did|can|do) you)\b"
    r"|\bhow (?:do|can|to)\b"
)


def personal(notice: Notice) -> bool:
    """Whether the first lines sound like a person who tells of a bounce; asked if nothing shows a machine."""
    return _PERSONAL.search(notice.opening[:400]) is not None


_QUOTED: Final = re.compile(
    r"\bwrote ?:|\bschrieb\b|\ba écrit\b|\bescribió\b|\bha scritto\b|\bschreef\b|\bskrev\b"
)


def quotes(notice: Notice, *, before: int | None = None) -> bool:
    """Whether the text quotes somebody: a person who answers, even one who is called postmaster.

    before: only a quotation that begins there in the opening counts.
    """
    text = notice.text[:2000] if before is None else notice.opening[:before]
    return _QUOTED.search(text) is not None


@once
def by_mail_program(notice: Notice) -> bool:
    """Whether the header names a program in which people write their mail, or that of a web form."""
    named = (notice.headers.get("user-agent")[:100] + " " + notice.headers.get("x-mailer")[:100]).lower()
    if phrases.MAIL_PROGRAM.search(named):
        return True
    return "x-php-originating-script" in notice.headers or "x-php-script" in notice.headers


@once
def of_a_monitor(notice: Notice) -> bool:
    """Whether a program that watches a host wrote the mail."""
    return phrases.MONITOR_SENDER.search(notice.sender) is not None


@once
def of_goods(notice: Notice) -> bool:
    """Whether the mail speaks of a parcel, a letter or a payment that did not arrive, and of no mail of ours.

    Asked only where no address and no field shows the mail system.
    """
    words = phrases.GOODS.search(notice.subject) or phrases.GOODS.search(notice.opening[:1000])
    return words is not None and phrases.OWN_MESSAGE.search(notice.opening) is None


_PROGRAM: Final = re.compile(
    r"\.(?:zip|exe|scr|pif|bat|com|cmd|vb[se]|hta|lnk|js|jse|wsf|cpl|iso)\"?;?(?: |$)"
)


@once
def carries_program(notice: Notice) -> bool:
    """Whether a part beside the text is a program or packed, as worms send that dress up as a mail system."""
    for part in notice.skeleton.parts:
        name = part.parameters.get("name", "") + " " + part.headers.get("content-disposition")[:300]
        if _PROGRAM.search(name.lower()):
            return True
    return False
