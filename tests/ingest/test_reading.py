"""`/v1/check`, `/v1/explain`, `/v1/ranking`: the same numbers everywhere, and they add up."""

import dataclasses
import datetime as dt
import decimal
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from feed.domain.address import packed, parse_address, parse_network
from feed.domain.listing import Code, Hold
from feed.jobs import feeds, publish
from feed.jobs.score import Scorer
from feed.opening import open_feed
from feed.snapshot.feed_files import FOLDER
from feed.snapshot.reader import Snapshot
from feed.store import evidence, exemptions, manual, reporters
from feed.store.database import Database
from tests.factories import NOW, make_event
from tests.ingest.reporting import Api, open_api, problem_of

TICK = int(NOW.timestamp())


class Reader:
    """A client with a key that may read."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.feed = api.feed
        with api.feed.database.write() as connection:
            self.key = reporters.new_key(
                connection, api.feed.secret, source_id=None, scopes=("read",), author="t", now=TICK
            )

    def get(self, path: str, **parameters: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.key}"}
        return self.api.client.get(path, params=parameters, headers=headers)

    def hit(self, *addresses: str, days: tuple[float, ...] = (0, 1), **change: Any) -> None:
        for address in addresses:
            for back in days:
                with self.feed.database.write() as connection:
                    at = NOW - dt.timedelta(days=back)
                    evidence.add_event(connection, make_event(address=address, observed_at=at, **change))
        self.score()

    def score(self) -> None:
        feed = self.feed
        Scorer(database=feed.database, secret=feed.secret, policy=feed.policy, providers=feed.providers).run(
            now=TICK
        )

    def served(self, address: str) -> int:
        """Return the code in the snapshot of the score zone."""
        settings = self.feed.settings.publish
        publish.publish(self.feed.database, settings, now=TICK)
        snapshot = Snapshot.open(settings.files[settings.score_zone].read_bytes())
        found = snapshot.lookup(packed(parse_address(address)))
        return found.code if found is not None else 0


@pytest.fixture
def reader(sqlite: Database, tmp_path: pathlib.Path) -> Iterator[Reader]:
    api = open_api(sqlite, tmp_path)
    yield Reader(api)
    api.feed.database.dispose()


def test_parts_add_up_to_the_score_exactly(reader: Reader) -> None:
    reader.hit("192.0.2.66", days=(0, 0.7, 1.9, 3.1))
    said = reader.get("/v1/explain", address="192.0.2.66").json()
    parts = [decimal.Decimal(repr(part["contributes"])) for part in said["parts"]]
    assert sum(parts) == decimal.Decimal(repr(said["score"])) > 0
    assert said["state"] == "listed"
    assert [change["to"] for change in said["history"]] == ["listed"]
    check = reader.get("/v1/check", address="::ffff:192.0.2.66").json()
    assert (check["listed"], check["code"], check["prefix_published"]) == (True, "127.0.0.2", 32)
    worst = reader.get("/v1/ranking").json()["worst"]
    assert worst[0]["score"] == said["score"]


def test_unknown_address_is_clear(reader: Reader) -> None:
    said = reader.get("/v1/check", address="192.0.2.1").json()
    assert (said["listed"], said["code"], said["state"]) == (False, None, "clear")
    assert reader.get("/v1/explain", address="192.0.2.1").json()["parts"] == []


def test_only_the_one_ipv6_address_is_listed_and_its_neighbour_is_not(reader: Reader) -> None:
    reader.hit("2001:db8::1")
    assert [one["address"] for one in reader.get("/v1/ranking").json()["worst"]] == ["2001:db8::1"]
    for address, listed in (("2001:db8::1", True), ("2001:db8::2", False)):
        assert reader.get("/v1/check", address=address).json()["listed"] is listed
        assert bool(reader.served(address)) is listed
        explained = reader.get("/v1/explain", address=address).json()
        assert explained["listed"] is listed
        assert explained["code"] == ("127.0.0.2" if listed else None)
        assert explained["prefix_published"] == (128 if listed else None)
        assert explained["published"] == [{"network": "2001:db8::1/128", "code": "127.0.0.2"}]
    reader.hit("2001:db8::2")
    assert reader.get("/v1/check", address="2001:db8::3").json()["prefix_published"] == 64
    assert reader.get("/v1/check", address="2001:db8::3").json()["listed"] is True
    assert reader.served("2001:db8::3")


def test_exempt_address_is_not_listed_from_the_same_moment(reader: Reader) -> None:
    reader.hit("192.0.2.66")
    with reader.feed.database.write() as connection:
        exemptions.add(
            connection, network=parse_network("192.0.2.64/29"), kind=Hold.EXEMPT, reason="ours", author="t",
            now=TICK, until_minute=TICK // 60 + 100,
        )  # fmt: skip
    said = reader.get("/v1/check", address="192.0.2.66").json()
    assert (said["listed"], said["exempt"]) == (False, True)
    assert reader.served("192.0.2.66") == 0


@pytest.mark.parametrize("canary", [False, True], ids=["ordinary", "never sends"])
def test_listing_by_hand_is_shown_and_served_until_it_ends(reader: Reader, canary: bool) -> None:
    """Nothing tells one that never sends from any other."""
    with reader.feed.database.write() as connection:
        number = manual.add(
            connection, network=parse_network("192.0.2.9"), code=Code.REPORTED, reason="seen", author="t",
            now=TICK, until_minute=TICK // 60 + 100, allow_special=True, canary=canary,
        )  # fmt: skip
    said = reader.get("/v1/check", address="192.0.2.9").json()
    assert (said["listed"], said["code"], said["by_hand"]) == (True, "127.0.0.3", True)
    explained = reader.get("/v1/explain", address="192.0.2.9").json()
    day = dt.datetime.fromtimestamp(TICK + 6000, dt.UTC).date().isoformat()
    assert explained["by_hand"] == [{"code": "127.0.0.3", "prefix": 32, "reason": "seen", "until": day}]
    assert "canary" not in f"{said}{explained}"
    assert reader.served("192.0.2.9") == 3
    settings = reader.feed.settings.publish
    made = [*settings.files.values()]
    for file in settings.files.values():
        feeds.bring_up(file, settings.folder / FOLDER, now=TICK)
    made += [file for file in (settings.folder / FOLDER).rglob("*") if file.is_file()]
    assert len(made) > 10
    assert [file.name for file in made if b"canary" in file.read_bytes().lower()] == []
    with reader.feed.database.write() as connection:
        assert manual.end(connection, number, by="t", now=TICK)
    assert reader.get("/v1/check", address="192.0.2.9").json()["listed"] is False
    assert reader.served("192.0.2.9") == 0


def test_ranking_sums_networks(reader: Reader) -> None:
    reader.hit("192.0.2.66", "192.0.2.67", "198.51.100.1", "2001:db8:0:1::1", "2001:db8:0:2::1")
    worst = reader.get("/v1/ranking", by="network").json()["worst"]
    found = {one["network"]: (one["emitters"], one["listed"]) for one in worst}
    assert found == {"192.0.2.0/24": (2, 2), "198.51.100.0/24": (1, 1), "2001:db8::/48": (2, 2)}
    assert worst[0]["score"] >= worst[-1]["score"]
    assert len(reader.get("/v1/ranking", by="network", limit=1).json()["worst"]) == 1


class Ranked(Reader):
    """A reader of a feed whose operator has a file of autonomous systems."""

    def __init__(self, api: Api, file: pathlib.Path) -> None:
        super().__init__(api)
        score = self.feed.settings.score.model_copy(update={"as_file": file})
        settings = self.feed.settings.model_copy(update={"score": score})
        self.opened = open_feed(settings)
        self.api.app.state.desk.feed = self.opened
        self.file = file
        self.now = NOW
        self.api.app.state.desk.now = lambda: self.now

    def write(self, text: str) -> None:
        """Write the file, a minute before it is looked at again."""
        self.file.write_text(text)
        os.utime(self.file, (self.now.timestamp(), self.now.timestamp()))
        self.now += dt.timedelta(minutes=1)

    def systems(self) -> dict[str | None, tuple[int, int]]:
        said = self.get("/v1/ranking", by="as").json()
        assert said["by"] == "as"
        return {one["as"]: (one["emitters"], one["listed"]) for one in said["worst"]}


@pytest.fixture
def ranked(sqlite: Database, tmp_path: pathlib.Path) -> Iterator[Ranked]:
    api = open_api(sqlite, tmp_path)
    made = Ranked(api, tmp_path / "prefixes")
    made.hit("192.0.2.66", "192.0.2.67", "198.51.100.1", "2001:db8:0:1::1")
    yield made
    api.feed.database.dispose()
    made.opened.database.dispose()


def test_ranking_sums_autonomous_systems(ranked: Ranked) -> None:
    ranked.write("192.0.2.0/24\t64496\tExample Net\n2001:db8::/32\tAS64497\n")
    assert ranked.systems() == {"AS64496 Example Net": (2, 2), "AS64497": (1, 1), None: (1, 1)}
    ranked.now = NOW  # when it was scored
    (worst,) = ranked.get("/v1/ranking", by="as", limit=1).json()["worst"]
    parts = [ranked.get("/v1/explain", address=one).json()["score"] for one in ("192.0.2.66", "192.0.2.67")]
    assert worst == {"as": "AS64496 Example Net", "emitters": 2, "listed": 2, "score": sum(parts)}


def test_ranking_follows_the_file_and_keeps_its_last_good_copy(ranked: Ranked) -> None:
    ranked.write("0.0.0.0/0\t64496\n")
    assert ranked.systems() == {"AS64496": (3, 3), None: (1, 1)}
    with capture_logs() as said:
        ranked.write("0.0.0.0/0 nobody\n")
        for _ in range(3):
            assert ranked.systems() == {"AS64496": (3, 3), None: (1, 1)}
    assert [(line["reason"][:7], line["kept"]) for line in said] == [("line 1:", "that of 1 prefixes stays")]
    ranked.write("0.0.0.0/0\t64497\n")
    assert ranked.systems() == {"AS64497": (3, 3), None: (1, 1)}


def test_ranking_by_systems_without_a_file_is_refused_in_words(reader: Reader) -> None:
    answer = reader.get("/v1/ranking", by="as")
    assert (answer.status_code, problem_of(answer)) == (404, "no_as_file")


@pytest.mark.parametrize("text", [pytest.param("nonsense\n", id="broken"), pytest.param(None, id="gone")])
def test_ranking_by_systems_while_there_is_no_good_file_says_so(ranked: Ranked, text: str | None) -> None:
    if text is not None:
        ranked.write(text)
    answer = ranked.get("/v1/ranking", by="as")
    assert (answer.status_code, problem_of(answer)) == (503, "as_file_unusable")
    assert int(answer.headers["retry-after"]) > 0
    ranked.write("0.0.0.0/0\t64496\n")
    assert ranked.systems() == {"AS64496": (3, 3), None: (1, 1)}


@pytest.mark.parametrize(
    ("path", "parameters", "status", "word"),
    [
        ("/v1/check", {"address": "nonsense"}, 422, "invalid"),
        ("/v1/explain", {"address": "fe80::1%eth0"}, 422, "invalid"),
        ("/v1/ranking", {"by": "country"}, 422, "invalid"),
    ],
)
def test_wrong_questions_are_answered_in_words(
    reader: Reader, path: str, parameters: dict[str, Any], status: int, word: str
) -> None:
    answer = reader.get(path, **parameters)
    assert (answer.status_code, problem_of(answer)) == (status, word)


def test_a_key_that_may_not_read_reads_nothing(reader: Reader) -> None:
    for path in ("/v1/check?address=192.0.2.1", "/v1/explain?address=192.0.2.1", "/v1/ranking"):
        reports_only = reader.api.client.get(path, headers=reader.api.headers())
        assert (reports_only.status_code, problem_of(reports_only)) == (403, "forbidden")
        assert reader.api.client.get(path).status_code == 401


def test_special_purpose_space_is_said_to_be_never_listed(reader: Reader) -> None:
    settings = reader.feed.settings
    public = settings.publish.model_copy(
        update={"zone": "bl.feed.example", "score_zone": "score.bl.feed.example"}
    )
    feed = dataclasses.replace(reader.feed, settings=settings.model_copy(update={"publish": public}))
    reader.hit("192.0.2.66")
    reader.api.app.state.desk.feed = feed
    said = reader.get("/v1/check", address="192.0.2.66").json()
    assert (said["listed"], "documentation" in said["never_listed_because"]) == (False, True)
