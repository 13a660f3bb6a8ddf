"""Bulk actions, retractions and weights on the console: seen before, done, and answered for each."""

import datetime as dt
import pathlib

import pytest
import sqlalchemy as sa

from feed.domain.address import emitter_key, parse_address, parse_network
from feed.domain.event import Channel
from feed.domain.listing import Code
from feed.jobs import bulk_actions as job
from feed.jobs import retract
from feed.store import (
    bulk_actions,
    canaries,
    disclosures,
    disputes,
    floods,
    manual,
    receipts,
    retractions,
    shielding,
    states,
)
from feed.store.receipts import Receipt
from feed.store.tables import audit, contradiction, event, reporter
from feed.web.wording import moment
from tests.feed.web.operator_client import Operator, audit_lines, operator_key
from tests.feed.web.world import Client, World

ADDRESSES = ("192.0.2.7", "192.0.2.9", "192.0.2.11")


@pytest.fixture
def operator(world: World, kept: pathlib.Path) -> Operator:
    world.tell(kept, lambda: world.report_each(*ADDRESSES))
    made = Operator(world)
    made.key = operator_key(world, "operate", "read")
    made.post("/console/sign-in", data={"key": made.key})
    return made


def listed(world: World) -> list[str]:
    client = Client(world.site)
    return [one for one in ADDRESSES if client.json(f"/lookup?address={one}")["listed"]]


def scheduler(world: World) -> None:
    """Do what the scheduler does between two ticks, and the tick."""
    site = world.site
    job.carry_on(site.database, site.secret, site.policy, site.providers, now=site.seconds())
    with site.database.read() as connection:
        numbers = retractions.unfinished(connection, before=0)
    for number in numbers:
        retract.carry_out(site.database, site.secret, number, clock=site.seconds)
    world.score()


@pytest.mark.parametrize("kind", bulk_actions.ACTIONS)
def test_preview_then_do_then_undo(world: World, operator: Operator, kind: str) -> None:
    """Complaint B30: bulk work in the request, outcome unknown, undo no true revert."""
    page = operator.press("bulk-preview", "/console/bulk", kind=kind, network="192.0.2.0/28", days="3").text
    assert "would concern 3 addresses" in page
    assert "Do this to 3 addresses" in page
    scheduler(world)
    assert listed(world) == list(ADDRESSES), "a preview does nothing"
    page = operator.press("bulk-start", "/console/bulk", number="1").text
    assert "is under way" in page
    scheduler(world)
    assert listed(world) == []
    page = operator.get("/console/bulk?number=1").text
    assert "done 3" in page
    for address in ADDRESSES:
        assert f"{address}/32" in page
    days = 28 if kind == "end" else 3
    until = moment(world.site.seconds() + days * 86_400)
    assert f"It can be undone until {until}." in page
    assert operator.press("bulk-undo", "/console/bulk", number="1", reason="a slip").status_code == 200
    scheduler(world)
    assert listed(world) == list(ADDRESSES)
    assert "undone 3" in operator.get("/console/bulk?number=1").text
    actions = [line[1] for line in audit_lines(world)]
    assert actions.count("bulk_start") == actions.count("bulk_undo") == 1


def test_undoing_is_not_offered_beyond_its_term(world: World, operator: Operator) -> None:
    operator.press("bulk-preview", "/console/bulk", kind="hold", network="192.0.2.0/28", days="3")
    operator.press("bulk-start", "/console/bulk", number="1")
    scheduler(world)
    assert "Undo number 1" in operator.get("/console/bulk?number=1").text
    world.clock[0] += dt.timedelta(days=3)
    operator.post("/console/sign-in", data={"key": operator.key})
    assert "Undo number 1" not in operator.get("/console/bulk?number=1").text
    before = audit_lines(world)
    answer = operator.press("bulk-undo", "/console/bulk", number="1")
    assert answer.status_code == 422
    assert "it could be undone until" in answer.text
    assert audit_lines(world) == before


