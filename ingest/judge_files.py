"""Judging files offline: single mails, Maildirs, mbox files and trees of them, one JSON object a mail.

The verdict is the one that the API would give for the same mail and claim. Without border
hosts no address can be trusted, so such a mail keeps its kind and is marked `no_trustworthy_address`.
"""

import collections
import dataclasses
import datetime as dt
import functools
import itertools
import json
import multiprocessing
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, TextIO

from feed.domain.event import Kind
from ingest.mail import limits
from ingest.mail.judgement import Claim, Judgement, Refusal, Registration
from ingest.mail.unwrap import judge_submitted

_READ_BYTES: Final = limits.MESSAGE_BYTES + 1
"""Enough to see that a mail was cut; the rest of a huge file is never read."""
_MBOX_MAIL_BYTES: Final = limits.MESSAGE_BYTES * 4
"""A mail inside an mbox is held no longer than this; what follows of it is skipped."""
_CHUNK: Final = 32
"""Mails that go to a process at once."""
_FEW: Final = 256
"""Up to so many mails are judged before starting processes would pay."""
_SEPARATOR: Final = b"From "
_NO_CLAIM: Final = Claim()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail, or why there is none. name: the path, with `#n` for the n-th mail of an mbox."""

    name: str
    message: bytes = b""
    problem: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The judgement of one mail, or the problem in words."""

    name: str
    judgement: Judgement | None = None
    problem: str | None = None


def find_mails(paths: Iterable[Path]) -> Iterator[Mail]:
    """Return every mail under `paths`: files, mbox files, Maildirs (cur and new), directories in depth.

    Unreadable paths come as problems, in their place; links to directories are not followed, so that a
    ring of them ends. Hidden files are left out of directories. Order: as given, then by name.
    """
    for path in paths:
        if path.is_dir():
            yield from _walk(path)
        else:
            yield from _read_file(path)


def _walk(directory: Path) -> Iterator[Mail]:
    maildir = (directory / "cur").is_dir() and (directory / "new").is_dir()
    try:
        with os.scandir(directory) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as problem:
        yield Mail(name=str(directory), problem=_words(problem))
        return
    for entry in entries:
        if maildir and (entry.name == "tmp" or entry.is_file()):
            continue  # half-delivered mail, and the index files of servers
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))
        elif not entry.name.startswith(".") and not entry.is_dir():
            yield from _read_file(Path(entry.path))


def _read_file(path: Path) -> Iterator[Mail]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            yield Mail(name=str(path), problem="not a regular file")
            return
        with path.open("rb") as file:
            start = file.read(_READ_BYTES)
            if not start.startswith(_SEPARATOR):
                yield Mail(name=str(path), message=start)
                return
            file.seek(0)
            for number, message in enumerate(_split_mbox(file), start=1):
                yield Mail(name=f"{path}#{number}", message=message)
    except OSError as problem:
        yield Mail(name=str(path), problem=_words(problem))


