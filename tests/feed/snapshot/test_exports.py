"""Feed files say what the snapshot says: read back by us, and answered by other makers' servers."""

import ipaddress
import json
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feed.jobs.feeds import write_all
from feed.snapshot import exports
from feed.snapshot.delta import changes
from feed.snapshot.exports import FORMATS
from feed.snapshot.format import Meta, Value
from feed.snapshot.rbldnsd_files import PassedOver, RbldnsdError, read
from feed.snapshot.reader import Range, Snapshot
from feed.snapshot.static import owners
from feed.snapshot.writer import build, build_packed

NOW = 1_800_000_000
META = Meta(
    zone="bl.example.org", serial=NOW, created_at=NOW, refresh_by=NOW + 900, expire_at=NOW + 172_800,
    mname="ns1.example.net", rname="hostmaster@example.net", ns=("ns1.example.net", "ns2.example.net"),
    lookup_url="https://feed.example.org/lookup/$", allow_special=True,
)  # fmt: skip
TEXT = 'Listed "so", see https://feed.example.org/lookup/$; café'
LISTED = (
    "192.0.2.7", "192.0.2.8", "198.51.100.0/24", "!198.51.100.77", "45.0.0.0/20", "!45.0.3.0/24",
    "45.0.3.9", "2.0.0.0/23", "!2.0.1.128/25", "203.0.113.128/25", "2001:db8::1", "2001:db8:1:2::/64",
    "!2001:db8:1:2::5", "2600:1:4::/46", "9.8.0.0/14", "!9.9.9.9",
)  # fmt: skip


def value(code: int, unit: int, text: str = TEXT) -> Value:
    return Value(code=code, unit=unit, text=text)


def snapshot_of(listed: Sequence[str] = LISTED, *, code: int = 2) -> Snapshot:
    entries = []
    for line in listed:
        network = ipaddress.ip_network(line.removeprefix("!"))
        one = None if line.startswith("!") else value(code + len(line) % 2, network.prefixlen)
        entries.append((network, one))
    return Snapshot.open(build(entries, META))


def masked(number: int, width: int, bits: int) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    kind = ipaddress.IPv4Network if bits == 32 else ipaddress.IPv6Network
    return kind((number >> (bits - width) << (bits - width), width))


NETWORKS = st.one_of(
    st.tuples(st.sampled_from([16, 20, 23, 24, 25, 28, 31, 32]), st.integers(0, 4095)).map(
        lambda pair: ipaddress.ip_network(
            ((0x02000000 + (pair[1] << 4)) >> (32 - pair[0]) << (32 - pair[0]), pair[0])
        )
    ),
    st.tuples(st.sampled_from([46, 48, 63, 64, 126, 128]), st.integers(0, 255)).map(
        lambda pair: masked((0x2001 << 112) + (pair[1] << 62) + pair[1], pair[0], 128)
    ),
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(NETWORKS, st.sampled_from([None, 2, 3]), max_size=8), st.randoms())
def test_names_of_a_static_zone_mean_what_the_list_means(
    listed: dict[ipaddress.IPv4Network | ipaddress.IPv6Network, int | None], rnd: random.Random
) -> None:
    snapshot = Snapshot.open(
        build(
            ((net, value(code, net.prefixlen, "at $") if code else None) for net, code in listed.items()),
            META,
        )
    )
    zone: dict[str, Value] = {}
    for run in snapshot.ranges():
        for owner in owners(run):
            assert owner.name not in zone, "one name, twice"
            zone[owner.name] = owner.value
    parents = {name[at + 1 :] for name in zone for at, char in enumerate(name) if char == "."}
    for network in listed:
        for _ in range(6):
            at = int(network.network_address) + rnd.randrange(-1, network.num_addresses + 1)
            packed = max(0, at).to_bytes(network.max_prefixlen // 8)
            found = snapshot.lookup(packed)
            assert (found and found.code) == _answer(zone, parents, packed), packed.hex()


def _answer(zone: dict[str, Value], parents: set[str], packed: bytes) -> int | None:
    """Return what a name server answers from the names (RFC 4592): the closest encloser's wildcard."""
    labels = [str(octet) for octet in packed] if len(packed) == 4 else list(packed.hex())
    name = ".".join(reversed(labels))
    if name in zone:
        return zone[name].code
    if name in parents:
        return None
    while "." in name:
        name = name.partition(".")[2]
        if "*." + name in zone:
            return zone["*." + name].code
        if name in parents:
            return None
    return None


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(NETWORKS, st.sampled_from([None, 2, 3, 4]), max_size=10),
    st.dictionaries(NETWORKS, st.sampled_from([None, 2, 3, 5]), max_size=10),
)
def test_changes_are_the_difference_of_the_ranges(
    before: dict[ipaddress.IPv4Network | ipaddress.IPv6Network, int | None],
    after: dict[ipaddress.IPv4Network | ipaddress.IPv6Network, int | None],
) -> None:
    old, new = (
        Snapshot.open(build(((net, value(code, 32) if code else None) for net, code in listed.items()), META))
        for listed in (before, {**before, **after})
    )
    found = list(changes(old, new))
    removed: list[Range] = [change.range for change in found if not change.added]
    added: list[Range] = [change.range for change in found if change.added]
    assert sorted(removed) == sorted(set(old.ranges()) - set(new.ranges()))
    assert sorted(added) == sorted(set(new.ranges()) - set(old.ranges()))
    assert not list(changes(new, new))


