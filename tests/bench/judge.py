"""How many mails a second one core judges, beside flufl.bounce and mail-parser on the same mails.

Run: python -m tests.bench.judge [FOLDER]. FOLDER: real mails, by default the collections beside the project,
else constructed mails. The two others are no dependencies: run it in an environment that has them, or get
our figure alone. Prints machine, Python and medians of CPU time of five runs; ratios above 1 say that we
are faster. They do less or other work: flufl.bounce looks for failed recipients, mail-parser reads
structure and Received fields.
"""

import contextlib
import email
import importlib
import logging
import os
import pathlib
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from ingest.mail.judge import judge
from ingest.mail.judgement import Claim, Registration
from tests import mails

RUNS: Final = 5
REGISTERED: Final = Registration(border_hosts=frozenset({"mx.reporter.example"}))
Work = Callable[[bytes], object]


def by_us(message: bytes) -> object:
    """Judge one mail."""
    return judge(message, registration=REGISTERED, claim=Claim(), now=mails.NOW)


def others() -> dict[str, Work]:
    """Return what else is importable, by name."""
    found: dict[str, Work] = {}
    with contextlib.suppress(ImportError):
        bounce: Any = importlib.import_module("flufl.bounce")

        def by_flufl(message: bytes) -> object:
            with contextlib.suppress(IndexError, ValueError, LookupError):  # it raises on some real mails
                return bounce.all_failures(email.message_from_bytes(message))
            return None

        found["flufl.bounce"] = by_flufl
    with contextlib.suppress(ImportError):
        parser: Any = importlib.import_module("mailparser")

        def by_mail_parser(message: bytes) -> object:
            with contextlib.suppress(Exception):
                return parser.parse_from_bytes(message).get_server_ipaddress("mx.reporter.example")
            return None

        found["mail-parser"] = by_mail_parser
    return found


def mails_under(folder: pathlib.Path) -> list[bytes]:
    """Return the mails of the labelled collections, or of any folder."""
    tables = sorted(folder.glob("*/labels.tsv"))
    if not tables:
        return [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]
    return [
        (table.parent / line.partition("\t")[0]).read_bytes()
        for table in tables
        for line in table.read_text().splitlines()[1:]
    ]


def constructed() -> list[bytes]:
    """Return constructed mails of every kind, as many as a small collection has."""
    border = mails.Border()
    kinds = (
        mails.dsn,
        mails.ndr_qmail,
        mails.ndr_exim,
        mails.auto_reply,
        mails.challenge,
        mails.read_receipt,
    )
    return [kind(border=border) for kind in kinds] * 100


def mails_a_second(work: Work, messages: Iterable[bytes]) -> float:
    """Return the median over the runs, in CPU time."""
    messages = list(messages)
    taken = []
    for _ in range(RUNS):
        started = time.process_time()
        for message in messages:
            work(message)
        taken.append(time.process_time() - started)
    return len(messages) / statistics.median(taken)


def measured(folder: pathlib.Path | None) -> tuple[int, dict[str, float]]:
    """Return how many mails there were, and mails a second by program, ours first."""
    logging.disable()  # the others report every odd mail
    messages = mails_under(folder) if folder else constructed()
    found = {"judge": mails_a_second(by_us, messages)}
    for name, work in others().items():
        found[name] = mails_a_second(work, messages)
    return len(messages), found


def main() -> None:
    """Measure and print."""
    default = os.environ.get("BSF_CORPORA", pathlib.Path(__file__).parents[3] / "shared" / "corpora")
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else default)
    number, found = measured(folder if folder.is_dir() else None)
    kind = "real" if folder.is_dir() else "constructed"
    print(f"{platform.machine()}, Python {platform.python_version()}, {number} {kind} mails, {RUNS} runs")
    for name, speed in found.items():
        print(f"{name}: {speed:.0f} mails/s of CPU; we are {found['judge'] / speed:.2f} times as fast")


if __name__ == "__main__":
    main()
