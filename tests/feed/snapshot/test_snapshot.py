"""Laws of the snapshot file: one canonical form, exact look-ups, no damaged byte passes."""

import hashlib
import ipaddress
import itertools
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feed.domain.address import Network
from feed.snapshot.format import (
    BODY_AT,
    HASHED_HEADER,
    HEADER,
    Meta,
    SnapshotChecksumError,
    SnapshotContentError,
    SnapshotError,
    SnapshotFormatError,
    Value,
    masked_text,
)
from feed.snapshot.reader import Range, Snapshot
from feed.snapshot.writer import Entry, build, build_packed, patch, renew, serial_after

CONFIRMED = Value(code=2, unit=32, text="Listed, see https://feed.example.org/lookup/$")
REPORTED = Value(code=3, unit=64, text="Reported, see https://feed.example.org/lookup/$")
OTHER = Value(code=2, unit=24, text="Listed as a network, see https://feed.example.org/lookup/$")
VALUES = (CONFIRMED, REPORTED, OTHER)
TEST_ENTRIES = {ipaddress.IPv4Address("127.0.0.2"): 2, ipaddress.IPv4Address("127.0.0.3"): 3}
NO_DEADLINE = settings(max_examples=80, deadline=None)  # one open checks 65,537 index entries
LOCALHOST = ipaddress.ip_network("127.0.0.1")


def make_meta(**changes: object) -> Meta:
    fields: dict[str, object] = {
        "zone": "bl.example.org",
        "serial": 1_700_000_000,
        "created_at": 1_700_000_000,
        "refresh_by": 1_700_000_900,
        "expire_at": 1_700_172_800,
        "mname": "ns1.example.org",
        "rname": "hostmaster@example.org",
        "ns": ("ns1.example.org", "ns2.example.org"),
        "lookup_url": "https://feed.example.org/lookup/$",
        "allow_special": True,
    }
    return Meta(**(fields | changes))  # type: ignore[arg-type]


def network(kind: type[ipaddress.IPv4Address | ipaddress.IPv6Address], number: int, width: int) -> Network:
    return ipaddress.ip_network((kind(number), width), strict=False)


# Few bits that differ, so that networks often touch, nest and repeat; the ends of the space included.
V4_NUMBERS = st.one_of(
    st.integers(0, 2**32 - 1),
    st.sampled_from([0, 2**32 - 1, 0x7F000000, 0x7F000003]),
    st.integers(0, 63).map(lambda low: 0xC0000200 + low),
)
V6_NUMBERS = st.one_of(
    st.integers(0, 2**128 - 1),
    st.sampled_from([0, 2**128 - 1, 0xFFFF << 32, 0x10000 << 32, (0xFFFF << 32) - 1]),
    st.integers(0, 7).map(lambda low: (0x20010DB8 << 96) + (low << 64)),
    st.integers(0, 7).map(lambda low: (0x20010DB8 << 96) + low),
)
NETWORKS: st.SearchStrategy[Network] = st.one_of(
    st.builds(
        network,
        st.just(ipaddress.IPv4Address),
        V4_NUMBERS,
        st.one_of(st.integers(24, 32), st.integers(0, 32)),
    ),
    st.builds(
        network,
        st.just(ipaddress.IPv6Address),
        V6_NUMBERS,
        st.one_of(st.sampled_from([64, 128]), st.integers(0, 128)),
    ),
)


def without_clash(found: dict[Network, Value | None]) -> dict[Network, Value | None]:
    """Drop what is there as IPv4 and as mapped IPv6 too: one network with two values is refused."""
    unique = {as_mapped(net): (net, value) for net, value in (found | {LOCALHOST: None}).items()}
    return dict(unique.values())


LISTS = st.dictionaries(NETWORKS, st.sampled_from([*VALUES, None]), max_size=12).map(without_clash)


