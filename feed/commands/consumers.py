"""`backscatter-feed snippets`: configuration for those who use the zones."""

from typing import Annotated

import typer

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
) -> None:
    """Print configuration for this feed's zones: empty sender only, at DATA, return code pinned."""
    if software not in WRITERS:
        fail(f"there is no configuration for {software}; there is for {', '.join(WRITERS)}")
    settings = settings_of(context)
    host, _, port = settings.dns.listen[0].rpartition(":")
    zones = Zones(
        zone=settings.publish.zone,
        score_zone=settings.publish.score_zone,
        server=host.strip("[]"),
        port=int(port),
    )
    print(WRITERS[software](zones, stage), end="")
