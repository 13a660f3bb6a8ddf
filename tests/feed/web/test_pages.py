"""The pages that explain: true, complete, and every snippet safe to copy."""

import dataclasses
import html
import re
from typing import Any

import pytest

from feed.domain.quality import FeedQuality, Quality
from feed.settings import SiteSettings
from feed.store import quality_months
from feed.web import advice
from feed.web.chart import Bar, columns, listed_bars
from feed.web.wording import left
from tests.feed.web.world import Client, World

LISTED = "192.0.2.7"
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {
        "/v1/reports/{receipt}": {
            "get": {
                "summary": "Get <b>it</b>",
                "parameters": [
                    {"name": "receipt", "in": "path", "required": True, "schema": {"type": "string"}}
                ],
                "responses": {
                    "200": {"description": "Right"},
                    "404": {"$ref": "#/components/responses/None"},
                },
            },
            "post": {
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/In"}}}
                },
                "responses": {},
            },
        }
    },
    "components": {
        "responses": {"None": {"description": "Nothing there"}},
        "schemas": {
            "In": {
                "description": "What is sent",
                "required": ["at"],
                "properties": {
                    "at": {"type": "string", "format": "date-time", "description": "When"},
                    "kind": {"anyOf": [{"enum": ["a", "b"]}, {"type": "null"}]},
                    "many": {"type": "array", "items": {"$ref": "#/components/schemas/In"}},
                },
            }
        },
    },
}


@pytest.mark.parametrize("stage", ["warn", "score", "refuse"])
def test_every_snippet_compares_the_code(client: Client, stage: str) -> None:
    """Complaint B2: settings without the code compared refused all mail when a resolver erred."""
    page = html.unescape(client.get(f"/use?stage={stage}").text)
    blocks = [code for code in re.findall(r"<code>(.*?)</code>", page, re.DOTALL) if "\n" in code]
    using = [
        code
        for code in blocks
        if "feed.test" in code and not re.search("stub-zone|forward|server=|dig", code)
    ]
    assert len(using) >= 4
    for code in using:
        assert re.search(r"127\\?\.0\\?\.0\\?\.2", code), code
        for line in code.splitlines():
            if "reject_rbl_client" in line or "dnslists" in line:
                assert re.search(r"feed\.test=127\.0\.0\.\d", line), line
            if "check_rbl" in line:
                assert re.search(r"\^127\\\.0\\\.0\\\.", line), line


def test_no_snippet_acts_at_rcpt_or_on_every_sender(client: Client) -> None:
    page = html.unescape(client.get("/use?stage=refuse").text)
    for mark in ("<> = reject_rbl_client", "smtpd_data_restrictions", "acl_smtp_predata", "__BSFEED_NULL"):
        assert mark in page
    for never in ("smtpd_recipient_restrictions", "acl_smtp_rcpt", "postscreen_dnsbl_sites ="):
        assert never not in page


def test_the_page_begins_with_the_test_and_the_first_stage(client: Client) -> None:
    page = client.get("/use").text
    assert page.index("First test your resolver") < page.index("warn_if_reject")
    assert page.index("Score first") < page.index("warn_if_reject")
    assert client.get("/use?stage=<script>").text == page


@pytest.mark.parametrize("product", advice.PRODUCTS, ids=lambda product: product.key)
def test_each_product_has_its_page(client: Client, product: advice.Advice) -> None:
    """Complaint B23: admins learned from the block only, and found no advice for their software."""
    page = client.get(f"/fix/{product.key}").text
    assert "You need not switch bounces off" in page
    assert page.count("<li>") >= len(product.steps)


def test_an_unknown_product(client: Client) -> None:
    assert client.get("/fix/<script>").status_code == 404


def test_advice_is_switched_without_scripts(client: Client, world: World) -> None:
    world.report(LISTED, software="postfix")
    page = client.get(f"/lookup?address={LISTED}").text
    assert "look like those of Postfix" in page
    link = f'href="/lookup?address={LISTED}&amp;software=exim#fix"'
    assert link in page
    switched = client.get(f"/lookup?address={LISTED}&software=exim").text
    assert "You chose Exim" in switched
    assert "acl_smtp_rcpt" in switched
    assert "You chose" not in client.get(f"/lookup?address={LISTED}&software=<script>").text


def test_terms_name_the_controller(world: World) -> None:
    site = world.site
    assert "has not named a controller" in Client(site).get("/terms").text
    named = site.settings.model_copy(
        update={"site": SiteSettings(controller="Example <b>GmbH</b>\nStreet 1")}
    )
    page = Client(dataclasses.replace(site, settings=named)).get("/terms").text
    assert "Example &lt;b&gt;GmbH&lt;/b&gt;\nStreet 1" in page
    for word in ("Objection: use the removal form", "as it is", "no charge", "Report only what you received"):
        assert word in page


def test_no_page_asks_for_money(client: Client) -> None:
    """Complaint B24: paid removal made products drop a list."""
    for path in ("/", "/policy", "/terms", "/use", "/report", "/fix", "/statistics"):
        page = client.get(path).text.lower()
        for word in ("paypal", "donat", "€", "$ ", "usd", "express delist", "price"):
            assert word not in page, (path, word)


def test_statistics_count_and_are_made_once_a_minute(world: World) -> None:
    client = Client(world.site)
    world.report(LISTED)
    world.report("192.0.2.8")
    owner = Client(world.site, address=LISTED)
    assert client.json("/statistics")["listed"] == {"127.0.0.2": 2, "127.0.0.3": 0}
    owner.submit(LISTED)
    assert client.json("/statistics")["listed"]["127.0.0.2"] == 2
    world.later(seconds=61)
    found = client.json("/statistics")
    assert found["listed"]["127.0.0.2"] == 1
    assert found["listings_by_day"][-1] == 2
    assert found["removals_by_day"][-1] == 1
    assert found["kinds"]["dsn_fail"] == 6
    assert sum(one["listings"] for one in found["ended_within_minutes"]) == 1
    page = client.get("/statistics").text
    assert page.count("<svg") >= 4
    assert 'aria-label="New listings by day' in page


