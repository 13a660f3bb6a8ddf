"""Retraction, seeds, listings by hand, self-check and provider file on the command line."""

import datetime as dt
import os
import pathlib
import subprocess
import sys
import time

import pytest
import sqlalchemy as sa

from feed.domain.event import Verdict
from feed.store import evidence, floods, receipts, shielding
from feed.store.database import Database
from feed.store.receipts import Receipt
from feed.store.tables import audit, event
from tests.factories import make_event
from tests.name_server import NameServer


class Operator:
    """Runs `backscatter-feed` in a folder with a database and one reporter."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.good("db", "upgrade")
        who = ("--organisation", "One", "--contact", "p@one.example", "--weight", "20")
        self.good("reporter", "add", "one", *who, "--reason", "t")
        self.database = Database(f"sqlite:///{folder}/var/feed.db")

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "feed", *arguments],
            cwd=self.folder,
            env=os.environ | {"COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def good(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def bad(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done.stderr + done.stdout

    def actions(self) -> list[str]:
        with self.database.read() as connection:
            return list(connection.execute(sa.select(audit.c.action).order_by(audit.c.audit_id)).scalars())

    def report(self, receipt_id: str) -> None:
        now = dt.datetime.fromtimestamp(int(time.time()), dt.UTC)
        new = make_event(received_at=now, observed_at=now.replace(second=0) - dt.timedelta(hours=1))
        with self.database.write() as connection:
            evidence.add_event(connection, new)
            made = Receipt(
                source_id=1, receipt_id=receipt_id, body_digest=bytes(32), verdict=Verdict.BACKSCATTER,
                answer='{"status":"accepted"}', created_day=1, emitter_key=new_key(new.address.packed),
                event_day=int(new.received_at.timestamp()) // 86_400, event_id=new.event_id,
            )  # fmt: skip
            digest = receipt_id.encode().ljust(32, b"\0")
            receipts.insert_many(connection, [(receipts.DIGEST, digest, made)])

    def standing(self) -> int:
        with self.database.read() as connection:
            found = connection.execute(sa.select(event.c.event_id).where(event.c.retracted_at.is_(None)))
            return len(found.all())


def new_key(packed: bytes) -> bytes:
    return bytes(10) + b"\xff\xff" + packed


@pytest.fixture
def operator(tmp_path: pathlib.Path) -> Operator:
    return Operator(tmp_path)


def test_report_and_reporter_are_taken_back(operator: Operator) -> None:
    for name in ("a", "b", "c"):
        operator.report(name * 26)
    operator.good("score")
    assert "taken back" in operator.good("report", "retract", "a" * 26, "--reason", "a slip")
    assert "did not count" in operator.good("report", "retract", "a" * 26, "--reason", "again")
    assert operator.standing() == 2
    assert "192.0.2.66" in operator.good("reporter", "retract", "one", "--reason", "lied", "--preview")
    assert operator.standing() == 2
    assert "1 addresses done" in operator.good("reporter", "retract", "one", "--reason", "lied")
    assert operator.standing() == 0
    assert operator.actions()[-3:] == ["report_retract", "report_retract", "reporter_retract"]
    assert "no such receipt" in operator.bad("report", "retract", "nonsense", "--reason", "x")
    assert "no reporter named" in operator.bad("reporter", "retract", "nobody", "--reason", "x")


def test_self_check_ends_with_an_error_when_it_found_one(operator: Operator) -> None:
    operator.report("a" * 26)
    operator.good("score")
    assert "1 addresses checked" in operator.good("selfcheck")
    with operator.database.write() as connection:
        connection.execute(sa.text("UPDATE cell SET points = 1"))
    assert "192.0.2.66" in operator.bad("selfcheck")
    operator.good("selfcheck")


def test_seed_trust_and_listing_by_hand(operator: Operator) -> None:
    operator.good("reporter", "seed", "one", "--weight", "9", "--reason", "known for years")
    assert "0.45" in operator.good("reporter", "list")
    assert "0 weights changed" in operator.good("trust")
    said = operator.good("list", "add", "192.0.2.9", "--days", "3", "--code", "3", "--reason", "seen")
    assert said.startswith("number 1: 192.0.2.9/32 until ")
    assert "127.0.0.3" in operator.good("list", "show")
    operator.good("list", "end", "1", "--reason", "over")
    assert "no such listing" in operator.bad("list", "end", "1", "--reason", "again")
    assert "never a wider network" in operator.bad(
        "list", "add", "192.0.2.0/24", "--days", "3", "--reason", "all of them"
    )
    assert operator.actions()[-3:] == ["reporter_seed", "list_add", "list_end"]


def test_address_that_never_sends_is_marked_for_operators_and_must_not_tell(operator: Operator) -> None:
    add = ("list", "add", "--days", "3", "--canary")
    said = operator.bad(*add, "192.0.2.9", "--reason", "our Canary")
    assert "reason of a listing by hand is public" in said
    operator.good(*add, "192.0.2.9", "--reason", "seen by hand")
    operator.good("list", "add", "192.0.2.10", "--days", "3", "--reason", "no canary at all")
    shown = [line.split("│") for line in operator.good("list", "show").splitlines() if "192.0.2" in line]
    assert [(row[2].strip(), row[8].strip()) for row in shown] == [("192.0.2.9", "yes"), ("192.0.2.10", "")]
    operator.report("a" * 26)
    assert "so it is no address that never sends" in operator.bad(*add, "192.0.2.66", "--reason", "seen")
    assert "a shared sender" in operator.bad(*add, "40.107.0.1", "--reason", "seen")
    assert operator.actions()[-2:] == ["canary_add", "list_add"]
    operator.good("list", "end", "1", "--reason", "another one now")
    assert "public" in operator.good("list", "add", "--help")


def test_day_that_copies_the_zone_is_shown_and_reviewed(operator: Operator) -> None:
    with operator.database.write() as connection:
        floods.mute(connection, 1, day=20_000, addresses_n=1, now=1, cause=floods.CANARY)
        floods.mute(connection, 1, day=20_001, addresses_n=222, now=1)
    shown = operator.good("reporter", "floods")
    assert "reported an address that never sends: it copies the zone" in shown
    assert "222 new addresses" in shown
    said = operator.good("reporter", "review", "one", "--day", "20000", "--reason", "it sends after all")
    assert "taken back" in said
    assert operator.good("reporter", "review", "one", "--day", "20001", "--reason", "a joe job") == ""
    assert "counts already" in operator.bad("reporter", "review", "one", "--day", "20000", "--reason", "x")
    assert operator.actions()[-2:] == ["canary_review", "flood_review"]
    assert "it sends after all" in operator.good("reporter", "floods")


def test_who_alone_makes_many_listings_milder_is_believed(operator: Operator) -> None:
    with operator.database.write() as connection:
        shielding.notice(connection, 1, listings_n=77, now=1)
    assert "one: 77 listings are 127.0.0.3 because it alone" in operator.good("reporter", "floods")
    operator.good("reporter", "believe", "one", "--reason", "a large provider")
    assert "77" not in operator.good("reporter", "floods")
    assert "waits for no review" in operator.bad("reporter", "believe", "one", "--reason", "again")
    assert "no reporter named" in operator.bad("reporter", "believe", "nobody", "--reason", "x")
    assert operator.actions()[-1:] == ["word_review"]


def test_refresh_without_a_resolver_changes_nothing(operator: Operator) -> None:
    file = operator.folder / "providers.txt"
    file.write_text("# date: 2026-11-01\n# spf: one.example One\n203.0.112.0/24 One\n", encoding="utf-8")
    before = file.read_text(encoding="utf-8")
    said = operator.bad("providers", "refresh", "--resolver", "127.0.0.1:1", "--file", str(file))
    assert "nothing was changed" in said
    assert file.read_text(encoding="utf-8") == before
    assert "name the file" in operator.bad("providers", "refresh", "--resolver", "127.0.0.1")


def test_refresh_asks_the_resolver_that_is_named_and_keeps_who_does_not_answer(operator: Operator) -> None:
    file = operator.folder / "providers.txt"
    file.write_text(
        "# date: 2026-11-01\n# spf: one.test One\n# spf: two.test Two\n198.18.0.0/24 Two\n",
        encoding="utf-8",
    )
    server = NameServer({("one.test", "TXT"): ["v=spf1 ip4:203.0.110.0/24 -all"]})
    try:
        done = operator.run("providers", "refresh", "--resolver", server.listen, "--file", str(file))
    finally:
        server.close()
    assert done.returncode == 0, done.stderr
    assert "1 of 2 senders asked" in done.stdout
    assert "Two: its last copy stays" in done.stderr
    lines = file.read_text(encoding="utf-8").splitlines()
    assert {"203.0.110.0/24 One", "198.18.0.0/24 Two"} <= set(lines)
