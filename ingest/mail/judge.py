"""From the bytes of a mail, or from a record without one, to a judgement (evidence.md 7).

What the reporter attests decides how surely it was unsolicited; what his own border host wrote decides
the address; the mail itself tells the kind and can only lower the rest.
"""

import dataclasses
import datetime as dt
import re
from typing import Final

from feed.domain.address import Address, canonical, special_purpose
from feed.domain.event import Attestation, Kind, Provenance, RecipientClass, Verdict, strength_of
from ingest.mail import limits
from ingest.mail.arf import Wrapped, unwrap
from ingest.mail.judgement import Claim, Judgement, Refusal, Registration
from ingest.mail.kinds import Finding, recognise
from ingest.mail.notice import Notice
from ingest.mail.received import BorderHop, border_hop
from ingest.mail.returned import NOTHING_RETURNED, Returned, names_host, original_of, read_returned
from ingest.mail.skeleton import Headers, read_skeleton
from ingest.mail.software import guess_software

OLDEST: Final = dt.timedelta(days=7)
"""Older reports are refused: they prove nothing about today, and a replay must not count."""
MOST_AHEAD: Final = dt.timedelta(minutes=10)
"""Clocks differ; more than this is a wrong clock or a wrong zone."""
LEAST_LOOKBACK_DAYS: Final = 8
"""A sent log shorter than this cannot say that a mail never left: bounces come up to a week late."""

_TAGGED: Final = frozenset({RecipientClass.TAG_BAD, RecipientClass.TAG_MISSING})
_BOUNCES: Final = frozenset({Kind.DSN_FAIL, Kind.DSN_DELAY, Kind.DSN_OK, Kind.NDR})
_TO_ASKER: Final = frozenset({Kind.MDN, Kind.LIST, Kind.PM})
"""Kinds that go to whom the mail names, not to the envelope sender: its tag or absence proves nothing."""
_CRITICAL: Final = ("return-path", "from", "content-type", "message-id")
_PLACEHOLDER: Final = re.compile(
    r"<[A-Za-z_][A-Za-z0-9_-]{0,40}>|%\([^)]{0,80}\)[a-z]|\$\{?[A-Za-z_]|\{\{|\}\}"
)
_HOST: Final = re.compile(r"[a-z0-9_](?:[a-z0-9._-]{0,253}[a-z0-9])?")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """What the bytes say, before anybody is believed."""

    notice: Notice
    finding: Finding
    returned: Returned
    border: BorderHop | None
    wrapped: Wrapped | None
    defects: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Origin:
    """The emitter's address and how we know it."""

    address: Address | None = None
    provenance: Provenance = Provenance.P0
    defects: tuple[str, ...] = ()


def judge(message: bytes, *, registration: Registration, claim: Claim, now: dt.datetime) -> Judgement:
    """Judge one mail, whatever its bytes; never raises. `now` is aware.

    The kind is told even when the report is refused. A mail beyond a limit is refused as too_complex with
    the limit among the defects.
    """
    try:
        reading = _read(message, registration=registration, claim=claim)
    except limits.TooComplexError as problem:
        return _too_complex(claim, problem.limit)
    except (RecursionError, MemoryError, LookupError, ValueError, ArithmeticError):
        return _too_complex(claim, "parser_failed")
    return _weigh(reading, registration=registration, claim=claim, now=now)


