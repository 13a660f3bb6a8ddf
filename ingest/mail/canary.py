"""Submitted canaries: which one a mail is, and what judging it showed (`feed.domain.canary` makes them)."""

import dataclasses
from typing import Final

from feed.domain.address import Address, canonical
from feed.domain.canary import FIELD, FORGED_V4, FORGED_V6, NAMES, Finding
from feed.domain.event import Provenance
from ingest.mail import limits
from ingest.mail.judgement import Claim, Judgement
from ingest.mail.skeleton import Headers, read_skeleton

LARGEST: Final = 64 * 1024
"""Bytes of a canary as it is stored: ours are 3 KB, and servers add fields."""
CLAIM: Final = Claim(null_sender=True)
"""With what a canary is judged: it must say the address by itself, whatever the reporter claims beside it."""

_MARK: Final = f"{FIELD}:".lower().encode()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """What a mail that calls itself a canary says of itself: the token of its run, and which of its mails."""

    token: str
    name: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one submitted canary; found: the address that judging returned.

    keeps_foreign_results: the server left in place an Authentication-Results field in its own name that it
    did not write (RFC 8601 section 5 says it must not); we never read that field, others do.
    """

    finding: Finding
    found: Address | None = None
    keeps_foreign_results: bool = False


def name_of(message: bytes) -> Name | None:
    """Return what a canary says of itself, None for any other mail. Cheap for those. Never raises."""
    if len(message) > LARGEST or _MARK not in message.lower():
        return None
    headers = _headers_of(message)
    token, _, name = (headers.get(FIELD.lower()) if headers else "").partition(" ")
    return Name(token=token, name=name.strip()) if token and name.strip() in NAMES else None


def result_of(message: bytes, judgement: Judgement, *, expected: Address, authserv_id: str) -> Result:
    """Compare what judging `message` with `CLAIM` gave with the address that sent it. Never raises."""
    found = judgement.emitter if judgement.provenance >= Provenance.P2 else None
    if found is None:
        finding = Finding.NO_ADDRESS
    elif found == canonical(expected):
        finding = Finding.KNOWN_ADDRESS
    else:
        finding = Finding.FORGED_ADDRESS if found in (FORGED_V4, FORGED_V6) else Finding.OTHER_ADDRESS
    headers = _headers_of(message)
    foreign = any(
        value.lower().startswith(f"{authserv_id};") and (str(FORGED_V4) in value or str(FORGED_V6) in value)
        for value in (headers.all("authentication-results") if headers else ())
    )
    return Result(finding=finding, found=found, keeps_foreign_results=foreign)


def _headers_of(message: bytes) -> Headers | None:
    try:
        return read_skeleton(limits.prescan(message).message).headers
    except limits.TooComplexError:
        return None
