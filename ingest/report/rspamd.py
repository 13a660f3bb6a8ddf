r"""Log lines of rspamd: the summary of a scan, and the line that our own Lua rule writes.

The summary names the Message-ID first. rspamd writes `?` for every space and control character in it, so
the first space behind `id: <` ends it, whatever it holds. After the sender come symbols with options that
a sender can choose; the recipients behind them are believed only if their mark stands exactly once.

The summary never shows what a notification returns. The rule in docs/report-rspamd.md adds one line of
JSON a null-sender mail, which does.
"""

import json
import re
from typing import Any, Final

from ingest.report.events import Event, Scanned

_MARK: Final = re.compile(
    rb"<[0-9A-Za-z]{1,32}>; (?:task; rspamd_task_write_log|lua; [\w.-]{1,80}:\d{1,6}): "
)
_SUMMARY: Final = re.compile(
    rb"id: <(\S{0,998})>, (?:qid: <([0-9A-Za-z-]{1,40})>, )?ip: ([0-9A-Fa-f.:]{2,45}), "
    rb"(?:user: ([^\s,]{1,320}), )?(?:from: <([^<>\s\"]{0,400})>, )?\("
)
_RECIPIENTS: Final = re.compile(
    rb", digest: <[0-9a-f]{32}>, rcpts: <([^<>\s\"]{1,4000})>(?:, mime_rcpts: <|$)"
)
_DIGEST: Final = b", digest: <"
_ID: Final = re.compile(rb"[^<>\s\"]{1,250}")
_MOST: Final = 50


def parse(text: bytes) -> Event | None:
    """Return what one entry says, None for all that does not matter; never raises.

    text: after `#PID(WORKER) `, or a whole line of rspamd's JSON log.
    """
    if text[:6] == b'{"ts":':
        return _from_json_log(text)
    found = _MARK.match(text)
    return _message(text[found.end() :]) if found is not None else None


def _from_json_log(text: bytes) -> Event | None:
    try:
        said = json.loads(text.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or said.get("module") not in {"task", "lua"}:
        return None
    message = said.get("message")
    return _message(message.encode("utf-8", "surrogatepass")) if isinstance(message, str) else None


def _message(text: bytes) -> Event | None:
    if text[:5] == b"bsf {":
        return _from_rule(text[4:])
    found = _SUMMARY.match(text)
    if found is None:
        return None
    message_id, queue_id, address, user, sender = found.groups()
    recipients = _RECIPIENTS.search(text, found.end()) if text.count(_DIGEST) == 1 else None
    return Scanned(
        queue_id or b"",
        address,
        user is not None,
        sender,
        _message_id(message_id),
        tuple(recipients[1].split(b",")) if recipients is not None else (),
    )


def _message_id(text: bytes | None) -> bytes | None:
    """Return a Message-ID, None for what is none and for the word that rspamd writes where there is none."""
    return text if text is not None and _ID.fullmatch(text) and text != b"undef" else None


def _from_rule(text: bytes) -> Event | None:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or said.get("from") != "":
        return None
    address = _one(said, "ip")
    if address is None:
        return None
    return Scanned(
        _one(said, "qid") or b"",
        address,
        False,
        b"",
        _message_id(_one(said, "mid")),
        _several(said, "rcpt"),
        _several(said, "original"),
        _several(said, "original_from"),
    )


def _one(said: dict[str, Any], name: str) -> bytes | None:
    found = _several({name: [said.get(name)]}, name)
    return found[0] if found else None


def _several(said: dict[str, Any], name: str) -> tuple[bytes, ...]:
    values = said.get(name)
    if not isinstance(values, list):
        return ()
    texts = [
        value.encode("utf-8", "replace").strip(b"<>") for value in values[:_MOST] if isinstance(value, str)
    ]
    return tuple(text for text in texts if _ID.fullmatch(text))
