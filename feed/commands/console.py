"""The console's link, and what the console does, on the command line."""

import datetime as dt
import time
from collections.abc import Mapping
from typing import Annotated

import rich.console
import rich.table
import typer

from feed.commands.acting import actor
from feed.commands.failure import fail
from feed.commands.opened import feed_of
from feed.commands.operator import Reason
from feed.opening import Feed
from feed.store import controls, disputes, overview, sessions
from feed.web.doing import ActionError
from feed.web.site import Site
from feed.web.wording import exact_moment, moment

dispute = typer.Typer(no_args_is_help=True, help="Objections of listed admins.")
listing = typer.Typer(no_args_is_help=True, help="Listings, by the operator's hand.")


def _now() -> int:
    return int(time.time())  # noqa: TID251 - an entry point


def _site_of(feed: Feed) -> Site:
    """Return what the actions of the console work with."""
    return Site(
        database=feed.database,
        settings=feed.settings,
        secret=feed.secret,
        policy=feed.policy,
        provider_file=feed.provider_file,
        now=lambda: dt.datetime.fromtimestamp(_now(), dt.UTC),
    )


def done(feed: Feed, action: str, given: Mapping[str, str]) -> str:
    """Do what the console does and return it in words, or fail with the reason why not."""
    # The pages bring the web framework along, a third of the start of every other command.
    from feed.web.console_actions import carry_out

    try:
        return carry_out(_site_of(feed), action, given, actor=actor())
    except ActionError as problem:
        fail(str(problem))


def freeze(context: typer.Context, *, reason: Reason) -> None:
    """Hold all additions to the zones from now on; what ends still leaves."""
    print(done(feed_of(context), "freeze", {"reason": reason}))


def thaw(context: typer.Context, *, reason: Reason) -> None:
    """Let additions out again."""
    print(done(feed_of(context), "thaw", {"reason": reason}))


def release(context: typer.Context, *, reason: Reason) -> None:
    """Let the additions out that the growth gate holds, once, at the next tick."""
    print(done(feed_of(context), "release", {"reason": reason}))


def console_link(context: typer.Context) -> None:
    """Print a link for one sign-in to the console, good for ten minutes."""
    feed = feed_of(context)
    with feed.database.write() as connection:
        token = sessions.new_link(connection, feed.secret, author=actor(), now=_now())
        controls.log(
            connection, at=_now(), actor=actor(), action="console_link", subject="console",
            reason="made on the command line",
        )  # fmt: skip
    print(f"{feed.settings.publish.site_url.rstrip('/')}/console/enter/{token}")


def show_audit(
    context: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="lines, latest first")] = 50,
) -> None:
    """Show the audit log."""
    table = rich.table.Table("when", "who", "what", "to what", "reason")
    with feed_of(context).database.read() as connection:
        for line in overview.audit_lines(connection, limit=limit):
            table.add_row(exact_moment(line.at), line.actor, line.action, line.subject, line.reason)
    rich.console.Console().print(table)


@dispute.command("list")
def list_disputes(context: typer.Context) -> None:
    """Show open disputes, oldest first."""
    with feed_of(context).database.read() as connection:
        for one in disputes.waiting(connection, limit=overview.SHOWN_MOST):
            proven = "proven owner" if one.proven else "not proven"
            print(f"{one.dispute_id}  {one.address}  {moment(one.asked_at)}  {proven}")
            print(f"    {one.words!r}  {one.reports}")


@dispute.command("answer")
def answer_dispute(
    context: typer.Context,
    number: str,
    answer: Annotated[str, typer.Argument(help="upheld, partly or rejected")],
    *,
    reason: Reason,
    retract: Annotated[bool, typer.Option("--retract", help="take the named reports back")] = False,
) -> None:
    """Answer a dispute; the requester sees the reason."""
    given = {"dispute": number, "answer": answer, "reason": reason, "retract": "yes" if retract else ""}
    print(done(feed_of(context), "answer", given))


@listing.command("remove")
def remove_listing(context: typer.Context, address: str, *, reason: Reason) -> None:
    """End a listing outside the ladder of waits; evidence so far does not count any more."""
    print(done(feed_of(context), "remove", {"address": address, "reason": reason}))