def test_files_are_the_same_however_the_list_was_made(tmp_path: Path) -> None:
    first, second = snapshot_of(LISTED), snapshot_of(LISTED[::-1])
    one, two = write_all(tmp_path / "1", first), write_all(tmp_path / "2", second)
    assert {name: path.read_bytes() for name, path in one.items()} == {
        name: path.read_bytes() for name, path in two.items()
    }
    assert set(one) == set(FORMATS)
    assert not list((tmp_path / "1").glob(".*"))


def test_plain_csv_and_jsonl_hold_every_network() -> None:
    snapshot = snapshot_of()
    expected = [
        (str(net) if net.prefixlen < net.max_prefixlen else str(net[0]), each.code)
        for net, each in snapshot.networks()
        if not str(net).startswith("127.")
    ]
    lines = [*exports.plain(snapshot, 4), *exports.plain(snapshot, 6)]
    assert [line for line in lines if not line.startswith("#")] == [name for name, _ in expected]
    rows = [json.loads(line) for line in exports.jsonl(snapshot)]
    assert [(row["network"], row["code"]) for row in rows[:-1]] == expected
    assert rows[-1]["records"] == len(expected)
    assert rows[-1]["serial"] == NOW
    assert len(list(exports.csv_lines(snapshot))) == len(expected) + 1


@pytest.mark.parametrize(
    ("kind", "lines", "listed", "unlisted"),
    [
        pytest.param("rbldnsd-ip4set", ["127.16"], ["127.16.0.0"], ["127.17.0.0"], id="prefix"),
        pytest.param("rbldnsd-ip4set", ["45.16-31"], ["45.31.255.255"], ["45.32.0.0"], id="suffix"),
        pytest.param(
            "rbldnsd-ip4set", ["45.16.0-31"], ["45.16.31.255"], ["45.16.32.0", "45.17.0.0"], id="third octet"
        ),
        pytest.param(
            "rbldnsd-ip4set", ["45.0.0.250-45.0.1.3"], ["45.0.1.3"], ["45.0.1.4"],
            id="range",
        ),
        pytest.param("rbldnsd-ip4set", ["45.0.0.1-255 ;"], ["45.0.0.255"], ["45.0.0.0"], id="last octet"),
        pytest.param("rbldnsd-ip4set", ["45/9", "!45.1"], ["45.0.0.0"], ["45.1.2.3"], id="hole"),
        pytest.param("rbldnsd-ip4trie", ["45.1.2/23", "!45.1.2.4"], ["45.1.3.9"], ["45.1.2.4"], id="trie"),
        pytest.param("rbldnsd-ip6trie", ["dead::/16", "!dead::beef"], ["dead::"], ["dead::beef"], id="v6"),
        pytest.param("rbldnsd-ip6trie", ["2600:1:2:3"], ["2600:1:2:3::9"], ["2600:1:2:4::"], id="v6 words"),
    ],
)  # fmt: skip
def test_rbldnsd_spellings(kind: str, lines: list[str], listed: list[str], unlisted: list[str]) -> None:
    snapshot = Snapshot.open(build_packed(read(lines, kind, fallback="no text"), META))
    assert [text for text in listed if not snapshot.lookup_address(ipaddress.ip_address(text))] == []
    assert [text for text in unlisted if snapshot.lookup_address(ipaddress.ip_address(text))] == []


