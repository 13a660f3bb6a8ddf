"""The vocabulary of evidence: kinds, the two ladders, recipient classes, verdicts, and the stored event.

Numbers of the enums are stored in the database and never change; names in lower case are the words of
the API. Ladders: evidence.md 2.2 (attestation, U) and 3.2 (provenance, P).
"""

import dataclasses
import datetime as dt
import enum
from typing import Final, Self

from feed.domain.address import Address


class Word(enum.IntEnum):
    """A stored number with a public word: the lower-case name."""

    @property
    def word(self) -> str:
        """The word of this member in API, pages and command line."""
        return self._name_.lower()

    @classmethod
    def from_word(cls, word: str) -> Self:
        """Return the member that `word` names; raises `ValueError` for an unknown word."""
        member = cls.__members__.get(word.upper())
        if member is None or member.word != word:
            raise ValueError(f"unknown {cls.__name__.lower()}")
        return member


class Kind(Word):
    """Which type of notification a mail is (evidence.md 1.2)."""

    NONE = 0
    CR = 1
    MDN = 2
    VIRUS = 3
    DSN_FAIL = 4
    DSN_DELAY = 5
    DSN_OK = 6
    NDR = 7
    AUTO = 8
    LIST = 9
    PM = 10
    SAV = 11

    @property
    def phrase(self) -> str:
        """What a person calls it, singular, for pages."""
        return _KIND_PHRASES[self]


_KIND_PHRASES: Final = {
    Kind.NONE: "not a notification",
    Kind.CR: "challenge",
    Kind.MDN: "read receipt",
    Kind.VIRUS: "content notice",
    Kind.DSN_FAIL: "bounce",
    Kind.DSN_DELAY: "delay notice",
    Kind.DSN_OK: "delivery confirmation",
    Kind.NDR: "non-standard bounce",
    Kind.AUTO: "auto-reply",
    Kind.LIST: "list-manager reply",
    Kind.PM: "postmaster copy",
    Kind.SAV: "sender callout",
}


class Attestation(Word):
    """How we know that it was unsolicited (ladder U)."""

    U0 = 0
    U1 = 1
    U2 = 2
    U3 = 3
    U4 = 4
    U5 = 5


class Provenance(Word):
    """How we know the emitter's address (ladder P)."""

    P0 = 0
    P1 = 1
    P2 = 2
    P3 = 3
    P4 = 4


STRENGTH_CAP: Final = {
    Provenance.P0: 0,
    Provenance.P1: 1,
    Provenance.P2: 3,
    Provenance.P3: 4,
    Provenance.P4: 5,
}
"""The most that an address known only so well can carry (evidence.md 3.2)."""


class RecipientClass(Word):
    """What the reporter knows of the recipient (DESIGN section 4)."""

    UNKNOWN = 0
    NO_SUCH_USER = 1
    LOG_MISS = 2
    TAG_BAD = 3
    TAG_MISSING = 4
    TRAP = 5


class Verdict(Word):
    """What a report says in the end; only `backscatter` is evidence."""

    BACKSCATTER = 1
    UNVERIFIABLE = 2
    SOLICITED = 3
    RELAYED = 4


class Channel(Word):
    """Evidence of different channels is never added together; only MAIN is ever listed."""

    MAIN = 1
    SAV = 2
    MDN = 3
    LIST = 4
    PM = 5


_CHANNELS: Final = {
    Kind.SAV: Channel.SAV,
    Kind.MDN: Channel.MDN,
    Kind.LIST: Channel.LIST,
    Kind.PM: Channel.PM,
}


def channel_of(kind: Kind) -> Channel:
    """Return the channel in which evidence of `kind` is counted."""
    return _CHANNELS.get(kind, Channel.MAIN)


def strength_of(attestation: Attestation, provenance: Provenance) -> int:
    """Return min(U, P): a sure trap with a guessed address is worth no more than the guess."""
    return min(int(attestation), STRENGTH_CAP[provenance])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The minimal stored fact after judging (evidence.md 6.3): no text, subject or mail address.

    source_id: the reporter. observed_at: aware UTC, whole minutes. original_key: 16 bytes that stand
    for the mail that was returned; all events with one key, emitter and source are one original.
    recipient_token: a number that stands for the reporter's recipient, 0 if unknown.
    epoch: how many accepted removals of the emitter lie at or after `observed_at` minute and before it.
    """

    event_id: int
    source_id: int
    address: Address
    kind: Kind
    recipient_class: RecipientClass
    attestation: Attestation
    provenance: Provenance
    strength: int
    observed_at: dt.datetime
    received_at: dt.datetime
    epoch: int
    original_key: bytes
    recipient_token: int = 0
    software: str | None = None
    status: str | None = None
    helo: str | None = None
