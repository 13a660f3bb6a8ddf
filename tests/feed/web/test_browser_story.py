"""A real browser goes every new way, with and without scripts, narrow and wide, and by keyboard only."""

import dataclasses
import pathlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import uvicorn

from feed.jobs import bulk_actions
from feed.jobs import outbox as job
from feed.settings import MailSettings, SiteSettings
from feed.store import reporters, sessions
from feed.web.app import create_app
from tests.feed.web.world import World
from tests.mail_sink import MailSink
from tests.name_server import NameServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = pathlib.Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
LISTED = "192.0.2.7"
FAULTS = """() => {
    const seen = item => item.offsetParent !== null;
    const all = query => [...document.querySelectorAll(query)].filter(seen);
    const faults = [];
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth) faults.push('overflow');
    for (const item of all('button, input:not([type=hidden]), summary, nav a, .button')) {
        const box = item.getBoundingClientRect();
        if (box.width < 24 || box.height < 24) faults.push('small: ' + item.outerHTML.slice(0, 80));
    }
    for (const item of all('input:not([type=hidden]), textarea'))
        if (!item.labels.length && !item.getAttribute('aria-label')) faults.push('no label: ' + item.name);
    for (const item of all('a, button'))
        if (!(item.innerText || item.ariaLabel || '').trim()) faults.push('no name: ' + item.outerHTML);
    for (const item of all('svg')) if (!item.ariaLabel && !item.ariaHidden) faults.push('svg');
    const ids = [...document.querySelectorAll('[id]')].map(item => item.id);
    if (new Set(ids).size !== ids.length) faults.push('ids');
    for (const item of document.querySelectorAll('[aria-labelledby], [aria-describedby]'))
        for (const name of ['aria-labelledby', 'aria-describedby'])
            for (const id of (item.getAttribute(name) || '').split(' ').filter(Boolean))
                if (!document.getElementById(id)) faults.push('dangling ' + id);
    const levels = all('h1, h2, h3').map(item => +item.tagName[1]);
    if (levels.filter(level => level === 1).length !== 1) faults.push('h1');
    levels.forEach((level, n) => { if (n && level > levels[n - 1] + 1) faults.push('heading jump'); });
    for (const table of all('table'))
        if (!table.querySelector('th[scope=col]')) faults.push('table without heads');
    return faults;
}"""

pytestmark = pytest.mark.browser


@dataclasses.dataclass
class Served:
    """A running site with its name server and relay."""

    url: str
    world: World
    sink: MailSink

    def send(self) -> str:
        """Send the outbox and return the path in the last mail."""
        site = self.world.site
        job.send_due(site.database, site.settings.mail, site.secret, now=site.seconds())
        found = re.search(r"(/confirm/[0-9a-f]{64})", self.sink.taken[-1].message.get_content())
        assert found
        return found.group(1)