def judge_record(claim: Claim, *, registration: Registration, now: dt.datetime) -> Judgement:
    """Judge a structured report that brings no mail: everything in it is the reporter's word.

    Without a kind, mail with a null sender to an address that does not exist counts as a non-standard
    bounce: nobody took its DATA, so nobody knows more.
    """
    kind, reasons = claim.kind, ["structured"]
    if kind is None and claim.recipient_class is not RecipientClass.UNKNOWN and claim.null_sender is True:
        kind = Kind.NDR
        reasons.append("kind_assumed")
    kind = kind or Kind.NONE
    origin = _origin(claim, None, None)
    observed = _minute(claim.observed_at or now)
    attestation, why = _attestation(claim, kind)
    if claim.recipient_class is RecipientClass.UNKNOWN and not claim.digest:
        attestation, why = Attestation.U0, ["bare_assertion"]
    relayed = _own_or_forwarder(origin.address, registration)
    return _finish(
        Judgement(
            kind=kind,
            verdict=Verdict.UNVERIFIABLE,
            emitter=origin.address,
            provenance=origin.provenance,
            attestation=attestation,
            observed_at=observed,
            original=claim.original_key.encode("utf-8", "replace") if claim.original_key else None,
            helo=_host_name(claim.helo),
            reasons=(*reasons, *why, *relayed),
            defects=origin.defects,
        ),
        registration=registration,
        claim=claim,
        now=now,
        relayed=bool(relayed),
        lowered_by=0,
    )


def _too_complex(claim: Claim, limit: str) -> Judgement:
    return Judgement(
        kind=Kind.NONE,
        verdict=Verdict.UNVERIFIABLE,
        refusal=Refusal.TOO_COMPLEX,
        observed_at=_minute(claim.observed_at) if claim.observed_at else None,
        defects=(limit,),
    )


# --- reading ----------------------------------------------------------------------------------------------------------


def _read(message: bytes, *, registration: Registration, claim: Claim) -> _Reading:
    """Read a mail; a feedback report that wraps a notification is opened once."""
    notice, finding, defects = _recognise(message, claim.null_sender)
    wrapped = unwrap(notice.skeleton) if finding.kind is Kind.NONE else None
    if wrapped is not None:
        inner, inner_finding, inner_defects = _recognise(wrapped.message, claim.null_sender)
        if inner_finding.kind is Kind.NONE:
            wrapped = None
        else:
            notice, defects = inner, inner_defects
            finding = dataclasses.replace(inner_finding, marks=(*inner_finding.marks, "unwrapped"))
    border = border_hop(
        notice.headers.all("received"),
        border=registration.border_hosts,
        internal=registration.internal_hosts,
        own=registration.own_networks,
    )
    returned = read_returned(notice.skeleton) if finding.kind is not Kind.NONE else NOTHING_RETURNED
    return _Reading(
        notice=notice,
        finding=finding,
        returned=returned,
        border=border,
        wrapped=wrapped,
        defects=defects,
    )


def _recognise(message: bytes, null_sender: bool | None) -> tuple[Notice, Finding, tuple[str, ...]]:
    checked = limits.prescan(message)
    skeleton = read_skeleton(checked.message, defects=checked.defects)
    notice = Notice(skeleton=skeleton, null_sender=null_sender)
    doubled = tuple(
        f"duplicate_{name.replace('-', '_')}"
        for name in _CRITICAL
        if len(skeleton.headers.positions(name)) > 1
    )
    return notice, recognise(notice), tuple(dict.fromkeys((*skeleton.defects, *doubled)))


# --- weighing ---------------------------------------------------------------------------------------------------------


def _weigh(reading: _Reading, *, registration: Registration, claim: Claim, now: dt.datetime) -> Judgement:
    notice, finding = reading.notice, reading.finding
    origin = _origin(claim, reading.border, reading.wrapped)
    hop = reading.border.hop if reading.border else None
    attestation, why = _attestation(claim, finding.kind)
    attestation, lowered = _lowered(attestation, reading, registration=registration, claim=claim)
    relayed = _relayed(reading) + _own_or_forwarder(origin.address, registration)
    original = claim.original_key or original_of(notice.skeleton, reading.returned, finding.status)
    status = finding.status
    defects = (*reading.defects, *origin.defects)
    judgement = Judgement(
        kind=finding.kind,
        verdict=Verdict.UNVERIFIABLE,
        emitter=origin.address,
        provenance=origin.provenance,
        attestation=attestation,
        observed_at=_minute(claim.observed_at or (hop.at if hop and hop.at else None) or now),
        original=original.encode("utf-8", "replace") if original else None,
        software=guess_software(notice) if finding.kind is not Kind.NONE else None,
        status=status.status if status else None,
        reporting_mta=status.reporting_mta if status else None,
        helo=_host_name(claim.helo) or (hop.helo if hop else None),
        reasons=tuple(dict.fromkeys((*finding.marks, *why, *lowered, *relayed))),
        defects=defects,
    )
    return _finish(
        judgement,
        registration=registration,
        claim=claim,
        now=now,
        relayed=bool(relayed),
        lowered_by=sum(defect.startswith("duplicate_") for defect in defects),
    )


