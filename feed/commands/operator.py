"""Reporters, keys and exemptions. Everything here leaves a line in the audit log."""

import getpass
import time
from typing import Annotated, Final

import rich.console
import rich.table
import typer
from sqlalchemy.engine import Connection

from feed.commands.failure import fail
from feed.commands.opened import feed_of
from feed.commands.times import minute_in_words
from feed.domain.address import AddressError, Network, parse_network
from feed.domain.listing import Hold
from feed.store import controls, exemptions, reporters
from feed.store.reporters import FULL_WEIGHT, ReporterError

reporter = typer.Typer(no_args_is_help=True, help="Who reports.")
key = typer.Typer(no_args_is_help=True, help="Keys of reporters and operators.")
exempt = typer.Typer(no_args_is_help=True, help="Networks that are never listed, or held back.")


def _given(text: str) -> str:
    if not 0 < len(text.strip()) <= LONGEST_REASON:
        raise typer.BadParameter(f"1 to {LONGEST_REASON} characters are needed")
    return text.strip()


def _short(text: str) -> str:
    if not 0 < len(text.strip()) <= LONGEST_NAME:
        raise typer.BadParameter(f"1 to {LONGEST_NAME} characters are needed")
    return text.strip()


LONGEST_REASON: Final = 200
LONGEST_NAME: Final = 100
Reason = Annotated[str, typer.Option(help="why; kept in the audit log", callback=_given)]
PublicReason = Annotated[str, typer.Option(help="why; public, and kept in the audit log", callback=_given)]
Name = Annotated[str, typer.Argument(callback=_short)]
_DAY_MINUTES = 1440


def _now() -> int:
    return int(time.time())  # noqa: TID251 - an entry point


def _log(connection: Connection, action: str, subject: str, reason: str) -> None:
    controls.log(connection, at=_now(), actor=_actor(), action=action, subject=subject, reason=reason)


def _actor() -> str:
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli"


def _networks(texts: list[str] | None) -> list[Network]:
    try:
        return [parse_network(text) for text in texts or []]
    except AddressError as problem:
        fail(str(problem))


@reporter.command("add")
def add_reporter(
    context: typer.Context,
    name: Name,
    *,
    organisation: Annotated[str, typer.Option(help="who runs it", callback=_given)],
    contact: Annotated[str, typer.Option(help="role address, such as postmaster@example.org")],
    reason: Reason,
    border_host: Annotated[list[str] | None, typer.Option(help="name its MX writes after `by`")] = None,
    internal_host: Annotated[list[str] | None, typer.Option(help="further own host that stamps mail")] = None,
    own_network: Annotated[list[str] | None, typer.Option(help="CIDR that is never charged")] = None,
    forwarder: Annotated[list[str] | None, typer.Option(help="CIDR of a known forwarder")] = None,
    group_of: Annotated[str | None, typer.Option(help="same operator as this reporter")] = None,
    weight: Annotated[int, typer.Option(min=0, max=FULL_WEIGHT, help="twentieths")] = 0,
    anchor: Annotated[bool, typer.Option("--anchor", help="its traps count as anchors")] = False,
) -> None:
    """Register a reporter and print its first key, once."""
    feed = feed_of(context)
    try:
        with feed.database.write() as connection:
            group = reporters.find_by_name(connection, group_of).group_id if group_of else None
            source_id = reporters.register(
                connection, name=name, organisation=organisation, contact=contact, now=_now(),
                border_hosts=border_host or [], internal_hosts=internal_host or [],
                own_networks=_networks(own_network), forwarders=_networks(forwarder),
                group_id=group, weight=weight, weight_reason=reason, anchor=anchor,
            )  # fmt: skip
            made = reporters.new_key(
                connection,
                feed.secret,
                source_id=source_id,
                scopes=("report", "read"),
                author=_actor(),
                now=_now(),
            )
            _log(connection, "reporter_add", name, reason)
    except ReporterError as problem:
        fail(str(problem))
    print(f"reporter {name} is number {source_id}; its key, shown once: {made}")


