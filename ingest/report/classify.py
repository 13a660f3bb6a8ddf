"""What a null-sender mail was: a pure rule over facts and what the index knows (evidence.md 2).

The rule never guesses against the emitter: whatever the log does not show makes it `unknown`. A miss needs
the original in the log (its Message-ID, or a signed sender that only we can make), a complete log of eight
days, and a returned mail whose sender has the domain it came to (otherwise an innocent forwarder of a
genuine bounce would be charged, field-review.md 13).
"""

import dataclasses
import enum
from typing import Final

from ingest.report.facts import Facts

MISS_DAYS: Final = 8
"""Look-back that the feed asks for before it believes a miss (DESIGN.md 4)."""
NO_SUCH_USER_DAYS: Final = 5
"""Days after which mail servers give up: a bounce to an address that sends comes within them."""


class Kind(enum.StrEnum):
    """The class; the values are those of the API's recipient_class, but for `genuine`."""

    GENUINE = "genuine"
    LOG_MISS = "log_miss"
    TAG_MISSING = "tag_missing"
    NO_SUCH_USER = "no_such_user"
    UNKNOWN = "unknown"


REPORTED: Final = (Kind.LOG_MISS, Kind.TAG_MISSING, Kind.NO_SUCH_USER)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the index says. cover_days: whole days before the arrival for which all logs are complete.

    complete: the reporter declares that all mail of his domains leaves through these logs.
    original_sent, recipient_sent: the returned mail, or a mail with exactly this recipient as its envelope
    sender, left here. plain_sent: the plain address ever was an envelope sender. wrote_there: how many mails
    this recipient sent to that server or its domain. answered: how many of its notifications counted as
    answers to those already.
    """

    cover_days: int = 0
    complete: bool = False
    original_sent: bool = False
    recipient_sent: bool = False
    plain_sent: bool = False
    wrote_there: int = 0
    answered: int = 0


def classify(facts: Facts, known: Known) -> tuple[Kind, str]:
    """Return the class and a stable word for the reason."""
    if facts.forwarder:
        return Kind.UNKNOWN, "from_forwarder"
    if known.original_sent:  # whoever it came to: the log may not show it
        return Kind.GENUINE, "original_sent"
    if not facts.own_domain:
        return Kind.UNKNOWN, "not_our_domain"
    if facts.unique and known.recipient_sent:
        return Kind.GENUINE, "unique_sender_used"
    return _refused(known) if facts.refused else _accepted(facts, known)


def _accepted(facts: Facts, known: Known) -> tuple[Kind, str]:
    proof = _proof(facts, known)
    if proof is not None:
        return _miss(proof, known)
    if known.wrote_there > known.answered:
        return Kind.GENUINE, "answers_server_written_to"
    return Kind.UNKNOWN, "original_domain_differs" if facts.originals else "original_not_in_log"


def _refused(known: Known) -> tuple[Kind, str]:
    if known.plain_sent or known.recipient_sent:
        return Kind.UNKNOWN, "sends_without_mailbox"
    if known.cover_days < NO_SUCH_USER_DAYS:
        return Kind.UNKNOWN, "log_too_short"
    return Kind.NO_SUCH_USER, "never_a_sender"


def _proof(facts: Facts, known: Known) -> tuple[Kind, str] | None:
    """Return what a complete log would prove, None if the log does not show what the mail answers."""
    if facts.tagged_domain and not facts.signed and facts.recipient and not known.recipient_sent:
        return Kind.TAG_MISSING, "sender_never_untagged"
    if facts.signed:
        return Kind.LOG_MISS, "signed_sender_never_used"
    if facts.originals and facts.match:
        return Kind.LOG_MISS, "original_never_sent"
    return None


def _miss(proof: tuple[Kind, str], known: Known) -> tuple[Kind, str]:
    if known.wrote_there:
        return Kind.UNKNOWN, "wrote_to_that_server"
    if known.cover_days < MISS_DAYS:
        return Kind.UNKNOWN, "log_too_short"
    if not known.complete:
        return Kind.UNKNOWN, "log_not_declared_complete"
    return proof
