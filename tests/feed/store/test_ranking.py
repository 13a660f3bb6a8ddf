"""The worst emitters by what their evidence is worth now, whenever they were scored last."""

import datetime as dt

import pytest
import sqlalchemy as sa

from feed.domain.policy import PRIVATE
from feed.domain.providers import Providers
from feed.jobs.score import Scorer
from feed.store import evidence, ranking, rules
from feed.store.database import Database
from feed.store.secret import Secret
from feed.store.tables import emitter_state
from tests.factories import NOW, make_event, make_reporter

TICK = int(NOW.timestamp())
EMPTY = Providers.parse("# date: 2026-11-25\n")
DAY = 86_400


def _hit(database: Database, address: str, *, at: int, n: int) -> None:
    with database.write() as connection:
        for _ in range(n):
            when = dt.datetime.fromtimestamp(at, dt.UTC)
            evidence.add_event(connection, make_event(address=address, observed_at=when, received_at=when))


@pytest.mark.parametrize("limit", [1, 2, 9])
@pytest.mark.parametrize("due", [False, True], ids=["all-scored", "newest-waits-for-its-tick"])
def test_an_old_score_hides_no_fresh_one(
    sqlite: Database, secret: Secret, monkeypatch: pytest.MonkeyPatch, *, limit: int, due: bool
) -> None:
    monkeypatch.setattr(ranking, "_SCORED_AT_ONCE", 2)
    scorer = Scorer(database=sqlite, secret=secret, policy=PRIVATE, providers=EMPTY)
    with sqlite.write() as connection:
        make_reporter(connection)
    old = [f"203.0.113.{number}" for number in range(1, 7)]
    for address in old:
        _hit(sqlite, address, at=TICK - 6 * DAY, n=3)
    scorer.run(now=TICK - 6 * DAY + 60)
    with sqlite.write() as connection:  # what was scored then stays as it was
        connection.execute(sa.update(emitter_state).values(next_due_minute=TICK))
    _hit(sqlite, "198.51.100.7", at=TICK - 120, n=1)
    if not due:
        scorer.run(now=TICK - 60)
    with sqlite.read() as connection:
        stored = list(
            connection.execute(
                sa.select(emitter_state.c.score).order_by(emitter_state.c.score.desc())
            ).scalars()
        )
        current = rules.load(connection, policy=PRIVATE, providers=EMPTY, now=TICK)
        found = ranking.worst(connection, limit=limit, rules=current, secret=secret, tick=TICK // 60)
    scores = [one.explanation.score for one in found if one.explanation is not None]
    assert [str(one.address) for one in found] == ["198.51.100.7", *old][:limit]
    assert scores == sorted(scores, reverse=True)
    assert stored[0] > scores[0], "an old one stands first as it is stored"
