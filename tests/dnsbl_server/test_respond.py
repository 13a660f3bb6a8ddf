"""What the server answers, as tables; checked with an independent parser (dnspython)."""

import ipaddress
import random
import struct
from collections.abc import Callable

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdatatype
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsbl_server.general import zone_of
from dnsbl_server.respond import respond
from dnsbl_server.service import Service
from dnsbl_server.zone import Zones
from feed.snapshot.reader import Snapshot

NOW = 1_800_000_000
CLIENT = bytes((192, 0, 2, 1))
ZONE = "bl.example.org"
NIBBLES_TEST = ".".join(reversed("0000" * 5 + "ffff7f000002"))


def ask(
    service: Service, query: bytes | dns.message.Message, *, tcp: bool = False, now: int = NOW
) -> dns.message.Message:
    """Return the parsed answer; the question must come back as it was."""
    wire = query if isinstance(query, bytes) else query.to_wire()
    reply = respond(wire, service, client=CLIENT, tcp=tcp, now=now)
    assert reply is not None
    message = dns.message.from_wire(reply)
    assert message.id == int.from_bytes(wire[:2])
    assert message.flags & dns.flags.QR
    assert not message.flags & (dns.flags.RA | dns.flags.AD | dns.flags.CD | 0x40)
    return message


def query(name: str, kind: str = "A", **options: object) -> dns.message.Message:
    return dns.message.make_query(name, kind, **options)  # type: ignore[arg-type]


def option(code: int, data: bytes) -> dns.edns.GenericOption:
    return dns.edns.GenericOption(dns.edns.OptionType.make(code), data)


def answers(message: dns.message.Message) -> list[str]:
    return [record.to_text() for rrset in message.answer for record in rrset]


POSITIVE = [
    ("2.0.0.127." + ZONE, "A", ["127.0.0.2"]),
    (NIBBLES_TEST + "." + ZONE, "A", ["127.0.0.2"]),
    (NIBBLES_TEST.upper() + "." + ZONE.upper(), "A", ["127.0.0.2"]),
    ("7.2.0.192." + ZONE, "A", ["127.0.0.2"]),
    ("7.2.0.192." + ZONE, "ANY", ["127.0.0.2"]),
    ("7.2.0.192." + ZONE, "TXT", ['"Listed for backscatter, see https://feed.example.org/lookup/192.0.2.7"']),
    (
        "9.100.51.198." + ZONE,
        "TXT",
        ['"Listed for backscatter, see https://feed.example.org/lookup/198.51.100.0/24"'],
    ),
    ("0.0.0.0." + ZONE, "A", ["127.0.0.2"]),
    ("255.255.255.255." + ZONE, "A", ["127.0.0.2"]),
    (".".join("f" * 32) + "." + ZONE, "A", ["127.0.0.2"]),
    ("9.2.0.192.score." + ZONE, "A", ["127.0.0.3"]),
    ("3.0.0.127.score." + ZONE, "A", ["127.0.0.3"]),
    (ZONE, "NS", ["ns1.example.net.", "ns2.example.net."]),
    (ZONE, "SOA", ["ns1.example.net. hostmaster.example.net. 1800000000 300 60 172800 120"]),
    (ZONE, "ANY", ["ns1.example.net. hostmaster.example.net. 1800000000 300 60 172800 120"]),
]


@pytest.mark.parametrize(
    ("name", "kind", "expected"), POSITIVE, ids=[f"{k} {n[-40:]}" for n, k, _ in POSITIVE]
)
def test_records(service: Service, name: str, kind: str, expected: list[str]) -> None:
    message = ask(service, query(name, kind))
    assert sorted(answers(message)) == sorted(expected)
    assert message.rcode() == dns.rcode.NOERROR
    assert message.flags & dns.flags.AA
    assert not message.authority
    assert {rrset.ttl for rrset in message.answer} == {300}


