"""Canaries: a border host that stamps passes, and every way of not stamping is found."""

import dataclasses
import datetime as dt
import email
import email.policy
import ipaddress

import pytest

from feed.domain.address import Address
from ingest.mail.canary import FIELD, Canary, CanaryError, Finding, Result, check_canary, make_canaries
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
    registration=REGISTERED,
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


def checked(message: bytes, expected: Address = V4, registration: Registration = REGISTERED) -> Result:
    return check_canary(
        message,
        expected=expected,
        token=TOKEN,
        registration=registration,
        authserv_id="mx.reporter.example",
        now=mails.NOW,
    )


@pytest.mark.parametrize("canary", MADE, ids=[canary.name for canary in MADE])
@pytest.mark.parametrize("address", [V4, V6], ids=["over IPv4", "over IPv6"])
@pytest.mark.parametrize("above", ["", STORE], ids=["direct", "through a store"])
def test_a_server_that_stamps_passes(canary: Canary, address: Address, above: str) -> None:
    result = checked(stamped(canary, address, above=above), address)
    assert (result.name, result.finding, result.found, result.passed) == (
        canary.name,
        Finding.KNOWN_ADDRESS,
        address,
        True,
    )


@pytest.mark.parametrize("canary", MADE, ids=[canary.name for canary in MADE])
def test_a_server_that_does_not_stamp_is_found(canary: Canary) -> None:
    result = checked(canary.message)
    assert not result.passed
    assert result.finding is (Finding.NO_ADDRESS if canary.name == "plain" else Finding.FORGED_ADDRESS)


@pytest.mark.parametrize("canary", MADE, ids=[canary.name for canary in MADE])
def test_a_proxy_in_front_is_found(canary: Canary) -> None:
    result = checked(stamped(canary, ipaddress.ip_address("10.0.0.9")))
    assert (result.finding, result.passed) == (Finding.OTHER_ADDRESS, False)


@pytest.mark.parametrize("canary", MADE, ids=[canary.name for canary in MADE])
def test_a_wrong_name_is_found(canary: Canary) -> None:
    result = checked(stamped(canary, V4, host="mx2.reporter.example"))
    assert (result.finding, result.passed) == (Finding.NO_ADDRESS, False)


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
    assert checked(message).finding is Finding.NOT_THIS_CANARY


def test_a_canary_of_another_run_is_no_canary() -> None:
    old = stamped(MADE[0], V4).replace(TOKEN.encode(), b"an-older-token")
    assert checked(old).finding is Finding.NOT_THIS_CANARY


def test_every_canary_is_a_mail_that_can_be_sent() -> None:
    assert len({canary.name for canary in MADE}) == len(MADE) == 9
    for canary in MADE:
        parsed = email.message_from_bytes(canary.message, policy=email.policy.SMTP)
        assert parsed[FIELD] == f"{TOKEN} {canary.name}"
        assert parsed["To"].addresses[0].addr_spec == "trap@reporter.example"
        assert not parsed.defects
        assert canary.message.isascii()
        assert b"\n" not in canary.message.replace(b"\r\n", b"")


BAD: dict[str, dict[str, object]] = {
    "no border host": {"registration": Registration()},
    "a short token": {"token": "x"},
    "a token with a line end": {"token": "abcdefgh\r\nBcc: x@y.example"},
    "a recipient with a line end": {"recipient": "a@b.example\r\nBcc: x@y.example"},
    "two recipients": {"recipient": "a@b.example, c@d.example"},
    "a host with a blank": {"sender_host": "a b"},
    "an authserv-id with a line end": {"authserv_id": "a\r\nX: y"},
    "a border host with a bracket": {
        "registration": dataclasses.replace(REGISTERED, border_hosts=frozenset({"a["}))
    },
}


@pytest.mark.parametrize("case", BAD)
def test_values_that_make_no_mail_are_refused(case: str) -> None:
    values: dict[str, object] = {
        "recipient": "trap@reporter.example",
        "sender_host": "canary.feed.example",
        "registration": REGISTERED,
        "authserv_id": "mx.reporter.example",
        "token": TOKEN,
        "at": mails.NOW,
    }
    with pytest.raises(CanaryError):
        make_canaries(**(values | BAD[case]))  # type: ignore[arg-type]


def test_a_canary_that_is_old_still_shows_its_address() -> None:
    result = check_canary(
        stamped(MADE[0], V4),
        expected=V4,
        token=TOKEN,
        registration=REGISTERED,
        authserv_id="mx.reporter.example",
        now=mails.NOW + dt.timedelta(days=30),
    )
    assert result.passed
