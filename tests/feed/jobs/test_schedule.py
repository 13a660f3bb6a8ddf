"""The scheduler's own sense of time, and that nothing that fails ends it."""

import pathlib
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from feed.jobs.schedule import BACKWARD_S, FORWARD_S, Scheduler
from feed.opening import Feed, open_feed
from feed.settings import PublishSettings, Settings, StoreSettings
from feed.snapshot.reader import Snapshot
from feed.store.database import Database
from tests.factories import NOW

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