NEGATIVE = [
    ("1.0.0.127", "NXDOMAIN", "127.0.0.1 is never listed"),
    ("3.0.0.127", "NXDOMAIN", "no .3 where that code is not used"),
    (NIBBLES_TEST.replace("2", "1", 1), "NXDOMAIN", "nor its mapped form"),
    ("8.2.0.192", "NXDOMAIN", "neighbour"),
    ("127.113.0.203", "NXDOMAIN", "203.0.113.127, just below a /25: the labels are reversed"),
    ("127.113.0.203", "NXDOMAIN", "not listed"),
    ("100.51.198", "NOERROR", "three octets above a /24"),
    ("77.77.77", "NOERROR", "three octets with nothing below"),
    ("192", "NOERROR", "one octet"),
    ("0", "NOERROR", "one octet or nibble"),
    ("f", "NOERROR", "one nibble"),
    (".".join("8" * 31), "NOERROR", "31 nibbles"),
    ("5.0.0.1", "NOERROR", "four digits: also four nibbles"),
    ("x.7.2.0.192", "NXDOMAIN", "below an address"),
    ("5.7.2.0.192", "NXDOMAIN", "five octets"),
    ("0." + ".".join("8" * 32), "NXDOMAIN", "33 nibbles"),
    ("07.2.0.192", "NXDOMAIN", "leading zero"),
    ("256.2.0.192", "NXDOMAIN", "octet beyond 255"),
    ("+7.2.0.192", "NXDOMAIN", "sign"),
    ("256", "NXDOMAIN", "one label beyond 255"),
    ("ff.f", "NXDOMAIN", "two nibbles in one label"),
    ("test", "NXDOMAIN", "a word"),
    ("g.f", "NXDOMAIN", "no nibble"),
    ("", "NOERROR", "the apex"),
]


@pytest.mark.parametrize("kind", ["A", "TXT", "AAAA", "MX", "NS", "TYPE1000", "CAA", "DS"])
@pytest.mark.parametrize(("prefix", "rcode", "why"), NEGATIVE, ids=[why for _, _, why in NEGATIVE])
def test_negative_answers_do_not_depend_on_the_type(
    service: Service, prefix: str, rcode: str, why: str, kind: str
) -> None:
    if not prefix:
        kind = kind.replace("NS", "PTR")  # the apex has NS
    message = ask(service, query(f"{prefix}.{ZONE}".lstrip("."), kind))
    assert dns.rcode.to_text(message.rcode()) == rcode
    assert message.flags & dns.flags.AA
    assert not message.answer
    (soa,) = message.authority
    assert (soa.rdtype, soa.ttl, soa.name.to_text()) == (dns.rdatatype.SOA, 120, ZONE + ".")


@pytest.mark.parametrize("kind", ["AAAA", "MX", "NS", "SOA", "PTR", "TYPE65", "TYPE666"])
def test_other_types_of_a_listed_name_are_nodata(service: Service, kind: str) -> None:
    message = ask(service, query("7.2.0.192." + ZONE, kind))
    assert message.rcode() == dns.rcode.NOERROR
    assert not message.answer
    assert len(message.authority) == 1


def test_the_question_comes_back_byte_by_byte_and_owns_the_answer(service: Service) -> None:
    wire = query("7.2.0.192.bL.ExAmPlE.oRg").to_wire()
    reply = respond(wire, service, client=CLIENT, tcp=False, now=NOW)
    assert reply is not None
    assert reply[12 : len(wire)] == wire[12:]
    assert b"example" not in reply
    negative = respond(query("7.7.7.7.bL.ExAmPlE.oRg").to_wire(), service, client=CLIENT, tcp=False, now=NOW)
    assert negative is not None
    assert dns.message.from_wire(negative).authority[0].name.labels[1] == b"ExAmPlE"


REFUSED = [
    ("example.org", "IN", "REFUSED", 20, "above the zone"),
    ("2.0.0.127.bl.example.com", "IN", "REFUSED", 20, "another zone"),
    ("xbl.example.org", "IN", "REFUSED", 20, "a label that ends like ours"),
    (".", "IN", "REFUSED", 20, "the root"),
    ("2.0.0.127." + ZONE, "CH", "REFUSED", 20, "class CH"),
    ("version.bind", "CH", "REFUSED", 20, "version.bind"),
    ("2.0.0.127." + ZONE, "ANY", "REFUSED", 20, "class ANY"),
]


