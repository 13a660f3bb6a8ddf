"""A reporter's canaries, found again among his reports: they calibrate him and are never evidence."""

import dataclasses
import datetime as dt
from collections.abc import Callable

from feed.domain.event import Attestation, Kind, Verdict
from feed.opening import Feed
from feed.store import canaries
from feed.store.canaries import Outcome, Run
from feed.store.reporters import Reporter
from ingest.mail import canary
from ingest.mail.canary import Name
from ingest.mail.judgement import Claim, Judgement
from ingest.problems import ProblemError

Judge = Callable[[Claim], Judgement]
"""Judges the mail at hand with another claim."""


def judged(
    feed: Feed, reporter: Reporter, message: bytes, judge: Judge, *, now: dt.datetime
) -> Judgement | None:
    """Return what becomes of `message` if it is a canary that was sent to this reporter, else None.

    What it showed is kept; the judgement charges nobody. Raises the refusal of a canary of a run that is
    over. A mail with the field but not our token is none: who could set it aside by a field could spare
    himself.
    """
    said = canary.name_of(message)
    run = _run_of(feed, reporter, said) if said is not None else None
    if said is None or run is None:
        return None
    at = int(now.timestamp())
    if at > run.expires_at:
        raise ProblemError("not_a_notification", "this calibration is over; ask for another one")
    judgement = judge(canary.CLAIM)
    result = canary.result_of(message, judgement, expected=run.address, authserv_id=run.authserv_id)
    outcome = Outcome(
        name=said.name,
        finding=result.finding,
        found=result.found,
        keeps_foreign_results=result.keeps_foreign_results,
        at=at,
    )
    with feed.database.write() as connection:
        canaries.note(connection, reporter.source_id, run.run_id, outcome)
    return dataclasses.replace(
        judgement,
        kind=judgement.kind or Kind.NDR,
        refusal=None,
        verdict=Verdict.UNVERIFIABLE,
        emitter=None,
        attestation=Attestation.U0,
        strength=0,
        reasons=("canary", f"canary_{result.finding.value}"),
    )


def _run_of(feed: Feed, reporter: Reporter, said: Name) -> Run | None:
    with feed.database.read() as connection:
        return canaries.find(connection, feed.secret, reporter.source_id, said.token)
