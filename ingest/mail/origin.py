"""Where the notification came from: whose word for the address, and whether that host only passed it on."""

import dataclasses
from typing import Final

from feed.domain.address import Address, canonical
from feed.domain.event import Kind, Provenance
from ingest.mail.judgement import Claim, Registration
from ingest.mail.reading import Reading
from ingest.mail.returned import in_domains


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The emitter's address and how we know it (ladder P, evidence.md 3.2)."""

    address: Address | None = None
    provenance: Provenance = Provenance.P0
    defects: tuple[str, ...] = ()


def origin_of(claim: Claim, reading: Reading | None) -> Origin:
    """Choose the address: what the reporter's server saw, then his border hop, then an ARF's Source-IP.

    Two of them that differ leave the better one, at P1: one of the two is not what the reporter thinks.
    """
    seen = reading.border.hop.address if reading and reading.border else None
    source = reading.wrapped.source_ip if reading and reading.wrapped else None
    if claim.client_ip is not None:
        said = canonical(claim.client_ip)
        if seen is not None and seen != said:
            return Origin(address=said, provenance=Provenance.P1, defects=("client_ip_differs",))
        return Origin(address=said, provenance=Provenance.P3)
    if seen is None:
        return Origin(address=source, provenance=Provenance.P1) if source is not None else Origin()
    if source is not None and source != seen:
        return Origin(address=seen, provenance=Provenance.P1, defects=("source_ip_differs",))
    return Origin(address=seen, provenance=Provenance.P2)


_LIST_FIELDS: Final = frozenset(
    {
        "list-id",
        "list-post",
        "list-unsubscribe",
        "list-help",
        "list-subscribe",
        "list-archive",
        "list-owner",
    }
)


def passed_on(reading: Reading, registration: Registration) -> tuple[str, ...]:
    """Return why the last hop only passed the notification on (evidence.md 6.1 A10), if it did.

    A delivery status that names an envelope sender of a domain that is not the reporter's was written to
    somebody who forwards his mail here (field-review.md 13). Fields above the border hop were written by
    the reporter's own servers and say nothing of the way here.
    """
    headers = reading.notice.headers
    start = headers.positions("received")[reading.border.position] + 1 if reading.border else 0
    below = headers.fields[start:]
    names = {name for name, _ in below}
    why = []
    if reading.finding.kind is not Kind.LIST and names & _LIST_FIELDS:
        why.append("list_headers")
    if any(name.startswith("resent-") for name in names):
        why.append("resent_headers")
    if any(name.startswith("x-forwarded-") for name in names):
        why.append("forwarded_headers")
    if len({value.lower() for name, value in below if name == "delivered-to"}) > 1:
        why.append("delivered_twice")
    sender = reading.finding.status.sender_domain if reading.finding.status else None
    if registration.own_domains and sender and not in_domains(sender, registration.own_domains):
        why.append("sender_of_another_domain")
    return tuple(why)


def never_charged(address: Address | None, registration: Registration) -> tuple[str, ...]:
    """Return why an address of the reporter's own surroundings is never charged, if it is one."""
    if address is None:
        return ()
    if any(address in network for network in registration.own_networks):
        return ("own_network",)
    if any(address in network for network in registration.forwarders):
        return ("known_forwarder",)
    return ()