@pytest.fixture
def served(world: World) -> Iterator[Served]:
    dns = NameServer(
        {
            ("7.2.0.192.in-addr.arpa", "PTR"): ["mail.example.org."],
            ("mail.example.org", "A"): [LISTED],
            ("example.org", "MX"): ["10 mail.example.org."],
        }
    )
    sink = MailSink()
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = world.site.settings.model_copy(
        update={
            "publish": world.site.settings.publish.model_copy(update={"site_url": url}),
            "site": SiteSettings(resolver=dns.listen),
            "mail": MailSettings(host="127.0.0.1", port=sink.port, sender="noreply@feed.test", timeout_s=2),
        }
    )
    site = dataclasses.replace(world.site, settings=settings, lookups_a_minute=1000, removals_an_hour=1000)
    world = World(site=site, clock=world.clock, reporters=world.reporters)
    world.report(LISTED)
    application = create_app(site, parts=("site", "console"))
    server = uvicorn.Server(
        uvicorn.Config(application, log_level="warning", proxy_headers=False, lifespan="off")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield Served(url, world, sink)
    server.should_exit = True
    thread.join()
    listener.close()
    dns.close()
    sink.close()


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Start Chromium once; each test has a context of its own, with no cookie of another."""
    if not CHROMIUM.exists():
        pytest.skip("needs Debian's Chromium at /usr/bin/chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield made
        made.close()


@pytest.fixture(params=[(360, False), (1280, True)], ids=["narrow, no scripts", "wide, scripts"])
def page(request: pytest.FixtureRequest, browser: "Browser") -> Iterator["Page"]:
    """Open a page from an address that is not the listed one."""
    width, scripts = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        java_script_enabled=scripts,
        extra_http_headers={"X-Forwarded-For": "198.51.100.5"},
    )
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def _fine(page: "Page") -> None:
    assert page.evaluate(FAULTS) == [], page.url


def test_from_the_listing_by_mail_to_the_ticket_and_the_reports(page: "Page", served: Served) -> None:
    problems: list[str] = []
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    page.goto(f"{served.url}/lookup?address={LISTED}")
    _fine(page)
    page.get_by_role("link", name="Exim").click()
    assert page.get_by_text("You chose Exim").is_visible()
    page.get_by_role("link", name="Have this address removed").last.click()
    page.get_by_role("link", name="No shell on that server?").click()
    _fine(page)
    page.get_by_label("abuse@m….example.org").check()
    page.get_by_role("button", name="Send the link").click()
    assert page.get_by_text("A mail goes to abuse@m….example.org").is_visible()
    _fine(page)
    page.goto(served.url + served.send())
    _fine(page)
    page.get_by_role("button", name=f"Remove {LISTED}").click()
    assert page.get_by_text("Removed at 2026-11-25 12:00:00 UTC.").is_visible()
    _fine(page)
    page.get_by_role("link", name="See each report with its time").click()
    assert page.get_by_text("swaks --server").is_visible()
    _fine(page)
    page.get_by_role("link", name="This is wrong").click()
    page.get_by_label("What is wrong?").fill("The third report answers our own mail.")
    page.get_by_role("button", name="Send").click()
    assert page.get_by_text("The operator answers by").is_visible()
    _fine(page)
    assert problems == []


def test_every_page_that_explains(page: "Page", served: Served) -> None:
    for path in (
        "/fix",
        "/fix/postfix",
        "/use",
        "/use?stage=refuse",
        "/report",
        "/terms",
        "/statistics",
        "/policy",
    ):
        page.goto(served.url + path)
        _fine(page)


def test_the_operator_answers_and_the_reporter_changes_a_key(page: "Page", served: Served) -> None:
    site = served.world.site
    with site.database.write() as connection:
        token = sessions.new_link(connection, site.secret, author="cli", now=site.seconds())
        key = reporters.new_key(
            connection, site.secret, source_id=served.world.reporters[0], scopes=("report", "read"),
            author="t", now=site.seconds(),
        )  # fmt: skip
    page.goto(f"{served.url}/dispute?address={LISTED}")
    page.get_by_label("What is wrong?").fill("Not ours")
    page.get_by_role("button", name="Send").click()
    page.goto(f"{served.url}/console/enter/{token}")
    _fine(page)
    page.get_by_role("button", name="Sign in").click()
    names = (
        "Health", "Reporters", "Listings", "Exemptions and holds", "Audit log", "Bulk actions", "Disputes",
    )  # fmt: skip
    for name in names:
        page.get_by_role("navigation", name="Console").get_by_role("link", name=name).click()
        _fine(page)
    page.get_by_label("Upheld: the requester").check()
    page.get_by_label("Take the reports back").check()
    page.get_by_label("Reason, shown").fill("You are right")
    page.get_by_role("button", name="Answer").click()
    assert page.get_by_role("status").inner_text().endswith("reports taken back: 3.")
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{served.url}/desk/sign-in")
    _fine(page)
    page.get_by_label("Key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    _fine(page)
    page.get_by_role("button", name="Make a new key").click()
    assert page.get_by_text(re.compile("bsf_[0-9a-f]{16}_[0-9a-f]{64}")).is_visible()
    _fine(page)


def test_the_operator_holds_many_and_takes_it_back(page: "Page", served: Served) -> None:
    site = served.world.site
    with site.database.write() as connection:
        token = sessions.new_link(connection, site.secret, author="cli", now=site.seconds())
    page.goto(f"{served.url}/console/enter/{token}")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Bulk actions").click()
    page.get_by_label("Hold back while").check()
    page.get_by_label("Listed inside this network").fill("192.0.2.0/24")
    page.get_by_label("Reason").last.fill("a pool, being looked at")
    page.get_by_role("button", name="Make a preview").click()
    assert "would concern 1 addresses" in page.get_by_role("status").inner_text()
    _fine(page)
    page.get_by_role("button", name="Do this to 1 addresses").click()
    bulk_actions.carry_on(site.database, site.secret, site.policy, site.providers, now=site.seconds())
    page.get_by_role("link", name="See how far it is").click()
    assert page.get_by_text("done 1", exact=True).is_visible()
    _fine(page)
    page.get_by_role("textbox", name="Reason: Undo number 1").fill("looked at")
    page.get_by_role("button", name="Undo number 1").click()
    bulk_actions.carry_on(site.database, site.secret, site.policy, site.providers, now=site.seconds())
    page.get_by_role("link", name="See how far it is").click()
    assert page.get_by_text("undone 1").is_visible()
    _fine(page)


def test_the_keyboard_is_enough_for_a_removal_by_mail(page: "Page", served: Served) -> None:
    page.goto(f"{served.url}/removal/proofs?address={LISTED}")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.locator(":focus").get_attribute("type") == "radio":
            break
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Send the link"
    page.keyboard.press("Enter")
    page.get_by_text("A mail goes to").wait_for()
    page.goto(served.url + served.send())
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.locator(":focus").evaluate("item => item.tagName") == "BUTTON":
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/ticket/*")
    assert page.get_by_text("Removed at").is_visible()
