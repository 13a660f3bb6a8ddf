"""`serve`, `schedule` and `db`: the processes and the database."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from feed.commands import first_run, serve
from feed.commands.failure import fail, misconfigured
from feed.commands.opened import feed_of, settings_of
from feed.jobs.publish import PublishError
from feed.opening import configure_log
from feed.settings import Settings
from feed.store import upgrade
from feed.store.database import Database, StoreError
from feed.store.secret import SecretError

db = typer.Typer(no_args_is_help=True, help="The database.")


def schedule(context: typer.Context) -> None:
    """Run the scheduler: score and publish at every tick, clean up at night."""
    from feed.jobs import schedule as scheduling

    configure_log(tracebacks=True)
    scheduling.run(feed_of(context))


def serve_all(
    context: typer.Context,
    *,
    first: Annotated[
        bool, typer.Option("--first-run", help="make database, keys and snapshots first")
    ] = False,
) -> None:
    """Run everything on this machine: HTTP, scheduler and DNS. Production uses one unit for each."""
    settings = settings_of(context)
    try:
        if first:
            first_run.prepare(settings)
        else:
            feed_of(context)
    except (StoreError, SecretError, PublishError) as problem:
        misconfigured(str(problem))
    config = context.find_root().obj
    chosen = ["--config", str(config)] if config else []
    if first:
        print(first_run.tour(settings), flush=True)
    raise SystemExit(serve.run(table_of(settings, chosen)))


def table_of(settings: Settings, chosen: list[str]) -> dict[str, Sequence[str]]:
    """Return the argument lists of all processes, by name. chosen: how each finds its settings."""
    python = [sys.executable, "-m"]
    processes: dict[str, Sequence[str]] = {
        "ingest": [*python, "ingest", *chosen],
        "scheduler": [*python, "feed", *chosen, "schedule"],
        "dns": [*python, "dnsbl_server", *serve.dns_arguments(settings)],
    }
    if settings.trap.domains or settings.trap.addresses:
        processes["trap"] = [*python, "ingest", "trap", *chosen]
    return processes


@db.command("upgrade")
def upgrade_database(context: typer.Context) -> None:
    """Bring the database to the version of this program; a newer one is refused and left alone."""
    settings = settings_of(context)
    try:
        version = upgrade.upgrade(Database(settings.store.url, synchronous=settings.store.sqlite_synchronous))
    except StoreError as problem:
        fail(str(problem))
    print(f"the database has version {version}")


@db.command("check")
def check_database(context: typer.Context) -> None:
    """Say whether the database has the version of this program."""
    feed_of(context)
    print("the database has the version of this program")
