"""Calibrations of reporters: which canaries are out, and what came back. Functions never commit.

The token stands in the mails and, as a keyed hash, here; whoever does not have the mails cannot guess it.
"""

import dataclasses
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain.address import Address, packed, unpacked
from feed.domain.canary import Finding
from feed.store import standing
from feed.store.dialect import put_all
from feed.store.secret import Secret
from feed.store.tables_reporter import canary_result, canary_run

RUN_DAYS: Final = 7
"""Canaries that come later say nothing of the registration of today."""
_SECONDS_A_DAY: Final = 86_400


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One calibration. address: from which the mails were sent; times in seconds; mails: how many."""

    run_id: int
    address: Address
    authserv_id: str
    mails: int
    started_at: int
    expires_at: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one mail of a run showed when the reporter submitted it."""

    name: str
    finding: Finding
    found: Address | None
    keeps_foreign_results: bool
    at: int


def start(
    connection: Connection,
    secret: Secret,
    source_id: int,
    *,
    token: str,
    address: Address,
    authserv_id: str,
    mails: int,
    author: str,
    now: int,
) -> int:
    """Note a run whose mails bear `token` and are sent from `address`; return its number."""
    made = sa.insert(canary_run).values(
        source_id=source_id,
        token_mac=_mac(secret, token),
        address=packed(address),
        authserv_id=authserv_id,
        expected_n=mails,
        started_at=now,
        expires_at=now + RUN_DAYS * _SECONDS_A_DAY,
        author=author,
    )
    return int(connection.execute(made.returning(canary_run.c.run_id)).scalar_one())


def find(connection: Connection, secret: Secret, source_id: int, token: str) -> Run | None:
    """Return the reporter's run, over or not, whose mails bear `token`."""
    chosen = sa.select(canary_run).where(
        canary_run.c.source_id == source_id, canary_run.c.token_mac == _mac(secret, token)
    )
    row = connection.execute(chosen).first()
    return _run(row) if row is not None else None


def latest(connection: Connection, source_id: int, *, most: int = 10) -> list[tuple[Run, list[Outcome]]]:
    """Return the reporter's last runs, newest first, with what came back of each."""
    runs = connection.execute(
        sa.select(canary_run)
        .where(canary_run.c.source_id == source_id)
        .order_by(canary_run.c.run_id.desc())
        .limit(most)
    )
    return [(_run(row), outcomes(connection, row.run_id)) for row in runs.all()]


def outcomes(connection: Connection, run_id: int) -> list[Outcome]:
    """Return what came back of a run, by name."""
    rows = connection.execute(
        sa.select(canary_result).where(canary_result.c.run_id == run_id).order_by(canary_result.c.name)
    )
    return [
        Outcome(
            name=row.name,
            finding=Finding(row.finding),
            found=unpacked(bytes(row.found)) if row.found is not None else None,
            keeps_foreign_results=row.keeps_foreign_results,
            at=row.at,
        )
        for row in rows
    ]


def note(connection: Connection, source_id: int, run_id: int, outcome: Outcome) -> None:
    """Keep what a mail showed; of two submissions of one mail the worse.

    The first forged address that a run shows as believed is a contradiction of the reporter: anybody could
    have had an address of his choice charged (scoring.md 4).
    """
    known = {one.name: one for one in outcomes(connection, run_id)}
    before = known.get(outcome.name)
    if before is not None and before.finding.badness >= outcome.finding.badness:
        return
    forged = Finding.FORGED_ADDRESS
    if outcome.finding is forged and all(one.finding is not forged for one in known.values()):
        standing.contradict(connection, source_id, kind="canary", day=outcome.at // _SECONDS_A_DAY)
    values = {
        "run_id": run_id,
        "name": outcome.name,
        "finding": outcome.finding.value,
        "found": packed(outcome.found) if outcome.found is not None else None,
        "keeps_foreign_results": outcome.keeps_foreign_results,
        "at": outcome.at,
    }
    put_all(connection, canary_result, [values])


def _mac(secret: Secret, token: str) -> bytes:
    return secret.mac("canary", token.encode("utf-8", "replace"))


def _run(row: sa.Row[tuple[object, ...]]) -> Run:
    return Run(
        run_id=row.run_id,
        address=unpacked(bytes(row.address)),
        authserv_id=row.authserv_id,
        mails=row.expected_n,
        started_at=row.started_at,
        expires_at=row.expires_at,
    )
