"""Write docs/results.md: how well the judge does on every collection of mails, and how fast.

Run from the project root: python -m tests.report [--without-speed]. Deterministic but for the section on
speed. Real mails are read where they lie (BSF_CORPORA, or ../shared/corpora) and never copied; the
collections are named by a digest of all their files. Without them only the constructed mails are measured.
"""

import collections
import dataclasses
import hashlib
import importlib.util
import json
import os
import pathlib
import platform
import re
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Final

from feed.domain.address import parse_address, special_purpose
from feed.domain.event import Kind
from ingest.mail.judge import judge
from ingest.mail.judgement import Claim, Registration
from ingest.mail.received import read_received
from tests import mails

ROOT: Final = pathlib.Path(__file__).parent.parent
RESULTS: Final = ROOT / "docs" / "results.md"
NOT_NOTIFICATIONS: Final = frozenset({"spam", "arf", "dmarc", "tlsrpt", "none"})
WORDS: Final = {"challenge": "cr"} | dict.fromkeys(NOT_NOTIFICATIONS, "none")


@dataclasses.dataclass(kw_only=True)
class Row:
    """Counts of one collection. seen: of its notifications, how many were recognised as any kind."""

    mails: int = 0
    right: int = 0
    notifications: int = 0
    seen: int = 0
    false: int = 0

    def add(self, word: str, right: list[str]) -> None:
        """Count one mail: the kind that was told, and those that count as right."""
        self.mails += 1
        self.right += word in right
        if right[0] == "none":
            self.false += word != "none"
        elif "none" not in right:  # some wrappers may pass for either
            self.notifications += 1
            self.seen += word != "none"

    def __add__(self, other: "Row") -> "Row":
        total = {
            field.name: getattr(self, field.name) + getattr(other, field.name)
            for field in dataclasses.fields(self)
        }
        return Row(**total)


def corpora() -> pathlib.Path | None:
    """Return the folder of real mails, None if it is not there."""
    folder = pathlib.Path(os.environ.get("BSF_CORPORA", ROOT.parent / "shared" / "corpora"))
    return folder if folder.is_dir() else None


def digest_of(folder: pathlib.Path) -> tuple[str, int]:
    """Return a SHA-256 over names and contents of all files, and their number."""
    digest, number = hashlib.sha256(), 0
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            number += 1
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return digest.hexdigest(), number


def labelled(folder: pathlib.Path) -> Iterator[tuple[str, str, pathlib.Path, list[str]]]:
    """Return collection, family (of sisimai, else empty), file, and the kinds that count as right."""
    for table in sorted(folder.glob("*/labels.tsv")):
        for line in table.read_text().splitlines()[1:]:
            name, kind, notes = [*line.split("\t"), "", ""][:3]
            if not kind:
                continue
            pairs = dict(note.split("=", 1) for note in notes.split("; ") if "=" in note)
            words = [kind, *pairs.get("alt", "").split(",")]
            right = [WORDS.get(word, word) for word in words if word]
            collection = table.parent.name
            family = re.sub(r"-\d+$", "", pathlib.PurePath(name).stem) if collection == "sisimai" else ""
            yield collection, family, table.parent / name, right


def word_of(message: bytes) -> str:
    """Return the kind of a mail in the words of the API."""
    return judge(message, registration=Registration(), claim=Claim(), now=mails.NOW).kind.word


