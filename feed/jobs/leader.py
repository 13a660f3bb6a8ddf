"""One scheduler works, others wait: a lock that its holder loses by dying, never by forgetting.

SQLite: a file lock beside the database. PostgreSQL: a session's advisory lock, on a connection of its own.
"""

import contextlib
import fcntl
import os
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.store.database import Database, StoreError, in_words

_NUMBER: Final = 760401


class Leader:
    """Leadership of one process; ask `holds()` before each piece of work."""

    def __init__(self, database: Database) -> None:
        """Nothing is locked yet."""
        self._database = database
        self._descriptor: int | None = None
        self._connection: Connection | None = None

    def holds(self) -> bool:
        """Return whether this process leads, becoming the leader if nobody is. Raises `StoreError`."""
        return self._holds_file() if self._database.is_sqlite else self._holds_session()

    def _holds_file(self) -> bool:
        if self._descriptor is not None:
            return True
        path = f"{self._database.path}.leader"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise StoreError(f"cannot open {path}: {problem.strerror}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def _holds_session(self) -> bool:
        try:
            if self._connection is not None:
                # The lock lives as long as this session: if it answers, we still lead.
                self._connection.execute(sa.text("SELECT 1"))
                return True
            connection = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            got = connection.execute(
                sa.text("SELECT pg_try_advisory_lock(:number)"), {"number": _NUMBER}
            ).scalar()
        except sa.exc.DBAPIError as problem:
            self.release()
            raise StoreError(f"the database does not answer: {in_words(problem)}") from problem
        if not got:
            connection.close()
            return False
        self._connection = connection
        return True

    def release(self) -> None:
        """Give leadership up."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with contextlib.suppress(sa.exc.SQLAlchemyError):
                connection.execute(sa.text("SELECT pg_advisory_unlock_all()"))
            connection.invalidate()
            connection.close()
