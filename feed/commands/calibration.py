"""`backscatter-feed reporter canary`: whether a reporter's border host writes down the sending address."""

import datetime as dt
import pathlib
import secrets
import smtplib
from typing import Annotated, Final

import rich.console
import rich.table
import typer

from feed.commands.acting import actor, now
from feed.commands.failure import fail
from feed.commands.opened import feed_of
from feed.commands.times import in_words
from feed.domain.address import Address, AddressError, parse_address
from feed.domain.canary import NAMES, Canary, CanaryError, make_canaries
from feed.store import canaries, controls, reporters
from feed.store.reporters import ReporterError

canary = typer.Typer(
    no_args_is_help=True, help="Calibrate a reporter: mails from a known address, submitted as he got them."
)
_TIMEOUT_S: Final = 30
_SMTP: Final = 25

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
    mails, run_id = _started(
        context, name, to=to, address=_address(address), host=host, authserv_id=authserv_id
    )
    server_host, port = _server(server)
    source = (str(_address(address)), 0) if bind else None
    failed = 0
    for one in mails:
        try:
            with smtplib.SMTP(
                server_host, port, local_hostname=one.helo, timeout=_TIMEOUT_S, source_address=source
            ) as smtp:
                smtp.sendmail("", [to], one.message)
            said = "sent"
        except smtplib.SMTPRecipientsRefused as problem:
            said = f"not sent: {next(iter(problem.recipients.values()))}"
        except (OSError, smtplib.SMTPException) as problem:
            said = f"not sent: {problem}"
        failed += said != "sent"
        print(f"{one.name}: {said}")
    if failed:
        fail(f"{failed} of {len(mails)} were not sent; run {run_id} waits for the others")
    print(f"run {run_id}: {len(mails)} sent; see what comes back with: reporter canary show {name}")


@canary.command("write")
def write(
    context: typer.Context, name: Name, folder: Annotated[pathlib.Path, typer.Argument()],
    *, to: To, address: From, host: Host, authserv_id: Authserv = None,
) -> None:  # fmt: skip
    """Write a run of canaries into a folder, to be sent by other means, and note it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        mails, run_id = _started(
            context, name, to=to, address=_address(address), host=host, authserv_id=authserv_id
        )
        for one in mails:
            (folder / f"{one.name}.eml").write_bytes(one.message)
            print(f"{one.name}.eml: MAIL FROM:<>, EHLO {one.helo}")
    except OSError as problem:
        fail(f"cannot write to {folder}: {problem.strerror}")
    print(f"run {run_id}: send each to {to} with the EHLO beside it, then: reporter canary show {name}")


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


def _started(
    context: typer.Context, name: str, *, to: str, address: Address, host: str, authserv_id: str | None
) -> tuple[tuple[Canary, ...], int]:
    """Make the mails of a run and note it; returns them and its number."""
    feed, token = feed_of(context), secrets.token_urlsafe(24)
    try:
        with feed.database.write() as connection:
            found = reporters.find_by_name(connection, name)
            known_as = (authserv_id or min(found.border_hosts, default="")).lower()
            mails = make_canaries(
                recipient=to, sender_host=host.lower(), border_hosts=found.border_hosts,
                internal_hosts=found.internal_hosts, authserv_id=known_as, token=token,
                at=dt.datetime.fromtimestamp(now(), dt.UTC),
            )  # fmt: skip
            run_id = canaries.start(
                connection, feed.secret, found.source_id, token=token, address=address, authserv_id=known_as,
                mails=len(mails), author=actor(), now=now(),
            )  # fmt: skip
            controls.log(
                connection, at=now(), actor=actor(), action="reporter_canary", subject=name,
                reason=f"calibration from {address}",
            )  # fmt: skip
    except (ReporterError, CanaryError) as problem:
        fail(str(problem))
    return mails, run_id


def _address(text: str) -> Address:
    try:
        return parse_address(text)
    except AddressError as problem:
        fail(f"--address: {problem}")


def _server(text: str) -> tuple[str, int]:
    """Return host and port of HOST, HOST:PORT or [IPv6]:PORT."""
    bare = text.removeprefix("[")
    host, mark, port = bare.rpartition("]:" if text.startswith("[") else ":")
    if not mark:
        return bare.removesuffix("]"), _SMTP
    if not port.isdecimal() or not 0 < int(port) <= 65535:  # noqa: PLR2004
        fail(f"{text} is no HOST:PORT")
    return host, int(port)