def test_bulk_actions_say_what_is_wrong_and_change_nothing(world: World, operator: Operator) -> None:
    wrong: list[tuple[dict[str, str], str]] = [
        ({}, "Choose what to do"),
        ({"kind": "list", "network": "192.0.2.0/24"}, "Choose what to do"),
        ({"kind": "end"}, "say which addresses"),
        ({"kind": "end", "network": "x"}, "network"),
        ({"kind": "end", "name": "nobody"}, "no reporter named nobody"),
        ({"kind": "end", "hours": "x"}, "hours"),
        ({"kind": "hold", "network": "192.0.2.0/24", "days": "0"}, "days"),
        ({"kind": "end", "network": "203.0.113.0/24"}, "no listed address"),
        ({"kind": "end", "network": "192.0.2.0/24", "reason": ""}, "Give a reason"),
    ]
    for fields, words in wrong:
        answer = operator.press("bulk-preview", "/console/bulk", **fields)
        assert (answer.status_code, words in answer.text) == (422, True), fields
    for action in ("bulk-start", "bulk-undo"):
        for number in ("", "x", "0", "99"):
            assert operator.press(action, "/console/bulk", number=number).status_code == 422
    scheduler(world)
    assert listed(world) == list(ADDRESSES)
    assert operator.get("/console/bulk?number=99").status_code == 200


def test_retract_a_reporter_after_seeing_what_it_changes(world: World, operator: Operator) -> None:
    assert 'href="/console/reporters?retract=one#preview"' in operator.get("/console/reporters").text
    page = operator.get("/console/reporters?retract=one").text
    assert "It spoke of 3 addresses" in page
    assert page.count("listed 127.0.0.2") == 3
    scheduler(world)
    assert listed(world) == list(ADDRESSES), "looking changes nothing"
    assert "is suspended" in operator.press("retract", "/console/reporters", name="one").text
    scheduler(world)
    assert listed(world) == []
    assert "3 addresses, 3 listings ended" in operator.get("/console/reporters").text
    with world.site.database.read() as connection:
        left = sa.select(event.c.event_id).where(event.c.retracted_at.is_(None))
        assert connection.execute(left).all() == []
    assert "reporter_retract" in [line[1] for line in audit_lines(world)]
    assert operator.press("retract", "/console/reporters", name="nobody").status_code == 422


def test_a_retraction_begun_on_the_command_line_is_left_to_it_for_a_while(world: World) -> None:
    now = world.site.seconds()
    with world.site.database.write() as connection:
        by_command = retractions.begin(connection, 1, author="cli:root", reason="x", now=now)
        by_console = retractions.begin(connection, 2, author="link:cli:root", reason="x", now=now)
        assert retractions.unfinished(connection, before=now - 900) == [by_console]
        assert retractions.unfinished(connection, before=now + 1) == [by_command, by_console]


def test_retract_one_report_after_seeing_what_it_changes(world: World, operator: Operator) -> None:
    world.report("198.51.100.9", n=2)
    client = Client(world.site)
    with world.site.database.write() as connection:
        row = connection.execute(sa.select(event).order_by(event.c.event_id.desc())).first()
        assert row is not None
        answer = '{"status":"accepted","verdict":"backscatter","kind":"dsn_fail","emitter":"198.51.100.9"}'
        made = Receipt(
            source_id=row.source_id, receipt_id="r" * 26, body_digest=bytes(32), verdict=1, answer=answer,
            created_day=row.received_day, emitter_key=bytes(row.emitter_key), event_day=row.received_day,
            event_id=row.event_id,
        )  # fmt: skip
        receipts.insert_many(connection, [(receipts.DIGEST, bytes(32), made)])
    page = operator.get(f"/console/reporters?report={'r' * 26}").text
    assert "by one: backscatter, dsn_fail, 198.51.100.9" in page
    assert "listed 127.0.0.2" in page, "what it is now, and what it would be"
    assert client.json("/lookup?address=198.51.100.9")["listed"]
    done = operator.press("retract-report", "/console/reporters", report="r" * 26)
    assert "It is taken back." in done.text
    scheduler(world)
    assert not client.json("/lookup?address=198.51.100.9")["listed"]
    assert "taken back already" in operator.get(f"/console/reporters?report={'r' * 26}").text
    again = operator.press("retract-report", "/console/reporters", report="r" * 26)
    assert "did not count" in again.text
    assert operator.press("retract-report", "/console/reporters", report="none").status_code == 422
    assert "no such receipt" in operator.get("/console/reporters?report=none").text


