"""The database comes from nothing to the models by the migrations, and a newer one is left alone."""

import os
import pathlib
import subprocess
import sys
import threading
import venv
import zipfile
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from feed.store import (  # tables_reporter and tables_site: their tables join the metadata
    controls,
    tables_reporter,  # noqa: F401
    tables_site,  # noqa: F401
    upgrade,
)
from feed.store.columns import metadata
from feed.store.database import Database, StoreError
from feed.store.upgrade import SchemaError
from tests.conftest import ROOT, fresh_postgresql


def _ours(_object: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
    return not (kind == "table" and name in {"event_rest", "alembic_version"})


def test_migrations_make_exactly_the_models(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _ours, "compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_migrations_make_every_named_check(database: Database) -> None:
    """Alembic does not compare CHECK constraints, so their names are compared here."""
    with database.read() as connection:
        inspector = sa.inspect(connection)
        for table in metadata.tables.values():
            wanted = {
                str(constraint.name)
                for constraint in table.constraints
                if isinstance(constraint, sa.CheckConstraint)
            }
            found = {check["name"] for check in inspector.get_check_constraints(table.name)}
            assert wanted <= found, table.name


def test_the_audit_log_takes_new_lines_only(database: Database) -> None:
    with database.write() as connection:
        controls.log(connection, at=1, actor="a", action="freeze", subject="s", reason="r")
    for change in ("UPDATE audit SET reason = 'x'", "DELETE FROM audit"):
        with pytest.raises((StoreError, sa.exc.IntegrityError)), database.write() as connection:
            connection.execute(sa.text(change))
    with database.read() as connection:
        assert connection.execute(sa.text("SELECT reason FROM audit")).scalars().all() == ["r"]


def test_every_table_and_column_is_commented() -> None:
    for table in metadata.tables.values():
        assert table.comment, table.name
        assert all(column.comment for column in table.columns), table.name


def test_upgrade_twice_and_at_once_is_one_upgrade(tmp_path: pathlib.Path) -> None:
    url = f"sqlite:///{tmp_path}/feed.db"
    problems: list[Exception] = []

    def work() -> None:
        try:
            upgrade.upgrade(Database(url))
        except Exception as problem:  # noqa: BLE001 - carried to the test's thread
            problems.append(problem)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    upgrade.check(Database(url))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[Database]:
    """Return a database without any table."""
    if request.param == "sqlite":
        yield Database(f"sqlite:///{tmp_path}/empty.db")
        return
    server = request.getfixturevalue("postgresql_server")
    with fresh_postgresql(server, f"e{os.getpid()}") as made:
        yield made


def test_muted_days_and_listings_by_hand_survive_their_new_columns(empty: Database) -> None:
    """And the previous version of the code can go on writing beside the new one."""
    settings = upgrade.config()
    with empty.write() as connection:
        settings.attributes["connection"] = connection
        command.upgrade(settings, "0008")
        connection.execute(
            sa.text(
                "INSERT INTO reporter (name, organisation, contact, group_id, weight, weight_until_day, "
                "weight_reason, anchor, vetted, created_at) "
                "VALUES ('one', 'One', 'p@one.example', 1, 0, 0, 'x', false, false, 1)"
            )
        )
    old_code = (
        "INSERT INTO flood_day (source_id, day, addresses_n, set_at) VALUES (1, {}, 222, 5)",
        (
            "INSERT INTO manual_listing (address, unit, code, reason, author, created_at, until_minute) "
            "VALUES (:address, 32, 2, 'seen', 'op', 1, {})"
        ),
    )
    for number in (1, 2):
        with empty.write() as connection:
            for statement in old_code:
                names = {"address": bytes(16)} if ":address" in statement else {}
                connection.execute(sa.text(statement.format(number)), names)
        upgrade.upgrade(empty)
    with empty.read() as connection:
        days = connection.execute(sa.text("SELECT day, cause, addresses_n FROM flood_day ORDER BY day"))
        assert [tuple(row) for row in days] == [(1, "flood", 222), (2, "flood", 222)]
        marks = connection.execute(sa.text("SELECT canary FROM manual_listing")).scalars()
        assert [bool(mark) for mark in marks] == [False, False]


def test_empty_database_is_refused_with_the_command_to_run(tmp_path: pathlib.Path) -> None:
    with pytest.raises(SchemaError, match="db upgrade"):
        upgrade.check(Database(f"sqlite:///{tmp_path}/feed.db"))


def test_newer_database_is_refused_and_not_touched(database: Database) -> None:
    with database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    for act in (upgrade.check, upgrade.upgrade):
        with pytest.raises(SchemaError, match="newer"):
            act(database)
    assert upgrade.current(database) == "9999"


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "sqlite://"])
def test_unusable_url_is_refused_in_words(url: str) -> None:
    with pytest.raises(StoreError):
        Database(url)


def test_database_that_does_not_answer_is_said_in_words() -> None:
    database = Database("postgresql://nobody@/none?host=/nonexistent")
    with pytest.raises(StoreError, match="does not answer"), database.read():
        pass


def test_installed_wheel_carries_and_runs_the_migrations(tmp_path: pathlib.Path) -> None:
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
    ]
    subprocess.run([*build, str(ROOT)], check=True)
    wheel = next(tmp_path.glob("*.whl"))
    assert any(name.startswith("feed/migrations/versions/0001") for name in zipfile.ZipFile(wheel).namelist())
    place = tmp_path / "installed"
    venv.create(place, with_pip=False)
    site = next(place.glob("lib/python*/site-packages"))
    zipfile.ZipFile(wheel).extractall(site)
    # The dependencies come from this environment; the project itself only from the wheel.
    mine = next(path for path in sys.path if path.endswith("site-packages"))
    program = (
        f"import sys; sys.path.append({mine!r}); import feed, feed.store.upgrade as u; "
        f"from feed.store.database import Database; "
        f"assert feed.__file__.startswith({str(site)!r}), feed.__file__; "
        f"print(u.scripts()); print(u.upgrade(Database('sqlite:///{tmp_path}/w.db')))"
    )
    done = subprocess.run(
        [str(place / "bin" / "python"), "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    folder, version = done.stdout.split()
    assert folder.startswith(str(site))
    assert version == max(path.name for path in (ROOT / "migrations" / "versions").glob("0*.py"))[:4]
