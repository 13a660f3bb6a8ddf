"""The desk: a reporter sees and changes own things, and nothing of anybody else."""

import dataclasses
import re

import httpx2 as httpx
import pytest
import sqlalchemy as sa

from feed.domain.address import parse_address
from feed.domain.canary import Finding
from feed.store import canaries, disclosures, reporters
from feed.store.canaries import Outcome
from feed.store.tables import api_key, audit
from tests.feed.web.world import SITE_URL, Client, World

XSS = "<script>alert(1)</script>"


def _key(world: World, number: int, scopes: tuple[str, ...] = ("report", "read")) -> str:
    with world.site.database.write() as connection:
        return reporters.new_key(
            connection, world.site.secret, source_id=world.reporters[number], scopes=scopes, author="t",
            now=world.site.seconds(),
        )  # fmt: skip


def _enter(world: World, number: int = 0) -> Client:
    client = Client(dataclasses.replace(world.site, quotas=(10_000, 1_000_000)))
    assert client.post("/desk/sign-in", data={"key": _key(world, number)}).status_code == 303
    return client


def _press(client: Client, action: str, **fields: str) -> httpx.Response:
    token = re.search(r'name="token" value="([0-9a-f]+)"', client.get("/desk").text)
    data = {"token": token.group(1) if token else ""} | fields
    return client.post(f"/desk/do/{action}", data=data, headers={"origin": SITE_URL})


def test_own_standing_and_nothing_of_others(world: World) -> None:
    page = _enter(world).get("/desk").text
    assert "one GmbH" in page
    assert "two GmbH" not in page
    assert "1.0 of 1" in page
    assert "0 of 10000 used today" in page


def test_nobody_looks_without_a_key(world: World) -> None:
    client = Client(world.site)
    assert client.get("/desk").headers["location"] == "/desk/sign-in"
    with world.site.database.write() as connection:
        operator = reporters.new_key(
            connection, world.site.secret, source_id=None, scopes=("operate", "read"), author="t",
            now=world.site.seconds(),
        )  # fmt: skip
    for key in (operator, "x", "", "bsf_" + "0" * 16 + "_" + "0" * 64):
        assert client.post("/desk/sign-in", data={"key": key}).status_code == 403


def test_keys_are_changed_with_overlap(world: World) -> None:
    client = _enter(world)
    made = _press(client, "key-new")
    new = re.search(r"bsf_[0-9a-f]{16}_[0-9a-f]{64}", made.text)
    assert new
    assert not re.search(r"bsf_[0-9a-f]{16}_[0-9a-f]{64}", client.get("/desk").text)
    site = world.site
    with site.database.read() as connection:
        assert reporters.authenticate(connection, site.secret, new.group(), now=site.seconds())
        ids = connection.execute(
            sa.select(api_key.c.key_id).where(api_key.c.source_id == world.reporters[0])
        ).scalars()
        old = next(one for one in ids if one not in new.group())
    _press(client, "key-end", key_id=old)
    assert client.get("/desk").status_code == 303  # the session was opened by that key
    again = Client(site)
    assert again.post("/desk/sign-in", data={"key": new.group()}).status_code == 303
    refused = _press(again, "key-end", key_id=new.group().split("_")[1])
    assert refused.status_code == 422
    assert "your only key" in refused.text


def test_another_reporters_key_is_out_of_reach(world: World) -> None:
    foreign = _key(world, 1).split("_")[1]
    client = _enter(world)
    assert _press(client, "key-end", key_id=foreign).status_code == 422
    with world.site.database.read() as connection:
        row = connection.execute(sa.select(api_key).where(api_key.c.key_id == foreign)).one()
    assert row.revoked_at is None


def test_keys_are_bounded(world: World) -> None:
    client = _enter(world)
    codes = [_press(client, "key-new").status_code for _ in range(5)]
    assert codes == [200] * 4 + [422]


