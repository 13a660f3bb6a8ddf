"""Twelve days of a small feed on a database: four emitters, one removal."""

import datetime as dt

from feed.domain.address import parse_address
from feed.domain.event import Attestation, RecipientClass
from feed.domain.policy import PRIVATE
from feed.domain.providers import Providers
from feed.jobs.score import Scorer
from feed.store import evidence, removals, rules
from feed.store.database import Database
from feed.store.secret import Secret
from tests.factories import make_event, make_reporter

SECRET = Secret(bytes(32))
DAY = 86_400
DAYS = 12


def live(database: Database, *, end: int) -> None:
    """Let twelve days pass until second `end` under the private policy, scored every hour."""
    scorer = Scorer(
        database=database, secret=SECRET, policy=PRIVATE, providers=Providers.parse("# date: 2026-11-25\n")
    )
    with database.write() as connection:
        for name in ("one", "two"):
            make_reporter(connection, name, anchor=True)
    start = end - DAYS * DAY
    for hour in range(DAYS * 24 + 1):
        at = start + hour * 3600
        if hour % 24 == 3:
            day = hour // 24
            for octet, days, source in (
                (1, range(2, 11), 1),
                (2, range(1, 3), 1),
                (3, (4,), 2),
                (4, (2, 5), 2),
            ):
                if day in days:
                    _hit(database, at, octet, source)
        scorer.run(now=at)
        if hour == 5 * 24:
            with database.write() as connection:
                current = rules.load(connection, policy=PRIVATE, providers=scorer.providers, now=at)
                address = parse_address("192.0.2.1")
                removals.ask(connection, address=address, rules=current, now=at, proof="address")


def _hit(database: Database, at: int, octet: int, source: int) -> None:
    when = dt.datetime.fromtimestamp(at, dt.UTC)
    claim = (
        {} if octet == 1 else {"recipient_class": RecipientClass.TAG_MISSING, "attestation": Attestation.U4}
    )
    event = make_event(
        address=f"192.0.2.{octet}", source_id=source, observed_at=when - dt.timedelta(minutes=7),
        received_at=when, **claim,
    )  # fmt: skip
    with database.write() as connection:
        evidence.add_event(connection, event)
