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
from collections.abc import Collection
from typing import Final

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

_VERSIONS: Final = {"v4": FORGED_V4, "v6": FORGED_V6}
NAMES: Final = (*(f"{shape}-{version}" for shape in _SHAPES for version in _VERSIONS), "plain")
"""The mails of a run: one for each way of writing Received and each IP version, and one without forgery."""


class CanaryError(ValueError):
    """A canary cannot be made of these values; the message says why."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """One mail to send. helo: what to say in EHLO; the envelope sender is empty."""

    name: str
    helo: str
    message: bytes


class Finding(enum.StrEnum):
    """What a submitted canary showed, from the pass to the worst."""

    KNOWN_ADDRESS = "known_address"
    NO_ADDRESS = "no_address"
    OTHER_ADDRESS = "other_address"
    FORGED_ADDRESS = "forged_address"

    @property
    def badness(self) -> int:
        """0 for the pass; a mail that was submitted twice counts as the worse of both."""
        return list(Finding).index(self)

    @property
    def phrase(self) -> str:
        """What it means for the registration, for people."""
        return _PHRASES[self]


_PHRASES: Final = {
    Finding.KNOWN_ADDRESS: "right: the sending address was found",
    Finding.NO_ADDRESS: "no address: no registered border host wrote a Received field that could be read",
    Finding.OTHER_ADDRESS: "another address: something stands in front of the border host, or forwards to it",
    Finding.FORGED_ADDRESS: "a forged address was believed: the border host writes no Received field",
}


def make_canaries(
    *,
    recipient: str,
    sender_host: str,
    border_hosts: Collection[str],
    internal_hosts: Collection[str] = (),
    authserv_id: str,
    token: str,
    at: dt.datetime,
) -> tuple[Canary, ...]:
    """Return the mails to send to `recipient`; send each over IPv4, and over IPv6 if there is any.

    sender_host: the name of the sending machine. border_hosts, internal_hosts: as registered. token: 8 to
    80 letters or digits, new for each run. at: aware. Raises `CanaryError`.
    """
    hosts = sorted({*border_hosts, *internal_hosts})
    if not border_hosts:
        raise CanaryError("no border host is registered, so nothing could pass")
    if not _TOKEN.fullmatch(token):
        raise CanaryError("the token must be 8 to 80 letters, digits, - or _")
    if any(not _HOST.fullmatch(name) for name in (*hosts, sender_host, authserv_id)):
        raise CanaryError("host names and the authserv-id must be plain names in lower case")
    if not re.fullmatch(r"[^\s<>@]{1,64}@[A-Za-z0-9.-]{1,253}", recipient):
        raise CanaryError("the recipient must be one mail address")
    made = []
    for shape in _SHAPES:
        for version, forged in _VERSIONS.items():
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
