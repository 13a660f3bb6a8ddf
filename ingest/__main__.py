"""`backscatter-ingest`: the HTTP process, and judging files offline."""

import datetime as dt
import gc
import pathlib
import socket
import sys
from typing import Annotated, NoReturn

import typer

from feed.settings import Settings, SettingsError, load
from feed.store.database import StoreError
from feed.store.secret import SecretError

CONFIGURATION = 78

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Take reports over HTTP, or judge mails offline.",
)


@app.callback(invoke_without_command=True)
def serve(
    context: typer.Context,
    config: Annotated[pathlib.Path | None, typer.Option(help="settings file (TOML)")] = None,
    serve: Annotated[
        str | None, typer.Option(help="reports,site,console: instead of what the settings say")
    ] = None,
    listen: Annotated[str | None, typer.Option(help="HOST:PORT instead of what the settings say")] = None,
) -> None:
    """Serve HTTP, unless a command is given."""
    if context.invoked_subcommand is None:
        _serve(config, serve, listen)


def _serve(config: pathlib.Path | None, serve: str | None, listen: str | None) -> None:
    import uvicorn

    from feed.opening import configure_log, open_feed
    from ingest.app import create_app

    configure_log()
    try:
        settings = load(config)
        parts = serve.split(",") if serve else list(settings.http.serve)
        feed = open_feed(settings)
    except (SettingsError, StoreError, SecretError) as problem:
        _fail(str(problem))
    unknown = set(parts) - {"reports", "site", "console"}
    if unknown:
        _fail(f"--serve takes reports, site and console, not {', '.join(sorted(unknown))}")
    bound = _bind(settings, listen)
    application = create_app(feed, serve=parts, now=lambda: dt.datetime.now(dt.UTC))
    # What is loaded now stays; a batch of a thousand reports is no reason to look for garbage ten times.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    server = uvicorn.Server(
        uvicorn.Config(
            application,
            access_log=False,
            log_level="warning",
            proxy_headers=False,  # the site reads X-Forwarded-For itself, from listed proxies only
            server_header=False,
            timeout_graceful_shutdown=3,
            limit_concurrency=200,
            h11_max_incomplete_event_size=16 * 1024,
        )
    )
    server.run(sockets=[bound])


def _bind(
    settings: Settings, listen: str | None, *, setting: str = "[http] listen", share: bool = True
) -> socket.socket:
    """Return a bound socket, so that a taken port is said in words and nothing starts."""
    where = listen or settings.http.listen
    host, _, port = where.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if share and settings.http.share_port:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        bound.bind((host, int(port)))
    except (OSError, ValueError, OverflowError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else str(problem)
        _fail(f"cannot listen on {where}: {reason}. Is another instance running? See {setting}")
    return bound


def _fail(words: str) -> NoReturn:
    print(f"backscatter-ingest: {words}", file=sys.stderr)
    raise SystemExit(CONFIGURATION)


@app.command()
def judge(
    paths: Annotated[
        list[pathlib.Path], typer.Argument(metavar="PATH...", help="files, folders, Maildirs, mbox")
    ],
    *,
    border_host: Annotated[list[str] | None, typer.Option(help="name your MX writes after `by`")] = None,
    recipient_class: Annotated[
        str, typer.Option("--class", help="what a reporter would attest: trap, tag_missing, tag_bad, unknown")
    ] = "unknown",
    forwarded: Annotated[
        bool, typer.Option("--forwarded", help="these are forwards by a person: judge the mail attached")
    ] = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="processes; all cores unless told")] = None,
) -> None:
    """Judge mails offline: one JSON object a mail, the same verdict as the API."""
    from feed.domain.event import RecipientClass
    from ingest import judge_files
    from ingest.mail.judgement import Claim

    try:
        attested = RecipientClass.from_word(recipient_class)
    except ValueError:
        _fail(f"--class takes {', '.join(one.word for one in RecipientClass)}")
    code = judge_files.run(
        paths,
        border_hosts=border_host or [],
        claim=Claim(recipient_class=attested, forwarded=forwarded),
        now=dt.datetime.now(dt.UTC),
        out=sys.stdout,
        err=sys.stderr,
        jobs=jobs,
    )
    raise SystemExit(code)


@app.command()
def trap(
    config: Annotated[pathlib.Path | None, typer.Option(help="settings file (TOML)")] = None,
    listen: Annotated[
        list[str] | None, typer.Option(help="HOST:PORT instead of what the settings say; several times")
    ] = None,
) -> None:
    """Receive mail for domains that never send ([trap] in the settings), store it as evidence, refuse it."""
    from feed.opening import configure_log, open_feed
    from ingest import trap as receiver

    configure_log()
    try:
        settings = load(config)
        feed = open_feed(settings)
        places = listen or list(settings.trap.listen)
        bound = [_bind(settings, place, setting="[trap] listen") for place in places]
        page = settings.trap.metrics_listen
        metrics = _bind(settings, page, setting="[trap] metrics_listen", share=False) if page else None
        receiver.run(feed, bound, metrics=metrics)
    except (SettingsError, StoreError, SecretError, receiver.TrapError) as problem:
        _fail(str(problem))


def main() -> None:
    """Run the command line."""
    app(prog_name="backscatter-ingest")


if __name__ == "__main__":
    main()
