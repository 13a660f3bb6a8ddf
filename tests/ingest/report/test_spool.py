"""The spool: whole items or none, each feed for itself, nothing lost and nothing counted twice."""

import json
import pathlib
import random
import subprocess
import sys
import time

import pytest

from ingest.report.client import FeedClient
from ingest.report.flush import LONGEST_WAIT_S, Flush, Outcome, wait_s
from ingest.report.spool import OBSERVATION, RAW, REPORT, FeedSpool, Item, Spool, SpoolError
from tests.ingest.report.small_feed import SmallFeed, running


def item(number: int, *, kind: str = REPORT, stale_at: int = 0) -> Item:
    digest = f"{number:064x}"
    body = json.dumps({"digest": digest, "client_ip": "192.0.2.1"}).encode()
    return Item(kind=kind, body=body, identity=digest, stale_at=stale_at)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def flushed(spool: FeedSpool, feed: SmallFeed, clock: Clock) -> Outcome:
    return Flush(spool, FeedClient(feed.url, "bsf_k_s"), now=clock, chance=random.Random(1)).run()


@pytest.mark.parametrize("offers_batch", [True, False], ids=["batch offered", "no batch route"])
def test_all_is_sent_once(offers_batch: bool, tmp_path: pathlib.Path) -> None:
    spool = FeedSpool(tmp_path, "one")
    for number in range(30):
        assert spool.put(item(number))
        assert not spool.put(item(number))
    with running(SmallFeed(offers_batch=offers_batch)) as feed:
        outcome = flushed(spool, feed, Clock())
    assert (outcome.sent, outcome.waiting, outcome.refused) == (30, 0, 0)
    assert len(feed.receipts) == 30
    assert set(feed.receipts.values()) == {1}
    assert set(feed.keys) == {"Bearer bsf_k_s"}
    assert len(feed.paths) == (1 if offers_batch else 31)


def test_a_refused_item_goes_to_the_dead_with_the_reason_and_the_rest_goes_on(tmp_path: pathlib.Path) -> None:
    spool = FeedSpool(tmp_path, "one")
    for number in range(5):
        spool.put(item(number))
    for offers_batch in (True, False):
        with running(SmallFeed(offers_batch=offers_batch)) as feed:
            feed.refuse = {f"{2:064x}"}
            spool.put(item(2))
            flushed(spool, feed, Clock())
    assert spool.names() == []
    (dead,) = spool.dead.iterdir()
    assert Item.from_bytes(dead.read_bytes()).refusal.startswith("422")
    assert not spool.put(item(2))


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(status: int, tmp_path: pathlib.Path) -> None:
    spool, clock = FeedSpool(tmp_path, "one"), Clock()
    spool.put(item(1))
    with running(SmallFeed()) as feed:
        feed.script = [(status, {"Retry-After": "120"})]
        assert flushed(spool, feed, clock).waiting == 1
        clock.now += 119
        assert flushed(spool, feed, clock).waiting == 1
        assert len(feed.paths) == 1
        clock.now += 30
        assert flushed(spool, feed, clock).sent == 1


@pytest.mark.parametrize("status", [401, 403, 404, 502])
def test_a_trouble_of_the_feed_or_the_key_buries_nothing(status: int, tmp_path: pathlib.Path) -> None:
    spool, clock = FeedSpool(tmp_path, "one"), Clock()
    for number in range(3):
        spool.put(item(number))
    with running(SmallFeed(offers_batch=False)) as feed:
        feed.script = [(404, {}), (status, {})]
        outcome = flushed(spool, feed, clock)
        assert (outcome.waiting, outcome.refused) == (3, 0)
        assert len(feed.paths) == 2
        clock.now += LONGEST_WAIT_S
        assert flushed(spool, feed, clock).sent == 3


def test_one_item_that_breaks_the_feed_rests_alone(tmp_path: pathlib.Path) -> None:
    spool, clock = FeedSpool(tmp_path, "one"), Clock()
    for number in range(3):
        spool.put(item(number, kind=OBSERVATION))
    with running(SmallFeed()) as feed:
        feed.script = [(500, {})]
        outcome = flushed(spool, feed, clock)
        assert (outcome.sent, outcome.waiting) == (2, 1)
        assert flushed(spool, feed, clock).waiting == 1
        clock.now += 61
        assert flushed(spool, feed, clock).waiting == 0


def test_a_batch_that_is_not_taken_as_a_whole_is_asked_about_one_by_one(tmp_path: pathlib.Path) -> None:
    spool = FeedSpool(tmp_path, "one")
    for number in range(3):
        spool.put(item(number))
    with running(SmallFeed()) as feed:
        feed.script = [(413, {})]
        assert flushed(spool, feed, Clock()).sent == 3


def test_feeds_are_independent(tmp_path: pathlib.Path) -> None:
    spool, clock = Spool(tmp_path, ("private", "shared")), Clock()
    spool.put(item(1))
    with running(SmallFeed()) as feed:
        gone = FeedClient("http://127.0.0.1:9", "k")
        down = Flush(spool.feeds["shared"], gone, now=clock, chance=random.Random(1)).run()
        assert (down.waiting, down.words != "") == (1, True)
        assert flushed(spool.feeds["private"], feed, clock).sent == 1
        clock.now += LONGEST_WAIT_S
        assert flushed(spool.feeds["shared"], feed, clock).sent == 1


