"""Batches of structured reports: one JSON object a line, plain or gzip, and a result for each line."""

from typing import Any, Final

from feed.store.database import ROWS_A_WRITE
from ingest import body, shapes
from ingest.intake import Answer
from ingest.problems import ProblemError
from ingest.submission import Submission

NDJSON: Final = "application/x-ndjson"
MEDIA_TYPES: Final = frozenset({NDJSON, "application/ndjson", "application/jsonl", "application/json-lines"})
CODINGS: Final = frozenset({"identity", "gzip", "x-gzip"})
MOST_LINES: Final = ROWS_A_WRITE
"""Lines of a batch: what one write transaction may take."""

Line = tuple[int, Submission | ProblemError]
"""Number of a line, from 1 with empty ones counted, and what it says or why it cannot be read."""
Result = tuple[int, Answer | ProblemError]


def lines_of(data: bytes, *, coding: str) -> list[Line]:
    """Return what each line says; raises 400 and 413 for what is no batch at all."""
    if coding != "identity":
        data = body.unzip(data, largest=body.LARGEST_BATCH)
    numbered = [(number, line) for number, line in enumerate(data.split(b"\n"), start=1) if line.strip()]
    if not numbered:
        raise ProblemError("malformed", "the batch is empty")
    if len(numbered) > MOST_LINES:
        raise ProblemError("too_large", f"at most {MOST_LINES} lines; send them in several batches")
    return [(number, _read(line)) for number, line in numbered]


def _read(line: bytes) -> Submission | ProblemError:
    try:
        return shapes.of_record(line)
    except ProblemError as problem:
        return problem


def document_of(results: list[Result]) -> dict[str, Any]:
    """Return the answer to a batch: the fields of `schemas.BatchOut`."""
    lines = []
    counts = {"accepted": 0, "duplicate": 0, "refused": 0}
    for number, result in results:
        if isinstance(result, ProblemError):
            counts["refused"] += 1
            lines.append({"line": number, "problem": result.document()})
        else:
            # A report that was taken back is no new one either.
            counts["accepted" if result.fields["status"] == "accepted" else "duplicate"] += 1
            lines.append({"line": number, "report": result.fields})
    return counts | {"results": lines}


def is_over_quota(results: list[Result]) -> bool:
    """Return whether nothing of a batch could be taken because the quota is used up."""
    codes = [result.code for _, result in results if isinstance(result, ProblemError)]
    return len(codes) == len(results) and "over_quota" in codes
