"""Statements on the hot path: made once by SQLAlchemy, run by the driver itself, for SQLite and PostgreSQL.

SQLAlchemy's way from a row to the driver and back costs several times what the database needs for it. What
goes in and comes out here are plain numbers, texts and bytes, which need no conversion.
"""

import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import Connection

COPY_FROM: Final = 50
"""So many rows go to PostgreSQL by COPY; below it the statements around it cost more than they save."""

Row = tuple[Any, ...]
_Also = tuple[sa.ColumnElement[bool], ...]
Change = Callable[[Any], Mapping[str, Any]]
"""From the row that could not be inserted to the columns that are set in the one that is there already."""

_SQLITE: Final = sqlite.dialect()
_POSTGRESQL: Final[sa.Dialect] = PGDialect_psycopg(paramstyle="format")  # type: ignore[no-untyped-call]


class Prepared:
    """A statement with named parameters, compiled once for each database."""

    def __init__(self, statement: sa.Executable) -> None:
        """Take any statement whose parameters are given with each run."""
        self._statement: Any = statement
        self._made: dict[bool, tuple[str, tuple[str, ...], dict[str, Any]]] = {}

    def rows(self, connection: Connection, **values: object) -> list[Row]:
        """Return all rows, with the columns in the order of the statement."""
        found: list[Row] = self._run(connection, values).fetchall()
        return found

    def run(self, connection: Connection, **values: object) -> int:
        """Return how many rows were changed."""
        changed: int = self._run(connection, values).rowcount
        return changed

    def _run(self, connection: Connection, values: Mapping[str, object]) -> Any:
        is_sqlite = _is_sqlite(connection)
        made = self._made.get(is_sqlite)
        if made is None:
            compiled = self._statement.compile(dialect=_SQLITE if is_sqlite else _POSTGRESQL)
            constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
            made = self._made[is_sqlite] = (str(compiled), tuple(compiled.positiontup), constants)
        sql, order, constants = made
        given = {**constants, **values}
        return execute(connection, sql, [given[name] for name in order])


def execute(connection: Connection, sql: str, values: Sequence[object] = ()) -> Any:
    """Run a statement in the driver's words and return its cursor; fails as SQLAlchemy does."""
    try:
        return _driver(connection).execute(sql, values)
    except connection.dialect.loaded_dbapi.Error as problem:
        raise _failure(connection, sql, problem) from problem


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def _failure(connection: Connection, sql: str, problem: Exception) -> BaseException:
    kind = connection.dialect.loaded_dbapi.Error
    return sa.exc.DBAPIError.instance(
        sql, None, problem, kind, hide_parameters=True, dialect=connection.dialect
    )


