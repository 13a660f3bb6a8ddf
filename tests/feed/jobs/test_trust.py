"""What reporters earn and lose, and whom a change concerns."""

import pytest
import sqlalchemy as sa

from feed.domain.address import emitter_key, parse_address, parse_network
from feed.domain.event import Channel
from feed.domain.listing import Code
from feed.domain.policy import COMMUNITY, PRIVATE
from feed.jobs import trust
from feed.store import floods, manual, replay, reporters, standing, states, usage
from feed.store.database import Database
from feed.store.reporters import ReporterError
from feed.store.tables import event, reporter
from tests.feed.jobs.three_reporters import ANCHOR, NEWCOMER, OTHER, SECRET, TICK, TODAY, Feed


@pytest.mark.parametrize(("confirmed", "weight"), [(0, 0), (3, 2), (5, 8), (10, 16), (20, 20)])
def test_weight_is_earned_by_confirmed_reports(database: Database, confirmed: int, weight: int) -> None:
    feed = Feed(database)
    feed.confirm(confirmed)
    trust.weigh(database, now=TICK)
    assert abs(feed.weights()[NEWCOMER] - weight) <= 1
    assert feed.weights()[OTHER] == 0
    assert trust.weigh(database, now=TICK).changed == ()


def test_new_reporter_is_in_shadow_whatever_it_says(database: Database) -> None:
    feed = Feed(database)
    for days in (0, 1, 2, 3):
        feed.hit("192.0.2.66", source=NEWCOMER, days=days)
    trust.weigh(database, now=TICK)
    feed.score()
    with database.read() as connection:
        row = states.read(connection, emitter_key(parse_address("192.0.2.66")), Channel.MAIN)
    assert row is not None
    assert (row.state.code, row.state.score) == (0, 0)


def test_copying_the_list_earns_nothing_even_dated_back(database: Database) -> None:
    feed = Feed(database)
    for number in range(12):
        address = f"192.0.2.{number + 1}"
        for days in (6, 5):
            feed.hit(address, source=ANCHOR, days=days)
    feed.score(TICK - 4 * 86_400)
    for number in range(12):
        feed.hit(f"192.0.2.{number + 1}", source=NEWCOMER, days=1)
        feed.hit(f"192.0.2.{number + 1}", source=OTHER, days=1, observed=7)
    trust.weigh(database, now=TICK)
    assert feed.weights() == {ANCHOR: 20, NEWCOMER: 0, OTHER: 0}


def _credited(database: Database, address: str) -> set[int]:
    """Return whom the traps of others confirm about an emitter."""
    with database.read() as connection:
        standings = reporters.trust(connection, day=TODAY)
        found = standing.confirmations(connection, emitter_key(parse_address(address)), standings)
    return {source for source, _ in found}


@pytest.mark.parametrize(
    ("network", "address"),
    [("192.0.2.1/32", "192.0.2.1"), ("2001:db8::/64", "2001:db8::5"), ("2001:db8::5/128", "2001:db8::5")],
)
@pytest.mark.parametrize(
    ("until", "ended", "earned"),
    [
        pytest.param(-99, None, False, id="in force"),
        pytest.param(1, None, False, id="over since, by its time"),
        pytest.param(-99, 1, False, id="ended since"),
        pytest.param(3, None, True, id="over before the report"),
        pytest.param(-99, 3, True, id="ended before the report"),
    ],
)
def test_copying_what_is_listed_by_hand_earns_nothing(
    sqlite: Database, network: str, address: str, until: int, ended: int | None, *, earned: bool
) -> None:
    feed = Feed(sqlite)
    with sqlite.write() as connection:
        number = manual.add(
            connection, network=parse_network(network), code=Code.CONFIRMED, reason="r", author="a",
            now=TICK - 5 * 86_400, until_minute=TICK // 60 - until * 1440, allow_special=True,
        )  # fmt: skip
        if ended is not None:
            manual.end(connection, number, by="a", now=TICK - ended * 86_400)
    feed.hit(address, source=NEWCOMER, days=2)
    feed.hit(address, source=ANCHOR, days=1)
    assert (NEWCOMER in _credited(sqlite, address)) is earned