def test_quality_of_the_last_month_is_told_and_nothing_of_single_reporters(world: World) -> None:
    feed = FeedQuality(
        listings=12, emitters=10, reported=40, originals=300, differential=0.25, exclusive=None,
        latency_minutes=90, latency_p90_minutes=3000, accuracy=0.995, coverage=0.8,
    )  # fmt: skip
    client = Client(world.site)
    assert client.json("/statistics")["quality"] is None
    assert "Quality of" not in client.get("/statistics").text
    first = world.site.seconds() // 86_400 - 60
    report = Quality(first_day=first, last_day=first + 30, complete=True, feed=feed, reporters=())
    with world.site.database.write() as connection:
        quality_months.keep(connection, report, made_at=world.site.seconds())
    world.later(minutes=1)
    page = client.get("/statistics").text
    for words in (
        "Quality of 2026-09",
        "99.5 %",
        "80.0 %",
        "25.0 %",
        "90 minutes",
        "50 hours",
        "12 listings",
    ):
        assert words in page, words
    assert "From one source" not in page, "nothing to divide by"
    told = client.json("/statistics")["quality"]
    assert (told["accuracy"], told["exclusive"], told["first_day"]) == (0.995, None, "2026-09-26")
    assert "reporters" not in told


def test_statistics_of_nothing(client: Client) -> None:
    page = client.get("/statistics")
    assert page.status_code == 200
    assert "None in the last 30 days." in page.text


def test_statistics_on_postgresql(database: Any) -> None:
    from feed.store.statistics import statistics

    with database.read() as connection:
        found = statistics(connection, now=1_795_608_000)
    assert found.listings == [0] * 30


def test_the_reference_is_made_from_the_document(world: World) -> None:
    assert Client(world.site).get("/reference").status_code == 404
    page = Client(dataclasses.replace(world.site, openapi=lambda: DOCUMENT)).get("/reference").text
    for part in (
        "GET /v1/reports/{receipt}", "Get &lt;b&gt;it&lt;/b&gt;", "string, path, required", "Nothing there",
        "string (date-time), required", "a | b", "list of In", "What is sent",
    ):  # fmt: skip
        assert part in page
    assert page.count("<h1>") == 1


def test_the_reference_of_the_real_api(world: World) -> None:
    from ingest import openapi

    page = Client(dataclasses.replace(world.site, openapi=openapi.document)).get("/reference")
    assert page.status_code == 200
    assert "POST /v1/reports" in page.text
    ids = re.findall(r'\sid="([^"]+)"', page.text)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("path", ["/fix", "/use", "/report", "/terms", "/statistics", "/fix/postfix"])
def test_pages_are_cacheable_for_a_minute_and_take_head(client: Client, path: str) -> None:
    page = client.get(path)
    assert page.headers["cache-control"] == "max-age=60"
    assert client.request("HEAD", path).content == b""
    assert client.post(path).status_code == 405


def test_the_picture_of_the_history(client: Client, world: World) -> None:
    world.report(LISTED)
    Client(world.site, address=LISTED).submit(LISTED)
    world.later(days=10)
    world.report(LISTED, hours_ago=1, apart_hours=0.2)
    page = client.get(f"/lookup?address={LISTED}").text
    assert "It was listed 2 times in the last 90 days" in page
    assert page.count('<rect class="code-2"') == 2
    assert "style=" not in page
    assert "It was listed until" not in page
    world.later(days=40)
    later = client.get(f"/lookup?address={LISTED}").text
    assert "It was listed until" in later


def test_bars_of_a_listing_older_than_the_picture(world: World) -> None:
    world.report(LISTED)
    with world.site.database.read() as connection:
        from feed.domain.event import Channel
        from feed.store import states

        key = bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 7])
        history = states.history(connection, key, Channel.MAIN)
    now = world.site.seconds() // 60
    assert listed_bars(history, now_minute=now)[-1].width == 2
    assert listed_bars(history, now_minute=now + 200 * 1440) == [Bar(x=0, width=900, code=2)]
    assert listed_bars([], now_minute=now) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [([], []), ([0, 0], []), ([1], [(0, 100)]), ([0, 2, 1], [(0, 100), (50, 50)])],
)
def test_columns(values: list[int], expected: list[tuple[int, int]]) -> None:
    assert [(bar.y, bar.height) for bar in columns(values)] == expected


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0, "1 minute"), (1, "1 minute"), (59, "59 minutes"), (60, "1 hour"), (119, "119 minutes"),
        (121, "3 hours"), (2879, "48 hours"), (2880, "2 days"), (2881, "3 days"),
    ],
)  # fmt: skip
def test_what_is_left(minutes: int, words: str) -> None:
    assert left(minutes) == words


def test_the_end_is_told_to_the_day_only(client: Client, world: World) -> None:
    """The exact end would tell the minute of the last notification, and so which recipient is a trap."""
    world.report(LISTED)
    found = client.json(f"/lookup?address={LISTED}")
    assert found["ends_at"] == "2026-12-24T00:00:00Z"
    assert found["next_change_at"].endswith(":00:00Z")
    assert "in 29 days, without new reports" in client.get(f"/lookup?address={LISTED}").text


def test_every_path_of_the_frame_exists(world: World) -> None:
    client = Client(world.site)
    page = client.get("/").text
    for path in re.findall(r'href="(/[a-z]*)"', page):
        assert client.get(path).status_code in {200, 302}, path
