"""How surely the notification was unsolicited: the reporter's word, measured by the kind and the mail.

The claim decides the step of ladder U (evidence.md 2.2); the table of evidence.md 2.3 says for which kinds
a claim proves anything; the mail itself can only lower it.
"""

from typing import Final

from feed.domain.event import Attestation, Kind, RecipientClass
from ingest.mail.judgement import Claim, Registration
from ingest.mail.reading import Reading
from ingest.mail.returned import names_host

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

    A named Return-Path on a bounce (a server that answers the wrong address), a hop of the reporter's own
    hosts in the original (step N1: he may have relayed it), and a log claim about an original that the
    mail does not show at all.
    """
    why = []
    claims_record = claim.recipient_class in _TAGGED or claim.recipient_class is RecipientClass.LOG_MISS
    if claims_record and reading.finding.kind in _BOUNCES and _named_sender(reading):
        why.append("sender_not_null")
    if names_host(reading.returned, registration.border_hosts | registration.internal_hosts):
        why.append("own_host_in_original")
    log_only = claim.recipient_class is RecipientClass.LOG_MISS and not claim.original_key
    if log_only and not reading.returned.complete and reading.original is None:
        why.append("original_not_shown")
    return (min(attestation, Attestation.U1) if why else attestation), tuple(why)


def _named_sender(reading: Reading) -> bool:
    path = reading.notice.return_path
    return bool(path) and path is not None and path.partition("@")[0] != "mailer-daemon"
