"""Who may remove what, by which request, and that nothing else changes anything."""

import pathlib
import re

import httpx2 as httpx
import pytest
import sqlalchemy as sa

from feed.store.tables import emitter_state, removal, ticket, transition
from tests.feed.web.world import SITE_URL, Client, World

LISTED = "192.0.2.7"
V6 = "2001:db8:0:1::7"


@pytest.fixture
def listed(world: World, kept: pathlib.Path) -> World:
    world.tell(kept, lambda: world.report_each(LISTED, V6))
    return world


def _state(world: World) -> list[list[tuple[object, ...]]]:
    with world.site.database.read() as connection:
        return [
            [tuple(row) for row in connection.execute(sa.select(table))]
            for table in (emitter_state, removal, ticket, transition)
        ]


def _is_listed(world: World, address: str) -> bool:
    found = Client(world.site).json(f"/lookup?address={address}")
    return bool(found["listed"])


def _ticket(response: httpx.Response) -> str:
    assert response.status_code == 303, response.text
    found = re.fullmatch(r"/ticket/([\w-]{32})", response.headers["location"])
    assert found
    return found.group(1)


def test_a_browser_at_the_listed_address_removes_it(listed: World) -> None:
    owner = Client(listed.site, address=LISTED)
    page = owner.get("/removal", params={"address": LISTED}).text
    assert f"This request comes from {LISTED}. That is the proof" in page
    number = _ticket(owner.submit(LISTED, comment="recipient check added"))
    assert not _is_listed(listed, LISTED)
    assert _is_listed(listed, V6)
    words = owner.get(f"/ticket/{number}").text
    assert "Removed at 2026-11-25 12:00:00 UTC." in words
    assert "2026-11-25 12:00:30 UTC" in words
    assert "2026-11-25 12:06:00 UTC" in words
    assert "no answer within a second" in words


def test_any_address_of_the_64_removes_an_ipv6_listing(listed: World) -> None:
    _ticket(Client(listed.site, address="2001:db8:0:1:ffff::1").submit(V6))
    assert not _is_listed(listed, V6)


@pytest.mark.parametrize(
    ("client", "target"),
    [
        pytest.param("203.0.113.1", LISTED, id="a stranger"),
        pytest.param("192.0.2.8", LISTED, id="the IPv4 neighbour"),
        pytest.param("2001:db8:0:2::7", V6, id="the next /64"),
        pytest.param("192.0.2.7", V6, id="another listed address"),
    ],
)
def test_nobody_else_removes_it(listed: World, client: str, target: str) -> None:
    before = _state(listed)
    stranger = Client(listed.site, address=client)
    page = stranger.get("/removal", params={"address": target}).text
    assert f"This request comes from {client}, which is not the listed address" in page
    assert f"-d address={target} {SITE_URL}/removal" in page
    assert "<textarea" not in page
    response = stranger.post("/removal", data={"address": target}, headers={"accept": "*/*"})
    assert response.status_code == 403
    assert f"the request came from {client}, not from {target}" in response.text
    assert _state(listed) == before


@pytest.mark.parametrize(
    ("accept", "kind"),
    [("*/*", "text/plain; charset=utf-8"), ("application/json", "application/json")],
)
def test_a_line_in_a_terminal_is_enough(listed: World, accept: str, kind: str) -> None:
    owner = Client(listed.site, address=LISTED)
    response = owner.post("/removal", data={"address": LISTED}, headers={"accept": accept})
    assert (response.status_code, response.headers["content-type"]) == (201, kind)
    assert f"{SITE_URL}{response.headers['location']}" in response.text
    again = owner.get(response.headers["location"], headers={"accept": accept})
    assert (again.status_code, again.headers["content-type"]) == (200, kind)
    assert "no_answer" in again.text or "no answer within a second" in again.text
    assert not _is_listed(listed, LISTED)


