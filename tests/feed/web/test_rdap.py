"""Asking registries: whom, over what, and how much of the answer is taken."""

import http.server
import ipaddress
import json
import pathlib
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from feed.web import rdap
from feed.web.owner_names import Recipient
from feed.web.rdap import BootstrapError, Registries, abuse_contact, fetch, load

BOOTSTRAP = {
    "version": "1.0",
    "services": [
        [["192.0.0.0/8", "198.51.100.0/24"], ["http://plain.example/", "https://one.example/rdap/"]],
        [["192.0.2.0/24"], ["https://two.example/"]],
        [["203.0.113.0/24"], ["http://plain.example/"]],
        [["2001:db8::/32"], ["https://six.example/rdap/"]],
    ],
}
ANSWER = {
    "entities": [
        {"roles": ["registrant"], "vcardArray": ["vcard", [["email", {}, "text", "boss@example.org"]]]},
        {
            "roles": ["technical"],
            "entities": [
                {"roles": ["abuse"], "vcardArray": ["vcard", [["email", {}, "text", "abuse@example.org"]]]}
            ],
        },
    ]
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


@pytest.mark.parametrize(
    "url", ["http://a.example/ip", "file:///etc/passwd", "https://u@a.example/", "ftp://a/"]
)
def test_nothing_but_https_is_asked(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        fetch(url)


@pytest.mark.parametrize(
    ("host", "is_number"),
    [("192.0.2.1", True), ("::1", True), ("2130706433", True), ("0x7f000001", True), ("127.1", True),
     ("localhost", True), ("rdap.example", False), ("1and1.example", False)],
)  # fmt: skip
def test_hosts_that_are_written_as_numbers(host: str, is_number: bool) -> None:
    assert rdap._is_number(host) is is_number


class Registry:
    """A registry on this machine with a certificate of its own."""

    def __init__(self, folder: pathlib.Path) -> None:
        key, certificate = folder / "key.pem", folder / "certificate.pem"
        openssl = shutil.which("openssl")
        if openssl is None:
            pytest.skip("needs the program openssl")
        subprocess.run(
            [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out",
             str(certificate), "-days", "2", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost"],
            check=True, capture_output=True,
        )  # fmt: skip
        registry = self
        self.body: Any = json.dumps(ANSWER).encode()
        self.status = 200
        self.location = ""
        self.asked: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.asked.append(self.path)
                self.send_response(registry.status)
                if registry.location:
                    self.send_header("Location", registry.location)
                self.end_headers()
                try:
                    for part in registry.body if isinstance(registry.body, list) else [registry.body]:
                        self.wfile.write(part() if callable(part) else part)
                except OSError:
                    pass

            def log_message(self, *_arguments: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_port}/ip"
        self.trusting = ssl.create_default_context(cafile=str(certificate))
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def contact(self) -> Recipient | None:
        return abuse_contact(
            self.url, ipaddress.ip_address("192.0.2.7"), get=lambda url: fetch(url, context=self.trusting)
        )

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def registry(tmp_path: pathlib.Path) -> Iterator[Registry]:
    made = Registry(tmp_path)
    yield made
    made.close()


def test_the_abuse_contact_of_a_registry(registry: Registry) -> None:
    assert registry.contact() == Recipient(address="abuse@example.org", domain="example.org", means="rdap")
    assert registry.asked == ["/ip/192.0.2.7"]


def test_a_certificate_that_nobody_vouches_for_is_not_believed(registry: Registry) -> None:
    assert abuse_contact(registry.url, ipaddress.ip_address("192.0.2.7")) is None
    assert registry.asked == []


def test_an_answer_too_large_is_given_up(registry: Registry) -> None:
    registry.body = [b"x" * 65536] * 100
    with pytest.raises(OSError, match="too large"):
        fetch(registry.url, context=registry.trusting)
    assert registry.contact() is None


def test_an_answer_too_slow_is_given_up(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time, the whole would take for ever."""
    monkeypatch.setattr(rdap, "TIMEOUT_S", 0.5)

    def drop() -> bytes:
        time.sleep(0.1)
        return b" "

    registry.body = [drop] * 1000
    with pytest.raises(OSError, match=r"slowly|timed out"):
        fetch(registry.url, context=registry.trusting)


@pytest.mark.parametrize(
    "location",
    ["http://localhost/ip", "https://127.0.0.1/ip", "https://[::1]/", "https://2130706433/", "file:///etc/passwd",
     "https://localhost/", "gopher://a.example/"],
)  # fmt: skip
def test_redirects_into_our_own_network_are_not_followed(registry: Registry, location: str) -> None:
    registry.status, registry.location = 302, location
    with pytest.raises(OSError, match=r"not followed|not allowed|Found"):
        fetch(registry.url, context=registry.trusting)
    assert len(registry.asked) == 1


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{", b"[" * 100_000, b'{"entities": {"a": 1}}', b"\xff"]
)
def test_an_answer_that_is_none_names_nobody(registry: Registry, body: bytes) -> None:
    registry.body = body
    assert registry.contact() is None


def test_a_registry_that_is_not_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert abuse_contact(f"https://localhost:{port}/ip", ipaddress.ip_address("192.0.2.7")) is None
