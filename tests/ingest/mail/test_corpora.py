"""Real mails, where they are found: kinds by their labels, Received fields by their vectors.

The thresholds are those promised; the mails stay outside the project.
"""

import collections
import json
import os
from collections.abc import Iterator
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
