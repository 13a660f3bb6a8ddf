"""Days of mail through real mail servers that log as the pages say: `scan` tells what really happened."""

import collections
import datetime as dt
import pathlib

import pytest

from ingest.report.index import Index, Judged
from ingest.report.keys import Keys
from ingest.report.networks import network
from ingest.report.scan import scan
from ingest.report.settings import Settings
from tests.conftest import needs
from tests.consumers import report_lab, running

pytestmark = pytest.mark.e2e

SETTINGS = Settings(
    domains=frozenset({"own.example"}), own_networks=(network("203.0.113.0/24"),), complete=True
)


def scanned(log: pathlib.Path) -> list[Judged]:
    index = Index(None)
    complaints: list[str] = []
    now = dt.datetime.now(dt.UTC)
    scan([str(log)], index, Keys(b"k" * 32), SETTINGS, zone=now.astimezone().tzinfo or dt.UTC, now=now,
         complain=complaints.append)  # fmt: skip
    assert complaints == []
    return index.judged(since=0, until=2**40)


@pytest.mark.parametrize("software", ["postfix", "exim"])
def test_days_of_a_real_mail_server(software: str) -> None:
    needs("postfix")  # the servers that bounce
    with running.place() as folder:
        running.mail_server(software, folder)
        lab = folder / "lab"
        lab.mkdir()
        truth = running.laboratory("report_lab", software, str(lab), seconds=600)
        found = scanned(pathlib.Path(truth["log"]))
    of = collections.Counter((one.address, one.kind) for one in found)
    for address, count in truth["backscatter"].items():
        assert of[address, "log_miss"] >= 0.99 * count, of
        assert of[address, "genuine"] == 0
    assert of[report_lab.EMITTER, "no_such_user"] >= 0.99 * truth["refused"], of
    for address, count in truth["genuine"].items():
        assert of[address, "genuine"] == count, of
        assert of[address, "log_miss"] == of[address, "no_such_user"] == 0
    # Text that a bot chose blames the bot at worst, and nobody is in the list who was not there.
    assert {address for address, _ in of} <= {
        report_lab.EMITTER, report_lab.QMAIL, report_lab.THERE, report_lab.FAR, report_lab.BOT
    }  # fmt: skip
