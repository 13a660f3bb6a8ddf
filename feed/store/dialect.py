"""The few statements that SQLite and PostgreSQL spell alike but SQLAlchemy keeps apart."""

import functools
import operator
from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

COPY_FROM: Final = 50
"""So many rows go to PostgreSQL by COPY; below it the statements around it cost more than they save."""


def insert_if_missing(connection: Connection, table: sa.Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless its primary key is there already; returns whether it was inserted.

    Two transactions at once are both right: the later one waits for the first and finds its row.
    """
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    done = connection.execute(
        make(table).values(dict(values)).on_conflict_do_nothing(),
        execution_options={"preserve_rowcount": True},
    )
    return done.rowcount > 0


def insert_missing(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert those of `rows` whose primary key is not there yet."""
    _run(connection, "missing", table, rows)


def insert_rows(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`, which all name the same columns."""
    _run(connection, "insert", table, rows)


def put_all(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`, or replace every other column of the rows with the same primary key."""
    _run(connection, "put", table, rows)


def select_rows(
    connection: Connection, statement: sa.Select[Any], values: Mapping[str, Any]
) -> Sequence[sa.RowMapping]:
    """Return the rows of a statement that was made once and is kept, as the driver gives them."""
    sql, order = _compiled(connection.dialect, statement)
    given = tuple(values[name] for name in order) if order is not None else dict(values)
    return connection.exec_driver_sql(sql, given).mappings().all()


def _run(connection: Connection, how: str, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Give `rows` to the driver as they are: plain numbers, texts and bytes need no conversion.

    SQLAlchemy's own way from row to driver costs three times what the database needs for the row.
    """
    if connection.dialect.name == "postgresql" and len(rows) >= COPY_FROM:
        _copy(connection, how, table, rows)
        return
    sql, order = _insertion(connection.dialect, how, table, tuple(rows[0]))
    if order is not None:
        pick = operator.itemgetter(*order)
        connection.exec_driver_sql(sql, [pick(row) for row in rows])
    else:
        connection.exec_driver_sql(sql, [dict(row) for row in rows])


def _copy(connection: Connection, how: str, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Stream `rows` by COPY; where rows may be there already, through a table of this session."""
    names = tuple(rows[0])
    columns = ", ".join(names)
    target = table.name if how == "insert" else f"bulk_{table.name}"
    if how != "insert":
        connection.exec_driver_sql(
            f"CREATE TEMP TABLE IF NOT EXISTS {target} (LIKE {table.name} INCLUDING DEFAULTS) "
            "ON COMMIT DELETE ROWS"
        )
        connection.exec_driver_sql(f"TRUNCATE {target}")
    pick = operator.itemgetter(*names)
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {target} ({columns}) FROM STDIN") as stream:
        for row in rows:
            stream.write_row(pick(row))
    if how == "insert":
        return
    keys = [column.name for column in table.primary_key]
    others = [name for name in names if name not in keys]
    sets = ", ".join(f"{name} = excluded.{name}" for name in others)
    action = f"({', '.join(keys)}) DO UPDATE SET {sets}" if how == "put" else "DO NOTHING"
    connection.exec_driver_sql(
        f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM {target} "  # noqa: S608 - names of ours
        f"ON CONFLICT {action}"
    )


Sql = tuple[str, tuple[str, ...] | None]
"""A statement in the driver's words, and the order of its parameters where they have no names."""


@functools.lru_cache(maxsize=256)
def _insertion(dialect: sa.Dialect, how: str, table: sa.Table, names: tuple[str, ...]) -> Sql:
    make = sqlite.insert if dialect.name == "sqlite" else postgresql.insert
    statement = make(table)
    if how == "missing":
        statement = statement.on_conflict_do_nothing()
    elif how == "put":
        keys = [column.name for column in table.primary_key]
        statement = statement.on_conflict_do_update(
            index_elements=keys,
            set_={name: statement.excluded[name] for name in names if name not in keys},
        )
    return _words(statement.compile(dialect=dialect, column_keys=list(names)))


@functools.lru_cache(maxsize=256)
def _compiled(dialect: sa.Dialect, statement: sa.Select[Any]) -> Sql:
    return _words(statement.compile(dialect=dialect))


def _words(compiled: sa.Compiled) -> Sql:
    order = getattr(compiled, "positiontup", None)
    return str(compiled), tuple(order) if order is not None else None
