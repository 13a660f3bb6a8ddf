"""Whoever reports an address that never sends has copied the zone: that day of his weighs nothing."""

import threading

import pytest
import sqlalchemy as sa

from feed.domain.address import emitter_key, parse_address, parse_network
from feed.domain.event import Attestation, Channel, RecipientClass
from feed.domain.listing import Code, Hold
from feed.domain.policy import COMMUNITY, PRIVATE
from feed.jobs import trust
from feed.store import copying, exemptions, floods, manual, replay, standing, states, usage
from feed.store.database import Database
from feed.store.tables import contradiction, event, reporter
from tests.feed.jobs.three_reporters import ANCHOR, NEWCOMER, OTHER, SECRET, TICK, TODAY, Feed

DAY_S = 86_400
CANARY = "198.51.100.7"


def lay(database: Database, network: str = CANARY, *, days_ago: int = 3, days: int = 30) -> int:
    """List an address that never sends, `days_ago`, for so many days."""
    now = TICK - days_ago * DAY_S
    with database.write() as connection:
        return manual.add(
            connection, network=parse_network(network), code=Code.CONFIRMED, reason="seen by hand",
            author="t", now=now, until_minute=now // 60 + days * 1440, allow_special=True, canary=True,
        )  # fmt: skip


def mute(database: Database) -> list[tuple[int, int]]:
    return trust.mute_copies(database, COMMUNITY, now=TICK)


def contradicted(database: Database) -> dict[tuple[int, int], int]:
    with database.read() as connection:
        rows = connection.execute(sa.select(contradiction).where(contradiction.c.n > 0))
        return {(row.source_id, row.day): row.n for row in rows}


def muted(database: Database) -> frozenset[tuple[int, int]]:
    with database.read() as connection:
        return floods.muted(connection)


def score_of(feed: Feed, address: str) -> int:
    feed.score()
    with feed.database.read() as connection:
        row = states.read(connection, emitter_key(parse_address(address)), Channel.MAIN)
    assert row is not None
    return row.state.score


def test_who_copies_is_muted_and_loses_weight_and_an_honest_one_of_his_group_is_not(
    database: Database,
) -> None:
    feed = Feed(database)
    with database.write() as connection:
        connection.execute(sa.update(reporter).where(reporter.c.source_id == OTHER).values(group_id=NEWCOMER))
    for source in (NEWCOMER, OTHER):
        feed.confirm(10, source=source)
    trust.weigh(database, now=TICK)
    before = feed.weights()
    assert before[NEWCOMER] == before[OTHER] > 0
    lay(database)
    feed.hit(CANARY, source=NEWCOMER, days=0.1)
    feed.hit("10.0.0.1", source=NEWCOMER, days=0.2)
    feed.hit("10.0.0.2", source=OTHER, days=0.2)
    assert mute(database) == [(NEWCOMER, TODAY)]
    assert mute(database) == []
    assert muted(database) == {(NEWCOMER, TODAY)}
    assert contradicted(database) == {(NEWCOMER, TODAY): 1}
    trust.weigh(database, now=TICK)
    after = feed.weights()
    assert 0 < after[NEWCOMER] < before[NEWCOMER]
    assert after[OTHER] == before[OTHER]
    assert score_of(feed, "10.0.0.1") == 0
    assert score_of(feed, "10.0.0.2") > 0


def test_review_lets_the_day_count_and_takes_the_contradiction_back(database: Database) -> None:
    feed = Feed(database)
    feed.confirm(10)
    trust.weigh(database, now=TICK)
    before = feed.weights()[NEWCOMER]
    lay(database)
    feed.hit(CANARY, source=NEWCOMER, days=0.1)
    feed.hit("10.0.0.1", source=NEWCOMER, days=0.2)
    with database.write() as connection:
        standing.contradict(connection, NEWCOMER, kind="canary", day=TODAY)  # of a calibration: it stays
    assert mute(database) == [(NEWCOMER, TODAY)]
    assert contradicted(database) == {(NEWCOMER, TODAY): 2}
    trust.weigh(database, now=TICK)
    assert score_of(feed, "10.0.0.1") == 0
    with database.write() as connection:
        found = floods.review(connection, NEWCOMER, day=TODAY, author="t", reason="it sends", now=TICK)
        assert found == (floods.CANARY,)
        assert not floods.review(connection, NEWCOMER, day=TODAY, author="t", reason="again", now=TICK)
    assert contradicted(database) == {(NEWCOMER, TODAY): 1}
    assert mute(database) == [], "reviewed for good"
    with database.write() as connection:
        standing.withdraw(connection, NEWCOMER, kind="canary", day=TODAY)
        standing.withdraw(connection, NEWCOMER, kind="canary", day=TODAY)
    assert contradicted(database) == {}
    trust.weigh(database, now=TICK)
    assert feed.weights()[NEWCOMER] == before
    assert score_of(feed, "10.0.0.1") > 0


