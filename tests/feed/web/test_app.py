"""Headers, errors and limits of the whole application; texts complete; the policy page true."""

import dataclasses
import html.parser
import pathlib
import re
import string

import pytest

from feed.domain.policy import COMMUNITY, PRIVATE, Policy, with_overrides
from feed.store.database import Database
from feed.web import advice
from feed.web.messages import MESSAGES
from tests.feed.web.world import Client, World

FOLDER = pathlib.Path(advice.__file__).parent
PATHS = ["/", "/policy", "/lookup", "/lookup?address=192.0.2.7", "/removal?address=192.0.2.7", "/nothing"]


@pytest.mark.parametrize("path", [*PATHS, "/static/site.css", "/static/nothing", "/mine", "/ticket/x"])
def test_every_answer_carries_the_security_headers(client: Client, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] in {"same-origin", "no-referrer"}


@pytest.mark.parametrize("path", PATHS)
def test_every_page_has_the_marks_of_an_accessible_one(client: Client, path: str) -> None:
    page = client.get(path).text
    assert '<html lang="en">' in page
    assert '<a class="skip" href="#content">' in page
    assert '<main id="content"' in page
    assert page.count("<h1>") == 1
    assert '<nav aria-label="Main">' in page
    for number in re.findall(r'<(?:input|textarea)[^>]*id="([\w-]+)"', page):
        assert f'<label for="{number}">' in page
    ids = re.findall(r'\sid="([\w-]+)"', page)
    assert len(ids) == len(set(ids))
    for target in re.findall(r'(?:href="#|aria-labelledby="|aria-describedby=")([\w-]+)', page):
        assert target in ids


