"""The console: who gets in, that nobody else makes it act, and what each action does and leaves behind."""

import pathlib
import re

import httpx2 as httpx
import pytest
import sqlalchemy as sa

from feed.jobs import publish
from feed.store import controls, disputes, reporters, sessions
from feed.store.tables import exemption, reporter
from feed.store.tables_site import session, sign_in
from feed.web import console
from feed.web.app import create_app
from tests.feed.web.operator_client import Operator, audit_lines, operator_key
from tests.feed.web.world import SITE_URL, Client, World

LISTED = "192.0.2.7"
XSS = "<script>alert(1)</script>\"'><img src=x>{{7*7}}"
PAGES = ["/console", *(f"/console/{page}" for page in console.PAGES)]


@pytest.fixture
def listed(world: World, kept: pathlib.Path) -> World:
    world.tell(kept, lambda: world.report(LISTED))
    return world


@pytest.fixture
def operator(listed: World) -> Operator:
    made = Operator(listed)
    made.key = operator_key(listed, "operate", "read")
    answer = made.post("/console/sign-in", data={"key": made.key})
    assert answer.status_code == 303
    return made


def test_it_is_there_only_where_it_is_served(world: World) -> None:
    for path in PAGES:
        assert Client(world.site).get(path).status_code == 404
    only = Operator(world)
    only.app = create_app(world.site, parts=("console",))
    assert only.get("/console/sign-in").status_code == 200
    assert only.get("/lookup").status_code == 404


@pytest.mark.parametrize("path", PAGES)
def test_nobody_looks_without_signing_in(listed: World, path: str) -> None:
    answer = Operator(listed).get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in")
    assert answer.content == b""


def test_the_link_signs_in_once_and_only_by_its_button(listed: World) -> None:
    with listed.site.database.write() as connection:
        token = sessions.new_link(
            connection, listed.site.secret, author="cli:root", now=listed.site.seconds()
        )
        assert token not in str(connection.execute(sa.select(sign_in)).all())
    operator = Operator(listed)
    for _ in range(100):
        assert operator.get(f"/console/enter/{token}").status_code == 200
    answer = operator.post(f"/console/enter/{token}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    cookie = answer.headers["set-cookie"].lower()
    for part in ("httponly", "samesite=strict", "path=/console"):
        assert part in cookie
    assert "Signed in as link:cli:root" in operator.get("/console").text
    assert Operator(listed).post(f"/console/enter/{token}").status_code == 403
    assert audit_lines(listed) == [("link", "console_sign_in", "console", "signed in")]


@pytest.mark.parametrize("token", ["x", "a" * 43, "a" * 3000, "%00", "é"])
def test_a_link_that_is_none(listed: World, token: str) -> None:
    assert Operator(listed).post(f"/console/enter/{token}").status_code in {403, 404}


def test_a_link_is_over_after_ten_minutes(listed: World) -> None:
    with listed.site.database.write() as connection:
        token = sessions.new_link(connection, listed.site.secret, author="x", now=listed.site.seconds())
    listed.later(minutes=10)
    assert Operator(listed).post(f"/console/enter/{token}").status_code == 403


@pytest.mark.parametrize("scopes", [("read",), ("report", "read")])
def test_no_other_key_opens_it(listed: World, scopes: tuple[str, ...]) -> None:
    for source_id in (None, listed.reporters[0]):
        answer = Operator(listed).post(
            "/console/sign-in", data={"key": operator_key(listed, *scopes, source_id=source_id)}
        )
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


def test_guessing_keys_is_limited(listed: World) -> None:
    operator = Operator(listed)
    codes = [operator.post("/console/sign-in", data={"key": "x"}).status_code for _ in range(11)]
    assert codes == [403] * 10 + [429]


def test_sessions_end(listed: World, operator: Operator) -> None:
    listed.later(minutes=29)
    assert operator.get("/console").status_code == 200
    listed.later(minutes=29)
    assert operator.get("/console").status_code == 200
    listed.later(minutes=30)
    assert operator.get("/console").status_code == 303
    assert operator.press("freeze").status_code == 403


def test_a_session_ends_with_its_key_and_on_signing_out(listed: World, operator: Operator) -> None:
    other = Operator(listed, address="198.51.100.1")
    assert other.post("/console/sign-in", data={"key": operator.key}).status_code == 303
    token = re.search(r'name="token" value="([0-9a-f]+)"', other.get("/console").text)
    assert token
    kept = httpx.Cookies(other.cookies)
    other.post("/console/sign-out", data={"token": token.group(1)}, headers={"origin": SITE_URL})
    other.cookies = kept
    assert other.get("/console").status_code == 303
    assert operator.get("/console").status_code == 200
    with listed.site.database.write() as connection:
        reporters.revoke_key(
            connection,
            operator.key.split("_")[1],
            now=listed.site.seconds(),
        )
    assert operator.get("/console").status_code == 303


def test_eight_hours_are_the_end(listed: World, operator: Operator) -> None:
    for _ in range(31):
        assert operator.get("/console").status_code == 200
        listed.later(minutes=15)
    listed.later(minutes=15)
    assert operator.get("/console").status_code == 303


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        pytest.param({"origin": "https://evil.example"}, "good", id="foreign origin"),
        pytest.param({"sec-fetch-site": "cross-site"}, "good", id="cross-site"),
        pytest.param({"origin": "null"}, "good", id="opaque origin"),
        pytest.param({"origin": SITE_URL}, "", id="no token"),
        pytest.param({"origin": SITE_URL}, "0" * 64, id="forged token"),
    ],
)
def test_a_foreign_page_makes_nobody_act(
    listed: World, operator: Operator, headers: dict[str, str], token: str
) -> None:
    found = re.search(r'name="token" value="([0-9a-f]+)"', operator.get("/console").text)
    assert found
    before = audit_lines(listed)
    data = {"token": found.group(1) if token == "good" else token, "reason": "x"}
    assert operator.post("/console/do/freeze", data=data, headers=headers).status_code == 403
    assert audit_lines(listed) == before


