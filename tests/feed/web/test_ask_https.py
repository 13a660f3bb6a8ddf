"""Asking over https: which address is connected to, what is followed, and how much of an answer is taken."""

import ipaddress
import socket
import ssl
import time

import pytest

from feed.domain.address import Address, special_purpose
from feed.web import ask_https
from feed.web.ask_https import RefusedError, fetch
from tests.feed.web.registry import HERE, NAME, OTHER, Registry


def test_the_question_goes_to_the_checked_address_under_the_name(registry: Registry) -> None:
    """The name is known to nobody but the test, so nothing else than the checked address was used."""
    assert b"abuse@example.org" in registry.fetch(f"{registry.url}/192.0.2.7?x=1")
    assert registry.asked == [(f"{NAME}:{registry.port}", "/ip/192.0.2.7?x=1")]


def test_a_name_is_looked_up_once_so_that_nothing_moves_between_check_and_connection(
    registry: Registry,
) -> None:
    answers = iter([[HERE], [ipaddress.ip_address("127.0.0.2")]])
    looked_up: list[str] = []

    def moving(name: str) -> list[Address]:
        looked_up.append(name)
        return list(next(answers))

    registry.fetch(registry.url, resolve=moving)
    assert looked_up == [NAME]
    with pytest.raises(RefusedError, match=r"127\.0\.0\.2 is a network of the feed itself"):
        registry.fetch(registry.url, resolve=moving)
    assert registry.connections == 1


SPECIAL = (
    "127.0.0.1", "10.0.0.1", "172.16.9.9", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "192.0.2.1", "224.0.0.1", "::1", "::", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "::127.0.0.1",
    "64:ff9b::7f00:1", "2002:7f00:1::1", "2001:db8::1",
)  # fmt: skip


@pytest.mark.parametrize("text", SPECIAL)
def test_a_name_that_leads_to_special_purpose_space_is_never_connected_to(
    registry: Registry, text: str
) -> None:
    with pytest.raises(RefusedError, match="leads to no address to be asked"):
        registry.fetch(
            registry.url, resolve=lambda _name: [ipaddress.ip_address(text)], refuse=special_purpose
        )
    assert registry.connections == 0


@pytest.mark.parametrize("text", SPECIAL)
def test_such_an_address_is_not_connected_to_when_it_is_written_out_either(text: str) -> None:
    host = f"[{text}]" if ":" in text else text
    with pytest.raises(RefusedError, match="leads to no address to be asked"):
        fetch(f"https://{host}/", accept="x/y", resolve=lambda _name: [])


def test_special_purpose_space_is_refused_unless_something_else_is_said(registry: Registry) -> None:
    with pytest.raises(RefusedError, match=r"loopback \(RFC 1122\)"):
        fetch(registry.url, accept="x/y", resolve=registry.resolve, context=registry.trusting)
    assert registry.connections == 0


def test_only_what_may_be_asked_of_several_addresses_is_asked(registry: Registry) -> None:
    mixed = [ipaddress.ip_address("10.0.0.1"), HERE]
    assert registry.fetch(registry.url, resolve=lambda _name: mixed)


def test_the_next_address_is_asked_where_one_does_not_answer(registry: Registry) -> None:
    several = [ipaddress.ip_address("127.0.0.9"), HERE]
    assert registry.fetch(registry.url, resolve=lambda _name: several, refuse=lambda _address: None)


def test_a_name_that_leads_nowhere(registry: Registry) -> None:
    with pytest.raises(RefusedError, match="leads to no address"):
        registry.fetch(registry.url, resolve=lambda _name: [])


def test_a_redirect_to_a_checked_address_is_followed(registry: Registry) -> None:
    registry.redirects = {"/ip": f"https://{OTHER}:{registry.port}/there", "/there": "/further"}
    assert b"abuse@example.org" in registry.fetch(registry.url)
    assert [path for _host, path in registry.asked] == ["/ip", "/there", "/further"]
    assert registry.looked_up == [NAME, OTHER, OTHER]


