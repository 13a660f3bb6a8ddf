"""The desk: from a request's bytes to its answer. Parse, judge, store; the blocking part of the routes."""

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter

from feed.domain.address import AddressError, parse_address, special_purpose
from feed.opening import Feed
from feed.store import evidence
from feed.store.reporters import Reporter
from ingest import auth, schemas
from ingest.intake import Answer, Intake, Submission
from ingest.mail.judge import judge, judge_record
from ingest.mail.judgement import Claim, Judgement, Registration
from ingest.problems import FieldError, ProblemError

LONGEST_IDEMPOTENCY_KEY: Final = 128
OBSERVED_DAYS: Final = 7

_EPOCH: Final = dt.date(1970, 1, 1)
_SECONDS_A_DAY: Final = 86_400


class Desk:
    """Takes reports for one feed; `now` gives aware UTC time."""

    def __init__(self, feed: Feed, *, now: Callable[[], dt.datetime]) -> None:
        """Take the opened feed."""
        self.feed = feed
        self.now = now
        self.registry = CollectorRegistry()
        self.results = Counter("bsf_reports", "Reports by result", ["result"], registry=self.registry)
        self._intake = Intake(feed.database, feed.secret)

    def reporter(self, authorization: str | None) -> Reporter:
        """Return the reporter who is asking; raises 401 or 403."""
        with self.feed.database.read() as connection:
            now = int(self.now().timestamp())
            return auth.reporting(connection, self.feed.secret, authorization, now=now)

    def take_mail(
        self,
        reporter: Reporter,
        message: bytes,
        parameters: Mapping[str, str],
        *,
        idempotency_key: str | None,
    ) -> Answer:
        """Take a notification as the reporter's mail server stored it, with the claim as parameters."""
        if not message:
            raise ProblemError("malformed", "the body is empty")
        claim = schemas.claim_of(schemas.parse_parameters(dict(parameters)))
        submission = Submission(
            digest=hashlib.sha256(message).digest(),
            body=message + json.dumps(sorted(parameters.items())).encode(),
            idempotency_key=_checked(idempotency_key),
        )
        return self._take(reporter, submission, claim, message)

    def take_record(self, reporter: Reporter, body: bytes, *, idempotency_key: str | None) -> Answer:
        """Take a structured report."""
        report = schemas.parse(schemas.ReportIn, body)
        canonical = report.model_dump_json(exclude_none=True).encode()
        submission = Submission(
            digest=bytes.fromhex(report.digest) if report.digest else hashlib.sha256(canonical).digest(),
            body=canonical,
            idempotency_key=_checked(idempotency_key),
        )
        return self._take(reporter, submission, schemas.claim_of(report), None)

    def _take(
        self, reporter: Reporter, submission: Submission, claim: Claim, message: bytes | None
    ) -> Answer:
        now = self.now()
        with self.feed.database.read() as connection:
            # A duplicate is answered before anything is judged: it costs nobody anything.
            day = int(now.timestamp()) // _SECONDS_A_DAY
            known = self._intake.earlier(connection, reporter, submission, day=day)
        if known is not None:
            return known
        judgement = self._judge(reporter, claim, message, now=now)
        return self._intake.take(reporter, submission, claim, judgement, now=now)

    def _judge(
        self, reporter: Reporter, claim: Claim, message: bytes | None, *, now: dt.datetime
    ) -> Judgement:
        registration = Registration(
            border_hosts=reporter.border_hosts,
            internal_hosts=reporter.internal_hosts,
            own_networks=reporter.own_networks,
            forwarders=reporter.forwarders,
            accept_special=self.feed.settings.publish.allow_special,
        )
        if message is None:
            return judge_record(claim, registration=registration, now=now)
        return judge(message, registration=registration, claim=claim, now=now)

    def observe(self, reporter: Reporter, said: schemas.ObservationIn) -> None:
        """Store one observation: of the last week, of an address that could be an emitter."""
        try:
            address = parse_address(said.address)
        except AddressError as problem:
            raise ProblemError("invalid", errors=(FieldError("/address", str(problem)),)) from None
        if not self.feed.settings.publish.allow_special and (why := special_purpose(address)) is not None:
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
            )


def _checked(key: str | None) -> str | None:
    if key is not None and not 0 < len(key) <= LONGEST_IDEMPOTENCY_KEY:
        raise ProblemError("malformed", f"Idempotency-Key has 1 to {LONGEST_IDEMPOTENCY_KEY} characters")
    return key
