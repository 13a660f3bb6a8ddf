"""The desk: who is asking, what he may, and what becomes of his reports; the blocking part of the routes."""

import contextlib
import dataclasses
import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter

from feed.domain.address import AddressError, parse_address, special_purpose
from feed.domain.event import Provenance, Verdict, strength_of
from feed.opening import Feed
from feed.store import evidence, receipts, reporters, usage
from feed.store.in_flight import InFlight, InFlightError
from feed.store.reporters import Reporter
from ingest import auth, batch, calibration, quota, schemas
from ingest.grouped import Grouped
from ingest.intake import Answer, Intake, Judged, refusal_of
from ingest.judge_wire import Question
from ingest.judges import BusyError, Judges
from ingest.mail.judge import judge_record
from ingest.mail.judgement import Claim, Judgement, Registration
from ingest.problems import FieldError, ProblemError
from ingest.quota import Quota
from ingest.submission import Submission

RETRY_S: Final = 5
"""When to come back after 503: a busy judge or database is free again sooner than that."""
OBSERVED_DAYS: Final = 7

_EPOCH: Final = dt.date(1970, 1, 1)
_KEY: Final = re.compile(r'"([ !#-\[\]-~]{1,128})"|([!#-\[\]-~]{1,128})')


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A reporter at the desk, with what he may still send today."""

    reporter: Reporter
    quota: Quota
    used: int


class Desk:
    """Takes reports for one feed; `now` gives aware UTC time."""

    def __init__(self, feed: Feed, *, now: Callable[[], dt.datetime]) -> None:
        """Take the opened feed. Judging children start with `open`, or with the first mail."""
        self.feed = feed
        self.now = now
        self.registry = CollectorRegistry()
        self.results = Counter("bsf_reports", "Reports by result", ["result"], registry=self.registry)
        self.judges = Judges(feed.settings.http.judges)
        self._intake = Intake(feed.database, feed.secret)
        self._grouped = Grouped(self._intake)
        self._in_flight = InFlight(feed.database)

    def open(self) -> None:
        """Start the judging children."""
        self.judges.start()

    def close(self) -> None:
        """End the judging children and free the keys."""
        self.judges.close()
        self._in_flight.close()

    def caller(self, authorization: str | None) -> Caller:
        """Return who is asking; raises 401 or 403."""
        now = self.now()
        with self.feed.database.read() as connection:
            second = int(now.timestamp())
            reporter, key = auth.reporting(connection, self.feed.secret, authorization, now=second)
            used = usage.events(connection, reporter.source_id, day=_day(now))
        reporters.note_use(self.feed.database, key, now=second)
        return Caller(reporter=reporter, quota=quota.quota_of(reporter, used=used, now=now), used=used)

    def take(self, caller: Caller, submission: Submission) -> Answer:
        """Take one report; raises the problem with it."""
        with self._held(caller.reporter, submission.idempotency_key):
            now = self.now()
            with self.feed.database.read() as connection:
                # A duplicate is answered before anything is judged: it costs nobody anything.
                known = self._intake.earlier(connection, caller.reporter, submission, day=_day(now))
            if known is not None:
                return known
            if not caller.quota.left:
                raise ProblemError("over_quota")
            judgement = self._judge(caller.reporter, submission, now=now)
            judged = Judged(submission=submission, judgement=judgement)
            return self._grouped.take(caller.reporter, judged, now=now)

    @contextlib.contextmanager
    def _held(self, reporter: Reporter, key: str | None) -> Iterator[None]:
        """Hold an Idempotency-Key while its report is being taken; raises 409 if another request does."""
        if key is None:
            yield
            return
        try:
            with self._in_flight.hold(self._intake.in_flight_key(reporter, key)):
                yield
        except InFlightError:
            raise ProblemError("conflict", headers={"Retry-After": "1"}) from None

    def take_batch(self, caller: Caller, data: bytes, *, coding: str) -> list[batch.Result]:
        """Take a batch of structured reports and return a result for each line."""
        now = self.now()
        lines = batch.lines_of(data, coding=coding)
        registration = self._registration(caller.reporter)
        judged = [
            Judged(submission=said, judgement=judge_record(said.claim, registration=registration, now=now))
            for _, said in lines
            if not isinstance(said, ProblemError)
        ]
        taken = iter(self._intake.take_many(caller.reporter, judged, now=now) if judged else [])
        return [(number, said if isinstance(said, ProblemError) else next(taken)) for number, said in lines]

    def _registration(self, reporter: Reporter) -> Registration:
        return Registration(
            border_hosts=reporter.border_hosts,
            internal_hosts=reporter.internal_hosts,
            own_networks=reporter.own_networks,
            forwarders=reporter.forwarders,
            accept_special=self.feed.settings.publish.allow_special,
            prvs_keys=reporter.prvs_keys,
            srs_keys=reporter.srs_keys,
            own_domains=reporter.own_domains,
            bounce_domains=reporter.bounce_domains,
        )

    def _judge(self, reporter: Reporter, submission: Submission, *, now: dt.datetime) -> Judgement:
        registration = self._registration(reporter)
        if submission.message is None:
            judgement = judge_record(submission.claim, registration=registration, now=now)
            return _weakened(judgement) if submission.second_hand else judgement
        message = submission.message

        def by_child(claim: Claim) -> Judgement:
            question = Question(message=message, registration=registration, claim=claim, now=now)
            try:
                return self.judges.judge(question)
            except BusyError:
                raise ProblemError("busy", headers={"Retry-After": str(RETRY_S)}) from None

        canary = calibration.judged(self.feed, reporter, message, by_child, now=now)
        return canary if canary is not None else by_child(submission.claim)

    def receipt(self, reporter: Reporter, receipt_id: str) -> dict[str, Any]:
        """Return the answer that a report got; raises 404 for one that is not the reporter's own."""
        with self.feed.database.read() as connection:
            found = receipts.by_id(connection, reporter.source_id, receipt_id)
        if found is None:
            raise ProblemError("not_found")
        if (refusal := refusal_of(found)) is not None:
            raise refusal
        answer: dict[str, Any] = json.loads(found.answer)
        return answer

    def retract(self, reporter: Reporter, receipt_id: str) -> dict[str, Any]:
        """Take a report back, as often as one likes; raises 404 for one that is not the reporter's own."""
        answer = self._intake.retract(reporter, receipt_id, now=self.now())
        if answer is None:
            raise ProblemError("not_found")
        return answer

    def observe(self, reporter: Reporter, said: schemas.ObservationIn) -> None:
        """Store one observation: of the last week, of an address that could be an emitter."""
        try:
            address = parse_address(said.address)
        except AddressError as problem:
            raise ProblemError("invalid", errors=(FieldError("/address", str(problem)),)) from None
        trial = self.feed.settings.publish.allow_special
        if (why := special_purpose(address, trial=trial)) is not None:
            raise ProblemError("bad_address_class", why)
        today = self.now().date()
        if said.day > today:
            raise ProblemError("future")
        if said.day < today - dt.timedelta(days=OBSERVED_DAYS):
            raise ProblemError("stale")
        if not said.genuine_24h <= said.null_24h <= said.seen_24h:
            raise ProblemError(
                "invalid", errors=(FieldError("/null_24h", "genuine <= null <= seen is needed"),)
            )
        with self.feed.database.write() as connection:
            evidence.add_observation(
                connection,
                address,
                source_id=reporter.source_id,
                day=(said.day - _EPOCH).days,
                null_n=said.null_24h,
                genuine_n=said.genuine_24h,
                seen_24h=said.seen_24h,
                now=int(self.now().timestamp()),
            )


def _weakened(judgement: Judgement) -> Judgement:
    """Return a judgement whose address is second-hand (P1), with the strength that this leaves."""
    if judgement.refusal is not None or judgement.verdict is Verdict.RELAYED:
        return dataclasses.replace(judgement, provenance=min(judgement.provenance, Provenance.P1))
    strength = min(judgement.strength, strength_of(judgement.attestation, Provenance.P1))
    return dataclasses.replace(
        judgement,
        provenance=Provenance.P1,
        strength=strength,
        verdict=Verdict.BACKSCATTER if strength else Verdict.UNVERIFIABLE,
    )


def idempotency_key(field: str | None) -> str | None:
    """Return the key of an `Idempotency-Key` field: a string in quotes as in the draft, or a bare word.

    Raises 400 for anything else (draft-ietf-httpapi-idempotency-key-header-07 section 2.1).
    """
    if field is None:
        return None
    match = _KEY.fullmatch(field.strip())
    if match is None:
        raise ProblemError("malformed", "Idempotency-Key is 1 to 128 printable characters, in quotes")
    return match[1] or match[2]


def _day(moment: dt.datetime) -> int:
    return int(moment.timestamp()) // quota.SECONDS_A_DAY