@reporter.command("list")
def list_reporters(context: typer.Context) -> None:
    """Show all reporters."""
    with feed_of(context).database.read() as connection:
        table = rich.table.Table(
            "number", "name", "organisation", "group", "weight", "border hosts", "suspended"
        )
        for one in reporters.everyone(connection):
            table.add_row(
                str(one.source_id), one.name, one.organisation, str(one.group_id),
                f"{one.weight / FULL_WEIGHT:.2f}", ", ".join(sorted(one.border_hosts)) or "-",
                "yes" if one.suspended else "no",
            )  # fmt: skip
    rich.console.Console().print(table)


@reporter.command("suspend")
def suspend_reporter(context: typer.Context, name: str, *, reason: Reason, lift: bool = False) -> None:
    """Make nothing of a reporter count from the next tick on, or lift that."""
    feed = feed_of(context)
    try:
        with feed.database.write() as connection:
            source_id = reporters.find_by_name(connection, name).source_id
            reporters.suspend(connection, source_id, now=None if lift else _now())
            _log(connection, "reporter_resume" if lift else "reporter_suspend", name, reason)
    except ReporterError as problem:
        fail(str(problem))


@key.command("new")
def new_key(
    context: typer.Context,
    *,
    reason: Reason,
    reporter_name: Annotated[str | None, typer.Option("--reporter", help="none: an operator's key")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="report, read, operate")] = None,
) -> None:
    """Make a key and print it, once. The old one stays in force until it is revoked."""
    if reporter_name is None and "report" in (scope or ()):
        fail("a key that reports belongs to a reporter: name it with --reporter")
    feed = feed_of(context)
    try:
        with feed.database.write() as connection:
            source_id = reporters.find_by_name(connection, reporter_name).source_id if reporter_name else None
            scopes = scope or (["report", "read"] if reporter_name else ["operate", "read"])
            made = reporters.new_key(
                connection, feed.secret, source_id=source_id, scopes=scopes, author=_actor(), now=_now()
            )
            _log(connection, "key_new", reporter_name or "operator", reason)
    except ReporterError as problem:
        fail(str(problem))
    print(made)


@key.command("revoke")
def revoke_key(context: typer.Context, key_id: str, *, reason: Reason) -> None:
    """End a key at once. KEY_ID is the part between the first two underscores."""
    feed = feed_of(context)
    with feed.database.write() as connection:
        found = reporters.revoke_key(connection, key_id, now=_now())
        if found:
            _log(connection, "key_revoke", key_id, reason)
    if not found:
        fail("there is no key with this id in force")


@exempt.command("add")
def add_exemption(
    context: typer.Context,
    network: str,
    *,
    reason: Reason,
    days: Annotated[int, typer.Option(min=1, max=3650, help="how long")],
    hold: Annotated[bool, typer.Option("--hold", help="hold back instead of exempt")] = False,
) -> None:
    """Exempt a network from listing, or hold it back; what is listed in it leaves at the next tick."""
    feed = feed_of(context)
    wanted = _networks([network])[0]
    until = _now() // 60 + days * _DAY_MINUTES
    with feed.database.write() as connection:
        number = exemptions.add(
            connection, network=wanted, kind=Hold.OPERATOR if hold else Hold.EXEMPT, reason=reason,
            author=_actor(), now=_now(), until_minute=until,
        )  # fmt: skip
        _log(connection, "hold_add" if hold else "exemption_add", str(wanted), reason)
    print(f"number {number}: {wanted} until {minute_in_words(until)}")


@exempt.command("list")
def list_exemptions(context: typer.Context) -> None:
    """Show what is exempt or held now."""
    with feed_of(context).database.read() as connection:
        table = rich.table.Table("number", "network", "kind", "until", "reason", "author")
        for one in exemptions.in_force(connection, minute=_now() // 60):
            table.add_row(
                str(one.exemption_id), str(one.network), one.kind.word, minute_in_words(one.until_minute),
                one.reason, one.author,
            )  # fmt: skip
    rich.console.Console().print(table)


@exempt.command("end")
def end_exemption(context: typer.Context, number: int, *, reason: Reason) -> None:
    """End an exemption or hold before its time."""
    feed = feed_of(context)
    with feed.database.write() as connection:
        found = exemptions.end(connection, number, now=_now())
        if found:
            _log(connection, "exemption_end", str(number), reason)
    if not found:
        fail("there is no such exemption in force")