def insert_if_missing(connection: Connection, table: sa.Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless its primary key is there already; returns whether it was inserted.

    Two transactions at once are both right: the later one waits for the first and finds its row.
    """
    make = sqlite.insert if _is_sqlite(connection) else postgresql.insert
    done = connection.execute(
        make(table).values(dict(values)).on_conflict_do_nothing(),
        execution_options={"preserve_rowcount": True},
    )
    return done.rowcount > 0


def insert_rows(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`, which all name the same columns."""
    names, plain = _plain(rows)
    insert_all(connection, table, names, plain)


def insert_all(connection: Connection, table: sa.Table, names: tuple[str, ...], rows: Sequence[Row]) -> None:
    """Insert rows that hold the columns `names`."""
    _write(connection, table, names, rows, change=None)


def put_all(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`, or replace every other column of the rows with the same primary key."""
    names, plain = _plain(rows)
    merge_all(connection, table, names, plain, change=_replacing(table, names))


def merge_all(
    connection: Connection, table: sa.Table, names: tuple[str, ...], rows: Sequence[Row], *, change: Change
) -> None:
    """Insert rows, or make `change` in those with the same primary key; it must be one object for good."""
    _write(connection, table, names, rows, change=change)


def _plain(rows: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, ...], list[Row]]:
    names = tuple(rows[0])
    if len(names) == 1:
        return names, [tuple(row.values()) for row in rows]
    return names, list(map(operator.itemgetter(*names), rows))


@functools.cache
def _replacing(table: sa.Table, names: tuple[str, ...]) -> Change:
    keys = {column.name for column in table.primary_key}

    def change(new: Any) -> dict[str, Any]:
        return {name: new[name] for name in names if name not in keys}

    return change


def _write(
    connection: Connection, table: sa.Table, names: tuple[str, ...], rows: Sequence[Row], *,
    change: Change | None,
) -> None:  # fmt: skip
    is_sqlite = _is_sqlite(connection)
    sql, order = _insertion(is_sqlite, table, names, change)
    if order != names:
        rows = list(map(operator.itemgetter(*map(names.index, order)), rows))
    if len(rows) == 1:
        execute(connection, sql, rows[0])
        return
    driver = _driver(connection)
    try:
        if is_sqlite:
            driver.executemany(sql, rows)
            return
        with driver.cursor() as cursor:
            if len(rows) < COPY_FROM:
                cursor.executemany(sql, rows)
            else:
                _copy(cursor, table, order, rows, change=change)
    except connection.dialect.loaded_dbapi.Error as problem:
        raise _failure(connection, sql, problem) from problem


def _copy(
    cursor: Any, table: sa.Table, names: tuple[str, ...], rows: Sequence[Row], *, change: Change | None
) -> None:
    """Stream `rows` by COPY; where rows may be there already, through a table of this session."""
    target = table.name if change is None else f"bulk_{table.name}"
    if change is not None:
        cursor.execute(
            f"CREATE TEMP TABLE IF NOT EXISTS {target} (LIKE {table.name} INCLUDING DEFAULTS) "
            "ON COMMIT DELETE ROWS"
        )
        cursor.execute(f"TRUNCATE {target}")
    with cursor.copy(f"COPY {target} ({', '.join(names)}) FROM STDIN") as stream:
        for row in rows:
            stream.write_row(row)
    if change is not None:
        sql, _ = _insertion(False, table, names, change, source=target)
        cursor.execute(sql)


@functools.lru_cache(maxsize=256)
def _insertion(
    is_sqlite: bool,
    table: sa.Table,
    names: tuple[str, ...],
    change: Change | None,
    source: str | None = None,
) -> tuple[str, tuple[str, ...]]:
    """Return the words of an insertion of rows that are given, or that lie in the table `source`.

    With them comes the order in which they name the columns.
    """
    statement: Any = (sqlite.insert if is_sqlite else postgresql.insert)(table)
    if source is not None:
        columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in names]
        statement = statement.from_select(names, sa.select(*columns).select_from(sa.table(source)))
    if change is not None:
        keys = [column.name for column in table.primary_key]
        statement = statement.on_conflict_do_update(
            index_elements=keys, set_=dict(change(statement.excluded))
        )
    compiled = statement.compile(
        dialect=_SQLITE if is_sqlite else _POSTGRESQL, column_keys=None if source else list(names)
    )
    order = tuple(compiled.positiontup)
    if sorted(order) != ([] if source else sorted(names)):
        raise ValueError("a change holds no values of its own; write them as literals")
    return str(compiled), order


def matching(
    connection: Connection,
    names: tuple[sa.Column[Any], ...],
    keys: tuple[sa.Column[Any], ...],
    wanted: Sequence[Row],
    *,
    also: _Also = (),
    one_by_one: bool = False,
    **values: object,
) -> list[Row]:
    """Return the columns `names` of the rows whose columns `keys` equal one of `wanted`, at least one.

    also: further conditions, the same objects each time, whose parameters are `values`. PostgreSQL gets
    arrays; SQLite has none and gets lists of few sizes, so that few statements are made; they are filled
    up. one_by_one: the rows are few among many, and there is an index of just these columns. PostgreSQL
    uses it then for each of `wanted`; by itself it reads all rows of a reporter while it has no statistics.
    """
    if not _is_sqlite(connection):
        arrays = {f"k{place}": list(one) for place, one in enumerate(zip(*wanted, strict=True))}
        return _match_arrays(names, keys, also, one_by_one=one_by_one).rows(connection, **arrays, **values)
    size = 1 << (len(wanted) - 1).bit_length()
    sql, order = _match_lists(names, keys, also, size)
    flat = [value for one in wanted for value in one]
    flat.extend(list(wanted[-1]) * (size - len(wanted)))
    flat.extend([values[name] for name in order])
    found: list[Row] = execute(connection, sql, flat).fetchall()
    return found


@functools.cache
def _match_arrays(
    names: tuple[sa.Column[Any], ...], keys: tuple[sa.Column[Any], ...], also: _Also, *, one_by_one: bool
) -> Prepared:
    arrays = [sa.bindparam(f"k{place}", type_=postgresql.ARRAY(key.type)) for place, key in enumerate(keys)]
    columns = [sa.column(f"w{place}", key.type) for place, key in enumerate(keys)]
    wanted = sa.func.unnest(*arrays).table_valued(*columns, name="wanted").render_derived()
    same = [key == wanted.c[f"w{place}"] for place, key in enumerate(keys)]
    if one_by_one:  # OFFSET 0 keeps PostgreSQL from making one join of it
        one = sa.select(*names).where(*same, *also).offset(sa.literal_column("0")).lateral("one")
        return Prepared(sa.select(*one.c).select_from(wanted.join(one, sa.true())))
    return Prepared(sa.select(*names).select_from(wanted.join(keys[0].table, sa.and_(*same, *also))))


@functools.lru_cache(maxsize=256)
def _match_lists(
    names: tuple[sa.Column[Any], ...], keys: tuple[sa.Column[Any], ...], also: _Also, size: int
) -> tuple[str, tuple[str, ...]]:
    """Return the words of a look-up of `size` rows, and the parameters that come after theirs."""
    table = keys[0].table
    given: list[list[Any]] = [
        [sa.bindparam(f"k{number}_{place}", type_=key.type) for place, key in enumerate(keys)]
        for number in range(size)
    ]
    if len(keys) == 1:
        statement = sa.select(*names).where(keys[0].in_([one for (one,) in given]), *also)
    else:  # a join, since two IN lists would try every pair
        columns = [sa.column(f"w{place}", key.type) for place, key in enumerate(keys)]
        wanted = sa.values(*columns, name="wanted").data([tuple(one) for one in given]).cte()
        same = [key == wanted.c[f"w{place}"] for place, key in enumerate(keys)]
        statement = sa.select(*names).select_from(wanted.join(table, sa.and_(*same, *also)))
    compiled: Any = statement.compile(dialect=_SQLITE)
    first = size * len(keys)
    assert compiled.positiontup[:first] == [one.key for row in given for one in row]
    return str(compiled), tuple(compiled.positiontup[first:])
