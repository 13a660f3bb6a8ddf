"""Nothing of a mail outlives its judging: not in the database files, not in the log, not in an answer."""

import json
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from tests import mails
from tests.conftest import corpora
from tests.ingest.reporting import BORDER, MAIL, Api
from tests.ingest.test_shapes import EXPORTED, forward

ADDRESS = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._%+=-]*@[A-Za-z0-9][A-Za-z0-9.-]*\.[A-Za-z]{2,}")
SUBJECT = re.compile(rb"^subject:[ \t]*(.+(?:\n[ \t].+)*)", re.IGNORECASE | re.MULTILINE)
MESSAGE_ID = re.compile(rb"^message-id:\s*<([^<>\s]{6,})>", re.IGNORECASE | re.MULTILINE)
SHORTEST_SUBJECT = 12
"""Shorter ones, such as `failure`, are words of ours too."""
PART_OF_CORPORA = 60


def constructed() -> dict[str, bytes]:
    return {
        "dsn": mails.dsn(border=BORDER),
        "delay": mails.dsn(
            border=BORDER, action="delayed", status="4.0.0", original_id="delay-9@reporter.example"
        ),
        "qmail": mails.ndr_qmail(border=BORDER),
        "exim": mails.ndr_exim(border=BORDER),
        "auto": mails.auto_reply(border=BORDER),
        "challenge": mails.challenge(border=BORDER),
        "receipt": mails.read_receipt(border=BORDER),
        "notice": mails.content_notice(border=BORDER),
        "list": mails.list_reply(border=BORDER),
        "postmaster": mails.postmaster_copy(border=BORDER),
        "arf": mails.feedback_report(mails.dsn(border=BORDER, original_id="arf-7@reporter.example")),
        "forward": forward(mails.dsn(border=BORDER, original_id="forward-5@reporter.example")),
        "ordinary": mails.ordinary(),
        "dmarc": mails.dmarc_report(),
    }


def secrets_of(message: bytes) -> set[bytes]:
    """Return what must not be found again: addresses, Message-IDs, long subjects, in lower case."""
    text = message.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    found = set(ADDRESS.findall(text)) | set(MESSAGE_ID.findall(text))
    for subject in SUBJECT.findall(text):
        line = subject.split(b"\n")[0].strip()
        if len(line) >= SHORTEST_SUBJECT:
            found.add(line)
    return {one.lower() for one in found}


def stored_bytes(api: Api, folder: pathlib.Path) -> Iterator[tuple[str, bytes]]:
    """Return the bytes of every file of the database, whatever SQLite left in them."""
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name != "secret":
            yield path.name, path.read_bytes().lower()


def assert_nothing_is_left(
    api: Api, folder: pathlib.Path, posted: list[bytes], said: list[str], lines: list[Any]
) -> None:
    # The reporter's own role address is what the operator registered; it is not out of a mail.
    wanted = set().union(*(secrets_of(message) for message in posted)) - {b"postmaster@one.example"}
    assert wanted
    places = [*stored_bytes(api, folder), ("answers", "\n".join(said).lower().encode())]
    places.append(("log", json.dumps(lines, default=str).lower().encode()))
    left = [(name, one) for name, content in places for one in wanted if one in content]
    assert left == []


def test_nothing_of_constructed_mails_is_left(
    sqlite_api: Api, tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
    posted = constructed()
    said: list[str] = []
    accepted = 0
    with structlog.testing.capture_logs() as lines:
        for name, message in posted.items():
            claim = {"class": "trap"} | ({"forwarded": "true"} if name == "forward" else {})
            for parameters in (claim, claim | {"recipient_token": "t"}):
                answer = sqlite_api.mail(message, **parameters)
                said += [answer.text, repr(answer.headers)]
                accepted += answer.status_code == 200
            raw = sqlite_api.post("/v1/reports/raw?class=trap", message + b"\n", "text/plain", **EXPORTED)
            said.append(raw.text)
    assert accepted >= 2 * 10, said
    posted_bytes = [*posted.values(), b"To: jo@one.example"]
    output = capfd.readouterr()
    assert_nothing_is_left(sqlite_api, tmp_path, posted_bytes, [*said, output.out, output.err], lines)


def test_the_search_would_find_it(sqlite_api: Api, tmp_path: pathlib.Path) -> None:
    message = mails.dsn(border=BORDER)
    (tmp_path / "feed.db-leak").write_bytes(b"... Original-1@Reporter.example ...")
    with pytest.raises(AssertionError, match=r"feed\.db-leak"):
        assert_nothing_is_left(sqlite_api, tmp_path, [message], [], [])


def test_nothing_of_real_mails_is_left(sqlite_api: Api, tmp_path: pathlib.Path) -> None:
    files = sorted(path for path in corpora().rglob("*.eml") if path.is_file())
    chosen = files[:: max(len(files) // PART_OF_CORPORA, 1)]
    said: list[str] = []
    posted: list[bytes] = []
    accepted = 0
    with structlog.testing.capture_logs() as lines:
        for path in chosen:
            message = path.read_bytes()
            claim = {"class": "trap", "client_ip": "192.0.2.66", "observed_at": "2026-11-25T10:00:00Z"}
            answer = sqlite_api.client.post(
                "/v1/reports", params=claim, content=message, headers=sqlite_api.headers() | MAIL
            )
            said.append(answer.text)
            posted.append(message)
            accepted += answer.status_code == 200
    assert accepted > len(chosen) // 4
    assert_nothing_is_left(sqlite_api, tmp_path, posted, said, lines)


@pytest.mark.parametrize("field", ["recipient_token", "original_key"])
def test_what_a_reporter_sends_as_a_token_is_kept_as_a_keyed_hash(
    sqlite_api: Api, tmp_path: pathlib.Path, field: str
) -> None:
    # A reporter who sends an address against the documentation must not have it stored.
    answer = sqlite_api.record(
        headers={"Idempotency-Key": '"jo@key.example"'}, **{field: "jo@secret.example"}
    )
    assert answer.status_code == 200
    for name, content in stored_bytes(sqlite_api, tmp_path):
        assert b"secret.example" not in content, name
        assert b"key.example" not in content, name