def as_mapped(net: Network) -> tuple[int, int]:
    """Return the network in the one 128-bit space in which IPv4 is its mapped form."""
    if isinstance(net, ipaddress.IPv4Network):
        return int(net.network_address) + (0xFFFF << 32), net.prefixlen + 96
    return int(net.network_address), net.prefixlen


def naive(
    entries: dict[Network, Value | None], address: ipaddress.IPv4Address | ipaddress.IPv6Address
) -> Value | None:
    """Longest prefix by trying each entry; one wider than ::ffff:0:0/96 does not reach into IPv4."""
    number = int(address) + (0xFFFF << 32 if address.version == 4 else 0)
    is_v4 = number >> 32 == 0xFFFF
    best, best_width = None, -1
    for net, value in entries.items():
        first, width = as_mapped(net)
        if (width >= 96 and first >> 32 == 0xFFFF) != is_v4:
            continue
        if number >> (128 - width) == first >> (128 - width) and width > best_width:
            best, best_width = value, width
    return best


def edges(entries: dict[Network, Value | None]) -> set[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Return the addresses where anything can change, and one step beyond."""
    found: set[ipaddress.IPv4Address | ipaddress.IPv6Address] = set()
    for net in entries:
        for number in (int(net.network_address), int(net.broadcast_address)):
            for step in (-1, 0, 1):
                if 0 <= number + step < 1 << net.max_prefixlen:
                    kind = ipaddress.IPv4Address if net.version == 4 else ipaddress.IPv6Address
                    found.add(kind(number + step))
    fixed = ("0.0.0.0", "255.255.255.255", "::", "::fffe:ffff:ffff", "::1:0:0:0", "::ffff:192.0.2.7")
    return found | {ipaddress.ip_address(text) for text in fixed} | {ipaddress.IPv6Address(2**128 - 1)}


@NO_DEADLINE
@given(LISTS, st.randoms(use_true_random=False))
def test_lookup_is_the_longest_prefix_and_order_changes_nothing(
    entries: dict[Network, Value | None], shuffle: random.Random
) -> None:
    data = build(entries.items(), make_meta())
    snapshot = Snapshot.open(data)
    for address in edges(entries):
        plain = ipaddress.ip_address(address)
        if isinstance(plain, ipaddress.IPv6Address) and plain.ipv4_mapped:
            plain = plain.ipv4_mapped
        if isinstance(plain, ipaddress.IPv4Address) and plain in TEST_ENTRIES:
            continue
        assert snapshot.lookup(address.packed) == naive(entries, plain), address
    items = list(entries.items())
    shuffle.shuffle(items)
    assert build(items + items[:3], make_meta()) == data


@NO_DEADLINE
@given(LISTS)
def test_what_is_written_is_read_and_gives_the_same_bytes_again(entries: dict[Network, Value | None]) -> None:
    data = build(entries.items(), make_meta())
    snapshot = Snapshot.open(data)
    assert snapshot.meta == make_meta()
    again: list[Entry] = [
        entry for entry in snapshot.networks() if entry[0].network_address not in TEST_ENTRIES
    ]
    assert build(again, snapshot.meta) == data
    assert snapshot.data() == data
    ranges = list(snapshot.ranges())
    for before, after in itertools.pairwise(ranges):
        assert (before.version, before.last) < (after.version, after.first)


@NO_DEADLINE
@given(LISTS, LISTS)
def test_a_patch_equals_a_rebuild(
    entries: dict[Network, Value | None], changes: dict[Network, Value | None]
) -> None:
    last = Snapshot.open(build(entries.items(), make_meta()))
    meta = make_meta(serial=1_700_000_015, created_at=1_700_000_015)
    patched = patch(last, changes.items(), meta)
    assert patched == build(overlaid(list(last.ranges()), changes), meta)
    Snapshot.open(patched)


def overlaid(ranges: list[Range], changes: dict[Network, Value | None]) -> list[Entry]:
    """Return the list that results, as disjoint networks, by splitting at every edge."""
    result: list[Entry] = []
    for version, bits in ((4, 32), (6, 128)):
        kind = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
        mine = {net: value for net, value in changes.items() if net.version == version}
        if version == 4:
            mine |= {
                ipaddress.ip_network((net.network_address.packed[12:], net.prefixlen - 96)): value
                for net, value in changes.items()
                if net.version == 6
                and net.prefixlen >= 96
                and net.subnet_of(ipaddress.ip_network("::ffff:0:0/96"))  # type: ignore[arg-type]
            }
        cuts = {0, 1 << bits} if version == 4 else {0, 0xFFFF << 32, 0x10000 << 32, 1 << bits}
        for item in ranges:
            if item.version == version:
                cuts |= {item.first, item.last + 1}
        for net in mine:
            cuts |= {int(net.network_address), int(net.broadcast_address) + 1}
        points = sorted(cuts)
        for first, end in itertools.pairwise(points):
            covering = [
                net for net in mine if int(net.network_address) <= first <= int(net.broadcast_address)
            ]
            if covering:
                value = mine[max(covering, key=lambda net: net.prefixlen)]
            else:
                held = [r for r in ranges if r.version == version and r.first <= first <= r.last]
                value = held[0].value if held else None
            if value is not None and version == 6 and first >> 32 == 0xFFFF:
                value = None
            if value is not None:
                result.extend(
                    (net, value) for net in ipaddress.summarize_address_range(kind(first), kind(end - 1))
                )
    return result


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_one_flipped_byte_is_refused(data: st.DataObject) -> None:
    entries: list[Entry] = [
        (ipaddress.ip_network("192.0.2.0/28"), OTHER),
        (ipaddress.ip_network("2001:db8::/64"), REPORTED),
    ]
    good = build(entries, make_meta())
    at = data.draw(
        st.one_of(st.integers(0, HEADER.size), st.integers(0, BODY_AT + 200), st.integers(0, len(good) - 1))
    )
    bad = bytearray(good)
    bad[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SnapshotError):
        Snapshot.open(bad)


@pytest.mark.parametrize("cut", [0, 1, 7, 256, 4095, 4096, 5000, -64, -1])
def test_a_file_cut_short_is_refused(cut: int) -> None:
    with pytest.raises(SnapshotError):
        Snapshot.open(build([], make_meta())[:cut])


def test_bytes_after_the_end_are_refused() -> None:
    with pytest.raises(SnapshotFormatError, match="size of the file"):
        Snapshot.open(build([], make_meta()) + bytes(64))


def resealed(data: bytearray) -> bytearray:
    """Give damaged bytes right digests, as a faulty or hostile writer would."""
    fields = list(HEADER.unpack_from(data))
    fields[26] = hashlib.sha256(data[BODY_AT:]).digest()
    HEADER.pack_into(data, 0, *fields)
    data[HASHED_HEADER : HEADER.size] = hashlib.sha256(data[:HASHED_HEADER]).digest()
    return data


def test_right_digests_do_not_help_wrong_tables() -> None:
    """Whatever byte is changed: opened as something canonical, or refused."""
    entries: list[Entry] = [
        (ipaddress.ip_network("192.0.2.0/28"), OTHER),
        (ipaddress.ip_network("2001:db8::/64"), REPORTED),
    ]
    good = build(entries, make_meta())
    table = 4 * 65537
    places = [
        *range(8, 12),
        *range(16, 192),
        *range(BODY_AT, BODY_AT + 64),
        *range(BODY_AT + 64, BODY_AT + 64 + table, 8191),
    ]
    places += range(BODY_AT + 64 + table, len(good))
    refused = 0
    for at in places:
        bad = bytearray(good)
        bad[at] ^= 1
        try:
            snapshot = Snapshot.open(resealed(bad))
        except SnapshotError:
            refused += 1
            continue
        assert build(snapshot.networks(), snapshot.meta) == bad or at >= len(good) - 512
    assert refused > len(places) // 2


@pytest.mark.parametrize(
    ("entries", "meta", "words"),
    [
        pytest.param([("127.0.0.1", CONFIRMED)], {}, "127.0.0.1", id="127.0.0.1 is never listed"),
        pytest.param([("::ffff:127.0.0.1", CONFIRMED)], {}, "127.0.0.1", id="nor its mapped form"),
        pytest.param([("0.0.0.0/0", CONFIRMED)], {}, "127.0.0.1", id="nor by a network around it"),
        pytest.param(
            [("10.1.2.3", CONFIRMED)], {"allow_special": False}, "10.1.2.3 may not", id="private space"
        ),
        pytest.param([("9.0.0.0/7", CONFIRMED)], {"allow_special": False}, "host bits", id="host bits"),
        pytest.param(
            [("8.0.0.0/6", CONFIRMED)],
            {"allow_special": False},
            "10.0.0.0 may not",
            id="network over private space",
        ),
        pytest.param(
            [("2001:db8::/64", REPORTED)], {"allow_special": False}, "documentation", id="IPv6 documentation"
        ),
        pytest.param(
            [("4000::/64", REPORTED)],
            {"allow_special": False},
            "not global",
            id="IPv6 outside global unicast",
        ),
        pytest.param(
            [("8.8.8.8", CONFIRMED), ("8.8.8.8", REPORTED)], {}, "twice", id="one network, two values"
        ),
        pytest.param([("::/0", REPORTED), ("::/0", None)], {}, "twice", id="listed and excluded at once"),
    ],
)
def test_what_may_not_be_published_is_refused(
    entries: list[tuple[str, Value]], meta: dict[str, object], words: str
) -> None:
    with pytest.raises((SnapshotContentError, ValueError), match=re.escape(words)):
        build([(ipaddress.ip_network(text), value) for text, value in entries], make_meta(**meta))


def test_special_space_inside_a_hole_is_no_hindrance() -> None:
    entries: list[Entry] = [
        (ipaddress.ip_network("8.0.0.0/6"), OTHER),
        (ipaddress.ip_network("10.0.0.0/8"), None),
    ]
    snapshot = Snapshot.open(build(entries, make_meta(allow_special=False)))
    assert snapshot.lookup(bytes((9, 255, 255, 255))) == OTHER
    assert snapshot.lookup(bytes((10, 0, 0, 0))) is None
    assert snapshot.lookup(bytes((11, 0, 0, 0))) == OTHER


@pytest.mark.parametrize(
    ("zone", "entries", "codes"),
    [
        pytest.param("bl.example.org", [], {2}, id="an empty list has .2"),
        pytest.param("score.bl.example.org", [], {2, 3}, id="score. always has .2 and .3"),
        pytest.param("bl.example.org", [("8.8.8.8", REPORTED)], {2, 3}, id=".3 where it is used"),
        pytest.param(
            "bl.example.org", [("127.0.0.0/30", None)], {2}, id="an exclusion cannot take them away"
        ),
    ],
)
def test_test_entries_are_always_there(
    zone: str, entries: list[tuple[str, Value | None]], codes: set[int]
) -> None:
    meta = make_meta(zone=zone, allow_special=False)
    snapshot = Snapshot.open(build([(ipaddress.ip_network(text), value) for text, value in entries], meta))
    for code in (1, 2, 3):
        for prefix in (b"", bytes(10) + b"\xff\xff"):
            found = snapshot.lookup(prefix + bytes((127, 0, 0, code)))
            assert (found.code if found else None) == (code if code in codes else None)


def test_a_test_code_leaves_with_the_last_entry_that_uses_it() -> None:
    listed: list[Entry] = [(ipaddress.ip_network("8.8.8.8"), REPORTED)]
    last = Snapshot.open(build(listed, make_meta()))
    assert patch(last, [(ipaddress.ip_network("8.8.8.8"), None)], make_meta()) == build([], make_meta())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"ns": ()}, "at least one", id="no name server"),
        pytest.param({"ns": ("ns.bl.example.org",)}, "inside the zone", id="name server inside the zone"),
        pytest.param({"zone": "bl..example.org"}, "domain name", id="empty label"),
        pytest.param({"zone": "x" * 64}, "domain name", id="label of 64"),
        pytest.param({"zone": ".".join(["x" * 47] * 4)}, "too long", id="no room for nibbles"),
        pytest.param({"serial": 0}, "serial", id="serial 0"),
        pytest.param({"serial": 2**32}, "serial", id="serial beyond 32 bits"),
        pytest.param({"refresh_by": 1}, "order", id="refresh before creation"),
        pytest.param({"lookup_url": "feed.example.org/$"}, "http", id="URL without scheme"),
        pytest.param({"lookup_url": "https://feed.example.org/" + "x" * 220}, "bytes", id="URL too long"),
    ],
)
def test_meta_that_makes_no_zone_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(SnapshotContentError, match=words):
        make_meta(**changes)


def test_a_list_without_a_look_up_page_has_no_url_in_its_test_entries() -> None:
    snapshot = Snapshot.open(build([], make_meta(lookup_url="")))
    assert snapshot.meta.lookup_url == ""
    found = snapshot.lookup(bytes((127, 0, 0, 2)))
    assert found is not None
    assert found.text_for(bytes((127, 0, 0, 2))) == "Test entry: 127.0.0.2"


def test_names_have_one_form() -> None:
    meta = make_meta(zone="BL.Example.ORG.", rname="Host@Example.org", ns=("b.example.net", "A.example.net."))
    assert (meta.zone, meta.rname, meta.ns) == (
        "bl.example.org",
        "host.example.org",
        ("a.example.net", "b.example.net"),
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param({"code": 1}, "return code", id="127.0.0.1 as code"),
        pytest.param({"code": 256}, "return code", id="code beyond an octet"),
        pytest.param({"unit": 129}, "unit", id="unit beyond IPv6"),
        pytest.param({"text": ""}, "empty", id="no text"),
        pytest.param({"text": "a\nb"}, "control", id="line break"),
        pytest.param({"text": "x" * 256}, "256", id="256 bytes"),
        pytest.param({"text": "$$$$$$"}, "258", id="too long once addresses are in it"),
        pytest.param({"text": "ü" * 128}, "256", id="bytes count, not characters"),
    ],
)
def test_values_that_could_not_be_answered_are_refused(fields: dict[str, object], words: str) -> None:
    good: dict[str, object] = {"code": 2, "unit": 32, "text": "x" * 255}
    Value(**good)  # type: ignore[arg-type]
    with pytest.raises(SnapshotContentError, match=words):
        Value(**(good | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("address", "unit", "text"),
    [
        ("192.0.2.7", 32, "192.0.2.7"),
        ("192.0.2.7", 24, "192.0.2.0/24"),
        ("192.0.2.7", 0, "0.0.0.0/0"),
        ("2001:db8:0:1::25", 64, "2001:db8:0:1::/64"),
        ("2001:db8::1:0:0:1", 128, "2001:db8::1:0:0:1"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 127, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127"),
    ],
)
def test_text_names_the_address_masked_to_the_unit(address: str, unit: int, text: str) -> None:
    assert masked_text(ipaddress.ip_address(address).packed, unit) == text
    assert Value(code=2, unit=unit, text="<$>").text_for(ipaddress.ip_address(address).packed) == f"<{text}>"


def test_text_names_a_mapped_address_as_ipv4() -> None:
    assert CONFIRMED.text_for(ipaddress.ip_address("::ffff:192.0.2.7").packed).endswith("/192.0.2.7")


@NO_DEADLINE
@given(st.binary(min_size=16, max_size=16), st.integers(0, 128))
def test_no_text_is_ever_too_long(address: bytes, unit: int) -> None:
    value = Value(code=2, unit=unit, text="$" + "x" * (255 - 43))
    assert len(value.text_for(address).encode()) <= 255
    assert len(value.text_for(address[:4]).encode()) <= 255


def test_renewal_keeps_serial_and_body() -> None:
    last = Snapshot.open(build([(ipaddress.ip_network("8.8.8.8"), CONFIRMED)], make_meta()))
    renewed = Snapshot.open(
        renew(last, created_at=1_800_000_000, refresh_by=1_800_000_900, expire_at=1_800_172_800)
    )
    assert (renewed.serial, renewed.body_digest) == (last.serial, last.body_digest)
    assert renewed.meta.expire_at == 1_800_172_800
    assert renewed.data()[BODY_AT:] == last.data()[BODY_AT:]
    with pytest.raises(SnapshotContentError, match="order"):
        renew(last, created_at=2, refresh_by=1, expire_at=3)


def test_equal_lists_have_equal_digests_whatever_their_times() -> None:
    entries: list[Entry] = [(ipaddress.ip_network("8.8.8.8"), CONFIRMED)]
    first = Snapshot.open(build(entries, make_meta()))
    second = Snapshot.open(build(entries, make_meta(serial=9, created_at=9)))
    assert first.body_digest == second.body_digest


@pytest.mark.parametrize(
    ("last", "now", "serial"),
    [
        pytest.param(10, 1_700_000_000, 1_700_000_000, id="the clock"),
        pytest.param(1_700_000_000, 1_700_000_000, 1_700_000_001, id="twice in one second"),
        pytest.param(1_700_000_500, 1_700_000_000, 1_700_000_501, id="the clock went back"),
    ],
)
def test_serials_rise(last: int, now: int, serial: int) -> None:
    assert serial_after(last, now) == serial


def test_more_than_255_values_are_refused() -> None:
    entries: list[Entry] = [
        (ipaddress.ip_network((0x08080000 + at, 32)), Value(code=2, unit=32, text=f"text {at}"))
        for at in range(300)
    ]
    with pytest.raises(SnapshotContentError, match="255"):
        build(entries, make_meta())


@pytest.mark.parametrize(
    ("address", "width"),
    [
        (b"\x08\x08\x08\x08", 33),
        (b"\x08\x08\x08\x08", -1),
        (b"\x08\x08\x08\x08", 24),
        (bytes(15) + b"\1", 64),
    ],
)
def test_packed_entries_that_are_no_network_are_refused(address: bytes, width: int) -> None:
    with pytest.raises(SnapshotContentError, match="not a network"):
        build_packed([(address, width, CONFIRMED)], make_meta())


def test_packed_and_mapped_entries_are_the_same_as_networks() -> None:
    expected = build([(ipaddress.ip_network("8.8.8.0/24"), CONFIRMED)], make_meta())
    assert build_packed([(b"\x08\x08\x08\0", 24, CONFIRMED)], make_meta()) == expected
    assert build_packed([(bytes(10) + b"\xff\xff\x08\x08\x08\0", 120, CONFIRMED)], make_meta()) == expected


def test_counts_tell_coverage() -> None:
    entries: list[Entry] = [
        (ipaddress.ip_network("8.8.8.0/24"), CONFIRMED),
        (ipaddress.ip_network("2600::/63"), REPORTED),
        (ipaddress.ip_network("2600:1::1"), REPORTED),
    ]
    counts = Snapshot.open(build(entries, make_meta())).counts()
    assert counts == (3, 2, 258, 3)


def test_digest_of_another_file_is_a_checksum_error() -> None:
    data = bytearray(build([], make_meta()))
    data[-1] ^= 1
    with pytest.raises(SnapshotChecksumError):
        Snapshot.open(data)


def test_close_lets_go_of_the_buffer() -> None:
    data = bytearray(build([], make_meta()))
    snapshot = Snapshot.open(data)
    snapshot.close()
    data.append(0)  # raises BufferError while anything holds the buffer
