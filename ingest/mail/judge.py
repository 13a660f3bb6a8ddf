"""From the bytes of a mail, or from a record without one, to a judgement (evidence.md 7).

What the reporter attests decides how surely it was unsolicited; what his own border host wrote decides
the address; the mail itself tells the kind and can only lower the rest.
"""

import datetime as dt
import re
from typing import Final, Required, TypedDict

from feed.domain.address import Address, special_purpose
from feed.domain.event import Attestation, Kind, Provenance, RecipientClass, Verdict, strength_of
from ingest.mail import limits
from ingest.mail.attest import attested, lowered, own_address
from ingest.mail.judgement import Claim, Judgement, Refusal, Registration
from ingest.mail.origin import never_charged, origin_of, passed_on
from ingest.mail.reading import Reading, read_mail
from ingest.mail.software import guess_software
from ingest.mail.tags import TagState

OLDEST: Final = dt.timedelta(days=7)
"""Older reports are refused: they prove nothing about today, and a replay must not count."""
MOST_AHEAD: Final = dt.timedelta(minutes=10)
"""Clocks differ; more than this is a wrong clock or a wrong zone."""
_PLACEHOLDER: Final = re.compile(
    r"<[A-Za-z_][A-Za-z0-9_-]{0,40}>|%\([^)]{0,80}\)[a-z]|\$\{?[A-Za-z_]|\{\{|\}\}"
)
_HOST: Final = re.compile(r"[a-z0-9_](?:[a-z0-9._-]{0,253}[a-z0-9])?")


def judge(message: bytes, *, registration: Registration, claim: Claim, now: dt.datetime) -> Judgement:
    """Judge one mail, whatever its bytes; never raises. `now` is aware.

    The kind is told even when the report is refused. A mail beyond a limit is refused as too_complex with
    the limit among the defects.
    """
    try:
        reading = read_mail(message, registration=registration, null_sender=claim.null_sender)
        return _weigh(reading, registration=registration, claim=claim, now=now)
    except limits.TooComplexError as problem:
        return _too_complex(claim, problem.limit)
    except (RecursionError, MemoryError, LookupError, ValueError, ArithmeticError):
        return _too_complex(claim, "parser_failed")


def judge_record(claim: Claim, *, registration: Registration, now: dt.datetime) -> Judgement:
    """Judge a structured report that brings no mail: everything in it is the reporter's word.

    Without a kind, mail with a null sender to an address that does not exist counts as a non-standard
    bounce: nobody took its DATA, so nobody knows more.
    """
    kind, why = claim.kind, ["structured"]
    if kind is None and claim.recipient_class is not RecipientClass.UNKNOWN and claim.null_sender is True:
        kind = Kind.NDR
        why.append("kind_assumed")
    kind = kind or Kind.NONE
    attestation, words = attested(claim, kind)
    if claim.recipient_class is RecipientClass.UNKNOWN and not claim.digest:
        attestation, words = Attestation.U0, ("bare_assertion",)
    origin = origin_of(claim, None)
    charged_to_nobody = never_charged(origin.address, registration)
    known = _Known(
        kind=kind,
        emitter=origin.address,
        provenance=origin.provenance,
        attestation=attestation,
        observed_at=_minute(claim.observed_at or now),
        original=claim.original_key.encode("utf-8", "replace") if claim.original_key else None,
        helo=_host_name(claim.helo),
        reasons=(*why, *words, *charged_to_nobody),
        defects=(),
    )
    return _finish(known, registration=registration, claim=claim, now=now, relayed=bool(charged_to_nobody))


def _too_complex(claim: Claim, limit: str) -> Judgement:
    return Judgement(
        kind=Kind.NONE,
        verdict=Verdict.UNVERIFIABLE,
        refusal=Refusal.TOO_COMPLEX,
        observed_at=_minute(claim.observed_at) if claim.observed_at else None,
        defects=(limit,),
    )


