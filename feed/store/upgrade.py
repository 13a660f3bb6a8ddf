"""Bringing the database to the version of this code, and refusing one that is newer.

Alembic is imported only here and only when needed: it costs a quarter of a second. The scripts lie in
`migrations/` of the checkout and in `feed/migrations` of an installed wheel.
"""

import pathlib
from typing import TYPE_CHECKING

import sqlalchemy as sa

import feed
from feed.store.database import Database, StoreError

if TYPE_CHECKING:
    from alembic.config import Config


class SchemaError(StoreError):
    """The database has another version than this code."""


def scripts() -> pathlib.Path:
    """Return the folder with the migration scripts."""
    package = pathlib.Path(feed.__file__).parent
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


def config() -> "Config":
    """Return Alembic's configuration, built in code."""
    from alembic.config import Config

    built = Config()
    built.set_main_option("script_location", str(scripts()).replace("%", "%%"))
    built.set_main_option("path_separator", "os")
    return built


def _known_and_head() -> tuple[set[str], str]:
    from alembic.script import ScriptDirectory

    directory = ScriptDirectory.from_config(config())
    head = directory.get_current_head()
    assert head is not None
    return {script.revision for script in directory.walk_revisions()}, head


def current(database: Database) -> str | None:
    """Return the revision of the database, None if it is empty."""
    with database.read() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def check(database: Database) -> None:
    """Raise `SchemaError` unless the database has exactly the version of this code."""
    known, head = _known_and_head()
    found = current(database)
    if found == head:
        return
    if found is None:
        raise SchemaError("the database is empty: run `backscatter-feed db upgrade`")
    if found in known:
        raise SchemaError(
            f"the database has version {found}, older than {head}: run `backscatter-feed db upgrade`"
        )
    raise SchemaError(
        f"the database has version {found}, which this program ({head}) does not know: it was written by a "
        "newer version. Nothing was changed; install that version, or restore a backup"
    )


def upgrade(database: Database) -> str:
    """Bring the database to the newest version and return it; raises `SchemaError` if it is newer.

    Two processes at once: the second waits for the first and finds nothing to do.
    """
    from alembic import command

    known, head = _known_and_head()
    if database.is_sqlite:
        database.path.parent.mkdir(parents=True, exist_ok=True)
    found = current(database)
    if found is not None and found not in known:
        check(database)
    if found != head:
        with database.write() as connection:
            if not database.is_sqlite:
                connection.execute(sa.text("SET LOCAL lock_timeout = '10s'"))
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(760402)"))
            settings = config()
            settings.attributes["connection"] = connection
            command.upgrade(settings, "head")
    return head
