"""Shared fixtures: requirements of the machine, private databases, the clock of a test."""

import contextlib
import datetime as dt
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Iterator

import hypothesis
import pytest
import sqlalchemy as sa

from feed.store.database import Database
from feed.store.secret import Secret
from feed.store.upgrade import upgrade

REQUIRE_ALL = os.environ.get("BSF_REQUIRE_ALL") == "1"

# The run that decides is the same each time; every run at a desk looks for new counter-examples.
hypothesis.settings.register_profile("decides", derandomize=True)
if REQUIRE_ALL:
    hypothesis.settings.load_profile("decides")

ROOT = pathlib.Path(__file__).parent.parent


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make a skip a failure where everything is required (`BSF_REQUIRE_ALL=1`).

    Collections and scripts that lie beside the project are no part of it: a skip that names the
    variable for their folder stays a skip.
    """
    del item, call
    report = yield
    if (
        REQUIRE_ALL
        and report.skipped
        and not hasattr(report, "wasxfail")
        and "BSF_" not in str(report.longrepr)
    ):
        report.outcome = "failed"
        report.longrepr = f"skipped although BSF_REQUIRE_ALL=1: {report.longrepr}"
    return report


def needs(program: str) -> str:
    """Return the path of a system program, or skip the test with the reason."""
    found = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"needs the program {program}")
    return found


def corpora() -> pathlib.Path:
    """Return the folder of real mails that lies beside the project, or skip: they are never part of it."""
    folder = pathlib.Path(os.environ.get("BSF_CORPORA", ROOT.parent / "shared" / "corpora"))
    if not folder.is_dir():
        pytest.skip("needs the collections of real mails (BSF_CORPORA)")
    return folder


@pytest.fixture
def now() -> dt.datetime:
    """Return the moment at which a test takes place."""
    return dt.datetime(2026, 11, 25, 12, 0, tzinfo=dt.UTC)


@pytest.fixture
def secret() -> Secret:
    """Return a fixed secret."""
    return Secret(bytes(range(32)))


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """Run a private PostgreSQL cluster on a Unix socket; yields the URL of its maintenance database."""
    programs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip("needs PostgreSQL's initdb")
    bin_folder = programs[-1].parent
    # PostgreSQL refuses to run as root; its own system account comes with the package.
    as_user = (
        ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    )
    with tempfile.TemporaryDirectory(prefix="bsf-pg-") as name:
        folder = pathlib.Path(name)
        if as_user:
            account = pwd.getpwnam("postgres")
            os.chown(folder, account.pw_uid, account.pw_gid)
        data = folder / "data"
        initdb = [str(bin_folder / "initdb"), "-D", str(data), "-U", "bsf", "-A", "trust", "-E", "UTF8", "-N"]
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        control = [str(bin_folder / "pg_ctl"), "-D", str(data), "-l", str(folder / "log")]

        def run(command: list[str]) -> None:
            subprocess.run([*as_user, *command], cwd=folder, check=True, stdout=subprocess.DEVNULL)

        run(initdb)
        run([*control, "-w", "-o", options, "start"])
        try:
            yield f"postgresql://bsf@/postgres?host={folder}"
        finally:
            run([*control, "-m", "immediate", "stop"])


@contextlib.contextmanager
def fresh_postgresql(server: str, name: str, *, like: str = "template1") -> Iterator[Database]:
    """Give a database of its own on the test's cluster: an empty one, or a copy of the one named `like`."""
    with _maintenance(server) as connection:
        # Copied as files, a small database is there in half the time.
        copied = f'CREATE DATABASE "{name}" TEMPLATE "{like}" STRATEGY FILE_COPY'
        connection.execute(sa.text(copied))
    database = Database(server.replace("/postgres?", f"/{name}?"))
    try:
        yield database
    finally:
        database.dispose()
        with _maintenance(server) as connection:
            connection.execute(sa.text(f'DROP DATABASE "{name}" WITH (FORCE)'))


@contextlib.contextmanager
def _maintenance(server: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(
        server.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_server: str) -> Iterator[str]:
    """Return the name of a database that went through all migrations, for `fresh_postgresql`."""
    name = "migrated"
    with fresh_postgresql(postgresql_server, name) as made:
        upgrade(made)
        made.dispose()  # nobody may be connected to what is copied
        yield name


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Return a database file that went through all migrations; to be copied, never opened."""
    path = tmp_path_factory.mktemp("migrated") / "feed.db"
    made = Database(f"sqlite:///{path}", synchronous="NORMAL")
    upgrade(made)
    made.dispose()
    assert not path.with_name("feed.db-wal").exists(), "the copy would miss what is not yet in the file"
    return path


@pytest.fixture
def sqlite(tmp_path: pathlib.Path, migrated_sqlite: pathlib.Path) -> Iterator[Database]:
    """Return a migrated SQLite database."""
    shutil.copy(migrated_sqlite, tmp_path / "feed.db")
    database = Database(f"sqlite:///{tmp_path}/feed.db", synchronous="NORMAL")
    yield database
    database.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """Return a migrated database: each test of the store runs on both."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite")
        return
    server = request.getfixturevalue("postgresql_server")
    like = request.getfixturevalue("migrated_postgresql")
    name = f"t{os.getpid()}_{abs(hash(request.node.nodeid)) % 10**12}"
    with fresh_postgresql(server, name, like=like) as made:
        yield made
