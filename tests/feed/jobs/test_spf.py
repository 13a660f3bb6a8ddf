"""Networks of senders from their SPF records, asked of a real DNS server on loopback."""

import datetime as dt
import pathlib
import socket
from collections.abc import Iterator

import dnslib
import dnslib.server
import pytest

from feed.domain.providers import Providers
from feed.jobs import providers, spf
from feed.jobs.spf import Ask, SpfError, networks

ZONE = """
plain.test.    60 IN TXT "v=spf1 ip4:203.0.112.0/24 ip6:2a00:1450::/40 a mx/28 ~all"
plain.test.    60 IN A   203.0.111.7
plain.test.    60 IN MX  10 mx.plain.test.
mx.plain.test. 60 IN A   203.0.110.9
mx.plain.test. 60 IN AAAA 2a00:1450:4000::9
outer.test.    60 IN TXT "v=spf1 include:inner.test -ip4:203.0.109.1 " "redirect=last.test"
inner.test.    60 IN TXT "unrelated"
inner.test.    60 IN TXT "v=spf1 ip4:198.18.0.1 ?all"
last.test.     60 IN TXT "v=spf1 ip4:203.0.108.0/24 -all"
good.test.     60 IN TXT "v=spf1 include:half.test redirect=last.test"
half.test.     60 IN TXT "v=spf1 ip4:203.0.107.0/24 -all"
all.test.      60 IN TXT "v=spf1 ip4:203.0.107.0/24 ~all redirect=last.test"
loop.test.     60 IN TXT "v=spf1 include:loop.test -all"
two.test.      60 IN TXT "v=spf1 ip4:203.0.107.0/24"
two.test.      60 IN TXT "v=spf1 -all"
wide.test.     60 IN TXT "v=spf1 ip4:64.0.0.0/6 -all"
macro.test.    60 IN TXT "v=spf1 include:%{i}._spf.test -all"
broken.test.   60 IN TXT "v=spf1 ip4:203.0.300.0/24 -all"
odd.test.      60 IN TXT "v=spf1 !!! -all"
void.test.     60 IN TXT "v=spf1 a:v1.test a:v2.test a:v3.test -all"
gone.test.     60 IN TXT "v=spf1 include:nothing.test ip4:203.0.107.0/24 -all"
hosts.test.    60 IN TXT "v=spf1 mx -all"
"""
ZONE += "".join(f"hosts.test. 60 IN MX 10 m{number}.hosts.test.\n" for number in range(11))
ZONE += "".join(
    f'deep{number}.test. 60 IN TXT "v=spf1 include:deep{number + 1}.test -all"\n' for number in range(11)
)
ZONE += 'deep11.test. 60 IN TXT "v=spf1 ip4:203.0.107.0/24 -all"\n'
LONG = " ".join(f"ip4:203.0.{number // 250}.{number % 250}" for number in range(200))
ZONE += "long.test. 60 IN TXT " + " ".join(
    f'"{part}"' for part in [f"v=spf1 {LONG} -all"[at : at + 200] for at in range(0, len(LONG) + 13, 200)]
)


class Zone(dnslib.server.BaseResolver):  # type: ignore[misc]
    """Answers from the records above."""

    def __init__(self) -> None:
        self.records = dnslib.RR.fromZone(ZONE)

    def resolve(self, request: dnslib.DNSRecord, handler: object) -> dnslib.DNSRecord:
        del handler
        reply = request.reply()
        for record in self.records:
            if record.rname == request.q.qname and record.rtype == request.q.qtype:
                reply.add_answer(record)
        if str(request.q.qname) == "servfail.test.":
            reply.header.rcode = dnslib.RCODE.SERVFAIL
        elif not reply.rr:
            reply.header.rcode = dnslib.RCODE.NXDOMAIN
        return reply


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    zone, logger = Zone(), dnslib.server.DNSLogger("-request,-reply,-truncated,-error")
    udp = dnslib.server.DNSServer(zone, address="127.0.0.1", port=0, logger=logger)
    port = udp.server.server_address[1]
    tcp = dnslib.server.DNSServer(zone, address="127.0.0.1", port=port, tcp=True, logger=logger)
    for server in (udp, tcp):
        server.start_thread()
    yield spf.resolver("127.0.0.1", port)
    for server in (udp, tcp):
        server.stop()
        server.server.server_close()