def test_a_redirect_whose_name_leads_into_our_own_network_is_not_followed(registry: Registry) -> None:
    with socket.create_server(("127.0.0.2", 0)) as inside:
        inside.setblocking(False)
        registry.redirects = {"/ip": f"https://{OTHER}:{inside.getsockname()[1]}/admin"}
        there = {NAME: [HERE], OTHER: [ipaddress.ip_address("127.0.0.2")]}
        with pytest.raises(RefusedError, match="a network of the feed itself"):
            registry.fetch(registry.url, resolve=there.__getitem__)
        with pytest.raises(BlockingIOError):
            inside.accept()


def test_few_redirects_are_followed(registry: Registry) -> None:
    registry.redirects = {"/ip": "/1", "/1": "/2", "/2": "/3"}
    with pytest.raises(RefusedError, match="too many redirects"):
        registry.fetch(registry.url)
    assert len(registry.asked) == 1 + ask_https.REDIRECTS_MOST


@pytest.mark.parametrize(
    "location",
    ["http://registry.test/ip", "https://127.0.0.1/ip", "https://[::1]/", "https://2130706433/",
     "https://0x7f000001/", "https://127.1/", "https://9.9.9.9/", "file:///etc/passwd", "https://localhost/",
     "gopher://a.example/", "https://me@registry.test/", "https://registry.test:99999/"],
)  # fmt: skip
def test_redirects_to_what_is_no_name_of_the_public_internet_are_not_followed(
    registry: Registry, location: str
) -> None:
    registry.redirects = {"/ip": location}
    with pytest.raises((RefusedError, ValueError)):
        registry.fetch(registry.url, refuse=lambda _address: None)
    assert len(registry.asked) == 1


@pytest.mark.parametrize(
    "url", ["http://a.example/ip", "file:///etc/passwd", "https://u@a.example/", "ftp://a/", "", "https://"]
)
def test_nothing_but_https_is_asked(url: str) -> None:
    with pytest.raises(RefusedError, match="https"):
        fetch(url, accept="x/y", resolve=lambda _name: [HERE], refuse=lambda _address: None)


def test_a_certificate_that_nobody_vouches_for_is_not_believed(registry: Registry) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        registry.fetch(registry.url, context=None)
    assert registry.asked == []


def test_a_certificate_of_another_name_is_not_believed(registry: Registry) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        registry.fetch(f"https://third.test:{registry.port}/ip")
    assert registry.asked == []


def test_an_answer_too_large_is_given_up(registry: Registry) -> None:
    registry.body = [b"x" * 65536] * 100
    with pytest.raises(OSError, match="too large"):
        registry.fetch(registry.url)


def test_an_answer_that_says_no_is_none(registry: Registry) -> None:
    registry.status = 404
    with pytest.raises(OSError, match="the answer is 404"):
        registry.fetch(registry.url)


def _drop() -> bytes:
    time.sleep(0.1)
    return b"x"


@pytest.mark.parametrize("slow", ["body", "header"])
def test_an_answer_too_slow_is_given_up(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, slow: str
) -> None:
    """Each byte comes in time, the whole would take for ever."""
    monkeypatch.setattr(ask_https, "TIMEOUT_S", 0.5)
    if slow == "body":
        registry.body = [_drop] * 1000
    else:
        registry.raw = [lambda: b"HTTP/1.1 200 OK\r\nX: ", *[_drop] * 1000]
    with pytest.raises(OSError, match=r"slowly|timed out"):
        registry.fetch(registry.url)


def test_somebody_who_never_shakes_hands_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask_https, "TIMEOUT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(OSError, match=r"slowly|timed out"):
        fetch(
            f"https://{NAME}:{silent.getsockname()[1]}/", accept="x/y", resolve=lambda _name: [HERE],
            refuse=lambda _address: None,
        )  # fmt: skip


def test_the_answer_is_what_was_sent(registry: Registry) -> None:
    registry.body = [b"{", b'"a": 1', b"}"]
    assert registry.fetch(registry.url) == b'{"a": 1}'