@pytest.mark.parametrize("edns", [True, False], ids=["EDNS", "plain"])
@pytest.mark.parametrize(
    ("name", "rdclass", "rcode", "ede", "why"), REFUSED, ids=[row[-1] for row in REFUSED]
)
def test_refusals_carry_nothing_but_a_reason(
    service: Service, name: str, rdclass: str, rcode: str, ede: int, why: str, edns: bool
) -> None:
    message = ask(service, query(name, rdclass=rdclass, use_edns=0 if edns else -1))
    assert dns.rcode.to_text(message.rcode()) == rcode
    assert not message.flags & dns.flags.AA
    assert not message.answer
    assert not message.authority
    assert [option.code for option in message.options if isinstance(option, dns.edns.EDEOption)] == (
        [ede] if edns else []
    )


def test_transfers_are_refused(service: Service) -> None:
    for kind in ("AXFR", "IXFR"):
        message = ask(service, query(ZONE, kind, use_edns=0), tcp=True)
        assert message.rcode() == dns.rcode.REFUSED
        assert not message.answer


def test_an_expired_list_is_servfail_and_nothing_else(service: Service) -> None:
    expire_at = NOW + 172_800
    assert ask(service, query("2.0.0.127." + ZONE), now=expire_at - 1).rcode() == dns.rcode.NOERROR
    for name in ("2.0.0.127." + ZONE, "9.9.9.9." + ZONE, ZONE):
        message = ask(service, query(name, use_edns=0), now=expire_at)
        assert message.rcode() == dns.rcode.SERVFAIL
        assert [option.code for option in message.options if isinstance(option, dns.edns.EDEOption)] == [14]
        assert not message.flags & dns.flags.AA
        assert not message.answer + message.authority


def raw(name: bytes = b"\x012\x010\x010\x03127\x02bl\x07example\x03org\0", **fields: int) -> bytes:
    """Return a query from its header words; `tail` follows the question."""
    header = {"ident": 7, "flags": 0x0100, "qd": 1, "an": 0, "ns": 0, "ar": 0} | fields
    return struct.pack(">6H", *header.values()) + name + (b"\0\1\0\1" if name else b"")


OPT = b"\0\0\x29\x04\xd0\0\0\0\0\0\0"
UNREADABLE = [
    (raw(qd=2), "two questions"),
    (raw(qd=0, name=b""), "no question"),
    (raw(qd=0), "a question that is not counted"),
    (raw()[:-1], "cut in the class"),
    (raw()[:20], "cut in the name"),
    (raw(name=b"\x40" + b"a" * 64 + b"\0"), "label type 01"),
    (raw(name=b"\x80a\0"), "label type 10"),
    (raw(name=b"\xc0\x0c"), "pointer to itself"),
    (raw(name=b"\x012\xc0\x0c"), "pointer in the question"),
    (raw(name=(b"\x3f" + b"a" * 63) * 4 + b"\0"), "257 bytes"),
    (raw(ar=1), "a promised record is missing"),
    (raw() + b"x", "a byte behind the end"),
    (raw(ar=2) + OPT + OPT, "two OPT"),
    (raw(ar=1) + b"\1a" + OPT, "OPT with a name"),
    (raw(ar=1) + OPT[:-1] + b"\5" + b"\0\3\0\2a", "option longer than OPT"),
    (raw(ar=1) + OPT[:-1] + b"\3" + b"\0\3\0", "option without length"),
    (raw(ar=1) + OPT[:-1] + b"\x0b" + b"\0\x0a\0\7" + b"c" * 7, "cookie of 7 bytes"),
    (raw(ar=1) + OPT[:-1] + b"\x0d" + b"\0\x0a\0\x09" + b"c" * 9, "cookie of 9 bytes"),
    (raw(ar=1) + OPT[:-1] + b"\x2d" + b"\0\x0a\0\x29" + b"c" * 41, "cookie of 41 bytes"),
    (raw(ar=1) + b"\xc0", "half a pointer as owner"),
    (raw(ar=2) + b"\0\0\xfa\0\xff\0\0\0\0\0\0" + OPT, "TSIG before OPT"),
]