def test_back_off_doubles_with_jitter_and_has_an_end() -> None:
    chance = random.Random(3)
    waits = [wait_s(failures, chance) for failures in range(1, 30)]
    assert 15 <= waits[0] <= 30
    assert all(wait <= LONGEST_WAIT_S for wait in waits)
    assert all(wait >= LONGEST_WAIT_S / 2 for wait in waits[8:])
    assert all(100 <= wait_s(1, chance, asked_s=100) <= 110 for _ in range(20))


def test_what_is_too_old_is_not_sent(tmp_path: pathlib.Path) -> None:
    spool, clock = FeedSpool(tmp_path, "one"), Clock()
    spool.put(item(1, stale_at=int(clock.now) - 1))
    with running(SmallFeed()) as feed:
        assert flushed(spool, feed, clock).refused == 1
        assert feed.paths == []


def test_two_flushes_at_once_do_not_meet(tmp_path: pathlib.Path) -> None:
    spool = FeedSpool(tmp_path, "one")
    spool.put(item(1))
    with running(SmallFeed()) as feed, spool.lock() as held:
        assert held
        assert flushed(spool, feed, Clock()).words == "another process is sending to it"
        assert feed.paths == []


def test_a_file_that_is_no_item_is_moved_aside(tmp_path: pathlib.Path) -> None:
    spool = FeedSpool(tmp_path, "one")
    spool.put(item(1))
    for name, data in (("a", b""), ("b", b"[]"), ("c", b'{"kind": "report"}')):
        (spool.queue / name).write_bytes(data)
    with running(SmallFeed()) as feed:
        assert flushed(spool, feed, Clock()).waiting == 0
    assert sorted(path.name for path in spool.dead.iterdir()) == ["a", "b", "c"]


def test_a_spool_that_cannot_be_written_says_so(tmp_path: pathlib.Path) -> None:
    (tmp_path / "one").write_text("a file where a folder is to be")
    with pytest.raises(SpoolError):
        FeedSpool(tmp_path, "one").put(item(1))


def test_raw_mail_goes_with_its_claim_and_key(tmp_path: pathlib.Path) -> None:
    spool = FeedSpool(tmp_path, "one")
    spool.put(Item(kind=RAW, body=b"From: a\r\n\r\n", claim={"class": "trap"}, identity="x"))
    with running(SmallFeed()) as feed:
        assert flushed(spool, feed, Clock()).sent == 1
    assert feed.paths == ["/v1/reports?class=trap"]


MAIL = """Return-Path: <>
Received: from mail.e.example (mail.e.example [192.0.2.66])
\tby mx.own.example (Postfix) with ESMTP id 4AB12; {date}
Delivered-To: trap@own.example
Message-ID: <{number}@mail.e.example>
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Action: failed

--b
Content-Type: text/rfc822-headers

From: trap@own.example
Message-ID: <forged{number}@own.example>
--b--
"""


def config(tmp_path: pathlib.Path, **feeds: str) -> pathlib.Path:
    (tmp_path / "key").write_text("bsf_k_s")
    path = tmp_path / "report.toml"
    sections = "".join(
        f'[[feed]]\nname = "{name}"\nurl = "{url}"\nkey_file = "{tmp_path}/key"\n'
        for name, url in feeds.items()
    )
    path.write_text(
        f'state = "{tmp_path}/state"\ndomains = ["own.example"]\n'
        f'border_hosts = ["mx.own.example"]\n{sections}'
    )
    return path


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_point_nothing_is_lost_and_nothing_counts_twice(
    seed: int, tmp_path: pathlib.Path
) -> None:
    chance = random.Random(seed)
    folder = tmp_path / "Maildir" / "new"
    folder.mkdir(parents=True)
    date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())
    for number in range(60):
        (folder / f"{number}").write_text(MAIL.format(number=number, date=date))
    with running(SmallFeed(offers_batch=seed % 2 == 0)) as one, running(SmallFeed()) as two:
        file = config(tmp_path, private=one.url, shared=two.url)
        killed = 0
        for command in (["send", "--later", str(folder.parent)], ["flush"]):
            while True:
                line = [sys.executable, "-m", "ingest.report", *command, "--config", str(file)]
                program = subprocess.Popen(line, stdout=subprocess.DEVNULL)
                try:
                    done = program.wait(timeout=chance.uniform(0.12, 0.35) if killed < 12 else 60)
                except subprocess.TimeoutExpired:
                    program.kill()
                    program.wait()
                    killed += 1
                    continue
                assert done == 0
                break
            killed = 0
    for feed in (one, two):
        assert len(feed.receipts) == 60
        assert {record["original_key"] for record in feed.records} == {
            record["original_key"] for record in one.records
        }
    assert not list((tmp_path / "state" / "spool" / "private" / "queue").iterdir())
    assert not list((tmp_path / "state" / "spool" / "private" / "dead").iterdir())
