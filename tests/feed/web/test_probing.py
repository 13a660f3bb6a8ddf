"""Who is asked for abuse contacts, as the settings make it: no address of our own, whatever a name says."""

import dataclasses
import ipaddress
from collections.abc import Iterator

import pytest

from feed.settings import DnsSettings, HttpSettings, Settings, SiteSettings, TrapSettings
from feed.web.probing import Prober, refusal
from tests.feed.web.registry import NAME, Registry
from tests.feed.web.world import World
from tests.name_server import NameServer

ADDRESS = ipaddress.ip_address("192.0.2.7")


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("9.9.9.9", None),
        ("2620:fe::fe", None),
        ("127.0.0.1", "a network of the feed itself"),
        ("10.1.2.3", "private use (RFC 1918)"),
        ("11.22.33.44", "a network of the feed itself"),
        ("11.22.34.44", None),
        ("12.0.0.1", "a network of the feed itself"),
        ("12.0.0.2", "a network of the feed itself"),
        ("2a00:1450::53", "a network of the feed itself"),
        ("12.0.0.4", "a network of the feed itself"),
        ("12.0.0.5", None),
    ],
)
def test_what_belongs_to_the_feed_itself_is_not_asked(address: str, why: str | None) -> None:
    settings = Settings(
        http=HttpSettings(listen="12.0.0.1:443", trusted_proxies=("127.0.0.0/8", "11.22.33.0/24")),
        dns=DnsSettings(listen=("12.0.0.2:53", "[2a00:1450::53]:53", "name.test:53")),
        trap=TrapSettings(listen=("0.0.0.0:25",)),
        site=SiteSettings(resolver="12.0.0.4:53"),
    )
    assert refusal(settings)(ipaddress.ip_address(address)) == why


@pytest.fixture
def dns() -> Iterator[NameServer]:
    made = NameServer({(NAME, "A"): ["127.0.0.1"], (NAME, "AAAA"): ["::1"]})
    yield made
    made.close()


def test_a_registry_whose_name_leads_to_this_machine_is_looked_up_and_not_connected_to(
    world: World, registry: Registry, dns: NameServer
) -> None:
    settings = world.site.settings.model_copy(
        update={"site": SiteSettings(resolver=dns.listen, rdap_url=registry.url)}
    )
    prober = Prober(dataclasses.replace(world.site, settings=settings))
    found = prober.derived(ADDRESS, now=0)
    assert [one for one in found.recipients if one.means == "rdap"] == []
    assert {(NAME, "A"), (NAME, "AAAA")} <= set(dns.asked)
    assert registry.connections == 0