def _split_mbox(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Split at `From ` lines after a blank line; a lone mail with such a line comes as one."""
    mail: list[bytes] = []
    size, blank = 0, True
    for line in lines:
        if blank and line.startswith(_SEPARATOR) and mail:
            yield b"".join(mail)
            mail, size = [], 0
        if size < _MBOX_MAIL_BYTES:
            mail.append(line[:_MBOX_MAIL_BYTES])
            size += len(line)
        blank = line in (b"\n", b"\r\n")
    if mail:
        yield b"".join(mail)


def _words(problem: OSError) -> str:
    return (problem.strerror or type(problem).__name__).lower()


def judge_mail(
    mail: Mail, *, registration: Registration, now: dt.datetime, claim: Claim = _NO_CLAIM
) -> Outcome:
    """Judge one mail that `find_mails` found."""
    if mail.problem is not None:
        return Outcome(name=mail.name, problem=mail.problem)
    judgement = judge_submitted(mail.message, registration=registration, claim=claim, now=now)
    return Outcome(name=mail.name, judgement=judgement)


def judge_paths(
    paths: Iterable[Path],
    *,
    registration: Registration,
    now: dt.datetime,
    claim: Claim = _NO_CLAIM,
    jobs: int | None = None,
) -> Iterator[Outcome]:
    """Judge every mail under `paths`, in order. jobs: processes, by default one a core; 1 starts none."""
    work = functools.partial(judge_mail, registration=registration, now=now, claim=claim)
    number = jobs if jobs is not None else os.cpu_count() or 1
    mails = find_mails(paths)
    first = list(itertools.islice(mails, _FEW + 1 if number > 1 else 0))
    if number <= 1 or len(first) <= _FEW:
        yield from map(work, itertools.chain(first, mails))
        return
    mails = itertools.chain(first, mails)
    with multiprocessing.get_context("spawn").Pool(number) as pool:
        yield from pool.imap(work, mails, chunksize=_CHUNK)


def as_json(outcome: Outcome) -> dict[str, object]:
    """Return one outcome as a JSON object; addresses and enums by their public words."""
    judgement = outcome.judgement
    if judgement is None:
        return {"file": outcome.name, "error": outcome.problem}
    return {
        "file": outcome.name,
        "kind": judgement.kind.word,
        "verdict": judgement.verdict.word,
        "refusal": str(judgement.refusal) if judgement.refusal else None,
        "emitter": str(judgement.emitter) if judgement.emitter else None,
        "provenance": judgement.provenance.name,
        "attestation": judgement.attestation.name,
        "strength": judgement.strength,
        "status": judgement.status,
        "software": judgement.software,
        "observed_at": judgement.observed_at.isoformat() if judgement.observed_at else None,
        "reasons": list(judgement.reasons),
        "defects": list(judgement.defects),
    }


def run(
    paths: Iterable[Path],
    *,
    border_hosts: Iterable[str] = (),
    claim: Claim = _NO_CLAIM,
    now: dt.datetime,
    out: TextIO,
    err: TextIO,
    jobs: int | None = None,
    accept_special: bool = False,
) -> int:
    """Judge `paths`, write one JSON line a mail to `out`, and return the exit code.

    0: all read; 1: some path could not be read (each is named on `err`, the others are still judged); 2:
    nothing was found. On a terminal `err` also shows progress and, at the end, a table of the kinds.
    """
    registration = Registration(
        border_hosts=frozenset(host.strip().rstrip(".").lower() for host in border_hosts),
        accept_special=accept_special,
    )
    kinds: collections.Counter[Kind] = collections.Counter()
    verdicts: collections.Counter[tuple[Kind, str]] = collections.Counter()
    failed = 0
    outcomes = judge_paths(paths, registration=registration, now=now, claim=claim, jobs=jobs)
    for outcome in _with_progress(outcomes, err):
        if outcome.judgement is None:
            failed += 1
            print(f"{outcome.name}: {outcome.problem}", file=err)
            continue
        kinds[outcome.judgement.kind] += 1
        verdicts[outcome.judgement.kind, _result_word(outcome.judgement)] += 1
        print(json.dumps(as_json(outcome), separators=(",", ":")), file=out)
    out.flush()
    if err.isatty() and kinds:
        _print_summary(verdicts, err)
    if not kinds and not failed:
        print("no mail was found", file=err)
        return 2
    return 1 if failed else 0


def _result_word(judgement: Judgement) -> str:
    if judgement.refusal is None or judgement.refusal is Refusal.NO_TRUSTWORTHY_ADDRESS:
        return judgement.verdict.word
    return str(judgement.refusal)


def _with_progress(outcomes: Iterator[Outcome], err: TextIO) -> Iterator[Outcome]:
    """Pass `outcomes` through; show a running count when `err` is a terminal."""
    if not err.isatty():
        yield from outcomes
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("judging"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=err), transient=True) as progress:
        task = progress.add_task("judging", total=None)
        for outcome in outcomes:
            progress.advance(task)
            yield outcome


def _print_summary(verdicts: collections.Counter[tuple[Kind, str]], err: TextIO) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("kind", "result", "mails", title="judged")
    for (kind, result), number in sorted(verdicts.items()):
        table.add_row(kind.phrase, result, str(number))
    Console(file=err).print(table)