@pytest.mark.parametrize(("wire", "why"), UNREADABLE, ids=[why for _, why in UNREADABLE])
def test_what_cannot_be_read_is_formerr(service: Service, wire: bytes, why: str) -> None:
    reply = respond(wire, service, client=CLIENT, tcp=False, now=NOW)
    assert reply is not None
    assert reply[:2] == wire[:2]
    assert reply[3] & 0xF == dns.rcode.FORMERR
    assert reply[2] & 0x81 == 0x81
    dns.message.from_wire(reply)


@pytest.mark.parametrize(
    "wire",
    [b"", b"x" * 11, raw(flags=0x8000), raw(flags=0x8400) + b"x", b"\xff" * 12, b"\xff" * 600],
    ids=len,
)
def test_silence_to_responses_and_shards(service: Service, wire: bytes) -> None:
    assert respond(wire, service, client=CLIENT, tcp=False, now=NOW) is None
    assert respond(wire, service, client=CLIENT, tcp=True, now=NOW) is None


@pytest.mark.parametrize("opcode", [1, 2, 3, 4, 5, 6, 7, 15])
@pytest.mark.parametrize("tail", [b"", b"\xff\xff"], ids=["readable", "unreadable"])
def test_other_opcodes_are_turned_down(service: Service, opcode: int, tail: bytes) -> None:
    reply = respond(raw(flags=opcode << 11) + tail, service, client=CLIENT, tcp=False, now=NOW)
    assert reply is not None
    assert reply[2] & 0x78 == opcode << 3
    assert reply[3] & 0xF == (dns.rcode.NOTAUTH if opcode == dns.opcode.NOTIFY else dns.rcode.NOTIMP)


@pytest.mark.parametrize("bits", [0x0400, 0x0200, 0x0100, 0x0080, 0x0040, 0x0020, 0x0010, 0x07F0])
def test_odd_header_bits_change_nothing_but_rd(service: Service, bits: int) -> None:
    message = ask(service, raw(flags=bits))
    assert answers(message) == ["127.0.0.2"]
    assert bool(message.flags & dns.flags.RD) == bool(bits & 0x0100)
    assert not message.flags & dns.flags.TC


@pytest.mark.parametrize("name", ["2.0.0.127." + ZONE, "9.9.9.9." + ZONE, "example.com"])
def test_opt_is_answered_with_opt(service: Service, name: str) -> None:
    assert ask(service, query(name)).edns == -1
    message = ask(service, query(name, use_edns=0, payload=4096, want_dnssec=True))
    assert (message.edns, message.payload) == (0, 1232)
    assert message.ednsflags == dns.flags.DO
    unknown = ask(service, query(name, use_edns=0, options=[option(65001, b"x")]))
    assert not [option for option in unknown.options if option.otype == 65001]


def test_a_higher_version_is_badvers(service: Service) -> None:
    message = ask(service, query("2.0.0.127." + ZONE, use_edns=1))
    assert message.rcode() == dns.rcode.BADVERS
    assert message.edns == 0
    assert not message.answer + message.authority
    assert message.question


def test_opt_is_found_behind_other_records(service: Service) -> None:
    other = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4abcd"
    assert ask(service, raw(ar=2) + other + OPT).edns == 0
    assert ask(service, raw(ar=2) + OPT + other).edns == 0


def cookie_of(message: dns.message.Message) -> bytes:
    (cookie,) = [option.to_wire() for option in message.options if option.otype == 10]
    assert isinstance(cookie, bytes)
    return cookie


