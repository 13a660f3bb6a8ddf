r"""Log lines of Postfix.

Each pattern begins at the first byte of the text and reaches the client's address before anything that a
client can choose, so a forged HELO, sender or recipient can at worst make a line say nothing. Names of
clients are those that Postfix verified in DNS. Postfix writes `?` for every control character.

A notification's original is in the log only where `nested_header_checks` or `body_checks` log it (actions
INFO and WARN): lines `info: header Message-ID: ...` and `info: body Message-ID: ...` of cleanup
(docs/report-postfix.md).
"""

import re
from collections.abc import Callable
from typing import Final

from ingest.report.events import Came, Ended, Event, Refused, Returned, Told, Went

_QUEUE_ID: Final = rb"([0-9A-Za-z]{5,32}): "
_CLIENT: Final = rb"([^\s\[\]<>]{1,255})\[([0-9A-Fa-f.:]{2,45})\](?::\d{1,5})?"

_CAME: Final = re.compile(_QUEUE_ID + rb"client=" + _CLIENT + rb"(?:$|, (sasl_)?)")
_REFUSED: Final = re.compile(
    rb"(?:NOQUEUE|[0-9A-Za-z]{5,32}): reject: RCPT from " + _CLIENT + rb": 55\d 5\.1\.[16] "
    rb'<([^\s<>"]{1,320})>: Recipient address rejected: (?:User unknown|undeliverable address)[^;]{0,300}; '
    rb"from=<> to=<([^\s<>\"]{1,320})> proto=E?SMTP\S{0,8}(?: |$)"
)
_MESSAGE_ID: Final = re.compile(_QUEUE_ID + rb"(?:resent-)?message-id=<([^<>\s]{1,250})>$")
_INFO: Final = re.compile(
    _QUEUE_ID + rb"(?:info|warning): (?:header|body) (?:(message-id):\s*<([^<>\s]{1,250})>"
    rb"|x-postfix-sender:\s*rfc822;\s*<?([^\s<>;\"]{1,320})>?|return-path:\s*<([^\s<>\"]{1,320})>"
    rb"|from:(?:[^<>]{0,150}<|\s*)([^\s<>\"]{1,320}@[^\s<>\"]{1,255})>?)\s* from ",
    re.IGNORECASE,
)
_QUEUED: Final = re.compile(_QUEUE_ID + rb"(?:from=<([^<>]{0,400})>, size=\d{1,15}, nrcpt=\d|(removed)$)")
_PICKED: Final = re.compile(_QUEUE_ID + rb"uid=\d{1,10} from=<([^<>]{0,400})>")
_WENT: Final = re.compile(
    _QUEUE_ID + rb"to=<([^<>]{1,400})>, (?:orig_to=<([^<>]{1,400})>, )?"
    rb"relay=[^\s\[\],]{1,255}(?:\[([^\]\s]{0,100})\])?(?::\d{1,5})?, "
)
_PROGRAM: Final = re.compile(rb"[\w.-]{1,64}(?:/[\w.-]{1,64}){0,2}/([a-z]{2,12})")


def _smtpd(text: bytes) -> Event | None:
    found = _CAME.match(text)
    if found is not None:
        queue_id, name, address, authenticated = found.groups()
        return Came(queue_id, address, name, authenticated is not None)
    found = _REFUSED.match(text)
    if found is None:
        return None
    name, address, refused, recipient = found.groups()
    return Refused(address, name, recipient) if refused == recipient else None


def _cleanup(text: bytes) -> Event | None:
    found = _MESSAGE_ID.match(text)
    if found is not None:
        return Told(found[1], None, found[2])
    found = _INFO.match(text)
    if found is None:
        return None
    if found[2] is not None:
        return Returned(found[1], message_id=found[3])
    return Returned(found[1], sender=found[4] or found[5] or found[6])


def _qmgr(text: bytes) -> Event | None:
    found = _QUEUED.match(text)
    if found is None:
        return None
    queue_id, sender, removed = found.groups()
    return Ended(queue_id) if removed else Told(queue_id, sender)


def _pickup(text: bytes) -> Event | None:
    found = _PICKED.match(text)
    return Came(found[1], None, None, True, found[2]) if found is not None else None


def _delivered(text: bytes) -> Event | None:
    found = _WENT.match(text)
    if found is None:
        return None
    queue_id, recipient, first, relay = found.groups()
    return Went(queue_id, first if first and b"@" in first else recipient, relay)


def _kept(text: bytes) -> Event | None:
    """Return a delivery inside the house: its relay is a socket or a program, never an address."""
    event = _delivered(text)
    return event._replace(relay=None) if isinstance(event, Went) else event


_DAEMONS: Final[dict[bytes, Callable[[bytes], Event | None]]] = {
    b"smtpd": _smtpd,
    b"cleanup": _cleanup,
    b"qmgr": _qmgr,
    b"pickup": _pickup,
    b"smtp": _delivered,
    b"lmtp": _kept,
    b"local": _kept,
    b"virtual": _kept,
    b"pipe": _kept,
}


def parser_of(program: bytes) -> Callable[[bytes], Event | None] | None:
    """Return the parser for a syslog program name such as `postfix/submission/smtpd`, None if not ours."""
    found = _PROGRAM.fullmatch(program)
    return _DAEMONS.get(found[1]) if found is not None else None


def parse(program: bytes, text: bytes) -> Event | None:
    """Return what the text of one entry says, None for all that does not matter; never raises."""
    parser = parser_of(program)
    return parser(text) if parser is not None else None
