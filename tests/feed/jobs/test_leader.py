"""One scheduler leads; when it dies, another takes over, and no tick is done twice."""

import multiprocessing
import os
import signal
from multiprocessing.connection import Connection

import pytest

from feed.jobs.leader import Leader
from feed.store.database import Database, StoreError
from tests.waiting import wait_until


def _lead(url: str, pipe: Connection) -> None:
    leader = Leader(Database(url))
    pipe.send(leader.holds())
    pipe.recv()


def test_second_waits_until_the_first_gives_up(database: Database) -> None:
    first, second = Leader(database), Leader(database)
    assert first.holds()
    assert first.holds()
    assert not second.holds()
    first.release()
    assert second.holds()
    assert not first.holds()
    second.release()


def test_killed_leader_is_followed(database: Database) -> None:
    url = database.url.render_as_string(hide_password=False)
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(target=_lead, args=(url, theirs))
    process.start()
    assert mine.recv() is True
    leader = Leader(database)
    assert not leader.holds()
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    # PostgreSQL notices the end of a session a moment after the process died.
    wait_until(leader.holds, seconds=10, words=lambda: "nobody took over")
    leader.release()


def test_database_that_is_away_is_an_error_in_words() -> None:
    with pytest.raises(StoreError, match="does not answer"):
        Leader(Database("postgresql://nobody@/none?host=/nonexistent")).holds()
