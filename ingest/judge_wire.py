"""What goes over the pipes between the server and the children that judge: JSON, and the mail as bytes.

A frame to a child is two lengths (4 bytes each, big endian), the question as JSON, the mail; one from a
child is a length and the judgement as JSON. Not pickle: a child that a mail has taken over must not be
able to make the server run anything.
"""

import dataclasses
import datetime as dt
import functools
import json
import struct
from typing import Any, Final

from feed.domain.address import parse_address, parse_network
from feed.domain.event import Attestation, Kind, Provenance, RecipientClass, Verdict
from ingest.mail.judgement import Claim, Judgement, Refusal, Registration

QUESTION: Final = struct.Struct(">II")
ANSWER: Final = struct.Struct(">I")
LONGEST_ANSWER: Final = 64 * 1024
"""Bytes of a judgement: it is words and codes. A child that sends more is broken."""


class WireError(Exception):
    """A frame is not what it should be."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One mail to judge, with everything that judging needs. now: aware."""

    message: bytes
    registration: Registration
    claim: Claim
    now: dt.datetime


def encode_question(question: Question) -> bytes:
    """Return the frame that asks a child."""
    registration = question.registration
    values: dict[str, Any] = {
        "registration": json.dumps(
            [
                sorted(registration.border_hosts),
                sorted(registration.internal_hosts),
                [str(network) for network in registration.own_networks],
                [str(network) for network in registration.forwarders],
                registration.accept_special,
                [key.hex() for key in registration.prvs_keys],
                [key.hex() for key in registration.srs_keys],
                sorted(registration.own_domains),
                sorted(registration.bounce_domains),
            ]
        ),
        "claim": {name: value for name, value in _claim_values(question.claim).items() if value is not None},
        "now": question.now.isoformat(),
    }
    text = json.dumps(values, separators=(",", ":")).encode()
    return QUESTION.pack(len(text), len(question.message)) + text + question.message


def _claim_values(claim: Claim) -> dict[str, Any]:
    return {
        "recipient_class": int(claim.recipient_class),
        "client_ip": str(claim.client_ip) if claim.client_ip is not None else None,
        "observed_at": claim.observed_at.isoformat() if claim.observed_at is not None else None,
        "null_sender": claim.null_sender,
        "kind": int(claim.kind) if claim.kind is not None else None,
        "recipient_token": claim.recipient_token,
        "original_key": claim.original_key,
        "original_recipient_match": claim.original_recipient_match,
        "lookback_days": claim.lookback_days,
        "digest": claim.digest,
        "helo": claim.helo,
        "cause_is_listing": claim.cause_is_listing,
        "forwarded": claim.forwarded,
        "recipient": claim.recipient,
    }


def decode_question(text: bytes, message: bytes) -> Question:
    """Return the question of a frame that the server made."""
    values = json.loads(text)
    claim = values["claim"]
    claim["recipient_class"] = RecipientClass(claim["recipient_class"])
    if "client_ip" in claim:
        claim["client_ip"] = parse_address(claim["client_ip"])
    if "observed_at" in claim:
        claim["observed_at"] = dt.datetime.fromisoformat(claim["observed_at"])
    if "kind" in claim:
        claim["kind"] = Kind(claim["kind"])
    return Question(
        message=message,
        registration=_registration(values["registration"]),
        claim=Claim(**claim),
        now=dt.datetime.fromisoformat(values["now"]),
    )


@functools.lru_cache(maxsize=64)
def _registration(text: str) -> Registration:
    border, internal, own, forwarders, accept_special, prvs, srs, domains, bounces = json.loads(text)
    return Registration(
        border_hosts=frozenset(border),
        internal_hosts=frozenset(internal),
        own_networks=tuple(parse_network(network) for network in own),
        forwarders=tuple(parse_network(network) for network in forwarders),
        accept_special=accept_special,
        prvs_keys=tuple(map(bytes.fromhex, prvs)),
        srs_keys=tuple(map(bytes.fromhex, srs)),
        own_domains=frozenset(domains),
        bounce_domains=frozenset(bounces),
    )


def encode_judgement(judgement: Judgement) -> bytes:
    """Return the frame that answers; words that are too many or too long are a broken judge."""
    values = {
        "kind": int(judgement.kind),
        "verdict": int(judgement.verdict),
        "refusal": judgement.refusal.value if judgement.refusal is not None else None,
        "emitter": str(judgement.emitter) if judgement.emitter is not None else None,
        "provenance": int(judgement.provenance),
        "attestation": int(judgement.attestation),
        "strength": judgement.strength,
        "observed_at": judgement.observed_at.isoformat() if judgement.observed_at is not None else None,
        "original": judgement.original.hex() if judgement.original is not None else None,
        "software": judgement.software,
        "status": judgement.status,
        "reporting_mta": judgement.reporting_mta,
        "helo": judgement.helo,
        "reasons": judgement.reasons,
        "defects": judgement.defects,
    }
    text = json.dumps(values, separators=(",", ":")).encode()
    return ANSWER.pack(len(text)) + text


def decode_judgement(text: bytes) -> Judgement:
    """Return the judgement of a child's frame; raises `WireError` for anything that is none."""
    try:
        values = json.loads(text)
        emitter, observed_at, original = values["emitter"], values["observed_at"], values["original"]
        return Judgement(
            kind=Kind(values["kind"]),
            verdict=Verdict(values["verdict"]),
            refusal=Refusal(values["refusal"]) if values["refusal"] is not None else None,
            emitter=parse_address(emitter) if emitter is not None else None,
            provenance=Provenance(values["provenance"]),
            attestation=Attestation(values["attestation"]),
            strength=int(values["strength"]),
            observed_at=dt.datetime.fromisoformat(observed_at) if observed_at is not None else None,
            original=bytes.fromhex(original) if original is not None else None,
            software=_word(values["software"]),
            status=_word(values["status"]),
            reporting_mta=_word(values["reporting_mta"]),
            helo=_word(values["helo"]),
            reasons=tuple(map(str, values["reasons"])),
            defects=tuple(map(str, values["defects"])),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise WireError("a judge answered something that is no judgement") from None


def _word(value: object) -> str | None:
    return str(value) if value is not None else None
