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
def fresh_postgresql(server: str, name: str) -> Iterator[Database]:
    """Give an empty database of its own on the test's cluster."""
    import sqlalchemy as sa

    engine = sa.create_engine(
        server.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
    database = Database(server.replace("/postgres?", f"/{name}?"))
    try:
        yield database
    finally:
        database.dispose()
        with engine.connect() as connection:
            connection.execute(sa.text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        engine.dispose()


@pytest.fixture
def sqlite(tmp_path: pathlib.Path) -> Iterator[Database]:
    """Return a migrated SQLite database."""
    database = Database(f"sqlite:///{tmp_path}/feed.db", synchronous="NORMAL")
    upgrade(database)
    yield database
    database.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[Database]:
    """Return a migrated database: each test of the store runs on both."""
    if request.param == "sqlite":
        made = Database(f"sqlite:///{tmp_path}/feed.db", synchronous="NORMAL")
        upgrade(made)
        yield made
        made.dispose()
        return
    server = request.getfixturevalue("postgresql_server")
    with fresh_postgresql(server, f"t{os.getpid()}_{abs(hash(request.node.nodeid)) % 10**12}") as made:
        upgrade(made)
        yield made
