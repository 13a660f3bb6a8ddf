"""What `explain` prints: of the very address that was asked for, and numbers that can be added up."""

import datetime as dt

import pytest

from feed.commands.explained import print_explained
from feed.domain.address import parse_address
from feed.domain.policy import PRIVATE
from feed.domain.providers import Providers
from feed.jobs.score import Scorer
from feed.store import evidence, rules
from feed.store.database import Database
from feed.store.inspection import Inspection, inspect
from feed.store.secret import Secret
from tests.factories import NOW, make_event, make_reporter

TICK = int(NOW.timestamp())
EMPTY = Providers.parse("# date: 2026-11-25\n")


class Feed:
    """A database with one reporter, whose emitters are scored at one moment."""

    def __init__(self, database: Database, secret: Secret) -> None:
        self.database = database
        self.secret = secret
        with database.write() as connection:
            self.source_id = make_reporter(connection)

    def report(self, address: str) -> None:
        """Store evidence that lists, and score."""
        with self.database.write() as connection:
            for days in (0, 1):
                at = NOW - dt.timedelta(days=days)
                new = make_event(address=address, source_id=self.source_id, observed_at=at)
                evidence.add_event(connection, new)
        Scorer(database=self.database, secret=self.secret, policy=PRIVATE, providers=EMPTY).run(now=TICK)

    def see(self, address: str) -> Inspection:
        """Return what is known of `address`."""
        with self.database.read() as connection:
            current = rules.load(connection, policy=PRIVATE, providers=EMPTY, now=TICK)
            return inspect(
                connection, parse_address(address), rules=current, secret=self.secret, tick=TICK // 60
            )


@pytest.fixture
def feed(sqlite: Database, secret: Secret) -> Feed:
    return Feed(sqlite, secret)


def _printed(found: Inspection, capsys: pytest.CaptureFixture[str]) -> list[str]:
    print_explained(found, policy="private")
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        pytest.param("2a01:4f8:1:2::5", "listed as 2a01:4f8:1:2::5/128, 127.0.0.2", id="the-one"),
        pytest.param(
            "2a01:4f8:1:2::77",
            "not listed; of the same /64 only this is: 2a01:4f8:1:2::5/128, 127.0.0.2",
            id="its-neighbour",
        ),
        pytest.param("2a01:4f8:1:3::5", "not listed; nobody reported it", id="another-64"),
    ],
)
def test_the_first_line_is_about_the_address_that_was_asked_for(
    feed: Feed, asked: str, first: str, capsys: pytest.CaptureFixture[str]
) -> None:
    feed.report("2a01:4f8:1:2::5")
    lines = _printed(feed.see(asked), capsys)
    assert lines[0] == f"{asked}: {first}"
    if len(lines) > 1:
        assert lines[1] == "What was reported of 2a01:4f8:1:2::/64, under policy private:"
        code = "127.0.0.2" if asked.endswith("::5") else "-"
        assert [line.split()[-1] for line in lines if line.startswith("  code:")] == [code]
