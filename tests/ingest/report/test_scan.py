"""Scanning logs of many days: genuine bounces and backscatter are told apart, or nothing is said."""

import collections
import datetime as dt
import gzip
import os
import pathlib

import pytest

from ingest.report.assemble import Assembler
from ingest.report.classify import Kind, Known, classify
from ingest.report.events import Came, Ended, Told
from ingest.report.facts import Facts
from ingest.report.index import Index, Judged
from ingest.report.keys import Keys
from ingest.report.networks import Peers, network
from ingest.report.scan import cover_days, scan
from ingest.report.settings import Settings
from tests.ingest.report.mail_logs import NOW, PostfixLog, long_log

SETTINGS = Settings(domains=frozenset({"own.example"}), complete=True)
KEYS = Keys(b"k" * 32)
DAY = dt.timedelta(days=1)


def written(path: pathlib.Path, data: bytes, *, at: dt.datetime = NOW) -> str:
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    os.utime(path, (at.timestamp(), at.timestamp()))
    return str(path)


def scanned(
    paths: list[str], *, settings: Settings = SETTINGS, index: Index | None = None, now: dt.datetime = NOW
) -> list[Judged]:
    index = index or Index(None)
    complaints: list[str] = []
    scan(paths, index, KEYS, settings, zone=dt.UTC, now=now, complain=complaints.append)
    assert complaints == []
    return index.judged(since=0, until=2**40)


def kinds(found: list[Judged]) -> dict[str, int]:
    return dict(collections.Counter(one.kind for one in found))


@pytest.mark.parametrize("seed", range(4))
def test_backscatter_is_found_and_no_genuine_bounce_is_called_a_miss(
    seed: int, tmp_path: pathlib.Path
) -> None:
    week = long_log(seed)
    found = scanned([written(tmp_path / "mail.log", week.log)])
    reported = [one for one in found if one.kind in {"log_miss", "no_such_user"}]
    assert kinds(found)["genuine"] == week.genuine
    assert len(reported) >= 0.99 * (week.backscatter + week.refused)
    assert not [one for one in reported if one.address.startswith("198.51.100.")]


def test_without_the_original_in_the_log_nothing_is_called_a_miss(tmp_path: pathlib.Path) -> None:
    log = PostfixLog()
    log.quiet(NOW - 12 * DAY, NOW)
    log.sent(NOW - 11 * DAY, sender="u@own.example", recipient="a@b.example", message_id="m@own.example")
    log.bounced(NOW - DAY, client="192.0.2.1", recipient="u@own.example", own_id="x@e.example")
    found = scanned([written(tmp_path / "mail.log", log.text())])
    assert [(one.kind, one.reason) for one in found] == [("unknown", "original_not_in_log")]


