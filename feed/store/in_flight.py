"""Which reports are being taken at this moment, across threads and processes, by their Idempotency-Key.

A lock and not a row, so that a process that is killed half-way leaves nothing behind: the kernel, or
PostgreSQL, frees what it held. It only decides who is told to wait; what is stored once stays the matter
of the unique keys of `receipt`.
"""

import contextlib
import fcntl
import os
import pathlib
import threading
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.store.database import Database, StoreError


class InFlightError(Exception):
    """Another request holds the same key."""


class InFlight:
    """The locks that this process holds; safe to use from several threads.

    SQLite: one byte of a file beside the database for each key (locks of a byte range need no bytes there).
    PostgreSQL: advisory locks of one connection that is kept for them.
    """

    def __init__(self, database: Database) -> None:
        """Take the database; nothing is opened before the first key."""
        self._database = database
        self._held: set[int] = set()
        self._mutex = threading.Lock()
        self._descriptor: int | None = None
        self._connection: Connection | None = None

    @contextlib.contextmanager
    def hold(self, key: bytes) -> Iterator[None]:
        """Hold `key` (at least 8 bytes of a keyed hash); raises `InFlightError` if somebody does already."""
        number = int.from_bytes(key[:8], "big") >> 2  # a file offset and a bigint have 63 bits
        with self._mutex:
            if number in self._held or not self._lock(number):
                raise InFlightError
            self._held.add(number)
        try:
            yield
        finally:
            with self._mutex:
                self._held.discard(number)
                self._unlock(number)

    def close(self) -> None:
        """Free everything."""
        with self._mutex:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None
            self._forget_connection()

    def _lock(self, number: int) -> bool:
        if not self._database.is_sqlite:
            return self._ask("SELECT pg_try_advisory_lock(:number)", number)
        if self._descriptor is None:
            path = pathlib.Path(f"{self._database.path}.flight")
            try:
                self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as problem:
                raise StoreError(f"cannot open {path}: {problem.strerror}") from None
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
        except OSError:
            return False
        return True

    def _unlock(self, number: int) -> None:
        if self._descriptor is not None:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, number)
        elif self._connection is not None:
            with contextlib.suppress(StoreError):  # a lost connection has freed everything itself
                self._ask("SELECT pg_advisory_unlock(:number)", number)

    def _ask(self, statement: str, number: int) -> bool:
        try:
            if self._connection is None:
                self._connection = self._database.engine.connect().execution_options(
                    isolation_level="AUTOCOMMIT"
                )
            return bool(self._connection.execute(sa.text(statement), {"number": number}).scalar())
        except sa.exc.DBAPIError as problem:
            self._forget_connection()
            raise StoreError(f"the database does not answer: {type(problem.orig).__name__}") from problem

    def _forget_connection(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sa.exc.SQLAlchemyError):
                self._connection.detach()  # closed for good, so that the server frees its locks
                self._connection.close()
            self._connection = None