def test_one_address_gives_one_credit_in_thirty_days(database: Database) -> None:
    feed = Feed(database)
    for days in (70, 40, 39, 20, 2):
        feed.hit("192.0.2.1", source=NEWCOMER, days=days)
        feed.hit("192.0.2.1", source=ANCHOR, days=days - 0.5)
    with database.read() as connection:
        standings = reporters.trust(connection, day=TODAY)
        found = standing.confirmations(connection, emitter_key(parse_address("192.0.2.1")), standings)
    assert [TODAY - day for source, day in found if source == NEWCOMER] == [69, 39, 1]


def test_contradictions_lower_and_a_canary_ends_trust(database: Database) -> None:
    feed = Feed(database)
    feed.confirm(10)
    trust.weigh(database, now=TICK)
    before = feed.weights()[NEWCOMER]
    with database.write() as connection:
        standing.contradict(connection, NEWCOMER, kind="solicited", day=TODAY)
    trust.weigh(database, now=TICK)
    lowered = feed.weights()[NEWCOMER]
    with database.write() as connection:
        for _ in range(3):
            standing.contradict(connection, NEWCOMER, kind="canary", day=TODAY)
    trust.weigh(database, now=TICK)
    assert before > lowered > feed.weights()[NEWCOMER] == 0
    with pytest.raises(ValueError, match="one of"), database.write() as connection:
        standing.contradict(connection, NEWCOMER, kind="removal", day=TODAY)


def test_credit_goes_with_the_trap_report_that_is_retracted(database: Database) -> None:
    feed = Feed(database)
    feed.confirm(10)
    trust.weigh(database, now=TICK)
    assert feed.weights()[NEWCOMER] > 0
    with database.read() as connection:
        rows = connection.execute(sa.select(event).where(event.c.source_id == ANCHOR)).all()
    for row in rows:
        with database.write() as connection:
            replay.retract_events(
                connection, bytes(row.emitter_key), [row.event_id],
                secret=SECRET, now=TICK,
            )  # fmt: skip
    assert NEWCOMER in trust.weigh(database, now=TICK).changed
    assert feed.weights()[NEWCOMER] == 0


def test_seed_counts_until_its_day_and_is_bounded(database: Database) -> None:
    feed = Feed(database)
    with database.write() as connection:
        reporters.seed(connection, NEWCOMER, weight=14, until_day=TODAY, reason="known")
        with pytest.raises(ReporterError, match="0 to 14"):
            reporters.seed(connection, NEWCOMER, weight=15, until_day=TODAY, reason="known")
    assert trust.weigh(database, now=TICK).ended == ()
    assert feed.weights()[NEWCOMER] == 14
    assert trust.weigh(database, now=TICK + 86_400).ended == ("newcomer",)
    assert feed.weights()[NEWCOMER] == 0


def test_only_what_that_reporter_spoke_of_is_scored_again(database: Database) -> None:
    feed = Feed(database)
    feed.hit("192.0.2.1", source=NEWCOMER, days=1)
    for number in range(5):
        feed.hit(f"192.0.2.{number + 10}", source=OTHER, days=1)
    feed.score()
    with database.write() as connection:
        reporters.seed(connection, NEWCOMER, weight=8, until_day=TODAY + 9, reason="known")
    assert feed.score() == 1
    assert feed.score() == 0


def flood(
    feed: Feed, number: int, *, source: int = NEWCOMER, address: str = "10.0.{}.1"
) -> list[tuple[int, int]]:
    for last in range(number):
        feed.hit(address.format(last), source=source, days=0.1)
    with feed.database.write() as connection:
        usage.count(connection, source, day=TODAY, events=number)
    return trust.mute_floods(feed.database, COMMUNITY, now=TICK)


