"""What the operator's console and the reporter's desk show: bounded looks at many tables."""

import dataclasses
import json
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain.address import Address, unpacked
from feed.domain.event import Channel, Verdict
from feed.domain.listing import Code, Hold, State
from feed.store.tables import api_key, audit, cell, emitter_state, receipt, reporter, transition, usage

SHOWN_MOST: Final = 100
ROWS_MOST: Final = 20_000
_DAY_S: Final = 86_400


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Emitter:
    """One emitter as the operator sees it. score: micro-points. sources: distinct ones in its cells."""

    address: Address
    state: State
    code: Code
    hold: Hold | None
    reason: str
    score: int
    since_minute: int
    sources: int
    software: str | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One reporter and what it sent. today, week: events taken; refused: in seven days. verdicts: today."""

    source_id: int
    name: str
    organisation: str
    weight: int
    vetted: bool
    anchor: bool
    suspended_at: int | None
    today: int
    week: int
    refused: int
    verdicts: dict[Verdict, int]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """One line of the audit log."""

    audit_id: int
    at: int
    actor: str
    action: str
    subject: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KeyLine:
    """One key of a reporter, without its secret."""

    key_id: str
    scopes: str
    created_at: int
    ended_at: int | None
    last_used_day: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptLine:
    """One answer to a report."""

    receipt_id: str
    created_day: int
    verdict: Verdict
    answer: dict[str, Any]


def new_listings(connection: Connection, *, since_minute: int) -> list[Emitter]:
    """Return emitters whose listing began since then and goes on, latest first."""
    began = (
        sa.select(transition.c.emitter_key)
        .where(transition.c.at_minute >= since_minute, transition.c.to_state == State.LISTED)
        .limit(ROWS_MOST)
    )
    table = emitter_state
    return _emitters(
        connection,
        (table.c.code > 0) & (table.c.listed_minute >= since_minute) & table.c.emitter_key.in_(began),
        table.c.listed_minute.desc(),
    )


def mixed(connection: Connection) -> list[Emitter]:
    """Return listed emitters that also send genuine bounces, worst first."""
    table = emitter_state
    return _emitters(connection, (table.c.code > 0) & (table.c.reason == "mixed"), table.c.score.desc())


def held(connection: Connection) -> list[Emitter]:
    """Return emitters that something keeps off the list, worst first."""
    table = emitter_state
    return _emitters(connection, table.c.state == State.HELD, table.c.score.desc())


def _emitters(
    connection: Connection, condition: sa.ColumnElement[bool], order: sa.ColumnElement[Any]
) -> list[Emitter]:
    table = emitter_state
    rows = connection.execute(
        sa.select(table)
        .where(table.c.channel == Channel.MAIN, condition)
        .order_by(order, table.c.emitter_key)
        .limit(SHOWN_MOST)
    ).all()
    keys = [bytes(row.emitter_key) for row in rows]
    counted = connection.execute(
        sa.select(cell.c.emitter_key, sa.func.count(sa.distinct(cell.c.source_id)))
        .where(cell.c.emitter_key.in_(keys), cell.c.channel == Channel.MAIN, cell.c.n > 0)
        .group_by(cell.c.emitter_key)
    )
    sources = {bytes(key): int(number) for key, number in counted}
    return [
        Emitter(
            address=unpacked(bytes(row.address)),
            state=State(row.state),
            code=Code(row.code),
            hold=Hold(row.hold) if row.hold else None,
            reason=row.reason,
            score=row.score,
            since_minute=row.since_minute,
            sources=sources.get(bytes(row.emitter_key), 0),
            software=row.software,
        )
        for row in rows
    ]


def activity(connection: Connection, *, now: int) -> list[Activity]:
    """Return all reporters by name with what they sent."""
    today = now // _DAY_S
    week = connection.execute(
        sa.select(usage.c.source_id, usage.c.day, usage.c.events_n, usage.c.refused_n).where(
            usage.c.day > today - 7
        )
    ).all()
    chosen = (
        sa.select(receipt.c.source_id, receipt.c.verdict)
        .where(receipt.c.created_day == today, receipt.c.dedupe_kind == 1)
        .limit(ROWS_MOST)
        .subquery()
    )
    verdicts: dict[int, dict[Verdict, int]] = {}
    for source_id, verdict, number in connection.execute(
        sa.select(chosen.c.source_id, chosen.c.verdict, sa.func.count()).group_by(
            chosen.c.source_id, chosen.c.verdict
        )
    ):
        verdicts.setdefault(source_id, {})[Verdict(verdict)] = int(number)
    return [
        Activity(
            source_id=row.source_id,
            name=row.name,
            organisation=row.organisation,
            weight=row.weight,
            vetted=row.vetted,
            anchor=row.anchor,
            suspended_at=row.suspended_at,
            today=sum(one.events_n for one in week if one.source_id == row.source_id and one.day == today),
            week=sum(one.events_n for one in week if one.source_id == row.source_id),
            refused=sum(one.refused_n for one in week if one.source_id == row.source_id),
            verdicts=verdicts.get(row.source_id, {}),
        )
        for row in connection.execute(sa.select(reporter).order_by(reporter.c.name))
    ]


def audit_lines(
    connection: Connection, *, before: int | None = None, limit: int = SHOWN_MOST
) -> list[AuditLine]:
    """Return the audit log, latest first, from before line number `before`."""
    chosen = sa.select(audit).order_by(audit.c.audit_id.desc()).limit(limit)
    if before is not None:
        chosen = chosen.where(audit.c.audit_id < before)
    return [
        AuditLine(
            audit_id=row.audit_id, at=row.at, actor=row.actor, action=row.action, subject=row.subject,
            reason=row.reason,
        )
        for row in connection.execute(chosen)
    ]  # fmt: skip


def keys_of(connection: Connection, source_id: int) -> list[KeyLine]:
    """Return the keys of a reporter, those in force first, newest first."""
    rows = connection.execute(
        sa.select(api_key)
        .where(api_key.c.source_id == source_id)
        .order_by(api_key.c.revoked_at.is_not(None), api_key.c.created_at.desc(), api_key.c.key_id)
        .limit(SHOWN_MOST)
    )
    return [
        KeyLine(
            key_id=row.key_id,
            scopes=row.scopes,
            created_at=row.created_at,
            ended_at=row.revoked_at if row.revoked_at is not None else row.expires_at,
            last_used_day=row.last_used_day,
        )
        for row in rows
    ]


def receipts_of(connection: Connection, source_id: int, *, now: int) -> list[ReceiptLine]:
    """Return the latest receipts of a reporter of the last week."""
    rows = connection.execute(
        sa.select(receipt)
        .where(
            receipt.c.source_id == source_id,
            receipt.c.dedupe_kind == 1,
            receipt.c.created_day > now // _DAY_S - 7,
        )
        .order_by(receipt.c.created_day.desc(), receipt.c.receipt_id.desc())
        .limit(50)
    )
    return [
        ReceiptLine(
            receipt_id=row.receipt_id,
            created_day=row.created_day,
            verdict=Verdict(row.verdict),
            answer=json.loads(row.answer),
        )
        for row in rows
    ]


def answer_of(stored: str) -> dict[str, Any]:
    """Return the answer that a receipt holds."""
    found: dict[str, Any] = json.loads(stored)
    return found


def usage_of(connection: Connection, source_id: int, *, now: int) -> list[tuple[int, int, int]]:
    """Return day, events taken and reports refused of the last seven days, latest first."""
    today = now // _DAY_S
    found = {
        row.day: (row.events_n, row.refused_n)
        for row in connection.execute(
            sa.select(usage).where(usage.c.source_id == source_id, usage.c.day > today - 7)
        )
    }
    return [(day, *found.get(day, (0, 0))) for day in range(today, today - 7, -1)]