def test_flood_and_copy_on_one_day_are_two_causes_that_one_review_ends(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood that was reviewed says nothing of an address that never sends, and the other way round."""
    monkeypatch.setattr(trust, "NEW_ADDRESSES_A_DAY", 5)
    feed = Feed(database)
    lay(database)
    for number in range(6):
        feed.hit(f"10.0.{number}.1", source=NEWCOMER, days=0.1)
    with database.write() as connection:
        usage.count(connection, NEWCOMER, day=TODAY, events=6)
    assert trust.mute_floods(database, COMMUNITY, now=TICK) == [(NEWCOMER, TODAY)]
    with database.write() as connection:
        found = floods.review(connection, NEWCOMER, day=TODAY, author="t", reason="a joe job", now=TICK)
    assert found == (floods.FLOOD,)
    feed.hit(CANARY, source=NEWCOMER, days=0.1)
    assert mute(database) == [(NEWCOMER, TODAY)]
    assert muted(database) == {(NEWCOMER, TODAY)}
    with database.write() as connection:
        floods.mute(connection, OTHER, day=TODAY, addresses_n=9, now=TICK)
    feed.hit(CANARY, source=OTHER, days=0.1)
    assert mute(database) == [(OTHER, TODAY)]
    with database.write() as connection:
        found = floods.review(connection, OTHER, day=TODAY, author="t", reason="both wrong", now=TICK)
    assert found == (floods.CANARY, floods.FLOOD)
    assert muted(database) == {(NEWCOMER, TODAY)}
    assert contradicted(database) == {(NEWCOMER, TODAY): 1}


def test_found_twice_at_once_it_counts_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = Feed(database)
    lay(database)
    feed.hit(CANARY, source=NEWCOMER, days=0.1)
    both_know = threading.Barrier(2, timeout=120)
    real = copying.copied

    def waited(*given: sa.Connection, since_day: int, minute: int) -> dict[tuple[int, int], int]:
        found = real(*given, since_day=since_day, minute=minute)
        both_know.wait()
        return found

    monkeypatch.setattr("feed.store.copying.copied", waited)
    done: list[list[tuple[int, int]]] = []
    threads = [threading.Thread(target=lambda: done.append(mute(database))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [[], [(NEWCOMER, TODAY)]]
    assert contradicted(database) == {(NEWCOMER, TODAY): 1}


@pytest.mark.parametrize(
    ("laid", "ended", "observed", "found"),
    [
        pytest.param(3, None, 4, False, id="before it was listed"),
        pytest.param(3, None, 3, True, id="on the day on which it was listed"),
        pytest.param(3, None, 2, True, id="reported late"),
        pytest.param(5, 3, 4, True, id="ended since"),
        pytest.param(5, 3, 3, True, id="on the day on which it ended"),
        pytest.param(5, 3, 2, False, id="after it ended"),
        pytest.param(40, None, 3, False, id="after its time was over"),
        pytest.param(20, None, 7, True, id="as late as reports are taken"),
        pytest.param(20, None, 8, False, id="later than reports are taken"),
    ],
)
def test_day_of_the_mail_decides(
    database: Database, laid: int, ended: int | None, observed: int, found: bool
) -> None:
    feed = Feed(database)
    number = lay(database, days_ago=laid)
    if ended is not None:
        with database.write() as connection:
            assert manual.end(connection, number, by="t", now=TICK - ended * DAY_S)
    feed.hit(CANARY, source=NEWCOMER, days=0, observed=observed)
    day = TODAY - observed
    assert mute(database) == ([(NEWCOMER, day)] if found else [])
    assert contradicted(database) == ({(NEWCOMER, day): 1} if found else {})


@pytest.mark.parametrize(
    ("network", "reported", "found"),
    [
        pytest.param("2001:db8:5:6::7/128", ["2001:db8:5:6::7"], True, id="the address"),
        pytest.param("2001:db8:5:6::7/128", ["2001:db8:5:6::8"], False, id="a neighbour of it"),
        pytest.param(
            "2001:db8:5:6::7/128", ["2001:db8:5:6::1", "2001:db8:5:6::9"], False, id="neighbours around it"
        ),
        pytest.param(
            "2001:db8:5:6::7/128", ["2001:db8:5:6::1", "2001:db8:5:6::7", "2001:db8:5:6::9"], True,
            id="among its neighbours",
        ),
        pytest.param("2001:db8:5:6::/64", ["2001:db8:5:6::99"], True, id="any of a /64"),
        pytest.param("2001:db8:5:6::/64", ["2001:db8:5:7::99"], False, id="another /64"),
    ],
)  # fmt: skip
def test_only_what_is_listed_never_sends(
    database: Database, network: str, reported: list[str], found: bool
) -> None:
    feed = Feed(database)
    lay(database, network)
    for address in reported:
        feed.hit(address, source=NEWCOMER, days=0.1)
    assert mute(database) == ([(NEWCOMER, TODAY)] if found else [])


def test_anchor_is_noted_and_goes_on_counting(database: Database) -> None:
    feed = Feed(database)
    lay(database)
    feed.hit(CANARY, source=ANCHOR, days=0.1)
    assert mute(database) == []
    assert trust.note_anchor_copies(database, PRIVATE, now=TICK) == []
    assert trust.note_anchor_copies(database, COMMUNITY, now=TICK) == [(ANCHOR, TODAY)]
    assert trust.note_anchor_copies(database, COMMUNITY, now=TICK) == []
    assert muted(database) == frozenset()
    assert contradicted(database) == {}
    with database.read() as connection:
        (shown,) = floods.of_sources(connection, [ANCHOR])
    assert (shown.cause, shown.reason) == (floods.CANARY, "yes: an anchor is never muted")


def test_where_one_group_lists_alone_nothing_is_muted(database: Database) -> None:
    feed = Feed(database)
    lay(database)
    feed.hit(CANARY, source=NEWCOMER, days=0.1)
    assert trust.mute_copies(database, PRIVATE, now=TICK) == []
    assert (muted(database), contradicted(database)) == (frozenset(), {})


def test_second_hand_address_proves_nothing(database: Database) -> None:
    """A stranger can have an honest reporter pass on a complaint about any address."""
    feed = Feed(database)
    lay(database)
    weak = {"recipient_class": RecipientClass.UNKNOWN, "attestation": Attestation.U1}
    feed.hit(CANARY, source=NEWCOMER, days=0.1, **weak)
    assert mute(database) == []
    feed.hit(CANARY, source=NEWCOMER, days=0.1)
    assert mute(database) == [(NEWCOMER, TODAY)]


def test_exempt_address_is_in_no_zone_to_copy_from(database: Database) -> None:
    feed = Feed(database)
    lay(database)
    feed.hit(CANARY, source=NEWCOMER, days=0.1)
    with database.write() as connection:
        number = exemptions.add(
            connection, network=parse_network("198.51.100.0/24"), kind=Hold.EXEMPT, reason="ours", author="t",
            now=TICK, until_minute=TICK // 60 + 1440,
        )  # fmt: skip
    assert mute(database) == []
    with database.write() as connection:
        assert exemptions.end(connection, number, now=TICK)
    assert mute(database) == [(NEWCOMER, TODAY)]


def test_report_that_was_taken_back_was_not_said(database: Database) -> None:
    feed = Feed(database)
    lay(database)
    feed.hit(CANARY, source=NEWCOMER, days=0.1)
    with database.write() as connection:
        row = connection.execute(sa.select(event)).one()
        replay.retract_events(connection, bytes(row.emitter_key), [row.event_id], secret=SECRET, now=TICK)
    assert mute(database) == []


def test_without_such_addresses_no_cell_is_asked_for(sqlite: Database) -> None:
    feed = Feed(sqlite)
    with sqlite.write() as connection:
        manual.add(
            connection, network=parse_network(CANARY), code=Code.CONFIRMED, reason="seen", author="t",
            now=TICK, until_minute=TICK // 60 + 1440, allow_special=True,
        )  # fmt: skip
    feed.hit(CANARY, source=NEWCOMER, days=0.1)
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    def statements() -> int:
        asked.clear()
        with sqlite.read() as connection:
            sa.event.listen(connection, "before_cursor_execute", note)
            copying.copied(connection, since_day=TODAY - 7, minute=TICK // 60)
        return sum("FROM cell" in one for one in asked)

    assert statements() == 0
    for number in range(20, 23):
        lay(sqlite, f"198.51.100.{number}")
    assert statements() == 1
    with sqlite.read() as connection:
        question = next(one for one in asked if "FROM cell" in one)
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {question}", (0,) * question.count("?"))
        assert any("SEARCH cell USING PRIMARY KEY" in row[3] for row in plan), "not a walk over all"
