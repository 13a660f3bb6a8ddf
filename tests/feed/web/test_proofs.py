"""Control shown by mail or by a DNS record: who gets a mail, what its link does, and what nobody can do."""

import dataclasses
import pathlib
import re
from collections.abc import Iterator

import httpx2 as httpx
import pytest
import sqlalchemy as sa

from feed.domain.address import parse_address
from feed.jobs import outbox as job
from feed.settings import MailSettings, SiteSettings
from feed.store import proofs
from feed.store.outbox import link_token
from feed.store.tables import emitter_state, removal, ticket
from feed.store.tables_site import outbox, proof
from feed.web.proofs import LABEL
from tests.feed.web.world import SITE_URL, Client, World
from tests.mail_sink import MailSink
from tests.name_server import NameServer

LISTED = "192.0.2.7"
V6 = "2001:db8:0:1::7"
FOREIGN = "192.0.2.8"
STRANGER = "203.0.113.1"
V6_NAME = "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
RECORDS = {
    ("7.2.0.192.in-addr.arpa", "PTR"): ["mail.example.org."],
    ("mail.example.org", "A"): [LISTED],
    ("example.org", "MX"): ["10 mail.example.org."],
    ("8.2.0.192.in-addr.arpa", "PTR"): ["mail.victim.example."],
    ("mail.victim.example", "A"): ["198.51.100.9"],
    ("victim.example", "MX"): ["10 mail.victim.example."],
    (V6_NAME, "PTR"): ["six.example.net."],
    ("six.example.net", "AAAA"): [V6],
}


@pytest.fixture
def dns() -> Iterator[NameServer]:
    made = NameServer(dict(RECORDS))
    yield made
    made.close()


@pytest.fixture
def listed(world: World, dns: NameServer, sink: MailSink, kept: pathlib.Path) -> World:
    settings = world.site.settings.model_copy(
        update={
            "site": SiteSettings(resolver=dns.listen),
            "mail": MailSettings(host="127.0.0.1", port=sink.port, sender="noreply@feed.test", timeout_s=2),
        }
    )
    made = World(
        site=dataclasses.replace(world.site, settings=settings), clock=world.clock, reporters=world.reporters
    )
    made.tell(kept, lambda: made.report_each(LISTED, V6, FOREIGN))
    return made


def _send(world: World) -> None:
    site = world.site
    job.send_due(site.database, site.settings.mail, site.secret, now=site.seconds())


def _rows(world: World, *tables: sa.Table) -> list[list[tuple[object, ...]]]:
    with world.site.database.read() as connection:
        return [[tuple(row) for row in connection.execute(sa.select(table))] for table in tables]


def _form(client: Client, address: str) -> dict[str, str]:
    page = client.get("/removal/proofs", params={"address": address}).text
    fields = dict(re.findall(r'name="(token|address)" value="([^"]*)"', page))
    chosen = re.search(r'name="recipient" id="[^"]*" value="([^"]*)" checked', page)
    return fields | ({"recipient": chosen.group(1)} if chosen else {})


def _post(client: Client, path: str, fields: dict[str, str]) -> httpx.Response:
    return client.post(path, data=fields, headers={"origin": SITE_URL, "sec-fetch-site": "same-origin"})


def _link(sink: MailSink) -> str:
    found = re.search(rf"{SITE_URL}(/confirm/[0-9a-f]{{64}})", sink.taken[-1].message.get_content())
    assert found
    return found.group(1)


def _is_listed(world: World, address: str = LISTED) -> bool:
    return bool(Client(world.site).json(f"/lookup?address={address}")["listed"])


def _mail_sent(world: World, sink: MailSink, address: str = LISTED) -> str:
    client = Client(world.site)
    response = _post(client, "/removal/mail", _form(client, address))
    assert response.status_code == 200, response.text
    _send(world)
    return _link(sink)


def test_the_page_offers_masked_addresses_of_the_confirmed_name(listed: World) -> None:
    page = Client(listed.site).get("/removal/proofs", params={"address": LISTED}).text
    for shown in ("postmaster@m….example.org", "abuse@m….example.org", "postmaster@e….org", "abuse@e….org"):
        assert shown in page
    assert "postmaster@mail.example.org" not in page
    assert f"{LABEL}.mail.example.org" in page
    assert "registry&#39;s abuse contact is not asked for" in page


