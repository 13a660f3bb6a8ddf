"""The scheduler's own sense of time, and that nothing that fails ends it."""

import pathlib
import subprocess
import sys
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from feed.domain.address import parse_address
from feed.jobs.schedule import BACKWARD_S, CARRY_ON_S, FORWARD_S, Scheduler
from feed.jobs.selfcheck import SELFCHECK
from feed.opening import Feed, open_feed
from feed.settings import PublishSettings, Settings, StoreSettings
from feed.snapshot.reader import Snapshot
from feed.store import controls, evidence, quality_months, retractions
from feed.store.database import Database
from tests.factories import NOW, make_event, make_reporter

START = int(NOW.timestamp())


@pytest.fixture
def feed(sqlite: Database, tmp_path: pathlib.Path) -> Iterator[Feed]:
    made = open_feed(
        Settings(
            store=StoreSettings(url=str(sqlite.url), secret_file=tmp_path / "secret"),
            publish=PublishSettings(folder=tmp_path / "snapshots"),
        )
    )
    yield made
    made.database.dispose()


def _created(feed: Feed) -> int:
    return (
        Snapshot.open(next(iter(feed.settings.publish.files.values())).read_bytes()).meta.created_at - START
    )


@pytest.mark.parametrize(
    ("clock", "created"),
    [
        pytest.param([0, 60], 60, id="an ordinary clock"),
        pytest.param([0, 60, 60 - BACKWARD_S], 60, id="back a little: it waits for itself"),
        pytest.param([0, 365 * 86_400, 120], 120, id="one tick far ahead is not believed"),
        pytest.param(
            [0, FORWARD_S + 60, FORWARD_S + 120], FORWARD_S + 120, id="a long pause is, at the second tick"
        ),
        pytest.param([0, 9 * FORWARD_S, 9 * FORWARD_S + 15, 120], 120, id="back from a wrong future"),
    ],
)
def test_clock_that_jumps_freezes_nothing(feed: Feed, clock: list[int], created: int) -> None:
    times = iter(clock)
    scheduler = Scheduler(feed, clock=lambda: START + next(times))
    with capture_logs():
        for _ in clock:
            scheduler.tick()
    assert _created(feed) == created


def test_defect_in_one_tick_is_told_and_the_next_tick_works(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = Scheduler(feed, clock=lambda: START)
    with monkeypatch.context() as patch:
        patch.setattr("feed.jobs.publish.publish", lambda *_arguments, **_named: 1 / 0)
        with capture_logs() as said:
            scheduler.tick()
    assert [line["event"] for line in said] == ["job failed, will be tried again"]
    scheduler.tick()
    assert _created(feed) == 0


def test_tick_that_cannot_score_everything_publishes_and_the_next_goes_on(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would take a hundred ticks is scored in parts: each of them is followed by a publication."""
    monkeypatch.setattr("feed.jobs.score.CHUNK", 2)
    monkeypatch.setattr("feed.jobs.schedule.SCORING_SHARE", 0.0)
    listed = [f"192.0.2.{number}" for number in range(1, 8)]
    with feed.database.write() as connection:
        make_reporter(connection)
        for address in listed:
            for day in (NOW.day, NOW.day - 1):
                at = NOW.replace(day=day, second=0)
                evidence.add_event(connection, make_event(address=address, received_at=NOW, observed_at=at))
    clock = [START]
    scheduler = Scheduler(feed, clock=lambda: clock[0])
    served = []
    with capture_logs() as said:
        for _ in range(9):
            scheduler.tick()
            clock[0] += 15
            file = feed.settings.publish.files[feed.settings.publish.zone]
            snapshot = Snapshot.open(file.read_bytes())
            served.append(sum(snapshot.lookup_address(parse_address(one)) is not None for one in listed))
    assert served == [2, 4, 6, *[7] * 6]
    more = [line["more"] for line in said if line["event"] == "scored"]
    assert more == [True] * len(more)
    assert 3 <= len(more) < 9


def test_flood_is_looked_for_beside_the_ticks(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def found(*_given: object, now: int) -> list[tuple[int, int]]:
        asked.append(now)
        return [(7 + len(asked), now)]

    monkeypatch.setattr("feed.jobs.trust.mute_floods", found)
    monkeypatch.setattr("feed.jobs.trust.note_anchor_floods", found)
    monkeypatch.setattr("feed.jobs.trust.mute_copies", found)
    monkeypatch.setattr("feed.jobs.trust.note_anchor_copies", found)
    scheduler = Scheduler(feed, clock=lambda: START)
    with capture_logs() as said:
        scheduler.tick()
        assert asked == []
        scheduler.floods()
    assert [line["reporter"] for line in said if "weighs nothing" in line["event"]] == [8]
    assert [line["reporter"] for line in said if "reached an anchor" in line["event"]] == [9]
    assert [line["reporter"] for line in said if "copies the zone" in line["event"]] == [10]
    assert [line["reporter"] for line in said if "an anchor reported" in line["event"]] == [11]


SIGNALLED = """
import concurrent.futures.thread as pool, os, signal, sys
real = pool.ThreadPoolExecutor._adjust_thread_count
def signalled(self):
    pool.ThreadPoolExecutor._adjust_thread_count = real
    os.kill(os.getpid(), signal.SIGTERM)
    real(self)
pool.ThreadPoolExecutor._adjust_thread_count = signalled
sys.argv = ["feed", "schedule"]
from feed.__main__ import main
main()
"""


def test_signal_while_a_job_is_handed_to_its_thread_ends_the_scheduler(tmp_path: pathlib.Path) -> None:
    """The interrupted hand-over holds the lock that the end of the pool asks for."""
    subprocess.run(
        [sys.executable, "-m", "feed", "db", "upgrade"], cwd=tmp_path, check=True, capture_output=True
    )
    done = subprocess.run(
        [sys.executable, "-c", SIGNALLED], cwd=tmp_path, capture_output=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr


def test_long_jobs_end_where_they_can_be_carried_on_when_the_process_is_to_end(feed: Feed) -> None:
    with feed.database.write() as connection:
        for name in ("one", "two"):
            make_reporter(connection, name, anchor=name == "one")
        for source_id in (1, 2):
            evidence.add_event(connection, make_event(source_id=source_id, received_at=NOW))
        number = retractions.begin(connection, 2, author="t", reason="lied", now=START)
    clock = [START + CARRY_ON_S + 1]
    stopping = Scheduler(feed, clock=lambda: clock[0])
    stopping._stopping.set()
    with capture_logs() as said:
        for job in (stopping.retractions, stopping.night, stopping.check):
            job()
    assert said == []
    with feed.database.read() as connection:
        assert retractions.find(connection, number).done_at is None
        assert controls.get(connection, SELFCHECK) is None
        assert quality_months.latest(connection) is None
    stopping._leader.release()
    going_on = Scheduler(feed, clock=lambda: clock[0])
    with capture_logs() as said:
        for job in (going_on.retractions, going_on.night, going_on.check):
            job()
    assert next(line["event"] for line in said) == "retraction carried on"
    with feed.database.read() as connection:
        assert retractions.find(connection, number).done_at == clock[0]
        assert controls.get(connection, SELFCHECK) is not None
        assert quality_months.latest(connection) is not None
