"""`backscatter-feed`: the only place that puts the commands together."""

import pathlib
from typing import Annotated

import typer

from feed.commands import (
    backtest,
    bulk,
    calibration,
    console,
    consumers,
    daily,
    doctor,
    nightly,
    operator,
    processes,
    quality,
    ranking,
    registration,
    retracting,
    simulate,
    snapshots,
)
from feed.commands.failure import fail
from feed.jobs.publish import PublishError
from feed.store.database import StoreError
from feed.store.secret import SecretError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Backscatter Feed: score reports, publish zones, look after the feed.",
)


@app.callback()
def _options(
    context: typer.Context,
    config: Annotated[pathlib.Path | None, typer.Option(help="settings file (TOML)")] = None,
) -> None:
    context.obj = config


app.command("serve")(processes.serve_all)
app.command()(processes.schedule)
app.command()(daily.score)
app.command()(daily.publish)
app.command()(ranking.rank)
app.command()(daily.explain)
app.command()(quality.quality)
app.command()(consumers.snippets)
app.command()(doctor.doctor)
app.command()(nightly.selfcheck)
app.command()(nightly.trust)
app.command()(simulate.simulate)
app.command()(backtest.backtest)
app.command()(console.freeze)
app.command()(console.thaw)
app.command()(console.release)
app.command()(console.console_link)
app.command("audit")(console.show_audit)
app.add_typer(snapshots.app, name="snapshot")
operator.reporter.command("change")(registration.change_reporter)
operator.reporter.command("show")(registration.show_reporter)
operator.reporter.add_typer(calibration.canary, name="canary")
app.add_typer(operator.reporter, name="reporter")
app.add_typer(retracting.report, name="report")
app.add_typer(nightly.providers, name="providers")
app.add_typer(nightly.listing, name="list")
app.add_typer(console.listing, name="listing")
app.add_typer(console.dispute, name="dispute")
app.add_typer(bulk.bulk, name="bulk")
app.add_typer(operator.key, name="key")
app.add_typer(operator.exempt, name="exempt")
app.add_typer(processes.db, name="db")


def main() -> None:
    """Run the command line; what cannot be done is said in one line."""
    try:
        app(prog_name="backscatter-feed")
    except (StoreError, SecretError, PublishError) as problem:
        fail(str(problem))


if __name__ == "__main__":
    main()
