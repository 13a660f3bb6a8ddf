"""A browser needs our form, its cookie and our Origin; a program needs none of them."""

import pytest

from feed.domain.address import parse_address
from feed.store.secret import Secret
from feed.web import form_token

SECRET = Secret(bytes(range(32)))
SITE = "https://feed.example.org"
ADDRESS = parse_address("192.0.2.7")
NOW = 1_764_000_000
COOKIE = "0123456789abcdef" * 2
TOKEN = form_token.token(SECRET, address=ADDRESS, cookie=COOKIE, now=NOW)
OURS = {"origin": SITE, "cookie": f"bsf_form={COOKIE}", "sec-fetch-site": "same-origin"}


def _refused(**changes: object) -> str | None:
    values: dict[str, object] = {
        "headers": OURS, "site_url": SITE, "cookie": COOKIE, "given": TOKEN, "address": ADDRESS,
        "now": NOW + 60,
    }  # fmt: skip
    return form_token.refused(SECRET, **(values | changes))  # type: ignore[arg-type]


def test_our_own_form_is_taken() -> None:
    assert _refused() is None


def test_a_program_without_any_mark_of_a_browser_needs_no_token() -> None:
    assert _refused(headers={"accept": "*/*", "user-agent": "curl/8"}, given="", cookie=None) is None


@pytest.mark.parametrize(
    "mark",
    [{"origin": "null"}, {"cookie": "x=y"}, {"referer": SITE}, {"sec-fetch-site": "cross-site"},
     {"sec-fetch-mode": "navigate"}],
    ids=lambda mark: next(iter(mark)),
)  # fmt: skip
def test_each_mark_of_a_browser_asks_for_the_token(mark: dict[str, str]) -> None:
    assert _refused(headers={"accept": "application/json"} | mark, given="", cookie=None) is not None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"given": ""}, "form.stale", id="no token"),
        pytest.param({"given": TOKEN[:-1] + "A"}, "form.stale", id="broken signature"),
        pytest.param({"cookie": None}, "form.stale", id="no cookie"),
        pytest.param({"cookie": "f" * 32}, "form.stale", id="cookie of another form"),
        pytest.param({"cookie": "\u00e9" * 32}, "form.stale", id="cookie not ASCII"),
        pytest.param({"address": parse_address("192.0.2.8")}, "form.stale", id="token of another address"),
        pytest.param({"now": NOW + form_token.LIFE_S + 1}, "form.stale", id="too old"),
        pytest.param({"now": NOW - form_token.LIFE_S - 1}, "form.stale", id="from the future"),
        pytest.param(
            {"headers": OURS | {"origin": "https://evil.example"}}, "form.foreign", id="foreign origin"
        ),
        pytest.param({"headers": OURS | {"origin": "null"}}, "form.foreign", id="opaque origin"),
        pytest.param(
            {"headers": OURS | {"origin": "http://feed.example.org"}}, "form.foreign", id="other scheme"
        ),
        pytest.param({"headers": OURS | {"origin": "http://[broken"}}, "form.foreign", id="broken origin"),
        pytest.param(
            {"headers": {"cookie": "x", "sec-fetch-site": "same-site"}}, "form.foreign", id="sister site"
        ),
    ],
)
def test_refused(changes: dict[str, object], expected: str) -> None:
    assert _refused(**changes) == expected


def test_a_token_of_another_installation_is_refused() -> None:
    other = form_token.token(Secret(bytes(32)), address=ADDRESS, cookie=COOKIE, now=NOW)
    assert _refused(given=other) == "form.stale"


def test_rebinding_a_foreign_name_to_us_does_not_help() -> None:
    headers = OURS | {"origin": "http://rebound.example:8080", "host": "rebound.example:8080"}
    assert _refused(headers=headers) == "form.foreign"


def test_on_one_machine_all_names_of_loopback_are_one() -> None:
    headers = OURS | {"origin": "http://localhost:8080"}
    assert _refused(headers=headers, site_url="http://127.0.0.1:8080") is None
    assert _refused(headers=headers, site_url="http://127.0.0.1:8081") == "form.foreign"


@pytest.mark.parametrize("cookie", [None, "", "short", "<script>" * 4, "\u00e9" * 32])
def test_a_cookie_that_is_not_ours_is_replaced(cookie: str | None) -> None:
    assert form_token.nonce(cookie) != cookie
    assert form_token.nonce(COOKIE) == COOKIE
