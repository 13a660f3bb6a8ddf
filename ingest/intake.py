"""From a judged report to a stored event and a receipt, in one transaction.

The same report again, at once or later, finds the first receipt and changes nothing. Killed half-way,
nothing is stored and the reporter has no receipt, so he sends it again.
"""

import dataclasses
import datetime as dt
import hashlib
import json
import secrets
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain.address import emitter_key
from feed.domain.event import Event, RecipientClass, Verdict
from feed.store import evidence, receipts, usage
from feed.store.database import Database
from feed.store.receipts import Receipt
from feed.store.reporters import Reporter
from feed.store.secret import Secret
from ingest.mail.judgement import Claim, Judgement
from ingest.problems import ProblemError

QUOTA_NEW: Final = 10_000
"""Events a day of a new reporter: ten times the largest mail site of the pilot's size."""
QUOTA_VETTED: Final = 1_000_000

_SECONDS_A_DAY: Final = 86_400


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One report as it came. digest: 32 bytes, equal for the same report again. body: all that was sent."""

    digest: bytes
    body: bytes
    idempotency_key: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What the reporter is told: the fields of `schemas.ReportOut`."""

    fields: dict[str, Any]
    left_today: int | None = None


class Intake:
    """Stores judged reports; safe to call from several threads and processes."""

    def __init__(self, database: Database, secret: Secret) -> None:
        """Take the open database and the server's secret."""
        self._database = database
        self._secret = secret

    def earlier(
        self, connection: Connection, reporter: Reporter, submission: Submission, *, day: int
    ) -> Answer | None:
        """Return the first answer to the same report; raises 422 for a key used with another body."""
        keys = self._dedupes(submission, day=day)
        if keys.by_key is not None:
            found = receipts.find(connection, reporter.source_id, receipts.IDEMPOTENCY_KEY, keys.by_key)
            if found is not None:
                if found.body_digest not in keys.body:
                    raise ProblemError("idempotency_key_reused")
                return _again(found)
        found = receipts.find(connection, reporter.source_id, receipts.DIGEST, keys.content)
        return _again(found) if found is not None else None

    def take(
        self,
        reporter: Reporter,
        submission: Submission,
        claim: Claim,
        judgement: Judgement,
        *,
        now: dt.datetime,
    ) -> Answer:
        """Store what was judged and return the receipt; raises 429 over quota and the refusals of judging."""
        if judgement.refusal is not None:
            with self._database.write() as connection:
                usage.count(connection, reporter.source_id, day=_day(now), refused=1)
            raise ProblemError(judgement.refusal.value)
        try:
            return self._store(reporter, submission, claim, judgement, now=now)
        except sa.exc.IntegrityError:
            # Another process stored the same report between our look and our insert.
            with self._database.read() as connection:
                answer = self.earlier(connection, reporter, submission, day=_day(now))
            if answer is None:
                raise ProblemError("conflict") from None
            return answer

    def _store(
        self,
        reporter: Reporter,
        submission: Submission,
        claim: Claim,
        judgement: Judgement,
        *,
        now: dt.datetime,
    ) -> Answer:
        day = _day(now)
        with self._database.write() as connection:
            answer = self.earlier(connection, reporter, submission, day=day)
            if answer is not None:
                return answer
            left = (QUOTA_VETTED if reporter.vetted else QUOTA_NEW) - usage.events(
                connection, reporter.source_id, day=day
            )
            if left <= 0:
                wait = _SECONDS_A_DAY - int(now.timestamp()) % _SECONDS_A_DAY
                raise ProblemError(
                    "over_quota", headers={"Retry-After": str(wait), "RateLimit": f'"day";r=0;t={wait}'}
                )
            event = self._event(reporter, submission, claim, judgement, now=now)
            if event is not None:
                event = evidence.add_event(connection, event, reporting_mta=judgement.reporting_mta)
            usage.count(connection, reporter.source_id, day=day, events=1)
            return self._receipt(connection, reporter, submission, judgement, event, day=day, left=left - 1)

    def _event(
        self,
        reporter: Reporter,
        submission: Submission,
        claim: Claim,
        judgement: Judgement,
        *,
        now: dt.datetime,
    ) -> Event | None:
        """Return the event of a judgement, None for a verdict that charges nobody."""
        if judgement.emitter is None or judgement.verdict not in {Verdict.BACKSCATTER, Verdict.UNVERIFIABLE}:
            return None
        observed_at = (judgement.observed_at or now).replace(second=0, microsecond=0)
        original = judgement.original or b"digest:" + submission.digest
        if claim.recipient_class is RecipientClass.NO_SUCH_USER and claim.recipient_token is not None:
            # No mail exists that could be named: each recipient counts once a day.
            original = f"recipient:{claim.recipient_token}/{_day(observed_at)}".encode()
        token = claim.recipient_token
        return Event(
            event_id=secrets.randbits(62),
            source_id=reporter.source_id,
            address=judgement.emitter,
            kind=judgement.kind,
            recipient_class=claim.recipient_class,
            attestation=judgement.attestation,
            provenance=judgement.provenance,
            strength=judgement.strength,
            observed_at=observed_at,
            received_at=now,
            epoch=0,
            original_key=self._secret.mac(f"original/{reporter.source_id}", original)[:16],
            recipient_token=self._secret.number(f"token/{reporter.source_id}", token.encode())
            if token
            else 0,
            software=judgement.software,
            status=judgement.status,
            helo=judgement.helo,
        )

    def _receipt(
        self,
        connection: Connection,
        reporter: Reporter,
        submission: Submission,
        judgement: Judgement,
        event: Event | None,
        *,
        day: int,
        left: int,
    ) -> Answer:
        fields = {
            "receipt": receipts.new_id(),
            "status": "accepted",
            "verdict": judgement.verdict.word,
            "kind": judgement.kind.word,
            "emitter": str(judgement.emitter) if judgement.emitter is not None else None,
            "provenance": judgement.provenance.name,
            "attestation": judgement.attestation.name,
            "strength": judgement.strength,
            "reasons": list(judgement.reasons),
            "defects": list(judgement.defects),
        }
        keys = self._dedupes(submission, day=day)
        receipt = Receipt(
            source_id=reporter.source_id,
            receipt_id=str(fields["receipt"]),
            body_digest=keys.body[0],
            verdict=judgement.verdict,
            answer=json.dumps(fields, separators=(",", ":")),
            created_day=day,
            emitter_key=emitter_key(event.address) if event is not None else None,
            event_day=_day(event.received_at) if event is not None else None,
            event_id=event.event_id if event is not None else None,
        )
        receipts.insert(connection, receipt, kind=receipts.DIGEST, dedupe=keys.content[0])
        if keys.by_key is not None:
            receipts.insert(connection, receipt, kind=receipts.IDEMPOTENCY_KEY, dedupe=keys.by_key[0])
        return Answer(fields, left_today=left)

    def _dedupes(self, submission: Submission, *, day: int) -> "_Dedupes":
        key = submission.idempotency_key
        return _Dedupes(
            content=self._secret.periodic("digest", submission.digest, day=day),
            body=self._secret.periodic("body", hashlib.sha256(submission.body).digest(), day=day),
            by_key=self._secret.periodic("idempotency", key.encode(), day=day) if key is not None else None,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Dedupes:
    """Keyed hashes under the present and the last period's key."""

    content: tuple[bytes, bytes]
    body: tuple[bytes, bytes]
    by_key: tuple[bytes, bytes] | None


def _again(found: Receipt) -> Answer:
    return Answer(json.loads(found.answer) | {"status": "duplicate"})


def _day(moment: dt.datetime) -> int:
    return int(moment.timestamp()) // _SECONDS_A_DAY
