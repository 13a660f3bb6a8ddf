"""What becomes of a mail or a callout that reached a trap; the blocking part of the trap receiver.

It goes the way of every report: judged by a child, stored by the same intake, known again when it comes
twice. Only two facts are surer than any reporter's: that the trap never sends, since it is the feed's own
(U5, evidence.md 2.2), and the address, since this program holds the connection (P4, evidence.md 3.2).
"""

import collections
import dataclasses
import datetime as dt
import enum
import hashlib
import threading
from collections.abc import Callable
from typing import Final

from sqlalchemy.engine import Connection

from feed.domain.address import Address, emitter_key
from feed.domain.event import Attestation, Kind, Provenance, RecipientClass, Verdict, strength_of
from feed.opening import Feed
from feed.store import reporters, usage
from feed.store.database import StoreError
from feed.store.reporters import Reporter
from ingest import quota
from ingest.grouped import Grouped
from ingest.intake import Answer, Intake, Judged
from ingest.judge_wire import Question
from ingest.judges import BusyError, Judges
from ingest.mail.judge import judge_record
from ingest.mail.judgement import Claim, Judgement, Registration
from ingest.problems import ProblemError
from ingest.submission import Submission
from ingest.trap_session import Callout, Mail

REPORTER_LIFE_S: Final = 30
"""How long what the operator registered is believed before it is read again."""
CALLOUTS_A_DAY: Final = 20
"""So many of one emitter (IPv6: one /64) are kept; a callout lists nobody, so more would say nothing new."""
CALLOUT_SHARE: Final = 10
"""Once one part in so many of the day's quota is used, no callout is kept: the rest is for bounces."""
_MOST_CALLOUTS: Final = 100_000
_MOST_CALLERS: Final = 100_000
_SECONDS_A_DAY: Final = 86_400


