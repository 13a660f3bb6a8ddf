"""The fast path is None or the general path, byte for byte; also when a batch mixes everything."""

import ipaddress
import random
from collections.abc import Callable, Sequence

import dns.edns
import dns.message
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsbl_server import general
from dnsbl_server.fast import Fast
from dnsbl_server.service import Service
from dnsbl_server.slots import SLOTS, Slots
from tests.dnsbl_server.conftest import LISTED, make_service, snapshot_bytes

NOW = 1_800_000_000
ZONES = (
    "bl.example.org",
    "score.bl.example.org",
    "bl2.example.org",
    "bl3.example.org",
    "z" * 48 + ".example.org",
)


def client_of(slot: int) -> bytes:
    return bytes((192, 0, 2, slot))


class Bench:
    """The fast path without sockets."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.slots = Slots()
        self.fast = Fast(service, self.slots)

    def answer(self, datagrams: Sequence[bytes], now: int = NOW) -> list[bytes | None]:
        """Return the answers of the fast path, None where it leaves one to the general path."""
        for slot, data in enumerate(datagrams):
            self.slots.receive(slot, data)
        left = self.fast.answer([len(data) for data in datagrams], client_of, now)
        return [None if slot in left else self.slots.reply(slot) for slot in range(len(datagrams))]

    def check(self, datagrams: Sequence[bytes], now: int = NOW) -> int:
        """Compare a batch with the general path; return how many the fast path answered."""
        answers = self.answer(datagrams, now)
        for slot, (data, reply) in enumerate(zip(datagrams, answers, strict=True)):
            if reply is not None:
                expected = general.answer(data, self.service, client=client_of(slot), tcp=False, now=now)
                assert reply == expected, data
        return sum(reply is not None for reply in answers)


def services() -> list[Service]:
    snapshots = [snapshot_bytes(zone=zone, codes=(2, 3)) for zone in ZONES]
    return [make_service(*snapshots), make_service(*snapshots, cookies=False)]


SERVICES = services()
BENCHES = [Bench(service) for service in SERVICES]


def reverse(address: str) -> str:
    plain = ipaddress.ip_address(address)
    if plain.version == 4:
        return ".".join(reversed(address.split(".")))
    return ".".join(reversed(plain.exploded.replace(":", "")))


def query(name: str, kind: str, edns: int | None = None, cookie: bytes = b"") -> bytes:
    options = [dns.edns.GenericOption(dns.edns.OptionType.COOKIE, cookie)] if cookie else []
    extra = {} if edns is None else {"use_edns": 0, "payload": edns, "options": options}
    return dns.message.make_query(name, kind, **extra).to_wire()  # type: ignore[arg-type]


ADDRESSES = st.one_of(
    st.sampled_from([entry.partition("/")[0] for entry in LISTED]),
    st.sampled_from(["127.0.0.1", "127.0.0.2", "127.0.0.3", "1.2.3.4", "9.9.9.9", "198.51.101.0", "0.0.0.1"]),
    st.sampled_from(
        ["::ffff:127.0.0.2", "::ffff:127.0.0.1", "::ffff:198.51.100.7", "::", "2001:db8:1:2:ffff::"]
    ),
    st.integers(0, 2**32 - 1).map(lambda number: str(ipaddress.IPv4Address(number))),
    st.integers(0, 2**128 - 1).map(lambda number: str(ipaddress.IPv6Address(number))),
)
QUERIES = st.builds(
    query,
    st.tuples(ADDRESSES, st.sampled_from([*ZONES, "BL.Example.Org", "bl4.example.org"])).map(
        lambda pair: f"{reverse(pair[0])}.{pair[1]}"
    ),
    st.sampled_from(["A", "A", "A", "TXT", "AAAA", "ANY", "NS", "SOA", "TYPE65", "AXFR"]),
    st.sampled_from([None, None, 512, 1232, 4096, 0x3030, 0x4161]),
    st.sampled_from([b"", b"", b"c" * 8, b"c" * 24, b"c" * 20, b"c" * 9]),
)


def changed(data: bytes, places: list[tuple[int, int]]) -> bytes:
    wire = bytearray(data)
    for at, byte in places:
        wire[at % len(wire)] = byte
    return bytes(wire)


MUTATED = st.builds(
    changed,
    QUERIES,
    st.lists(
        st.tuples(
            st.integers(0, 250), st.one_of(st.integers(0, 255), st.sampled_from(b"0189aAfFzZ. \1\2\3"))
        ),
        max_size=3,
    ),
)
CUT = st.builds(lambda data, size: data[: len(data) - size], QUERIES, st.integers(1, 30))
LONGER = st.builds(lambda data, more: data + more, QUERIES, st.binary(min_size=1, max_size=30))


@pytest.mark.parametrize("bench", BENCHES, ids=["cookies", "no cookies"])
def test_fast_is_none_or_general(bench: Bench) -> None:
    @settings(max_examples=150, deadline=None)
    @given(
        st.lists(
            st.one_of(QUERIES, MUTATED, CUT, LONGER, st.binary(max_size=300)), min_size=1, max_size=SLOTS
        )
    )
    def law(datagrams: list[bytes]) -> None:
        bench.check(datagrams)

    law()


@pytest.mark.parametrize("bench", BENCHES, ids=["cookies", "no cookies"])
def test_known_shapes_with_one_byte_changed(bench: Bench) -> None:
    """Teach every common shape, then try to smuggle something through it."""
    rng = random.Random(7)
    shapes = [
        query(f"{reverse(address)}.{zone}", kind, edns, cookie)
        for address in ("192.0.2.7", "1.2.3.4", "255.255.255.255", "10.20.30.40", "2001:db8::1")
        for zone in ZONES[:3]
        for kind in ("A", "AAAA")
        for edns, cookie in ((None, b""), (1232, b""), (1232, b"c" * 8), (1232, b"c" * 24))
    ]
    for at in range(0, len(shapes), SLOTS):
        bench.check(shapes[at : at + SLOTS])
    for _ in range(150):
        batch = []
        for _ in range(SLOTS):
            data = bytearray(rng.choice(shapes))
            if rng.random() < 0.8:
                data[rng.randrange(2, len(data))] = rng.choice(
                    (rng.randrange(256), *b"0189aAfFzZ .\0\1\2\3\4\x1c")
                )
            if rng.random() < 0.1:
                del data[rng.randrange(12, len(data)) :]
            if rng.random() < 0.1:
                data += bytes(rng.choices(range(256), k=rng.choice((8, 24, 1, 16))))
            batch.append(bytes(data))
        bench.check(batch)


@pytest.mark.parametrize(
    ("name", "kind", "edns", "cookie", "zone"),
    [
        pytest.param("192.0.2.7", "A", None, b"", 0, id="listed"),
        pytest.param("192.0.2.8", "A", None, b"", 0, id="not listed"),
        pytest.param("1.2.3.4", "A", None, b"", 0, id="four digits"),
        pytest.param("192.0.2.7", "AAAA", 4096, b"", 0, id="other type, EDNS"),
        pytest.param("192.0.2.8", "TXT", 1232, b"", 0, id="TXT, not listed"),
        pytest.param("192.0.2.7", "A", 1232, b"c" * 8, 0, id="client cookie"),
        pytest.param("192.0.2.7", "A", 1232, b"c" * 24, 0, id="whole cookie"),
        pytest.param("2001:db8::1", "A", None, b"", 0, id="IPv6"),
        pytest.param("2001:db8::2", "A", 1232, b"c" * 24, 0, id="IPv6 with cookie"),
        pytest.param("192.0.2.7", "A", None, b"", 1, id="the inner zone"),
        pytest.param("192.0.2.7", "A", None, b"", 2, id="zone with digits"),
    ],
)
def test_common_queries_are_answered_here(
    name: str, kind: str, edns: int | None, cookie: bytes, zone: int
) -> None:
    """Else the law above would hold for a path that answers nothing."""
    data = query(f"{reverse(name)}.{ZONES[zone]}", kind, edns, cookie)
    for bench in (Bench(SERVICES[0]), Bench(SERVICES[1])):
        assert bench.check([data]) == 1  # learning
        assert bench.check([data] * SLOTS) == SLOTS


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(query("7.2.0.192.bl.example.org", "TXT"), id="text names the address"),
        pytest.param(query("07.2.0.192.bl.example.org", "A"), id="leading zero"),
        pytest.param(query("bl.example.org", "SOA"), id="apex"),
        pytest.param(query("2.0.192.bl.example.org", "A"), id="three octets"),
        pytest.param(query("7.2.0.192.bl.example.org", "AXFR"), id="transfer"),
        pytest.param(query("7.2.0.192.example.com", "A"), id="no zone of ours"),
        pytest.param(changed(query("7.2.0.192.bl.example.org", "A"), [(2, 0x81)]), id="a response"),
        pytest.param(changed(query("7.2.0.192.bl.example.org", "A"), [(2, 0x11)]), id="another opcode"),
    ],
)
def test_the_rest_is_left_to_the_general_path(data: bytes) -> None:
    bench = Bench(SERVICES[0])
    bench.check([query("17.2.0.192.bl.example.org", "A"), query("7.2.0.192.bl.example.org", "A")])
    assert bench.answer([data]) == [None]


def test_nothing_is_answered_here_from_an_expired_list() -> None:
    bench = Bench(SERVICES[0])
    data = query("7.2.0.192.bl.example.org", "A")
    assert bench.answer([data], NOW + 172_799) != [None]
    assert bench.answer([data], NOW + 172_800) == [None]


def test_zones_that_hide_in_each_other_are_left_to_the_general_path(snapshot: Callable[..., bytes]) -> None:
    service = make_service(snapshot(zone="example.org"), snapshot((), zone="5.example.org"))
    assert Bench(service).answer([query("2.3.4.6.example.org", "A")]) == [None]


def test_shapes_are_bounded() -> None:
    bench = Bench(SERVICES[0])
    data = query("7.2.0.192.bl.example.org", "A", 1232)
    sizes = [
        size.to_bytes(2) for size in range(512, 65536) if not set(size.to_bytes(2)) & set(range(48, 123))
    ]
    for size in sizes[:9000]:
        bench.check([data[:-8] + size + data[-6:]])
    assert len(bench.fast._v4_plans) <= 4096
    assert len(bench.fast._plain) <= 4096


def test_a_long_datagram_is_put_together_again() -> None:
    bench = Bench(SERVICES[0])
    data = bytes(range(256)) * 4
    assert bench.answer([b"x" * 12, data]) == [None, None]
    assert bench.slots.datagram(1, len(data)) == data
