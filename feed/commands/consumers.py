"""`backscatter-feed snippets`: configuration for those who use the zones."""

import dataclasses
from typing import Annotated

import typer

from feed.commands.doctor import server_at
from feed.commands.failure import fail
from feed.commands.opened import settings_of
from feed.domain.snippets import WRITERS, Stage, Zones


def snippets(
    context: typer.Context,
    software: Annotated[str, typer.Argument(help=f"one of {', '.join(WRITERS)}")],
    *,
    stage: Annotated[
        Stage, typer.Option(help="warn first, then score, then refuse; a week each")
    ] = Stage.WARN,
    server: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS:PORT", help="name server for the resolver (default: where DNS listens)"
        ),
    ] = None,
) -> None:
    """Print configuration for this feed's zones: empty sender only, at DATA, return code pinned."""
    if software not in WRITERS:
        fail(f"there is no configuration for {software}; there is for {', '.join(WRITERS)}")
    settings = settings_of(context)
    zones = Zones.listening(settings.publish.zone, settings.publish.score_zone, settings.dns.listen[0])
    if server is not None:
        chosen = server_at(server)
        zones = dataclasses.replace(zones, server=chosen.host, port=chosen.port)
    print(WRITERS[software](zones, stage), end="")