def table(title: str, rows: dict[str, Row]) -> list[str]:
    """Return a Markdown table with a row of totals."""
    lines = [
        f"| {title} | mails | kind right | notifications | recognised | others taken for one |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    total = sum(rows.values(), Row())
    for name, row in [*sorted(rows.items()), ("**all**", total)]:
        share = f"{100 * row.right / row.mails:.1f} %" if row.mails else "-"
        seen = f"{100 * row.seen / row.notifications:.1f} %" if row.notifications else "-"
        lines.append(
            f"| {name} | {row.mails} | {row.right} ({share}) | {row.notifications} | {row.seen} ({seen})"
            f" | {row.false} |"
        )
    return lines


def real_mails(folder: pathlib.Path) -> list[str]:
    """Return the sections on real mails."""
    digest, number = digest_of(folder)
    by_collection: dict[str, Row] = collections.defaultdict(Row)
    by_family: dict[str, Row] = collections.defaultdict(Row)
    wrong = []
    for collection, family, path, right in labelled(folder):
        word = word_of(path.read_bytes())
        by_collection[collection].add(word, right)
        if family:
            by_family[family].add(word, right)
        if word not in right:
            wrong.append(f"- `{collection}/{path.name}`: {word}, labelled {' or '.join(right)}")
    lines = ["## Real mails", "", f"Collections: {number} files, SHA-256 `{digest}`.", ""]
    lines += [
        *table("collection", by_collection),
        "",
        "### sisimai by family",
        "",
        *table("family", by_family),
        "",
    ]
    return [*lines, "### Wrong", "", *(wrong or ["None."]), "", *received_vectors(folder)]


def received_vectors(folder: pathlib.Path) -> list[str]:
    """Return the section on single Received fields."""
    lines = [
        "## Received fields",
        "",
        "An address is wrong if the vector expects another one or none. Private addresses are read here and",
        "refused later.",
        "",
        "| vectors | fields | with a public address | right | wrong |",
        "|---|---:|---:|---:|---:|",
    ]
    for path in sorted((folder / "received").glob("*.jsonl")):
        fields = public = right = wrong = 0
        for line in path.read_text().splitlines():
            vector = json.loads(line)
            expected = parse_address(vector["ip"]) if vector["ip"] else None
            found = read_received(vector["header"]).address
            fields += 1
            wrong += found is not None and found != expected
            if expected is not None and special_purpose(expected) is None:
                public += 1
                right += found == expected
        lines.append(f"| {path.stem} | {fields} | {public} | {right} | {wrong} |")
    return [*lines, ""]


def _table_of(name: str) -> ModuleType:
    """Return a test module that holds a table of constructed mails."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tests" / "ingest" / "mail" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def constructed_mails() -> list[str]:
    """Return the section on the constructed mails of the tests."""
    rows: dict[str, Row] = collections.defaultdict(Row)
    software = [0, 0]
    for message, kind, expected in _table_of("test_vendors").NOTICES.values():
        result = judge(message, registration=Registration(), claim=Claim(), now=mails.NOW)
        rows["notices of servers and services"].add(result.kind.word, [kind.word])
        software[0] += expected is not None
        software[1] += expected is not None and result.software == expected
    for message, kind in _table_of("test_answers").ANSWERS.values():
        rows["auto-replies, 28 languages"].add(word_of(message), [kind.word])
    for message in _table_of("test_ordinary").ORDINARY.values():
        rows["ordinary mails that look alike"].add(word_of(message), [Kind.NONE.word])
    return [
        "## Constructed mails",
        "",
        "Made for the tests, so they say what is covered, not how well unseen mails are read.",
        "",
        *table("table", rows),
        "",
        f"Software of the emitter named rightly: {software[1]} of {software[0]} that bear a mark.",
        "",
    ]


def speed(folder: pathlib.Path | None) -> list[str]:
    """Return the section on speed, which no two runs give alike."""
    from tests.bench import judge as bench

    number, found = bench.measured(folder)
    lines = [
        "## Speed",
        "",
        f"{number} mails, one core, CPU time, {platform.machine()}, Python {platform.python_version()}; not",
        "deterministic. `python -m tests.bench.judge` prints it alone; others appear where installed.",
        "",
        "| program | mails a second | we are faster by |",
        "|---|---:|---:|",
    ]
    lines += [f"| {name} | {value:.0f} | {found['judge'] / value:.2f} |" for name, value in found.items()]
    return [*lines, ""]


def report(*, with_speed: bool) -> str:
    """Return the whole text."""
    folder = corpora()
    lines = [
        "# Results of the judge",
        "",
        "Written by `make report`. Kinds by the labels of each collection; what else counts as right is",
        "said there. Labels tell what a mail is, never whether it was unsolicited.",
        "",
    ]
    lines += real_mails(folder) if folder else ["No collections of real mails were found (BSF_CORPORA).", ""]
    lines += constructed_mails()
    if with_speed:
        lines += speed(folder)
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    RESULTS.write_text(report(with_speed="--without-speed" not in sys.argv[1:]), encoding="utf-8")
    print(f"wrote {RESULTS.relative_to(ROOT)}")
