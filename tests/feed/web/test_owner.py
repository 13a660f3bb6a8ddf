"""What only the proven owner sees, and that nobody else does."""

import pathlib
import re

import pytest
import sqlalchemy as sa

from feed.domain.event import Attestation, RecipientClass
from feed.store import disclosures, evidence, evidence_rows
from feed.store.tables import event
from feed.web import owner_link
from tests.factories import make_event
from tests.feed.web.world import Client, World

LISTED = "192.0.2.7"
XSS = "<script>alert(1)</script>"


def _happened(world: World) -> None:
    world.report(LISTED, n=2, recipient_class=RecipientClass.TRAP)
    with world.site.database.write() as connection:
        for number, helo in ((1, "mail.example.org"), (2, XSS)):
            stored = evidence.add_event(
                connection,
                make_event(
                    source_id=world.reporters[1], address=LISTED, recipient_class=RecipientClass.LOG_MISS,
                    attestation=Attestation.U3, helo=helo, status="5.1.1", original_key=bytes([number]) * 16,
                ),
            )  # fmt: skip
            disclosures.add_traces(connection, [(stored, f"4bQ{number}", f"customer{number}.example")])
    world.score()


@pytest.fixture
def listed(world: World, kept: pathlib.Path) -> World:
    world.tell(kept, lambda: _happened(world))
    return world


def _owner_page(world: World, address: str = LISTED) -> str:
    client = Client(world.site, address=address)
    return client.get(client.get("/owner", params={"address": LISTED}).headers["location"]).text


def test_the_owner_sees_minutes_helo_queue_id_status_and_domain(listed: World) -> None:
    page = _owner_page(listed)
    for part in (
        "2026-11-25 11:00 UTC", "HELO mail.example.org", "your queue id 4bQ1", "status 5.1.1",
        "recipient at customer1.example", "swaks --server 192.0.2.7", "@customer",
    ):  # fmt: skip
        assert part in page
    assert "<script>" not in page


def test_a_trap_is_told_by_the_hour_and_never_with_queue_id_or_domain(listed: World) -> None:
    page = _owner_page(listed)
    assert page.count("within the hour from") == 2
    with listed.site.database.write() as connection:
        trap = connection.execute(
            sa.select(event.c.event_id).where(event.c.recipient_class == RecipientClass.TRAP).limit(1)
        ).scalar_one()
        row = connection.execute(sa.select(event).where(event.c.event_id == trap)).mappings().one()
        disclosures.add_traces(connection, [(evidence_rows.event_of(row), "SECRET", "trap.example")])
    assert "SECRET" not in _owner_page(listed)


@pytest.mark.parametrize(("detail", "hours"), [("hour", 4), ("minute", 2)])
def test_a_reporter_chooses_how_exact_its_times_are(
    listed: World, detail: disclosures.Detail, hours: int
) -> None:
    with listed.site.database.write() as connection:
        disclosures.choose(connection, listed.reporters[1], detail)
        disclosures.choose(connection, listed.reporters[1], detail)
    assert _owner_page(listed).count("within the hour from") == hours


def test_nobody_else_gets_in(listed: World) -> None:
    stranger = Client(listed.site, address="203.0.113.1")
    refused = stranger.get("/owner", params={"address": LISTED})
    assert refused.status_code == 403
    assert "curl -L -4" in refused.text
    for signed in ("x", "W10.x", "a" * 3000, "%00", "é"):
        assert stranger.get(f"/owner/{signed}").status_code == 404
    page = stranger.get("/lookup", params={"address": LISTED}).text
    for part in ("4bQ1", "customer1.example", "mail.example.org", "11:00"):
        assert part not in page


def test_the_link_is_over_after_a_week(listed: World) -> None:
    client = Client(listed.site, address=LISTED)
    path = client.get("/owner", params={"address": LISTED}).headers["location"]
    listed.later(days=6)
    assert client.get(path).status_code == 200
    listed.later(days=2)
    assert client.get(path).status_code == 404


def test_the_ticket_leads_to_it(listed: World) -> None:
    owner = Client(listed.site, address=LISTED)
    ticket = owner.submit(LISTED).headers["location"]
    found = re.search(r'href="(/owner/[^"]+)"', Client(listed.site).get(ticket).text)
    assert found
    page = Client(listed.site, address="203.0.113.9").get(found.group(1))
    assert "your queue id 4bQ1" in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    listed.later(days=31)
    assert "/owner/" not in owner.get(ticket).text


def test_for_programs(listed: World) -> None:
    client = Client(listed.site, address=LISTED)
    path = client.get("/owner", params={"address": LISTED}).headers["location"]
    found = client.json(path)
    assert {one["exact_to"] for one in found["reports"]} == {"minute", "hour"}
    assert found["test"].startswith("swaks --server 192.0.2.7 ")
    lines = client.get(path, headers={"accept": "*/*"}).text
    assert "queue id 4bQ1" in lines


def test_a_domain_that_is_none_never_gets_into_the_command(listed: World) -> None:
    with listed.site.database.write() as connection:
        connection.execute(sa.text("UPDATE trace SET recipient_domain = 'x.example; rm -rf ~'"))
    page = _owner_page(listed)
    assert "YOUR-DOMAIN" in page
    line = re.search(r"<code>(swaks[^<]*)</code>", page)
    assert line
    assert "rm -rf" not in line.group(1)


def test_report_numbers_differ_by_emitter_and_name_one_report(listed: World) -> None:
    site = listed.site
    key_one, key_two = bytes(16), bytes(15) + b"\x01"
    assert disclosures.report_number(site.secret, key_one, 7) != disclosures.report_number(
        site.secret, key_two, 7
    )
    with site.database.read() as connection:
        shown = disclosures.shown(
            connection, site.secret, make_event(address=LISTED).address, now=site.seconds()
        )
        assert len({one.number for one in shown}) == 4
        key = bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 7])
        named = disclosures.ids_of(connection, site.secret, key, {shown[0].number}, now=site.seconds())
        everything = disclosures.ids_of(connection, site.secret, key, set(), now=site.seconds())
    assert (len(named), len(everything)) == (1, 4)


def test_a_signature_is_for_one_address_and_time(listed: World) -> None:
    site = listed.site
    address = make_event(address=LISTED).address
    signed = owner_link.sign(site.secret, address, now=1000)
    assert owner_link.check(site.secret, signed, now=1000) == address
    assert owner_link.check(site.secret, signed, now=999) is None
    assert owner_link.check(site.secret, signed + "x", now=1000) is None
    assert owner_link.check(site.secret, signed, now=1000 + owner_link.LIFE_S + 1) is None