def test_a_name_that_does_not_point_back_gets_nobody_a_mail(listed: World, sink: MailSink) -> None:
    client = Client(listed.site)
    page = client.get("/removal/proofs", params={"address": FOREIGN}).text
    assert "victim" not in page
    assert "Reverse DNS gives no name" in page
    assert "It ends by itself at the latest" in page
    assert f'href="/dispute?address={FOREIGN}"' in page
    _post(client, "/removal/mail", _form(client, FOREIGN) | {"recipient": "postmaster@victim.example"})
    _send(listed)
    assert sink.taken == []


def test_the_whole_way_from_mail_to_ticket(listed: World, sink: MailSink) -> None:
    link = _mail_sent(listed, sink)
    mail = sink.taken[0]
    assert mail.sender == "<>"
    assert mail.recipients == ("postmaster@mail.example.org",)
    assert "X-Auto-Response-Suppress" in mail.message
    client = Client(listed.site, address="198.51.100.200")
    page = client.get(link).text
    assert f"Remove {LISTED}?" in page
    assert page.count("<button") == 1
    done = client.post(link)
    assert done.status_code == 303
    assert not _is_listed(listed)
    assert "Removed at 2026-11-25 12:00:00 UTC." in client.get(done.headers["location"]).text
    for again in (client.get(link), client.post(link)):
        assert "Already done: this link was used at 2026-11-25 12:00:00 UTC." in again.text
        assert done.headers["location"] in again.text


def test_a_hundred_looks_change_nothing_and_one_button_still_works(listed: World, sink: MailSink) -> None:
    """Complaint B19: scanners of mail open every link, and the one-time link was gone."""
    link = _mail_sent(listed, sink)
    before = _rows(listed, proof, removal, ticket, emitter_state)
    for number in range(100):
        scanner = Client(listed.site, address=f"198.18.{number}.1")
        assert scanner.request("HEAD" if number % 5 == 0 else "GET", link).status_code == 200
    assert _rows(listed, proof, removal, ticket, emitter_state) == before
    assert Client(listed.site).post(link).status_code == 303
    assert not _is_listed(listed)


def test_the_link_in_a_terminal(listed: World, sink: MailSink) -> None:
    link = _mail_sent(listed, sink)
    answer = Client(listed.site).post(link, headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["outcome"]) == (201, "accepted")


def test_the_link_of_one_address_removes_no_other(listed: World, sink: MailSink) -> None:
    Client(listed.site).post(_mail_sent(listed, sink))
    assert not _is_listed(listed)
    assert _is_listed(listed, V6)
    assert _is_listed(listed, FOREIGN)


def test_a_link_is_over_after_a_day(listed: World, sink: MailSink) -> None:
    link = _mail_sent(listed, sink)
    listed.later(hours=24)
    client = Client(listed.site)
    assert "This link was good until 2026-11-26 12:00 UTC" in client.get(link).text
    assert "This link was good until" in client.post(link).text
    assert _rows(listed, removal) == [[]]


def test_a_link_is_void_after_another_removal(listed: World, sink: MailSink) -> None:
    link = _mail_sent(listed, sink)
    Client(listed.site, address=LISTED).submit(LISTED)
    listed.later(hours=2)
    listed.report(LISTED, hours_ago=0.5, apart_hours=0.2)
    assert _is_listed(listed)
    assert "This link is void" in Client(listed.site).post(link).text
    assert _is_listed(listed)


def test_a_link_is_bound_to_the_removals_so_far(listed: World) -> None:
    """Whatever the waits say: a link made at another epoch removes nothing."""
    site, seed = listed.site, bytes(range(32))
    with site.database.write() as connection:
        proofs.make(
            connection, site.secret, seed=seed, address=parse_address(LISTED), epoch=1, means="mail",
            now=site.seconds(),
        )  # fmt: skip
    answer = Client(site).post(f"/confirm/{link_token(site.secret, seed)}")
    assert "This link is void" in answer.text
    assert _is_listed(listed)


