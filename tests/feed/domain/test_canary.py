"""Canaries as they are made: mails that can be sent, or a refusal in words."""

import email
import email.policy

import pytest

from feed.domain.canary import FIELD, NAMES, CanaryError, make_canaries
from tests.factories import NOW

VALUES: dict[str, object] = {
    "recipient": "trap@reporter.example",
    "sender_host": "canary.feed.example",
    "border_hosts": {"mx.reporter.example"},
    "internal_hosts": {"store.reporter.example"},
    "authserv_id": "mx.reporter.example",
    "token": "t0k3n-of-today",
    "at": NOW,
}


def test_every_canary_is_a_mail_that_can_be_sent() -> None:
    made = make_canaries(**VALUES)  # type: ignore[arg-type]
    assert tuple(canary.name for canary in made) == NAMES
    for canary in made:
        parsed = email.message_from_bytes(canary.message, policy=email.policy.SMTP)
        assert parsed[FIELD] == f"t0k3n-of-today {canary.name}"
        assert parsed["To"].addresses[0].addr_spec == "trap@reporter.example"
        assert not parsed.defects
        assert canary.message.isascii()
        assert b"\n" not in canary.message.replace(b"\r\n", b"")


BAD: dict[str, dict[str, object]] = {
    "no border host": {"border_hosts": set()},
    "a short token": {"token": "x"},
    "a token with a line end": {"token": "abcdefgh\r\nBcc: x@y.example"},
    "a recipient with a line end": {"recipient": "a@b.example\r\nBcc: x@y.example"},
    "two recipients": {"recipient": "a@b.example, c@d.example"},
    "a host with a blank": {"sender_host": "a b"},
    "an authserv-id with a line end": {"authserv_id": "a\r\nX: y"},
    "a border host with a bracket": {"border_hosts": {"a["}},
}


@pytest.mark.parametrize("case", BAD)
def test_values_that_make_no_mail_are_refused(case: str) -> None:
    with pytest.raises(CanaryError):
        make_canaries(**(VALUES | BAD[case]))  # type: ignore[arg-type]
