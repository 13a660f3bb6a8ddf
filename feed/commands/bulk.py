"""`backscatter-feed bulk`: the same bulk actions as on the console, carried out by the command itself."""

from typing import Annotated

import rich.console
import rich.table
import typer

from feed.commands.acting import now
from feed.commands.console import done
from feed.commands.failure import fail
from feed.commands.opened import feed_of
from feed.commands.operator import Reason
from feed.jobs import bulk_actions as job
from feed.opening import Feed
from feed.store import bulk_actions
from feed.store.bulk_actions import Bulk, BulkError
from feed.web.wording import moment

bulk = typer.Typer(no_args_is_help=True, help="Many listed addresses at once: preview, start, undo.")

Number = Annotated[int, typer.Argument(help="as `preview` printed it")]
_SHOWN_MOST = 10_000


@bulk.command("preview")
def preview(
    context: typer.Context,
    action: Annotated[str, typer.Argument(help="end, hold or exempt")],
    *,
    reason: Reason,
    network: Annotated[str, typer.Option(help="listed inside this address or CIDR")] = "",
    reporter: Annotated[str, typer.Option(help="reported by this reporter")] = "",
    hours: Annotated[str, typer.Option(help="listed within so many hours")] = "",
    days: Annotated[int, typer.Option(min=1, max=3650, help="how long to hold or exempt")] = 30,
) -> None:
    """Choose listed addresses, fix and print them; nothing is done to them."""
    given = {
        "kind": action, "network": network, "name": reporter, "hours": hours, "days": str(days),
        "reason": reason,
    }  # fmt: skip
    feed = feed_of(context)
    print(done(feed, "bulk-preview", given))
    with feed.database.read() as connection:
        _print(feed, bulk_actions.latest(connection, limit=1)[0])


@bulk.command("start")
def start(context: typer.Context, number: Number) -> None:
    """Do it to exactly the addresses of the preview, one by one."""
    feed = feed_of(context)
    reason = _find(feed, number).reason
    done(feed, "bulk-start", {"number": str(number), "reason": reason})
    _carry_on(feed, number)


@bulk.command("undo")
def undo(context: typer.Context, number: Number, *, reason: Reason) -> None:
    """Put back what a bulk action did, as if it had never been, where nothing came since."""
    feed = feed_of(context)
    done(feed, "bulk-undo", {"number": str(number), "reason": reason})
    _carry_on(feed, number)


@bulk.command("show")
def show(context: typer.Context, number: Number) -> None:
    """Show a bulk action with the result for each address."""
    feed = feed_of(context)
    _print(feed, _find(feed, number))


@bulk.command("list")
def list_all(context: typer.Context) -> None:
    """Show the bulk actions made last."""
    with feed_of(context).database.read() as connection:
        for one in bulk_actions.latest(connection, limit=50):
            print(f"{one.bulk_id}  {one.action}  {one.wanted}  {one.items_n} addresses  {_state(one)}")


def _carry_on(feed: Feed, number: int) -> None:
    """Work until it is done; a scheduler at the same work takes addresses off our hands, none twice."""
    job.carry_on(feed.database, feed.secret, feed.policy, feed.providers, now=now())
    _print(feed, _find(feed, number))


def _find(feed: Feed, number: int) -> Bulk:
    try:
        with feed.database.read() as connection:
            return bulk_actions.find(connection, number)
    except BulkError as problem:
        fail(str(problem))


def _state(one: Bulk) -> str:
    times = (
        ("undone", one.undone_at), ("being undone since", one.undo_at), ("done", one.done_at),
        ("under way since", one.started_at),
    )  # fmt: skip
    return next((f"{word} {moment(at)}" for word, at in times if at), "preview, nothing is done")


def _print(feed: Feed, one: Bulk) -> None:
    print(f"number {one.bulk_id}: {one.action}, {one.wanted}, {one.items_n} addresses, {_state(one)}")
    if one.undo_until is not None:
        print(f"can be undone until {moment(one.undo_until)}")
    table = rich.table.Table("address", "code", "result", "undo")
    with feed.database.read() as connection:
        for item in bulk_actions.items(connection, one.bulk_id, limit=_SHOWN_MOST):
            table.add_row(
                str(item.network), f"127.0.0.{item.code.value}", item.result or "-", item.undo_result or "-"
            )
    rich.console.Console().print(table)
