"""What the scheduler does at night, by hand; the provider file; listings by hand."""

import datetime as dt
import importlib.resources
import pathlib
import sys
from typing import Annotated

import rich.console
import rich.table
import typer

from feed.commands.acting import actor, now
from feed.commands.failure import fail
from feed.commands.opened import feed_of
from feed.commands.operator import PublicReason, Reason
from feed.commands.times import minute_in_words
from feed.domain.address import AddressError, parse_network
from feed.domain.listing import Code
from feed.domain.providers import ProviderFileError
from feed.jobs import providers as refreshing
from feed.jobs import trust as trusting
from feed.jobs.selfcheck import SelfCheck
from feed.jobs.spf import SpfError, resolver
from feed.store import controls, manual
from feed.store.manual import ManualError

providers = typer.Typer(no_args_is_help=True, help="Published ranges of large shared senders.")
listing = typer.Typer(no_args_is_help=True, help="Addresses listed by hand.")

_DAY_MINUTES = 1440
_DNS_PORT = 53


def selfcheck(context: typer.Context) -> None:
    """Rebuild all cells from events, score everybody anew, tell and repair every difference."""
    feed = feed_of(context)
    found = SelfCheck(
        database=feed.database, secret=feed.secret, policy=feed.policy, providers=feed.providers
    ).run(now=now())
    print(f"{found.emitters} addresses checked, {found.skipped} wait for the next tick")
    if not found.clean:
        print(f"cells of {found.cells} and rows of {found.states} were wrong and are repaired:")
        print("\n".join(found.named))
        raise SystemExit(1)


def trust(context: typer.Context) -> None:
    """Recompute what reporters earned, as the scheduler does each night."""
    feed = feed_of(context)
    done = trusting.weigh(feed.database, now=now())
    print(f"{len(done.changed)} weights changed, {len(done.ended)} given weights ended")


@providers.command("refresh")
def refresh(
    context: typer.Context,
    *,
    server: Annotated[str, typer.Option("--resolver", help="HOST or HOST:PORT of a recursive resolver")],
    file: Annotated[pathlib.Path | None, typer.Option(help="the file to write")] = None,
) -> None:
    """Write the provider file anew from the senders' SPF records; what cannot be asked stays."""
    feed = feed_of(context)
    path = file or feed.settings.score.providers_file
    if path is None:
        fail("name the file with --file, or providers_file in the section [score] of the settings")
    host, port = _server(server)
    try:
        built_in = importlib.resources.files("feed") / "data" / "providers.txt"
        old = path.read_text("utf-8") if path.exists() else built_in.read_text("utf-8")
        today = dt.datetime.fromtimestamp(now(), dt.UTC).date()
        done = refreshing.refresh(old, resolver(host, port), today=today)
        refreshing.write(path, done.text)
    except (OSError, UnicodeDecodeError) as problem:
        fail(f"cannot use {path}: {problem}")
    except (SpfError, ProviderFileError) as problem:
        fail(f"nothing was changed: {problem}")
    print(f"{done.asked - len(done.failed)} of {done.asked} senders asked, {path} written")
    for name, why in done.failed:
        print(f"{name}: its last copy stays: {why}", file=sys.stderr)


def _server(text: str) -> tuple[str, int]:
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    elif text.count(":") > 1:
        host, port = text, ""
    else:
        host, _, port = text.partition(":")
    if port and not port.isdecimal():
        fail("--resolver is HOST or HOST:PORT")
    return host, int(port or _DNS_PORT)


@listing.command("add")
def add_listing(
    context: typer.Context,
    network: Annotated[str, typer.Argument(help="an address, or a /64")],
    *,
    reason: PublicReason,
    days: Annotated[int, typer.Option(min=1, max=90, help="how long")],
    code: Annotated[int, typer.Option(min=Code.CONFIRMED, max=Code.REPORTED)] = Code.CONFIRMED,
    canary: Annotated[
        bool,
        typer.Option(
            "--canary",
            help="an unused address of yours that never sends: who reports it has copied the zone, and that "
            "day of his weighs nothing until you reviewed it. Only operators see the mark; the reason is "
            "public and must not tell",
        ),
    ] = False,
) -> None:
    """List an address by hand until a day; exemptions beat it."""
    feed = feed_of(context)
    until = now() // 60 + days * _DAY_MINUTES
    try:
        wanted = parse_network(network)
        held = feed.providers.find(wanted.network_address) if feed.providers is not None else None
        if canary and held is not None:
            fail(f"it belongs to {held}, a shared sender, so it is no address that never sends")
        with feed.database.write() as connection:
            number = manual.add(
                connection, network=wanted, code=Code(code), reason=reason, author=actor(), now=now(),
                until_minute=until, allow_special=feed.settings.publish.allow_special, canary=canary,
            )  # fmt: skip
            controls.log(
                connection, at=now(), actor=actor(), action="canary_add" if canary else "list_add",
                subject=str(wanted), reason=reason,
            )  # fmt: skip
    except (AddressError, ManualError) as problem:
        fail(str(problem))
    if held is not None:
        print(f"it belongs to {held}, a shared sender: genuine mail will be hit", file=sys.stderr)
    print(f"number {number}: {wanted} until {minute_in_words(until)}")


@listing.command("end")
def end_listing(context: typer.Context, number: int, *, reason: Reason) -> None:
    """End a listing by hand before its time."""
    with feed_of(context).database.write() as connection:
        found = manual.end(connection, number, by=actor(), now=now())
        if found:
            controls.log(
                connection, at=now(), actor=actor(), action="list_end", subject=str(number), reason=reason
            )
    if not found:
        fail("there is no such listing in force")


@listing.command("show")
def show_listings(context: typer.Context) -> None:
    """Show what is listed by hand now."""
    table = rich.table.Table("number", "address", "unit", "code", "until", "reason", "author", "canary")
    with feed_of(context).database.read() as connection:
        for one in manual.in_force(connection, minute=now() // 60):
            table.add_row(
                str(one.manual_id), str(one.address), f"/{one.unit}", f"127.0.0.{one.code}",
                minute_in_words(one.until_minute), one.reason, one.author, "yes" if one.canary else "",
            )  # fmt: skip
    rich.console.Console().print(table)
