"""Printed configuration: every one pins the code and asks for the empty sender only."""

import pytest

from feed.domain.snippets import WRITERS, Stage, Zones

ZONES = Zones(zone="bl.example.org", score_zone="score.bl.example.org", server="192.0.2.53", port=53)
MAIL = ("postfix", "exim", "rspamd", "spamassassin", "haraka", "opensmtpd")
RESOLVERS = ("unbound", "bind", "dnsmasq")
EMPTY_SENDER = {
    "postfix": "<> =", "exim": "senders = :", "rspamd": "BOUNCE", "spamassassin": "__BSFEED_NULL",
    "haraka": "mail_from.isNull()", "opensmtpd": "BOUNCE",
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
    assert not any(word in text for word in ("deny", "DENY", "score = 15", " 8.0"))


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