@pytest.mark.parametrize(
    ("network", "status"),
    [("192.0.2.0/24", 200), ("2001:db8::/32", 200), ("0.0.0.0/0", 422), ("::/0", 422), ("x", 422), ("", 422)],
)
def test_own_networks(world: World, network: str, status: int) -> None:
    client = _enter(world)
    assert _press(client, "network-add", network=network).status_code == status
    with world.site.database.read() as connection:
        found = reporters.find(connection, world.reporters[0]).own_networks
        assert reporters.find(connection, world.reporters[1]).own_networks == ()
    assert len(found) == (1 if status == 200 else 0)
    if status == 200:
        assert _press(client, "network-add", network=network).status_code == 200
        assert _press(client, "network-end", network=str(found[0])).status_code == 200
        assert _press(client, "network-end", network=str(found[0])).status_code == 422


def test_how_exact_times_are_told(world: World) -> None:
    client = _enter(world)
    assert _press(client, "detail", detail="hour").status_code == 200
    assert _press(client, "detail", detail="second").status_code == 422
    with world.site.database.read() as connection:
        assert disclosures.detail_of(connection, world.reporters[0]) == "hour"
        assert disclosures.detail_of(connection, world.reporters[1]) is None


def test_every_change_stands_in_the_audit_log(world: World) -> None:
    client = _enter(world)
    _press(client, "detail", detail="hour")
    _press(client, "network-add", network="192.0.2.0/24")
    with world.site.database.read() as connection:
        rows = connection.execute(sa.select(audit.c.actor, audit.c.action)).all()
    assert [tuple(row) for row in rows] == [("reporter:1", "detail"), ("reporter:1", "network_add")]


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}])
def test_a_foreign_page_makes_nobody_act(world: World, headers: dict[str, str]) -> None:
    client = _enter(world)
    token = re.search(r'name="token" value="([0-9a-f]+)"', client.get("/desk").text)
    assert token
    answer = client.post("/desk/do/key-new", data={"token": token.group(1)}, headers=headers)
    assert answer.status_code == 403
    assert (
        client.post("/desk/do/key-new", data={"token": "x"}, headers={"origin": SITE_URL}).status_code == 403
    )


def test_the_cookie_is_strict_and_for_the_desk(world: World) -> None:
    client = Client(world.site)
    cookie = client.post("/desk/sign-in", data={"key": _key(world, 0)}).headers["set-cookie"].lower()
    for part in ("httponly", "samesite=strict", "path=/desk"):
        assert part in cookie


def test_what_is_stored_is_escaped(world: World) -> None:
    with world.site.database.write() as connection:
        connection.execute(
            sa.text("UPDATE reporter SET organisation = :x, name = :x || source_id"), {"x": XSS}
        )
    page = _enter(world).get("/desk").text
    assert XSS not in page


def test_a_suspended_reporter_is_told(world: World) -> None:
    client = _enter(world)
    with world.site.database.write() as connection:
        reporters.suspend(connection, world.reporters[0], now=world.site.seconds())
    assert "This reporter is suspended" in client.get("/desk").text


def test_calibration_is_shown(world: World) -> None:
    client = _enter(world)
    assert "None yet" in client.get("/desk").text
    address, now = parse_address("198.51.100.9"), world.site.seconds()
    with world.site.database.write() as connection:
        run_id = canaries.start(
            connection, world.site.secret, world.reporters[0], token="t" * 20, address=address,
            authserv_id="mx.one.example", mails=9, author="t", now=now,
        )  # fmt: skip
        for name, finding in (("plain", Finding.KNOWN_ADDRESS), ("exim-v4", Finding.FORGED_ADDRESS)):
            outcome = Outcome(name=name, finding=finding, found=address, keeps_foreign_results=True, at=now)
            canaries.note(connection, world.reporters[0], run_id, outcome)
    page = client.get("/desk").text
    assert "1 right of 2 that came back; 9 were sent." in page
    assert Finding.FORGED_ADDRESS.phrase in page
    assert "Submit the others until 2026-12-02" in page
    assert "None yet" in _enter(world, 1).get("/desk").text, "nobody sees what others are found to do"
    world.later(days=8)
    assert "did not come back in time" in _enter(world).get("/desk").text


def test_the_day_of_a_keys_last_use_is_shown(world: World) -> None:
    client = _enter(world)
    assert "Last used 2026-11-25" in client.get("/desk").text
    other = _key(world, 0).split("_")[1]
    page = client.get("/desk").text
    assert re.search(rf"bsf_{other}_[^<]*</code>[^;]*;[^;]*; Last used never", page)
