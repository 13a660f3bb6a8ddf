r"""Lines of Exim's main log, without their time stamp.

The address of the client stands in brackets after the verified name and the HELO in parentheses; a HELO
with a space or a line end does not fit the grammar and the line says nothing. Where junk is accepted as
HELO (`helo_accept_junk_hosts`) it could imitate all that follows; the real `) [` then stands there as a
second one, and the line says nothing either. What follows
is read token by token from the left, so nothing is searched inside a field that a client can choose.

A notification's original is in the log only if an ACL writes it (`logwrite = bsf-original <...> sender
<...>`, docs/report-exim.md). Recipients come from `for` (log_selector +received_recipients) or, without
it, from the deliveries.
"""

import re
from typing import Final

from ingest.report.events import Came, Ended, Event, Refused, Returned, Went

_ID: Final = rb"([0-9A-Za-z]{6}-(?:[0-9A-Za-z]{6}-[0-9A-Za-z]{2}|[0-9A-Za-z]{11}-[0-9A-Za-z]{4})) "
_HOST: Final = rb"H=(?:([\w.-]{1,255}) )?(?:\([^()\s]{0,255}\) )?\[([0-9A-Fa-f.:]{2,45})\](?::\d{1,5})?"
_TOKENS: Final = (
    rb'(?: (?:[A-Za-z][\w*]{0,11}=(?:"(?:[^"\\]|\\.){0,2000}"|[^\s"]\S{0,2000})|[A-Z][A-Z0-9-]{0,15}))*'
)

_KIND: Final = re.compile(_ID + rb"(<=|=>|->|\*\*|Completed|bsf-original)(?: |$)")
_CAME: Final = re.compile(
    rb"(<>|[^\s<>\"]{1,400})(?: R=\S{1,40})?(?: "
    + _HOST
    + rb")?(?: [IU]=\S{1,300}){0,2} P=([a-z-]{1,32})("
    + _TOKENS
    + rb")(?: from <[^<>\s]{0,400}>)?(?: for ([^\s\"]{1,400}(?: [^\s\"]{1,400}){0,1000}))?$"
)
_MESSAGE_ID: Final = re.compile(rb" id=([^\s<>\"]{1,250})(?: |$)")
_WENT: Final = re.compile(
    rb"([^\s<>\"]{0,399}[^\s<>\":])(?: <([^\s<>\"]{1,400})>)?(?: [FPRTSI]{1,2}=\S{1,400}){0,6}(?: "
    + _HOST
    + rb")?(?:[ :]|$)"
)
_ORIGINAL: Final = re.compile(rb"<([^<>\s]{0,250})> sender <([^<>\s]{0,320})>$")
_REFUSED: Final = re.compile(
    _HOST + rb'(?: [IUX]=[^\s"]\S{0,300}| CV=\w{1,10}| SNI=[^\s"]\S{0,255}){0,5} F=<> rejected RCPT '
    rb'<?([^\s<>"]{1,320}@[^\s<>"]{1,255})>?: '
    rb"(?:unrouteable address|unknown user|user unknown|no such (?:user|recipient|mailbox|address))",
    re.IGNORECASE,
)
_END_OF_HELO: Final = b") ["
_SYSLOG: Final = re.compile(
    rb"(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,3})?(?: [+-]\d{4})? )?(?:\[\d{1,10}\] )?"
)


def parse(text: bytes) -> Event | None:
    """Return what one entry says, None for all that does not matter; never raises.

    text: after the time stamp; where Exim writes to syslog, a second time stamp and pid are passed over.
    """
    if text[6:7] != b"-":
        text = text[_end_of_stamp(text) :]
    if text.count(_END_OF_HELO) > 1:
        return None
    if text[:2] == b"H=":
        found = _REFUSED.match(text)
        return Refused(found[2], found[1], found[3]) if found is not None else None
    found = _KIND.match(text)
    return _of_mail(found[1], found[2], text[found.end() :]) if found is not None else None


def _of_mail(queue_id: bytes, mark: bytes, rest: bytes) -> Event | None:
    if mark == b"<=":
        return _came(queue_id, rest)
    if mark == b"Completed":
        return Ended(queue_id)
    if mark == b"bsf-original":
        found = _ORIGINAL.match(rest)
        return Returned(queue_id, found[1] or None, found[2] or None) if found is not None else None
    found = _WENT.match(rest)
    if found is None:
        return None
    shown, address, _, relay = found.groups()
    return Went(queue_id, address or shown, relay)


def _end_of_stamp(text: bytes) -> int:
    found = _SYSLOG.match(text)
    return found.end() if found is not None else 0


def _came(queue_id: bytes, rest: bytes) -> Event | None:
    found = _CAME.match(rest)
    if found is None:
        return None
    sender, name, address, protocol, tokens, recipients = found.groups()
    trusted = address is None or (protocol.startswith(b"esmtp") and protocol.endswith(b"a"))
    message_id = _MESSAGE_ID.search(tokens) if tokens.count(b" id=") == 1 and b'"' not in tokens else None
    return Came(
        queue_id,
        address,
        name,
        trusted,
        b"" if sender == b"<>" else sender,
        message_id[1] if message_id is not None else _quoted_id(tokens),
        tuple(recipients.split(b" ")) if recipients else (),
    )


def _quoted_id(tokens: bytes) -> bytes | None:
    """Return the Message-ID where other fields are quoted: the tokens are walked one by one."""
    for token in _TOKEN.findall(tokens):
        if token.startswith(b"id="):
            value: bytes = token[3:]
            return value if len(value) <= _LONGEST_ID and not set(value) & _NOT_IN_ID else None
    return None


_TOKEN: Final = re.compile(rb' ([A-Za-z][\w*]{0,11}=(?:"(?:[^"\\]|\\.){0,2000}"|[^\s"]\S{0,2000}))')
_LONGEST_ID: Final = 250
_NOT_IN_ID: Final = frozenset(b'<>"')