def test_all_ways_to_name_a_network(ask: Ask) -> None:
    assert [str(one) for one in networks("plain.test", ask)] == [
        "203.0.110.0/28", "203.0.111.7/32", "203.0.112.0/24", "2a00:1450::/40", "2a00:1450:4000::9/128",
    ]  # fmt: skip


def test_includes_and_redirect_are_followed_and_all_ends_a_record(ask: Ask) -> None:
    assert [str(one) for one in networks("good.test", ask)] == ["203.0.107.0/24", "203.0.108.0/24"]
    assert [str(one) for one in networks("all.test", ask)] == ["203.0.107.0/24"]


def test_answer_too_long_for_a_datagram_is_asked_by_tcp(ask: Ask) -> None:
    assert len(networks("long.test", ask)) == 200


@pytest.mark.parametrize(
    ("domain", "words"),
    [
        ("outer.test", "benchmarking"),
        ("loop.test", "include each other"),
        ("two.test", "2 SPF records"),
        ("nothing.test", "0 SPF records"),
        ("gone.test", "0 SPF records"),
        ("wide.test", "too wide"),
        ("macro.test", "without a mail"),
        ("broken.test", "names no network"),
        ("odd.test", "a term that is none"),
        ("void.test", "found nothing"),
        ("hosts.test", "more than 10 mail hosts"),
        ("deep0.test", "more than 10 terms"),
        ("servfail.test", "SERVFAIL"),
        ("a" * 70 + ".test", "cannot be looked up"),
    ],
)
def test_record_that_cannot_be_used_is_refused_in_words(ask: Ask, domain: str, words: str) -> None:
    with pytest.raises(SpfError, match=words):
        networks(domain, ask)


def test_ten_lookups_are_allowed(ask: Ask) -> None:
    assert [str(one) for one in networks("deep1.test", ask)] == ["203.0.107.0/24"]


def test_silent_resolver_is_an_error_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spf, "_WAIT_S", 0.05)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        with pytest.raises(SpfError, match="does not answer"):
            networks("plain.test", spf.resolver("127.0.0.1", silent.getsockname()[1]))


OLD = f"""# date: 2026-11-01
# written by an operator
203.0.106.0/24 By Hand
203.0.107.0/24 Half
{providers.MARK}
# spf: half.test Half
# spf: servfail.test Broken
203.0.105.0/24 Half
203.0.104.0/24 Broken
203.0.103.0/24 Not Asked
"""


def test_refresh_replaces_what_was_asked_and_keeps_the_rest(ask: Ask, tmp_path: pathlib.Path) -> None:
    done = providers.refresh(OLD, ask, today=dt.date(2026, 11, 25))
    assert [name for name, _ in done.failed] == ["Broken"]
    lines = [line for line in done.text.splitlines() if not line.startswith("#")]
    assert lines == [
        "203.0.106.0/24 By Hand", "203.0.107.0/24 Half", "203.0.104.0/24 Broken", "203.0.103.0/24 Not Asked",
    ]  # fmt: skip
    parsed = Providers.parse(done.text)
    assert parsed.date == dt.date(2026, 11, 25)
    assert (
        providers.refresh(done.text, ask, today=dt.date(2026, 11, 25)).text.splitlines()[0:3]
        == (done.text.splitlines()[0:3])
    )
    path = tmp_path / "providers.txt"
    providers.write(path, done.text)
    assert path.read_text(encoding="utf-8") == done.text
    assert [one.name for one in tmp_path.iterdir()] == ["providers.txt"]


def test_refresh_that_reaches_nobody_changes_nothing(ask: Ask) -> None:
    with pytest.raises(SpfError, match="no sender could be asked"):
        providers.refresh("# date: 2026-11-01\n# spf: servfail.test X\n", ask, today=dt.date(2026, 11, 25))