class _Balance(html.parser.HTMLParser):
    """Notes tags that do not match, attributes that come twice and blocks inside a paragraph."""

    VOID = frozenset({"meta", "link", "input", "br", "rect", "img", "hr"})
    BLOCKS = frozenset({"p", "div", "ul", "ol", "dl", "table", "pre", "h1", "h2", "h3", "section", "form"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.faults.append(f"attribute twice in {tag}")
        if any(name.startswith("on") or name == "style" for name in names):
            self.faults.append(f"inline code in {tag}")
        if tag in self.BLOCKS and self.open and self.open[-1] == "p":
            self.faults.append(f"{tag} inside p")
        if tag == "form" and "form" in self.open:
            self.faults.append("form inside form")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"unmatched {tag}")


@pytest.mark.parametrize(
    "path",
    [
        *PATHS, "/fix", "/fix/exim", "/use", "/report", "/terms", "/statistics", "/desk/sign-in",
        "/removal/proofs?address=192.0.2.7", "/dispute?address=192.0.2.7",
    ],
)  # fmt: skip
def test_every_page_is_well_formed(world: World, path: str) -> None:
    world.report("192.0.2.7")
    page = Client(world.site, address="192.0.2.7").get(path).text
    balance = _Balance()
    balance.feed(page)
    assert balance.faults == []
    assert balance.open == []
    assert "<script" not in page


@pytest.mark.parametrize("host", ["evil.example", "feed.test:1@evil.example", "", "x" * 300])
def test_the_host_field_gets_into_no_page_and_no_link(client: Client, host: str) -> None:
    for path in ("/", "/removal", "/lookup/192.0.2.7", "/mine", "/desk"):
        answer = client.get(path, headers={"host": host})
        assert "evil.example" not in answer.text
        assert "evil.example" not in answer.headers.get("location", "")


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/lookup/..%2f..%2fetc",
        "/ticket/..%2f", "/confirm/%2e%2e", "/fix/..%2fpolicy", "/lookup//evil.example", "/%00",
        "/console/../desk", "/policy/",
    ],
)  # fmt: skip
def test_path_tricks_lead_nowhere(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code in {302, 303, 404, 405, 422}
    location = answer.headers.get("location", "/")
    assert location.startswith("/")
    assert not location.startswith("//")
    assert "import " not in answer.text


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_unknown_pages_and_methods(client: Client, accept: str) -> None:
    missing = client.get("/nothing/here", headers={"accept": accept})
    assert missing.status_code == 404
    wrong = client.request("PUT", "/removal", headers={"accept": accept})
    assert wrong.status_code == 405
    assert wrong.headers["allow"] == "GET, HEAD, POST"
    assert client.request("DELETE", "/", headers={"accept": accept}).headers["allow"] == "GET, HEAD"
    if accept == "application/json":
        assert missing.json()["status"] == 404
    else:
        assert "There is no page at this address." in missing.text


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/redoc"])
def test_there_is_no_interface_description_here(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_a_database_that_does_not_answer_is_told_and_dns_goes_on(
    world: World, tmp_path: pathlib.Path, accept: str
) -> None:
    broken = Database(f"sqlite:///{tmp_path}/no/such/folder/feed.db")
    client = Client(dataclasses.replace(world.site, database=broken), address="192.0.2.7")
    answers = [
        client.get("/lookup?address=192.0.2.7", headers={"accept": accept}),
        client.get("/removal?address=192.0.2.7", headers={"accept": accept}),
        client.post("/removal", data={"address": "192.0.2.7"}, headers={"accept": accept}),
        client.get("/ticket/x", headers={"accept": accept}),
    ]
    for answer in answers:
        assert answer.status_code == 503
        assert "DNS goes on answering" in answer.text
        assert answer.headers["retry-after"] == "60"
    assert client.get("/").status_code == 200
    assert client.get("/policy").status_code == 200
    broken.dispose()


def test_a_defect_is_told_without_its_inside(world: World) -> None:
    def broken() -> object:
        raise RuntimeError("inside <b>")

    client = Client(dataclasses.replace(world.site, now=broken))  # type: ignore[arg-type]
    answer = client.get("/lookup?address=192.0.2.7")
    assert answer.status_code == 500
    assert "This is a defect on our side" in answer.text
    assert "inside" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_look_ups_are_limited_by_network_and_recover(world: World) -> None:
    client = Client(dataclasses.replace(world.site, lookups_a_minute=3), address="203.0.113.1")
    codes = [client.get("/lookup?address=192.0.2.7").status_code for _ in range(4)]
    assert codes == [200, 200, 200, 429]
    client.address = "203.0.113.2"
    refused = client.get("/lookup?address=192.0.2.7")
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) == 20
    assert "203.0.113.0/24" in refused.text
    assert client.get("/").status_code == 200
    client.address = "198.51.100.1"
    assert client.get("/lookup?address=192.0.2.7").status_code == 200
    client.address = "203.0.113.1"
    world.later(seconds=20)
    assert client.get("/lookup?address=192.0.2.7").status_code == 200


@pytest.mark.parametrize("policy", [COMMUNITY, PRIVATE], ids=lambda policy: policy.name)
def test_the_policy_page_is_read_from_the_policy(world: World, policy: Policy) -> None:
    changed = with_overrides(policy, {"list_at": 13.5, "hard_cap_minutes": 21 * 1440})
    page = Client(dataclasses.replace(world.site, policy=changed)).get("/policy").text
    assert page.index("You need not switch bounces off") < page.index("The policy in force")
    assert "13.5" in page
    assert "21 days" in page
    assert "Nothing can be bought" in page
    assert ("trap or tagged" in page) is (policy is PRIVATE)


def test_the_start_page_leads_to_everything(client: Client) -> None:
    page = client.get("/").text
    assert "You need not switch bounces off" in page
    for target in ('href="/mine"', 'href="/policy"', 'action="/lookup"'):
        assert target in page


def test_every_text_is_used_and_every_use_has_its_text() -> None:
    sources = "".join(
        path.read_text() for path in (*FOLDER.glob("*.py"), *FOLDER.glob("templates/*.html"))
        if not path.name.startswith("messages")
    )  # fmt: skip
    whole = set(re.findall(r'["\']([a-z_]+\.[a-z0-9_]+)["\']', sources))
    starts = (*re.findall(r'"([a-z_]+\.[a-z0-9_]*)(?:\{|" ~)', sources), "error.")
    unused = [key for key in MESSAGES if key not in whole and not key.startswith(starts)]
    assert unused == []
    texts = {key for key in whole if key.split(".")[0] in {name.split(".")[0] for name in MESSAGES}}
    assert {key for key in texts if key not in MESSAGES and not key.endswith(("_", ".html"))} == set()


def test_texts_are_templates_without_surprises() -> None:
    for key, words in MESSAGES.items():
        assert words == words.strip(), key
        for _, name, spec, conversion in string.Formatter().parse(words):
            assert name is None or (name.isidentifier() and not spec and not conversion), key


@pytest.mark.parametrize(
    ("software", "key"),
    [
        ("postfix", "postfix"), ("Exim 4.96", "exim"), ("exchange", "exchange"),
        ("Exchange Online", "microsoft365"),
        ("microsoft365", "microsoft365"), ("Microsoft 365", "microsoft365"), ("sendmail", "sendmail"),
        ("qmail", "qmail"), ("cPanel", "cpanel"), ("<script>", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_advice_for(software: str | None, key: str | None) -> None:
    found = advice.advice_for(software)
    assert (found.key if found else None) == key


def _palettes() -> dict[str, dict[str, str]]:
    css = (FOLDER / "static" / "site.css").read_text()
    light, dark = re.findall(r":root \{([^}]*--[^}]*)\}", css)
    return {
        name: dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        for name, block in (("light", light), ("dark", dark))
    }


def _contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2, relative luminance)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        ]
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_colours_have_the_contrast_that_reading_takes(name: str) -> None:
    palette = _palettes()[name]
    texts = [
        (text, ground)
        for text in ("text", "soft", "link", "good", "bad", "wrong")
        for ground in ("ground", "raised")
    ]
    texts += [("on-action", "action"), ("on-action", "action-over"), ("bad", "bad-ground")]
    texts += [("good", "good-ground"), ("text", "bad-ground"), ("text", "good-ground")]
    for text, ground in texts:
        assert _contrast(palette[text], palette[ground]) >= 4.5, (text, ground)
    for mark in ("edge", "focus"):
        for ground in ("ground", "raised"):
            assert _contrast(palette[mark], palette[ground]) >= 3, (mark, ground)
