"""The provider file under the HTTP process: pages and API follow it as the scheduler does."""

import datetime as dt
import os
import pathlib
import re

import pytest
from fastapi.testclient import TestClient
from structlog.testing import capture_logs

from feed.jobs.providers import write
from feed.jobs.score import Scorer
from feed.opening import open_feed
from feed.settings import PublishSettings, ScoreSettings, Settings, StoreSettings
from feed.store import evidence, reporters
from feed.store.database import Database
from ingest.app import create_app
from tests.factories import NOW, make_event, make_reporter

GOOD = "# date: 2026-11-01\n203.0.112.0/24 Example Mail\n"
OTHER = "# date: 2026-11-20\n203.0.113.0/24 Other Mail\n"
ONE, TWO = "203.0.112.7", "203.0.113.7"


class World:
    """An HTTP process that is not started again, its file, and two emitters with evidence."""

    def __init__(self, database: Database, folder: pathlib.Path) -> None:
        self.file = folder / "providers.txt"
        self.now = NOW
        self.put(GOOD)
        self.now += dt.timedelta(minutes=1)
        self.feed = open_feed(
            Settings(
                store=StoreSettings(url=str(database.url), secret_file=folder / "secret"),
                score=ScoreSettings(providers_file=self.file),
                publish=PublishSettings(folder=folder / "snapshots"),
            )
        )
        with database.write() as connection:
            make_reporter(connection)
            self.key = reporters.new_key(
                connection, self.feed.secret, source_id=None, scopes=("read",), author="t", now=0
            )
            for address in (ONE, TWO):
                for back in (0, 1):
                    at = NOW - dt.timedelta(days=back)
                    evidence.add_event(connection, make_event(address=address, observed_at=at))
        self.score()
        app = create_app(self.feed, serve=("reports", "site"), now=lambda: self.now)
        self.client = TestClient(app)

    def score(self) -> None:
        """Score as a scheduler would that has read the file as it is."""
        feed = open_feed(self.feed.settings)
        Scorer(database=feed.database, secret=feed.secret, policy=feed.policy, providers=feed.providers).run(
            now=int(self.now.timestamp())
        )
        feed.database.dispose()

    def put(self, text: str) -> None:
        """Put a new file in the place of the old one, as `providers refresh` does."""
        write(self.file, text)
        os.utime(self.file, (self.now.timestamp(), self.now.timestamp()))

    def later(self, minutes: float = 1) -> None:
        self.now += dt.timedelta(minutes=minutes)

    def held_as(self, address: str) -> set[str | None]:
        """Return as whose an address is said to be held, by the look-up page and by the API."""
        headers = {"Authorization": f"Bearer {self.key}"}
        said = self.client.get("/v1/explain", params={"address": address}, headers=headers).json()
        page = self.client.get("/lookup", params={"address": address}, headers={"Accept": "text/html"}).text
        shown = re.search(r"large shared sender \(([^)]*)\)", page)
        return {said["hold_words"], shown[1] if shown else None}


@pytest.fixture
def world(sqlite: Database, tmp_path: pathlib.Path) -> World:
    return World(sqlite, tmp_path)


def test_a_replaced_file_is_followed_without_a_restart(world: World) -> None:
    assert (world.held_as(ONE), world.held_as(TWO)) == ({"Example Mail"}, {None})
    world.put(OTHER)
    world.later()
    world.score()
    with capture_logs() as said:
        assert (world.held_as(ONE), world.held_as(TWO)) == ({None}, {"Other Mail"})
        assert world.held_as(TWO) == {"Other Mail"}
    assert [(line["event"], line["dated"]) for line in said] == [("provider file", "2026-11-20")]


@pytest.mark.parametrize("broken", [pytest.param("nonsense\n", id="broken"), pytest.param(None, id="gone")])
def test_what_cannot_be_used_leaves_the_last_good_copy_and_is_told_once(
    world: World, broken: str | None
) -> None:
    world.put(broken or "")
    if broken is None:
        world.file.unlink()
    with capture_logs() as said:
        for _ in range(3):
            world.later()
            assert (world.held_as(ONE), world.held_as(TWO)) == ({"Example Mail"}, {None})
    assert [(line["event"], line["kept"]) for line in said] == [
        ("the provider file cannot be used", "that of 2026-11-01 stays")
    ]
    world.put(OTHER)
    world.later()
    world.score()
    assert world.held_as(TWO) == {"Other Mail"}
