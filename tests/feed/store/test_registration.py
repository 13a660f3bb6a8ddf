"""What a reporter registers is read back as it was meant, once, and nonsense is refused in words."""

import pytest

from feed.store import registration, reporters
from feed.store.database import Database
from feed.store.registration import Fact, RegistrationError
from feed.store.reporters import ReporterError
from tests.factories import make_reporter

NOW = 1_795_000_000

KEPT = {
    "border host in capitals": (Fact.BORDER_HOST, "MX.Reporter.Example.", "mx.reporter.example"),
    "internal host": (Fact.INTERNAL_HOST, "store.reporter.example", "store.reporter.example"),
    "network": (Fact.OWN_NETWORK, " 192.0.2.0/24", "192.0.2.0/24"),
    "one address": (Fact.FORWARDER, "192.0.2.7", "192.0.2.7/32"),
    "IPv6 network": (Fact.FORWARDER, "2001:DB8::/48", "2001:db8::/48"),
    "domain": (Fact.OWN_DOMAIN, "Reporter.Example", "reporter.example"),
    "bounce domain": (Fact.BOUNCE_DOMAIN, "b.reporter.example", "b.reporter.example"),
    "key as text": (Fact.PRVS_KEY, "Sesame", "Sesame"),
    "key as digits": (Fact.SRS_KEY, "hex:00ff", "hex:00ff"),
}


@pytest.mark.parametrize("case", KEPT)
def test_what_is_registered_is_kept_once_and_can_be_taken_back(database: Database, case: str) -> None:
    fact, text, kept = KEPT[case]
    with database.write() as connection:
        source_id = make_reporter(connection)
        assert registration.add(connection, source_id, fact, text, now=NOW) == kept
        assert registration.add(connection, source_id, fact, kept, now=NOW) == kept
        assert registration.facts_of(connection, source_id)[fact].count(kept) == 1
        assert registration.drop(connection, source_id, fact, text)
        assert not registration.drop(connection, source_id, fact, text)
        assert kept not in registration.facts_of(connection, source_id)[fact]


def test_a_reporter_comes_with_everything_he_registered(database: Database) -> None:
    with database.write() as connection:
        source_id = make_reporter(connection)
        other = make_reporter(connection, name="other")
        for fact, text, _ in KEPT.values():
            registration.add(connection, source_id, fact, text, now=NOW)
        found, apart = reporters.find(connection, source_id), reporters.find(connection, other)
    assert "mx.reporter.example" in found.border_hosts
    assert found.own_domains == {"reporter.example"}
    assert found.bounce_domains == {"b.reporter.example"}
    assert (found.prvs_keys, found.srs_keys) == ((b"Sesame",), (b"\0\xff",))
    assert [str(network) for network in found.own_networks] == ["192.0.2.0/24"]
    assert not apart.own_domains
    assert "Sesame" not in repr(found)


BAD = {
    "host with a blank": (Fact.BORDER_HOST, "a b"),
    "address as a host with a bracket": (Fact.BORDER_HOST, "[192.0.2.1]"),
    "empty domain": (Fact.OWN_DOMAIN, " "),
    "host bits": (Fact.OWN_NETWORK, "192.0.2.1/24"),
    "everything": (Fact.OWN_NETWORK, "0.0.0.0/0"),
    "empty key": (Fact.PRVS_KEY, ""),
    "odd digits": (Fact.SRS_KEY, "hex:abc"),
    "long host": (Fact.BORDER_HOST, "a" * 254),
}


@pytest.mark.parametrize("case", BAD)
def test_nonsense_is_refused_in_words_and_changes_nothing(database: Database, case: str) -> None:
    fact, text = BAD[case]
    with database.write() as connection:
        source_id = make_reporter(connection)
        before = registration.facts_of(connection, source_id)
        with pytest.raises(RegistrationError, match=r"\w+ \w+"):
            registration.add(connection, source_id, fact, text, now=NOW)
        assert registration.facts_of(connection, source_id) == before


def test_a_host_has_one_role(database: Database) -> None:
    with database.write() as connection:
        source_id = make_reporter(connection)
        registration.add(connection, source_id, Fact.BORDER_HOST, "a.example", now=NOW)
        registration.add(connection, source_id, Fact.INTERNAL_HOST, "a.example", now=NOW)
        facts = registration.facts_of(connection, source_id)
    assert "a.example" not in facts[Fact.BORDER_HOST]
    assert "a.example" in facts[Fact.INTERNAL_HOST]


def test_so_many_of_a_kind_and_no_more(database: Database) -> None:
    with database.write() as connection:
        source_id = make_reporter(connection)
        for number in range(registration.MOST_OF_A_KIND):
            registration.add(connection, source_id, Fact.OWN_DOMAIN, f"d{number}.example", now=NOW)
        with pytest.raises(RegistrationError, match="at most"):
            registration.add(connection, source_id, Fact.OWN_DOMAIN, "more.example", now=NOW)


def test_a_bad_fact_keeps_a_reporter_from_being_registered(database: Database) -> None:
    with pytest.raises(ReporterError, match="a b: "), database.write() as connection:
        reporters.register(
            connection, name="x", organisation="x", contact="x@x.example", now=NOW, border_hosts=["a b"]
        )
    with database.read() as connection:
        assert reporters.everyone(connection) == []
