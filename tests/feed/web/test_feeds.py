"""Feed files over HTTP: what a poller needs, and nothing else of the disk."""

import base64
import dataclasses
import gzip
import hashlib
import ipaddress
import json
import pathlib
from typing import Any

import pytest

from dnsbl_server.pull import Puller, PullError, Source
from feed.jobs import feeds
from feed.jobs.publish import publish
from feed.snapshot.feed_files import FOLDER
from feed.web import feeds as web_feeds
from feed.web.representation import Library
from tests.feed.web.served import serving
from tests.feed.web.world import Client, World

ZONE = "bl.feed.test"
NOWHERE = (
    "../bl.feed.test.snap", "..%2Fbl.feed.test.snap", "%2e%2e/%2e%2e/etc/passwd", "..%5c..%5csecret",
    ".lock", ".base-bl.feed.test.snap", ".steps-bl.feed.test", "bl.feed.test.csv.gz", "secret",
    "bl.feed.test.csv%00", "bl.feed.test.csv/", "/etc/passwd", "BL.FEED.TEST.CSV",
    "bl.feed.test.csv.sha256.sha256", "bl.feed.test.delta.jsonl.sha256", ".steps-bl.feed.test/1-2.jsonl.gz",
)  # fmt: skip
PLAIN = {"accept": "*/*", "accept-encoding": "identity"}


def publish_all(world: World) -> None:
    """Do what a tick of the scheduler and the job of the feed files do."""
    settings = world.site.settings.publish
    publish(world.site.database, settings, now=world.site.seconds())
    for file in settings.files.values():
        feeds.bring_up(file, settings.folder / FOLDER, now=world.site.seconds())


@pytest.fixture
def published(world: World, kept: pathlib.Path) -> World:
    world.tell(kept, lambda: world.report("192.0.2.7"))
    publish_all(world)
    return world


def fetch(client: Client, name: str, **headers: str) -> Any:
    sent = PLAIN | {key.replace("_", "-"): value for key, value in headers.items()}
    return client.get(f"/feeds/{name}", headers=sent)


def test_page_has_sizes_serial_age_and_terms(published: World, client: Client) -> None:
    published.later(minutes=5)
    page = client.get("/feeds").text
    made = json.loads((published.site.settings.publish.folder / FOLDER / f"{ZONE}.json").read_bytes())
    for words in (str(made["serial"]), "5 minutes ago", 'href="/terms"', f"{ZONE}.v4.txt", "compressed"):
        assert words in page, words
    told = client.json("/feeds")["zones"][0]
    assert told["serial"] == made["serial"]
    assert told["records"] == 1
    for file in told["files"]:
        sent = fetch(client, file["url"].removeprefix("/feeds/"))
        assert len(sent.content) == file["bytes"]
        assert hashlib.sha256(sent.content).hexdigest() == file["sha256"]


def test_page_before_anything_was_made(client: Client) -> None:
    assert "have not been made yet" in client.get("/feeds").text
    assert client.json("/feeds")["zones"][0]["files"] == []
    answer = fetch(client, f"{ZONE}.csv")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")


def test_list_dns_and_files_agree(published: World, client: Client) -> None:
    """Complaint B22: the site knew addresses that DNS did not."""
    published.report("2001:db8:7::9")
    published.later(minutes=1)
    publish_all(published)
    v4 = [line for line in fetch(client, f"{ZONE}.v4.txt").text.splitlines() if not line.startswith("#")]
    v6 = [line for line in fetch(client, f"{ZONE}.v6.txt").text.splitlines() if not line.startswith("#")]
    rows = [json.loads(line) for line in fetch(client, f"{ZONE}.jsonl").text.splitlines()]
    assert [row["network"] for row in rows[:-1]] == v4 + v6
    assert rows[-1]["records"] == len(v4 + v6) == 2
    for text in v4 + v6:
        network = ipaddress.ip_network(text)
        assert client.json(f"/lookup?address={network}")["listed"], text


def test_unchanged_file_is_304_and_a_changed_one_is_not(published: World, client: Client) -> None:
    """Complaint B16: without conditional requests pollers fetch everything each time."""
    first = fetch(client, f"{ZONE}.csv")
    etag = first.headers["etag"]
    assert etag.startswith('"')
    for given in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = fetch(client, f"{ZONE}.csv", if_none_match=given)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag), given
    since = fetch(client, f"{ZONE}.csv", if_modified_since=first.headers["last-modified"])
    assert since.status_code == 304
    published.report("192.0.2.8")
    published.later(minutes=1)
    publish_all(published)
    changed = fetch(client, f"{ZONE}.csv", if_none_match=etag)
    assert changed.status_code == 200
    assert b"192.0.2.8" in changed.content