def test_a_link_that_would_only_bring_a_wait_is_kept(listed: World, sink: MailSink) -> None:
    Client(listed.site, address=LISTED).submit(LISTED)
    listed.later(hours=26)
    listed.report(LISTED, hours_ago=25, apart_hours=0.1)
    link = _mail_sent(listed, sink)
    listed.later(hours=1)
    listed.report(LISTED, n=1, hours_ago=0.2)
    page = Client(listed.site).post(link).text
    assert "It can be removed again from" in page
    assert _is_listed(listed)
    assert _rows(listed, proof)[0][0][7] is None


@pytest.mark.parametrize(
    "token", ["0" * 64, "x", "", "%00", "../../etc/passwd", "a" * 5000, "' OR 1=1 --", "é" * 64, "%2e%2e"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_token_that_is_none(listed: World, token: str, method: str) -> None:
    response = Client(listed.site).request(method, f"/confirm/{token}")
    assert response.status_code in {404, 405}
    assert _is_listed(listed)


def test_tokens_stand_hashed_in_the_database(listed: World, sink: MailSink) -> None:
    token = _mail_sent(listed, sink).rpartition("/")[2]
    stored = _rows(listed, proof, outbox)
    assert token not in str(stored)
    assert bytes.fromhex(token) not in [value for table in stored for row in table for value in row]


def test_one_mail_a_day_whatever_is_tried(listed: World, sink: MailSink) -> None:
    client = Client(dataclasses.replace(listed.site, removals_an_hour=1000))
    fields = _form(client, LISTED)
    assert _post(client, "/removal/mail", fields).status_code == 200
    second = _post(client, "/removal/mail", fields)
    assert second.status_code == 429
    assert "A mail went to postmaster@m….example.org less than 24 hours ago" in second.text
    page = client.get("/removal/proofs", params={"address": LISTED}).text
    for value in re.findall(r'name="recipient" id="[^"]*" value="([^"]*)"', page):
        _post(client, "/removal/mail", fields | {"recipient": value})
    _send(listed)
    recipients = [mail.recipients for mail in sink.taken]
    assert len(recipients) == len(set(recipients)) == 4


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"recipient": "victim@example.com"}, id="a typed address"),
        pytest.param({"recipient": ""}, id="none"),
        pytest.param({"email": "victim@example.com", "recipient": "x"}, id="another field"),
        pytest.param({"recipient": "a\r\nBcc: victim@example.com"}, id="a header"),
    ],
)
def test_nothing_typed_becomes_a_recipient(listed: World, sink: MailSink, change: dict[str, str]) -> None:
    client = Client(listed.site)
    response = _post(client, "/removal/mail", _form(client, LISTED) | change)
    assert response.status_code == 422
    assert "Choose one of the addresses." in response.text
    _send(listed)
    assert sink.taken == []


def test_no_mail_about_what_is_not_listed(listed: World, sink: MailSink, dns: NameServer) -> None:
    client = Client(listed.site)
    client.submit(LISTED)
    Client(listed.site, address=LISTED).submit(LISTED)
    dns.asked.clear()
    fields = {"address": LISTED, "recipient": "0" * 16}
    response = client.post("/removal/mail", data=fields, headers={"accept": "text/plain"})
    assert "Nothing to remove" in response.text
    _send(listed)
    assert sink.taken == []
    assert dns.asked == []


