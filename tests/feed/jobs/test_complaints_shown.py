"""What people complained of at other lists, as far as answers and pages decide it (scoring.md 8, by number).

Everything is asked where a stranger asks: the DNS server's answer made from the published file, and the site.
"""

import datetime as dt
import pathlib
import re
from typing import Any

import dnslib
import pytest

from dnsbl_server.general import zone_of
from dnsbl_server.respond import respond
from dnsbl_server.service import Service
from dnsbl_server.zone import Zones
from feed.domain.address import parse_address, parse_network
from feed.domain.event import Kind
from feed.domain.explanation import explanation_json
from feed.domain.listing import Code
from feed.domain.policy import COMMUNITY, PRIVATE
from feed.jobs.publish import publish
from feed.settings import DnsSettings, PublishSettings, Settings
from feed.snapshot.reader import Snapshot
from feed.store import manual, rules
from feed.store.database import Database
from feed.store.inspection import Inspection, inspect
from feed.store.manual import ManualError
from feed.web.site import Site
from tests.factories import make_provider_file
from tests.feed.jobs.four_reporters import DAY, EMITTER, EMPTY, HOUR, SECRET, TICK, World, listed
from tests.feed.web.world import SITE_URL, Client

AT = TICK + HOUR
NEIGHBOUR = "203.0.112.67"
WHOLE_64, ONE_128 = "2a00:1450:0:7::", "2a00:1450:0:8::1"