def _finish(
    judgement: Judgement,
    *,
    registration: Registration,
    claim: Claim,
    now: dt.datetime,
    relayed: bool,
    lowered_by: int,
) -> Judgement:
    """Set refusal, or verdict and strength."""
    refusal = _refusal(judgement, registration=registration, claim=claim, now=now, relayed=relayed)
    if refusal is not None:
        return dataclasses.replace(judgement, refusal=refusal)
    if relayed:
        return dataclasses.replace(judgement, verdict=Verdict.RELAYED)
    strength = max(strength_of(judgement.attestation, judgement.provenance) - lowered_by, 0)
    verdict = Verdict.BACKSCATTER if strength else Verdict.UNVERIFIABLE
    return dataclasses.replace(judgement, verdict=verdict, strength=strength)


def _refusal(
    judgement: Judgement, *, registration: Registration, claim: Claim, now: dt.datetime, relayed: bool
) -> Refusal | None:
    """Return the first reason why this can never be evidence, None if it can."""
    words = (claim.recipient_token, claim.original_key, claim.digest, claim.helo)
    if any(word and _PLACEHOLDER.search(word) for word in words):
        return Refusal.UNEXPANDED_PLACEHOLDER
    if judgement.kind is Kind.NONE:
        return Refusal.NOT_A_NOTIFICATION
    if claim.cause_is_listing:
        return Refusal.SOLE_CAUSE_IS_LISTING
    if judgement.emitter is None:
        return Refusal.NO_TRUSTWORTHY_ADDRESS
    if not relayed and not registration.accept_special and special_purpose(judgement.emitter) is not None:
        return Refusal.BAD_ADDRESS_CLASS
    at, today = judgement.observed_at, _aware(now)
    if at is not None and today - at > OLDEST:
        return Refusal.STALE
    if at is not None and at - today > MOST_AHEAD:
        return Refusal.FUTURE
    return None


def _origin(claim: Claim, border: BorderHop | None, wrapped: Wrapped | None) -> _Origin:
    """Choose the address: what the reporter's server saw, then his border hop, then an ARF's Source-IP.

    Two of them that differ leave the better one, at P1: one of the two is not what the reporter thinks.
    """
    seen = border.hop.address if border else None
    source = wrapped.source_ip if wrapped else None
    said = canonical(claim.client_ip) if claim.client_ip is not None else None
    if said is not None:
        if seen is not None and seen != said:
            return _Origin(address=said, provenance=Provenance.P1, defects=("client_ip_differs",))
        return _Origin(address=said, provenance=Provenance.P3)
    if seen is not None:
        if source is not None and source != seen:
            return _Origin(address=seen, provenance=Provenance.P1, defects=("source_ip_differs",))
        return _Origin(address=seen, provenance=Provenance.P2)
    if source is not None:
        return _Origin(address=source, provenance=Provenance.P1)
    return _Origin()