def test_a_program_that_fills_in_everything_sends_nothing(listed: World, sink: MailSink) -> None:
    client = Client(listed.site)
    assert _post(client, "/removal/mail", _form(client, LISTED) | {"website": "x"}).status_code == 200
    _send(listed)
    assert sink.taken == []


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"},
        {"referer": "https://evil.example/"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/removal/mail", "/removal/txt"])
def test_a_foreign_page_cannot_ask(listed: World, path: str, headers: dict[str, str]) -> None:
    client = Client(listed.site)
    fields = _form(client, LISTED)
    if "referer" in headers:
        del fields["token"]
    assert client.post(path, data=fields, headers=headers).status_code == 403
    assert _rows(listed, outbox, proof) == [[], []]


def test_a_txt_record_removes(listed: World, dns: NameServer) -> None:
    client = Client(listed.site)
    fields = _form(client, LISTED)
    missing = _post(client, "/removal/txt", fields)
    assert missing.status_code == 422
    assert "The TXT record is not there yet" in missing.text
    page = client.get("/removal/proofs", params={"address": LISTED}).text
    value = re.search(r"<code>([a-z2-7]{32})</code>", page)
    assert value
    dns.records[f"{LABEL}.mail.example.org".lower(), "TXT"] = ["other", value.group(1)]
    done = _post(client, "/removal/txt", fields)
    assert done.status_code == 303
    assert not _is_listed(listed)
    assert _rows(listed, removal)[0][0][-1] == "txt"


def test_the_record_of_one_address_or_removal_is_none_of_another(listed: World, dns: NameServer) -> None:
    client = Client(listed.site)
    plain = {"accept": "application/json"}
    first = client.get("/removal/proofs", params={"address": LISTED}, headers=plain).json()["txt"]["value"]
    dns.records[f"{LABEL}.six.example.net", "TXT"] = [first]
    assert client.post("/removal/txt", data={"address": V6}, headers=plain).status_code == 422
    assert _is_listed(listed, V6)
    Client(listed.site, address=LISTED).submit(LISTED)
    listed.later(days=2)
    listed.report(LISTED, hours_ago=30, apart_hours=0.2)
    dns.records[f"{LABEL}.mail.example.org", "TXT"] = [first]
    terminal = Client(listed.site)
    answer = terminal.post("/removal/txt", data={"address": LISTED}, headers=plain)
    assert answer.status_code == 422
    assert _is_listed(listed)


def test_ipv6_by_mail(listed: World, sink: MailSink) -> None:
    Client(listed.site).post(_mail_sent(listed, sink, V6))
    assert not _is_listed(listed, V6)


def test_no_dns_is_told_and_nothing_is_lost(listed: World, dns: NameServer) -> None:
    dns.rcode = 2
    client = Client(listed.site)
    page = client.get("/removal/proofs", params={"address": LISTED}).text
    assert "DNS did not answer in time" in page
    assert "Write to the operator" in page
    dns.rcode = 0
    assert "postmaster@m….example.org" in client.get("/removal/proofs", params={"address": LISTED}).text


def test_without_mail_the_other_proofs_stay(listed: World) -> None:
    settings = listed.site.settings.model_copy(update={"mail": MailSettings()})
    site = dataclasses.replace(listed.site, settings=settings)
    client = Client(site)
    page = client.get("/removal/proofs", params={"address": LISTED}).text
    assert "This site sends no mail at present." in page
    assert f"{LABEL}.mail.example.org" in page
    response = Client(site).post(
        "/removal/mail", data={"address": LISTED, "recipient": "x"}, headers={"accept": "text/plain"}
    )
    assert response.status_code == 503
    assert "sends no mail" in response.text
    assert _rows(listed, outbox) == [[]]


def test_the_proofs_for_programs(listed: World) -> None:
    client = Client(listed.site)
    found = client.json(f"/removal/proofs?address={LISTED}")
    assert found["mail"][0]["to"] == "postmaster@m….example.org"
    assert found["txt"]["names"] == [f"{LABEL}.mail.example.org"]
    terminal = Client(listed.site)
    fields = {"address": LISTED, "recipient": found["mail"][0]["recipient"]}
    sent = terminal.post("/removal/mail", data=fields, headers={"accept": "*/*"})
    assert sent.status_code == 202
    assert "A mail goes to postmaster@m….example.org" in sent.text
    lines = terminal.get(f"/removal/proofs?address={LISTED}", headers={"accept": "*/*"}).text
    assert f"publish {LABEL}.mail.example.org TXT" in lines


def test_a_stranger_page_leads_from_the_removal_to_the_other_proofs(listed: World) -> None:
    page = Client(listed.site, address=STRANGER).get("/removal", params={"address": LISTED}).text
    assert f'href="/removal/proofs?address={LISTED}"' in page
