"""The few statements that SQLite and PostgreSQL spell alike but SQLAlchemy keeps apart."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection


def insert_if_missing(connection: Connection, table: sa.Table, values: Mapping[str, Any]) -> None:
    """Insert a row unless its primary key is there already; two transactions at once are both right."""
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    connection.execute(make(table).values(dict(values)).on_conflict_do_nothing())
