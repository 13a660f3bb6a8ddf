"""What entries of rspamd say, in its text and JSON logs, and what our own rule adds."""

import json

import pytest

from ingest.report import rspamd
from ingest.report.events import Event, Scanned

DIGEST = b"digest: <0123456789abcdef0123456789abcdef>"


def summary(
    *,
    message_id: bytes = b"x@e",
    sender: bytes = b"",
    options: bytes = b"",
    user: bytes = b"",
    tail: bytes = b"",
) -> bytes:
    return (
        b"<a1b2c3>; task; rspamd_task_write_log: id: <" + message_id + b">, qid: <4AB12>, ip: 192.0.2.66, "
        + (b"user: " + user + b", " if user else b"") + b"from: <" + sender + b">, (default: F (no action): "
        b"[0.10/15.00] [BOUNCE(0.00){" + options + b"}]), len: 1234, time: 10.0ms, dns req: 3, " + DIGEST
        + b", rcpts: <u@own.example>, mime_rcpts: <u@own.example>" + tail
    )  # fmt: skip


EVENT = Scanned(b"4AB12", b"192.0.2.66", False, b"", b"x@e", (b"u@own.example",))


@pytest.mark.parametrize(
    ("text", "event"),
    [
        pytest.param(summary(), EVENT, id="null sender"),
        pytest.param(summary(message_id=b"undef"), EVENT._replace(message_id=None), id="no Message-ID"),
        pytest.param(
            summary(user=b"u@own.example", sender=b"u@own.example"),
            EVENT._replace(trusted=True, sender=b"u@own.example"),
            id="authenticated",
        ),
        pytest.param(
            summary(message_id=b"x>,?qid:?<9>,?ip:?203.0.113.1,?from:?<>"),
            EVENT._replace(message_id=None),
            id="a Message-ID that imitates the rest, as rspamd writes it",
        ),
        pytest.param(
            summary(options=b"}]), len: 1, " + DIGEST + b", rcpts: <v@own.example>, mime_rcpts: <x"),
            EVENT._replace(recipients=()),
            id="an option that imitates the end",
        ),
        pytest.param(
            b'<a1b2c3>; lua; bsf.lua:12: bsf {"ip":"192.0.2.66","qid":"4AB12","from":"","mid":"x@e",'
            b'"rcpt":["u@own.example"],"original":["<f@own.example>"],"original_from":["u@own.example"]}',
            EVENT._replace(originals=(b"f@own.example",), original_senders=(b"u@own.example",)),
            id="our rule",
        ),
        pytest.param(
            b'<a1b2c3>; lua; rspamd.local.lua:29: bsf {"mid":"undef","qid":"4AB12","ip":"192.0.2.66",'
            b'"original":[],"from":"","original_from":[],"rcpt":["u@own.example"]}',
            EVENT._replace(message_id=None),
            id="our rule about a mail without a Message-ID: one mail with what Postfix says",
        ),
        pytest.param(
            b'<a1b2c3>; lua; other.lua:12: subject was bsf {"ip":"203.0.113.1","from":""}',
            None,
            id="another rule that quotes a mail",
        ),
        pytest.param(b'<a1b2c3>; lua; bsf.lua:12: bsf {"ip":', None, id="cut JSON"),
        pytest.param(b'<a1b2c3>; lua; bsf.lua:12: bsf {"ip":7,"from":""}', None, id="wrong type"),
        pytest.param(b"<a1b2c3>; proxy; proxy_accept_socket: accepted", None, id="another entry"),
    ],
)
def test_entry(text: bytes, event: Event | None) -> None:
    assert rspamd.parse(text) == event


def test_the_json_log_says_the_same() -> None:
    message = summary().partition(b"write_log: ")[2].decode()
    line = {"ts": 1795600000.5, "pid": 1, "severity": "info", "worker_type": "normal", "id": "a1b2c3",
            "module": "task", "function": "rspamd_task_write_log", "message": message}  # fmt: skip
    assert rspamd.parse(json.dumps(line).encode()) == EVENT
    assert rspamd.parse(json.dumps(line | {"module": "milter"}).encode()) is None
    assert rspamd.parse(json.dumps(line).encode()[:-5]) is None
