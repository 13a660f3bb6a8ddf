"""Sending what the spool holds for one feed: batches where the feed takes them, back-off where it does not.

The whole feed rests after no answer, 429, 502, 503, 504 and a refused key; one item rests after another
5xx. What is refused for good (4xx that no later attempt can pass) is moved to the dead and the rest goes on.
"""

import dataclasses
import json
import random
from collections.abc import Callable
from typing import Any, Final

from ingest.report.client import NO_SUCH_ROUTE, FeedClient, FeedError, is_final
from ingest.report.spool import OBSERVATION, RAW, REPORT, FeedSpool, Item

FIRST_WAIT_S: Final = 30.0
LONGEST_WAIT_S: Final = 3600.0
BATCH_LINES: Final = 1000
BATCH_BYTES: Final = 1_900_000
_REST_OF_FEED: Final = frozenset({0, 401, 403, 404, 405, 429, 502, 503, 504})
_MOST_FAILURES: Final = 20


@dataclasses.dataclass(slots=True)
class Outcome:
    """What became of a flush. waiting: items still in the queue; words: why it ended early, or empty."""

    sent: int = 0
    refused: int = 0
    waiting: int = 0
    words: str = ""


class _RestError(Exception):
    """The whole feed is to rest."""

    def __init__(self, cause: FeedError) -> None:
        super().__init__(str(cause))
        self.cause = cause


def wait_s(failures: int, chance: random.Random, *, asked_s: float | None = None) -> float:
    """Return the seconds to rest after so many failures in a row: doubled each time, with jitter.

    asked_s: what the feed asked for; it is never shortened.
    """
    longest = min(FIRST_WAIT_S * 2 ** min(failures - 1, _MOST_FAILURES), LONGEST_WAIT_S)
    own = chance.uniform(longest / 2, longest)
    return own if asked_s is None else asked_s + chance.uniform(0, max(asked_s / 10, 1.0))


class Flush:
    """One run over the queue of one feed. now: seconds since 1970 when called."""

    def __init__(
        self, spool: FeedSpool, client: FeedClient, *, now: Callable[[], float], chance: random.Random
    ) -> None:
        """Take everything; nothing is sent yet."""
        self._spool, self._client, self._now, self._chance = spool, client, now, chance
        self._outcome = Outcome()
        self._batches = True

    def run(self) -> Outcome:
        """Send what is due and return what became of it; another process that does so is left alone."""
        with self._spool.lock() as held:
            if not held:
                self._outcome.words = "another process is sending to it"
            elif (until := self._spool.pause()[0]) > self._now():
                self._outcome.words = f"it rests for another {until - self._now():.0f} s"
            else:
                self._spool.sweep(now=self._now())
                self._send_all()
        self._outcome.waiting = len(self._spool.names())
        return self._outcome

    def _send_all(self) -> None:
        try:
            names = self._spool.names()
            for place in range(0, len(names), BATCH_LINES):
                self._send_some(names[place : place + BATCH_LINES])
        except _RestError as problem:
            failures = self._spool.pause()[1] + 1
            rest = wait_s(failures, self._chance, asked_s=problem.cause.retry_after_s)
            self._spool.set_pause(self._now() + rest, failures)
            self._outcome.words = f"{problem}; it rests for {rest:.0f} s"

    def _send_some(self, names: list[str]) -> None:
        together: list[tuple[str, Item]] = []
        size = 0
        for name in names:
            item = self._due(name)
            if item is None:
                continue
            if item.kind != REPORT or not self._batches:
                self._send_one(name, item)
                continue
            if size + len(item.body) + 1 > BATCH_BYTES:
                self._send_batch(together)
                together, size = [], 0
            together.append((name, item))
            size += len(item.body) + 1
        self._send_batch(together)

    def _due(self, name: str) -> Item | None:
        item = self._spool.read(name)
        if item is None or item.not_before > self._now():
            return None
        if item.stale_at and item.stale_at < self._now():
            self._bury(name, item, "older than the feed takes")
            return None
        return item

    def _send_batch(self, together: list[tuple[str, Item]]) -> None:
        if len(together) > 1 and self._batches:
            try:
                answers = self._client.batch([item.body for _, item in together])
            except FeedError as problem:
                if problem.status in {0, 401, 403, 429, 502, 503, 504}:
                    raise _RestError(problem) from None
                # Not offered (404, 405), or not taken as a whole: each report is asked about alone.
                self._batches = False
            else:
                self._spool.set_pause(0, 0)
                self._settle(together, answers)
                return
        for name, item in together:
            self._send_one(name, item)

    def _settle(self, together: list[tuple[str, Item]], answers: list[Any]) -> None:
        """Take the answers by their line number; a line without an answer stays in the queue."""
        rest: FeedError | None = None
        for answer in answers:
            if not isinstance(answer, dict) or type(line := answer.get("line")) is not int:
                continue
            if not 1 <= line <= len(together):
                continue
            name, item = together[line - 1]
            problem = answer.get("problem")
            if isinstance(answer.get("report"), dict):
                self._spool.remove(name)
                self._outcome.sent += 1
            elif isinstance(problem, dict):
                status = problem.get("status")
                status = status if type(status) is int else 500
                words = f"{status} {json.dumps(problem.get('title', ''))}"
                if status in _REST_OF_FEED:
                    rest = FeedError(words, final=False, status=status)
                else:
                    self._failed(name, item, FeedError(words, final=is_final(status), status=status))
        if rest is not None:
            raise _RestError(rest)

    def _send_one(self, name: str, item: Item) -> None:
        try:
            if item.kind == OBSERVATION:
                self._client.observe(item.body)
            elif item.kind == RAW:
                self._client.send(item.body, item.claim, idempotency_key=name)
            else:
                self._client.report(item.body, idempotency_key=name)
        except FeedError as problem:
            if problem.status in _REST_OF_FEED or problem.status in NO_SUCH_ROUTE:
                raise _RestError(problem) from None
            self._failed(name, item, problem)
            return
        self._spool.set_pause(0, 0)
        self._spool.remove(name)
        self._outcome.sent += 1

    def _failed(self, name: str, item: Item, problem: FeedError) -> None:
        if problem.final:
            self._bury(name, item, str(problem))
            return
        attempts = item.attempts + 1
        rest = wait_s(attempts, self._chance, asked_s=problem.retry_after_s)
        self._spool.update(name, dataclasses.replace(item, attempts=attempts, not_before=self._now() + rest))

    def _bury(self, name: str, item: Item, words: str) -> None:
        self._spool.bury(name, dataclasses.replace(item, refusal=words[:500]))
        self._outcome.refused += 1