@pytest.mark.parametrize(
    ("change", "kind", "reason"),
    [
        pytest.param({}, "log_miss", "original_never_sent", id="original shown, complete log"),
        pytest.param(
            {"original_sender": "u@elsewhere.example"},
            "unknown",
            "original_domain_differs",
            id="returned mail of another domain, a forwarder passed it on",
        ),
        pytest.param(
            {"original_sender": None}, "unknown", "original_domain_differs", id="returned sender not shown"
        ),
        pytest.param(
            {"original": "sent@own.example"}, "genuine", "original_sent", id="the original left here"
        ),
        pytest.param(
            {"client": "198.51.100.1"},
            "unknown",
            "wrote_to_that_server",
            id="another original, from a server that the recipient wrote to",
        ),
        pytest.param(
            {"name": "out.there.example", "client": "192.0.2.7"},
            "unknown",
            "wrote_to_that_server",
            id="another original, from the domain that the recipient wrote to",
        ),
        pytest.param(
            {"original": None, "client": "198.51.100.1"},
            "genuine",
            "answers_server_written_to",
            id="no original shown, from a server written to",
        ),
        pytest.param(
            {"recipient": "u@foreign.example"}, "unknown", "not_our_domain", id="recipient in no own domain"
        ),
        pytest.param(
            {"recipient": "prvs=0123abcdef=u@own.example", "original": None},
            "log_miss",
            "signed_sender_never_used",
            id="a signed sender that was never used",
        ),
        pytest.param(
            {"recipient": "prvs=3333abcdef=u@own.example", "original": None},
            "genuine",
            "unique_sender_used",
            id="a signed sender that was used",
        ),
    ],
)
def test_class_of_an_accepted_mail(
    change: dict[str, str | None], kind: str, reason: str, tmp_path: pathlib.Path
) -> None:
    log = PostfixLog()
    log.quiet(NOW - 12 * DAY, NOW)
    log.sent(
        NOW - 3 * DAY, sender="u@own.example", recipient="a@there.example", message_id="sent@own.example"
    )
    log.sent(
        NOW - 3 * DAY,
        sender="prvs=3333abcdef=u@own.example",
        recipient="a@signed.example",
        message_id="signed@own.example",
        relay="198.51.100.99",
    )
    bounce: dict[str, str | None] = {
        "client": "192.0.2.1",
        "recipient": "u@own.example",
        "own_id": "x@e.example",
        "original": "forged@own.example",
        "original_sender": "u@own.example",
    }
    log.bounced(NOW - DAY, **(bounce | change))  # type: ignore[arg-type]
    found = scanned([written(tmp_path / "mail.log", log.text())])
    assert [(one.kind, one.reason) for one in found] == [(kind, reason)]


def test_an_answer_to_our_mail_is_genuine_even_where_the_log_does_not_show_whom_it_came_to() -> None:
    facts = Facts(refused=False, originals=("aa",), own_domain=False)
    assert classify(facts, Known(original_sent=True)) == (Kind.GENUINE, "original_sent")
    assert classify(facts, Known()) == (Kind.UNKNOWN, "not_our_domain")


def test_answers_by_server_are_no_more_than_the_mails_written_to_it(tmp_path: pathlib.Path) -> None:
    log = PostfixLog()
    log.quiet(NOW - 12 * DAY, NOW)
    log.sent(NOW - 3 * DAY, sender="u@own.example", recipient="a@there.example", message_id="m@own.example")
    for number in range(5):
        log.bounced(
            NOW - DAY, client="198.51.100.1", recipient="u@own.example", own_id=f"x{number}@there.example"
        )
    assert kinds(scanned([written(tmp_path / "mail.log", log.text())])) == {"genuine": 1, "unknown": 4}


@pytest.mark.parametrize(
    ("days", "complete", "kind"),
    [
        pytest.param(12, True, "log_miss", id="twelve days, declared complete"),
        pytest.param(12, False, "unknown", id="not declared complete"),
        pytest.param(8, True, "unknown", id="seven days before the mail"),
    ],
)
def test_a_miss_needs_a_complete_log(days: int, complete: bool, kind: str, tmp_path: pathlib.Path) -> None:
    log = PostfixLog()
    log.quiet(NOW - days * DAY, NOW)
    log.sent(
        NOW - (days - 1) * DAY, sender="v@own.example", recipient="a@b.example", message_id="m@own.example"
    )
    log.bounced(
        NOW - DAY,
        client="192.0.2.1",
        recipient="u@own.example",
        own_id="x@e.example",
        original="forged@own.example",
        original_sender="u@own.example",
    )
    settings = Settings(domains=frozenset({"own.example"}), complete=complete)
    assert kinds(scanned([written(tmp_path / "mail.log", log.text())], settings=settings)) == {kind: 1}


