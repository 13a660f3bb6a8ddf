"""Bulk actions and the preview of a report's retraction on the command line."""

import datetime as dt
import pathlib
import time

import pytest

from feed.domain.event import Attestation, RecipientClass
from feed.store import evidence
from tests.factories import make_event
from tests.feed.commands.test_retracting import Operator


@pytest.fixture
def operator(tmp_path: pathlib.Path) -> Operator:
    """Return an operator whose feed lists 192.0.2.66."""
    made = Operator(tmp_path)
    now = dt.datetime.fromtimestamp(int(time.time()), dt.UTC)
    with made.database.write() as connection:
        for number in range(3):
            evidence.add_event(
                connection,
                make_event(
                    received_at=now, observed_at=now - dt.timedelta(hours=1 + 24 * number),
                    recipient_class=RecipientClass.TRAP, attestation=Attestation.U4,
                    recipient_token=number + 1,
                ),
            )  # fmt: skip
    made.good("score")
    return made


def test_preview_start_undo(operator: Operator) -> None:
    where = ("--network", "192.0.2.0/24", "--hours", "48", "--reporter", "one")
    said = operator.good("bulk", "preview", "end", *where, "--reason", "a test")
    assert "would concern 1 addresses" in said
    assert "192.0.2.66/32" in said
    assert "preview, nothing is done" in operator.good("bulk", "list")
    assert "done" in operator.good("bulk", "start", "1")
    assert "never" not in operator.good("bulk", "show", "1")
    assert "already" in operator.bad("bulk", "start", "1")
    assert "no listed address" in operator.bad("bulk", "preview", "hold", *where, "--reason", "x")
    assert "undone" in operator.good("bulk", "undo", "1", "--reason", "a slip")
    assert "would concern 1 addresses" in operator.good("bulk", "preview", "hold", *where, "--reason", "x")
    assert {"bulk_start", "listing_remove", "bulk_undo", "listing_restore"} <= set(operator.actions())
    because = ("--reason", "x")
    for wrong in (("start", "9"), ("show", "9"), ("undo", "9", *because),
                  ("preview", "burn", *where, *because), ("preview", "end", *because)):  # fmt: skip
        operator.bad("bulk", *wrong)


def test_what_taking_a_report_back_would_change(operator: Operator) -> None:
    operator.report("b" * 26)
    said = operator.good("report", "retract", "b" * 26, "--reason", "x", "--preview")
    assert "no listing and no history would change" in said or "192.0.2.66" in said
    assert "report_retract" not in operator.actions()
    assert "taken back" in operator.good("report", "retract", "b" * 26, "--reason", "x")
