"""`backscatter-feed reporter canary`: whether a reporter's border host writes down the sending address."""

import pathlib
import secrets
from typing import Annotated

import rich.console
import rich.table
import typer

from feed.commands.acting import actor, now
from feed.commands.failure import fail
from feed.commands.opened import feed_of
from feed.commands.times import in_words
from feed.domain.address import AddressError, parse_address
from feed.domain.canary import NAMES, CanaryError
from feed.store import canaries, reporters
from feed.store.reporters import ReporterError
from feed.web.calibrating import Begun, Wanted, begin, deliver, mail_server

canary = typer.Typer(
    no_args_is_help=True, help="Calibrate a reporter: mails from a known address, submitted as he got them."
)

Name = Annotated[str, typer.Argument(help="the reporter")]
To = Annotated[str, typer.Option("--to", help="a mailbox of the reporter from which he submits")]
From = Annotated[str, typer.Option("--address", help="address from which the mails reach him")]
Host = Annotated[str, typer.Option("--host", help="host name of the sending machine")]
Authserv = Annotated[
    str | None, typer.Option("--authserv-id", help="his name in Authentication-Results; else a border host")
]


@canary.command("send")
def send(
    context: typer.Context, name: Name, server: Annotated[str, typer.Argument(help="his MX, HOST[:PORT]")],
    *, to: To, address: From, host: Host, authserv_id: Authserv = None,
    bind: Annotated[bool, typer.Option(help="send from --address; not behind address translation")] = True,
) -> None:  # fmt: skip
    """Send a run of canaries to a reporter's mail server and note it; he must submit them."""
    try:
        where = mail_server(server)
    except CanaryError as problem:
        fail(str(problem))
    begun = _begun(context, name, to=to, address=address, host=host, authserv_id=authserv_id)
    failed = 0
    for which, why_not in deliver(begun, where, bind=bind):
        failed += bool(why_not)
        print(f"{which}: not sent: {why_not}" if why_not else f"{which}: sent")
    number, mails_n = begun.run_id, len(begun.mails)
    if failed:
        fail(f"{failed} of {mails_n} were not sent; run {number} waits for the others")
    print(f"run {number}: {mails_n} sent; see what comes back with: reporter canary show {name}")


@canary.command("write")
def write(
    context: typer.Context, name: Name, folder: Annotated[pathlib.Path, typer.Argument()],
    *, to: To, address: From, host: Host, authserv_id: Authserv = None,
) -> None:  # fmt: skip
    """Write a run of canaries into a folder, to be sent by other means, and note it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        begun = _begun(context, name, to=to, address=address, host=host, authserv_id=authserv_id)
        for one in begun.mails:
            (folder / f"{one.name}.eml").write_bytes(one.message)
            print(f"{one.name}.eml: MAIL FROM:<>, EHLO {one.helo}")
    except OSError as problem:
        fail(f"cannot write to {folder}: {problem.strerror}")
    print(f"run {begun.run_id}: send each to {to} with the EHLO beside it, then: reporter canary show {name}")


@canary.command("show")
def show(context: typer.Context, name: Name) -> None:
    """Show what came back of the last calibrations of a reporter."""
    try:
        with feed_of(context).database.read() as connection:
            source_id = reporters.find_by_name(connection, name).source_id
            runs = canaries.latest(connection, source_id)
    except ReporterError as problem:
        fail(str(problem))
    if not runs:
        print(f"{name} was never calibrated")
    for run, outcomes in runs:
        table = rich.table.Table("mail", "found", "which means")
        came = {one.name: one for one in outcomes}
        for which in NAMES:
            one = came.get(which)
            said = one.finding.phrase if one is not None else "not submitted yet"
            if one is not None and one.keeps_foreign_results:
                said += "; it leaves Authentication-Results in its own name in place"
            table.add_row(which, str(one.found) if one is not None and one.found else "-", said)
        right = sum(not one.finding.badness for one in outcomes)
        print(
            f"run {run.run_id} from {run.address} on {in_words(run.started_at)}: {right} of {run.mails} right"
        )
        rich.console.Console().print(table)


def _begun(
    context: typer.Context, name: str, *, to: str, address: str, host: str, authserv_id: str | None
) -> Begun:
    feed = feed_of(context)
    try:
        wanted = Wanted(
            name=name, to=to, address=parse_address(address), host=host, authserv_id=authserv_id or ""
        )
        with feed.database.write() as connection:
            return begin(
                connection, feed.secret, wanted, token=secrets.token_urlsafe(24), author=actor(), reason="",
                now=now(),
            )  # fmt: skip
    except AddressError as problem:
        fail(f"--address: {problem}")
    except (ReporterError, CanaryError) as problem:
        fail(str(problem))