def test_a_cookie_that_was_changed_is_none(listed: World, operator: Operator) -> None:
    value = operator.cookies["bsf_console"]
    stranger = Operator(listed)
    content, dot, signature = value.rpartition(".")
    for forged in (content + dot + signature[::-1], content[::-1] + dot + signature, content, "x", ""):
        assert stranger.get("/console", headers={"cookie": f"bsf_console={forged}"}).status_code == 303
    assert stranger.get("/desk", headers={"cookie": f"bsf_desk={value}"}).status_code == 303
    with listed.site.database.read() as connection:
        assert value not in str(connection.execute(sa.select(session)).all())


def test_looking_changes_nothing(listed: World, operator: Operator) -> None:
    before = audit_lines(listed)
    for path in (*PAGES, f"/console/listings?address={LISTED}", "/console/audit?before=x", "/console/none"):
        for method in ("GET", "HEAD"):
            answer = operator.request(method, path)
            assert answer.status_code == 200, path
            assert answer.headers["cache-control"] == "no-store"
    assert audit_lines(listed) == before
    assert operator.request("GET", "/console/do/freeze").status_code == 405


@pytest.mark.parametrize(
    "reason", ["", "  ", "x" * 201, "\x00\x07"], ids=["none", "blanks", "long", "controls"]
)
@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("freeze", {}), ("suspend", {"name": "one"}), ("remove", {"address": LISTED}),
        ("exempt", {"network": "192.0.2.0/24", "days": "1"}),
    ],
)  # fmt: skip
def test_no_action_without_a_reason(
    listed: World, operator: Operator, action: str, fields: dict[str, str], reason: str
) -> None:
    before = audit_lines(listed)
    answer = operator.press(action, **fields, reason=reason)
    assert answer.status_code == 422
    assert audit_lines(listed) == before


def test_freeze_and_thaw(listed: World, operator: Operator) -> None:
    assert console.FREEZE == publish.FREEZE
    assert "Frozen since" in operator.press("freeze", reason="looking").text
    with listed.site.database.read() as connection:
        found = controls.get(connection, publish.FREEZE)
    assert found is not None
    assert (found.value, found.reason) == ("on", "looking")
    again = operator.press("freeze", reason="once more")
    assert again.status_code == 422
    assert "Already frozen since" in again.text
    assert "because: looking (" in again.text
    assert "Additions go out." in operator.press("thaw").text
    assert [line[1:] for line in audit_lines(listed)[1:]] == [
        ("freeze", "publication", "looking"),
        ("thaw", "publication", "because"),
    ]


def test_suspend_and_resume(listed: World, operator: Operator) -> None:
    page = operator.press("suspend", "/console/reporters", name="one").text
    assert "one is suspended" in page
    assert "Lift the suspension of one" in page
    with listed.site.database.read() as connection:
        rows = connection.execute(sa.select(reporter.c.name, reporter.c.suspended_at)).all()
    assert [row.name for row in rows if row.suspended_at] == ["one"]
    operator.press("resume", name="one")
    listed.score()
    assert operator.press("suspend", name="nobody").status_code == 422


