"""A feed with one anchor and two reporters that have earned nothing yet."""

import datetime as dt
from typing import Any

from feed.domain.policy import PRIVATE
from feed.domain.providers import Providers
from feed.jobs.score import Scorer
from feed.store import evidence, reporters
from feed.store.database import Database
from feed.store.secret import Secret
from tests.factories import NOW, make_event, make_reporter

SECRET = Secret(bytes(32))
EMPTY = Providers.parse("# date: 2026-11-25\n")
TICK = int(NOW.timestamp())
TODAY = TICK // 86_400
ANCHOR, NEWCOMER, OTHER = 1, 2, 3


class Feed:
    """One anchor with full weight, a newcomer and another without any."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.write() as connection:
            make_reporter(connection, "anchor", anchor=True)
            make_reporter(connection, "newcomer", weight=0)
            make_reporter(connection, "other", weight=0)

    def hit(
        self, address: str, *, source: int, days: float, observed: float | None = None, **change: Any
    ) -> int:
        """Have a report come `days` ago about a mail of then, or of `observed` days ago."""
        received = NOW - dt.timedelta(days=days)
        new = make_event(
            source_id=source, address=address, received_at=received,
            observed_at=NOW - dt.timedelta(days=days if observed is None else observed), **change,
        )  # fmt: skip
        with self.database.write() as connection:
            evidence.add_event(connection, new)
        return new.event_id

    def confirm(self, number: int, *, source: int = NEWCOMER, days: float = 2.0) -> None:
        """Have `source` report so many addresses a day before the anchor's traps see them."""
        for last in range(number):
            self.hit(f"192.0.2.{last + 1}", source=source, days=days)
            self.hit(f"192.0.2.{last + 1}", source=ANCHOR, days=days - 1)

    def score(self, at: int = TICK) -> int:
        scorer = Scorer(database=self.database, secret=SECRET, policy=PRIVATE, providers=EMPTY)
        return scorer.run(now=at).scored

    def weights(self) -> dict[int, int]:
        with self.database.read() as connection:
            return {one: it.weight for one, it in reporters.trust(connection, day=TODAY).items()}
