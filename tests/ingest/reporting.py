"""The report API over a real database, with the key of one reporter at hand."""

import datetime as dt
import pathlib
from typing import Any

import sqlalchemy as sa
from fastapi.testclient import TestClient

from feed.opening import Feed, open_feed
from feed.settings import PublishSettings, Settings, StoreSettings
from feed.store import reporters
from feed.store.database import Database
from ingest.app import create_app
from tests.factories import NOW, make_reporter
from tests.mails import Border

MAIL = {"Content-Type": "message/rfc822"}
RECORD: dict[str, Any] = {
    "client_ip": "192.0.2.66",
    "observed_at": "2026-11-24T08:15:00Z",
    "null_sender": True,
    "kind": "dsn_fail",
    "recipient_class": "trap",
    "recipient_token": "t1",
    "original_key": "o1",
}
BORDER = Border(host="mx.one.example", ip="192.0.2.66", at=NOW - dt.timedelta(hours=3))


class Api:
    """A client with the key of one reporter."""

    def __init__(self, feed: Feed, key: str) -> None:
        self.feed = feed
        self.key = key
        self.app = create_app(feed, serve=("reports",), now=lambda: NOW)
        self.client = TestClient(self.app, raise_server_exceptions=False)

    def mail(self, message: bytes, **claim: str) -> Any:
        return self.client.post("/v1/reports", params=claim, content=message, headers=self.headers() | MAIL)

    def record(self, headers: dict[str, str] | None = None, **change: Any) -> Any:
        body = {name: value for name, value in (RECORD | change).items() if value is not ...}
        return self.client.post("/v1/reports", json=body, headers=self.headers() | (headers or {}))

    def post(self, path: str, content: bytes, kind: str, **headers: str) -> Any:
        fields = self.headers() | {"Content-Type": kind} | headers
        return self.client.post(path, content=content, headers=fields)

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def rows(self, table: sa.Table) -> int:
        with self.feed.database.read() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def open_api(database: Database, folder: pathlib.Path) -> Api:
    """Return the API over `database`, with one registered reporter."""
    settings = Settings(
        store=StoreSettings(
            url=database.url.render_as_string(hide_password=False), secret_file=folder / "secret"
        ),
        publish=PublishSettings(folder=folder / "snapshots"),
    )
    feed = open_feed(settings)
    with feed.database.write() as connection:
        source_id = make_reporter(connection, border_hosts=["mx.one.example"])
        key = reporters.new_key(
            connection,
            feed.secret,
            source_id=source_id,
            scopes=("report",),
            author="t",
            now=int(NOW.timestamp()),
        )
    return Api(feed, key)


def another_key(api: Api) -> str:
    """Return the key of a second reporter."""
    with api.feed.database.write() as connection:
        source_id = make_reporter(connection, "two")
        return reporters.new_key(
            connection, api.feed.secret, source_id=source_id, scopes=("report",), author="t", now=0
        )


def problem_of(answer: Any) -> str:
    """Return the stable word of a problem document."""
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["type"]).rpartition(":")[2]
