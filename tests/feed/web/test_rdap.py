"""Asking registries: whom, and what their answers say."""

import ipaddress
import json
import pathlib
import socket
from typing import Any

import pytest

from feed.web.owner_names import Recipient
from feed.web.rdap import BootstrapError, Registries, abuse_contact, load
from tests.feed.web.registry import Registry

BOOTSTRAP = {
    "version": "1.0",
    "services": [
        [["192.0.0.0/8", "198.51.100.0/24"], ["http://plain.example/", "https://one.example/rdap/"]],
        [["192.0.2.0/24"], ["https://two.example/"]],
        [["203.0.113.0/24"], ["http://plain.example/"]],
        [["2001:db8::/32"], ["https://six.example/rdap/"]],
    ],
}


@pytest.mark.parametrize("roles", [3, True, "abuse", {"abuse": 1}, None, [["abuse"]], [None]])
def test_an_answer_with_odd_roles_names_nobody(roles: object) -> None:
    card = ["vcard", [["email", {}, "text", "abuse@example.org"]]]
    answer = json.dumps({"entities": [{"roles": roles, "vcardArray": card}, 3, None]}).encode()
    address = ipaddress.ip_address("192.0.2.7")
    assert abuse_contact("https://one.example/ip/", address, get=lambda _url: answer) is None


@pytest.fixture
def bootstrap(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "ipv4.json"
    path.write_text(json.dumps(BOOTSTRAP))
    return path


@pytest.mark.parametrize(
    ("address", "service"),
    [
        pytest.param("192.0.3.1", "https://one.example/rdap/ip", id="https is chosen"),
        pytest.param("192.0.2.7", "https://two.example/ip", id="the narrowest network"),
        pytest.param("2001:db8::1", "https://six.example/rdap/ip", id="IPv6"),
        pytest.param("203.0.113.9", "https://all.example/ip/", id="a service without https is not asked"),
        pytest.param("9.9.9.9", "https://all.example/ip/", id="nobody named"),
    ],
)
def test_whom_to_ask(bootstrap: pathlib.Path, address: str, service: str) -> None:
    found = Registries.read([bootstrap], "https://all.example/ip/")
    assert found.service_of(ipaddress.ip_address(address)) == service
    nobody = Registries.read([bootstrap]).service_of(ipaddress.ip_address("9.9.9.9"))
    assert nobody is None


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"services": 3}', '{"services": [[["x"], ["https://a.example/"]]]}', "[" * 100_000,
     '{"services": [[["192.0.2.0/24"]]]}', '{"services": [[[3], ["https://a.example/"]]]}', "\udcff"],
)  # fmt: skip
def test_a_file_that_is_none_is_told_and_asks_nobody(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    path = tmp_path / "ipv4.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(BootstrapError, match="no RDAP bootstrap file"):
        Registries.read([path])
    assert load([path], "").services == ()
    assert "no RDAP bootstrap file" in capsys.readouterr().err


def test_a_file_that_is_missing_is_told(tmp_path: pathlib.Path) -> None:
    with pytest.raises(BootstrapError, match="cannot read"):
        Registries.read([tmp_path / "none"])


def contact(registry: Registry, url: str | None = None) -> Recipient | None:
    return abuse_contact(url or registry.url, ipaddress.ip_address("192.0.2.7"), get=registry.fetch)


def test_the_abuse_contact_of_a_registry(registry: Registry) -> None:
    assert contact(registry) == Recipient(address="abuse@example.org", domain="example.org", means="rdap")
    assert [path for _host, path in registry.asked] == ["/ip/192.0.2.7"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"body": [b"x" * 65536] * 100}, id="too large"),
        pytest.param({"status": 404}, id="not found"),
        pytest.param({"raw": [lambda: b"nonsense\r\n\r\n"]}, id="no HTTP"),
        pytest.param({"redirects": {"/ip/192.0.2.7": "https://127.0.0.1/"}}, id="a redirect inside"),
        pytest.param({"redirects": {"/ip/192.0.2.7": "https://[/"}}, id="a redirect to what is no URL"),
        *(
            pytest.param({"body": body}, id=repr(body[:20]))
            for body in (b"", b"[]", b"null", b"{", b"[" * 100_000, b'{"entities": {"a": 1}}', b"\xff")
        ),
    ],
)
def test_an_answer_that_is_none_names_nobody(registry: Registry, change: dict[str, Any]) -> None:
    for name, value in change.items():
        setattr(registry, name, value)
    assert contact(registry) is None
    assert len(registry.asked) == 1


def test_a_registry_that_is_not_there(registry: Registry) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert contact(registry, f"https://registry.test:{port}/ip") is None
