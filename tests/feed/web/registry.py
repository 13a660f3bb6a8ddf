"""A registry on this machine: https with a certificate of its own, redirects and misbehaviour on demand."""

import http.server
import ipaddress
import json
import pathlib
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from feed.domain.address import Address
from feed.web.ask_https import fetch

NAME, OTHER = "registry.test", "other.test"
HERE = ipaddress.ip_address("127.0.0.1")
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


def make_certificate(folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """Return certificate and key for both names."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the program openssl")
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", f"/CN={NAME}",
         "-addext", f"subjectAltName=DNS:{NAME},DNS:{OTHER}"],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


class Registry:
    """Answers at 127.0.0.1. redirects: path -> place. raw: what is sent in place of an HTTP answer."""

    def __init__(self, certificate: tuple[pathlib.Path, pathlib.Path]) -> None:
        registry = self
        self.body: Any = json.dumps(ANSWER).encode()
        self.status = 200
        self.redirects: dict[str, str] = {}
        self.raw: Sequence[Callable[[], bytes]] = ()
        self.asked: list[tuple[str, str]] = []
        self.looked_up: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.asked.append((self.headers["Host"], self.path))
                try:
                    for part in registry.raw:
                        self.wfile.write(part())
                    to = registry.redirects.get(self.path)
                    self.send_response(302 if to is not None else registry.status)
                    if to is not None:
                        self.send_header("Location", to)
                    self.end_headers()
                    for piece in registry.body if isinstance(registry.body, list) else [registry.body]:
                        self.wfile.write(piece() if callable(piece) else piece)
                except OSError:
                    pass

            def log_message(self, *_arguments: object) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            connections = 0

            def get_request(self) -> Any:
                type(self).connections += 1
                return super().get_request()

            def handle_error(self, *_arguments: object) -> None:
                """Say nothing: a client that goes away is no news."""

        self.server = Server(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        self.server.socket = context.wrap_socket(
            self.server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.port: int = self.server.server_port
        self.url = f"https://{NAME}:{self.port}/ip"
        self.trusting = ssl.create_default_context(cafile=str(certificate[0]))
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    @property
    def connections(self) -> int:
        """How many connected, whatever became of it."""
        return self.server.connections

    def resolve(self, name: str) -> list[Address]:
        """Say that every name leads here."""
        self.looked_up.append(name)
        return [HERE]

    def fetch(self, url: str, **change: Any) -> bytes:
        """Ask as the site does, but believe this certificate and connect to this one special address."""
        given: dict[str, Any] = {
            "resolve": self.resolve,
            "refuse": only_here,
            "context": self.trusting,
        } | change
        return fetch(url, accept="application/rdap+json", **given)

    def close(self) -> None:
        """Stop."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def only_here(address: Address) -> str | None:
    """Let nothing but 127.0.0.1 be asked."""
    return None if address == HERE else f"{address} is a network of the feed itself"
