"""Trust by hand: seeds, reviews of muted days, and retraction of a report or of a whole reporter."""

import sys
from typing import Annotated

import rich.console
import rich.progress
import rich.table
import typer

from feed.commands.acting import actor, now
from feed.commands.failure import fail
from feed.commands.opened import feed_of
from feed.commands.operator import Reason, reporter
from feed.jobs import retract
from feed.store import controls, floods, receipts, reporters, retractions, shielding
from feed.store.database import StoreError
from feed.store.floods import Flood
from feed.store.replay import Difference
from feed.store.reporters import MOST_SEEDED, SEED_DAYS, ReporterError

report = typer.Typer(no_args_is_help=True, help="Single reports.")

_SECONDS_A_DAY = 86_400


@reporter.command("seed")
def seed(
    context: typer.Context,
    name: str,
    *,
    reason: Reason,
    weight: Annotated[int, typer.Option(min=0, max=MOST_SEEDED, help="twentieths")] = MOST_SEEDED,
    days: Annotated[int, typer.Option(min=1, max=SEED_DAYS, help="how long")] = SEED_DAYS,
) -> None:
    """Give a vetted reporter a weight for a time, so that a young feed is not empty."""
    feed = feed_of(context)
    until = now() // _SECONDS_A_DAY + days
    try:
        with feed.database.write() as connection:
            source_id = reporters.find_by_name(connection, name).source_id
            reporters.seed(connection, source_id, weight=weight, until_day=until, reason=reason)
            controls.log(
                connection, at=now(), actor=actor(), action="reporter_seed", subject=name, reason=reason
            )
    except ReporterError as problem:
        fail(str(problem))


@reporter.command("review")
def review(
    context: typer.Context,
    name: str,
    *,
    reason: Reason,
    day: Annotated[int, typer.Option(help="day number as `reporter floods` shows it")],
) -> None:
    """Let a day count again that weighs nothing because of a flood, or of an address that never sends.

    What that address cost the reporter in trust is taken back.
    """
    feed = feed_of(context)
    try:
        with feed.database.write() as connection:
            source_id = reporters.find_by_name(connection, name).source_id
            found = floods.review(connection, source_id, day=day, author=actor(), reason=reason, now=now())
            for cause in found:
                controls.log(
                    connection, at=now(), actor=actor(), action=f"{cause}_review", subject=name, reason=reason
                )
    except ReporterError as problem:
        fail(str(problem))
    if not found:
        fail("that day of this reporter counts already")
    if floods.CANARY in found:
        print("the day counts; what it cost in trust is taken back when reporters are weighed next")


@reporter.command("believe")
def believe(context: typer.Context, name: str, *, reason: Reason) -> None:
    """Believe a reporter from now on that alone says genuine mail of many listings."""
    feed = feed_of(context)
    try:
        with feed.database.write() as connection:
            source_id = reporters.find_by_name(connection, name).source_id
            found = shielding.believe(connection, source_id, author=actor(), reason=reason, now=now())
            if found:
                controls.log(
                    connection, at=now(), actor=actor(), action="word_review", subject=name, reason=reason
                )
    except ReporterError as problem:
        fail(str(problem))
    if not found:
        fail("that reporter waits for no review of its word of genuine mail")


@reporter.command("floods")
def show_floods(context: typer.Context) -> None:
    """Show the days that weigh nothing or were reviewed, and whose word of genuine mail is to be reviewed."""
    table = rich.table.Table("reporter", "day", "what", "counts")
    with feed_of(context).database.read() as connection:
        names = {one.source_id: one.name for one in reporters.everyone(connection)}
        for one in floods.of_sources(connection, sorted(names)):
            counts = one.reason or "yes" if one.reviewed_at is not None else "no"
            table.add_row(names[one.source_id], str(one.day), _what(one), counts)
        waiting = shielding.waiting(connection)
    rich.console.Console().print(table)
    for shield in waiting:
        print(
            f"{names[shield.source_id]}: {shield.listings_n} listings are 127.0.0.3 because it alone says "
            "genuine mail of them; they stay so until you believe or suspend it"
        )


def _what(one: Flood) -> str:
    if one.cause == floods.CANARY:
        number = f" ({one.addresses_n} of them)" if one.addresses_n > 1 else ""
        return f"reported an address that never sends{number}: it copies the zone"
    return f"{one.addresses_n} new addresses"


@reporter.command("retract")
def retract_reporter(
    context: typer.Context,
    name: str,
    *,
    reason: Reason,
    preview: Annotated[bool, typer.Option("--preview", help="show what would change only")] = False,
) -> None:
    """Take back everything a reporter ever said, as if it had never come, and suspend it."""
    feed = feed_of(context)
    try:
        with feed.database.read() as connection:
            source_id = reporters.find_by_name(connection, name).source_id
        if preview:
            _show(list(retract.preview(feed.database, feed.secret, source_id, now=now())))
            return
        with feed.database.write() as connection:
            number = retract.begin(connection, source_id, author=actor(), reason=reason, now=now())
        bar = rich.progress.Progress(console=rich.console.Console(stderr=True))
        with bar:
            task = bar.add_task("addresses", total=None)
            done = retract.carry_out(
                feed.database, feed.secret, number, clock=now,
                progress=lambda so_far, of: bar.update(task, completed=so_far, total=of),
            )  # fmt: skip
    except (ReporterError, StoreError) as problem:
        fail(str(problem))
    print(
        f"{done.emitters_n} addresses done, {done.ended_n} listings ended; the zones follow at the next tick"
    )


@report.command("retract")
def retract_report(
    context: typer.Context,
    receipt: str,
    *,
    reason: Reason,
    preview: Annotated[bool, typer.Option("--preview", help="show what would change only")] = False,
) -> None:
    """Take back one report, as if it had never come."""
    feed = feed_of(context)
    with feed.database.write() as connection:
        found = receipts.by_number(connection, receipt)
        if found is None:
            fail("there is no such receipt")
        try:
            if preview:
                difference = retractions.report_difference(connection, feed.secret, found, now=now())
                _show([difference] if difference is not None else [])
                return
            counted = retractions.take_back(connection, feed.secret, found, now=now())
        except StoreError as problem:
            fail(str(problem))
        controls.log(
            connection, at=now(), actor=actor(), action="report_retract", subject=receipt, reason=reason
        )
    print("taken back" if counted else "it did not count; its receipt now says retracted")


def _show(differences: list[Difference]) -> None:
    table = rich.table.Table("address", "now", "afterwards", "strikes", "undone changes")
    for one in differences:
        table.add_row(
            str(one.address), _words(one.was.word, one.was_code), _words(one.becomes.word, one.code),
            f"{one.was_strikes} -> {one.strikes}", str(one.voided),
        )  # fmt: skip
    rich.console.Console().print(table if differences else "no listing and no history would change")
    print(f"{len(differences)} addresses would change; nothing was changed", file=sys.stderr)


def _words(state: str, code: int) -> str:
    return f"{state} 127.0.0.{code}" if code else state
