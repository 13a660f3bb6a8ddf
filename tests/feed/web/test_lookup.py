"""What a look-up says in each state, in page and JSON alike, and what it says to wrong input."""

import dataclasses
import html
import re

import pytest

from feed.domain.address import parse_network
from feed.domain.event import Attestation, Kind, RecipientClass
from feed.domain.listing import Code, Hold
from feed.domain.policy import PRIVATE, with_overrides
from feed.store import exemptions, manual
from feed.web.render import STATIC
from tests.factories import make_provider_file
from tests.feed.web.world import Client, World


def _text(page: str) -> str:
    """Return the words of a page as one line."""
    body = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def _words(client: Client, address: str) -> str:
    response = client.get("/lookup", params={"address": address})
    assert response.status_code == 200
    return _text(response.text)


def test_never_seen(client: Client) -> None:
    words = _words(client, "203.0.113.77")
    assert "Not listed" in words
    assert "No backscatter from this address is on file." in words
    assert "How to fix it" not in words
    assert "Have this address removed" not in words


def test_listed_as_confirmed(client: Client, world: World) -> None:
    world.report("192.0.2.7", n=3, sources=2)
    words = _words(client, "192.0.2.7")
    assert "Listed as a confirmed emitter of backscatter, code 127.0.0.2." in words
    assert "2 to 4 sources reported 5 to 9 unsolicited notifications from this address." in words
    assert "this address only" in words
    assert "bounce" in words
    assert "First day 2026-11-23" in words
    assert "Last day 2026-11-25" in words
    assert "Ends by itself" in words
    assert "at the latest 2026-12-24 00:00 UTC" in words
    assert "trap or tagged addresses" in words
    assert "no answer within a second" in words
    assert "local_recipient_maps" in words
    assert words.index("How to fix it") < words.index("Free of charge, without an account.")


def test_listed_as_reported(client: Client, world: World) -> None:
    world.report("192.0.2.8", n=4, recipient_class=RecipientClass.LOG_MISS, attestation=Attestation.U3)
    words = _words(client, "192.0.2.8")
    assert "code 127.0.0.3: in the scoring zone only" in words
    assert "1 source reported 2 to 4 unsolicited notifications" in words


def test_mixed_is_told(client: Client, world: World) -> None:
    world.report("192.0.2.9", n=4)
    world.genuine("192.0.2.9", 50)
    words = _words(client, "192.0.2.9")
    assert "code 127.0.0.3" in words
    assert "it also sends genuine bounces" in words


def test_one_ipv6_address_is_listed_alone(client: Client, world: World) -> None:
    world.report("2001:db8:0:1::7")
    assert "code 127.0.0.2" in _words(client, "2001:DB8:0:1:0:0:0:7")
    other = _words(client, "2001:db8:0:1::8")
    assert "Not listed" in other
    named = "Another address of the same /64 is listed, 2001:db8:0:1::7/128; this one is not."
    assert named in other
    assert "from this /64" in other
    assert client.json("/lookup?address=2001:db8:0:1::7")["scope"] == "2001:db8:0:1::7/128"


def test_several_addresses_list_the_64(client: Client, world: World) -> None:
    world.report("2001:db8:0:1::7")
    world.report("2001:db8:0:1::8")
    words = _words(client, "2001:db8:0:1::9")
    assert "code 127.0.0.2" in words
    assert "the whole /64: 2001:db8:0:1::/64" in words
    assert client.json("/lookup?address=2001:db8:0:1::/64")["listed"] is True
    assert client.json("/lookup?address=2001:db8:0:2::/64")["listed"] is False


def test_watch(client: Client, world: World) -> None:
    world.report("192.0.2.10", n=1)
    words = _words(client, "192.0.2.10")
    assert "There are reports, but not enough to list it." in words
    assert "1 source reported 1 unsolicited notification from this address." in words


def test_held_at_a_provider(client: Client, world: World) -> None:
    world.report("11.22.33.7", n=5, sources=3)
    words = _words(client, "11.22.33.7")
    assert "Not listed" in words
    assert "published ranges of a large shared sender (Large Shared Sender)" in words
    assert "Have this address removed" not in words
    assert client.json("/lookup?address=11.22.33.7")["hold"] == "provider"


def test_a_provider_file_that_cannot_be_read_is_told(world: World) -> None:
    world.site = dataclasses.replace(world.site, provider_file=make_provider_file(None))
    world.report("192.0.2.14")
    words = _words(Client(world.site), "192.0.2.14")
    assert "Not listed" in words
    assert "The list of large shared senders cannot be read at present" in words


def test_an_exempt_address_is_told_without_the_operators_reason(client: Client, world: World) -> None:
    with world.site.database.write() as connection:
        exemptions.add(
            connection, network=parse_network("192.0.2.15"), kind=Hold.EXEMPT, reason="zebra",
            author="op", now=world.site.seconds(), until_minute=10**9,
        )  # fmt: skip
    world.report("192.0.2.15")
    words = _words(client, "192.0.2.15")
    assert "The operator has made this address exempt." in words
    assert "zebra" not in words


