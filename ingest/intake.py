"""From judged reports to stored events and receipts, one transaction for one report or for a batch.

The same report again, at once or later, finds the first receipt and changes nothing. Killed half-way,
nothing is stored and the reporter has no receipt, so he sends it again.
"""

import dataclasses
import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain.address import emitter_key
from feed.domain.event import Event, RecipientClass, Verdict
from feed.store import bulk, disclosures, evidence, receipts, replay, standing, usage
from feed.store.database import Database
from feed.store.receipts import Receipt
from feed.store.replay import Plan, Without
from feed.store.reporters import Reporter
from feed.store.secret import Secret
from ingest import quota
from ingest.mail.judgement import Claim, Judgement, Refusal
from ingest.problems import ProblemError
from ingest.schemas import as_json
from ingest.submission import Submission

_NO_BODY: Final = bytes(32)
"""Where nobody will ask whether the body is the same: only an Idempotency-Key does."""
_TRIES: Final = 3
"""How often a batch is taken again because another process stored one of its reports meanwhile."""


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What the reporter is told: the fields of `schemas.ReportOut`. left: events of today, if it counted."""

    fields: dict[str, Any]
    left: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A submission and what judging says of it."""

    submission: Submission
    judgement: Judgement


class Intake:
    """Stores judged reports; safe to call from several threads and processes."""

    def __init__(self, database: Database, secret: Secret) -> None:
        """Take the open database and the server's secret."""
        self._database = database
        self._secret = secret

    def in_flight_key(self, reporter: Reporter, key: str) -> bytes:
        """Return what stands for an Idempotency-Key while its report is being taken."""
        return self._secret.mac(f"in-flight/{reporter.source_id}", key.encode())

    def earlier(
        self, connection: Connection, reporter: Reporter, submission: Submission, *, day: int
    ) -> Answer | None:
        """Return the answer that the same report got before; raises 422 for a key used with another body.

        Under the same Idempotency-Key it is the stored answer as it was; without, it says `duplicate`.
        """
        keys = self._dedupes(submission, day=day)
        answer = _Known(connection, reporter.source_id, [keys]).answer(keys)
        if isinstance(answer, ProblemError):
            raise answer
        return answer

    def take_many(
        self, reporter: Reporter, batch: Sequence[Judged], *, now: dt.datetime
    ) -> list[Answer | ProblemError]:
        """Store up to `database.ROWS_A_WRITE` judged reports of one reporter in one transaction.

        Returns an answer or a refusal for each, in order; all of them are stored, or none. A refused one
        is counted and nothing of it is kept.
        """
        for _ in range(_TRIES):
            try:
                return self._store_many(reporter, batch, now=now)
            except sa.exc.IntegrityError:
                continue
        raise ProblemError("busy", headers={"Retry-After": "1"})

    def _store_many(
        self, reporter: Reporter, batch: Sequence[Judged], *, now: dt.datetime
    ) -> list[Answer | ProblemError]:
        day = _day(now)
        dedupes = [self._dedupes(judged.submission, day=day) for judged in batch]
        with self._database.write() as connection:
            known = _Known(connection, reporter.source_id, dedupes)
            used = usage.events(connection, reporter.source_id, day=day)
            left = quota.quota_of(reporter, used=used, now=now).left
            answers: list[Answer | ProblemError] = []
            events: list[tuple[Event, Judged]] = []
            new: list[tuple[int, bytes, Receipt]] = []
            taken = refused = 0
            contradicted = False
            for judged, keys in zip(batch, dedupes, strict=True):
                refusal = judged.judgement.refusal
                answer = known.answer(keys)
                if answer is not None:
                    answers.append(answer)
                elif refusal is not None:
                    refused += 1
                    answers.append(ProblemError(refusal.value))
                    if refusal is Refusal.SOLICITED:
                        contradicted |= judged.submission.claim.recipient_class is not RecipientClass.UNKNOWN
                        _, receipt = _receipt(reporter, judged.judgement, None, body=keys.body[0], day=day)
                        new += known.add(keys, receipt)
                elif taken >= left:
                    answers.append(ProblemError("over_quota"))
                else:
                    taken += 1
                    event = self._event(reporter, judged, now=now)
                    if event is not None:
                        events.append((event, judged))
                    fields, receipt = _receipt(reporter, judged.judgement, event, body=keys.body[0], day=day)
                    new += known.add(keys, receipt)
                    answers.append(Answer(fields, left=left - taken))
            _keep(connection, events)
            if new:
                receipts.insert_many(connection, new)
            if taken or refused:
                usage.count(connection, reporter.source_id, day=day, events=taken, refused=refused)
            if contradicted:
                # He said that he knew it to be unsolicited. Who says nothing of it leaves that to us. Once a
                # day, since a forger who knows a signed address can send to it what he likes.
                standing.contradict(
                    connection, reporter.source_id, kind="solicited", day=day, once_a_day=True
                )
        return answers

    def retract(self, reporter: Reporter, receipt_id: str, *, now: dt.datetime) -> dict[str, Any] | None:
        """Take one report back and return its answer, `retracted`; None if it is not this reporter's.

        What it changes is worked out before the database is held, since the life of an emitter with many
        reports takes its time; raises 503 if reports about it come in faster than that.
        """
        at = int(now.timestamp())
        for _ in range(_TRIES):
            with self._database.read() as connection:
                found = receipts.by_id(connection, reporter.source_id, receipt_id)
                if found is None:
                    return None
                if (refusal := refusal_of(found)) is not None:
                    raise refusal
                plan = _plan(connection, found, self._secret, now=at)
            with self._database.write() as connection:
                if plan is None or replay.carry_out(connection, plan, now=at):
                    answer: dict[str, Any] = json.loads(receipts.mark_retracted(connection, found).answer)
                    return answer
        raise ProblemError("busy", headers={"Retry-After": "1"})

    def _event(self, reporter: Reporter, judged: Judged, *, now: dt.datetime) -> Event | None:
        """Return the event of a judgement, None for a verdict that charges nobody."""
        judgement, claim = judged.judgement, judged.submission.claim
        if judgement.emitter is None or judgement.verdict not in {Verdict.BACKSCATTER, Verdict.UNVERIFIABLE}:
            return None
        observed_at = min(judgement.observed_at or now, now).replace(second=0, microsecond=0)
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
            original_key=self._secret.mac(
                f"original/{reporter.source_id}", _original(judged, claim, observed_at)
            )[:16],
            recipient_token=self._secret.number(f"token/{reporter.source_id}", token.encode())
            if token
            else 0,
            software=judgement.software,
            status=judgement.status,
            helo=judgement.helo,
        )

    def _dedupes(self, submission: Submission, *, day: int) -> "_Dedupes":
        key = submission.idempotency_key
        return _Dedupes(
            content=self._secret.periodic("digest", submission.digest, day=day),
            body=self._secret.periodic("body", hashlib.sha256(submission.body).digest(), day=day)
            if key is not None
            else (_NO_BODY, _NO_BODY),
            by_key=self._secret.periodic("idempotency", key.encode(), day=day) if key is not None else None,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Dedupes:
    """Keyed hashes under the present and the last period's key."""

    content: tuple[bytes, bytes]
    body: tuple[bytes, bytes]
    by_key: tuple[bytes, bytes] | None


class _Known:
    """The receipts that reports of one transaction may meet: stored ones, and those of its own reports."""

    def __init__(self, connection: Connection, source_id: int, dedupes: Sequence[_Dedupes]) -> None:
        content = {one for keys in dedupes for one in keys.content}
        by_key = {one for keys in dedupes if keys.by_key is not None for one in keys.by_key}
        self._content = receipts.find_many(connection, source_id, receipts.DIGEST, content)
        self._by_key: dict[bytes, Receipt] = {}
        if by_key:
            self._by_key = receipts.find_many(connection, source_id, receipts.IDEMPOTENCY_KEY, by_key)

    def answer(self, keys: _Dedupes) -> Answer | ProblemError | None:
        """Return what the same report, or another one under the same key, was answered."""
        for one in keys.by_key or ():
            if (found := self._by_key.get(one)) is not None:
                if found.body_digest not in keys.body:
                    return ProblemError("idempotency_key_reused")
                return refusal_of(found) or Answer(json.loads(found.answer))
        for one in keys.content:
            if (found := self._content.get(one)) is not None:
                return refusal_of(found) or _again(found)
        return None

    def add(self, keys: _Dedupes, receipt: Receipt) -> list[tuple[int, bytes, Receipt]]:
        """Take a new receipt in and return its rows."""
        self._content[keys.content[0]] = receipt
        rows = [(receipts.DIGEST, keys.content[0], receipt)]
        if keys.by_key is not None:
            self._by_key[keys.by_key[0]] = receipt
            rows.append((receipts.IDEMPOTENCY_KEY, keys.by_key[0], receipt))
        return rows


def _plan(connection: Connection, found: Receipt, secret: Secret, *, now: int) -> Plan | None:
    """Return what taking back the report of a receipt does, None if nothing of it counts."""
    if found.emitter_key is None or found.event_id is None:
        return None
    key = bytes(found.emitter_key)
    if not evidence.standing(connection, key, [found.event_id]):
        return None
    without = Without(event_ids=frozenset({found.event_id}))
    past = replay.past_of(connection, now=now)
    return replay.plan(connection, key, without, past=past, secret=secret, now=now)


def _keep(connection: Connection, new: Sequence[tuple[Event, Judged]]) -> None:
    """Store events with what belongs to them."""
    mtas = {event.event_id: judged.judgement.reporting_mta for event, judged in new}
    bulk.add_events(connection, [event for event, _ in new], reporting_mtas=mtas)
    told = [(event, judged.submission.trace) for event, judged in new]
    disclosures.add_traces(
        connection, [(event, trace.queue_id, trace.recipient_domain) for event, trace in told if trace]
    )


def _original(judged: Judged, claim: Claim, observed_at: dt.datetime) -> bytes:
    """Return what stands for the mail that was returned, before it is hashed."""
    if claim.recipient_class is RecipientClass.NO_SUCH_USER and claim.recipient_token is not None:
        # No mail exists that could be named: each recipient counts once a day.
        return f"recipient:{claim.recipient_token}/{_day(observed_at)}".encode()
    return judged.judgement.original or b"digest:" + judged.submission.digest


def _receipt(
    reporter: Reporter, judgement: Judgement, event: Event | None, *, body: bytes, day: int
) -> tuple[dict[str, Any], Receipt]:
    """Return the answer to a report and its receipt. body: keyed hash of the request."""
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
    receipt = Receipt(
        source_id=reporter.source_id,
        receipt_id=str(fields["receipt"]),
        body_digest=body,
        verdict=judgement.verdict,
        answer=as_json(fields).decode(),
        created_day=day,
        emitter_key=emitter_key(event.address) if event is not None else None,
        event_day=_day(event.received_at) if event is not None else None,
        event_id=event.event_id if event is not None else None,
    )
    return fields, receipt


def refusal_of(found: Receipt) -> ProblemError | None:
    """Return the refusal that a receipt stands for, of solicited mail, None for any other receipt."""
    return ProblemError("solicited") if found.verdict == Verdict.SOLICITED else None


def _again(found: Receipt) -> Answer:
    fields = json.loads(found.answer)
    if fields["status"] != receipts.RETRACTED:
        fields["status"] = "duplicate"
    return Answer(fields)


def _day(moment: dt.datetime) -> int:
    return int(moment.timestamp()) // quota.SECONDS_A_DAY
