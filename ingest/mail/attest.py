"""How surely the notification was unsolicited: the reporter's word, measured by the kind and the mail.

The claim decides the step of ladder U (evidence.md 2.2); the table of evidence.md 2.3 says for which kinds
a claim proves anything; the mail itself can only lower it.
"""

import datetime as dt
import re
from typing import Final

from feed.domain.event import Attestation, Kind, RecipientClass
from ingest.mail import limits
from ingest.mail.judgement import Claim, Registration
from ingest.mail.reading import Reading
from ingest.mail.returned import in_domains, names_host
from ingest.mail.tags import Tag, TagState, addresses_in, read_tag

LEAST_LOOKBACK_DAYS: Final = 8
"""A sent log shorter than this cannot say that a mail never left: bounces come up to a week late."""

_TAGGED: Final = frozenset({RecipientClass.TAG_BAD, RecipientClass.TAG_MISSING})
_BOUNCES: Final = frozenset({Kind.DSN_FAIL, Kind.DSN_DELAY, Kind.DSN_OK, Kind.NDR})
_TO_ASKER: Final = frozenset({Kind.LIST, Kind.PM})
"""Kinds that go to whom a mail names, not to its envelope sender."""

Step = tuple[Attestation, tuple[str, ...]]
"""A step of the ladder, and the words for why it is no higher."""


def attested(claim: Claim, kind: Kind) -> Step:
    """Return the step that the claim reaches for this kind."""
    said = claim.recipient_class
    if said is RecipientClass.UNKNOWN:
        return Attestation.U1, ()
    if said is RecipientClass.TRAP:
        return Attestation.U4, ()
    if said is RecipientClass.LOG_MISS:
        return _by_log(claim, kind)
    if kind in _TO_ASKER or kind is Kind.MDN:
        return Attestation.U1, ("kind_not_sent_to_envelope_sender",)
    if said in _TAGGED:
        return _by_tag(claim, kind)
    return Attestation.U2, ()


def _by_tag(claim: Claim, kind: Kind) -> Step:
    """Return the step of a missing or bad tag: it proves only where the envelope sender was answered."""
    if kind not in _BOUNCES:
        return Attestation.U2, ("tag_weak_for_kind",)
    if claim.null_sender is False:
        return Attestation.U1, ("sender_not_null",)
    return Attestation.U4, ()


def _by_log(claim: Claim, kind: Kind) -> Step:
    """Return the step of a sent log without the original: long enough, and about the one notified."""
    if kind in _TO_ASKER:
        return Attestation.U1, ("kind_not_sent_to_envelope_sender",)
    if (claim.lookback_days or 0) < LEAST_LOOKBACK_DAYS:
        return Attestation.U1, ("lookback_too_short",)
    if claim.original_recipient_match is not True:
        return Attestation.U1, ("original_recipient_unmatched",)
    if claim.null_sender is False and kind in _BOUNCES:
        return Attestation.U1, ("sender_not_null",)
    return Attestation.U3, ()


def lowered(attestation: Attestation, reading: Reading, *, claim: Claim, registration: Registration) -> Step:
    """Return the step after what the mail shows against the claim: at most U1 if it shows anything.

    A named Return-Path on a bounce (a server that answers the wrong address); a hop of the reporter's own
    hosts in the original, or, but for traps, a signature of his domains on it (step N1: he may have sent
    it); where no sent log was asked, a Message-ID of his domains; and a log claim about an original that
    the mail does not show as a complete header block.
    """
    why = []
    claims_record = claim.recipient_class in _TAGGED or claim.recipient_class is RecipientClass.LOG_MISS
    if claims_record and reading.finding.kind in _BOUNCES and _named_sender(reading):
        why.append("sender_not_null")
    if names_host(reading.returned, registration.border_hosts | registration.internal_hosts):
        why.append("own_host_in_original")
    own, trap = registration.own_domains, claim.recipient_class is RecipientClass.TRAP
    if own and not trap and any(in_domains(name, own) for name in reading.returned.signed_by):
        why.append("own_signature_on_original")
    logged = trap or claim.recipient_class is RecipientClass.LOG_MISS
    if own and not logged and in_domains(_id_domain(reading), own):
        why.append("own_message_id")
    if claim.recipient_class is RecipientClass.LOG_MISS and not claim.original_key and not _shown(reading):
        why.append("original_not_shown")
    return (min(attestation, Attestation.U1) if why else attestation), tuple(why)


def _id_domain(reading: Reading) -> str | None:
    """Return the domain of the original's Message-ID, lower case."""
    _, mark, domain = (reading.original or "").rpartition("@")
    return domain.lower() if mark else None


def _shown(reading: Reading) -> bool:
    """Whether there is an original to look up: of a bounce the header block (evidence.md 2.2, U3)."""
    if reading.finding.kind in _BOUNCES:
        return reading.returned.complete
    return reading.returned.complete or reading.original is not None


_RECIPIENT_FIELDS: Final = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to")
_MOST_ADDRESSES: Final = 8
_VERP: Final = re.compile(r"[^@]{1,200}[-+=_.][^@]{4,200}")


def own_address(
    reading: Reading, *, claim: Claim, registration: Registration, at: dt.datetime
) -> tuple[TagState | None, tuple[str, ...]]:
    """Return what the address that was notified proves, and the word for it.

    VALID: the reporter signed it himself, or it takes the bounces of his mailings: his own mail is answered
    (step N2). EXPIRED: a late bounce or a replay (N3). The others prove nothing alone. Addresses: what the
    reporter says, and the fields of his own server or the emitter; whoever can write a valid tag into To has
    seen one, so the worst he can do is to spare the emitter.
    """
    found: list[Tag] = []
    for local, domain in _recipients(reading, claim):
        if in_domains(domain.lower(), registration.bounce_domains) and _VERP.fullmatch(local):
            return TagState.VALID, ("own_bounce_address",)
        tag = read_tag(local, domain, prvs_keys=registration.prvs_keys, srs_keys=registration.srs_keys, at=at)
        if tag is not None:
            found.append(tag)
    if not found:
        return None, ()
    best = max(found, key=lambda tag: tag.state)
    return best.state, (f"tag_{best.state.name.lower()}",)


def _recipients(reading: Reading, claim: Claim) -> list[tuple[str, str]]:
    """Return local parts and domains of the addresses that the notification may have come to."""
    texts = [claim.recipient] if claim.recipient else []
    headers = reading.notice.headers
    texts += [headers.get(name)[: limits.RECEIVED_BYTES] for name in _RECIPIENT_FIELDS if name in headers]
    found = [address for text in texts for address in addresses_in(text)]
    return list(dict.fromkeys(found))[:_MOST_ADDRESSES]


def _named_sender(reading: Reading) -> bool:
    path = reading.notice.return_path
    return bool(path) and path is not None and path.partition("@")[0] != "mailer-daemon"
