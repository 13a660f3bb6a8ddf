"""`backscatter-feed reporter change|show`: hosts, networks, domains and keys of a reporter."""

import pathlib
from typing import Annotated

import rich.console
import rich.table
import typer
from sqlalchemy.engine import Connection

from feed.commands.acting import actor, now
from feed.commands.failure import fail
from feed.commands.opened import feed_of
from feed.commands.operator import Reason
from feed.store import controls, registration, reporters
from feed.store.registration import Fact, RegistrationError
from feed.store.reporters import FULL_WEIGHT, ReporterError

_KINDS = ", ".join(fact.value for fact in Fact)


def change_reporter(
    context: typer.Context,
    name: str,
    *,
    reason: Reason,
    add: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND=VALUE", help=f"{_KINDS}; of a key VALUE is the file that holds it"),
    ] = None,
    drop: Annotated[list[str] | None, typer.Option(metavar="KIND=VALUE", help="take back")] = None,
) -> None:
    """Register hosts, networks, domains and signing keys of a reporter, or take them back."""
    if not add and not drop:
        fail("say what to --add or to --drop")
    feed = feed_of(context)
    try:
        with feed.database.write() as connection:
            source_id = reporters.find_by_name(connection, name).source_id
            for fact, value in map(_read, add or []):
                kept = registration.add(connection, source_id, fact, value, now=now())
                _log(connection, "reporter_fact_add", f"{name} {_shown(fact, kept)}", reason)
            for fact, value in map(_read, drop or []):
                if not registration.drop(connection, source_id, fact, value):
                    fail(f"{_shown(fact, value)} is not registered; nothing was changed")
                _log(connection, "reporter_fact_drop", f"{name} {_shown(fact, value)}", reason)
    except (ReporterError, RegistrationError) as problem:
        fail(f"{problem}; nothing was changed")
    show_reporter(context, name)


def _read(text: str) -> tuple[Fact, str]:
    kind, mark, value = text.partition("=")
    if not mark or kind not in list(Fact):
        raise RegistrationError(f"KIND=VALUE is needed; kinds are {_KINDS}")
    fact = Fact(kind)
    if not fact.secret:
        return fact, value
    try:
        # Only from a file: what stands on a command line is read by everybody on the machine.
        return fact, pathlib.Path(value).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise RegistrationError(f"cannot read the key file {value}") from None


def _shown(fact: Fact, value: str) -> str:
    return fact.value if fact.secret else f"{fact.value}={value}"


def show_reporter(context: typer.Context, name: str) -> None:
    """Show everything that is registered of a reporter; of keys only how many."""
    try:
        with feed_of(context).database.read() as connection:
            found = reporters.find_by_name(connection, name)
            facts = registration.facts_of(connection, found.source_id)
    except ReporterError as problem:
        fail(str(problem))
    table = rich.table.Table(show_header=False)
    table.add_row("name", f"{found.name} (number {found.source_id})")
    table.add_row("organisation", found.organisation)
    table.add_row("weight", f"{found.weight / FULL_WEIGHT:.2f}{', suspended' if found.suspended else ''}")
    for fact, values in facts.items():
        table.add_row(fact.value, (str(len(values)) if fact.secret else "\n".join(values)) if values else "-")
    rich.console.Console().print(table)


def _log(connection: Connection, action: str, subject: str, reason: str) -> None:
    controls.log(connection, at=now(), actor=actor(), action=action, subject=subject, reason=reason)