def _attestation(claim: Claim, kind: Kind) -> tuple[Attestation, list[str]]:
    """Return the step of ladder U that the claim reaches for this kind (evidence.md 2.2 and 2.3), and why."""
    said = claim.recipient_class
    if said is RecipientClass.UNKNOWN:
        return Attestation.U1, []
    if said is RecipientClass.TRAP:
        return Attestation.U4, []
    if kind in _TO_ASKER:
        return Attestation.U1, ["kind_not_sent_to_envelope_sender"]
    if said in _TAGGED:
        if kind not in _BOUNCES:
            return Attestation.U2, ["tag_weak_for_kind"]
        if claim.null_sender is False:
            return Attestation.U1, ["sender_not_null"]
        return Attestation.U4, []
    if said is RecipientClass.LOG_MISS:
        if (claim.lookback_days or 0) < LEAST_LOOKBACK_DAYS:
            return Attestation.U1, ["lookback_too_short"]
        if claim.original_recipient_match is not True:
            return Attestation.U1, ["original_recipient_unmatched"]
        if claim.null_sender is False and kind in _BOUNCES:
            return Attestation.U1, ["sender_not_null"]
        return Attestation.U3, []
    return Attestation.U2, []


def _lowered(
    attestation: Attestation, reading: _Reading, *, registration: Registration, claim: Claim
) -> tuple[Attestation, list[str]]:
    """Lower a claim by what the mail itself shows (steps N1 and the null sender of evidence.md 2)."""
    why: list[str] = []
    kind = reading.finding.kind
    path = reading.notice.return_path
    named_path = bool(path) and path is not None and path.partition("@")[0] != "mailer-daemon"
    on_paper = claim.recipient_class in _TAGGED or claim.recipient_class is RecipientClass.LOG_MISS
    if named_path and on_paper and kind in _BOUNCES and attestation > Attestation.U1:
        attestation = Attestation.U1
        why.append("sender_not_null")
    own = registration.border_hosts | registration.internal_hosts
    if names_host(reading.returned, own) and attestation > Attestation.U1:
        attestation = Attestation.U1
        why.append("own_host_in_original")
    needs_original = claim.recipient_class is RecipientClass.LOG_MISS and not claim.original_key
    if needs_original and attestation > Attestation.U1 and not _shows_original(reading):
        attestation = Attestation.U1
        why.append("original_not_shown")
    return attestation, why


def _shows_original(reading: _Reading) -> bool:
    """Whether there was anything to look up in a sent log: a header block, or the id that is answered."""
    if reading.returned.complete or reading.returned.message_id:
        return True
    return original_of(reading.notice.skeleton, reading.returned, reading.finding.status) is not None


def _relayed(reading: _Reading) -> tuple[str, ...]:
    """Return why the last hop only passed the notification on (evidence.md 6.1 A10), if it did.

    Fields above the border hop were written by the reporter's own servers and say nothing of the way here.
    """
    headers = reading.notice.headers
    start = _below_border(headers, reading.border)
    names = [name for name, _ in headers.fields[start:]]
    why = []
    if reading.finding.kind is not Kind.LIST and any(name in _LIST_FIELDS for name in names):
        why.append("list_headers")
    if any(name.startswith("resent-") for name in names):
        why.append("resent_headers")
    if any(name.startswith("x-forwarded-") for name in names):
        why.append("forwarded_headers")
    if len({value.lower() for name, value in headers.fields[start:] if name == "delivered-to"}) > 1:
        why.append("delivered_twice")
    return tuple(why)


_LIST_FIELDS: Final = frozenset(
    {"list-id", "list-post", "list-unsubscribe", "list-help", "list-subscribe", "list-archive", "list-owner"}
)


def _below_border(headers: Headers, border: BorderHop | None) -> int:
    if border is None:
        return 0
    return headers.positions("received")[border.position] + 1


def _own_or_forwarder(address: Address | None, registration: Registration) -> tuple[str, ...]:
    if address is None:
        return ()
    if any(address in network for network in registration.own_networks):
        return ("own_network",)
    if any(address in network for network in registration.forwarders):
        return ("known_forwarder",)
    return ()


def _aware(moment: dt.datetime) -> dt.datetime:
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)


def _minute(moment: dt.datetime) -> dt.datetime:
    return _aware(moment).replace(second=0, microsecond=0)


def _host_name(text: str | None) -> str | None:
    """Return a claimed HELO name if it is a host name that may be kept, lower case."""
    if text is None:
        return None
    name = text.strip().rstrip(".").lower()
    return name if _HOST.fullmatch(name) and "." in name else None