def test_exempt_and_end(listed: World, operator: Operator) -> None:
    answer = operator.press("exempt", network="192.0.2.0/24", days="30", kind="hold", reason="pool")
    assert "192.0.2.0/24" in answer.text
    assert "pool" in answer.text
    listed.score()
    assert not Client(listed.site).json(f"/lookup?address={LISTED}")["listed"]
    with listed.site.database.read() as connection:
        number = connection.execute(sa.select(exemption.c.exemption_id)).scalar_one()
    assert operator.press("end-exemption", number=str(number)).status_code == 200
    assert operator.press("end-exemption", number=str(number)).status_code == 422
    for bad in ({"network": "x", "days": "1"}, {"network": "192.0.2.0/24", "days": "0"},
                {"network": "192.0.2.0/24", "days": "99999"},
                {"network": "192.0.2.0/24", "days": "²"}):  # fmt: skip
        assert operator.press("exempt", **bad).status_code == 422
    assert [line[1] for line in audit_lines(listed)[1:]] == ["hold_add", "exemption_end"]


def test_ending_a_listing(listed: World, operator: Operator) -> None:
    page = operator.get(f"/console/listings?address={LISTED}").text
    assert f"End the listing of {LISTED}" in page
    assert operator.press("remove", address=LISTED).status_code == 200
    assert not Client(listed.site).json(f"/lookup?address={LISTED}")["listed"]
    listed.score()
    assert not Client(listed.site).json(f"/lookup?address={LISTED}")["listed"]
    assert operator.press("remove", address=LISTED).status_code == 422
    assert operator.press("remove", address="x").status_code == 422


@pytest.mark.parametrize(
    ("answer", "retract", "taken", "is_listed"),
    [("upheld", "yes", 3, False), ("rejected", "yes", 0, True), ("partly", "", 0, True)],
)
def test_answering_a_dispute(
    listed: World, operator: Operator, answer: str, retract: str, taken: int, is_listed: bool
) -> None:
    with listed.site.database.write() as connection:
        from feed.domain.address import parse_address

        number = disputes.file(
            connection, address=parse_address(LISTED), words=XSS, reports="", proven=True,
            now=listed.site.seconds(),
        )  # fmt: skip
    assert number
    page = operator.get("/console/disputes").text
    assert "owner, proven" in page
    assert "<script>" not in page
    done = operator.press("answer", dispute=number, answer=answer, retract=retract, reason="looked at it")
    assert f"reports taken back: {taken}" in done.text
    listed.score()
    assert Client(listed.site).json(f"/lookup?address={LISTED}")["listed"] is is_listed
    assert "looked at it" in Client(listed.site).get(f"/dispute/{number}").text
    assert operator.press("answer", dispute=number, answer=answer).status_code == 422
    assert audit_lines(listed)[-1][1] == f"dispute_{answer}"


def test_disputes_stand_oldest_first_and_overdue_ones_are_marked(listed: World, operator: Operator) -> None:
    from feed.domain.address import parse_address

    with listed.site.database.write() as connection:
        for days, words in ((1, "younger"), (5, "older")):
            disputes.file(
                connection, address=parse_address(LISTED), words=words, reports="", proven=False,
                now=listed.site.seconds() - days * 86_400,
            )  # fmt: skip
    page = operator.get("/console/disputes").text
    assert page.index("older") < page.index("younger")
    assert page.count("overdue") == 1


def test_everything_a_stranger_or_reporter_wrote_is_escaped(listed: World, operator: Operator) -> None:
    from feed.domain.address import parse_address

    with listed.site.database.write() as connection:
        connection.execute(sa.update(reporter).values(organisation=XSS))
        connection.execute(sa.text("UPDATE emitter_state SET reason = :x, software = :x"), {"x": XSS[:32]})
        disputes.file(
            connection, address=parse_address(LISTED), words=XSS, reports=XSS, proven=False,
            now=listed.site.seconds(),
        )  # fmt: skip
    operator.press("freeze", reason=XSS[:200])
    operator.press("exempt", network="192.0.2.0/24", days="3", reason=XSS)
    for path in (*PAGES, f"/console/listings?address={XSS}", f"/console/audit?before={XSS}"):
        page = operator.get(path).text
        assert "<script>" not in page, path
        assert "<img" not in page, path


def test_the_pages_show_what_there_is(listed: World, operator: Operator) -> None:
    page = operator.get("/console/listings").text
    assert LISTED in page
    assert "127.0.0.2" in page
    listed.report("11.22.33.44")
    assert "provider" in operator.get("/console/listings").text
    assert "never published" in operator.get("/console").text
    assert "console_sign_in" in operator.get("/console/audit").text
    assert "one GmbH" in operator.get("/console/reporters").text
