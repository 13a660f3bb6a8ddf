"""Canaries: a border host that stamps passes, and every way of not stamping is found."""

import datetime as dt
import ipaddress

import pytest

from feed.domain.address import Address
from feed.domain.canary import FIELD, NAMES, Canary, Finding, make_canaries
from ingest.mail.canary import CLAIM, LARGEST, Name, Result, name_of, result_of
from ingest.mail.judge import judge
from ingest.mail.judgement import Registration
from tests import mails

TOKEN = "t0k3n-of-today"
V4 = ipaddress.ip_address("192.0.2.77")
V6 = ipaddress.ip_address("2001:db8:77::1")
REGISTERED = Registration(
    border_hosts=frozenset({"mx.reporter.example"}),
    internal_hosts=frozenset({"store.reporter.example"}),
    accept_special=True,
)
MADE = make_canaries(
    recipient="trap@reporter.example",
    sender_host="canary.feed.example",
    border_hosts=REGISTERED.border_hosts,
    internal_hosts=REGISTERED.internal_hosts,
    authserv_id="mx.reporter.example",
    token=TOKEN,
    at=mails.NOW,
)
STORE = "from mx.reporter.example (mx [203.0.113.1]) by store.reporter.example with LMTP"


def stamped(canary: Canary, address: Address, *, host: str = "mx.reporter.example", above: str = "") -> bytes:
    """Return the canary as a server stored it that writes what it saw."""
    literal = f"IPv6:{address}" if address.version == 6 else str(address)
    date = mails.date_of(mails.NOW)
    top = f"Received: {above}; {date}\r\n" if above else ""
    return (
        f"Return-Path: <>\r\n{top}Received: from {canary.helo} (canary.feed.example [{literal}])"
        f" by {host} (Postfix) with ESMTPS id A; {date}\r\n"
    ).encode() + canary.message


def checked(
    message: bytes,
    expected: Address = V4,
    registration: Registration = REGISTERED,
    now: dt.datetime = mails.NOW,
) -> Result:
    judgement = judge(message, registration=registration, claim=CLAIM, now=now)
    return result_of(message, judgement, expected=expected, authserv_id="mx.reporter.example")


@pytest.mark.parametrize("canary", MADE, ids=[canary.name for canary in MADE])
@pytest.mark.parametrize("address", [V4, V6], ids=["over IPv4", "over IPv6"])
@pytest.mark.parametrize("above", ["", STORE], ids=["direct", "through a store"])
def test_a_server_that_stamps_passes(canary: Canary, address: Address, above: str) -> None:
    message = stamped(canary, address, above=above)
    result = checked(message, address)
    assert (result.finding, result.found) == (Finding.KNOWN_ADDRESS, address)
    assert name_of(message) == Name(token=TOKEN, name=canary.name)


@pytest.mark.parametrize("canary", MADE, ids=[canary.name for canary in MADE])
def test_a_server_that_does_not_stamp_is_found(canary: Canary) -> None:
    result = checked(canary.message)
    assert result.finding is (Finding.NO_ADDRESS if canary.name == "plain" else Finding.FORGED_ADDRESS)


@pytest.mark.parametrize("canary", MADE, ids=[canary.name for canary in MADE])
def test_a_proxy_in_front_is_found(canary: Canary) -> None:
    result = checked(stamped(canary, ipaddress.ip_address("10.0.0.9")))
    assert result.finding is Finding.OTHER_ADDRESS


@pytest.mark.parametrize("canary", MADE, ids=[canary.name for canary in MADE])
def test_a_wrong_name_is_found(canary: Canary) -> None:
    result = checked(stamped(canary, V4, host="mx2.reporter.example"))
    assert result.finding is Finding.NO_ADDRESS


def test_a_store_that_takes_mail_around_the_border_is_found() -> None:
    """Its stamp is registered as internal, so the forged field below it is reached."""
    found = {checked(stamped(canary, V4, host="store.reporter.example")).finding for canary in MADE}
    assert Finding.KNOWN_ADDRESS not in found
    assert Finding.FORGED_ADDRESS in found


@pytest.mark.parametrize("canary", MADE, ids=[canary.name for canary in MADE])
def test_an_authentication_result_left_in_place_is_noted(canary: Canary) -> None:
    kept = stamped(canary, V4)
    assert checked(kept).keeps_foreign_results is (canary.name != "plain")
    stripped = kept.replace(b"Authentication-Results: mx.reporter.example;", b"X-Old-Results: ")
    assert not checked(stripped).keeps_foreign_results


@pytest.mark.parametrize("message", [b"", mails.dsn(), b"\0" * 100, b"X: y\n" * 400])
def test_another_mail_is_no_canary(message: bytes) -> None:
    assert name_of(message) is None


NOT_OURS = {
    "only a token": f"{FIELD}: {TOKEN}\r\n\r\nx".encode(),
    "a name that no mail of ours has": f"{FIELD}: {TOKEN} evil\r\n\r\nx".encode(),
    "in the body": f"Subject: x\r\n\r\n{FIELD}: {TOKEN} plain".encode(),
    "larger than any": f"{FIELD}: {TOKEN} plain\r\n\r\n".encode() + b"x" * LARGEST,
    "more fields than are read": b"X: y\r\n" * 3000 + f"{FIELD}: {TOKEN} plain\r\n\r\n".encode(),
}


@pytest.mark.parametrize("case", NOT_OURS)
def test_what_only_looks_so_is_no_canary(case: str) -> None:
    assert name_of(NOT_OURS[case]) is None


def test_the_names_are_those_that_are_made() -> None:
    assert {canary.name for canary in MADE} == set(NAMES)


def test_a_canary_that_is_old_still_shows_its_address() -> None:
    old = checked(stamped(MADE[0], V4), now=mails.NOW + dt.timedelta(days=30))
    assert old.finding is Finding.KNOWN_ADDRESS