def test_rbldnsd_values_and_directives() -> None:
    lines = [
        "$SOA 0 a. b. 0 1h 1h 2d 1h", "#$NS 1d ns0.example.org", "$1 example.com", "; words", "",
        "45.0.0.1", ":3:Open relay $, ask $1", "45.0.0.2", "45.0.0.3 own text $", "45.0.0.4 :127.0.0.9:",
        "45.0.0.5 :4:four", "$= base ($=)", "45.0.0.6 six",
    ]  # fmt: skip
    passed = PassedOver()
    entries = list(read(lines, "rbldnsd-ip4trie", fallback="no text", passed_over=passed))
    got = [(each.code, each.text_for(address)) for address, _, each in entries if each]
    assert got == [
        (2, "no text"), (3, "Open relay 45.0.0.2, ask example.com"), (3, "own text 45.0.0.3"),
        (9, "no text"), (4, "four"), (3, "base (six)"),
    ]  # fmt: skip
    assert passed.lines == {"$SOA": 1, "$NS": 2}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("45.0.0.256", "not an IPv4"), ("45.0.0.1/8", "host bits"), ("45.0.0.9-45.0.0.1", "before it begins"),
        ("45.0.0.1 :10.0.0.1:x", "not an A record"), ("$BAD x", "no directive"),
        ("45.0.0.1 :2:$$5", "dollar"),
        ("45.0.0.1 :1:x", "return code"), ("x" * 300, "not an IPv4"),
        ("45.0.0.1 " + "x" * 300, "more than 255"),
    ],
)  # fmt: skip
def test_bad_lines_are_named(line: str, words: str) -> None:
    with pytest.raises(RbldnsdError, match=words) as raised:
        list(read(["# words", line], "rbldnsd-ip4set", fallback="no text"))
    assert str(raised.value).startswith("line 2: ")


# Other makers' servers -----------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that programs may read which give up being root."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def served() -> Iterator[Callable[[list[str], Path], None]]:
    """Start programs that are ended after the test."""
    running: list[subprocess.Popen[bytes]] = []

    def starter(command: list[str], folder: Path) -> None:
        path = shutil.which(command[0], path="/usr/sbin:/sbin:/usr/bin")
        if path is None:
            pytest.skip(f"needs the program {command[0]}")
        with (folder / "said").open("ab") as said:
            running.append(
                subprocess.Popen([path, *command[1:]], cwd=folder, stdout=said, stderr=subprocess.STDOUT)
            )

    yield starter
    for one in running:
        one.terminate()
        try:
            one.wait(10)
        except subprocess.TimeoutExpired:
            one.kill()
            one.wait(5)


def ask(port: int, name: str, kind: str) -> dns.message.Message:
    query = dns.message.make_query(f"{name}.bl.example.org", kind)
    return dns.query.udp(query, "127.0.0.1", port=port, timeout=5, ignore_unexpected=True)


def wait_for(port: int, folder: Path) -> None:
    until = time.monotonic() + 15
    while time.monotonic() < until:
        try:
            if ask(port, "2.0.0.127", "A").answer:
                return
        except (dns.exception.Timeout, OSError):
            pass
        time.sleep(0.05)
    raise AssertionError((folder / "said").read_text())


