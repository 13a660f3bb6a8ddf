"""The local index: what was sent, what came with a null sender, and how far the logs reach.

One SQLite file. It holds keyed hashes, addresses of servers, days and counts. Mail addresses stand in it
only for mails whose end the log has not shown yet.
Everything is written in the transaction that also moves the positions in the logs, so a process killed at
any point leaves the index as of its last commit and reads on from there.
"""

import json
import pathlib
import sqlite3
from typing import Final, NamedTuple

KEEP_DAYS: Final = 14
"""Days a sent mail is remembered. A bounce comes within 5 days as a rule, a signed sender lives for 7; the
feed wants 8 days of look-back, and 10 leave room for a scan that runs late."""
GAP_S: Final = 12 * 3600
"""A log that says nothing for so long is not complete: a daily file is missing, or logging stood still."""
LARGEST_BYTES: Final = 2 << 30
_DAY_S: Final = 86_400
_FORMAT: Final = 1

ID, SENDER, PLAIN, PAIR, ANSWERED = range(5)
"""Kinds of what is known: a Message-ID, an envelope sender as it was, without its tag, sender and server,
and the same for a notification that was taken for an answer."""

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS known (
    kind INTEGER NOT NULL, key BLOB NOT NULL, last_on INTEGER NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cover (
    host TEXT NOT NULL, start_at INTEGER NOT NULL, end_at INTEGER NOT NULL, sends INTEGER NOT NULL,
    PRIMARY KEY (host, start_at)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS source (
    mark BLOB PRIMARY KEY, position INTEGER NOT NULL, read_on INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS arrival (
    key BLOB PRIMARY KEY, at INTEGER NOT NULL, address TEXT NOT NULL, facts TEXT NOT NULL,
    class TEXT, reason TEXT, lookback_days INTEGER, submitted INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS arrival_at ON arrival (at);
CREATE TABLE IF NOT EXISTS counter (
    address TEXT NOT NULL, day INTEGER NOT NULL, feeder INTEGER NOT NULL, seen INTEGER NOT NULL,
    PRIMARY KEY (address, day, feeder)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS told (
    address TEXT NOT NULL, day INTEGER NOT NULL, numbers TEXT NOT NULL,
    PRIMARY KEY (address, day)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


class IndexFileError(Exception):
    """The index cannot be used; the message says why."""


class Arrival(NamedTuple):
    """One null-sender mail or refused recipient. facts: JSON of `facts.Facts`."""

    key: bytes
    at: int
    address: str
    facts: str


class Judged(NamedTuple):
    """An arrival with what was found about it."""

    key: bytes
    at: int
    address: str
    facts: str
    kind: str
    reason: str
    lookback_days: int
    submitted: bool


class Index:
    """The open index. Not for several threads; several processes wait for each other."""

    def __init__(self, path: pathlib.Path | None) -> None:
        """Open or make the file; None: in memory only. Raises IndexFileError."""
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = sqlite3.connect(path or ":memory:", timeout=30, isolation_level=None)
            self._db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA cache_size = -65536")
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version not in {0, _FORMAT}:
                raise IndexFileError(f"{path} was made by another version; remove it and scan the logs again")
            if version == 0:  # an index in use by another process is opened without a write
                self._db.executescript(_TABLES)
                self._db.execute(f"PRAGMA user_version = {_FORMAT}")
        except sqlite3.Error as problem:
            raise IndexFileError(f"{path}: {problem}") from None
        if path is not None:
            path.chmod(0o600)

    def close(self) -> None:
        """Close the file; what was not committed is as if it had never been."""
        self._db.close()

    def begin(self) -> None:
        """Start a transaction; raises IndexFileError if another process holds the index for 30 s."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as problem:
            raise IndexFileError(f"the index is in use: {problem}") from None

    def commit(self) -> None:
        """Make everything since `begin` last; raises IndexFileError, and then nothing of it lasts."""
        try:
            self._db.execute("COMMIT")
        except sqlite3.Error as problem:
            self._db.execute("ROLLBACK")
            raise IndexFileError(f"the index cannot be written: {problem}") from None

    def know(self, found: dict[tuple[int, bytes], tuple[int, int]]) -> None:
        """Remember what was sent: (kind, key) to (last day, how often)."""
        self._db.executemany(
            "INSERT INTO known VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " last_on = max(last_on, excluded.last_on), n = n + excluded.n",
            ((kind, key, day, n) for (kind, key), (day, n) in sorted(found.items())),
        )

    def times(self, kind: int, keys: list[bytes]) -> int:
        """Return how often the most frequent of the keys was sent, 0 if none was."""
        marks = ",".join("?" * len(keys))
        row = self._db.execute(
            f"SELECT coalesce(max(n), 0) FROM known WHERE kind = ? AND key IN ({marks})",  # noqa: S608 - marks
            (kind, *keys),
        ).fetchone()
        return int(row[0])

    def cover(self, host: str, start_at: int, end_at: int, *, sends: bool) -> None:
        """Remember that a host's log is complete from one moment to another; joins what touches."""
        rows = self._db.execute(
            "SELECT start_at, end_at, sends FROM cover WHERE host = ? AND end_at >= ? AND start_at <= ?",
            (host, start_at - GAP_S, end_at + GAP_S),
        ).fetchall()
        self._db.executemany(
            "DELETE FROM cover WHERE host = ? AND start_at = ?", [(host, row[0]) for row in rows]
        )
        start_at = min([start_at, *(row[0] for row in rows)])
        end_at = max([end_at, *(row[1] for row in rows)])
        self._db.execute(
            "INSERT INTO cover VALUES (?, ?, ?, ?)",
            (host, start_at, end_at, int(sends or any(row[2] for row in rows))),
        )

    def covered(self) -> list[tuple[str, int, int, bool]]:
        """Return (host, start, end, whether it sent mail) of all complete stretches, oldest first."""
        floor = int(self.state("floor") or 0)
        rows = self._db.execute("SELECT * FROM cover WHERE end_at > ? ORDER BY start_at", (floor,)).fetchall()
        return [(host, max(start, floor), end, bool(sends)) for host, start, end, sends in rows]

    def arrive(self, arrival: Arrival) -> None:
        """Remember an arrival; one that is known takes over facts that a second log adds."""
        row = self._db.execute("SELECT facts FROM arrival WHERE key = ?", (arrival.key,)).fetchone()
        if row is None:
            self._db.execute("INSERT INTO arrival (key, at, address, facts) VALUES (?, ?, ?, ?)", arrival)
            return
        both = _joined(json.loads(row[0]), json.loads(arrival.facts))
        if (facts := json.dumps(both)) != row[0]:
            self._db.execute("UPDATE arrival SET facts = ?, class = NULL WHERE key = ?", (facts, arrival.key))

    def waiting(self, *, before: int) -> list[Arrival]:
        """Return what came before a moment and has no class yet, oldest first."""
        rows = self._db.execute(
            "SELECT key, at, address, facts FROM arrival WHERE class IS NULL AND at <= ? ORDER BY at, key",
            (before,),
        )
        return [Arrival(*row) for row in rows]

    def reopen(self, *, since: int) -> None:
        """Let all be judged again that is neither submitted nor genuine: the index may know more by now."""
        self._db.execute(
            "UPDATE arrival SET class = NULL WHERE submitted = 0 AND class <> 'genuine' AND at >= ?", (since,)
        )

    def judge(self, key: bytes, kind: str, reason: str, lookback_days: int) -> None:
        """Remember the class of an arrival."""
        self._db.execute(
            "UPDATE arrival SET class = ?, reason = ?, lookback_days = ? WHERE key = ?",
            (kind, reason, lookback_days, key),
        )

    def judged(self, *, since: int, until: int) -> list[Judged]:
        """Return what has a class and came in [since, until), oldest first."""
        rows = self._db.execute(
            "SELECT key, at, address, facts, class, reason, lookback_days, submitted FROM arrival"
            " WHERE class IS NOT NULL AND at >= ? AND at < ? ORDER BY at, key",
            (since, until),
        )
        return [Judged._make((*row[:7], bool(row[7]))) for row in rows]

    def submitted(self, keys: list[bytes]) -> None:
        """Remember that these were handed to the spool."""
        self._db.executemany("UPDATE arrival SET submitted = 1 WHERE key = ?", [(key,) for key in keys])

    def count(self, found: dict[tuple[str, int, int], int]) -> None:
        """Add mails seen: (address, day, feeder) to how many. feeder 0: mail server, 1: filter."""
        self._db.executemany(
            "INSERT INTO counter VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET seen = seen + excluded.seen",
            ((*key, n) for key, n in found.items()),
        )

    def observations(self, *, first_day: int) -> list[tuple[str, int, int, int, int]]:
        """Return (address, day, seen, null senders, genuine) of each address that used a null sender."""
        rows = self._db.execute(
            "SELECT a.address, a.at / 86400 AS day, count(*), sum(a.class = 'genuine'),"
            " (SELECT max(seen) FROM counter c WHERE c.address = a.address AND c.day = a.at / 86400)"
            " FROM arrival a WHERE a.at >= ? GROUP BY 1, 2 ORDER BY 1, 2",
            (first_day * _DAY_S,),
        )
        return [(address, day, max(seen or 0, n), n, genuine or 0) for address, day, n, genuine, seen in rows]

    def told(self, address: str, day: int, numbers: str) -> bool:
        """Return whether exactly these numbers were told of an address and day."""
        row = self._db.execute(
            "SELECT numbers FROM told WHERE address = ? AND day = ?", (address, day)
        ).fetchone()
        return row is not None and row[0] == numbers

    def tell(self, address: str, day: int, numbers: str) -> None:
        """Remember the numbers told of an address and day."""
        self._db.execute("INSERT OR REPLACE INTO told VALUES (?, ?, ?)", (address, day, numbers))

    def position(self, mark: bytes) -> int:
        """Return how many bytes of a source were read."""
        row = self._db.execute("SELECT position FROM source WHERE mark = ?", (mark,)).fetchone()
        return int(row[0]) if row is not None else 0

    def moved(self, mark: bytes, position: int, *, day: int) -> None:
        """Remember how far a source was read."""
        self._db.execute("INSERT OR REPLACE INTO source VALUES (?, ?, ?)", (mark, position, day))

    def state(self, name: str) -> str | None:
        """Return a value kept by name."""
        row = self._db.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row is not None else None

    def keep(self, name: str, value: str) -> None:
        """Keep a value by name."""
        self._db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, value))

    def bytes_used(self) -> int:
        """Return the size of all that is kept."""
        pages, free, size = (
            int(self._db.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    def prune(self, *, today: int, largest: int = LARGEST_BYTES) -> None:
        """Forget what is too old; if it is still too much, the oldest days, and own up to it.

        Days that had to go are no longer covered, so that nothing is called a miss because of them.
        """
        floor = today - KEEP_DAYS
        self._forget(floor)
        while self.bytes_used() > largest and floor < today:
            floor += 1
            self._forget(floor)
            self.keep("floor", str((floor + 1) * _DAY_S))

    def shrink(self) -> None:
        """Give free pages back to the file system; outside a transaction."""
        self._db.execute("PRAGMA incremental_vacuum")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _forget(self, floor: int) -> None:
        for table, day in (("known", "last_on"), ("counter", "day"), ("told", "day"), ("source", "read_on")):
            self._db.execute(f"DELETE FROM {table} WHERE {day} < ?", (floor,))  # noqa: S608 - our own names
        self._db.execute("DELETE FROM arrival WHERE at < ?", (floor * _DAY_S,))
        self._db.execute("DELETE FROM cover WHERE end_at < ?", ((floor - KEEP_DAYS) * _DAY_S,))


def _joined(old: dict[str, object], new: dict[str, object]) -> dict[str, object]:
    """Return facts with what either has: lists are united, words of the first kept."""
    both = dict(old)
    for name, value in new.items():
        here = both.get(name)
        if isinstance(here, list) and isinstance(value, list):
            both[name] = here + [one for one in value if one not in here]
        elif isinstance(here, bool) and isinstance(value, bool):
            both[name] = here or value
        elif not here:
            both[name] = value
    return both
