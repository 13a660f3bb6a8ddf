"""Reports that arrive together are stored together: one transaction and one flush to disk for all of them.

Whoever comes while a transaction runs waits, and the first of those takes the others along. Alone, a
report waits for nobody.
"""

import dataclasses
import datetime as dt
import threading
from collections.abc import Sequence

from feed.store.database import ROWS_A_WRITE, StoreBusyError, StoreError
from feed.store.reporters import Reporter
from ingest.intake import Answer, Intake, Judged
from ingest.problems import ProblemError


@dataclasses.dataclass(slots=True, eq=False)
class _Waiting:
    """One report on its way into the database; done once `result` or `failure` is set."""

    reporter: Reporter
    judged: Judged
    result: Answer | ProblemError | None = None
    failure: Exception | None = None


class Grouped:
    """Stores single reports of any number of threads through `Intake.take_many`."""

    def __init__(self, intake: Intake) -> None:
        """Take what stores them."""
        self._intake = intake
        self._waiting: list[_Waiting] = []
        self._mutex = threading.Lock()
        self._turn = threading.Lock()

    def take(self, reporter: Reporter, judged: Judged, *, now: dt.datetime) -> Answer:
        """Store one report and return its answer; raises its refusal, or `StoreError`."""
        mine = _Waiting(reporter, judged)
        with self._mutex:
            self._waiting.append(mine)
        with self._turn:
            if mine.result is None and mine.failure is None:
                self._store(self._group_of(mine), now=now)
        if mine.failure is not None:
            raise mine.failure
        assert mine.result is not None
        if isinstance(mine.result, ProblemError):
            raise mine.result
        return mine.result

    def _group_of(self, mine: _Waiting) -> list[_Waiting]:
        """Return `mine` with what else waits of the same reporter."""
        with self._mutex:
            same = [
                one
                for one in self._waiting
                if one is not mine and one.reporter.source_id == mine.reporter.source_id
            ]
            group = [mine, *same[: ROWS_A_WRITE - 1]]
            self._waiting = [one for one in self._waiting if not any(one is other for other in group)]
        return group

    def _store(self, group: Sequence[_Waiting], *, now: dt.datetime) -> None:
        try:
            judged = [one.judged for one in group]
            results = self._intake.take_many(group[0].reporter, judged, now=now)
        except (StoreError, ProblemError) as problem:
            if len(group) > 1 and not isinstance(problem, StoreBusyError):
                # One of them may be what the database cannot take; the others must not fail for it.
                for one in group:
                    self._store([one], now=now)
                return
            for one in group:
                one.failure = problem
        except Exception as problem:
            for one in group:
                one.failure = problem
            raise
        else:
            for one, result in zip(group, results, strict=True):
                one.result = result
