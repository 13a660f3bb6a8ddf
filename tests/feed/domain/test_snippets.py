"""Printed configuration: every one pins the code and asks for the empty sender only."""

import pytest

from feed.domain.snippets import WRITERS, Stage, Zones

ZONES = Zones(zone="bl.example.org", score_zone="score.bl.example.org", server="192.0.2.53", port=53)
MAIL = ("postfix", "exim", "rspamd", "spamassassin", "haraka", "opensmtpd")
RESOLVERS = ("unbound", "bind", "dnsmasq")
EMPTY_SENDER = {
    "postfix": "<> =", "exim": "senders = :", "rspamd": 'from[1].addr == ""',
    "spamassassin": "<> *$", "haraka": "mail_from.isNull()", "opensmtpd": 'from[1].addr == ""',
}  # fmt: skip


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("software", MAIL)
def test_code_is_pinned_and_only_the_empty_sender_is_asked_for(software: str, stage: Stage) -> None:
    text = WRITERS[software](ZONES, stage)
    assert "127.0.0.2" in text.replace("\\", "")
    assert EMPTY_SENDER[software] in text


@pytest.mark.parametrize("software", MAIL)
def test_warning_never_refuses(software: str) -> None:
    text = WRITERS[software](ZONES, Stage.WARN)
    assert not any(word in text for word in ("deny", "DENY", '"reject"', " 8.0", " 3.0", "= 4.0"))


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("software", MAIL)
def test_b2_an_unpinned_code_stands_in_no_snippet(software: str, stage: Stage) -> None:
    """Error codes of a resolver read as a listing refused all mail in three products."""
    text = WRITERS[software](ZONES, stage).replace("\\", "")
    asking = [line for line in text.splitlines() if ZONES.zone in line and not line.startswith("#")]
    pinned = {
        "postfix": "reject_rbl_client bl.example.org=127.0.0.2",
        "exim": "dnslists = bl.example.org=127.0.0.2",
        "spamassassin": "'score.bl.example.org.', '^127.0.0.2$'",
    }
    if software in pinned:
        assert asking
        assert all(pinned[software] in line for line in asking)
    elif software == "haraka":
        assert "codes.includes('127.0.0.2')" in text
    else:
        assert "unknown = false" in text


@pytest.mark.parametrize("software", ["postfix", "exim", "haraka"])
def test_mail_of_own_users_is_never_asked_about(software: str) -> None:
    text = WRITERS[software](ZONES, Stage.REFUSE)
    assert any(
        word in text for word in ("permit_sasl_authenticated", "!authenticated = *", "connection.relaying")
    )


@pytest.mark.parametrize(
    ("endpoint", "server", "port"),
    [
        ("192.0.2.53:5353", "192.0.2.53", 5353),
        ("[2001:db8::53]:53", "2001:db8::53", 53),
        ("0.0.0.0:53", "127.0.0.1", 53),
        ("[::]:53", "::1", 53),
        ("localhost:5300", "127.0.0.1", 5300),
    ],
)
def test_resolvers_forward_to_an_address_that_can_be_asked(endpoint: str, server: str, port: int) -> None:
    zones = Zones.listening("bl.example.org", "score.bl.example.org", endpoint)
    assert (zones.server, zones.port) == (server, port)
    assert f"stub-addr: {server}@{port}\n" in WRITERS["unbound"](zones, Stage.WARN)


@pytest.mark.parametrize("software", RESOLVERS)
@pytest.mark.parametrize("score_zone", ["score.bl.example.org", "score.example.org"])
def test_resolvers_reach_both_zones(software: str, score_zone: str) -> None:
    zones = Zones(zone="bl.example.org", score_zone=score_zone, server="192.0.2.53", port=5300)
    text = WRITERS[software](zones, Stage.WARN)
    assert "bl.example.org" in text
    assert (score_zone in text) is not score_zone.endswith(".bl.example.org")
    assert "192.0.2.53" in text
    assert "5300" in text


def test_everybody_named_is_tested() -> None:
    assert set(WRITERS) == {*MAIL, *RESOLVERS}