def test_the_ticket_as_json_says_the_same(listed: World) -> None:
    owner = Client(listed.site, address=LISTED)
    given = owner.post("/removal", data={"address": LISTED}, headers={"accept": "application/json"}).json()
    later = owner.json(f"/ticket/{given['ticket']}")
    assert {key: later[key] for key in given} == given
    assert given["outcome"] == "accepted"
    assert given["was_code"] == "127.0.0.2"
    assert given["server_by"] == "2026-11-25T12:00:30Z"
    assert given["caches_by"] == "2026-11-25T12:06:00Z"
    assert [row["outcome"] for row in later["dns"]] == ["no_answer", "no_answer"]


@pytest.mark.parametrize(
    ("headers", "token", "cookie"),
    [
        pytest.param({"origin": SITE_URL}, "", True, id="own origin without a token"),
        pytest.param({"origin": SITE_URL}, "forged", True, id="forged token"),
        pytest.param({"origin": SITE_URL}, "good", False, id="token without the cookie"),
        pytest.param({"origin": "https://evil.example"}, "good", True, id="foreign origin"),
        pytest.param({"origin": "null"}, "good", True, id="opaque origin"),
        pytest.param(
            {"origin": "https://evil.example", "accept": "application/json"}, "", False, id="foreign fetch"
        ),
        pytest.param({"sec-fetch-site": "cross-site"}, "", False, id="cross-site without an origin"),
        pytest.param({"referer": "https://evil.example/"}, "", False, id="foreign referrer only"),
    ],
)
def test_a_foreign_page_cannot_use_the_address_of_its_visitor(
    listed: World, headers: dict[str, str], token: str, cookie: bool
) -> None:
    owner = Client(listed.site, address=LISTED)
    form = owner.get("/removal", params={"address": LISTED}).text
    found = re.search(r'name="token" value="([^"]+)"', form)
    assert found
    before = _state(listed)
    if not cookie:
        owner.cookies.clear()
    data = {"address": LISTED, "token": found.group(1) if token == "good" else token}
    assert owner.post("/removal", data=data, headers=headers).status_code == 403
    assert _state(listed) == before


def test_the_token_of_one_address_does_not_remove_another(listed: World) -> None:
    listed.report("2001:db8:0:1::8")
    owner = Client(listed.site, address=V6)
    form = owner.get("/removal", params={"address": V6}).text
    token = re.search(r'name="token" value="([^"]+)"', form)
    assert token
    data = {"address": "2001:db8:0:1::8", "token": token.group(1)}
    assert owner.post("/removal", data=data, headers={"origin": SITE_URL}).status_code == 403


def test_the_cookie_is_for_the_form_only(listed: World) -> None:
    owner = Client(listed.site, address=LISTED)
    cookie = owner.get("/removal", params={"address": LISTED}).headers["set-cookie"].lower()
    for part in ("httponly", "samesite=lax", "path=/removal", "max-age=7200"):
        assert part in cookie
    assert "set-cookie" not in Client(listed.site).get("/removal", params={"address": LISTED}).headers
    assert "set-cookie" not in Client(listed.site).get("/").headers


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_get_and_head_change_nothing(listed: World, method: str) -> None:
    owner = Client(listed.site, address=LISTED)
    number = _ticket(owner.submit(LISTED))
    listed.report("192.0.2.9")
    before = _state(listed)
    for path in (
        "/", "/mine", "/policy",
        "/lookup/192.0.2.9", "/lookup?address=192.0.2.9", "/removal?address=192.0.2.9",
        f"/ticket/{number}", "/removal?address=192.0.2.9&token=x&comment=y",
    ):  # fmt: skip
        response = Client(listed.site, address="192.0.2.9").request(method, path)
        assert response.status_code in {200, 302}
        if method == "HEAD":
            assert response.content == b""
    assert _state(listed) == before


@pytest.mark.parametrize(
    ("peer", "header", "expected"),
    [
        pytest.param("203.0.113.1", LISTED, 403, id="a stranger writes the header itself"),
        pytest.param("127.0.0.1", LISTED, 201, id="our proxy says so"),
        pytest.param("127.0.0.1", f"{LISTED}, 203.0.113.1", 403, id="a stranger's claim through our proxy"),
        pytest.param("127.0.0.1", f"{LISTED}, unknown", 403, id="our proxy did not know"),
    ],
)
def test_a_forwarded_address_counts_only_from_our_proxy(
    listed: World, peer: str, header: str, expected: int
) -> None:
    response = Client(listed.site, address=peer).post(
        "/removal", data={"address": LISTED}, headers={"accept": "*/*", "x-forwarded-for": header}
    )
    assert response.status_code == expected
    assert _is_listed(listed, LISTED) is (expected != 201)


