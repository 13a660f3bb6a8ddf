"""Disputes: never a dead end, never a way to find out or to block anything."""

import pathlib
import re

import httpx2 as httpx
import pytest
import sqlalchemy as sa

from feed.store import disputes
from feed.store.tables_site import dispute
from tests.feed.web.world import SITE_URL, Client, World

LISTED = "192.0.2.7"
XSS = "<script>alert(1)</script>\"'><img src=x>{{7*7}}"


@pytest.fixture
def listed(world: World, kept: pathlib.Path) -> World:
    world.tell(kept, lambda: world.report(LISTED))
    return world


def _file(client: Client, words: str = "not ours", **more: str) -> httpx.Response:
    page = client.get("/dispute", params={"address": LISTED} | more).text
    fields = dict(re.findall(r'name="(token|address|owner)" value="([^"]*)"', page))
    return client.post("/dispute", data=fields | {"words": words} | more, headers={"origin": SITE_URL})


def _rows(world: World) -> list[sa.RowMapping]:
    with world.site.database.read() as connection:
        return list(connection.execute(sa.select(dispute)).mappings())


def test_a_dispute_is_filed_shown_and_answered(listed: World) -> None:
    client = Client(listed.site)
    filed = _file(client)
    assert filed.status_code == 303
    path = filed.headers["location"]
    page = client.get(path)
    assert "Open" in page.text
    assert "The operator answers by 2026-11-28 12:00 UTC." in page.text
    assert "not ours" not in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    with listed.site.database.write() as connection:
        assert disputes.answer(
            connection, path.rpartition("/")[2], answer="upheld", reason=XSS, author="op", now=1_795_610_000,
            retracted_n=2,
        )  # fmt: skip
    page = client.get(path)
    assert "You were right" in page.text
    assert "Reports taken back: 2." in page.text
    assert "<script>" not in page.text
    assert client.json(path)["state"] == "upheld"
    assert "You were right" in client.get(path, headers={"accept": "*/*"}).text


def test_who_comes_from_the_address_is_proven(listed: World) -> None:
    _file(Client(listed.site))
    _file(Client(listed.site, address=LISTED))
    assert [row["proven"] for row in _rows(listed)] == [False, True]


def test_who_has_the_owner_link_is_proven_and_can_name_reports(listed: World) -> None:
    owner = Client(listed.site, address=LISTED)
    path = owner.get("/owner", params={"address": LISTED}).headers["location"]
    elsewhere = Client(listed.site, address="198.51.100.1")
    page = elsewhere.get(path).text
    number = re.search(r"<code>([A-Z2-7]{8})</code>", page)
    assert number
    found = re.search(r'href="(/dispute\?[^"]*owner=[^"]*)"', page)
    assert found
    form = elsewhere.get(found.group(1).replace("&amp;", "&")).text
    fields = dict(re.findall(r'name="(token|address|owner)" value="([^"]*)"', form))
    assert fields["owner"]
    numbers = f"{number.group(1).lower()}, NONSENSE! <b>"
    done = elsewhere.post(
        "/dispute", data=fields | {"words": "x", "reports": numbers}, headers={"origin": SITE_URL}
    )
    assert done.status_code == 303
    row = _rows(listed)[0]
    assert row["proven"]
    assert row["reports"].split()[0] == number.group(1)


def test_a_forged_owner_proves_nothing(listed: World) -> None:
    _file(Client(listed.site), owner="W10.forged")
    assert [row["proven"] for row in _rows(listed)] == [False]


def test_strangers_cannot_fill_the_queue_or_shut_the_owner_out(listed: World) -> None:
    answers = [_file(Client(listed.site, address=f"198.18.{n}.1")).status_code for n in range(6)]
    assert answers == [303] * disputes.OPEN_MOST + [429] * (6 - disputes.OPEN_MOST)
    assert _file(Client(listed.site, address=LISTED)).status_code == 303


def test_nothing_reported_is_nothing_to_dispute(listed: World) -> None:
    client = Client(listed.site)
    answer = client.post(
        "/dispute", data={"address": "198.51.100.77", "words": "x"}, headers={"accept": "application/json"}
    )
    assert answer.status_code == 409
    assert _rows(listed) == []


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        pytest.param("", 422, "Say what is wrong.", id="empty"),
        pytest.param(" \x00\x07 ", 422, "Say what is wrong.", id="nothing visible"),
        pytest.param("x" * 1001, 422, "Shorten the text to 1000 characters", id="too long"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(listed: World, words: str, status: int, said: str) -> None:
    answer = _file(Client(listed.site), words)
    assert answer.status_code == status
    assert said in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert _rows(listed) == []


def test_what_was_typed_is_not_lost_and_not_run(listed: World) -> None:
    answer = _file(Client(listed.site), XSS + "x" * 1000, reports=XSS)
    assert answer.status_code == 422
    assert "<script>" not in answer.text
    assert "<img" not in answer.text
    assert "x" * 1000 in answer.text


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}])
def test_a_foreign_page_cannot_file(listed: World, headers: dict[str, str]) -> None:
    owner = Client(listed.site, address=LISTED)
    answer = owner.post("/dispute", data={"address": LISTED, "words": "x"}, headers=headers)
    assert answer.status_code == 403
    assert _rows(listed) == []


def test_a_program_that_fills_in_everything_files_nothing(listed: World) -> None:
    assert _file(Client(listed.site), website="https://spam.example").status_code == 303
    assert _rows(listed) == []


def test_a_line_in_a_terminal_files_too(listed: World) -> None:
    client = Client(listed.site)
    answer = client.post("/dispute", data={"address": LISTED, "words": "x"}, headers={"accept": "*/*"})
    assert answer.status_code == 201
    assert f"{SITE_URL}{answer.headers['location']}" in answer.text


@pytest.mark.parametrize("number", ["x", "%00", "..%2f..", "a" * 2000, "é"])
def test_an_unknown_number(listed: World, number: str) -> None:
    answer = Client(listed.site).get(f"/dispute/{number}")
    assert answer.status_code == 404


def test_a_dispute_without_an_address_leads_to_the_look_up(listed: World) -> None:
    assert Client(listed.site).get("/dispute").status_code == 422