def test_date_that_is_older_or_none_gets_the_file(published: World, client: Client) -> None:
    for given in ("yesterday", "Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 99 Foo 99999 00:00:00"):
        assert fetch(client, f"{ZONE}.csv", if_modified_since=given).status_code == 200, given


def test_compressed_is_the_same_with_a_validator_of_its_own(published: World, client: Client) -> None:
    plain = fetch(client, f"{ZONE}.csv")
    packed = fetch(client, f"{ZONE}.csv", accept_encoding="br, gzip;q=0.5")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content, "the client takes it apart"
    assert packed.headers["etag"] != plain.headers["etag"]
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
    assert fetch(client, f"{ZONE}.csv", accept_encoding="gzip;q=0").headers.get("content-encoding") is None
    assert fetch(client, f"{ZONE}.snap", accept_encoding="gzip").headers.get("content-encoding") is None


def test_digest_in_the_answer_and_beside_the_file(published: World, client: Client) -> None:
    answer = fetch(client, f"{ZONE}.v4.txt")
    made = hashlib.sha256(answer.content)
    told = answer.headers["repr-digest"].removeprefix("sha-256=:").removesuffix(":")
    assert base64.b64decode(told) == made.digest()
    assert fetch(client, f"{ZONE}.v4.txt.sha256").text == f"{made.hexdigest()}  {ZONE}.v4.txt\n"


def test_resuming_needs_the_same_file(published: World, client: Client) -> None:
    etag = fetch(client, f"{ZONE}.csv").headers["etag"]
    assert fetch(client, f"{ZONE}.csv", range="bytes=4-", if_range=etag).status_code == 206
    assert fetch(client, f"{ZONE}.csv", range="bytes=4-", if_range='"other"').status_code == 200


def test_head_says_what_get_would(published: World, client: Client) -> None:
    for name in (f"{ZONE}.csv", f"{ZONE}.snap", f"{ZONE}.json"):
        got = fetch(client, name)
        head = client.request("HEAD", f"/feeds/{name}", headers=PLAIN)
        assert head.content == b""
        for field in ("content-length", "etag", "content-type", "last-modified", "repr-digest"):
            assert head.headers[field] == got.headers[field], (name, field)


def test_no_name_leads_elsewhere(published: World, client: Client) -> None:
    (published.site.settings.publish.folder / "secret").write_text("not for everybody")
    for name in NOWHERE:
        answer = fetch(client, name)
        assert answer.status_code == 404, name
        assert b"not for everybody" not in answer.content


def test_changes_since_a_serial(published: World, client: Client) -> None:
    before = json.loads(fetch(client, f"{ZONE}.jsonl").text.splitlines()[-1])["serial"]
    for number in (12, 14):
        published.report(f"192.0.2.{number}")
        published.later(minutes=2)
        publish_all(published)
    answer = fetch(client, f"{ZONE}.delta.jsonl?since={before}")
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert [(row["change"], row["network"]) for row in rows[:-1]] == [
        ("came", "192.0.2.12"), ("came", "192.0.2.14"),
    ]  # fmt: skip
    now_at = rows[-1]["serial"]
    assert (rows[-1]["from_serial"], rows[-1]["records"]) == (before, 2)
    assert now_at == json.loads(fetch(client, f"{ZONE}.jsonl").text.splitlines()[-1])["serial"]
    again = fetch(client, f"{ZONE}.delta.jsonl?since={before}", if_none_match=answer.headers["etag"])
    assert again.status_code == 304
    [nothing] = fetch(client, f"{ZONE}.delta.jsonl?since={now_at}").text.splitlines()
    assert json.loads(nothing)["records"] == 0


def test_serial_that_leads_nowhere(published: World, client: Client) -> None:
    for query in ("", "?since=", "?since=-1", "?since=x", "?since=" + "9" * 11):
        assert fetch(client, f"{ZONE}.delta.jsonl{query}").status_code == 400, query
    for query in ("?since=1", "?since=4294967295"):
        answer = fetch(client, f"{ZONE}.delta.jsonl{query}")
        assert (answer.status_code, f"{ZONE}.jsonl" in answer.text) == (410, True), query


def test_one_network_may_not_fetch_for_all(published: World) -> None:
    """Complaint B16: one host fetched 13,000 times an hour, and the whole product was shut out."""
    client = Client(published.site)
    limited = Client(_with_downloads(published, 3).site)
    codes = [fetch(limited, f"{ZONE}.csv").status_code for _ in range(5)]
    assert codes == [200, 200, 200, 429, 429]
    etag = fetch(client, f"{ZONE}.csv").headers["etag"]
    assert fetch(limited, f"{ZONE}.csv", if_none_match=etag).status_code == 304, "costs nothing"
    limited.address = "198.51.100.1"
    assert fetch(limited, f"{ZONE}.csv").status_code == 200, "others are not concerned"