def test_flood_weighs_nothing_as_a_whole_until_it_is_reviewed(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust, "NEW_ADDRESSES_A_DAY", 20)
    feed = Feed(sqlite)
    with sqlite.write() as connection:
        connection.execute(sa.update(reporter).values(weight=20))
    assert flood(feed, 20) == []
    assert flood(feed, 21) == [(NEWCOMER, TODAY)]
    assert trust.mute_floods(sqlite, COMMUNITY, now=TICK) == []
    feed.score()
    key = emitter_key(parse_address("10.0.3.1"))
    with sqlite.read() as connection:
        row = states.read(connection, key, Channel.MAIN)
    assert row is not None
    assert row.state.score == 0
    with sqlite.write() as connection:
        assert floods.review(connection, NEWCOMER, day=TODAY, author="t", reason="a joe job", now=TICK)
        assert not floods.review(connection, NEWCOMER, day=TODAY, author="t", reason="again", now=TICK)
    feed.score()
    with sqlite.read() as connection:
        row = states.read(connection, key, Channel.MAIN)
    assert row is not None
    assert row.state.score > 0
    assert trust.mute_floods(sqlite, COMMUNITY, now=TICK) == []


def test_what_others_confirm_is_no_flood_and_one_provider_alone_is_never_muted(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust, "NEW_ADDRESSES_A_DAY", 20)
    feed = Feed(sqlite)
    for last in range(3):
        feed.hit(f"10.0.{last}.1", source=OTHER, days=0.3)
    assert flood(feed, 22) == []
    flood(feed, 40)
    with sqlite.write() as connection:
        connection.execute(sa.text("DELETE FROM flood_day"))
    assert trust.mute_floods(sqlite, PRIVATE, now=TICK) == []


@pytest.mark.parametrize("source", [ANCHOR, NEWCOMER], ids=["anchor", "reporter"])
@pytest.mark.parametrize("address", ["2001:db8:66:{:x}::1", "10.0.66.{}"], ids=["/48", "/24"])
def test_one_routed_network_is_no_flood_however_many_addresses_it_uses(
    database: Database, monkeypatch: pytest.MonkeyPatch, address: str, source: int
) -> None:
    monkeypatch.setattr(trust, "NEW_ADDRESSES_A_DAY", 20)
    feed = Feed(database)
    assert flood(feed, 41, source=source, address=address) == []
    assert trust.note_anchor_floods(database, COMMUNITY, now=TICK) == []
    assert flood(feed, 20, source=source) == ([] if source == ANCHOR else [(NEWCOMER, TODAY)])


def test_flood_that_strangers_send_to_an_anchor_is_shown_and_mutes_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust, "NEW_ADDRESSES_A_DAY", 20)
    feed = Feed(database)
    assert flood(feed, 20, source=ANCHOR) == []
    assert trust.note_anchor_floods(database, COMMUNITY, now=TICK) == []
    assert flood(feed, 21, source=ANCHOR) == []
    assert trust.note_anchor_floods(database, PRIVATE, now=TICK) == []
    assert trust.note_anchor_floods(database, COMMUNITY, now=TICK) == [(ANCHOR, TODAY)]
    assert trust.note_anchor_floods(database, COMMUNITY, now=TICK) == []
    assert trust.mute_floods(database, COMMUNITY, now=TICK) == []
    feed.score()
    with database.read() as connection:
        assert floods.muted(connection) == frozenset()
        (shown,) = floods.of_sources(connection, [ANCHOR])
        row = states.read(connection, emitter_key(parse_address("10.0.3.1")), Channel.MAIN)
    assert (shown.addresses_n, shown.reason) == (21, "yes: an anchor is never muted")
    assert row is not None
    assert row.state.score > 0


@pytest.mark.parametrize(
    ("liars", "strangers", "expected"),
    [
        pytest.param(21, 0, [(NEWCOMER, TODAY)], id="its own reports"),
        pytest.param(15, 15, [], id="not what reached the traps beside it"),
        pytest.param(21, 21, [(NEWCOMER, TODAY)], id="its own trap confirms nothing"),
    ],
)
def test_reporter_in_the_group_of_an_anchor_is_judged_by_its_own_reports(
    sqlite: Database,
    monkeypatch: pytest.MonkeyPatch,
    liars: int,
    strangers: int,
    expected: list[tuple[int, int]],
) -> None:
    monkeypatch.setattr(trust, "NEW_ADDRESSES_A_DAY", 20)
    feed = Feed(sqlite)
    with sqlite.write() as connection:
        connection.execute(
            sa.update(reporter).where(reporter.c.source_id == NEWCOMER).values(group_id=ANCHOR)
        )
    flood(feed, strangers, source=ANCHOR, address="10.0.{}.1" if expected else "10.1.{}.1")
    assert flood(feed, liars) == expected