class Public:
    """The feed as the public sees it at `at`: its two zones and its site."""

    def __init__(self, world: World, folder: pathlib.Path, *, at: int = AT) -> None:
        self.world = world
        self.at = at
        self.settings = Settings(
            publish=PublishSettings(folder=folder, site_url=SITE_URL),
            dns=DnsSettings(listen=("127.0.0.1:9",)),  # the discard port: closed, so refused at once
        )
        self.site = Site(
            database=world.database, settings=self.settings, secret=SECRET, policy=world.policy,
            provider_file=make_provider_file(EMPTY), now=lambda: dt.datetime.fromtimestamp(self.at, dt.UTC),
        )  # fmt: skip
        self.client = Client(self.site)

    def publish(self) -> None:
        self.world.tick(self.at)
        publish(self.world.database, self.settings.publish, now=self.at)

    def snapshots(self) -> list[Snapshot]:
        return [Snapshot.open(file.read_bytes()) for file in self.settings.publish.files.values()]

    def ask(
        self, address: str, kind: str = "A", *, zone: str = "", now: int | None = None
    ) -> dnslib.DNSRecord:
        one = parse_address(address)
        labels = one.reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
        query = dnslib.DNSRecord.question(f"{labels}.{zone or self.settings.publish.score_zone}", kind)
        service = Service(zones=Zones(zone_of(each) for each in self.snapshots()))
        wire = respond(
            bytes(query.pack()), service, client=bytes(4), tcp=False, now=self.at if now is None else now
        )
        assert wire is not None
        return dnslib.DNSRecord.parse(wire)

    def code(self, address: str) -> str | None:
        answers = self.ask(address).rr
        return str(answers[0].rdata) if answers else None

    def text(self, address: str) -> str:
        (answer,) = self.ask(address, "TXT").rr
        return b"".join(answer.rdata.data).decode()

    def page(self, address: str) -> Any:
        return self.client.json(f"/lookup?address={address}")

    def inspected(self, address: str) -> Inspection:
        with self.world.database.read() as connection:
            current = rules.load(
                connection, policy=self.world.policy, providers=self.world.providers, now=self.at
            )
            one = parse_address(address)
            return inspect(connection, one, rules=current, secret=SECRET, tick=self.at // 60)

    def explained(self, address: str) -> dict[str, Any]:
        explanation = self.inspected(address).explanation
        assert explanation is not None
        return dict(explanation_json(explanation))


@pytest.fixture(params=[PRIVATE, COMMUNITY], ids=lambda policy: policy.name)
def world(sqlite: Database, request: pytest.FixtureRequest) -> World:
    return World(sqlite, request.param)


@pytest.fixture
def public(world: World, tmp_path: pathlib.Path) -> Public:
    """Return a feed that lists an IPv4 address, an IPv6 address, and a /64 with two of them."""
    for address in (WHOLE_64 + "1", WHOLE_64 + "2", ONE_128):
        world.list_it(address=address)
    listed(world)
    made = Public(world, tmp_path / "zones")
    made.publish()
    return made


@pytest.mark.parametrize(
    ("address", "neighbour", "unit", "scope"),
    [
        pytest.param(EMITTER, NEIGHBOUR, 32, f"{EMITTER}/32", id="one IPv4 address"),
        pytest.param(ONE_128, "2a00:1450:0:8::2", 128, f"{ONE_128}/128", id="one IPv6 address"),
        pytest.param(WHOLE_64 + "1", "2a00:1450:0:9::1", 64, f"{WHOLE_64}/64", id="a whole /64"),
    ],
)
def test_02_answer_text_and_explanation_name_the_same_scope(
    public: Public, address: str, neighbour: str, unit: int, scope: str
) -> None:
    assert public.explained(address)["prefix_published"] == unit
    assert public.page(address)["scope"] == scope
    said = public.text(address).split(" ")[3].rstrip(";")
    assert said == (scope if unit == 64 else address)
    assert public.code(address) == "127.0.0.2"
    assert public.code(neighbour) is None
    if unit == 64:
        assert public.text(WHOLE_64 + "ffff") == public.text(address)


def test_05_every_listing_names_kind_day_strength_and_groups_but_no_trap(public: Public) -> None:
    public.world.list_it(address=NEIGHBOUR)
    public.world.hit(address=NEIGHBOUR, at=TICK - DAY, source=3, kind=Kind.VIRUS, recipient_token=77)
    public.publish()
    public.at += HOUR
    public.publish()
    for address in (EMITTER, NEIGHBOUR, ONE_128, WHOLE_64 + "1"):
        document = public.explained(address)
        assert document["code"] == "127.0.0.2"
        groups = 3 if address == NEIGHBOUR else 2
        assert len(document["parts"]) == groups
        for part in document["parts"]:
            assert part["strongest"] == "U4"
            assert part["kinds"] in (["dsn_fail"], ["virus"])
            assert re.fullmatch(r"2026-11-2\d", part["first_day"])
            assert re.fullmatch(r"R-[0-9a-f]{8}", part["group"])
        shown = public.page(address)
        assert shown["sources"]["at_least"] >= 2
        assert set(shown["kinds"]) == ({"dsn_fail", "virus"} if groups == 3 else {"dsn_fail"})
        assert shown["first_day"] <= shown["last_day"] == "2026-11-25"
        for text in (repr(document), repr(shown), public.client.get(f"/lookup?address={address}").text):
            assert not re.search(r"\br[0-3]\b|r[0-3] GmbH|postmaster@", text)


def test_15_dns_explanation_and_page_say_the_same_of_the_same_serial(public: Public) -> None:
    world = public.world
    reported = "203.0.112.99"
    for source in (3, 4):
        for days in (0.2, 1.1):
            world.hit(at=int(AT - days * DAY), source=source, address=reported)
    world.hit(at=AT, address="203.0.112.5", source=3, kind=Kind.AUTO)
    public.publish()
    for _ in range(4):
        for address in (
            EMITTER,
            reported,
            "203.0.112.5",
            NEIGHBOUR,
            ONE_128,
            "2a00:1450:0:8::2",
            WHOLE_64 + "1",
        ):
            seen, shown = public.inspected(address), public.page(address)
            code = f"127.0.0.{int(seen.code)}" if seen.code else None
            assert public.code(address) == code
            assert (shown["code"] if shown["listed"] else None) == code
            assert bool(public.ask(address, zone=public.settings.publish.zone).rr) == (
                seen.code is Code.CONFIRMED
            )
        for zone in public.page(EMITTER)["zones"]:
            (soa,) = public.ask(NEIGHBOUR, zone=zone["zone"]).auth
            assert soa.rdata.times[0] == zone["serial"]
        public.at += 2 * DAY
        if public.at > AT + 3 * DAY:
            world.remove(public.at)
        public.publish()


def test_19_dead_zone_refuses_and_nothing_outside_the_codes_is_ever_answered(public: Public) -> None:
    with pytest.raises(ManualError), public.world.database.write() as connection:
        manual.add(
            connection, network=parse_network("127.0.0.1"), code=Code.CONFIRMED, reason="test", author="t",
            now=AT, until_minute=AT, allow_special=True,
        )  # fmt: skip
    for zone in (public.settings.publish.zone, public.settings.publish.score_zone):
        assert public.ask("127.0.0.1", zone=zone).header.rcode == dnslib.RCODE.NXDOMAIN
        assert public.ask("127.0.0.2", zone=zone).rr
    for snapshot in public.snapshots():
        assert {run.value.code for run in snapshot.ranges()} <= {2, 3}
    late = public.at + 3 * DAY
    for address in (EMITTER, NEIGHBOUR, "127.0.0.2", "127.0.0.1"):
        dead = public.ask(address, now=late)
        assert (dead.header.rcode, dead.rr) == (dnslib.RCODE.SERVFAIL, [])
        foreign = public.ask(address, zone="bl.example.org")
        assert (foreign.header.rcode, foreign.rr) == (dnslib.RCODE.REFUSED, [])


def test_20_text_of_every_answer_leads_to_a_form_that_removes(public: Public) -> None:
    for address in (EMITTER, ONE_128, WHOLE_64 + "1"):
        found = re.search(r"http://\S+", public.text(address))
        assert found
        page = public.client.get(found[0])
        assert page.status_code == 302
        page = public.client.get(page.headers["location"])
        assert page.status_code == 200
        link = re.search(r'href="(/removal\?address=[^"]+)"', page.text)
        assert link
        own = Client(public.site, address=address)
        assert 'method="post"' in own.get(link[1]).text
        answer = own.submit(address, proof="address")
        assert answer.status_code in {200, 303}, answer.text
        public.publish()
        assert public.code(address) is None
