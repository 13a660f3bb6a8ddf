"""Signed envelope senders: their syntaxes, and whether a notification came to one that we can verify.

A bounce to an address that the reporter signed himself answers his own mail (evidence.md 2.4). BATV prvs
(draft-levine-smtp-batv) and SRS are verified with the reporter's keys; the private forms of btv1, msprvs1
and SES are recognised only.
"""

import base64
import dataclasses
import datetime as dt
import enum
import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Final


class TagState(enum.IntEnum):
    """What is known of a tag; the higher decides where a mail shows several."""

    UNVERIFIED = 1
    BAD = 2
    EXPIRED = 3
    VALID = 4


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A tag in an address. scheme: prvs, btv1, msprvs1, srs or ses."""

    scheme: str
    state: TagState


PRVS_PERIOD: Final = 1000
"""Days after which the day number of prvs begins again."""
PRVS_AHEAD: Final = 100
"""A tag ends so many days ahead at most: implementations sign for 7 days, some for a month."""
SRS_PERIOD: Final = 1024
"""Days after which the day number of SRS begins again: two base32 digits."""
SRS_DAYS: Final = 21
"""An SRS address is good for so long; the number that libsrs2 and postsrsd use."""
_SRS_LEAST_HASH: Final = 4
"""Characters of base64 that an SRS hash has at least: fewer could be guessed."""

_ADDRESS: Final = re.compile(r"([^\s<>\"@,;:]{1,250})@([A-Za-z0-9.-]{1,253})")
_PRVS: Final = re.compile(r"prvs=([0-9])([0-9]{3})([0-9a-f]{6})=(.+)", re.IGNORECASE)
_PRVS_AFTER: Final = re.compile(r"prvs=([^=]+)=([0-9])([0-9]{3})([0-9a-f]{6})", re.IGNORECASE)
_SRS0: Final = re.compile(r"srs0[=+-]([^=]{1,40})=([a-z2-7]{2})=([^=]{1,253})=(.+)", re.IGNORECASE)
_SRS1: Final = re.compile(r"srs1[=+-]([^=]{1,40})=([^=]{1,253})=([=+-].+)", re.IGNORECASE)
_OTHERS: Final = (
    ("btv1", re.compile(r"btv1==[^=]{1,40}==.+", re.IGNORECASE)),
    ("msprvs1", re.compile(r"msprvs1=[^=]{1,80}=.+", re.IGNORECASE)),
    ("prvs", re.compile(r"(?:prvs|bprvs)=[^=]{4,40}=.+", re.IGNORECASE)),
    ("ses", re.compile(r"ses=[^=]{4,80}=.+", re.IGNORECASE)),
    ("srs", re.compile(r".{1,80}\+srs=[^=]{2,40}=[a-z2-7]{2}=.+", re.IGNORECASE)),
)
_BASE32: Final = {letter: number for number, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")}


def addresses_in(text: str, most: int = 5) -> list[tuple[str, str]]:
    """Return local part and domain of the first addresses in `text`, as they are written."""
    found = []
    for match in _ADDRESS.finditer(text):
        found.append((match[1], match[2].rstrip(".")))
        if len(found) >= most:
            break
    return found


def read_tag(
    local: str, domain: str, *, prvs_keys: Iterable[bytes], srs_keys: Iterable[bytes], at: dt.datetime
) -> Tag | None:
    """Return the tag of an address, None if it bears none. `at`: when the notification came, aware."""
    day = int(at.timestamp() // 86400)
    match = _PRVS.fullmatch(local)
    if match:
        return _prvs(match[1] + match[2], match[3], f"{match[4]}@{domain}", keys=prvs_keys, day=day)
    match = _PRVS_AFTER.fullmatch(local)
    if match:
        return _prvs(match[2] + match[3], match[4], f"{match[1]}@{domain}", keys=prvs_keys, day=day)
    match = _SRS0.fullmatch(local)
    if match:
        return _srs(match[1], (match[2], match[3], match[4]), keys=srs_keys, age=_srs_age(match[2], day))
    match = _SRS1.fullmatch(local)
    if match:
        return _srs(match[1], (match[2], match[3]), keys=srs_keys, age=0)  # it bears no day of ours
    for scheme, pattern in _OTHERS:
        if pattern.fullmatch(local):
            return Tag(scheme=scheme, state=TagState.UNVERIFIED)
    return None


def prvs_signature(key: bytes, prefix: str, address: str) -> str:
    """Return the six hex digits that sign `address`; prefix: key number and expiry day, `KDDD`."""
    return hmac.new(key, (prefix + address).encode("utf-8", "replace"), hashlib.sha1).hexdigest()[:6]


def _prvs(prefix: str, signature: str, address: str, *, keys: Iterable[bytes], day: int) -> Tag:
    """Verify: upper and lower case are taken alike, since mail servers change both."""
    keys = tuple(keys)
    if not keys:
        return Tag(scheme="prvs", state=TagState.UNVERIFIED)
    local, _, domain = address.rpartition("@")
    written = {address, f"{local}@{domain.lower()}", address.lower()}  # who signs may fold, who answers too
    good = any(
        hmac.compare_digest(prvs_signature(key, prefix, text), signature.lower())
        for key in keys
        for text in sorted(written)
    )
    if not good:
        return Tag(scheme="prvs", state=TagState.BAD)
    fresh = (int(prefix[1:]) - day) % PRVS_PERIOD <= PRVS_AHEAD
    return Tag(scheme="prvs", state=TagState.VALID if fresh else TagState.EXPIRED)


def srs_signature(key: bytes, fields: tuple[str, ...]) -> str:
    """Return the base64 of the hash over the joined fields in lower case, in full length (libsrs2)."""
    digest = hmac.new(key, "".join(fields).lower().encode("utf-8", "replace"), hashlib.sha1).digest()
    return base64.b64encode(digest).decode("ascii")


def srs_signature_of_exim(key: bytes, fields: tuple[str, ...]) -> str:
    """Return the hex digits by which Exim's own `srs_encode` signs the address inside."""
    _, domain, local = fields
    return hmac.new(key, f"{local}@{domain}".lower().encode("utf-8", "replace"), hashlib.md5).hexdigest()


def _srs(hashed: str, fields: tuple[str, ...], *, keys: Iterable[bytes], age: int) -> Tag:
    keys = tuple(keys)
    if not keys:
        return Tag(scheme="srs", state=TagState.UNVERIFIED)
    signed = [srs_signature(key, fields) for key in keys]
    if len(fields) == len(("day", "domain", "local part")):
        signed += [srs_signature_of_exim(key, fields) for key in keys]
    said = hashed.lower().encode("utf-8", "replace")
    good = len(hashed) >= _SRS_LEAST_HASH and any(
        hmac.compare_digest(text[: len(hashed)].lower().encode(), said) for text in signed
    )
    if not good:
        return Tag(scheme="srs", state=TagState.BAD)
    return Tag(scheme="srs", state=TagState.VALID if age <= SRS_DAYS else TagState.EXPIRED)


def _srs_age(stamp: str, day: int) -> int:
    """Return how many days ago an SRS time stamp was made."""
    high, low = (_BASE32[letter] for letter in stamp.upper())
    return (day - (high * 32 + low)) % SRS_PERIOD
