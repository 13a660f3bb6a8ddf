"""Cookies: who may use which, and for how long."""

import pytest

from dnsbl_server.cookies import Cookies, legal, siphash

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


@pytest.mark.parametrize(
    ("length", "expected"),
    [(0, "310e0edd47db6f72"), (1, "fd67dc93c539f874"), (15, "e545be4961ca29a1")],
)
def test_siphash_is_that_of_its_authors(length: int, expected: str) -> None:
    """Their test vectors: the key is 00 01 … 0f, the data 00 01 and so on."""
    assert siphash(bytes(range(16)), bytes(range(length))).hex() == expected


def test_a_cookie_with_siphash_is_that_of_rfc_9018() -> None:
    """Appendix A.1: learning a new server cookie."""
    cookies = Cookies(secrets=(bytes.fromhex("e5e973e5a6b2a43f48e7dc849e37bfcf"),), siphash=True)
    client = bytes((198, 51, 100, 100))
    made = cookies.reply(bytes.fromhex("2464c4abcf10c957"), client, 1_559_731_985)
    assert made.hex() == "2464c4abcf10c957" + "010000005cf79f111f8130c3eee29480"
    assert cookies.valid(made, client, 1_559_731_985 + 60)
    assert not cookies.valid(made, bytes((198, 51, 100, 101)), 1_559_731_985)
    assert not Cookies(secrets=cookies.secrets).valid(made, client, 1_559_731_985)


def test_siphash_needs_secrets_of_its_length() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        Cookies(secrets=(NEW,), siphash=True)
