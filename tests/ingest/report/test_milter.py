"""What the milter makes of a mail; with a real Postfix in tests/consumers/test_adapters.py."""

import argparse

import pytest

from ingest.report import milter
from ingest.report.mails import LARGEST
from ingest.report.milter import MilterError, Seen

TRAPS = frozenset({"trap.example", "k3@shop.example"})


def seen(sender: str, *recipients: str, parts: tuple[bytes, ...] = (b"A: b\r\n\r\nc",)) -> Seen:
    made = Seen()
    made.client = "192.0.2.66"
    made.begin(sender)
    made.recipients.extend(recipients)
    for part in parts:
        made.keep(part)
    return made


def taken(what: Seen) -> list[tuple[str, str, bytes]]:
    found: list[tuple[str, str, bytes]] = []

    def take(words: argparse.Namespace, mail: bytes) -> bool:
        assert words.client_ip == "192.0.2.66"
        found.append((words.recipient, words.recipient_class, mail))
        return True

    assert milter.spool(what, take, traps=TRAPS, raw=False) == len(found)
    return found


@pytest.mark.parametrize(
    ("sender", "recipients", "expected"),
    [
        pytest.param("<>", ["a@trap.example"], [("a@trap.example", "trap")], id="bounce to a trap"),
        pytest.param("<>", ["K3@Shop.example"], [("K3@Shop.example", "trap")], id="trap address"),
        pytest.param("<>", ["jo@own.example"], [("jo@own.example", "")], id="bounce to a user"),
        pytest.param(
            "<a@b.example>", ["a@trap.example"], [("a@trap.example", "trap")], id="auto-reply to a trap"
        ),
        pytest.param("<a@b.example>", ["jo@own.example"], [], id="ordinary mail"),
        pytest.param(
            "<a@b.example>", ["jo@own.example", "x@trap.example"], [("x@trap.example", "trap")], id="both"
        ),
        pytest.param("<>", ["jo@own.example"] * 9, [("jo@own.example", "")], id="the same recipient again"),
    ],
)
def test_only_empty_senders_and_traps(
    sender: str, recipients: list[str], expected: list[tuple[str, str]]
) -> None:
    found = taken(seen(sender, *recipients))
    assert [one[:2] for one in found] == expected


def test_the_mail_says_how_it_came() -> None:
    ((_, _, mail),) = taken(seen("<>", "a@trap.example"))
    assert mail == b"Return-Path: <>\r\nX-Original-To: a@trap.example\r\nA: b\r\n\r\nc"


def test_a_mail_is_kept_up_to_a_size() -> None:
    ((_, _, mail),) = taken(seen("<>", "a@trap.example", parts=(b"x" * 60_000,) * 100))
    assert len(mail) - mail.index(b"xxx") == LARGEST


def test_the_next_mail_of_a_connection_begins_empty() -> None:
    made = seen("<>", "a@trap.example")
    made.begin("<a@b.example>")
    assert (made.sender, made.recipients, made.parts) == ("a@b.example", [], [])


def test_without_pymilter_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(MilterError, match="python3-milter"):
        milter.run("unix:/x", lambda *_: True, traps=TRAPS, raw=False, complain=print)
