"""Complaints about other block lists and name servers, each as what ours does instead.

The numbers are those of dnsbl-serving.md 7. With real programs: 2 in test_strict_resolvers, 13, 16 and 17 in
test_transfer, 15 and 25 in test_server, 18 in tests/feed/snapshot/test_exports. 23 and 24 are about
resolvers and consumers: tests/feed/commands/test_doctor.
"""

import dataclasses
import ipaddress
import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from dnsbl_server import metrics, transfer
from dnsbl_server.access import Access
from dnsbl_server.general import zone_of
from dnsbl_server.holder import Served, load
from dnsbl_server.options import Options
from dnsbl_server.respond import respond
from dnsbl_server.service import Note, Service
from dnsbl_server.zone import Zones
from feed.domain.address import reverse_name
from feed.snapshot.format import SnapshotContentError, SnapshotError, Value
from feed.snapshot.reader import Snapshot
from feed.snapshot.writer import serial_after
from tests.dnsbl_server.conftest import LISTED, NOW, make_service, snapshot_bytes

ZONE = "bl.example.org"
CLIENT = bytes((192, 0, 2, 1))
STRANGER = bytes((203, 0, 113, 9))
KEY = "opensesame99"
MAPPED_2, MAPPED_1 = (
    ".".join(reversed(ipaddress.IPv6Address(f"::ffff:127.0.0.{n}").exploded.replace(":", ""))) for n in (2, 1)
)
KINDS = ("A", "AAAA", "NS", "TXT", "MX", "PTR", "HTTPS", "DS", "TYPE1000", "ANY")
SERVICE = make_service(snapshot_bytes())


def wire(name: str, kind: str = "A", **options: object) -> bytes:
    full = f"{name}.{ZONE}" if name else ZONE
    return dns.message.make_query(full, kind, **options).to_wire()  # type: ignore[arg-type]


def ask(
    name: str,
    kind: str = "A",
    *,
    service: Service = SERVICE,
    client: bytes = CLIENT,
    now: int = NOW,
    tcp: bool = False,
    note: Note | None = None,
    **options: object,
) -> dns.message.Message:
    reply = respond(wire(name, kind, **options), service, client=client, tcp=tcp, now=now, note=note)
    assert reply is not None
    return dns.message.from_wire(reply)


def rcode(message: dns.message.Message) -> str:
    return dns.rcode.to_text(message.rcode())


def data(message: dns.message.Message) -> list[str]:
    return [record.to_text() for rrset in message.answer for record in rrset]


def names(listed: tuple[str, ...] = LISTED) -> Iterator[str]:
    """Yield the names of the first and last address of each entry."""
    for entry in (*listed, "127.0.0.2"):
        network = ipaddress.ip_network(entry)
        yield from {reverse_name(network[0]), reverse_name(network[-1])}


def parents(name: str) -> list[str]:
    labels = name.split(".")
    return [".".join(labels[at:]) for at in range(1, len(labels))]


def limited() -> Service:
    """Return a service open to one network and one key."""
    network = ipaddress.ip_network("192.0.2.0/24")
    access = Access(query=(network,), labels={KEY.encode(): 1}, names=(str(network), "hub"))
    return dataclasses.replace(SERVICE, access=access)


def test_01_every_part_of_a_listed_name_exists() -> None:
    for name in names():
        for part in parents(name):
            for kind in KINDS[:4]:
                assert rcode(ask(part, kind)) == "NOERROR", (part, kind)


def test_02_a_resolver_that_asks_label_by_label_and_believes_nxdomain_finds_every_listing() -> None:
    for name in names():
        steps = [*reversed(parents(name)), name]
        assert all(rcode(ask(step, "NS")) == "NOERROR" for step in steps)
        assert data(ask(name)) == ["127.0.0.2"]


@pytest.mark.parametrize("name", ["7.2.0.192", "2.0.192", "192", "2.0.0.127", "f.f"])
def test_03_name_servers_are_named_at_the_apex_alone(name: str) -> None:
    for service, full in ((SERVICE, name), (limited(), f"{name}.{KEY}"), (limited(), KEY)):
        message = ask(full, "NS", service=service, client=STRANGER)
        assert (rcode(message), message.answer, len(message.authority)) == ("NOERROR", [], 1)
    assert len(data(ask("", "NS"))) == 2


