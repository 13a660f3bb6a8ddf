"""A real browser without scripts goes from the look-up to the ticket, on a telephone and on a desktop."""

import dataclasses
import pathlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import uvicorn

from feed.web.app import create_app
from tests.feed.web.world import World

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = pathlib.Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
LISTED = "192.0.2.7"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SMALL_TARGETS = """() => [
        ...document.querySelectorAll('button, input:not([type=hidden]), summary, nav a, .button')
    ].map(item => [item.textContent, item.getBoundingClientRect()])
    .filter(([, box]) => box.width < 24 || box.height < 24).map(([words]) => words)"""

pytestmark = pytest.mark.browser


@pytest.fixture
def address(world: World) -> Iterator[str]:
    """Serve the site on a free port, as behind a proxy of the same machine."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    publish = world.site.settings.publish.model_copy(update={"site_url": url})
    settings = world.site.settings.model_copy(update={"publish": publish})
    world = World(
        site=dataclasses.replace(world.site, settings=settings), clock=world.clock, reporters=world.reporters
    )
    world.report(LISTED)
    server = uvicorn.Server(
        uvicorn.Config(create_app(world.site), log_level="warning", proxy_headers=False, lifespan="off")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield url
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture
def page(request: pytest.FixtureRequest) -> Iterator["Page"]:
    """Open a page without scripts, from the listed server, `request.param` pixels wide."""
    if not CHROMIUM.exists():
        pytest.skip("needs Debian's Chromium at /usr/bin/chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        context = browser.new_context(
            viewport={"width": request.param, "height": 800},
            java_script_enabled=False,
            extra_http_headers={"X-Forwarded-For": LISTED},
        )
        yield context.new_page()
        browser.close()


def _fits(page: "Page") -> None:
    assert page.evaluate(OVERFLOW) == 0, page.url
    assert page.evaluate(SMALL_TARGETS) == [], page.url


@pytest.mark.parametrize("page", [360, 1280], indirect=True)
def test_from_look_up_to_ticket(page: "Page", address: str) -> None:
    problems: list[str] = []
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    page.on("requestfailed", lambda request: problems.append(request.url))
    page.goto(f"{address}/")
    _fits(page)
    page.get_by_label("IP address of a mail server").fill("::ffff:192.0.2.7")
    page.get_by_role("button", name="Look up").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Address 192.0.2.7"
    assert page.get_by_text("Listed as a confirmed emitter").is_visible()
    _fits(page)
    page.get_by_text("Exim", exact=True).click()
    assert page.get_by_text("acl_smtp_rcpt").is_visible()
    _fits(page)
    page.get_by_role("link", name="Have this address removed").last.click()
    _fits(page)
    page.get_by_label("What have you changed? (optional)").fill("Recipient check added")
    page.get_by_role("button", name="Remove 192.0.2.7").click()
    assert "/ticket/" in page.url
    assert page.get_by_text("Removed at 2026-11-25 12:00:00 UTC.").is_visible()
    _fits(page)
    page.get_by_role("link", name="Ask DNS again").click()
    page.get_by_role("link", name="Look up 192.0.2.7").click()
    assert "Not listed" in page.locator(".state-word").inner_text()
    _fits(page)
    page.goto(f"{address}/policy")
    _fits(page)
    page.goto(f"{address}/lookup?address={'x' * 300}")
    assert page.get_by_role("alert").is_visible()
    _fits(page)
    assert [problem for problem in problems if "422" not in problem] == []


@pytest.mark.parametrize("page", [360], indirect=True)
def test_the_keyboard_reaches_the_form_first_by_the_skip_link(page: "Page", address: str) -> None:
    page.goto(f"{address}/lookup")
    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    assert skip.inner_text() == "Skip to content"
    box = skip.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("name") == "address"
    page.keyboard.type("192.0.2.7")
    page.keyboard.press("Enter")
    page.wait_for_url("**/lookup?address=192.0.2.7")