def test_a_missing_daily_file_ends_the_look_back(tmp_path: pathlib.Path) -> None:
    paths = []
    for day in (*range(12, 5, -1), *range(4, 0, -1)):  # the file of the sixth day back is missing
        log = PostfixLog(number=day * 1000)
        log.quiet(NOW - day * DAY, NOW - (day - 1) * DAY)
        log.sent(
            NOW - day * DAY, sender="v@own.example", recipient="a@b.example", message_id=f"{day}@own.example"
        )
        if day == 1:
            log.bounced(
                NOW - DAY / 2,
                client="192.0.2.1",
                recipient="u@own.example",
                own_id="x@e.example",
                original="forged@own.example",
                original_sender="u@own.example",
            )
        paths.append(written(tmp_path / f"mail.log.{day}.gz", log.text(), at=NOW - (day - 1) * DAY))
    found = scanned(paths)
    assert [(one.kind, one.reason, one.lookback_days) for one in found] == [("unknown", "log_too_short", 3)]


def test_an_address_that_sends_without_a_mailbox_is_not_a_no_such_user(tmp_path: pathlib.Path) -> None:
    log = PostfixLog()
    log.quiet(NOW - 12 * DAY, NOW)
    log.sent(
        NOW - 2 * DAY, sender="NoReply+x7@own.example", recipient="a@b.example", message_id="m@own.example"
    )
    log.refused(NOW - DAY, client="192.0.2.1", recipient="noreply@own.example")
    log.refused(NOW - DAY, client="192.0.2.1", recipient="nobody@own.example")
    found = scanned([written(tmp_path / "mail.log", log.text())])
    assert sorted(one.reason for one in found) == ["never_a_sender", "sends_without_mailbox"]


def test_a_known_forwarder_and_own_networks_are_never_reported(tmp_path: pathlib.Path) -> None:
    log = PostfixLog()
    log.quiet(NOW - 12 * DAY, NOW)
    log.sent(NOW - 9 * DAY, sender="v@own.example", recipient="a@b.example", message_id="m@own.example")
    for number, client in enumerate(("192.0.2.1", "203.0.113.50", "10.1.2.3")):
        log.bounced(
            NOW - DAY,
            client=client,
            recipient="u@own.example",
            own_id=f"x{number}@e.example",
            original="forged@own.example",
            original_sender="u@own.example",
        )
    settings = Settings(
        domains=frozenset({"own.example"}),
        complete=True,
        forwarders=(network("192.0.2.0/24"),),
        own_networks=(network("203.0.113.0/24"),),
    )
    found = scanned([written(tmp_path / "mail.log", log.text())], settings=settings)
    assert [(one.address, one.reason) for one in found] == [("192.0.2.1", "from_forwarder")]


def test_the_original_may_stand_in_the_log_of_another_host_read_later(tmp_path: pathlib.Path) -> None:
    inbound, outbound = PostfixLog(host="mx1"), PostfixLog(host="out1")
    inbound.quiet(NOW - 12 * DAY, NOW)
    outbound.quiet(NOW - 12 * DAY, NOW)
    outbound.sent(NOW - 3 * DAY, sender="u@own.example", recipient="a@b.example", message_id="m@own.example")
    inbound.bounced(
        NOW - DAY,
        client="192.0.2.1",
        recipient="u@own.example",
        own_id="x@e.example",
        original="m@own.example",
        original_sender="u@own.example",
    )
    paths = [
        written(tmp_path / "mx1.log", inbound.text()),
        written(tmp_path / "out1.log", outbound.text()),
    ]
    assert kinds(scanned(paths)) == {"genuine": 1}
    lines: list[bytes] = (inbound.text() + outbound.text()).splitlines(keepends=True)
    lines.sort(key=lambda line: line[:15])
    mixed = b"".join(lines)
    assert kinds(scanned([written(tmp_path / "mixed.log", mixed)])) == {"genuine": 1}


