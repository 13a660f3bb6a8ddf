"""The facts of one notification as stored by the own mail server, without its content.

Line by line on cut bytes, no MIME: the parts that matter (own header, returned header) are lines in every
notification that is not encoded, and what is encoded is left `unknown`. The address comes only from the
Received field that a registered border host wrote, reached through fields of registered own hosts
(evidence.md 3).
"""

import dataclasses
import email.utils
import re
from typing import Final

_HEADER_BYTES: Final = 64 * 1024
_MOST_FIELDS: Final = 200
_MOST_FOUND: Final = 20

_FIELD: Final = re.compile(rb"([!-9;-~]{1,80}):[ \t]*([^\n]*(?:\n[ \t][^\n]*){0,60})\n?")
_BY: Final = re.compile(rb"from\s[^;]{0,2000}?\sby\s+([\w.-]{1,255})[\s;]", re.DOTALL)
_CLIENT: Final = (
    # Postfix: from HELO (NAME [ADDRESS]) by HOST
    re.compile(rb"from\s+[^\s()]{1,255}\s+\((?:[\w.-]{1,255}\s+)?\[(?:IPv6:)?([0-9A-Fa-f.:]{2,45})\]\)\s"),
    # Exim: from NAME ([ADDRESS] helo=HELO), from [ADDRESS] (helo=HELO)
    re.compile(
        rb"from\s+[\w.-]{1,255}\s+\(\[([0-9A-Fa-f.:]{2,45})\](?::\d{1,5})?(?:\s+(?:helo|ident)=[^\s()]{1,255}){0,2}\)\s"
    ),
    re.compile(
        rb"from\s+\[([0-9A-Fa-f.:]{2,45})\](?::\d{1,5})?\s+(?:\((?:helo|ident)=[^()]{1,300}\)\s+)?by\s"
    ),
)
_MESSAGE_ID: Final = re.compile(
    rb"^message-id:[ \t]*(?:\n[ \t]+)?<([^<>\s]{1,250})>", re.IGNORECASE | re.MULTILINE
)
_SENDER: Final = re.compile(
    rb"^(?:x-postfix-sender:[ \t]*rfc822;[ \t]*<?|return-path:[ \t]*<|from:[^\n<]{0,200}<|from:[ \t]*)"
    rb"([^\s<>\";]{1,255}@[\w.-]{1,255})",
    re.IGNORECASE | re.MULTILINE,
)
_ACTION: Final = re.compile(rb"^action:[ \t]*([a-z]{1,12})", re.IGNORECASE | re.MULTILINE)
_ACTIONS: Final = {
    b"failed": "dsn_fail", b"error": "dsn_fail", b"delayed": "dsn_delay",
    b"relayed": "dsn_ok", b"delivered": "dsn_ok", b"expanded": "dsn_ok",
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a notification says of itself. kind: word of the API, None: no notification.

    null_sender: None if no Return-Path is there. at: seconds since 1970, from the border host's field.
    """

    kind: str | None
    null_sender: bool | None
    client: bytes | None
    at: int | None
    recipient: bytes | None
    message_id: bytes | None
    originals: tuple[bytes, ...]
    original_senders: tuple[bytes, ...]


def read_notice(mail: bytes, *, border_hosts: frozenset[str], internal_hosts: frozenset[str]) -> Notice:
    """Return the facts of a mail, whatever its bytes; never raises."""
    text = mail.replace(b"\r\n", b"\n")
    head, _, body = text.partition(b"\n\n")
    fields = _fields(head[:_HEADER_BYTES] + b"\n")
    null_sender = _null_sender(fields)
    client, at = _border(fields, border_hosts, internal_hosts)
    own_id = re.fullmatch(rb"<([^<>\s]{1,250})>", _first(fields, b"message-id"))
    found = [one[1] for one, _ in zip(_MESSAGE_ID.finditer(body), range(_MOST_FOUND), strict=False)]
    senders = [one[1] for one, _ in zip(_SENDER.finditer(body), range(_MOST_FOUND), strict=False)]
    recipient = next(
        (
            value
            for name in (b"x-original-to", b"envelope-to", b"delivered-to")
            if (value := _first(fields, name))
        ),
        b"",
    ).strip(b"<>")
    return Notice(
        kind=_kind(fields, body, null_sender=null_sender),
        null_sender=null_sender,
        client=client,
        at=at,
        recipient=recipient if re.fullmatch(rb"[^\s<>]{1,320}", recipient) else None,
        message_id=own_id[1] if own_id else None,
        originals=tuple(dict.fromkeys(found)),
        original_senders=tuple(dict.fromkeys(senders)),
    )


def _fields(head: bytes) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = []
    place = 0
    while len(found) < _MOST_FIELDS and (field := _FIELD.match(head, place)) is not None:
        found.append((field[1].lower(), field[2]))
        place = field.end()
    return found


def _first(fields: list[tuple[bytes, bytes]], name: bytes) -> bytes:
    return next((value.strip() for one, value in fields if one == name), b"")


def _null_sender(fields: list[tuple[bytes, bytes]]) -> bool | None:
    path = _first(fields, b"return-path")
    return None if not path else path == b"<>"


def _border(
    fields: list[tuple[bytes, bytes]], border_hosts: frozenset[str], internal_hosts: frozenset[str]
) -> tuple[bytes | None, int | None]:
    """Return the client's address and the time that the topmost border host wrote, None if none did."""
    for name, value in fields:
        if name != b"received":
            continue
        found = _BY.match(value)
        host = found[1].decode("latin-1").lower() if found is not None else ""
        if host in border_hosts:
            client = next((one[1] for shape in _CLIENT if (one := shape.match(value)) is not None), None)
            return client, _time(value)
        if found is not None and host not in internal_hosts:
            return None, None
    return None, None


def _time(value: bytes) -> int | None:
    try:
        return int(
            email.utils.parsedate_to_datetime(value.rpartition(b";")[2].decode("latin-1")[:80]).timestamp()
        )
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _kind(fields: list[tuple[bytes, bytes]], body: bytes, *, null_sender: bool | None) -> str | None:
    """Return the kind by the strongest sign: the feed judges it again for raw mail, here it is our word."""
    content = _first(fields, b"content-type").lower()
    auto = _first(fields, b"auto-submitted").lower()
    if b"disposition-notification" in content:
        return "mdn"
    if b"feedback-report" in content or b"tlsrpt" in content:
        return None
    if b"delivery-status" in content and (found := _ACTION.search(body)) is not None:
        return _ACTIONS.get(found[1].lower(), "ndr")
    if _first(fields, b"x-failed-recipients"):
        return "ndr"
    if null_sender:
        return "auto" if auto.startswith(b"auto-replied") and not _MESSAGE_ID.search(body) else "ndr"
    return "auto" if auto.startswith(b"auto-replied") else None