@pytest.mark.parametrize("name", ["7.2.0.192", "8.2.0.192", "192", "x.7.2.0.192", "nothing", "1.0.0.127", ""])
def test_04_the_rcode_never_depends_on_the_type(name: str) -> None:
    assert len({rcode(ask(name, kind)) for kind in KINDS}) == 1


def test_05_a_list_of_the_whole_world_cannot_be_made() -> None:
    for world in ("0.0.0.0/0", "0.0.0.0/1", "127.0.0.0/8"):
        with pytest.raises(SnapshotContentError, match=r"127\.0\.0\.1"):
            snapshot_bytes((world,))
    assert rcode(ask("1.0.0.127")) == rcode(ask(MAPPED_1)) == "NXDOMAIN"


@pytest.mark.parametrize("edns", [-1, 0])
def test_06_and_07_a_refusal_is_refused_and_never_an_address(edns: int) -> None:
    for name, kind in itertools.product(("2.0.0.127", "7.2.0.192", "8.2.0.192", f"7.2.0.192.{KEY}x"), KINDS):
        message = ask(name, kind, service=limited(), client=STRANGER, use_edns=edns)
        assert (rcode(message), message.answer, message.authority) == ("REFUSED", [], [])
        reasons = [each.code for each in message.options if isinstance(each, dns.edns.EDEOption)]
        assert reasons == ([18] if edns == 0 else [])


def test_08_127_0_0_1_is_not_listed_under_keys_and_access_lists_either() -> None:
    for name, client in (
        ("1.0.0.127", CLIENT),
        (f"1.0.0.127.{KEY}", STRANGER),
        (f"{MAPPED_1}.{KEY}", CLIENT),
    ):
        assert rcode(ask(name, service=limited(), client=client)) == "NXDOMAIN"
    assert rcode(ask("1.0.0.127", service=limited(), client=STRANGER)) == "REFUSED"


def test_09_mapped_names_follow_the_ipv4_list() -> None:
    assert data(ask(MAPPED_2)) == data(ask("2.0.0.127")) == ["127.0.0.2"]
    rnd = random.Random(9)
    for text in (
        "192.0.2.7",
        "192.0.2.8",
        *(str(ipaddress.IPv4Address(rnd.getrandbits(32))) for _ in range(99)),
    ):
        mapped = ".".join(reversed(ipaddress.IPv6Address(f"::ffff:{text}").exploded.replace(":", "")))
        assert rcode(ask(mapped)) == rcode(ask(reverse_name(ipaddress.IPv4Address(text))))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("2001:db8::1", "name"),
        ("1.8.b.d.0.1.0.0.2.x", "name"),
        (".".join("10" + "0" * 31), "length"),
        ("10.0.0.0.0.0.0.8b.d0.01.20", "name"),
        ("300.2.0.192", "octet"),
        ("07.2.0.192", "octet"),
        ("5.7.2.0.192", "length"),
        ("mail.example.com", "name"),
    ],
)
def test_10_misspelled_names_are_nxdomain_and_counted(name: str, wrong: str) -> None:
    note = Note()
    message = ask(name, note=note)
    assert (rcode(message), len(message.authority), note.wrong) == ("NXDOMAIN", 1, wrong)


def test_10_a_list_without_ipv6_answers_ipv6() -> None:
    service = make_service(snapshot_bytes(("192.0.2.7",)))
    message = ask(".".join("1" * 32), service=service)
    assert (rcode(message), len(message.authority)) == ("NXDOMAIN", 1)


def test_11_the_look_up_and_dns_say_the_same_of_any_address() -> None:
    snapshot = Snapshot.open(snapshot_bytes())
    rnd = random.Random(11)
    near = [int(ipaddress.ip_network(entry)[0]) for entry in LISTED if ":" not in entry]
    for _ in range(3000):
        number = rnd.getrandbits(32) if rnd.random() < 0.3 else rnd.choice(near) + rnd.randint(-300, 300)
        address = ipaddress.IPv4Address(number % (1 << 32))
        value = snapshot.lookup_address(address)
        expected = [] if value is None else [f"127.0.0.{value.code}"]
        assert data(ask(reverse_name(address))) == expected


