"""Rules of the past are taken as they were, whatever today's rules would say to them."""

import json

import pytest
import sqlalchemy as sa

from feed.store import rules
from feed.store.database import Database, StoreError
from feed.store.tables import policy_snapshot
from tests.feed.jobs.four_reporters import World, listed


def rewritten(database: Database, **numbers: object) -> None:
    """Let the only policy snapshot say other numbers; None takes one out."""
    with database.write() as connection:
        row = connection.execute(sa.select(policy_snapshot)).one()
        body = json.loads(row.body)
        body["policy"] |= numbers
        body["policy"] = {name: value for name, value in body["policy"].items() if value is not None}
        connection.execute(sa.update(policy_snapshot).values(body=json.dumps(body)))


def test_numbers_that_are_refused_today_are_read(sqlite: Database) -> None:
    listed(World(sqlite))
    rewritten(sqlite, genuine_days=None, guard_days=30, renew_minutes=60, long_gone=7)
    with sqlite.read() as connection:
        past = rules.past(connection, since=0)
    assert past is not None
    policy = past.eras[-1][1]
    assert (policy.guard_days, policy.genuine_days, policy.renew_minutes) == (30, 30, 60)


@pytest.mark.parametrize("wrong", ["many", 2.5, True])
def test_a_snapshot_that_cannot_be_read_is_named(sqlite: Database, wrong: object) -> None:
    listed(World(sqlite))
    rewritten(sqlite, originals=wrong)
    with (
        sqlite.read() as connection,
        pytest.raises(StoreError, match=r"policy snapshot 1 cannot be read \(orig"),
    ):
        rules.past(connection, since=0)
