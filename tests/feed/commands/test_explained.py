"""What `explain` prints: of the very address that was asked for, and numbers that can be added up."""

import datetime as dt

import pytest

from feed.commands.explained import print_explained
from feed.domain.address import parse_address, parse_network
from feed.domain.listing import Code
from feed.domain.policy import PRIVATE
from feed.domain.providers import Providers
from feed.jobs.score import Scorer
from feed.store import evidence, manual, rules
from feed.store.database import Database
from feed.store.inspection import Inspection, inspect, inspection_json
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


@pytest.mark.parametrize("reported", [False, True], ids=["nobody-reported-it", "reported-too"])
def test_a_listing_by_hand_is_shown_without_its_author(
    feed: Feed, capsys: pytest.CaptureFixture[str], *, reported: bool
) -> None:
    address = "203.0.113.9"
    if reported:
        feed.report(address)
    with feed.database.write() as connection:
        manual.add(
            connection, network=parse_network(address), code=Code.REPORTED, reason="seen [here]",
            author="somebody", now=TICK, until_minute=TICK // 60 + 1440, allow_special=True,
        )  # fmt: skip
    found = feed.see(address)
    lines = [line.rstrip() for line in _printed(found, capsys)]
    code = "127.0.0.2" if reported else "127.0.0.3"
    assert lines[0] == f"{address}: listed as {address}/32, {code}"
    by_hand = f"{address}/32, 127.0.0.3, until 2026-11-26 12:00 UTC: seen [here]"
    assert lines[1] == f"  listed by hand: {by_hand}"
    document = inspection_json(found)
    assert (document["listed"], document["state"], document["code"]) == (True, "listed", code)
    (told,) = document["by_hand"]
    assert told == {"code": "127.0.0.3", "prefix": 32, "reason": "seen [here]", "until": "2026-11-26"}
    assert "somebody" not in f"{document}{lines}"


@pytest.mark.parametrize("columns", [80, 60, 200])
def test_no_number_is_cut_however_narrow_the_terminal_is(
    feed: Feed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    feed.report("203.0.113.9")
    found = feed.see("203.0.113.9")
    lines = [line.rstrip() for line in _printed(found, capsys)]
    assert "\N{HORIZONTAL ELLIPSIS}" not in "".join(lines)
    document = inspection_json(found)
    (row,) = [line.split() for line in lines if line.startswith("R-")]
    for part in document["parts"]:
        assert row[:4] == [str(part[name]) for name in ("group", "weight", "bucket", "contributes")]
        assert any(part["last_day"] in line for line in lines)
    gates = [line.split() for line in lines]
    for gate in document["gates"]:
        assert any(
            line[:4] == [str(gate[name]) for name in ("name", "side", "have", "need")] for line in gates
        )
    if columns >= 80:
        assert max(len(line) for line in lines[lines.index("what the score is made of") :]) <= columns
