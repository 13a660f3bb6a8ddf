"""Small signs about a notice, shared by the recognisers; none of them decides a kind alone."""

import functools
import re
from collections.abc import Callable
from typing import Final

from ingest.mail import phrases, wording
from ingest.mail.notice import Notice
from ingest.mail.returned import HEADER_TYPES, MAIL_TYPES


def once(test: Callable[[Notice], bool]) -> Callable[[Notice], bool]:
    """Keep the answer with the notice: several recognisers ask the same."""

    @functools.wraps(test)
    def asked(notice: Notice) -> bool:
        known = notice.__dict__
        if test.__name__ not in known:
            known[test.__name__] = test(notice)
        return bool(known[test.__name__])

    return asked


@once
def from_daemon(notice: Notice) -> bool:
    """Whether From names the mail system itself, or nobody."""
    sender = notice.sender
    if not sender and "from" in notice.headers:
        return True
    return sender.endswith("<>") or phrases.DAEMON_SENDER.search(sender) is not None


@once
def from_daemon_address(notice: Notice) -> bool:
    """Whether the address itself is the mail system's: a display name alone is easily put on."""
    start = notice.sender.rfind("<")
    address = notice.sender[start + 1 :] if start >= 0 else notice.sender
    return not address.strip("<> ") or phrases.DAEMON_SENDER.search(address) is not None


_DAEMON_ADDRESS: Final = re.compile(r"mailer?[-_.]?(?:daemon|deamon|demon)")


def daemon_address(notice: Notice) -> bool:
    """Whether From is mailer-daemon, which no person is; a postmaster may be one."""
    sender = notice.sender
    return not sender.strip("<> ") or sender.endswith("<>") or _DAEMON_ADDRESS.search(sender) is not None


def answers_by_machine(notice: Notice) -> bool:
    """Whether Auto-Submitted says that it answers a mail; sendmail tells the same in a comment."""
    return notice.auto_submitted == "auto-replied" or "(" in notice.headers.get("auto-submitted")[:80]


@once
def automatic(notice: Notice) -> bool:
    """Whether the mail says in some way that a machine sent it in answer, not to many at once."""
    precedence = (notice.headers.get("precedence") + notice.headers.get("x-precedence"))[:40].lower()
    return bool(notice.from_null or notice.auto_submitted or "junk" in precedence or "auto" in precedence)


def bulk(notice: Notice) -> bool:
    """Whether Precedence says bulk: responders write it, and so does every list and newsletter."""
    return "bulk" in notice.headers.get("precedence")[:40].lower()


def replying(notice: Notice) -> bool:
    """Whether the mail answers another one by a machine, as far as its header tells."""
    return notice.from_null or notice.auto_submitted == "auto-replied" or "in-reply-to" in notice.headers


@once
def bounce_subject(notice: Notice) -> bool:
    """Whether the subject speaks of a failed or delayed delivery."""
    return not notice.answered and (
        phrases.BOUNCE_SUBJECT.search(notice.subject) is not None
        or phrases.DELAY_SUBJECT.search(notice.subject) is not None
    )


@once
def opens_as_bounce(notice: Notice) -> bool:
    """Whether the subject begins with words of a failed delivery."""
    return phrases.BOUNCE_SUBJECT.match(notice.subject) is not None


_ENDED: Final = re.compile(r" ?(?:$|[:(\[|\u2013-])")


def subject_is_failure(notice: Notice) -> bool:
    """Whether the subject is words of a failed delivery, and then at most that of the original."""
    found = phrases.BOUNCE_SUBJECT.match(notice.subject)
    return found is not None and _ENDED.match(notice.subject, found.end()) is not None


@once
def failure_text(notice: Notice) -> bool:
    """Whether the first lines say in so many words that a mail could not be delivered."""
    return phrases.FAILURE_TEXT.search(notice.opening) is not None


@once
def trouble_text(notice: Notice) -> bool:
    """Whether the first lines hold words that failures share with other mail (full, unknown, rejected)."""
    return failure_text(notice) or phrases.TROUBLE_TEXT.search(notice.opening) is not None


@once
def virus_text(notice: Notice) -> bool:
    """Whether the first lines speak of a virus or of content that a filter took."""
    return phrases.VIRUS_TEXT.search(notice.opening) is not None


def delay_told(notice: Notice) -> bool:
    """Whether subject or text say that delivery is still being tried, and not that it ended."""
    if phrases.DELAY_SUBJECT.search(notice.subject):
        return True
    if phrases.GIVEN_UP_TEXT.search(notice.opening):
        return False
    return phrases.DELAY_TEXT.search(notice.opening) is not None or wording.NOT_YET.within(notice.opening)


def returns_mail(notice: Notice) -> bool:
    """Whether a part holds a mail or its header."""
    return bool(notice.skeleton.types & (MAIL_TYPES | HEADER_TYPES))


def without_brackets(subject: str) -> str:
    """Return a subject without what gateways put before it ([EXTERNAL], ***SPAM***)."""
    for _ in range(_MOST_BRACKETS):
        shorter = _BRACKET.sub("", subject)
        if shorter == subject:
            break
        subject = shorter
    return subject


_MOST_BRACKETS: Final = 3
_BRACKET: Final = re.compile(
    r"^(?:\[[^\]]{1,40}\] ?|\*{1,5}[^*]{1,30}\*{1,5} ?|\*+ ?|<[^>]{1,40}> ?|(?:external|spam|extern) ?: ?)"
)


_CODE: Final = re.compile(
    r"(?<![\d.])[45]\.\d{1,2}\.\d{1,3}(?![\d.])|(?<![\d.,])(?:4[25]|5[0-7])\d[ -](?!\w{0,12}@)"
)
_HEADER_BLOCK: Final = re.compile(r"^[> \t|]{0,4}(?:received|message-id|return-path)[ \t]*:", re.MULTILINE)
_ADDRESS: Final = re.compile(r"(?<![\w.+=-])[\w.+=-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")


@once
def shows_failure(notice: Notice) -> bool:
    """Whether the mail shows which one failed and how: it comes back, or a server's reply code is told."""
    return (
        returns_mail(notice)
        or "x-failed-recipients" in notice.headers
        or _CODE.search(notice.opening) is not None
        or _HEADER_BLOCK.search(notice.text) is not None
    )


@once
def names_address(notice: Notice) -> bool:
    """Whether the first lines name a mail address: that of the recipient, in a bounce."""
    return _ADDRESS.search(notice.opening) is not None


def addresses_named(notice: Notice) -> list[str]:
    """Return the mail addresses in the first lines."""
    return _ADDRESS.findall(notice.opening[:1000])
