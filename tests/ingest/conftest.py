"""The report API, on each database, or on SQLite alone where the database is not the point."""

import pathlib
from collections.abc import Iterator

import pytest

from feed.store.database import Database
from tests.ingest.reporting import Api, open_api


@pytest.fixture
def api(database: Database, tmp_path: pathlib.Path) -> Iterator[Api]:
    yield from _running(database, tmp_path)


@pytest.fixture
def sqlite_api(sqlite: Database, tmp_path: pathlib.Path) -> Iterator[Api]:
    yield from _running(sqlite, tmp_path)


def _running(database: Database, folder: pathlib.Path) -> Iterator[Api]:
    made = open_api(database, folder)
    with made.client:
        yield made
    made.feed.database.dispose()