def test_recalibrate_a_reporter(world: World, operator: Operator) -> None:
    with world.site.database.write() as connection:
        connection.execute(sa.update(reporter).values(weight=0))
        canaries.start(
            connection, world.site.secret, 1, token="t" * 20, address=parse_address("192.0.2.1"),
            authserv_id="mx", mails=9, author="t", now=world.site.seconds(),
        )  # fmt: skip
    page = operator.get("/console/reporters").text
    assert "0 right of 0 that came back, 9 sent" in page
    assert "backscatter-feed reporter canary" in page
    done = operator.press("weigh", "/console/reporters", name="one", weight="10", days="30", reason="vetted")
    assert "one has the weight 0.5 for 30 days" in done.text
    with world.site.database.read() as connection:
        found = connection.execute(sa.select(reporter).where(reporter.c.name == "one")).one()
    assert (found.weight, found.vetted, found.weight_reason) == (10, True, "vetted")
    for fields in ({"weight": "15"}, {"weight": "-1"}, {"weight": "x"}, {"days": "0"}, {"days": "91"},
                   {"name": "nobody"}):  # fmt: skip
        given = {"name": "one", "weight": "1", "days": "1"} | fields
        assert operator.press("weigh", "/console/reporters", **given).status_code == 422, fields


def test_a_muted_day_is_let_count(world: World, operator: Operator) -> None:
    day = world.site.seconds() // 86_400
    with world.site.database.write() as connection:
        floods.mute(connection, 1, day=day, addresses_n=500, now=world.site.seconds())
    assert "500 new addresses" in operator.get("/console/reporters").text
    assert operator.press("review", "/console/reporters", name="one", day=str(day)).status_code == 200
    assert operator.press("review", "/console/reporters", name="one", day=str(day)).status_code == 422
    with world.site.database.read() as connection:
        assert floods.muted(connection) == frozenset()
        assert "flood_review" in connection.execute(sa.select(audit.c.action)).scalars().all()


def test_day_that_copies_the_zone_is_told_from_a_flood_and_reviewed_with_it(
    world: World, operator: Operator
) -> None:
    now = world.site.seconds()
    day = now // 86_400
    with world.site.database.write() as connection:
        floods.mute(connection, 1, day=day, addresses_n=1, now=now, cause=floods.CANARY)
        floods.mute(connection, 1, day=day, addresses_n=500, now=now)
        floods.mute(connection, 2, day=day, addresses_n=1, now=now, cause=floods.CANARY)
    page = operator.get("/console/reporters").text
    assert page.count("reported an address that never sends, so it copies the zone") == 2
    assert page.count("500 new addresses") == 1
    assert page.count('action="/console/do/review"') == 2, "one button for a day, whatever the causes"
    assert operator.press("review", "/console/reporters", name="one", day=str(day)).status_code == 200
    assert operator.press("review", "/console/reporters", name="one", day=str(day)).status_code == 422
    with world.site.database.read() as connection:
        assert floods.muted(connection) == {(2, day)}
        rows = connection.execute(sa.select(contradiction.c.source_id).where(contradiction.c.n > 0))
        assert rows.scalars().all() == [2]
    assert {"flood_review", "canary_review"} <= {line[1] for line in audit_lines(world)}


def test_listings_by_hand_are_shown_with_the_mark_of_what_never_sends(
    world: World, operator: Operator
) -> None:
    assert "Listed by hand" in operator.get("/console/listings").text
    assert "<strong>canary</strong>" not in operator.get("/console/listings").text
    now = world.site.seconds()
    with world.site.database.write() as connection:
        for network, canary in (("192.0.2.44", True), ("2001:db8:7:7::/64", False)):
            manual.add(
                connection, network=parse_network(network), code=Code.CONFIRMED, reason="seen by hand",
                author="op", now=now, until_minute=now // 60 + 1440, allow_special=True, canary=canary,
            )  # fmt: skip
    page = operator.get("/console/listings").text
    assert "<li><strong>canary</strong> 192.0.2.44/32, 127.0.0.2, until" in page
    assert "<li>2001:db8:7:7::/64, 127.0.0.2, until" in page
    assert page.count("by op: seen by hand") == 2
    assert Client(world.site).get("/console/listings").status_code != 200


