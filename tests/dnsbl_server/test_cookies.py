"""Cookies: who may use which, and for how long."""

import pytest

from dnsbl_server.cookies import Cookies, legal

NOW = 1_800_000_000
HOME = bytes((192, 0, 2, 1))
NEW, OLD = b"n" * 32, b"o" * 32
MINE = b"12345678"


@pytest.mark.parametrize(
    ("age", "good"),
    [(0, True), (3600, True), (3601, False), (-300, True), (-301, False), (10**6, False)],
)
def test_a_cookie_lasts_an_hour_and_may_be_a_little_early(age: int, good: bool) -> None:
    cookies = Cookies(secrets=(NEW,))
    assert cookies.valid(cookies.reply(MINE, HOME, NOW - age), HOME, NOW) == good


def test_a_cookie_is_for_one_address_and_one_client_cookie() -> None:
    cookies = Cookies(secrets=(NEW,))
    cookie = cookies.reply(MINE, HOME, NOW)
    assert not cookies.valid(cookie, bytes((192, 0, 2, 2)), NOW)
    assert not cookies.valid(b"87654321" + cookie[8:], HOME, NOW)
    for at in range(8, 24):
        changed = cookie[:at] + bytes((cookie[at] ^ 1,)) + cookie[at + 1 :]
        assert not cookies.valid(changed, HOME, NOW)


def test_cookies_of_the_secret_before_are_still_good() -> None:
    cookie = Cookies(secrets=(OLD,)).reply(MINE, HOME, NOW)
    assert Cookies(secrets=(NEW, OLD)).valid(cookie, HOME, NOW)
    assert not Cookies(secrets=(NEW,)).valid(cookie, HOME, NOW)


@pytest.mark.parametrize(
    ("length", "good"),
    [(0, False), (7, False), (8, True), (9, False), (15, False), (16, True), (40, True), (41, False)],
)
def test_lengths(length: int, good: bool) -> None:
    assert legal(bytes(length)) == good


@pytest.mark.parametrize("secrets", [(), (b"short",), (b"x" * 33,)], ids=["none", "short", "long"])
def test_useless_secrets_are_refused(secrets: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match="16 to 32"):
        Cookies(secrets=secrets)
