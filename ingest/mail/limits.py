"""What one mail may cost us: limits checked on the raw bytes, before anything is parsed.

The figures in the comments are the largest seen in about 940 real notifications and 2,750 ordinary
mails (evidence.md 6.2): every limit leaves room above them, and none lets a hostile mail cost more than
a long honest one.
"""

import dataclasses
import re
from typing import Final

MESSAGE_BYTES: Final = 256 * 1024
"""More is cut off: what identifies a notification stands at its beginning. Largest seen: 73 kB."""
HEADER_BLOCK_BYTES: Final = 64 * 1024
"""Header block of the notification itself. Largest seen: 15 kB."""
HEADER_FIELDS: Final = 250
"""Fields of one header block. Largest seen: 82; hosted Exchange with several ARC sets comes near 150."""
FIELD_BYTES: Final = 8 * 1024
"""One field is cut here. Largest seen: 1.8 kB."""
RECEIVED_FIELDS: Final = 50
"""Received fields that are read, top down. Largest seen: 14; servers call more than 50 to 100 a loop."""
RECEIVED_BYTES: Final = 2 * 1024
"""One Received field is read so far; the address stands in its first line."""
RECEIVED_TOKENS: Final = 200
"""Words and brackets of one Received field; rspamd stops at 64 clauses for the same reason."""
NESTED_TYPES: Final = 32
"""How often `boundary=`, and a multipart or message Content-Type, may occur. Parts seen: 22."""
DEPTH: Final = 10
"""Multiparts inside each other. Deepest seen: 7."""
PARTS: Final = 64
"""MIME parts in all. Most seen: 22."""
PART_HEADER_BYTES: Final = 16 * 1024
"""Header block of one part; also what is read of a returned header."""
STATUS_BLOCKS: Final = 50
"""Recipients of a delivery status that are read: the kind is clear long before."""
STATUS_BYTES: Final = 64 * 1024
"""Bytes of a delivery status that are read."""
TEXT_BYTES: Final = 16 * 1024
"""Bytes of the human-readable part in which marks are looked for."""
RETURNED_TEXT_BYTES: Final = 64 * 1024
"""Bytes of a text part in which a returned header block is looked for."""
RETURNED_LINES: Final = 1000
"""Lines of that; amavisd-new reads 200 to 1000."""
ENCODED_WORDS: Final = 20
"""Encoded words of one field that are decoded; 20,000 of them are an attack on decoders."""
SUBJECT_CHARACTERS: Final = 400
"""Characters of a decoded subject, or of an address field, in which marks are looked for."""
HOST_NAME_BYTES: Final = 255
"""A host name in DNS (RFC 1035 section 2.3.4); stored names are cut here."""

_NESTING: Final = re.compile(
    rb"^content-type:[ \t]*(?:\n[ \t]+)?(?:multipart|message)/", re.IGNORECASE | re.MULTILINE
)
_BOUNDARY: Final = re.compile(rb"boundary[ \t]*\*?0?\*?=", re.IGNORECASE)


class TooComplexError(Exception):
    """The mail exceeds a limit; `limit` is the stable word for which one."""

    def __init__(self, limit: str) -> None:
        super().__init__(limit)
        self.limit = limit


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Prescan:
    """The bytes that may be parsed: line ends are LF, no NUL, no byte order mark, not too long."""

    message: bytes
    defects: tuple[str, ...]


def prescan(message: bytes) -> Prescan:
    """Return `message` made safe to split, or raise `TooComplexError`. Linear in the bytes read.

    Lone CRs are line ends only in a mail that has more of them than LFs (kept by old Macintosh software);
    elsewhere they are blanks, so that they cannot open a new header field.
    """
    defects: list[str] = []
    if len(message) > MESSAGE_BYTES:
        message = message[:MESSAGE_BYTES]
        defects.append("cut")
    if message.startswith(b"\xef\xbb\xbf"):
        message = message[3:]
        defects.append("byte_order_mark")
    if b"\0" in message:
        message = message.replace(b"\0", b"")
        defects.append("nul")
    if b"\r" in message:
        message, lone = _unix_lines(message)
        if lone:
            defects.append("bare_cr")
    message = _without_envelope_line(message.lstrip(b"\n"))
    if _more_than(_BOUNDARY, message, NESTED_TYPES) or _more_than(_NESTING, message, NESTED_TYPES):
        raise TooComplexError("nested_types")
    return Prescan(message=message, defects=tuple(defects))


def _unix_lines(message: bytes) -> tuple[bytes, bool]:
    """Return `message` with LF line ends, and whether it had lone CRs."""
    message = message.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n")
    lone = message.count(b"\r")
    if not lone:
        return message, False
    return message.replace(b"\r", b"\n" if lone > message.count(b"\n") else b" "), True


def _without_envelope_line(message: bytes) -> bytes:
    """Drop the `From ` line that mbox files and delivery agents put before the header."""
    if message.startswith((b"From ", b">From ")):
        end = message.find(b"\n")
        return message[end + 1 :] if end >= 0 else b""
    return message


def _more_than(pattern: re.Pattern[bytes], message: bytes, limit: int) -> bool:
    return any(number >= limit for number, _ in enumerate(pattern.finditer(message)))