def test_12_there_is_no_zone_without_soa_and_name_servers() -> None:
    good = Snapshot.open(snapshot_bytes()).meta
    for wrong in ({"ns": ()}, {"mname": ""}, {"rname": ""}, {"zone": ""}, {"ns": (f"ns.{ZONE}",)}):
        with pytest.raises(SnapshotContentError):
            dataclasses.replace(good, **wrong)
    assert len(data(ask("", "SOA"))) == 1


def moved(listed: tuple[str, ...], kind: str, serial: int = 0) -> list[bytes]:
    """Return the messages of a permitted transfer."""
    zone = zone_of(Snapshot.open(snapshot_bytes(listed)))
    access = Access(transfer=(ipaddress.ip_network("192.0.2.1/32"),))
    query = dns.message.make_query(ZONE, kind)
    if kind == "IXFR":
        soa = f". . {serial} 0 0 0 0"
        query.authority.append(dns.rrset.from_text(dns.name.from_text(ZONE), 0, "IN", "SOA", soa))
    found = transfer.begin(
        query.to_wire(), Service(zones=Zones([zone]), access=access), lambda _: b"", client=CLIENT,
        clock=lambda: NOW,
    )  # fmt: skip
    assert found is not None
    return list(found)


def records(messages: list[bytes]) -> list[tuple[str, int]]:
    parsed = [dns.message.from_wire(each, one_rr_per_rrset=True) for each in messages]
    return [(str(rrset.name), rrset.rdtype) for each in parsed for rrset in each.answer]


def test_13_whole_zones_for_whom_they_are_permitted_and_refused_for_others() -> None:
    found = records(moved(("192.0.2.7", "192.0.2.9"), "AXFR"))
    assert found[0] == found[-1] == (f"{ZONE}.", dns.rdatatype.SOA)
    for name in ("7.2.0.192", "9.2.0.192", "2.0.0.127", MAPPED_2):
        assert {(f"{name}.{ZONE}.", dns.rdatatype.A), (f"{name}.{ZONE}.", dns.rdatatype.TXT)} <= set(found)
    for kind in ("AXFR", "IXFR"):
        message = ask("", kind, tcp=True)
        assert (rcode(message), message.answer) == ("REFUSED", [])


def test_14_stale_data_shows_its_age_and_is_servfail_in_the_end() -> None:
    (zone,) = SERVICE.zones.by_apex.values()
    meta = zone.snapshot.meta
    later = NOW + 4000
    assert (
        f"serial={meta.serial} created={meta.created_at} age=4000"
        in data(ask("_freshness", "TXT", now=later))[0]
    )
    shown = metrics.exposition([metrics.Counters(1, 0)], [meta], (), later).decode()
    assert f'bsf_dns_serial{{zone="{ZONE}"}} {meta.serial}\n' in shown
    assert f'bsf_dns_age_seconds{{zone="{ZONE}"}} 4000' in shown
    for name in ("7.2.0.192", "8.2.0.192", ""):
        message = ask(name, now=meta.expire_at, use_edns=0)
        assert (rcode(message), message.answer, message.authority) == ("SERVFAIL", [], [])
        assert [int(each.code) for each in message.options if isinstance(each, dns.edns.EDEOption)] == [14]


def test_15_no_query_between_two_lists_fails_or_sees_both(tmp_path: Path) -> None:
    served = Served(1, Options())
    path = tmp_path / "bl.snap"
    for generation in range(1, 101):
        path.write_bytes(snapshot_bytes(serial=generation, text=f"generation {generation} at $"))
        served.attach(0, load(path).descriptor)
        if not generation % 10:
            path.write_bytes(path.read_bytes()[:-1] + b"x")
            with pytest.raises(SnapshotError):
                load(path)
        answer = ask("7.2.0.192", "TXT", service=served.service)
        assert data(answer) == [f'"generation {generation} at 192.0.2.7"']
        assert str(generation) in data(ask("", "SOA", service=served.service))[0]


