"""A mail prepared for recognising: the few texts, in lower case, that marks are looked for in."""

import dataclasses
import functools
import re
from typing import Final

from ingest.mail import limits
from ingest.mail.charset import decode_words
from ingest.mail.dsn import DISPOSITION_TYPES, STATUS_TYPES, DeliveryStatus, read_status, status_in_text
from ingest.mail.phrases import ANSWERED
from ingest.mail.skeleton import Headers, Part, Skeleton, subject_of

_TAG: Final = re.compile(r"<[^<>]{0,400}>")
_ADDRESS: Final = re.compile(r"<([^<>]{0,320})>|([^\s<>()\",;:]{1,64}@[^\s<>()\",;]{1,255})")
_TEXT_PARTS: Final = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Notice:
    """A skeleton seen as a possible notification. null_sender: what the reporter's server said, if it did."""

    skeleton: Skeleton
    null_sender: bool | None = None

    @property
    def headers(self) -> Headers:
        """The header fields of the notification."""
        return self.skeleton.headers

    @functools.cached_property
    def subject(self) -> str:
        """The decoded subject, lower case, cut."""
        return subject_of(self.headers).lower()

    @functools.cached_property
    def answered(self) -> bool:
        """Whether the subject says that a person answers or forwards."""
        return ANSWERED.match(self.subject) is not None

    @functools.cached_property
    def sender(self) -> str:
        """The From field, decoded, lower case, cut."""
        return decode_words(self.headers.get("from")[: limits.SUBJECT_CHARACTERS]).lower()

    @functools.cached_property
    def return_path(self) -> str | None:
        """The topmost Return-Path without brackets, lower case; None if there is none."""
        if "return-path" not in self.headers:
            return None
        value = self.headers.get("return-path")[: limits.SUBJECT_CHARACTERS].strip()
        match = _ADDRESS.search(value)
        if match is None:
            return value.lower()
        return (match[1] if match[1] is not None else match[2]).strip().lower()

    @functools.cached_property
    def from_null(self) -> bool:
        """Whether the sender was the null sender, by the reporter's server or the Return-Path.

        `<MAILER-DAEMON>` is how delivery agents that cannot store an empty path write it.
        """
        if self.null_sender is not None:
            return self.null_sender
        path = self.return_path
        return path is not None and (not path or path.partition("@")[0] == "mailer-daemon")

    @functools.cached_property
    def auto_submitted(self) -> str:
        """The keyword of Auto-Submitted (RFC 3834 section 5), lower case; empty if absent or `no`."""
        words = re.split(r"[\s;(]", self.headers.get("auto-submitted").lower(), maxsplit=1)
        return "" if words[0] == "no" else words[0]

    @functools.cached_property
    def report_type(self) -> str:
        """The report-type parameter of the content type (RFC 6522), lower case."""
        return self.skeleton.parameters.get("report-type", "").strip().lower()

    @functools.cached_property
    def text_parts(self) -> tuple[Part, ...]:
        """The first text parts: what a person reads."""
        texts = [
            part
            for part in self.skeleton.parts
            if part.content_type in ("text/plain", "text/html", "text/enriched")
        ]
        return tuple(texts[:_TEXT_PARTS])

    @functools.cached_property
    def text(self) -> str:
        """The beginning of the text parts, lower case, without HTML tags, line ends kept."""
        found = []
        for part in self.text_parts:
            text = part.text.lower()
            found.append(_TAG.sub(" ", text) if part.content_type == "text/html" else text)
        return "\n".join(found)[: limits.TEXT_BYTES]

    @functools.cached_property
    def opening(self) -> str:
        """The first lines of the text, blanks as one: where a server says what it has to say."""
        return " ".join(self.text[:4000].split())

    @functools.cached_property
    def status(self) -> DeliveryStatus | None:
        """The delivery status: of its part, or as fields in the text when the MIME structure is broken."""
        contents = [
            part.decoded(limits.STATUS_BYTES)
            for part in self.skeleton.parts
            if part.content_type in STATUS_TYPES
        ]
        if contents:
            return read_status(contents)
        return None

    @functools.cached_property
    def status_in_text(self) -> DeliveryStatus | None:
        """Delivery-status fields that stand in a text part."""
        if "final-recipient" not in self.text:
            return None
        fields = status_in_text(self.text)
        return read_status([fields]) if fields else None

    @functools.cached_property
    def disposition(self) -> DeliveryStatus | None:
        """The disposition part of a read receipt, for its Original-Message-ID."""
        contents = [
            part.decoded(limits.STATUS_BYTES)
            for part in self.skeleton.parts
            if part.content_type in DISPOSITION_TYPES
        ]
        return read_status(contents) if contents else None
