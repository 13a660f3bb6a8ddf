"""Real rspamd, SpamAssassin and OpenSMTPD with exactly the printed settings (ux-ecosystem.md 3.1, 3.2).

The mail is an auto-reply with an empty sender: nothing in its content tells a bounce.
"""

import functools
from typing import Any

import pytest

from tests.conftest import needs
from tests.consumers.packages import OPENSMTPD, unpacked
from tests.consumers.running import laboratory, place

pytestmark = pytest.mark.e2e

CONFIRMED = {"listed, empty sender", "listed, IPv6, empty sender"}
REPORTED = {"reported, empty sender"}
NEITHER = {
    "listed, normal sender",
    "listed, unknown sender",
    "reported, normal sender",
    "clean, empty sender",
}


@functools.cache
def _tried(software: str, stage: str) -> dict[str, Any]:
    needs(software)
    with place() as folder:
        (folder / "lab").mkdir()
        if (software, stage) == ("rspamd", "refuse"):
            needs("postfix")
            (folder / "opensmtpd-root").symlink_to(unpacked(*OPENSMTPD))
        return laboratory("filters", software, stage, str(folder / "lab"))


def _hits(symbols: dict[str, dict[str, float]], rule: str) -> dict[str, float]:
    return {name: ours[rule] for name, ours in symbols.items() if rule in ours}


@pytest.mark.parametrize(
    ("stage", "confirmed", "reported"), [("warn", 0.0, 0.0), ("score", 4.0, 2.0), ("refuse", None, 2.0)]
)
def test_rspamd_scores_mail_with_an_empty_envelope_sender_only(
    stage: str, confirmed: float | None, reported: float
) -> None:
    asked = _tried("rspamd", stage)["asked"]
    assert set(asked) == CONFIRMED | REPORTED | NEITHER
    symbols = {name: one["symbols"] for name, one in asked.items()}
    if confirmed is not None:
        assert _hits(symbols, "BSFEED_BACKSCATTER") == dict.fromkeys(CONFIRMED, confirmed)
    assert _hits(symbols, "BSFEED_REPORTED") == dict.fromkeys(REPORTED, reported)
    refused = {name for name, one in asked.items() if one["refused"]}
    assert refused == (CONFIRMED if stage == "refuse" else set())


@pytest.mark.parametrize("stage", ["warn", "score", "refuse"])
def test_rspamd_lets_mail_pass_when_dns_is_down(stage: str) -> None:
    down = _tried("rspamd", stage)["down"]
    assert not down["refused"]
    assert set(down["symbols"]) <= {"BSFEED_NULL_SENDER"}


def test_rspamd_spares_own_users_and_says_in_its_log_whom_it_would_meet() -> None:
    found = _tried("rspamd", "warn")
    assert set(found["own user"]["symbols"]) == {"BSFEED_NULL_SENDER"}
    marked = [line for line in found["log"].splitlines() if "BSFEED_BACKSCATTER(0.00)" in line]
    assert len(marked) == len(CONFIRMED)


def test_rspamd_asks_for_every_mail_as_its_page_says() -> None:
    assert _tried("rspamd", "warn")["asked_for_normal"] == ["67.100.51.198.score.bl.feed.test"]


@pytest.mark.parametrize("server", ["postfix", "opensmtpd"])
def test_mail_servers_behind_rspamd_refuse_bounces_of_confirmed_emitters_only(server: str) -> None:
    refused = {"postfix": "end 554", "opensmtpd": "end 550"}[server]
    assert _tried("rspamd", "refuse")[server] == {
        "listed, empty sender": refused,
        "listed, IPv6, empty sender": refused,
        "listed, normal sender": "accepted",
        "reported, empty sender": "accepted",
        "clean, empty sender": "accepted",
        "callout from listed": "accepted",
    }


def test_b27_the_refusal_keeps_the_words_that_log_tools_look_for() -> None:
    said = _tried("rspamd", "refuse")["opensmtpd log"]["text"]
    assert "blocked using bl.feed.test" in said


@pytest.mark.parametrize(
    ("stage", "confirmed", "reported"), [("warn", 0.01, 0.01), ("score", 3.0, 1.5), ("refuse", 8.0, 1.5)]
)
def test_spamassassin_scores_mail_with_an_empty_envelope_sender_only(
    stage: str, confirmed: float, reported: float
) -> None:
    found = _tried("spamassassin", stage)
    assert found["lint"] == [0, ""]
    assert set(found["asked"]) == CONFIRMED | REPORTED | NEITHER
    assert _hits(found["asked"], "BSFEED_BACKSCATTER") == dict.fromkeys(CONFIRMED, confirmed)
    assert _hits(found["asked"], "BSFEED_REPORTED") == dict.fromkeys(REPORTED, reported)


def test_spamassassin_scores_nothing_when_dns_is_down() -> None:
    assert _tried("spamassassin", "refuse")["down"] == {"listed, empty sender": {}}