def test_16_the_serial_rises_over_clock_jumps_and_restores() -> None:
    serial = NOW
    for now in (NOW + 5, NOW + 5, NOW - 10_000, 0, NOW + 9, NOW + 10):
        assert serial_after(serial, now) > serial
        serial = serial_after(serial, now)


def test_16_an_unknown_serial_gets_the_whole_zone_and_never_servfail() -> None:
    for serial in (1, NOW - 5):
        found = records(moved(("192.0.2.7",), "IXFR", serial))
        assert found == records(moved(("192.0.2.7",), "AXFR"))
    assert len(records(moved(("192.0.2.7",), "IXFR", NOW))) == 1


def test_17_messages_of_a_transfer_fit_64_kib_and_records_are_small() -> None:
    many = tuple(str(ipaddress.IPv4Address(0x0B000000 + 3 * n)) for n in range(8000))
    messages = moved(many, "AXFR")
    assert len(messages) > 5
    assert max(map(len, messages)) <= 65_535
    assert len(records(messages)) == 2 * 8000 + 2 + 2 + 2 * 2  # SOA twice, NS twice, both test entries


def test_19_a_reason_is_one_string_of_at_most_255_bytes() -> None:
    for name in names():
        message = ask(name, "TXT")
        (rrset,) = message.answer
        (record,) = rrset
        assert len(record.strings) == 1
        assert b"https://feed.example.org/lookup" in record.strings[0]
    with pytest.raises(SnapshotContentError, match="more than 255"):
        Value(code=2, unit=128, text="https://feed.example.org/lookup/$ " + "x" * 190)


def test_20_the_size_limit_is_for_udp_alone_and_says_so() -> None:
    zone = ".".join(["z" * 46] * 4)[:189]
    address = "2001:db8:1111:2222:3333:4444:5555:6666"
    service = make_service(snapshot_bytes((address,), zone=zone, text="https://x.example/$ " + "x" * 190))
    nibbles = reverse_name(ipaddress.IPv6Address(address))
    query = dns.message.make_query(f"{nibbles}.{zone}", "TXT", use_edns=0, payload=512).to_wire()
    replies = [respond(query, service, client=CLIENT, tcp=tcp, now=NOW) or b"" for tcp in (False, True)]
    udp, tcp = map(dns.message.from_wire, replies)
    assert udp.flags & dns.flags.TC
    assert (udp.answer, udp.edns) == ([], 0)
    assert not tcp.flags & dns.flags.TC
    assert len(tcp.answer) == 1


def test_21_the_question_comes_back_byte_by_byte_whatever_its_case() -> None:
    rnd = random.Random(21)
    for name, expected in (
        ("7.2.0.192", "NOERROR"),
        ("8.2.0.192", "NXDOMAIN"),
        (".".join("f" * 32), "NOERROR"),
    ):
        for _ in range(20):
            mixed = "".join(rnd.choice((char.upper(), char)) for char in f"{name}.{ZONE}")
            query = dns.message.make_query(mixed, "A").to_wire()
            reply = respond(query, SERVICE, client=CLIENT, tcp=False, now=NOW)
            assert reply is not None
            assert reply[12 : len(query)] == query[12:]
            assert dns.rcode.to_text(dns.rcode.Rcode(reply[3] & 15)) == expected


def test_22_nothing_that_we_or_others_answer_is_answered() -> None:
    for name, kind in itertools.product(("7.2.0.192", "8.2.0.192", "", "x"), KINDS):
        reply = respond(wire(name, kind, use_edns=0), SERVICE, client=CLIENT, tcp=False, now=NOW)
        assert reply is not None
        assert respond(reply, SERVICE, client=CLIENT, tcp=False, now=NOW) is None
    assert respond(b"\0\1\x81\1" + bytes(8), SERVICE, client=CLIENT, tcp=False, now=NOW) is None


def test_24_every_address_in_an_answer_is_a_published_code() -> None:
    for name in names():
        for answer in data(ask(name)):
            assert ipaddress.ip_address(answer) in ipaddress.ip_network("127.0.0.0/24")
            assert answer in ("127.0.0.2", "127.0.0.3")


