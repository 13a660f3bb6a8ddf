"""From what was judged to items for the spool: structured JSON, nothing readable about people."""

import datetime as dt
import json
from collections.abc import Iterable
from typing import Any, Final

from ingest.report.classify import REPORTED, Kind
from ingest.report.facts import Facts
from ingest.report.index import Index, Judged
from ingest.report.spool import OBSERVATION, REPORT, Item, Spool

FRESH_S: Final = 7 * 86_400 - 3600
"""The feed refuses what is older than seven days; an hour is left for the way."""
_OBSERVED_DAYS: Final = 6
_DAY_S: Final = 86_400
_EPOCH: Final = dt.date(1970, 1, 1)


def is_reported(one: Judged) -> bool:
    """Return whether an arrival's class is evidence."""
    return one.kind in {kind.value for kind in REPORTED}


def report_item(one: Judged) -> Item:
    """Return the report about a judged arrival."""
    facts = Facts.from_json(one.facts)
    record: dict[str, Any] = {
        "client_ip": one.address,
        "observed_at": stamp(one.at),
        "null_sender": True,
        "kind": "ndr",
        "recipient_class": one.kind,
        "lookback_days": one.lookback_days,
        "digest": facts.digest,
    }
    if facts.recipient:
        record["recipient_token"] = facts.recipient
    if one.kind == Kind.LOG_MISS.value:
        record["original_key"] = facts.originals[0] if facts.originals else facts.recipient
        record["original_recipient_match"] = True
    return Item(
        kind=REPORT, body=json.dumps(record).encode(), identity=facts.digest, stale_at=one.at + FRESH_S
    )


def observation_item(address: str, day: int, numbers: tuple[int, int, int]) -> Item:
    """Return what was seen of an address on a day: all mails, null senders, genuine ones."""
    seen, nulls, genuine = numbers
    record = {
        "address": address,
        "day": (_EPOCH + dt.timedelta(days=day)).isoformat(),
        "seen_24h": seen,
        "null_24h": nulls,
        "genuine_24h": genuine,
    }
    return Item(kind=OBSERVATION, body=json.dumps(record).encode(), stale_at=(day + 7) * _DAY_S)


def submit(index: Index, spool: Spool, *, now: int) -> tuple[int, int]:
    """Spool all fresh evidence and new observations; returns how many of each. Raises SpoolError.

    What is spooled is marked afterwards: killed between the two, it is spooled again under the same name.
    """
    fresh = [one for one in index.judged(since=now - FRESH_S, until=now + _DAY_S) if not one.submitted]
    reports = [one for one in fresh if is_reported(one)]
    for one in reports:
        spool.put(report_item(one))
    told = list(_news(index, first_day=now // _DAY_S - _OBSERVED_DAYS))
    for address, day, numbers in told:
        spool.put(observation_item(address, day, numbers))
    index.begin()
    index.submitted([one.key for one in reports])
    for address, day, numbers in told:
        index.tell(address, day, _words(numbers))
    index.commit()
    return len(reports), len(told)


def _news(index: Index, *, first_day: int) -> Iterable[tuple[str, int, tuple[int, int, int]]]:
    for address, day, *numbers in index.observations(first_day=first_day):
        seen, nulls, genuine = numbers
        if not index.told(address, day, _words((seen, nulls, genuine))):
            yield address, day, (seen, nulls, genuine)


def _words(numbers: tuple[int, int, int]) -> str:
    return "/".join(map(str, numbers))


def stamp(at: int) -> str:
    """Return a moment as RFC 3339 in UTC, cut to the minute."""
    return dt.datetime.fromtimestamp(at - at % 60, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
