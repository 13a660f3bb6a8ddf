"""From the spool to the real report API over HTTP: batch, single reports, raw mail, observations."""

import json
import pathlib
import random
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from feed.store.tables import event
from ingest.report.client import FeedClient
from ingest.report.flush import Flush
from ingest.report.spool import RAW, REPORT, FeedSpool, Item
from ingest.report.submit import observation_item
from tests.factories import NOW
from tests.ingest.reporting import BORDER, Api
from tests.mails import dsn

PUBLIC = "9.9.9.9"


@pytest.fixture
def url(sqlite_api: Api) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(sqlite_api.app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def report(number: int, **change: object) -> Item:
    digest = f"{number:064x}"
    record = {
        "client_ip": PUBLIC,
        "observed_at": NOW.strftime("%Y-%m-%dT%H:%MZ"),
        "null_sender": True,
        "kind": "ndr",
        "recipient_class": "log_miss",
        "recipient_token": f"t{number}",
        "original_key": f"o{number}",
        "original_recipient_match": True,
        "lookback_days": 9,
        "digest": digest,
    }
    return Item(kind=REPORT, body=json.dumps(record | change).encode(), identity=digest)


def test_everything_the_spool_sends_is_taken(url: str, sqlite_api: Api, tmp_path: pathlib.Path) -> None:
    spool = FeedSpool(tmp_path / "spool", "one")
    for number in range(20):
        spool.put(report(number))
    spool.put(report(50, observed_at="2026-01-01T00:00Z"))
    spool.put(observation_item(PUBLIC, int(NOW.timestamp()) // 86_400, (30, 20, 2)))
    spool.put(
        Item(kind=RAW, body=dsn(border=BORDER), claim={"class": "trap", "client_ip": PUBLIC}, identity="mail")
    )
    client = FeedClient(url, sqlite_api.key)
    clock = NOW.timestamp
    done = Flush(spool, client, now=clock, chance=random.Random(1)).run()
    assert (done.sent, done.refused, done.waiting, done.words) == (22, 1, 0, "")
    assert sqlite_api.rows(event) == 21
    for number in range(20):
        spool.put(report(number))  # as after a kill between the answer and the removal
    again = Flush(spool, client, now=clock, chance=random.Random(1)).run()
    assert (again.sent, again.waiting) == (20, 0)
    assert sqlite_api.rows(event) == 21


def test_a_single_report_is_known_again_by_its_key(url: str, sqlite_api: Api, tmp_path: pathlib.Path) -> None:
    spool = FeedSpool(tmp_path / "spool", "one")
    for _ in range(2):
        spool.put(report(1))
        done = Flush(spool, FeedClient(url, sqlite_api.key), now=NOW.timestamp, chance=random.Random(1)).run()
        assert done.sent == 1
    assert sqlite_api.rows(event) == 1
    wrong = FeedClient(url, "bsf_wrong_key")
    spool.put(report(2))
    refused = Flush(spool, wrong, now=NOW.timestamp, chance=random.Random(1)).run()
    assert (refused.waiting, refused.refused) == (1, 0)
    assert refused.words.startswith("401")