def test_25_nothing_that_is_asked_is_servfail_while_the_list_is_good() -> None:
    rnd = random.Random(25)
    seeds = [wire(name, kind, use_edns=0) for name in ("7.2.0.192", "8.2.0.192", "") for kind in KINDS]
    for _ in range(3000):
        query = bytearray(rnd.choice(seeds))
        for _ in range(rnd.randint(0, 3)):
            query[rnd.randrange(2, len(query))] = rnd.randrange(256)
        reply = respond(bytes(query), SERVICE, client=CLIENT, tcp=bool(rnd.getrandbits(1)), now=NOW)
        assert reply is None or reply[3] & 15 != dns.rcode.SERVFAIL


def test_26_every_negative_answer_has_one_soa() -> None:
    for name, kind in itertools.product(
        ("8.2.0.192", "192", "x", "x.7.2.0.192", "1.0.0.127", ".".join("1" * 32), "7.2.0.192"), KINDS
    ):
        message = ask(name, kind)
        soas = [rrset for rrset in message.authority if rrset.rdtype == dns.rdatatype.SOA]
        assert len(soas) == (0 if message.answer else 1), (name, kind)
        assert all((len(rrset), rrset.ttl) == (1, 120) for rrset in soas)


def test_26b_all_who_may_ask_get_the_same_answers() -> None:
    for name in ("7.2.0.192", "8.2.0.192", "2.0.0.127"):
        insiders = [ask(name, service=limited(), client=bytes((192, 0, 2, n))) for n in (1, 9, 255)]
        keyed = ask(f"{name}.{KEY}", service=limited(), client=STRANGER)
        assert {(rcode(each), *data(each)) for each in (*insiders, keyed)} == {
            (rcode(ask(name)), *data(ask(name)))
        }


def test_27_a_list_that_is_given_up_lists_nobody_and_then_is_refused() -> None:
    emptied = make_service(snapshot_bytes(()))
    assert data(ask("2.0.0.127", service=emptied)) == ["127.0.0.2"]
    for name in ("7.2.0.192", "1.0.0.127", "8.8.100.8", ".".join("f" * 32)):
        assert rcode(ask(name, service=emptied)) == "NXDOMAIN"
    gone = make_service(snapshot_bytes((), zone="other.example.org"))
    for name in ("2.0.0.127", "7.2.0.192", ""):
        message = ask(name, service=gone)
        assert (rcode(message), message.answer, message.authority) == ("REFUSED", [], [])


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(b"\0", id="one byte"),
        pytest.param(bytes(11), id="eleven bytes"),
        pytest.param(b"\0\1\0\0\0\1" + bytes(6) + b"\xc0\x0c\0\1\0\1", id="pointer to itself"),
        pytest.param(
            b"\0\1\0\0\0\1" + bytes(6) + b"".join(b"\1a\xc0" + bytes((14 + 4 * n,)) for n in range(40)),
            id="ladder of pointers",
        ),
        pytest.param(b"\0\1\0\0\0\1" + bytes(6) + b"\x3f" + b"a" * 63 + b"\x3f", id="label beyond the end"),
        pytest.param(b"\0\1\0\0\0\1" + bytes(6) + b"\2\xff\xfe\2bl\0\0\1\0\1", id="not UTF-8"),
        pytest.param(b"\0\1\0\0\xff\xff\xff\xff\xff\xff\xff\xff", id="counts without records"),
        pytest.param(b"\0\1\0\0\0\1\0\0\0\0\0\1" + b"\1a" * 127 + b"\0\0\1\0\1", id="too long a name"),
    ],
)  # fmt: skip
def test_28_odd_packets_are_answered_or_not_and_never_raise(packet: bytes) -> None:
    reply = respond(packet, SERVICE, client=CLIENT, tcp=False, now=NOW)
    assert (reply is None) == (len(packet) < 12)
    if reply is not None:
        assert dns.message.from_wire(reply).rcode() in (dns.rcode.FORMERR, dns.rcode.REFUSED)
