"""To whom a mail may go at all: only where DNS ties name and address together both ways."""

import ipaddress
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feed.domain.address import Address
from feed.web.owner_names import ROLES, Recipient, derive, mail_address, registered_domain
from feed.web.rdap import abuse_contact
from feed.web.resolver import ResolverError

ADDRESS = ipaddress.ip_address("192.0.2.7")


class Dns:
    """Answers from tables."""

    def __init__(self, names: list[str], forward: dict[str, list[str]], mail: set[str]) -> None:
        self._names, self._forward, self._mail = names, forward, mail

    def names(self, _address: Address) -> list[str]:
        if self._names == ["!"]:
            raise ResolverError
        return self._names

    def addresses(self, name: str, version: int) -> list[Address]:
        found = [ipaddress.ip_address(text) for text in self._forward.get(name, [])]
        return [one for one in found if one.version == version]

    def takes_mail(self, domain: str) -> bool:
        return domain in self._mail

    def texts(self, _name: str) -> list[str]:
        return []


@pytest.mark.parametrize(
    ("names", "forward", "mail", "expected"),
    [
        pytest.param(
            ["mail.example.org"], {"mail.example.org": ["192.0.2.7"]}, {"mail.example.org", "example.org"},
            [f"{role}@{domain}" for domain in ("mail.example.org", "example.org") for role in ROLES],
            id="the name first, then its domain",
        ),
        pytest.param(
            ["mail.victim.example"], {"mail.victim.example": ["198.51.100.1"]}, {"mail.victim.example"},
            [],
            id="a name that points elsewhere",
        ),
        pytest.param(["mail.example.org"], {}, {"mail.example.org"}, [], id="a name that points nowhere"),
        pytest.param(["mail.example.org"], {"mail.example.org": ["192.0.2.7"]},
        set(), [], id="takes no mail"),
        pytest.param(
            ["a.b.example.co.uk"],
            {"a.b.example.co.uk": ["192.0.2.7"]},
            {"example.co.uk", "co.uk", "b.example.co.uk"},
            ["postmaster@example.co.uk", "abuse@example.co.uk"], id="never a registry's own domain",
        ),
        pytest.param([], {}, set(), [], id="no name"),
        pytest.param(
            ["_x.example.org"], {"_x.example.org": ["192.0.2.7"]}, {"_x.example.org"}, [],
            id="a name that is no mail domain",
        ),
    ],
)  # fmt: skip
def test_derive(names: list[str], forward: dict[str, list[str]], mail: set[str], expected: list[str]) -> None:
    found = derive(Dns(names, forward, mail), ADDRESS)
    assert [one.address for one in found.recipients] == expected
    assert found.answered


def test_no_answer_is_told_apart_from_no_name() -> None:
    assert not derive(Dns(["!"], {}, set()), ADDRESS).answered


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("postmaster@mail.example.org", "postmaster@m….example.org"),
        ("abuse@example.org", "abuse@e….org"),
        ("john.doe@isp.example", "j…@i….example"),
    ],
)
def test_masked(address: str, masked: str) -> None:
    assert Recipient(address=address, domain="x").masked == masked


@given(st.text(max_size=80))
def test_what_is_taken_as_mail_address_needs_no_quoting(text: str) -> None:
    found = mail_address(text)
    if found is not None:
        assert found.isascii()
        assert not set(found) & set(" \r\n\t\"'<>(),;:\\%!`$|&")
        assert found.count("@") == 1


@given(st.lists(st.sampled_from(["mail", "example", "co", "uk", "org", "a"]), min_size=2, max_size=6))
def test_the_registered_domain_is_a_tail_of_two_or_three_labels(labels: list[str]) -> None:
    name = ".".join(labels)
    found = registered_domain(name)
    assert name == found or name.endswith("." + found)
    assert found.count(".") in {1, 2}


def _entity(role: str, mail: str) -> bytes:
    card = ["vcard", [["email", {}, "text", mail]]]
    return json.dumps({"entities": [{"roles": [role], "vcardArray": card}]}).encode()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(
            b'{"entities": [{"roles": ["registrant"], "entities": [{"roles": ["abuse"], "vcardArray": '
            b'["vcard", [["email", {}, "text", "Abuse@ISP.example"]]]}]}]}',
            "abuse@isp.example", id="nested abuse role",
        ),
        pytest.param(
            _entity("technical", "a@b.example"), None, id="another role",
        ),
        pytest.param(
            _entity("abuse", "a@b.example\r\nBcc: x@y.example"), None, id="a header in the address",
        ),
        pytest.param(b"[1, 2]", None, id="no object"),
        pytest.param(b'{"entities": {"a": 1}}', None, id="wrong type"),
        pytest.param(b'{"entities": [{"roles": ["abuse"], "vcardArray": [1, [[]]]}]}', None, id="empty card"),
        pytest.param(b"[" * 100_000, None, id="deep"),
        pytest.param(b"\xff", None, id="no text"),
    ],
)  # fmt: skip
def test_abuse_contact(answer: bytes, expected: str | None) -> None:
    asked: list[str] = []

    def get(url: str) -> bytes:
        asked.append(url)
        return answer

    found = abuse_contact("https://rdap.example/ip/", ADDRESS, get=get)
    assert (found.address if found else None) == expected
    assert asked == ["https://rdap.example/ip/192.0.2.7"]


def test_a_registry_that_does_not_answer() -> None:
    def get(_url: str) -> bytes:
        raise TimeoutError

    assert abuse_contact("https://rdap.example/ip", ADDRESS, get=get) is None
