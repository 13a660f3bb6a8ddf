"""Which name servers a page asks."""

import dataclasses
from collections.abc import Iterator

import pytest

from feed.settings import DnsSettings, PublishSettings, SiteSettings
from feed.web.name_servers import AGAIN_S, KNOWN_S, NameServers
from tests.feed.web.world import World
from tests.name_server import NameServer

RECORDS = {
    ("ns1.example.net", "A"): ["192.0.2.53"],
    ("ns1.example.net", "AAAA"): ["2001:db8::53"],
    ("ns2.example.net", "AAAA"): ["2001:db8::54"],
}


@pytest.fixture
def dns() -> Iterator[NameServer]:
    made = NameServer(dict(RECORDS))
    yield made
    made.close()


def public(world: World, resolver: str) -> NameServers:
    publish = PublishSettings(
        zone="bl.example.org", score_zone="score.bl.example.org", folder=world.site.settings.publish.folder,
        name_servers=("ns1.example.net", "ns2.example.net", "ns3.example.net"),
    )  # fmt: skip
    settings = world.site.settings.model_copy(
        update={
            "publish": publish, "site": SiteSettings(resolver=resolver),
            "dns": DnsSettings(listen=("0.0.0.0:53",)),
        }
    )  # fmt: skip
    return NameServers(dataclasses.replace(world.site, settings=settings))


def test_every_name_server_of_the_zones_is_asked(world: World, dns: NameServer) -> None:
    assert public(world, dns.listen).endpoints() == {
        "192.0.2.53:53": "ns1.example.net (192.0.2.53)",
        "[2001:db8::54]:53": "ns2.example.net (2001:db8::54)",
    }


def test_addresses_are_found_anew_after_a_while(world: World, dns: NameServer) -> None:
    servers = public(world, dns.listen)
    servers.endpoints()
    dns.records[("ns1.example.net", "A")] = ["192.0.2.99"]
    world.later(seconds=KNOWN_S - 1)
    assert "192.0.2.53:53" in servers.endpoints()
    world.later(seconds=1)
    assert "192.0.2.99:53" in servers.endpoints()


def test_without_a_resolver_this_machine_is_asked_and_it_is_tried_again(world: World) -> None:
    servers = public(world, "127.0.0.1:9")
    assert servers.endpoints() == {"0.0.0.0:53": "0.0.0.0:53"}
    assert servers._until == world.site.seconds() + AGAIN_S


def test_a_trial_asks_where_it_listens(world: World) -> None:
    assert list(NameServers(world.site).endpoints()) == list(world.site.settings.dns.listen)