def test_waits_are_shown_and_kept(listed: World) -> None:
    owner = Client(listed.site, address=LISTED)
    _ticket(owner.submit(LISTED))
    listed.later(hours=2)
    listed.report(LISTED, hours_ago=0.5, apart_hours=0.2)
    assert _is_listed(listed, LISTED)
    page = owner.get("/removal", params={"address": LISTED}).text
    assert "It can be removed again from 2026-11-26 13:30 UTC" in page
    assert "your next removal" in page
    assert "<textarea" not in page
    terminal = Client(listed.site, address=LISTED)
    response = terminal.post("/removal", data={"address": LISTED}, headers={"accept": "application/json"})
    assert response.json()["outcome"] == "wait"
    assert response.json()["again_from"] == "2026-11-26T13:30:00Z"
    assert _is_listed(listed, LISTED)
    words = owner.get(response.headers["location"]).text
    assert "Not removed yet" in words
    assert "2026-11-26 13:30 UTC" in words
    assert "Without new reports it ends by itself" in words or "It ends by itself" in words


def test_after_three_removals_the_ticket_says_when_it_can_be_asked_again(listed: World) -> None:
    """Never a dead end: the end by itself, the operator, and the day on which the ladder eases."""
    owner = Client(listed.site, address=LISTED)
    for days in (0, 2, 8):
        listed.later(days=days)
        if days:
            # Fresh reports, and then the quiet that the next removal needs.
            listed.report(LISTED, hours_ago=0.5, apart_hours=24.0)
            listed.later(days=1 if days == 2 else 7, minutes=1)
        assert _is_listed(listed, LISTED), days
        assert "Removed at" in owner.get(f"/ticket/{_ticket(owner.submit(LISTED))}").text, days
    listed.later(hours=2)
    listed.report(LISTED, hours_ago=0.5, apart_hours=0.4)
    assert _is_listed(listed, LISTED)
    terminal = Client(listed.site, address=LISTED)
    asked = terminal.post("/removal", data={"address": LISTED}, headers={"accept": "application/json"})
    answer = asked.json()
    assert answer["outcome"] == "operator"
    assert answer["again_from"] == "2026-12-25T12:00:00Z", "thirty days after the first"
    page = owner.get(f"/ticket/{answer['ticket']}").text
    assert "A removal can be asked for again from 2026-12-25 12:00 UTC." in page
    assert "hostmaster.feed.test" in page


def test_twice_at_once_is_harmless(listed: World) -> None:
    owner = Client(listed.site, address=LISTED)
    form = owner.get("/removal", params={"address": LISTED}).text
    token = re.search(r'name="token" value="([^"]+)"', form)
    assert token
    data = {"address": LISTED, "token": token.group(1)}
    first, number = [
        _ticket(owner.post("/removal", data=data, headers={"origin": SITE_URL})) for _ in range(2)
    ]
    assert first != number
    assert "The address was not listed when it was asked for" in owner.get(f"/ticket/{number}").text


def test_a_listing_after_the_removal_is_told_on_the_ticket(listed: World) -> None:
    owner = Client(listed.site, address=LISTED)
    number = _ticket(owner.submit(LISTED))
    listed.later(days=1)
    listed.report(LISTED, hours_ago=0.5, apart_hours=0.2)
    assert _is_listed(listed, LISTED)
    assert "It has been listed again since" in owner.get(f"/ticket/{number}").text


XSS = "<script>alert(1)</script>\"'><img src=x>{{7*7}}"


def test_a_comment_is_kept_and_never_run(listed: World) -> None:
    owner = Client(listed.site, address=LISTED)
    number = _ticket(owner.submit(LISTED, comment=XSS + "\x00\x1b[31m"))
    page = owner.get(f"/ticket/{number}").text
    assert "<script" not in page
    assert "<img" not in page
    with listed.site.database.read() as connection:
        assert connection.execute(sa.select(ticket.c.comment)).scalar() == XSS + "[31m"


