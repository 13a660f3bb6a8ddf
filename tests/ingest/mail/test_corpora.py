"""Real mails, where they are found: kinds by their labels, Received fields by their vectors.

The thresholds are those promised; the mails stay outside the project.
"""

import collections
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from feed.domain.address import parse_address, special_purpose
from ingest.mail.judge import judge
from ingest.mail.judgement import Claim, Registration
from ingest.mail.received import read_received
from tests import mails

ROOT = Path(os.environ.get("BSF_CORPORA", Path(__file__).resolve().parents[4] / "shared" / "corpora"))
NOT_NOTIFICATIONS = frozenset({"spam", "arf", "dmarc", "tlsrpt", "none"})
WORDS = {"challenge": "cr"} | dict.fromkeys(NOT_NOTIFICATIONS, "none")

needs_corpora = pytest.mark.skipif(not ROOT.is_dir(), reason="no corpora of real mails (set BSF_CORPORA)")


def labelled() -> Iterator[tuple[str, Path, list[str]]]:
    """Return folder, file and the kinds that count as right, the first being the label."""
    for table in sorted(ROOT.glob("*/labels.tsv")):
        for line in table.read_text().splitlines()[1:]:
            name, kind, notes = [*line.split("\t"), "", ""][:3]
            pairs = dict(note.split("=", 1) for note in notes.split("; ") if "=" in note)
            words = [kind, *pairs.get("alt", "").split(",")]
            if kind:
                yield (
                    table.parent.name,
                    table.parent / name,
                    [WORDS.get(word, word) for word in words if word],
                )


@needs_corpora
def test_kinds_are_right_and_no_ordinary_mail_is_a_notification() -> None:
    seen: collections.Counter[str] = collections.Counter()
    wrong: list[str] = []
    unseen: list[str] = []
    false: list[str] = []
    for folder, path, right in labelled():
        result = judge(path.read_bytes(), registration=Registration(), claim=Claim(), now=mails.NOW)
        word = result.kind.word
        seen[folder] += 1
        if word not in right:
            wrong.append(f"{folder}/{path.name}: {word}, not {right[0]}")
            (false if right[0] == "none" else unseen if word == "none" else []).append(path.name)
    number = sum(seen.values())
    assert number > 500
    assert false == []
    assert len(wrong) <= number * 0.01, wrong
    assert len(unseen) <= number * 0.005, unseen


@needs_corpora
def test_received_vectors_are_never_wrong_and_seldom_unread() -> None:
    vectors = [
        json.loads(line)
        for path in sorted((ROOT / "received").glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    wrong, right, public = [], 0, 0
    for vector in vectors:
        expected = parse_address(vector["ip"]) if vector["ip"] else None
        found = read_received(vector["header"]).address
        if found is not None and found != expected:
            wrong.append(vector["header"])
        if expected is not None and special_purpose(expected) is None and "by" in vector and vector["by"]:
            public += 1
            right += found == expected
    assert wrong == []
    assert right >= public * 95 / 99


# --- the same mails, damaged ---


def lf(message: bytes) -> bytes:
    return message.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def parts_of(message: bytes) -> tuple[list[bytes], bytes]:
    """Return the header fields, folds kept, and the rest with its blank line."""
    head, mark, body = lf(message).partition(b"\n\n")
    return re.split(rb"\n(?![ \t])", head), mark + body


def reordered(message: bytes) -> bytes:
    """Return the mail with its fields in another order; those called alike keep theirs."""
    fields, rest = parts_of(message)
    start = [field for field in fields if field.startswith((b"From ", b">From "))]
    named = [field for field in fields if field not in start]
    by_name = sorted(named, key=lambda field: field.partition(b":")[0].lower()[::-1])
    return b"\n".join(start + by_name) + rest


def doubled(message: bytes) -> bytes:
    """Return the mail with every field twice that means the same twice."""
    once = (b"return-path", b"from", b"content-type", b"message-id", b"received", b"delivered-to")
    fields, rest = parts_of(message)
    more = [field for field in fields if field.partition(b":")[0].lower() not in once and b":" in field]
    return (
        b"\n".join(fields + [field for field in more if not field.startswith((b"From ", b">From "))]) + rest
    )


MUST_NOT_MATTER: dict[str, Callable[[bytes], bytes]] = {
    "LF": lf,
    "CRLF": lambda message: lf(message).replace(b"\n", b"\r\n"),
    "CR": lambda message: lf(message).replace(b"\n", b"\r"),
    "order": reordered,
    "doubled": doubled,
}
SELDOM_MATTERS: dict[str, tuple[Callable[[bytes], bytes], float]] = {
    # damage, and the share of the notifications that must still be seen; of short ones cut in half only the
    # header is left, and 2000 bytes are often the header alone
    "boundary lost": (lambda message: re.sub(rb"(?i)boundary\s*=", b"x-lost=", lf(message)), 0.97),
    "boundary wrong": (lambda message: re.sub(rb"(?i)(boundary\s*=\s*\"?)", rb"\1zz", lf(message)), 0.97),
    "charset unknown": (
        lambda message: re.sub(rb"(?i)charset\s*=\s*\"?[\w-]+", b"charset=x-none", message),
        0.98,
    ),
    "charset wrong": (
        lambda message: re.sub(rb"(?i)charset\s*=\s*\"?[\w-]+", b"charset=koi8-r", message),
        0.98,
    ),
    "half": (lambda message: message[: len(message) // 2], 0.83),
    "2000 bytes": (lambda message: message[:2000], 0.70),
    "last line cut": (lambda message: lf(message)[: lf(message).rstrip().rfind(b"\n") + 3], 0.99),
}


def kind_of(message: bytes) -> str:
    result = judge(message, registration=Registration(), claim=Claim(), now=mails.NOW)
    assert "parser_failed" not in result.defects
    return result.kind.word


@needs_corpora
@pytest.mark.parametrize("change", MUST_NOT_MATTER)
def test_line_ends_and_the_order_and_number_of_fields_change_no_kind(change: str) -> None:
    changed = []
    for _, path, _ in labelled():
        message = path.read_bytes()
        if kind_of(MUST_NOT_MATTER[change](message)) != kind_of(lf(message)):
            changed.append(path.name)
    assert changed == []


@needs_corpora
@pytest.mark.parametrize("damage", SELDOM_MATTERS)
def test_damage_never_makes_a_notification_and_seldom_hides_one(damage: str) -> None:
    work, least = SELDOM_MATTERS[damage]
    made, hidden, number = [], [], 0
    for _, path, right in labelled():
        message = path.read_bytes()
        seen = kind_of(work(message))
        if right[0] == "none":
            made += [path.name] if seen != "none" else []
        elif kind_of(message) != "none":
            number += 1
            hidden += [path.name] if seen == "none" else []
    assert made == []
    assert len(hidden) <= number * (1 - least), hidden