def _with_downloads(world: World, number: int) -> World:
    return dataclasses.replace(world, site=dataclasses.replace(world.site, downloads_an_hour=number))


def test_file_replaced_while_it_is_sent_is_not_mixed_with_its_successor(published: World) -> None:
    folder = published.site.settings.publish.folder / FOLDER
    path = folder / f"{ZONE}.csv"
    before = path.read_bytes()
    stored = Library().open(path)
    assert stored is not None
    feeds.write_lines(path, ["something else, and longer" * 10])
    with stored.file:
        assert stored.file.read() == before
    assert stored.sha256 == hashlib.sha256(before).hexdigest()


def test_disk_error_is_no_crash(published: World, client: Client) -> None:
    folder = published.site.settings.publish.folder / FOLDER
    (folder / f"{ZONE}.json").write_bytes(b"\xff not JSON")
    assert client.get("/feeds").status_code == 200
    steps = folder / f".steps-{ZONE}"
    (steps / "1-2.jsonl.gz").write_bytes(b"not gzip")
    assert fetch(client, f"{ZONE}.delta.jsonl?since=1").status_code in {410, 503}


def test_mirror_follows_by_the_address_on_the_page(
    published: World, client: Client, tmp_path: pathlib.Path
) -> None:
    """The snapshot that `backscatter-dnsbl --snapshot-url` fetches, by the program's own code."""
    assert f"/feeds/{ZONE}.snap" in client.get("/feeds").text
    mirror = tmp_path / "mirror.snap"
    original = published.site.settings.publish.files[ZONE]
    with serving(published.site) as (url, _site):
        puller = Puller(
            Source(f"{url}/feeds/{ZONE}.snap", mirror), clock=lambda: float(published.site.seconds())
        )
        assert puller.pull()
        assert mirror.read_bytes() == original.read_bytes()
        assert not puller.pull(), "304: nothing is fetched twice"
        published.report("192.0.2.8")
        published.later(minutes=1)
        publish_all(published)
        assert puller.pull()
        assert mirror.read_bytes() == original.read_bytes()
        with pytest.raises(PullError, match="404"):
            Puller(Source(f"{url}/feeds/no.snap", tmp_path / "no"), clock=lambda: 0.0).pull()


def test_gzip_copy_is_left_out_when_it_is_missing(published: World, client: Client) -> None:
    folder = published.site.settings.publish.folder / FOLDER
    assert gzip.decompress((folder / f"{ZONE}.csv.gz").read_bytes()) == (folder / f"{ZONE}.csv").read_bytes()
    (folder / f"{ZONE}.csv.gz").unlink()
    assert fetch(client, f"{ZONE}.csv", accept_encoding="gzip").headers.get("content-encoding") is None


def test_changes_longer_than_a_fourth_of_the_list_are_not_put_together(
    published: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = json.loads(fetch(client, f"{ZONE}.jsonl").text.splitlines()[-1])["serial"]
    published.report("192.0.2.12")
    published.later(minutes=1)
    publish_all(published)
    monkeypatch.setattr(web_feeds, "_LEAST_BYTES", 0)
    assert fetch(client, f"{ZONE}.delta.jsonl?since={before}").status_code == 410


def test_what_was_asked_for_lately_is_kept_within_bounds(
    published: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = web_feeds.Feeds(published.site.settings.publish)
    serial = int((made.manifest(ZONE) or {})["serial"])
    monkeypatch.setattr(web_feeds, "_KEPT_BYTES", 0)
    first = made.delta(ZONE, serial)
    assert first is not None
    assert made.delta(ZONE, serial) == first
    made._keep((ZONE, 1, serial), b"another")
    assert list(made._made.values()) == [b"another"]
    assert made._made_bytes == len(b"another")


def test_who_asks_while_a_delta_is_made_is_told_to_come_again(
    published: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_feeds, "_PATIENCE_S", 0.01)
    made = web_feeds.Feeds(published.site.settings.publish)
    serial = int((made.manifest(ZONE) or {})["serial"])
    with made._merging, pytest.raises(web_feeds.DeltaBusyError):
        made.delta(ZONE, serial)
    first = made.delta(ZONE, serial)
    with made._merging:
        assert made.delta(ZONE, serial) == first  # what was made already waits for nobody