def test_a_comment_too_long_is_told_and_not_lost(listed: World) -> None:
    owner = Client(listed.site, address=LISTED)
    long = XSS + "x" * 500
    response = owner.submit(LISTED, comment=long)
    assert response.status_code == 422
    assert "Shorten the text to 500 characters" in response.text
    assert "x" * 500 in response.text
    assert "<script" not in response.text
    assert 'aria-invalid="true"' in response.text
    assert _is_listed(listed, LISTED)
    assert _ticket(owner.submit(LISTED, comment="x" * 500))


@pytest.mark.parametrize(
    ("options", "status"),
    [
        pytest.param({"data": {}}, 415, id="no body"),
        pytest.param({"data": {"address": ""}}, 422, id="no address"),
        pytest.param({"data": {"address": "<script>"}}, 422, id="no such address"),
        pytest.param({"json": {"address": LISTED}}, 415, id="JSON"),
        pytest.param({"files": {"address": b"x"}}, 415, id="multipart"),
        pytest.param({"data": {"address": LISTED, "comment": "x" * 20_000}}, 413, id="too large"),
        pytest.param({"data": {f"f{number}": "1" for number in range(50)}}, 400, id="too many fields"),
        pytest.param(
            {"content": b"address=%ff%fe&\xff\xfe=", "type": "application/x-www-form-urlencoded"},
            422,
            id="bytes that are no text",
        ),
    ],
)
@pytest.mark.parametrize("accept", ["text/html", "application/json", "*/*"])
def test_a_form_that_cannot_be_read_is_told_in_words(
    listed: World, options: dict[str, object], status: int, accept: str
) -> None:
    before = _state(listed)
    headers = {"accept": accept}
    if "type" in options:
        headers["content-type"] = str(options["type"])
    sent = {key: value for key, value in options.items() if key != "type"}
    response = Client(listed.site, address=LISTED).post("/removal", headers=headers, **sent)
    assert response.status_code == status
    assert "<script>" not in response.text
    assert _state(listed) == before


def test_removal_without_an_address_leads_to_the_look_up(client: Client) -> None:
    response = client.get("/removal")
    assert response.status_code == 303
    assert response.headers["location"].endswith("/lookup")


def test_nothing_listed_is_said_so(client: Client) -> None:
    page = client.get("/removal?address=203.0.113.5").text
    assert "Nothing to remove: it is not listed." in page
    assert "<textarea" not in page


def test_asking_is_limited_by_network(listed: World) -> None:
    stranger = Client(listed.site, address="203.0.113.1")
    codes = [
        stranger.post("/removal", data={"address": LISTED}, headers={"accept": "*/*"}).status_code
        for _ in range(11)
    ]
    assert codes == [403] * 10 + [429]
    stranger.address = "203.0.113.200"
    response = stranger.post("/removal", data={"address": LISTED}, headers={"accept": "*/*"})
    assert response.status_code == 429
    assert int(response.headers["retry-after"]) == 360
    stranger.address = LISTED
    assert stranger.post("/removal", data={"address": LISTED}, headers={"accept": "*/*"}).status_code == 201


def test_an_unknown_ticket_leads_on(client: Client) -> None:
    for number in ("x" * 32, "%00", "..%2f..%2fetc", "a" * 2000, "\u00e9"):
        response = client.get(f"/ticket/{number}")
        assert response.status_code == 404
        assert 'href="/"' in response.text
        assert "noindex" in response.text


def test_a_ticket_is_not_sent_on(listed: World) -> None:
    owner = Client(listed.site, address=LISTED)
    response = owner.get(f"/ticket/{_ticket(owner.submit(LISTED))}")
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["cache-control"] == "no-store"


def test_the_form_keeps_the_origin(listed: World) -> None:
    response = Client(listed.site, address=LISTED).get("/removal", params={"address": LISTED})
    assert response.headers["referrer-policy"] == "same-origin"