def test_who_alone_makes_many_listings_milder_is_believed(world: World, operator: Operator) -> None:
    with world.site.database.write() as connection:
        shielding.notice(connection, 1, listings_n=77, now=world.site.seconds())
    page = operator.get("/console/reporters").text
    assert "one: 77 listings" in page
    assert "They alone say genuine mail" in page
    assert "Too many new addresses" not in page
    assert operator.press("believe", "/console/reporters", name="one").status_code == 200
    assert operator.press("believe", "/console/reporters", name="one").status_code == 422
    assert "77 listings" not in operator.get("/console/reporters").text
    with world.site.database.read() as connection:
        assert "word_review" in connection.execute(sa.select(audit.c.action)).scalars().all()


@pytest.mark.parametrize(
    ("answer", "lowered"), [("upheld", [(1, 1), (2, 1)]), ("partly", []), ("rejected", [])]
)
def test_only_an_upheld_dispute_lowers_the_trust_of_who_reported(
    world: World, operator: Operator, answer: str, lowered: list[tuple[int, int]]
) -> None:
    """Once for each reporter, however many reports it sent; a removal never does (scoring.md 4)."""
    world.report("198.51.100.9", sources=2)
    assert Client(world.site, address="192.0.2.7").submit("192.0.2.7").status_code == 303
    operator.press("remove", "/console/listings", address="192.0.2.9")
    with world.site.database.write() as connection:
        assert connection.execute(sa.select(contradiction)).all() == []
        number = disputes.file(
            connection, address=parse_address("198.51.100.9"), words="not ours", reports="", proven=True,
            now=world.site.seconds(),
        )  # fmt: skip
    assert number
    page = operator.press("answer", "/console/disputes", dispute=number, answer=answer, retract="yes")
    assert page.status_code == 200
    with world.site.database.read() as connection:
        rows = connection.execute(sa.select(contradiction).order_by(contradiction.c.source_id)).all()
    assert [(row.source_id, row.n) for row in rows] == lowered
    assert {row.kind for row in rows} <= {"dispute"}


def test_a_dispute_that_names_reports_concerns_only_who_sent_those(world: World, operator: Operator) -> None:
    world.report("198.51.100.9", sources=2)
    key = emitter_key(parse_address("198.51.100.9"))
    with world.site.database.write() as connection:
        of_second = sa.select(event.c.event_id).where(event.c.emitter_key == key, event.c.source_id == 2)
        event_id = connection.execute(of_second).scalars().first()
        assert event_id is not None
        number = disputes.file(
            connection, address=parse_address("198.51.100.9"), words="not ours", proven=True,
            reports=disclosures.report_number(world.site.secret, key, event_id), now=world.site.seconds(),
        )  # fmt: skip
    assert number
    page = operator.press("answer", "/console/disputes", dispute=number, answer="upheld", retract="yes")
    assert "reports taken back: 1" in page.text
    with world.site.database.read() as connection:
        assert connection.execute(sa.select(contradiction.c.source_id)).scalars().all() == [2]


def test_an_upheld_dispute_leaves_no_strike_and_no_history(world: World, operator: Operator) -> None:
    with world.site.database.write() as connection:
        number = disputes.file(
            connection, address=parse_address("192.0.2.7"), words="not ours", reports="", proven=True,
            now=world.site.seconds(),
        )  # fmt: skip
    assert number
    operator.press("answer", "/console/disputes", dispute=number, answer="upheld", retract="yes")
    scheduler(world)
    key = emitter_key(parse_address("192.0.2.7"))
    with world.site.database.read() as connection:
        row = states.read(connection, key, Channel.MAIN)
        assert states.history(connection, key, Channel.MAIN) == []
    assert row is not None
    assert (row.state.code, row.state.strikes) == (0, 0)