def test_pending_tells_that_it_is_coming(world: World) -> None:
    policy = with_overrides(PRIVATE, {"publish_delay_minutes": 10})
    world.site = dataclasses.replace(world.site, policy=policy)
    world.report("192.0.2.16")
    words = _words(Client(world.site), "192.0.2.16")
    assert "It will be listed in the next minutes." in words
    assert "Have this address removed" in words


def test_expired(client: Client, world: World) -> None:
    world.report("192.0.2.11")
    world.later(days=20)
    words = _words(client, "192.0.2.11")
    assert "Not listed" in words
    assert "It was listed until 2026-" in words
    assert "ended by itself" in words


def test_removed(client: Client, world: World) -> None:
    world.report("192.0.2.12")
    owner = Client(world.site, address="192.0.2.12")
    assert owner.submit("192.0.2.12").status_code == 303
    words = _words(client, "192.0.2.12")
    assert "Not listed" in words
    assert "removed on request" in words
    assert "It was listed until 2026-11-25 12:00 UTC." in words
    assert "Not counted 2 to 4 (from before the last removal)" in words


def test_the_page_never_calls_anybody_names(client: Client, world: World) -> None:
    world.report("192.0.2.7")
    for path in ("/", "/policy", "/lookup?address=192.0.2.7", "/removal?address=192.0.2.7"):
        assert not re.search(
            r"spammer|attacker|abuser|offender|blacklist", client.get(path).text, re.IGNORECASE
        )


def test_counts_leave_in_bands_only(client: Client, world: World) -> None:
    world.report("192.0.2.13", n=12, sources=1)
    found = client.json("/lookup?address=192.0.2.13")
    assert found["reports"] == {"at_least": 10, "at_most": None}
    assert found["sources"] == {"at_least": 1, "at_most": 1}
    page = client.get("/lookup?address=192.0.2.13").text
    assert "10 or more unsolicited notifications" in page
    assert not re.search(r"\b(12|36) (unsolicited )?notif", page)
    assert "one GmbH" not in page


@pytest.mark.parametrize(
    "address", ["192.0.2.7", "192.0.2.8", "2001:db8:0:1::7", "11.22.33.7", "203.0.113.5"]
)
def test_json_equals_page(client: Client, world: World, address: str) -> None:
    world.report("192.0.2.7", sources=3)
    world.report("192.0.2.8", n=1, kind=Kind.AUTO)
    world.report("2001:db8:0:1::7")
    world.report("11.22.33.7")
    found = client.json(f"/lookup?address={address}")
    words = _words(client, address)
    for sentence in found["words"]:
        assert sentence in words
    assert found["listed"] is (found["words"][0] == "Listed") is ("Not listed" not in words)
    if found["listed"]:
        assert f"Code {found['code']}" in words
        assert found["ends_at"][:16].replace("T", " ") + " UTC" in words
        assert found["listed_since"][:16].replace("T", " ") + " UTC" in words
    if found["first_day"]:
        assert f"First day {found['first_day']} Last day {found['last_day']}" in words
    assert [row["outcome"] for row in found["dns"]] == ["no_answer", "no_answer"]
    assert found["dns"][0]["zone"] in words
    assert (found["removal_url"] is not None) is ("Have this address removed" in words)


def test_a_terminal_gets_lines(client: Client, world: World) -> None:
    world.report("192.0.2.7", sources=2)
    response = client.get("/lookup?address=192.0.2.7", headers={"accept": "*/*"})
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    lines = response.text.splitlines()
    assert lines[0] == "192.0.2.7: Listed"
    assert "Sources: 2 to 4" in lines
    words = _words(client, "192.0.2.7")
    assert all(line.partition(": ")[2].split(" (")[0] in words for line in lines[3:])
    assert "DNS bl.feed.test: no answer within a second (asked at 127.0.0.1:9)" in lines
    wrong = client.get("/lookup?address=x", headers={"accept": "*/*"})
    assert (wrong.status_code, wrong.text.count("\n")) == (422, 1)


@pytest.mark.parametrize(
    "spelling",
    ["192.0.2.7", " 192.0.2.7 ", "[192.0.2.7]", "::ffff:192.0.2.7", "192.0.2.7/32", "2002:c000:207::1",
     "64:ff9b::192.0.2.7"],
)  # fmt: skip
def test_every_spelling_leads_to_one_address(client: Client, world: World, spelling: str) -> None:
    world.report("192.0.2.7")
    response = client.get("/lookup", params={"address": spelling}, headers={"accept": "application/json"})
    assert (response.json()["address"], response.json()["listed"]) == ("192.0.2.7", True)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/lookup/192.0.2.7", "/lookup?address=192.0.2.7"),
        ("/lookup/2001:db8:0:1::/64", "/lookup?address=2001:db8:0:1::/64"),
        ("/lookup/2001%3adb8::7", "/lookup?address=2001:db8::7"),
        ("/lookup//evil.example/", "/lookup?address=/evil.example/"),
        ("/lookup/a%26b%3d%23", "/lookup?address=a%26b%3D%23"),
    ],
)
def test_the_url_of_a_txt_record_leads_to_the_form(client: Client, path: str, target: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.headers["location"]) == (302, target)


