"""The printed plugin for Haraka does what it says, in Node; Haraka itself is not run (see `haraka.py`)."""

import functools
import pathlib
import shutil
from typing import Any

import playwright
import pytest

from tests.consumers.running import laboratory, place

pytestmark = pytest.mark.e2e

CONFIRMED = {
    "listed, empty sender",
    "listed, mapped, empty sender",
    "listed, IPv6, empty sender",
    "listed, IPv6 in full, empty sender",
}


def _node() -> str:
    """Return Node: the browser tests bring one along."""
    own = pathlib.Path(playwright.__file__).parent / "driver" / "node"
    found = str(own) if own.exists() else shutil.which("node")
    if found is None:
        pytest.skip("needs the program node")
    return found


@functools.cache
def _tried(stage: str) -> dict[str, Any]:
    node = _node()
    with place() as folder:
        return laboratory("haraka", node, stage, str(folder))


@pytest.mark.parametrize("stage", ["warn", "score", "refuse"])
def test_only_confirmed_emitters_with_an_empty_sender_are_met(stage: str) -> None:
    answers = _tried(stage)["answers"]
    assert {name for name, one in answers.items() if one["notices"]} == CONFIRMED
    denied = {name for name, one in answers.items() if one["answer"].startswith("denied")}
    assert denied == (CONFIRMED if stage == "refuse" else set())
    marked = {name for name, one in answers.items() if one["headers"] == ["X-Backscatter: 127.0.0.2"]}
    assert marked == (CONFIRMED if stage == "score" else set())
    assert {one["calls"] for one in answers.values()} == {1}


def test_b7_short_full_and_mapped_addresses_make_the_same_name() -> None:
    """Names of IPv6 addresses were built wrongly from their short form, and with too many dots."""
    answers = _tried("warn")["answers"]
    assert all(answers[name]["notices"] == 1 for name in CONFIRMED)
    assert answers["clean, ::1, empty sender"]["notices"] == 0


def test_mail_passes_when_dns_is_down() -> None:
    assert _tried("refuse")["down"]["answer"] == "passed"


def test_nothing_is_asked_for_a_mail_with_a_sender() -> None:
    assert _tried("refuse")["asked_for_normal"] == []
