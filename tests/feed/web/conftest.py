"""The site of a test: real database, real scoring, reporters 1 to 3, a clock that the test moves."""

import datetime as dt
import pathlib
from collections.abc import Iterator

import pytest

from feed.domain.policy import PRIVATE
from feed.domain.providers import Providers
from feed.settings import DnsSettings, PublishSettings, Settings
from feed.store.database import Database
from feed.store.secret import Secret
from feed.web.site import Site
from tests.factories import make_provider_file, make_reporter
from tests.feed.web.registry import Registry, make_certificate
from tests.feed.web.world import SITE_URL, Client, World

PROVIDERS = """# date: 2026-11-01
11.22.33.0/24 Large Shared Sender
"""


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[pathlib.Path, pathlib.Path]:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def registry(certificate: tuple[pathlib.Path, pathlib.Path]) -> Iterator[Registry]:
    made = Registry(certificate)
    yield made
    made.close()


@pytest.fixture
def world(
    sqlite: Database, secret: Secret, now: dt.datetime, tmp_path: pathlib.Path, introduced: pathlib.Path
) -> World:
    clock = [now]
    settings = Settings(
        publish=PublishSettings(folder=tmp_path, site_url=SITE_URL),
        dns=DnsSettings(listen=("127.0.0.1:9",)),  # the discard port: closed, so refused at once
    )
    site = Site(
        database=sqlite,
        settings=settings,
        secret=secret,
        policy=PRIVATE,
        provider_file=make_provider_file(Providers.parse(PROVIDERS)),
        now=lambda: clock[0],
    )
    made = World(site=site, clock=clock, reporters=[1, 2, 3])
    made.tell(introduced, lambda: introduce(sqlite))
    return made


def introduce(database: Database) -> None:
    """Register the reporters."""
    with database.write() as connection:
        assert [make_reporter(connection, name) for name in ("one", "two", "three")] == [1, 2, 3]


@pytest.fixture(scope="session")
def introduced(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Return where the database with the reporters is kept."""
    return tmp_path_factory.mktemp("introduced") / "feed.db"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Return where a module keeps the database with which its tests begin; see `World.tell`."""
    return tmp_path_factory.mktemp("kept") / "feed.db"


@pytest.fixture
def client(world: World) -> Iterator[Client]:
    made = Client(world.site)
    yield made
    world.site.database.dispose()
