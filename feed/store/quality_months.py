"""Quality reports of months that are over, kept for pages and for after the events have gone."""

import dataclasses
import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain.quality import FeedQuality, Quality, ReporterQuality
from feed.store.dialect import put_all
from feed.store.tables import quality_month


def keep(connection: Connection, report: Quality, *, made_at: int) -> None:
    """Keep a report, in place of an earlier one of the same month."""
    body = dataclasses.asdict(report)
    row = {"first_day": report.first_day, "made_at": made_at, "body": json.dumps(body)}
    put_all(connection, quality_month, [row])


def kept(connection: Connection, *, first_day: int) -> Quality | None:
    """Return the report of the month that began on `first_day`, if it was kept."""
    table = quality_month
    body = connection.execute(sa.select(table.c.body).where(table.c.first_day == first_day)).scalar()
    return _report(body) if body is not None else None


def latest(connection: Connection) -> Quality | None:
    """Return the report of the last month that was kept."""
    table = quality_month
    body = connection.execute(sa.select(table.c.body).order_by(table.c.first_day.desc()).limit(1)).scalar()
    return _report(body) if body is not None else None


def _report(body: str) -> Quality:
    values = json.loads(body)
    return Quality(
        first_day=values["first_day"],
        last_day=values["last_day"],
        complete=values["complete"],
        feed=FeedQuality(**_known(FeedQuality, values["feed"])),
        reporters=tuple(ReporterQuality(**_known(ReporterQuality, one)) for one in values["reporters"]),
    )


def _known(kind: type[FeedQuality | ReporterQuality], values: dict[str, Any]) -> dict[str, Any]:
    """Return what a report of this version has; a measure that it did not have then is None."""
    return {field.name: values.get(field.name) for field in dataclasses.fields(kind)}
