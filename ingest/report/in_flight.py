"""Mails whose end the log has not shown yet, by host and queue id, and how they are kept."""

import dataclasses
import json
from collections.abc import Iterable
from typing import Any


@dataclasses.dataclass(slots=True)
class Mail:
    """What is known of a mail so far. at: its first entry. address, name: of a client from outside."""

    at: int
    address: str = ""
    name: bytes = b""
    trusted: bool = False
    forwarder: bool = False
    sender: bytes | None = None
    message_id: bytes | None = None
    indexed: bool = False
    recipients: list[bytes] = dataclasses.field(default_factory=list)
    originals: list[bytes] = dataclasses.field(default_factory=list)
    original_senders: list[bytes] = dataclasses.field(default_factory=list)


def frozen(flight: dict[tuple[bytes, bytes], Mail]) -> str:
    """Return all mails in flight as text."""
    return json.dumps(
        [[*map(_text, key), _text_all(dataclasses.astuple(mail))] for key, mail in flight.items()]
    )


def thawed(text: str | None) -> dict[tuple[bytes, bytes], Mail]:
    """Return what `frozen` wrote; nothing for None."""
    rows = json.loads(text) if text else []
    return {(_bytes(host), _bytes(queue_id)): _mail(*fields) for host, queue_id, fields in rows}


def _mail(at: int, address: str, name: str, *rest: Any) -> Mail:
    trusted, forwarder, sender, message_id, indexed, *lists = rest
    return Mail(
        at, address, _bytes(name), trusted, forwarder,
        None if sender is None else _bytes(sender), None if message_id is None else _bytes(message_id),
        indexed, *([_bytes(one) for one in texts] for texts in lists),
    )  # fmt: skip


def _text(value: bytes) -> str:
    return value.decode("latin-1")


def _bytes(value: str) -> bytes:
    return value.encode("latin-1")


def _text_all(values: Iterable[Any]) -> list[Any]:
    return [
        _text(one)
        if isinstance(one, bytes)
        else [_text(part) for part in one]
        if isinstance(one, list)
        else one
        for one in values
    ]
