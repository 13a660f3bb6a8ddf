"""What goes into judging and what comes out: the reporter's registration, his claim, the judgement."""

import dataclasses
import datetime as dt
import enum

from feed.domain.address import Address, Network
from feed.domain.event import Attestation, Kind, Provenance, RecipientClass, Verdict


class Refusal(enum.StrEnum):
    """Why a report can never become evidence; the last part of the problem type in the API."""

    NOT_A_NOTIFICATION = "not_a_notification"
    SOLICITED = "solicited"
    NO_TRUSTWORTHY_ADDRESS = "no_trustworthy_address"
    BAD_ADDRESS_CLASS = "bad_address_class"
    TOO_COMPLEX = "too_complex"
    STALE = "stale"
    FUTURE = "future"
    UNEXPANDED_PLACEHOLDER = "unexpanded_placeholder"
    SOLE_CAUSE_IS_LISTING = "sole_cause_is_listing"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What the operator registered for a reporter; it decides whom we believe about the address.

    border_hosts: names that the reporter's own MXs write after `by` in Received, lower case.
    internal_hosts: further own hosts that may stamp above the border host. own_networks and
    forwarders: networks that are never charged. accept_special: documentation and private addresses
    are taken (zones under `.test`, tests of the corpora).

    prvs_keys, srs_keys: the keys that sign his envelope senders. own_domains: domains he sends mail for,
    lower case; bounce_domains: domains that only take the bounces of his own mailings. All optional.
    """

    border_hosts: frozenset[str] = frozenset()
    internal_hosts: frozenset[str] = frozenset()
    own_networks: tuple[Network, ...] = ()
    forwarders: tuple[Network, ...] = ()
    accept_special: bool = False
    prvs_keys: tuple[bytes, ...] = dataclasses.field(default=(), repr=False)
    srs_keys: tuple[bytes, ...] = dataclasses.field(default=(), repr=False)
    own_domains: frozenset[str] = frozenset()
    bounce_domains: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What the reporter attests beside or instead of the mail. None means: not said.

    observed_at: aware UTC. cause_is_listing: the mail was refused only because our zone lists the host.
    forwarded: a person of the reporter's forwarded the notification by hand, attached to his mail; only
    then is the attached mail judged, since anybody could send a mail of that form to an address that a
    program submits from. recipient: the envelope recipient, to look for a signed address; used while
    judging and never kept.
    """

    recipient_class: RecipientClass = RecipientClass.UNKNOWN
    client_ip: Address | None = None
    observed_at: dt.datetime | None = None
    null_sender: bool | None = None
    kind: Kind | None = None
    recipient_token: str | None = None
    original_key: str | None = None
    original_recipient_match: bool | None = None
    lookback_days: int | None = None
    digest: str | None = None
    helo: str | None = None
    cause_is_listing: bool = False
    forwarded: bool = False
    recipient: str | None = dataclasses.field(default=None, repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The result for one report. `refusal` set: nothing of it is stored as evidence.

    strength: min(attestation, provenance) less defects, 0 to 5. original: bytes that identify the mail
    that was returned (its Message-ID, or the reporter's key); the store keeps only an HMAC of them,
    None if unknown. software: guessed mail server of the emitter. status: enhanced code `d.d.d`.
    reasons and defects: stable words, never text out of the mail.
    """

    kind: Kind
    verdict: Verdict
    refusal: Refusal | None = None
    emitter: Address | None = None
    provenance: Provenance = Provenance.P0
    attestation: Attestation = Attestation.U0
    strength: int = 0
    observed_at: dt.datetime | None = None
    original: bytes | None = None
    software: str | None = None
    status: str | None = None
    reporting_mta: str | None = None
    helo: str | None = None
    reasons: tuple[str, ...] = ()
    defects: tuple[str, ...] = ()
