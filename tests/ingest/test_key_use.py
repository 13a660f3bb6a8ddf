"""The day of a key's last use: noted once a day, and never in the way of a report."""

from typing import Any

import pytest
import sqlalchemy as sa

from feed.store import reporters
from feed.store.database import Database, StoreBusyError
from feed.store.reporters import Principal
from feed.store.tables import api_key
from tests.factories import NOW
from tests.ingest.reporting import Api

DAY = int(NOW.timestamp()) // 86_400


def _used(api: Api) -> list[int]:
    with api.feed.database.read() as connection:
        return list(connection.execute(sa.select(api_key.c.last_used_day)).scalars())


def test_a_key_that_reports_is_noted_as_used(api: Api) -> None:
    assert _used(api) == [0]
    assert api.record().status_code == 200
    assert _used(api) == [DAY]


def test_a_wrong_secret_notes_nothing(sqlite_api: Api) -> None:
    sqlite_api.key = sqlite_api.key[:-64] + "0" * 64
    assert sqlite_api.record().status_code == 401
    assert _used(sqlite_api) == [0]


def test_it_is_written_once_a_day(sqlite_api: Api) -> None:
    writes: list[str] = []

    def count(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("UPDATE api_key"):
            writes.append(statement)

    sa.event.listen(sqlite_api.feed.database.engine, "before_cursor_execute", count)
    for number in range(5):
        assert sqlite_api.record(original_key=f"o{number}").status_code == 200
    assert len(writes) == 1


def test_a_busy_database_keeps_no_report_out(sqlite_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(_database: Database) -> Any:
        raise StoreBusyError("somebody else writes")

    key = Principal(key_id=sqlite_api.key.split("_")[1], source_id=1, scopes=frozenset())
    with monkeypatch.context() as patch:
        patch.setattr(Database, "write", busy)
        reporters.note_use(sqlite_api.feed.database, key, now=int(NOW.timestamp()))
    assert _used(sqlite_api) == [0]
    reporters.note_use(sqlite_api.feed.database, key, now=int(NOW.timestamp()))
    assert _used(sqlite_api) == [DAY]
