"""Canary mails: sent from a known address, they show whether a reporter's border hop can be believed.

The operator sends each of them by SMTP, from an address he knows, to a reporter, who submits what his
server stored. Only if judging returns the known address was the registration right (evidence.md 3.2): the
forged fields below would show a border host that does not stamp, a proxy or NAT in front of it, a forwarder,
or a wrong name. Everything forged is from documentation space, so that no mistake can charge anybody.
"""

import dataclasses
import datetime as dt
import email.utils
import enum
import ipaddress
import re
from typing import Final

from feed.domain.address import Address, canonical
from feed.domain.event import Provenance
from ingest.mail import limits
from ingest.mail.judge import judge
from ingest.mail.judgement import Claim, Registration
from ingest.mail.skeleton import Headers, read_skeleton

FORGED_V4: Final = ipaddress.IPv4Address("198.51.100.66")
FORGED_V6: Final = ipaddress.IPv6Address("2001:db8:bad::66")
FIELD: Final = "X-Backscatter-Canary"
"""Names the canary: its token and its name, by which a submitted mail is found again."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{8,80}")
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_SHAPES: Final = {
    "postfix": "from {helo} (mail.forged.example [{literal}]) by {host} (Postfix) with ESMTPS id 4X for {to}",
    "exim": "from mail.forged.example ([{ip}]:4711 helo={helo}) by {host} with esmtps (Exim 4.97) id 1aB-2c",
    "exchange": "from {helo} ({ip}) by {host} (192.0.2.1) with Microsoft SMTP Server id 15.1.225.42",
    "qmail": "from unknown (HELO {helo}) ({ip}) by {host} with SMTP",
}


class CanaryError(ValueError):
    """A canary cannot be made of these values; the message says why."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """One mail to send. helo: what to say in EHLO; the envelope sender is empty."""

    name: str
    helo: str
    message: bytes


class Finding(enum.StrEnum):
    """What a submitted canary showed. Only KNOWN_ADDRESS is a pass."""

    KNOWN_ADDRESS = "known_address"
    FORGED_ADDRESS = "forged_address"
    OTHER_ADDRESS = "other_address"
    NO_ADDRESS = "no_address"
    NOT_THIS_CANARY = "not_this_canary"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one submitted canary; name: which one, found: the address that judging returned.

    keeps_foreign_results: the server left in place an Authentication-Results field in its own name that it
    did not write (RFC 8601 section 5 says it must not); we never read that field, others do.
    """

    name: str | None
    finding: Finding
    found: Address | None = None
    keeps_foreign_results: bool = False

    @property
    def passed(self) -> bool:
        """Whether the known address was returned, as the border host's own word."""
        return self.finding is Finding.KNOWN_ADDRESS


def make_canaries(
    *,
    recipient: str,
    sender_host: str,
    registration: Registration,
    authserv_id: str,
    token: str,
    at: dt.datetime,
) -> tuple[Canary, ...]:
    """Return the mails to send to `recipient`; send each over IPv4, and over IPv6 if there is any.

    sender_host: the name of the sending machine. token: 8 to 80 letters or digits, new for each run. at:
    aware. Raises `CanaryError`.
    """
    hosts = sorted(registration.border_hosts | registration.internal_hosts)
    if not registration.border_hosts:
        raise CanaryError("no border host is registered, so nothing could pass")
    if not _TOKEN.fullmatch(token):
        raise CanaryError("the token must be 8 to 80 letters, digits, - or _")
    if any(not _HOST.fullmatch(name) for name in (*hosts, sender_host, authserv_id)):
        raise CanaryError("host names and the authserv-id must be plain names in lower case")
    if not re.fullmatch(r"[^\s<>@]{1,64}@[A-Za-z0-9.-]{1,253}", recipient):
        raise CanaryError("the recipient must be one mail address")
    made = []
    for shape in _SHAPES:
        for version, forged in (("v4", FORGED_V4), ("v6", FORGED_V6)):
            name = f"{shape}-{version}"
            literal = f"IPv6:{forged}" if forged.version == 6 else str(forged)  # noqa: PLR2004
            fields = _forged(shape, str(forged), literal, hosts=hosts, recipient=recipient, at=at)
            fields += _forged_results(authserv_id, str(forged))
            fields += _own(name, token, sender_host=sender_host, recipient=recipient, at=at)
            made.append(Canary(name=name, helo=f"[{literal}]", message=_mail(fields, sender_host)))
    plain = _own("plain", token, sender_host=sender_host, recipient=recipient, at=at)
    made.append(Canary(name="plain", helo=sender_host, message=_mail(plain, sender_host)))
    return tuple(made)


def _forged(
    shape: str, ip: str, literal: str, *, hosts: list[str], recipient: str, at: dt.datetime
) -> list[tuple[str, str]]:
    """Return the fields that a liar would put below the border hop, one for each registered host."""
    date = email.utils.format_datetime(at)
    return [("Return-Path", "<>"), ("Delivered-To", recipient)] + [
        (
            "Received",
            _SHAPES[shape].format(helo=f"[{literal}]", ip=ip, literal=literal, host=host, to=f"<{recipient}>")
            + f"; {date}",
        )
        for host in hosts
    ]


def _forged_results(authserv_id: str, ip: str) -> list[tuple[str, str]]:
    return [
        ("Authentication-Results", f"{authserv_id}; spf=fail smtp.remote-ip={ip} smtp.mailfrom=postmaster"),
        ("Received-SPF", f"Fail (canary) client-ip={ip}; receiver={authserv_id}"),
        ("X-Originating-IP", f"[{ip}]"),
    ]


def _own(
    name: str, token: str, *, sender_host: str, recipient: str, at: dt.datetime
) -> list[tuple[str, str]]:
    return [
        (FIELD, f"{token} {name}"),
        ("From", f"Mail Delivery System <mailer-daemon@{sender_host}>"),
        ("To", f"<{recipient}>"),
        ("Subject", "Undelivered Mail Returned to Sender"),
        ("Auto-Submitted", "auto-replied"),
        ("Date", email.utils.format_datetime(at)),
        ("Message-ID", f"<{token}.{name}@{sender_host}>"),
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=us-ascii"),
    ]


def _mail(fields: list[tuple[str, str]], sender_host: str) -> bytes:
    body = (
        f"This is a test of how this server notes where mail comes from, sent by {sender_host}.\r\n"
        "It has the form of a bounce: a message could not be delivered. Nothing was lost.\r\n"
    )
    return ("".join(f"{name}: {value}\r\n" for name, value in fields) + "\r\n" + body).encode()


def check_canary(
    message: bytes,
    *,
    expected: Address,
    token: str,
    registration: Registration,
    authserv_id: str,
    now: dt.datetime,
) -> Result:
    """Judge a canary as the reporter submitted it, and compare with the address that sent it.

    The mail must say the address by itself: what a reporter claims beside it plays no part. Never raises.
    """
    name = _name_of(message, token)
    if name is None:
        return Result(name=None, finding=Finding.NOT_THIS_CANARY)
    judgement = judge(message, registration=registration, claim=Claim(null_sender=True), now=now)
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
    return Result(name=name, finding=finding, found=found, keeps_foreign_results=foreign)


def _name_of(message: bytes, token: str) -> str | None:
    headers = _headers_of(message)
    said, _, name = (headers.get(FIELD.lower()) if headers else "").partition(" ")
    return name.strip()[:80] if name and said == token else None


def _headers_of(message: bytes) -> Headers | None:
    try:
        return read_skeleton(limits.prescan(message).message).headers
    except limits.TooComplexError:
        return None
