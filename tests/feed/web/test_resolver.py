"""The DNS client against a real server: right answers, no answer, cut answers, lies."""

import ipaddress
import time
from collections.abc import Iterator

import pytest

from feed.web import resolver
from feed.web.resolver import Resolver, ResolverError, Session, host_name, server_of
from tests.name_server import NameServer

ADDRESS = ipaddress.ip_address("192.0.2.7")
RECORDS = {
    ("7.2.0.192.in-addr.arpa", "PTR"): ["Mail.Example.org.", "bad name.example.org", "<script>.example.org"],
    ("mail.example.org", "A"): ["192.0.2.7"],
    ("mail.example.org", "TXT"): ["x" * 450, "short"],
    ("example.org", "MX"): ["10 mx.example.org"],
    ("nomail.example", "MX"): ["0 ."],
    ("nomail.example", "A"): ["192.0.2.9"],
    ("6.example.org", "AAAA"): ["2001:db8::1"],
}


@pytest.fixture
def server() -> Iterator[NameServer]:
    made = NameServer(RECORDS)
    yield made
    made.close()


@pytest.fixture
def session(server: NameServer) -> Session:
    return Resolver(server.listen).session()


def test_names_are_host_names_in_lower_case(session: Session) -> None:
    assert session.names(ADDRESS) == ["mail.example.org"]


def test_addresses_texts_and_mail(session: Session) -> None:
    assert session.addresses("mail.example.org", 4) == [ADDRESS]
    assert session.addresses("mail.example.org", 6) == []
    assert session.texts("mail.example.org") == ["x" * 450, "short"]
    assert session.texts("nothing.example.org") == []
    assert session.takes_mail("example.org")
    assert session.takes_mail("mail.example.org")
    assert session.takes_mail("6.example.org")
    assert not session.takes_mail("nomail.example")
    assert not session.takes_mail("nothing.example")


def test_a_cut_answer_is_asked_again_over_tcp(server: NameServer, session: Session) -> None:
    server.cut = True
    assert session.texts("mail.example.org") == ["x" * 450, "short"]


def test_replies_with_a_wrong_id_are_passed_over(server: NameServer, session: Session) -> None:
    server.spoof = True
    assert session.texts("mail.example.org") == ["x" * 450, "short"]


@pytest.mark.parametrize("rcode", [2, 5])
def test_an_error_is_not_the_answer_that_there_is_nothing(
    server: NameServer, session: Session, rcode: int
) -> None:
    server.rcode = rcode
    with pytest.raises(ResolverError):
        session.names(ADDRESS)


def test_silence_ends_within_the_limit(server: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "TRY_S", 0.1)
    monkeypatch.setattr(resolver, "WHOLE_S", 0.3)
    session = Resolver(server.listen).session()
    began = time.monotonic()
    for _ in range(5):
        with pytest.raises(ResolverError):
            session.texts("x.slow.test")
    assert time.monotonic() - began < 2
    assert len(server.asked) <= 4


def test_nobody_listens() -> None:
    with pytest.raises(ResolverError):
        Resolver("127.0.0.1:9").session().names(ADDRESS)


def test_where_to_ask() -> None:
    assert server_of("[::1]:5353") == ("::1", 5353)
    assert server_of("192.0.2.1:53") == ("192.0.2.1", 53)
    assert server_of(None)[1] == 53


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mail.Example.ORG.", "mail.example.org"), ("a.b", None), ("x", None), ("", None),
        ("mail.example.org\r\nBcc: x", None), ("mail.example.org\n", None), ("a b.example.org", None),
        ("-x.example.org", None), ("x" * 64 + ".example.org", None), ("$(id).example.org", None),
        ("1.2.3.4", None), ("a." * 120 + "example.org", None), ("_x.example.org", "_x.example.org"),
        ("ü.example.org", None), ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)  # fmt: skip
def test_host_name(text: str, expected: str | None) -> None:
    assert host_name(text) == expected