def test_scanning_again_or_after_rotation_counts_nothing_twice(tmp_path: pathlib.Path) -> None:
    week = long_log(9)
    index = Index(None)
    cut = week.log.index(b"\n", len(week.log) // 2) + 1
    path = tmp_path / "mail.log"
    first = scanned([written(path, week.log[: cut + 20])], index=index)  # the last line is being written
    path.rename(tmp_path / "mail.log.1")
    rotated = written(tmp_path / "mail.log.1", week.log[: cut + 20] + week.log[cut + 20 :])
    second = scanned([rotated], index=index)
    observations = index.observations(first_day=0)
    again = scanned([written(tmp_path / "mail.log.2.gz", week.log)], index=index)
    assert len(first) < len(second)
    assert again == second == scanned([rotated])
    assert index.observations(first_day=0) == observations
    assert sum(genuine for *_, genuine in observations) == week.genuine


def test_a_log_without_years_may_cross_new_year(tmp_path: pathlib.Path) -> None:
    now = dt.datetime(2027, 1, 3, 12, tzinfo=dt.UTC)
    log = PostfixLog()
    log.entries = []
    log.quiet(now - 12 * DAY, now)
    log.sent(now - 11 * DAY, sender="u@own.example", recipient="a@b.example", message_id="m@own.example")
    log.bounced(
        now - DAY, client="192.0.2.1", recipient="u@own.example", own_id="x@e.example",
        original="forged@own.example", original_sender="u@own.example",
    )  # fmt: skip
    found = scanned([written(tmp_path / "mail.log", log.text(), at=now)], now=now)
    assert [(one.kind, one.lookback_days) for one in found] == [("log_miss", 11)]
    assert dt.datetime.fromtimestamp(found[0].at, dt.UTC) == now - DAY


@pytest.mark.parametrize(
    ("stretches", "hosts", "days"),
    [
        pytest.param([("a", 0, 10, True)], (), 9, id="one host"),
        pytest.param([("a", 0, 10, True), ("b", 7, 10, True)], (), 2, id="the shortest of those that send"),
        pytest.param(
            [("a", 0, 10, True), ("b", 7, 10, False)], (), 9, id="a host that never sends is not needed"
        ),
        pytest.param([("a", 0, 10, True), ("b", 7, 10, False)], ("b",), 2, id="hosts that were named"),
        pytest.param([("a", 0, 10, True)], ("a", "b"), 0, id="a named host without a log"),
        pytest.param(
            [("a", 0, 10, True), ("a/filter", 7, 10, True)], (), 9, id="the filter's log may be younger"
        ),
        pytest.param([("a/filter", 4, 10, True)], (), 5, id="only a filter's log"),
        pytest.param([("a", 0, 5, True), ("b", 0, 10, True)], (), 0, id="a sending host went silent"),
        pytest.param([], (), 0, id="nothing"),
    ],
)
def test_look_back(stretches: list[tuple[str, int, int, bool]], hosts: tuple[str, ...], days: int) -> None:
    in_days = [(host, start * 86_400, end * 86_400, sends) for host, start, end, sends in stretches]
    assert cover_days(in_days, at=9 * 86_400, hosts=frozenset(hosts)) == days


def test_a_bounded_index_forgets_the_oldest_and_claims_less(tmp_path: pathlib.Path) -> None:
    index = Index(tmp_path / "index.sqlite")
    scanned([written(tmp_path / "mail.log", long_log(3).log)], index=index)
    today = int(NOW.timestamp()) // 86_400
    (_, before, end, _), largest = index.covered()[0], index.bytes_used() * 3 // 4
    index.begin()
    index.prune(today=today, largest=largest)
    index.commit()
    assert before < index.covered()[0][1] < end
    assert index.bytes_used() <= largest


def test_a_mail_cut_between_two_commits_is_one_arrival() -> None:
    index = Index(None)
    assembler = Assembler(index, KEYS, Peers(own=(), forwarders=()))
    first = (Came(b"4AB12", b"192.0.2.1", None, False), Told(b"4AB12", b""))
    for events in (first, (Told(b"4AB12", None, b"x@e.example"), Ended(b"4AB12"))):
        for event in events:
            assembler.take(b"mx1", 1_795_600_000, event)
        index.begin()
        assembler.flush()
        index.commit()
        assembler = Assembler(index, KEYS, Peers(own=(), forwarders=()))
    assert len(index.waiting(before=2**40)) == 1