class Outcome(enum.StrEnum):
    """What became of it; `busy` is the one after which the client is to come again.

    `capped` is a callout beyond what is kept.
    """

    ACCEPTED = "accepted"
    CAPPED = "capped"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    BUSY = "busy"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What came to the traps so far.

    mails: by result and verdict, empty if not judged; callouts: by result; refusals: of mails, by reason.
    """

    mails: collections.Counter[tuple[str, str]]
    callouts: collections.Counter[str]
    refusals: collections.Counter[str]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """What became of one report. verdict: if it was judged; reason: why it was refused or put off."""

    outcome: Outcome
    verdict: str = ""
    reason: str = ""


class TrapDesk:
    """Takes what comes to the traps; safe to call from several threads. `now` gives aware UTC time."""

    def __init__(self, feed: Feed, *, reporter: str, now: Callable[[], dt.datetime]) -> None:
        """Take the opened feed and the name under which the operator registered his own traps."""
        self.counts: collections.Counter[str] = collections.Counter()
        self._mails: collections.Counter[tuple[str, str]] = collections.Counter()
        self._callouts: collections.Counter[str] = collections.Counter()
        self._refusals: collections.Counter[str] = collections.Counter()
        self._feed, self._name, self._now = feed, reporter, now
        self._judges = Judges(feed.settings.http.judges)
        self._intake = Intake(feed.database, feed.secret)
        self._grouped = Grouped(self._intake)
        self._mutex = threading.Lock()
        self._known: tuple[Reporter, float] | None = None
        self._called: collections.OrderedDict[bytes, None] = collections.OrderedDict()
        self._callers: collections.Counter[bytes] = collections.Counter()
        self._callers_day = 0

    def open(self) -> None:
        """Start the judging children; raises `ReporterError` when nobody of that name is registered."""
        self._reporter(self._now())
        self._judges.start()

    def close(self) -> None:
        """End the judging children."""
        self._judges.close()

    def mail(self, mail: Mail, peer: Address) -> Outcome:
        """Judge and store one mail."""
        claim = self._claim(peer, helo=mail.helo, recipient=mail.recipients[0], null_sender=not mail.sender)
        digest = _digest(b"mail", str(peer), mail.recipients[0], mail.message)
        submission = Submission(digest=digest, body=digest, claim=claim, message=mail.message)
        taken = self._take(submission)
        with self._mutex:
            self.counts[f"mail_{taken.outcome}"] += 1
            self._mails[taken.outcome, taken.verdict] += 1
            if taken.reason:
                self._refusals[taken.reason] += 1
        return taken.outcome

    def callout(self, callout: Callout, peer: Address) -> Outcome:
        """Count a callout: once a day for each recipient that a server asked about.

        Whoever invents recipients has `CALLOUTS_A_DAY` of them kept, and the others are only counted here.
        """
        day = int(self._now().timestamp()) // _SECONDS_A_DAY
        emitter = emitter_key(peer)
        outcome = Outcome.DUPLICATE
        for recipient in callout.recipients:
            digest = _digest(b"callout", str(peer), recipient, str(day).encode())
            if self._is_known(digest):
                continue
            if not self._has_room(emitter, day=day):
                outcome = Outcome.CAPPED
                break
            claim = self._claim(peer, helo=callout.helo, recipient=recipient, null_sender=True)
            claim = dataclasses.replace(claim, kind=Kind.SAV)
            outcome = self._take(Submission(digest=digest, body=digest, claim=claim)).outcome
            if outcome in {Outcome.BUSY, Outcome.CAPPED}:
                break
            self._remember(digest)
        with self._mutex:
            self.counts[f"callout_{outcome}"] += 1
            self._callouts[outcome] += 1
        return outcome

    def counted(self) -> Counted:
        """Return copies of the counters."""
        with self._mutex:
            return Counted(
                mails=self._mails.copy(), callouts=self._callouts.copy(), refusals=self._refusals.copy()
            )

    def _has_room(self, emitter: bytes, *, day: int) -> bool:
        """Count one more callout of an emitter, unless it had as many today as are kept.

        It counts before anything is stored, so that callouts at the same time cannot all be the last one.
        """
        with self._mutex:
            if day != self._callers_day:
                self._callers_day = day
                self._callers.clear()
            is_new = emitter not in self._callers
            if self._callers[emitter] >= CALLOUTS_A_DAY or (is_new and len(self._callers) >= _MOST_CALLERS):
                return False
            self._callers[emitter] += 1
            return True

    def _claim(self, peer: Address, *, helo: str, recipient: str, null_sender: bool) -> Claim:
        return Claim(
            recipient_class=RecipientClass.TRAP,
            client_ip=peer,
            observed_at=self._now(),
            null_sender=null_sender,
            # A hash, since a trap's address may hold what looks like a placeholder that was never filled in.
            recipient_token=hashlib.sha256(recipient.encode()).hexdigest(),
            helo=_plain(helo),
        )

    def _take(self, submission: Submission) -> _Taken:
        try:
            now = self._now()
            reporter = self._reporter(now)
            day = int(now.timestamp()) // _SECONDS_A_DAY
            with self._feed.database.read() as connection:
                known = self._intake.earlier(connection, reporter, submission, day=day)
                is_capped = submission.message is None and _is_share_used(connection, reporter, now=now)
            if known is None and is_capped:
                return _Taken(outcome=Outcome.CAPPED)
            if known is None:
                judged = Judged(
                    submission=submission, judgement=raised(self._judge(submission, reporter, now=now))
                )
                known = self._grouped.take(reporter, judged, now=now)
        except ProblemError as problem:
            # What can become evidence later is put off; what never can is over.
            is_later = problem.code in {"busy", "over_quota", "internal"}
            return _Taken(outcome=Outcome.BUSY if is_later else Outcome.REFUSED, reason=problem.code)
        except BusyError:
            return _Taken(outcome=Outcome.BUSY, reason="judges_busy")
        except StoreError:
            return _Taken(outcome=Outcome.BUSY, reason="database")
        except reporters.ReporterError:
            return _Taken(outcome=Outcome.BUSY, reason="reporter")
        return _Taken(outcome=_outcome(known), verdict=str(known.fields["verdict"]))

    def _judge(self, submission: Submission, reporter: Reporter, *, now: dt.datetime) -> Judgement:
        registration = Registration(
            own_networks=reporter.own_networks,
            forwarders=reporter.forwarders,
            accept_special=self._feed.settings.publish.allow_special,
        )
        if submission.message is None:
            return judge_record(submission.claim, registration=registration, now=now)
        question = Question(
            message=submission.message, registration=registration, claim=submission.claim, now=now
        )
        return self._judges.judge(question)

    def _reporter(self, now: dt.datetime) -> Reporter:
        """Return the registration; raises `ReporterError` for none or a suspended one."""
        with self._mutex:
            known = self._known
        at = now.timestamp()
        if known is None or not 0 <= at - known[1] < REPORTER_LIFE_S:
            with self._feed.database.read() as connection:
                found = reporters.find_by_name(connection, self._name)
            # The quota of strangers is not for the feed's own traps.
            known = dataclasses.replace(found, vetted=True), at
            with self._mutex:
                self._known = known
        if known[0].suspended:
            raise reporters.ReporterError(f"the reporter {self._name} is suspended")
        return known[0]

    def _is_known(self, digest: bytes) -> bool:
        with self._mutex:
            return digest in self._called

    def _remember(self, digest: bytes) -> None:
        with self._mutex:
            self._called[digest] = None
            if len(self._called) > _MOST_CALLOUTS:
                self._called.popitem(last=False)


def raised(judgement: Judgement) -> Judgement:
    """Return a judgement of the feed's own trap: U4 becomes U5 and the address P4; what lowered it stays."""
    if judgement.emitter is None or judgement.provenance < Provenance.P3:
        return judgement
    sure = judgement.attestation is Attestation.U4
    attestation = Attestation.U5 if sure else judgement.attestation
    before = strength_of(judgement.attestation, judgement.provenance)
    after = strength_of(attestation, Provenance.P4)
    is_evidence = judgement.verdict is Verdict.BACKSCATTER and judgement.refusal is None
    return dataclasses.replace(
        judgement,
        provenance=Provenance.P4,
        attestation=attestation,
        strength=judgement.strength + after - before if is_evidence else judgement.strength,
    )


def _is_share_used(connection: Connection, reporter: Reporter, *, now: dt.datetime) -> bool:
    """Return whether so much of the day's quota is used that no callout is kept any more."""
    used = usage.events(connection, reporter.source_id, day=int(now.timestamp()) // _SECONDS_A_DAY)
    return used * CALLOUT_SHARE >= quota.quota_of(reporter, used=used, now=now).limit


def _outcome(answer: Answer) -> Outcome:
    return Outcome.DUPLICATE if answer.fields["status"] == "duplicate" else Outcome.ACCEPTED


def _digest(*parts: bytes | str) -> bytes:
    """Return what is the same for the same thing again; no part can run into the next."""
    found = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        found.update(len(data).to_bytes(8, "big") + data)
    return found.digest()


def _plain(helo: str) -> str | None:
    """Return a HELO that is a host name; an address literal says nothing that the connection does not."""
    return helo if helo and not helo.startswith("[") and len(helo) <= 128 else None  # noqa: PLR2004
