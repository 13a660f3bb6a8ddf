"""The provider file under a running scheduler: changes are taken, what is broken never lists anybody."""

import pathlib
from typing import Any

import pytest
from structlog.testing import capture_logs

from feed.domain.address import emitter_key, parse_address
from feed.domain.event import Channel
from feed.domain.listing import Hold, State
from feed.jobs.schedule import Scheduler
from feed.opening import open_feed
from feed.settings import PublishSettings, ScoreSettings, Settings, StoreSettings
from feed.store import states
from feed.store.database import Database
from tests.factories import NOW, make_event, make_reporter

GOOD = "# date: 2026-11-01\n203.0.112.0/24 Example Mail\n"
OTHER = "# date: 2026-11-20\n203.0.113.0/24 Example Mail\n198.51.100.0/24 Other Mail\n"
START = int(NOW.timestamp())


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    made = tmp_path / "providers.txt"
    made.write_text(GOOD)
    return made


class Running:
    """A scheduler whose clock moves a minute a tick, and one emitter that its evidence would list."""

    def __init__(self, database: Database, folder: pathlib.Path, file: pathlib.Path) -> None:
        self.now = START
        self.feed = open_feed(
            Settings(
                store=StoreSettings(url=str(database.url), secret_file=folder / "secret"),
                score=ScoreSettings(providers_file=file),
                publish=PublishSettings(folder=folder / "snapshots"),
            )
        )
        self.scheduler = Scheduler(self.feed, clock=lambda: self.now)
        with database.write() as connection:
            make_reporter(connection)

    def report(self, address: str) -> None:
        from feed.store import evidence

        for day in (NOW.day, NOW.day - 1):
            with self.feed.database.write() as connection:
                event = make_event(
                    address=address, received_at=NOW, observed_at=NOW.replace(day=day, second=0)
                )
                evidence.add_event(connection, event)

    def ticks(self, number: int = 3) -> list[Any]:
        with capture_logs() as said:
            for _ in range(number):
                self.now += 60
                self.scheduler.tick()
        return said

    def state(self, address: str) -> tuple[State, Hold | None]:
        with self.feed.database.read() as connection:
            row = states.read(connection, emitter_key(parse_address(address)), Channel.MAIN)
        assert row is not None
        return row.state.state, Hold(row.state.hold) if row.state.hold else None


def test_running_scheduler_takes_the_new_file_and_lists_nobody_by_a_broken_one(
    sqlite: Database, tmp_path: pathlib.Path, path: pathlib.Path
) -> None:
    world = Running(sqlite, tmp_path, path)
    world.report("203.0.112.7")
    world.report("203.0.113.7")
    world.ticks()
    assert world.state("203.0.112.7") == (State.HELD, Hold.PROVIDER)
    assert world.state("203.0.113.7") == (State.LISTED, None)
    path.write_text("not a provider file\n")
    assert "the provider file cannot be used" in [line["event"] for line in world.ticks()]
    assert world.state("203.0.112.7") == (State.HELD, Hold.PROVIDER)
    assert world.state("203.0.113.7") == (State.LISTED, None)
    path.write_text(OTHER)
    world.ticks()
    assert world.state("203.0.113.7") == (State.HELD, Hold.PROVIDER)
    assert world.state("203.0.112.7") == (State.LISTED, None)


def test_without_any_good_copy_nothing_new_is_listed_until_there_is_one(
    sqlite: Database, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = Running(sqlite, tmp_path, tmp_path / "later.txt")
    assert "nothing new will be listed" in capsys.readouterr().err
    world.report("203.0.113.7")
    world.ticks()
    assert world.state("203.0.113.7") == (State.HELD, Hold.SOURCE_FAILED)
    (tmp_path / "later.txt").write_text(GOOD)
    world.ticks()
    assert world.state("203.0.113.7") == (State.LISTED, None)
