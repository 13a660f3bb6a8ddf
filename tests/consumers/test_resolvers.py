"""Real resolvers with exactly the printed lines, and the doctor's word on them (ux-ecosystem.md 3.1, B6)."""

import functools
from typing import Any

import pytest

from tests.conftest import needs
from tests.consumers.running import laboratory, place

pytestmark = pytest.mark.e2e

SOFTWARE = {"unbound": "unbound", "bind": "named", "dnsmasq": "dnsmasq"}


@functools.cache
def _tried(software: str, protection: str) -> dict[str, Any]:
    needs(SOFTWARE[software])
    with place() as folder:
        return laboratory("resolvers", software, protection, str(folder))


@pytest.mark.parametrize("protection", ["none", "exception"])
@pytest.mark.parametrize("software", SOFTWARE)
def test_the_printed_lines_let_every_answer_through(software: str, protection: str) -> None:
    found = _tried(software, protection)
    assert found["answers"] == {
        "test entry": "127.0.0.2",
        "never listed": "NXDOMAIN",
        "listed": "127.0.0.2",
        "listed, IPv6": "127.0.0.2",
        "not listed": "NXDOMAIN",
        "reported": "127.0.0.3",
    }
    assert found["exit"] == 0, found["doctor"]


@pytest.mark.parametrize("software", SOFTWARE)
def test_b1_127_0_0_1_is_never_listed(software: str) -> None:
    """Filters (rspamd) probe it, and put a list aside that answers."""
    assert _tried(software, "none")["answers"]["never listed"] == "NXDOMAIN"


@pytest.mark.parametrize("software", SOFTWARE)
def test_b6_without_the_exception_the_list_seems_empty_and_the_doctor_says_why(software: str) -> None:
    found = _tried(software, "bare")
    empty = "SERVFAIL" if software == "bind" else "NOERROR"
    assert found["answers"]["listed"] == found["answers"]["listed, IPv6"] == empty
    assert found["exit"] == 1
    assert "protection against rebinding" in found["doctor"]
    assert {"unbound": "private-domain", "bind": "except-from", "dnsmasq": "rebind-domain-ok"}[
        software
    ] in found["doctor"]


def test_mail_passes_when_the_resolver_does_not_reach_the_list() -> None:
    needs("postfix")
    found = _tried("unbound", "chain")
    assert found["up"] == "data 554"
    assert (found["resolver"], found["down"]) == ("SERVFAIL", "accepted")
