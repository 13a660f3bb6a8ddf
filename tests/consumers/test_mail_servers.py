"""Real mail servers with exactly the printed configuration (ux-ecosystem.md 3.1)."""

import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.consumers.lab import ZONES
from tests.consumers.running import laboratory, mail_server, place

pytestmark = pytest.mark.e2e


@pytest.fixture(params=["postfix", "exim"])
def software(request: pytest.FixtureRequest, folder: pathlib.Path) -> str:
    """Return a mail server that is there."""
    mail_server(request.param, folder)
    return str(request.param)


@pytest.fixture
def folder() -> Iterator[pathlib.Path]:
    """Return a folder for one laboratory."""
    with place() as made:
        (made / "lab").mkdir()
        yield made


def _tried(folder: pathlib.Path, software: str, stage: str) -> dict[str, Any]:
    return laboratory("lab", software, stage, str(folder / "lab"))


def test_refuses_bounces_of_confirmed_emitters_and_nothing_else(folder: pathlib.Path, software: str) -> None:
    found = _tried(folder, software, "refuse")
    refused = {"postfix": "data 554", "exim": "data 550"}[software]
    assert found["answers"] == {
        "listed, empty sender": refused,
        "listed, IPv6, empty sender": refused,
        "listed, normal sender": "accepted",
        "reported, empty sender": "accepted",
        "clean, empty sender": "accepted",
        "callout from listed": "accepted",
        "listed, DNS down": "accepted",
    }
    assert found["normal"] == ["accepted"] * 3
    assert not [name for name in found["asked_for_normal"] if name.endswith(ZONES.zone)]
    assert f"66.100.51.198.{ZONES.zone}" in found["asked_for_empty"]


@pytest.mark.parametrize("stage", ["warn", "score"])
def test_warning_and_scoring_refuse_nobody_and_say_whom(
    folder: pathlib.Path, software: str, stage: str
) -> None:
    found = _tried(folder, software, stage)
    assert set(found["answers"].values()) == {"accepted"}
    if (software, stage) == ("exim", "score"):
        marked = [head for head in found["queued"] if "X-Backscatter: 127.0.0.2" in head]
        assert len(marked) == 2
        assert all("\n<>\n" in head for head in marked), "a mail with a sender is marked"
        return
    words = {"postfix": "reject_warning", "exim": "listed for backscatter"}[software]
    warned = [line for line in found["log"].splitlines() if words in line]
    emitters = ("198.51.100.66", "2001:db8:66::66")
    assert all(any(emitter in line for line in warned) for emitter in emitters)
    assert all(any(emitter in line for emitter in emitters) for line in warned)