def test_mine_leads_to_the_own_address_and_is_not_stored(world: World) -> None:
    response = Client(world.site, address="2001:db8::7").get("/mine")
    assert response.headers["location"] == "/lookup?address=2001:db8::7"
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "given",
    ["", "mail.example.org", "192.0.2.0/24", "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>',
     "{{7*7}}", "\u202e192.0.2.7", "a" * 5000, "1.2.3.4\x00"],
)  # fmt: skip
def test_wrong_input_is_told_beside_the_field_and_never_run(client: Client, given: str) -> None:
    response = client.get("/lookup", params={"address": given})
    assert response.status_code == 422
    assert 'role="alert"' in response.text
    assert 'aria-invalid="true"' in response.text
    assert 'id="address-error"' in response.text
    assert "<script" not in response.text
    assert "<img" not in response.text
    assert "49" not in response.text
    assert len(response.text) < 8000
    problem = client.get("/lookup", params={"address": given}, headers={"accept": "application/json"})
    assert problem.status_code == 422
    assert problem.headers["content-type"] == "application/problem+json"
    assert "Enter" in problem.json()["detail"]


def test_special_purpose_space_is_explained(world: World) -> None:
    publish = world.site.settings.publish.model_copy(update={"zone": "bl.example.org"})
    settings = world.site.settings.model_copy(update={"publish": publish})
    client = Client(dataclasses.replace(world.site, settings=settings))
    for address, why in [
        ("10.1.2.3", "private use (RFC 1918)"),
        ("fe80::1", "link local"),
        ("::1", "loopback"),
    ]:
        words = _words(client, address)
        assert "This address can never be listed." in words
        assert why in words
        assert "What DNS answers now" not in words
    assert "No backscatter from this address" in _words(client, "8.8.8.8")


def test_look_ups_are_neither_indexed_nor_kept(client: Client) -> None:
    response = client.get("/lookup?address=192.0.2.7")
    assert '<meta name="robots" content="noindex">' in response.text
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["vary"] == "Accept"


def test_no_page_uses_scripts_or_anybody_else(client: Client, world: World) -> None:
    world.report("192.0.2.7")
    for path in ("/", "/policy", "/lookup", "/lookup?address=192.0.2.7", "/removal?address=192.0.2.7"):
        page = client.get(path).text
        assert "<script" not in page
        assert not re.search(r'(src|href|action)="(https?:)?//', page)
        assert not re.search(r"\son[a-z]+=|style=", page)
    assert "url(" not in (STATIC / "site.css").read_text()


@pytest.mark.parametrize(("asked", "listed"), [("192.0.2.44", True), ("192.0.2.45", False)])
def test_listed_by_hand_is_what_dns_answers_for(
    client: Client, world: World, asked: str, listed: bool
) -> None:
    now = world.site.seconds()
    with world.site.database.write() as connection:
        manual.add(
            connection, network=parse_network("192.0.2.44"), code=Code.REPORTED, reason="asked by its owner",
            author="test", now=now, until_minute=now // 60 + 1440, allow_special=True,
        )  # fmt: skip
    found = client.json(f"/lookup?address={asked}")
    assert (found["listed"], found["code"]) == (listed, "127.0.0.3" if listed else None)
    assert ("by hand" in _words(client, asked)) is listed
    assert ("Have this address removed" in _words(client, asked)) is listed
    assert ("Listed as a reported emitter" in _words(client, asked)) is listed
    assert ("No backscatter from this address is on file" in _words(client, asked)) is not listed


def test_the_owner_removes_what_was_listed_by_hand(client: Client, world: World) -> None:
    now = world.site.seconds()
    with world.site.database.write() as connection:
        manual.add(
            connection, network=parse_network("192.0.2.44"), code=Code.CONFIRMED, reason="seen by hand",
            author="test", now=now, until_minute=now // 60 + 1440, allow_special=True,
        )  # fmt: skip
    owner = Client(world.site, address="192.0.2.44")
    assert "It can be removed now." in owner.get("/removal?address=192.0.2.44").text
    assert client.submit("192.0.2.44").status_code == 403, "nobody else"
    assert owner.submit("192.0.2.44").status_code == 303
    assert client.json("/lookup?address=192.0.2.44")["listed"] is False
