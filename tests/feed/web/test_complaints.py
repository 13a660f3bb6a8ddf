"""Public complaints about other lists that concern pages (ux-ecosystem.md 6), each as a test."""

import datetime as dt
import json

import pytest
import sqlalchemy as sa

from feed.domain.address import parse_address
from feed.jobs import feeds
from feed.jobs.publish import publish
from feed.snapshot.feed_files import FOLDER
from feed.snapshot.reader import Snapshot
from feed.store.tables import event, reporter
from feed.web.wording import iso
from tests.feed.web.operator_client import Operator, operator_key
from tests.feed.web.whole_site import fetch, furnish
from tests.feed.web.world import Client, World

LISTED = "192.0.2.7"
V6 = "2001:db8:0:1::7"


def _publish(world: World) -> None:
    publish(world.site.database, world.site.settings.publish, now=world.site.seconds())


@pytest.mark.parametrize(
    ("address", "scope", "words"),
    [
        (LISTED, f"{LISTED}/32", "this address only"),
        (V6, f"{V6}/128", "this address only"),
        ("2001:db8:0:2::1", "2001:db8:0:2::/64", "the whole /64: 2001:db8:0:2::/64"),
    ],
)
def test_b5_page_and_json_name_the_scope(
    client: Client, world: World, address: str, scope: str, words: str
) -> None:
    """A whole network was listed, and the page said "your IP"."""
    world.report(address)
    if scope.endswith("/64"):
        world.report("2001:db8:0:2::2")
    assert client.json(f"/lookup?address={address}")["scope"] == scope
    assert words in client.get(f"/lookup?address={address}").text
    lines = client.get(f"/lookup?address={address}", headers={"accept": "*/*"}).text
    assert f"Scope: {words}" in lines


def test_b9_nothing_that_names_a_reporter_is_public(world: World) -> None:
    """Log lines with the reporter's host and users were published."""
    pages = furnish(world)
    with world.site.database.write() as connection:
        connection.execute(
            sa.update(reporter).values(organisation="Secret GmbH", contact="abuse@secret.example")
        )
        connection.execute(sa.update(event).values(helo="mx.secret.example", reporting_mta="secret-mta"))
    for page in pages:
        if page.name.startswith(("console", "desk")):
            continue
        body = fetch(world, page).text.lower()
        for word in ("secret gmbh", "abuse@secret", "secret-mta", "one gmbh"):
            assert word not in body, (page.name, word)
        if page.name != "owner":  # the proven owner sees how his own server greeted
            assert "mx.secret.example" not in body, page.name


def test_b20_a_ticket_says_until_when_somebody_may_still_refuse(client: Client, world: World) -> None:
    """Somebody was "delisted" and still refused, and nobody said for how long."""
    world.report(LISTED)
    owner = Client(world.site, address=LISTED)
    ticket = owner.submit(LISTED).headers["location"]
    asked = world.site.seconds()
    told = client.json(ticket)
    assert (told["server_by"], told["caches_by"]) == (iso(asked + 30), iso(asked + 360))
    page = client.get(ticket).text
    assert "Resolvers say so by" in page
    assert "What DNS answers now" in page


def test_b21_removal_needs_no_operator(client: Client, world: World) -> None:
    """Removals were begged for in an issue tracker while the maintainer was on holiday."""
    world.report(LISTED)
    _publish(world)
    assert Client(world.site, address=LISTED).submit(LISTED).status_code == 303
    world.later(seconds=15)
    _publish(world)
    snapshot = Snapshot.open(next(iter(world.site.settings.publish.files.values())).read_bytes())
    assert snapshot.lookup_address(parse_address(LISTED)) is None


def test_b21_a_listing_always_has_an_end(client: Client, world: World) -> None:
    """A list was copied on, and the copy kept addresses for ever."""
    world.report(LISTED)
    told = client.json(f"/lookup?address={LISTED}")
    ends = dt.datetime.fromisoformat(told["ends_at"])
    assert ends - world.site.now() <= dt.timedelta(days=29)


def test_b28_an_exemption_takes_what_is_listed_out_at_once(client: Client, world: World) -> None:
    """An allow list acted on new entries only."""
    world.report(LISTED)
    _publish(world)
    operator = Operator(world)
    operator.post("/console/sign-in", data={"key": operator_key(world, "operate")})
    assert operator.press("exempt", network="192.0.2.0/24", days="30").status_code == 200
    _publish(world)  # even before anything is scored
    snapshot = Snapshot.open(next(iter(world.site.settings.publish.files.values())).read_bytes())
    assert snapshot.lookup_address(parse_address(LISTED)) is None
    world.score()
    told = client.json(f"/lookup?address={LISTED}")
    assert (told["listed"], told["hold"]) == (False, "exempt")


def test_b29_every_feed_file_says_until_when_it_may_be_used(client: Client, world: World) -> None:
    """An aggregator served the last copy of a list that had been renamed, for a year."""
    world.report(LISTED)
    _publish(world)
    settings = world.site.settings.publish
    for file in settings.files.values():
        feeds.bring_up(file, settings.folder / FOLDER, now=world.site.seconds())
    until = client.json("/feeds")["zones"][0]["expires"]
    assert dt.datetime.fromisoformat(until) - world.site.now() <= dt.timedelta(hours=48)
    second = str(int(dt.datetime.fromisoformat(until).timestamp()))
    stamp = dt.datetime.fromisoformat(until).strftime("%Y:%m:%d:%H:%M:%S")
    for one in client.json("/feeds")["zones"][0]["files"]:
        if one["url"].endswith(".snap"):
            continue  # its header is read by the name server, which refuses it after its end
        text = client.get(one["url"], headers={"accept-encoding": "identity"}).text
        assert second in text or stamp in text, one["url"]
    last = client.get("/feeds/bl.feed.test.jsonl").text.splitlines()[-1]
    assert json.loads(last)["expire"] == int(second)


@pytest.mark.parametrize(
    "given", ["192.0.2.7\r\nSet-Cookie: x=1", "192.0.2.7%0d%0aSet-Cookie:%20x=1", "\x00"]
)
def test_no_field_of_an_answer_can_be_added_from_outside(world: World, given: str) -> None:
    """Header injection: nothing typed gets into a field with a line break."""
    world.report(LISTED)
    for path in ("/lookup", "/removal", "/removal/proofs", "/dispute", "/owner"):
        for address in (LISTED, "203.0.113.1"):
            client = Client(world.site, address=address)
            answer = client.get(path, params={"address": given})
            assert "x" not in client.cookies, path
            assert all("\r" not in value and "\n" not in value for value in answer.headers.values()), path
            assert answer.headers.get("location", "/").startswith(("/lookup", "/"))
    for path in (f"/lookup/{given}", f"/ticket/{given}", f"/confirm/{given}", f"/feeds/{given}"):
        answer = Client(world.site).get(path.replace("\r\n", "%0d%0a").replace("\x00", "%00"))
        assert "set-cookie" not in answer.headers, path
