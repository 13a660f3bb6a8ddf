"""Every page in a real browser, narrow and wide, light and dark: widths, targets, the way of the focus."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.feed.web.served import serving
from tests.feed.web.test_browser_story import ARGUMENTS, CHROMIUM, FAULTS
from tests.feed.web.whole_site import Page as SitePage
from tests.feed.web.whole_site import furnish
from tests.feed.web.world import World

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as Window

FOCUSED = """() => {
    const item = document.activeElement;
    if (!item || item === document.body) return null;
    const all = [...document.querySelectorAll('*')];
    const box = item.getBoundingClientRect();
    const style = getComputedStyle(item);
    return {at: all.indexOf(item), tag: item.tagName, id: item.id, href: item.getAttribute('href'),
            radio: item.type === 'radio' ? item.name : '',
            seen: box.width > 0 && box.height > 0 && box.right > 0 && box.left < innerWidth,
            ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2};
}"""
REACHABLE = """() => [
        ...document.querySelectorAll('a[href], button, summary, input, textarea, select, [tabindex="0"]')
    ].filter(item => item.checkVisibility() && item.tabIndex >= 0 && item.type !== 'hidden')
    .filter(item => item.type !== 'radio').length"""

pytestmark = pytest.mark.browser


@pytest.fixture
def pages(world: World) -> list[SitePage]:
    if not CHROMIUM.exists():
        pytest.skip("needs Debian's Chromium at /usr/bin/chromium")
    return furnish(world)


@pytest.fixture
def browser() -> Iterator["Browser"]:
    if not CHROMIUM.exists():
        pytest.skip("needs Debian's Chromium at /usr/bin/chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield made
        made.close()


class Windows:
    """Windows of those who may see the pages, one for each."""

    def __init__(self, browser: "Browser", url: str, *, width: int = 1280, scheme: str = "light") -> None:
        self.browser = browser
        self.url = url
        self.width = width
        self.is_dark = scheme == "dark"
        self.open: dict[tuple[str, ...], Window] = {}

    def at(self, page: SitePage) -> "Window":
        """Return a window at the page."""
        who = (page.address, *page.cookies.values())
        if who not in self.open:
            context = self.browser.new_context(
                viewport={"width": self.width, "height": 900},
                color_scheme="dark" if self.is_dark else "light",
                extra_http_headers={"X-Forwarded-For": page.address},
            )
            context.set_default_timeout(30_000)
            context.add_cookies(
                [
                    {"name": name, "value": value, "url": f"{self.url}/{name.removeprefix('bsf_')}"}
                    for name, value in page.cookies.items()
                ]
            )
            self.open[who] = context.new_page()
        answer = self.open[who].goto(self.url + page.path)
        assert answer is not None
        assert answer.status == page.status, page.name
        return self.open[who]


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_every_page_fits_and_names_what_it_has(
    world: World, pages: list[SitePage], browser: "Browser", width: int, scheme: str
) -> None:
    faults = {}
    with serving(world.site, parts=("site", "console")) as (url, _site):
        windows = Windows(browser, url, width=width, scheme=scheme)
        for page in pages:
            found = windows.at(page).evaluate(FAULTS)
            if found:
                faults[page.name] = found
    assert faults == {}


def test_the_keyboard_alone_reaches_everything_in_order_and_shows_where_it_is(
    world: World, pages: list[SitePage], browser: "Browser"
) -> None:
    """From the skip link on, in the order of the page, visible and with a ring (WCAG 2.1.1, 2.4.3, 2.4.7)."""
    with serving(world.site, parts=("site", "console")) as (url, _site):
        windows = Windows(browser, url)
        for page in pages:
            window = windows.at(page)
            window.evaluate("() => { document.activeElement.blur(); scrollTo(0, 0); }")
            count = window.evaluate(REACHABLE)
            met: list[dict[str, Any]] = []
            for _ in range(count + 40):
                window.keyboard.press("Tab")
                now_at = window.evaluate(FOCUSED)
                if now_at is None:
                    continue  # the browser's own controls, between end and beginning
                if met and now_at["at"] == met[0]["at"]:
                    break
                met.append(now_at)
            begun = next((n for n, one in enumerate(met) if one["href"] == "#content"), 0)
            met = met[begun:] + met[:begun]
            order = [one["at"] for one in met]
            assert order == sorted(order), page.name
            assert len([one for one in met if not one["radio"]]) >= count, (page.name, count, len(met))
            assert all(one["seen"] and one["ring"] for one in met), (
                page.name, [one for one in met if not (one["seen"] and one["ring"])],
            )  # fmt: skip