def test_cookies(service: Service) -> None:
    name = "2.0.0.127." + ZONE
    mine = b"12345678"
    first = cookie_of(ask(service, query(name, use_edns=0, options=[option(10, mine)])))
    assert (len(first), first[:8]) == (24, mine)
    assert service.cookies is not None
    assert service.cookies.valid(first, CLIENT, NOW)
    false = ask(service, query(name, use_edns=0, options=[option(10, mine + bytes(16))]))
    assert answers(false) == ["127.0.0.2"]
    assert cookie_of(false) == first
    alone = raw(qd=0, ar=1, name=b"") + OPT[:-1] + b"\x0c" + b"\0\x0a\0\x08" + mine
    message = ask(service, alone)
    assert message.rcode() == dns.rcode.NOERROR
    assert cookie_of(message) == first


def test_keepalive_is_answered_over_tcp_only(service: Service) -> None:
    wanted = query("2.0.0.127." + ZONE, use_edns=0, options=[option(11, b"")])
    assert [option.otype for option in ask(service, wanted, tcp=True).options] == [11]
    assert ask(service, wanted).options == ()


@pytest.fixture
def wide(snapshot: Callable[..., bytes]) -> Service:
    """Return a zone with long names and texts, whose answers do not fit 512 bytes."""
    data = snapshot(
        ("2001:db8:1111:2222:3333:4444:5555:6666",), zone=LONG_ZONE, text="https://x.example/$ " + "x" * 190
    )
    return Service(zones=Zones([zone_of(Snapshot.open(data))]))


LONG_ZONE = ".".join(["z" * 46] * 4)[:189]


def long_query(**options: object) -> dns.message.Message:
    nibbles = ".".join(
        reversed(ipaddress.ip_address("2001:db8:1111:2222:3333:4444:5555:6666").exploded.replace(":", ""))
    )
    return query(f"{nibbles}.{LONG_ZONE}", "TXT", **options)


@pytest.mark.parametrize(
    ("options", "limit"),
    [
        pytest.param({}, 512, id="plain"),
        pytest.param({"use_edns": 0, "payload": 0}, 512, id="payload 0 is 512"),
        pytest.param({"use_edns": 0, "payload": 512}, 512, id="payload 512"),
        pytest.param({"use_edns": 0, "payload": 4096}, 1232, id="payload 4096"),
    ],
)
def test_truncation(wide: Service, options: dict[str, object], limit: int) -> None:
    whole = ask(wide, long_query(**options), tcp=True)
    assert len(whole.to_wire()) > 512
    assert not whole.flags & dns.flags.TC
    message = ask(wide, long_query(**options))
    cut = limit < 1232
    assert bool(message.flags & dns.flags.TC) == cut
    assert bool(message.answer) != cut
    assert message.flags & dns.flags.AA
    assert (message.edns == 0) == bool(options)
    assert message.question


SERVICE = Service(zones=Zones(()))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=600))
def test_respond_never_raises_on_any_bytes(data: bytes) -> None:
    reply = respond(data, SERVICE, client=CLIENT, tcp=False, now=NOW)
    if reply is None:
        assert len(data) < 12 or data[2] & 0x80
    else:
        assert reply[:2] == data[:2]
        assert reply[2] & 0x80
        assert len(reply) <= 1232


def test_mutated_queries_get_a_well_formed_answer(service: Service) -> None:
    rng = random.Random(5)
    seeds = [
        query("2.0.0.127." + ZONE, use_edns=0, options=[option(10, b"12345678")]).to_wire(),
        query(NIBBLES_TEST + "." + ZONE, "TXT").to_wire(),
        query(ZONE, "SOA", use_edns=0).to_wire(),
    ]
    for _ in range(5000):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        if rng.random() < 0.2:
            del data[rng.randrange(len(data)) :]
        reply = respond(bytes(data), service, client=CLIENT, tcp=rng.random() < 0.5, now=NOW)
        if reply is not None:
            assert reply[:2] == data[:2]
            if not data[2] & 0x78:
                dns.message.from_wire(reply)
