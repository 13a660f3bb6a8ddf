"""The skeleton of a mail: header fields and MIME parts, split on the bytes, with a bound on everything.

An own splitter instead of the standard library's: that one recurses with the nesting and costs seconds on
hostile mails (evidence.md 6.2), and takes a repeated Content-Type or a lost boundary too literally. Only
multiparts are descended into. What a message/rfc822 part holds is somebody else's mail: it is read as
bytes by `returned` and is never part of the skeleton.
"""

import binascii
import dataclasses
import functools
import re
from collections.abc import Iterator
from typing import Final

from ingest.mail import limits
from ingest.mail.charset import decode_text, decode_words

_FIELD_NAME: Final = re.compile(rb"[!-9;-~]{1,76}[ \t]*:")
_PARAMETER: Final = re.compile(
    r';\s*([A-Za-z0-9_-]{1,32}\*?0?\*?)\s*=\s*(?:"([^"]{0,512})"?|([^\s;"]{1,512}))'
)
_GUESSED_BOUNDARY: Final = re.compile(
    rb"^--([!-~][^\n]{0,199}?)[ \t]*\nContent-", re.IGNORECASE | re.MULTILINE
)
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/]+")
_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,80}/[a-z0-9!#$&^_.+-]{1,80}")


class Headers:
    """Header fields in the order of the mail. Values are unfolded text; names are lower case."""

    __slots__ = ("_index", "fields")

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self.fields = fields
        self._index: dict[str, list[int]] = {}
        for number, (name, _) in enumerate(fields):
            self._index.setdefault(name, []).append(number)

    def __contains__(self, name: str) -> bool:
        return name in self._index

    def any_of(self, names: frozenset[str]) -> bool:
        """Whether one of `names` is there."""
        return not names.isdisjoint(self._index)

    def get(self, name: str) -> str:
        """Return the topmost value of `name`, or an empty text."""
        numbers = self._index.get(name)
        return self.fields[numbers[0]][1] if numbers else ""

    def all(self, name: str) -> list[str]:
        """Return all values of `name`, top down."""
        return [self.fields[number][1] for number in self._index.get(name, ())]

    def positions(self, name: str) -> list[int]:
        """Return where the fields called `name` stand, 0 at the top."""
        return self._index.get(name, [])

    def names(self) -> Iterator[str]:
        """Return each name once."""
        return iter(self._index)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """One MIME part that is not a multipart. content: its bytes as sent, not decoded."""

    headers: Headers
    content_type: str
    parameters: dict[str, str]
    content: bytes

    def decoded(self, most: int) -> bytes:
        """Return at most `most` bytes of the content with its transfer encoding undone."""
        encoding = self.headers.get("content-transfer-encoding").strip().lower()
        if encoding == "base64":
            return _from_base64(self.content[: most * 3 // 2 + 4])[:most]
        if encoding == "quoted-printable":
            return binascii.a2b_qp(self.content[: most * 3])[:most]
        return self.content[:most]

    @functools.cached_property
    def text(self) -> str:
        """The beginning of the content as text, decoded by its charset as far as we know it."""
        return decode_text(self.decoded(limits.TEXT_BYTES), self.parameters.get("charset", ""))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    """A whole mail. parts: its leaves in order; types: every content type met, multiparts too."""

    headers: Headers
    content_type: str
    parameters: dict[str, str]
    parts: tuple[Part, ...]
    types: frozenset[str]
    defects: tuple[str, ...]


def read_skeleton(message: bytes, *, defects: tuple[str, ...] = ()) -> Skeleton:
    """Split a prescanned `message`; raise `limits.TooComplexError` where it exceeds a limit."""
    found = list(defects)
    headers, body = split_headers(message, limits.HEADER_BLOCK_BYTES, found)
    content_type, parameters = content_type_of(headers)
    doubled = len(headers.positions("content-type")) > 1
    if doubled:
        found.append("duplicate_content_type")
        content_type, parameters = "text/plain", {}
    types = {content_type}
    parts = _leaves(
        Part(headers=headers, content_type=content_type, parameters=parameters, content=body), types, found
    )
    return Skeleton(
        headers=headers,
        content_type=content_type,
        parameters=parameters,
        parts=tuple(parts),
        types=frozenset(types),
        defects=tuple(dict.fromkeys(found)),
    )


def _leaves(root: Part, types: set[str], defects: list[str]) -> list[Part]:
    """Return the parts under `root` that are not multiparts, in order, by an own stack."""
    leaves: list[Part] = []
    waiting = [(root, 0)]
    met = 0
    while waiting:
        part, depth = waiting.pop()
        met += 1
        if met > limits.PARTS:
            raise limits.TooComplexError("parts")
        if not part.content_type.startswith("multipart/"):
            leaves.append(part)
            continue
        if depth >= limits.DEPTH:
            raise limits.TooComplexError("depth")
        sections = _sections(part, defects)
        if sections is None:
            leaves.append(dataclasses.replace(part, content_type="text/plain"))
            continue
        children = [_read_part(section, part.content_type, types, defects) for section in sections]
        waiting.extend((child, depth + 1) for child in reversed(children))
    return leaves


def _read_part(section: bytes, parent: str, types: set[str], defects: list[str]) -> Part:
    if section.startswith(b"\n"):
        headers, body = Headers([]), section[1:]
    else:
        headers, body = split_headers(section, limits.PART_HEADER_BYTES, defects)
    content_type, parameters = content_type_of(headers)
    if "content-type" not in headers and parent == "multipart/digest":
        content_type = "message/rfc822"
    types.add(content_type)
    return Part(headers=headers, content_type=content_type, parameters=parameters, content=body)


def _sections(part: Part, defects: list[str]) -> list[bytes] | None:
    """Return the bytes between the boundary lines of a multipart, None if there are no such lines.

    A boundary parameter that is missing, or that the body never uses, is replaced by the first line that
    looks like one. A missing closing line is tolerated: cut mails are common.
    """
    body = b"\n" + part.content
    boundary = part.parameters.get("boundary", "").encode("utf-8", "surrogateescape").rstrip()
    sections = _split_at(body, boundary) if boundary else None
    if sections is not None:
        return sections
    defects.append("boundary_lost")
    guess = _GUESSED_BOUNDARY.search(part.content)
    return _split_at(body, guess[1]) if guess else None


def _split_at(body: bytes, boundary: bytes) -> list[bytes] | None:
    delimiter = b"\n--" + boundary
    sections: list[bytes] = []
    start = -1
    at = body.find(delimiter)
    while at >= 0:
        after = at + len(delimiter)
        end = body.find(b"\n", after, after + 80)
        rest = body[after : end if end >= 0 else after + 80].strip()
        if rest in (b"", b"--"):
            if start >= 0:
                sections.append(body[start:at])
                if len(sections) > limits.PARTS:
                    raise limits.TooComplexError("parts")
            start = end + 1 if end >= 0 else len(body)
            if rest:
                return sections
        at = body.find(delimiter, after)
    if start < 0:
        return None
    sections.append(body[start:])
    return sections


def split_headers(data: bytes, most: int, defects: list[str]) -> tuple[Headers, bytes]:
    """Split a header block from what follows; `most` bytes of header are read, or else TooComplexError.

    A line that is no header field ends the block if no field follows it (the blank line was lost), and is
    skipped otherwise.
    """
    end = data.find(b"\n\n", 0, most + 2)
    if end < 0 and len(data) > most:
        raise limits.TooComplexError("header_block")
    block, body = (data[:end], data[end + 2 :]) if end >= 0 else (data, b"")
    sound = _sound_fields(block)
    if sound is not None:
        return _headers(sound, defects), body
    lines = block.split(b"\n")
    fields: list[tuple[str, list[bytes]]] = []
    for number, line in enumerate(lines):
        if line[:1] in (b" ", b"\t"):
            if fields:
                fields[-1][1].append(line)
            continue
        match = _FIELD_NAME.match(line)
        if match:
            if len(fields) >= limits.HEADER_FIELDS:
                raise limits.TooComplexError("header_fields")
            name = match[0][:-1].rstrip().decode("ascii").lower()
            fields.append((name, [line[match.end() :]]))
            continue
        if not line or line.startswith((b"From ", b">From ")):
            continue
        defects.append("bad_header_line")
        follows = lines[number + 1] if number + 1 < len(lines) else b""
        if not _FIELD_NAME.match(follows) and not (follows[:1] in (b" ", b"\t") and fields):
            remainder = b"\n".join(lines[number:])
            return _headers(fields, defects), remainder + b"\n\n" + body if body else remainder
    return _headers(fields, defects), body


_WHOLE_FIELD: Final = re.compile(rb"([!-9;-~]{1,76})[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)(?:\n|\Z)")


def _sound_fields(block: bytes) -> list[tuple[str, list[bytes]]] | None:
    """Return the fields of a block in which every line belongs to one, as nearly all do; else None."""
    fields: list[tuple[str, list[bytes]]] = []
    at = 0
    while at < len(block):
        match = _WHOLE_FIELD.match(block, at)
        if match is None:
            return None
        if len(fields) >= limits.HEADER_FIELDS:
            raise limits.TooComplexError("header_fields")
        fields.append((match[1].decode("ascii").lower(), match[2].split(b"\n")))
        at = match.end()
    return fields


def _headers(fields: list[tuple[str, list[bytes]]], defects: list[str]) -> Headers:
    values: list[tuple[str, str]] = []
    for name, lines in fields:
        value = b"".join(lines) if len(lines) > 1 else lines[0]
        if len(value) > limits.FIELD_BYTES:
            value = value[: limits.FIELD_BYTES]
            defects.append("long_field")
        try:
            values.append((name, value.decode("utf-8").strip()))
        except UnicodeDecodeError:
            values.append((name, value.decode("latin-1").strip()))
    return Headers(values)


def content_type_of(headers: Headers) -> tuple[str, dict[str, str]]:
    """Return the content type in lower case and its parameters; text/plain if there is none to read.

    Continued parameters (RFC 2231) are read in their first section only, which is all a boundary needs.
    """
    value = headers.get("content-type")
    if not value:
        return "text/plain", {}
    match = _TYPE.match(value.lower())
    if match is None:
        return "text/plain", {}
    parameters: dict[str, str] = {}
    for name, quoted, bare in _PARAMETER.findall(value):
        parameters.setdefault(name.lower().split("*")[0], quoted or bare)
        if len(parameters) > 16:  # noqa: PLR2004
            break
    return match[0], parameters


def _from_base64(data: bytes) -> bytes:
    """Decode, also what was cut, or has a footer put below it by somebody who took it for text."""
    try:
        return binascii.a2b_base64(data)
    except binascii.Error:
        signs = _NOT_BASE64.sub(b"", data.partition(b"=")[0])
        return binascii.a2b_base64(signs[: len(signs) - len(signs) % 4])


def subject_of(headers: Headers) -> str:
    """Return the decoded subject, cut, with runs of blanks as one."""
    return " ".join(decode_words(headers.get("subject")).split())[: limits.SUBJECT_CHARACTERS]