def samples(snapshot: Snapshot, count: int) -> list[bytes]:
    rnd = random.Random(11)
    runs = list(snapshot.ranges())
    found = []
    for _ in range(count):
        run = rnd.choice(runs)
        size = 4 if run.version == 4 else 16
        at = rnd.choice([run.first, run.last, run.first - 1, run.last + 1, rnd.randint(run.first, run.last)])
        found.append(min(max(at, 0), (1 << (8 * size)) - 1).to_bytes(size))
    return found


def same(snapshot: Snapshot, port: int, packed: bytes, *, mapped: bool = True) -> None:
    labels = [str(octet) for octet in packed] if len(packed) == 4 else list(packed.hex())
    if not mapped and packed.startswith(bytes(10) + b"\xff\xff"):
        return
    expected = snapshot.lookup(packed)
    name = ".".join(reversed(labels))
    a, txt = ask(port, name, "A"), ask(port, name, "TXT")
    assert [str(each) for rrset in a.answer for each in rrset] == (
        [f"127.0.0.{expected.code}"] if expected else []
    ), name
    texts = [each.strings[0].decode() for rrset in txt.answer for each in rrset]
    assert texts == ([expected.text_for(packed)] if expected else []), name
    if not all(len(label) == 1 for label in labels):
        assert a.rcode() == (0 if expected else 3), name


@pytest.mark.e2e
def test_rbldnsd_answers_the_same(folder: Path, served: Callable[[list[str], Path], None]) -> None:
    snapshot = snapshot_of()
    paths = write_all(folder, snapshot)
    port = free_port()
    v4, v6 = paths["rbldnsd-ip4trie"].name, paths["rbldnsd-ip6trie"].name
    served(
        ["rbldnsd", "-n", "-b", f"127.0.0.1/{port}", "-w", str(folder),
         f"bl.example.org:ip4trie:{v4}", f"bl.example.org:ip6trie:{v6}"], folder,
    )  # fmt: skip
    wait_for(port, folder)
    for packed in samples(snapshot, 1500):
        same(snapshot, port, packed)


@pytest.mark.e2e
@pytest.mark.parametrize("program", ["nsd", "named"])
def test_the_zone_file_is_answered_the_same(
    tmp_path: Path, served: Callable[[list[str], Path], None], program: str
) -> None:
    snapshot = snapshot_of()
    zone = write_all(tmp_path, snapshot)["bind"]
    port = free_port()
    if program == "nsd":
        (tmp_path / "nsd.conf").write_text(
            f'server:\n ip-address: 127.0.0.1@{port}\n username: ""\n chroot: ""\n zonesdir: "{tmp_path}"\n'
            f' pidfile: "{tmp_path}/pid"\n xfrdfile: "{tmp_path}/xfrd"\n zonelistfile: "{tmp_path}/zones"\n'
            f' xfrdir: "{tmp_path}"\n database: ""\n rrl-ratelimit: 0\nremote-control:\n control-enable: no\n'
            f'zone:\n name: "bl.example.org"\n zonefile: "{zone.name}"\n'
        )
        served(["nsd", "-d", "-c", str(tmp_path / "nsd.conf")], tmp_path)
    else:
        (tmp_path / "named.conf").write_text(
            f'options {{ directory "{tmp_path}"; listen-on port {port} {{ 127.0.0.1; }};'
            f' listen-on-v6 {{ none; }}; recursion no; pid-file "{tmp_path}/pid"; session-keyfile none;'
            " minimal-responses yes; dnssec-validation no; };\ncontrols { };\n"
            f'zone "bl.example.org" {{ type primary; file "{zone}"; }};\n'
        )
        served(["named", "-g", "-n", "1", "-c", str(tmp_path / "named.conf")], tmp_path)
    wait_for(port, tmp_path)
    for packed in samples(snapshot, 1500):
        same(snapshot, port, packed)


