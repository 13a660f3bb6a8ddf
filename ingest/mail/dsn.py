"""Delivery status (RFC 3464, RFC 6533) and disposition (RFC 8098) fields, read as they come.

Only what decides the kind and what may be kept is taken: actions, status codes, host names. Recipients and
the text of diagnostics are looked at and dropped.
"""

import dataclasses
import re
from collections.abc import Iterable, Iterator
from typing import Final

from feed.domain.event import Kind
from ingest.mail import limits

STATUS_TYPES: Final = frozenset(
    {"message/delivery-status", "message/global-delivery-status", "message/xdelivery-status"}
)
DISPOSITION_TYPES: Final = frozenset(
    {"message/disposition-notification", "message/global-disposition-notification"}
)

_STATUS: Final = re.compile(r"(?<![\d.])([245])[. ]{1,2}(\d{1,3})[. ]{1,2}(\d{1,3})(?![\d.])")
_HOST: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9])?")
_FIELD: Final = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,60})[ \t]*:[ \t]*(.*)")
_RECIPIENT_FIELDS: Final = frozenset({"final-recipient", "original-recipient", "action"})
_FAILED: Final = frozenset({"failed", "failure", "fail", "error", "expired", "undeliverable", "bounced"})
_DELAYED: Final = frozenset({"delayed", "delay", "deferred"})
_DONE: Final = frozenset({"relayed", "delivered", "expanded"})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStatus:
    """What a delivery status says. actions: the first word of each, lower case. status: `d.d.d`.

    diagnostics: cut and lower case, for matching only, never kept. sender_domain: of X-Postfix-Sender, the
    envelope sender that the server believed.
    """

    actions: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    diagnostics: str = ""
    recipients: int = 0
    reporting_mta: str | None = None
    extensions: frozenset[str] = frozenset()
    original_message_id: str = ""
    sender_domain: str | None = None

    @property
    def kind(self) -> Kind | None:
        """DSN_FAIL, DSN_DELAY or DSN_OK; None if neither action nor status tells."""
        actions = set(self.actions)
        if actions & _FAILED:
            return Kind.DSN_FAIL
        if actions & _DELAYED:
            return Kind.DSN_DELAY
        if actions & _DONE:
            return Kind.DSN_OK
        classes = {status[0] for status in self.statuses}
        if "5" in classes:
            return Kind.DSN_FAIL
        if "4" in classes:
            return None
        return Kind.DSN_OK if "2" in classes else None

    @property
    def status(self) -> str | None:
        """The worst status: permanent before transient before success."""
        return max(self.statuses, key=lambda status: status[0], default=None)


def read_status(contents: Iterable[bytes]) -> DeliveryStatus:
    """Read the status parts of a mail; at most `limits.STATUS_BLOCKS` recipients."""
    actions: list[str] = []
    statuses: list[str] = []
    diagnostics: list[str] = []
    extensions: set[str] = set()
    reporting, original, sender, blocks, recipients = None, "", "", 0, 0
    for content in contents:
        for block in _blocks(content[: limits.STATUS_BYTES]):
            blocks += 1
            if blocks > limits.STATUS_BLOCKS:
                break
            recipients += "final-recipient" in block or "original-recipient" in block
            extensions.update(name for name in block if name.startswith("x-"))
            reporting = reporting or host_of(block.get("reporting-mta", ""))
            original = (
                original or block.get("original-message-id", "") or block.get("x-original-message-id", "")
            )
            sender = sender or block.get("x-postfix-sender", "")
            if "action" in block:
                actions.append(_first_word(block["action"]))
            diagnostic = block.get("diagnostic-code", "")[: limits.FIELD_BYTES].lower()
            diagnostics.append(diagnostic[:400])
            status = find_status(block.get("status", "")) or (
                find_status(diagnostic) if "action" in block else None
            )
            if status:
                statuses.append(status)
    return DeliveryStatus(
        actions=tuple(actions),
        statuses=tuple(statuses),
        diagnostics=" ".join(diagnostics)[: limits.TEXT_BYTES],
        recipients=recipients,
        reporting_mta=reporting,
        extensions=frozenset(extensions),
        original_message_id=original.strip(),
        sender_domain=_domain_of(sender),
    )


def _blocks(content: bytes) -> Iterator[dict[str, str]]:
    """Return the groups of fields that blank lines part; the first value of a name counts.

    A second recipient or action without a blank line opens a new group, as some servers forget the line.
    """
    block: dict[str, str] = {}
    last = ""
    for line in content.decode("utf-8", "replace").split("\n"):
        if not line.strip():
            if block:
                yield block
            block, last = {}, ""
            continue
        if line[0] in " \t" and last:
            block[last] = (block[last] + " " + line.strip())[: limits.FIELD_BYTES]
            continue
        match = _FIELD.match(line.strip())
        if match is None:
            continue
        last = match[1].lower()
        if last in block and last in _RECIPIENT_FIELDS:
            yield block
            block = {}
        block.setdefault(last, match[2].strip()[: limits.FIELD_BYTES])
    if block:
        yield block


def _domain_of(value: str) -> str | None:
    """Return the domain of an address field (`rfc822; local@domain`), lower case."""
    _, mark, domain = value.strip().strip("<>").rpartition("@")
    domain = domain.rstrip(".>").lower()
    return domain if mark and _HOST.fullmatch(domain) else None


def _first_word(text: str) -> str:
    return re.split(r"[\s(;,]", text.strip().lower(), maxsplit=1)[0]


def find_status(text: str) -> str | None:
    """Return the first enhanced status code (RFC 3463) in `text` as `d.d.d`."""
    match = _STATUS.search(text)
    return ".".join(str(int(part)) for part in match.groups()) if match else None


def host_of(value: str) -> str | None:
    """Return the host name of an MTA name field (`dns; host`), lower case, if it looks like one."""
    _, mark, name = value.partition(";")
    words = (name if mark else value).split()
    if not words:
        return None
    host = words[0].strip("[]()<>").rstrip(".").lower()[: limits.HOST_NAME_BYTES]
    return host if _HOST.fullmatch(host) else None


_FIELDS_AFTER: Final = 12
"""Lines after Final-Recipient in which Action or Status must follow to be more than a mention of it."""
_TRIED: Final = 5


def status_in_text(text: str) -> bytes | None:
    """Return delivery-status fields that stand in a lower-case text (their part was lost), or None."""
    lines = [line.lstrip("> \t") for line in text.split("\n")]
    places = [number for number, line in enumerate(lines) if line.startswith("final-recipient")]
    for place in places[:_TRIED]:
        following = lines[place + 1 : place + 1 + _FIELDS_AFTER]
        if any(line.startswith(("action:", "status:")) for line in following):
            before = range(place, max(place - _FIELDS_AFTER, -1), -1)
            start = next((number for number in before if lines[number].startswith("reporting-mta")), place)
            return "\n".join(lines[start:]).encode("utf-8", "replace")
    return None
