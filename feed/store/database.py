"""Opening the database, and the one discipline of writing it.

SQLite has one writer. With plain transactions several processes answer each other SQLITE_BUSY or starve
(engineering.md 7), so every write transaction is BEGIN IMMEDIATE under a file lock beside the database.
On PostgreSQL a write is an ordinary transaction. Callers keep a write below 1,000 rows.
"""

import contextlib
import fcntl
import os
import pathlib
import sqlite3
import time
from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url

from feed.store.dialect import execute

ROWS_A_WRITE: Final = 1000
"""The most rows of one write transaction, so that nobody waits long for the lock."""

_CONNECTIONS: Final = 15
"""At once. All are kept: one that is closed after a crowd is opened again for the next, which costs more
than what it is opened for."""
LOCK_WAIT_S: Final = 20.0
_LOCK_PAUSE_S: Final = 0.003


class StoreError(Exception):
    """The database cannot be used; the message says why, in words for the operator."""


class StoreBusyError(StoreError):
    """Another process kept the write lock for too long."""


class Database:
    """An open database: `read()` and `write()` give connections, commits happen on leaving them."""

    def __init__(self, url: str, *, synchronous: str = "FULL") -> None:
        """Open `url` lazily; `synchronous` is SQLite's pragma (FULL: a receipt given is never lost)."""
        try:
            self.url: URL = make_url(url)
        except sa.exc.ArgumentError:
            raise StoreError("the database URL cannot be read") from None
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = self._sqlite(synchronous) if self.is_sqlite else self._postgresql()

    @property
    def path(self) -> pathlib.Path:
        """The SQLite file."""
        return pathlib.Path(self.url.database or "")

    def _sqlite(self, synchronous: str) -> Engine:
        if not self.url.database or self.url.database == ":memory:":
            raise StoreError("SQLite needs a file: processes share it")
        engine = sa.create_engine(
            self.url,
            hide_parameters=True,
            pool_size=_CONNECTIONS,
            max_overflow=0,
            connect_args={"timeout": 10, "check_same_thread": False, "isolation_level": None},
        )

        @sa.event.listens_for(engine, "do_connect")
        def _private(*_arguments: object) -> None:
            # Who reports and who asked for what is nobody else's; SQLite's other files take this mode over.
            with contextlib.suppress(OSError):
                os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))

        @sa.event.listens_for(engine, "connect")
        def _pragmas(connection: Any, _record: object) -> None:
            _write_ahead(connection)
            for pragma in (f"synchronous={synchronous}", "foreign_keys=ON"):
                connection.execute(f"PRAGMA {pragma}")

        @sa.event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            write = connection.get_execution_options().get("bsf_write", False)
            execute(connection, f"PRAGMA query_only={'OFF' if write else 'ON'}")
            execute(connection, "BEGIN IMMEDIATE" if write else "BEGIN")

        return engine

    def _postgresql(self) -> Engine:
        if self.url.get_backend_name() != "postgresql":
            raise StoreError("the database must be SQLite or PostgreSQL")
        return sa.create_engine(
            self.url.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            pool_size=_CONNECTIONS,
            max_overflow=0,
            hide_parameters=True,
            connect_args={"connect_timeout": 5},
        )

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection whose queries see one consistent state."""
        with _in_words(), self.engine.connect() as connection:
            if not self.is_sqlite:
                connection = connection.execution_options(  # noqa: PLW2901
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with connection.begin():
                yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection in a write transaction: committed on leaving, rolled back on an exception."""
        with (
            _in_words(),
            self._lock(),
            self.engine.connect() as connection,
            connection.execution_options(bsf_write=True).begin(),
        ):
            yield connection

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        if not self.is_sqlite:
            yield
            return
        with file_lock(pathlib.Path(f"{self.path}.lock"), wait_s=LOCK_WAIT_S):
            yield

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to WAL; SQLite itself does not wait for others who switch a new file at the same moment."""
    end = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= end:
                raise
            time.sleep(_LOCK_PAUSE_S)
        else:
            return


@contextlib.contextmanager
def file_lock(path: pathlib.Path, *, wait_s: float) -> Iterator[None]:
    """Hold an exclusive lock on `path`; raises `StoreBusyError` after `wait_s` seconds.

    The lock belongs to the open file, so the kernel frees it when its holder is killed.
    """
    end = time.monotonic() + wait_s
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as problem:
        raise StoreError(f"cannot open {path}: {problem.strerror}") from None
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= end:
                    raise StoreBusyError(f"{path} is locked by another process") from None
                time.sleep(_LOCK_PAUSE_S)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    """Turn the driver's failures into `StoreError`; constraint violations stay what they are."""
    try:
        yield
    except sa.exc.IntegrityError:
        raise
    except sa.exc.DBAPIError as problem:
        raise StoreError(f"the database does not answer: {in_words(problem)}") from problem


def in_words(problem: sa.exc.DBAPIError) -> str:
    """Return the driver's own first line: what is wrong, without statement and parameters."""
    lines = str(problem.orig).strip().splitlines()
    return lines[0][:200] if lines else type(problem.orig).__name__
