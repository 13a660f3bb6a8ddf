"""Hostile input through the API: answered in words, within the memory of a child, and the server lives on.

The inputs are those that cost parsers of the standard library seconds and gigabytes (evidence.md 6.2).
"""

import base64
import gzip
import json
import pathlib
import zlib
from typing import Any

import pytest

from ingest import body, judges
from ingest.judge_child import ADDRESS_SPACE_BYTES
from ingest.problems import ProblemError
from tests import mails
from tests.ingest.reporting import BORDER, RECORD, Api, problem_of

FROM = b"From: MAILER-DAEMON@emitter.example\r\nSubject: Undelivered Mail Returned to Sender\r\n"
STATUS = b"Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\n\n"
MOST_MEMORY_BYTES = 64 * 1024 * 1024
"""Peak of a child over all of these: a quarter of its limit."""


def nested(depth: int, kind: bytes = b"mixed") -> bytes:
    levels = range(depth)
    return FROM + b"".join(
        b'Content-Type: multipart/%s; boundary="b%d"\n\n--b%d\n' % (kind, level, level) for level in levels
    )


TOO_COMPLEX = {
    "1000 nested multiparts": nested(1000),
    "200 nested multiparts": nested(200),
    "1000 nested mails": FROM + b"Content-Type: message/rfc822\n\n" * 1000,
    "many parts": FROM + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 30_000,
    "many encoded words": FROM.replace(b"Undelivered", b"=?utf-8?q?a?= " * 18_000) + b"\n\nx",
    "many RFC 2231 parameters": FROM
    + b"Content-Type: text/plain"
    + b"".join(b"; a*%d*=x" % number for number in range(15_000))
    + b"\n\nx",
    "folded lines": FROM + b"X-Long: a\n" + b" b\n" * 80_000 + b"\nx",
    "300 fields": FROM + b"X: a\n" * 300 + b"\nx",
}
BOUNDED = {
    "many blocks in a status": FROM + b"Content-Type: message/delivery-status\n\n" + STATUS * 3500,
    "quotes in To": FROM + b"To: " + b'"' * 20_000 + b"\n\nx",
    "open parentheses in To": FROM + b"To: " + b"(" * 900 + b"\n\nx",
    "bare CR": b"\r" * 250_000,
    "NUL": b"\0" * 250_000,
    "NUL in a notification": mails.dsn(border=BORDER).replace(b"failed", b"fai\0led"),
    "duplicate fields": mails.dsn(border=BORDER, extra=(("From", "x@y.example"), ("Return-Path", "<a@b>"))),
    "Unicode digits": mails.dsn(border=BORDER, original_id="1@x").replace(
        b"[192.0.2.66]", "[\u0661\u0669\u0662.0.2.66]".encode()
    ),
    "any bytes": FROM + b"\n\n" + bytes(range(256)) * 1000,
    "huge number": FROM.replace(b"Subject", b"Content-Length: " + b"9" * 5000 + b"\nSubject") + b"\n\nx",
}


def peak_bytes(api: Api) -> int:
    """Return the largest memory that any running child had so far."""
    states = [pathlib.Path(f"/proc/{pid}/status").read_text() for pid in api.app.state.desk.judges.pids]
    return max(int(state.partition("VmPeak:")[2].split()[0]) * 1024 for state in states)


def is_alive(api: Api) -> bool:
    answer = api.mail(mails.dsn(border=BORDER, original_id="alive@x"), **{"class": "trap"})
    return bool(answer.status_code == 200 and api.client.get("/readyz").status_code == 200)


def test_complex_mails_are_refused_without_losing_a_child(sqlite_api: Api) -> None:
    pids = sqlite_api.app.state.desk.judges.pids
    for name, message in TOO_COMPLEX.items():
        assert len(message) <= body.LARGEST, name
        answer = sqlite_api.mail(message, **{"class": "trap"})
        assert (answer.status_code, problem_of(answer)) == (422, "too_complex"), name
    assert sqlite_api.app.state.desk.judges.pids == pids
    assert peak_bytes(sqlite_api) < MOST_MEMORY_BYTES < ADDRESS_SPACE_BYTES
    assert is_alive(sqlite_api)


def test_odd_mails_get_an_ordinary_answer(sqlite_api: Api) -> None:
    pids = sqlite_api.app.state.desk.judges.pids
    for name, message in BOUNDED.items():
        assert len(message) <= body.LARGEST, name
        answer = sqlite_api.mail(message, **{"class": "trap"})
        words = {"not_a_notification", "no_trustworthy_address"}
        assert answer.status_code == 200 or problem_of(answer) in words, (name, answer.text)
    assert sqlite_api.app.state.desk.judges.pids == pids
    assert peak_bytes(sqlite_api) < MOST_MEMORY_BYTES
    assert is_alive(sqlite_api)


def test_doubled_field_costs_a_step(sqlite_api: Api) -> None:
    plain = sqlite_api.mail(mails.dsn(border=BORDER), **{"class": "trap"}).json()
    doubled = sqlite_api.mail(BOUNDED["duplicate fields"], **{"class": "trap"}).json()
    assert doubled["strength"] < plain["strength"]
    assert set(doubled["defects"]) == {"duplicate_from", "duplicate_return_path"}