def _weigh(reading: Reading, *, registration: Registration, claim: Claim, now: dt.datetime) -> Judgement:
    """Join what the mail says with what the reporter attests."""
    finding, status = reading.finding, reading.finding.status
    origin = origin_of(claim, reading)
    hop = reading.border.hop if reading.border else None
    step, claimed = attested(claim, finding.kind)
    step, shown = lowered(step, reading, claim=claim, registration=registration)
    if reading.returned.failed_authentication:
        shown = (*shown, "emitter_saw_forgery")
    at = _aware(claim.observed_at or (hop.at if hop and hop.at else None) or now)
    tag, tag_words = own_address(reading, claim=claim, registration=registration, at=at)
    if tag is TagState.EXPIRED:
        step = Attestation.U0
    elif tag is TagState.UNVERIFIED and claim.recipient_class is RecipientClass.TAG_MISSING:
        step, shown = min(step, Attestation.U1), (*shown, "tag_is_there")
    relayed = passed_on(reading, registration) + never_charged(origin.address, registration)
    original = claim.original_key or reading.original
    known = _Known(
        kind=finding.kind,
        emitter=origin.address,
        provenance=origin.provenance,
        attestation=step,
        observed_at=_minute(at),
        original=original.encode("utf-8", "replace") if original else None,
        software=guess_software(reading.notice, border=reading.border)
        if finding.kind is not Kind.NONE
        else None,
        status=status.status if status else None,
        reporting_mta=status.reporting_mta if status else None,
        helo=_host_name(claim.helo) or (hop.helo if hop else None),
        reasons=tuple(dict.fromkeys((*finding.marks, *claimed, *shown, *tag_words, *relayed))),
        defects=(*reading.defects, *origin.defects),
    )
    if tag is TagState.VALID and finding.kind is not Kind.NONE:
        known["attestation"] = Attestation.U0
        return Judgement(**known, refusal=Refusal.SOLICITED, verdict=Verdict.SOLICITED)
    return _finish(known, registration=registration, claim=claim, now=now, relayed=bool(relayed))


class _Known(TypedDict, total=False):
    """What a judgement will say whatever its verdict: the fields of `Judgement`."""

    kind: Required[Kind]
    emitter: Required[Address | None]
    provenance: Required[Provenance]
    attestation: Required[Attestation]
    observed_at: Required[dt.datetime]
    original: bytes | None
    software: str | None
    status: str | None
    reporting_mta: str | None
    helo: str | None
    reasons: tuple[str, ...]
    defects: Required[tuple[str, ...]]


def _finish(
    known: _Known, *, registration: Registration, claim: Claim, now: dt.datetime, relayed: bool
) -> Judgement:
    """Set the refusal, or the verdict and the strength; each field that stands twice costs a step."""
    refusal = _refusal(known, registration=registration, claim=claim, now=now, relayed=relayed)
    if refusal is not None:
        return Judgement(**known, verdict=Verdict.UNVERIFIABLE, refusal=refusal)
    if relayed:
        return Judgement(**known, verdict=Verdict.RELAYED)
    doubled = sum(defect.startswith("duplicate_") for defect in known["defects"])
    strength = max(strength_of(known["attestation"], known["provenance"]) - doubled, 0)
    verdict = Verdict.BACKSCATTER if strength else Verdict.UNVERIFIABLE
    return Judgement(**known, verdict=verdict, strength=strength)


def _refusal(
    known: _Known, *, registration: Registration, claim: Claim, now: dt.datetime, relayed: bool
) -> Refusal | None:
    """Return the first reason why this can never be evidence, None if it can."""
    words = (claim.recipient_token, claim.original_key, claim.digest, claim.helo)
    if any(word and _PLACEHOLDER.search(word) for word in words):
        return Refusal.UNEXPANDED_PLACEHOLDER
    if known["kind"] is Kind.NONE:
        return Refusal.NOT_A_NOTIFICATION
    if claim.cause_is_listing:
        return Refusal.SOLE_CAUSE_IS_LISTING
    emitter = known["emitter"]
    if emitter is None:
        return Refusal.NO_TRUSTWORTHY_ADDRESS
    trial = registration.accept_special
    if not relayed and special_purpose(emitter, trial=trial) is not None:
        return Refusal.BAD_ADDRESS_CLASS
    return _wrong_time(known["observed_at"], now)


def _wrong_time(at: dt.datetime, now: dt.datetime) -> Refusal | None:
    age = _aware(now) - at
    if age > OLDEST:
        return Refusal.STALE
    return Refusal.FUTURE if -age > MOST_AHEAD else None


def _aware(moment: dt.datetime) -> dt.datetime:
    """Return `moment` in UTC; at the ends of the calendar, where zones overflow, its zone is dropped."""
    try:
        return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
    except OverflowError:
        return moment.replace(tzinfo=dt.UTC)


def _minute(moment: dt.datetime) -> dt.datetime:
    return _aware(moment).replace(second=0, microsecond=0)


def _host_name(text: str | None) -> str | None:
    """Return a claimed HELO name if it is a host name that may be kept, lower case."""
    if text is None:
        return None
    name = text.strip().rstrip(".").lower()
    return name if _HOST.fullmatch(name) and "." in name else None