@pytest.mark.e2e
@pytest.mark.parametrize("kind", ["ip4set", "ip4trie", "ip6trie"])
def test_data_files_are_read_as_rbldnsd_reads_them(
    folder: Path, served: Callable[[list[str], Path], None], kind: str
) -> None:
    rnd = random.Random(kind)
    lines = [":127.0.0.2:Listed, see $"] + [_line(rnd, kind) for _ in range(120)]
    test = "::ffff:7f00:2" if kind == "ip6trie" else "127.0.0.2"
    (folder / "data").write_text(
        "$SOA 0 example.org. h.example.com. 0 1h 1h 2d 1h\n$NS 1d ns0.example.org\n"
        + "\n".join(lines) + f"\n{test} :127.0.0.2:Test\n"
    )  # fmt: skip
    port = free_port()
    served(
        ["rbldnsd", "-n", "-b", f"127.0.0.1/{port}", "-w", str(folder), f"bl.example.org:{kind}:data"],
        folder,
    )
    snapshot = Snapshot.open(build_packed(read(lines, "rbldnsd-" + kind, fallback="none"), META))
    if kind == "ip6trie":
        time.sleep(0.5)
    else:
        wait_for(port, folder)
    checked = 0
    for packed in samples(snapshot, 1500):
        if packed[:3] != b"\x7f\0\0":
            same(snapshot, port, packed)
            checked += 1
    assert checked > 1000


def _line(rnd: random.Random, kind: str) -> str:
    mark = rnd.choice(["", "", "!"])
    if kind == "ip6trie":
        width = rnd.choice([36, 48, 50, 64, 128])
        number = (
            ((0x2600 << 112) + (rnd.randrange(64) << 62) + rnd.randrange(4)) >> (128 - width) << (128 - width)
        )
        entry = f"{ipaddress.IPv6Address(number)}/{width}"
    elif kind == "ip4trie":
        width = rnd.choice([14, 16, 22, 24, 27, 30, 32])
        entry = str(masked((45 << 24) + rnd.randrange(1 << 14), width, 32))
    else:
        a, b = rnd.randrange(16), rnd.randrange(256)
        entry = rnd.choice(
            [f"45.0.{a}", f"45.0.{a}.{b}", f"45.0.{a}.{b // 2}-{128 + b // 2}", f"45.0.{a}.0-45.0.{a + 2}.9",
             f"45.{a}.0-7", f"45.0.{a}.{b // 8 * 8}/29", f"45.0.{a * 4}/22"]
        )  # fmt: skip
    return f"{mark}{entry}"


def test_a_delta_leads_from_one_list_to_the_next() -> None:
    old = snapshot_of(LISTED[:9])
    new = snapshot_of((*LISTED[3:], "45.9.9.9"))
    have = {row["network"]: row["code"] for row in map(json.loads, list(exports.jsonl(old))[:-1])}
    *rows, last = map(json.loads, exports.delta(old, new))
    for row in rows:
        if row["change"] == "left":
            del have[row["network"]]
        else:
            have[row["network"]] = row["code"]
    assert have == {row["network"]: row["code"] for row in map(json.loads, list(exports.jsonl(new))[:-1])}
    assert last["records"] == len(rows)


@pytest.mark.parametrize(
    ("listed", "asked"),
    [
        pytest.param(["2.0.0.0/24", "2001:db8::1"], "2.0.0.1", id="an IPv6 name hides no IPv4 wildcard"),
        pytest.param(["2000::/12"], "2.0.0.77", id="an IPv6 wildcard lists no IPv4 address"),
        pytest.param(["2.0.0.0/8"], "2001:db8::1", id="an IPv4 wildcard lists no IPv6 address"),
        pytest.param(["2000::/10"], "2001:db8::1", id="a wide IPv6 network"),
        pytest.param(["2.0.0.0/8"], "2.77.1.1", id="a wide IPv4 network"),
    ],
)
def test_names_of_one_family_are_not_those_of_the_other(listed: list[str], asked: str) -> None:
    snapshot = snapshot_of(listed)
    zone = {owner.name: owner.value for run in snapshot.ranges() for owner in owners(run)}
    parents = {name[at + 1 :] for name in zone for at, char in enumerate(name) if char == "."}
    address = ipaddress.ip_address(asked)
    found = snapshot.lookup_address(address)
    assert (found and found.code) == _answer(zone, parents, address.packed)