def test_digits_of_other_scripts_are_no_address(sqlite_api: Api) -> None:
    answer = sqlite_api.mail(BOUNDED["Unicode digits"], **{"class": "trap"})
    assert answer.status_code != 200 or answer.json()["emitter"] != "192.0.2.66"
    refused = sqlite_api.record(client_ip="\u0661\u0669\u0662.0.2.66")
    assert problem_of(refused) == "invalid"


def test_child_that_a_mail_kills_costs_that_mail_only(
    sqlite_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import os, sys; from ingest import judge_child; from ingest.mail import unwrap\n"
        "def judge(message, **rest):\n"
        "    if message == b'kill': os.abort()\n"
        "    return unwrap.judge_submitted(message, **rest)\n"
        "judge_child.judge_submitted = judge\n"
        "judge_child.serve(sys.stdin.buffer, os.fdopen(os.dup(1), 'wb', buffering=0))\n"
    )
    desk = sqlite_api.app.state.desk
    desk.judges.close()
    monkeypatch.setattr(desk, "judges", judges.Judges(1, program=("-c", program)))
    for _ in range(2):
        answer = sqlite_api.mail(b"kill")
        assert (answer.status_code, problem_of(answer)) == (422, "too_complex")
    assert is_alive(sqlite_api)


def test_busy_judges_are_said_so(sqlite_api: Api) -> None:
    sqlite_api.app.state.desk.judges.close()
    answer = sqlite_api.mail(mails.dsn(border=BORDER))
    assert (answer.status_code, problem_of(answer), answer.headers["retry-after"]) == (503, "busy", "5")
    assert sqlite_api.record().status_code == 200  # a record needs no child


# --- bombs ---


def bomb(size: int) -> bytes:
    made = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return b"".join(made.compress(b"\n" * 1024 * 1024) for _ in range(size)) + made.flush()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(bomb(500), id="500 MB in one member"),
        pytest.param(gzip.compress(b"\n" * 1000) * 20_000, id="20 MB in many members"),
        pytest.param(gzip.compress(b"") * 100_000, id="members with nothing in them"),
    ],
)
def test_decompression_bomb_is_stopped_at_the_limit(sqlite_api: Api, content: bytes) -> None:
    answer = sqlite_api.post(
        "/v1/reports:batch", content, "application/x-ndjson", **{"Content-Encoding": "gzip"}
    )
    assert (answer.status_code, problem_of(answer)) in {(413, "too_large"), (400, "malformed")}
    assert is_alive(sqlite_api)


def test_unzipping_never_makes_more_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    real = zlib.decompressobj

    class Counting:
        def __init__(self, wbits: int) -> None:
            self._object = real(wbits)

        def decompress(self, data: bytes, most: int) -> bytes:
            asked.append(most)
            return self._object.decompress(data, most)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._object, name)

    monkeypatch.setattr(zlib, "decompressobj", Counting)
    assert body.unzip(gzip.compress(b"a" * 60) * 3, largest=200) == b"a" * 180
    assert asked == [201, 141, 81]
    assert body.unzip(gzip.compress(b"a") * body.MOST_MEMBERS, largest=200) == b"a" * 100
    asked.clear()
    with pytest.raises(ProblemError):
        body.unzip(gzip.compress(b"") * 1000, largest=200)
    assert len(asked) == body.MOST_MEMBERS


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"[" * 200_000, id="nested lists"),
        pytest.param(b'{"a":' * 60_000, id="nested objects"),
        pytest.param(b'{"client_ip": ' + b"9" * 200_000 + b"}", id="a huge number"),
        pytest.param(b'{"' + b"a" * 200_000 + b'": 1}', id="a huge name"),
        pytest.param(b"{" + b",".join(b'"k%d":1' % n for n in range(20_000)) + b"}", id="many fields"),
        pytest.param(b'{"helo": "\\ud800"}', id="half a surrogate pair"),
        pytest.param(b'{"helo": "\xff"}', id="not UTF-8"),
        pytest.param(json.dumps(RECORD | {"recipient_token": "\0"}).encode(), id="NUL in a token"),
        pytest.param(json.dumps(RECORD | {"lookback_days": 10**400}).encode(), id="days beyond counting"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/reports", "/v1/reports/raw"])
def test_hostile_json_is_answered(sqlite_api: Api, content: bytes, path: str) -> None:
    answer = sqlite_api.post(path, content, "application/json")
    assert answer.status_code in {200, 400, 422}
    assert len(answer.content) < 10_000
    assert is_alive(sqlite_api)


def test_xarf_with_a_hostile_mail_is_judged_in_the_child(sqlite_api: Api) -> None:
    item = {"content_type": "message/rfc822", "payload": base64.b64encode(nested(200)).decode()}
    said = {
        "xarf_version": "4.0.0", "report_id": "r", "timestamp": "2026-11-24T08:15:00Z",
        "category": "messaging", "type": "spam", "source_identifier": "192.0.2.66", "evidence": [item],
    }  # fmt: skip
    answer = sqlite_api.post("/v1/reports", json.dumps(said).encode(), "application/json")
    assert problem_of(answer) == "too_complex"
