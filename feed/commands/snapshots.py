"""`backscatter-feed snapshot`: a plain list to a snapshot file, and what a file holds."""

import contextlib
import pathlib
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Final

import rich.console
import rich.progress
import typer

from feed.commands.failure import fail
from feed.commands.lists import LeftOut, ListError, lines_of, read_list
from feed.commands.lists_rbldnsd import read_rbldnsd
from feed.commands.opened import settings_of
from feed.commands.times import in_words
from feed.jobs.feeds import write_lines
from feed.jobs.publish import PublishError, replace
from feed.snapshot import exports, rbldnsd_files, writer
from feed.snapshot.format import EXPIRE_S, REFRESH_S, Meta, SnapshotError
from feed.snapshot.reader import Snapshot

app = typer.Typer(no_args_is_help=True, help="Build and inspect snapshot files.")

_BAR_FROM_LINES: Final = 20_000


@app.command()
def build(
    context: typer.Context,
    source: Annotated[pathlib.Path, typer.Argument(metavar="LIST", help="one address or CIDR a line")],
    zone: Annotated[str, typer.Option(help="zone name")],
    output: Annotated[pathlib.Path, typer.Option(help="snapshot file, replaced as a whole or not at all")],
    *,
    allow_special: Annotated[
        bool, typer.Option("--allow-special", help="take private and documentation space")
    ] = False,
    text: Annotated[str | None, typer.Option(help="TXT record, $ is the address")] = None,
    name_server: Annotated[list[str] | None, typer.Option(help="name server, may be repeated")] = None,
    expire_days: Annotated[int, typer.Option(min=1, help="days until it is refused as too old")] = 3650,
    kind: Annotated[
        str, typer.Option("--format", help="plain, rbldnsd-ip4set, rbldnsd-ip4trie or rbldnsd-ip6trie")
    ] = "plain",
) -> None:
    """Build a snapshot from a list. In a plain one a line may end with a return code: `192.0.2.1 3`.

    Private and other special-purpose space is left out, and said so, unless --allow-special is given. Data
    files of rbldnsd are read with their ranges, exclusions, values and texts.
    """
    if kind not in ("plain", *rbldnsd_files.FORMATS):
        fail(f"{kind!r} is no format; there are plain, {', '.join(rbldnsd_files.FORMATS)}")
    now = int(time.time())  # noqa: TID251 - an entry point
    apex = zone.rstrip(".").lower()
    parent = apex.partition(".")[2] or "invalid"
    servers = tuple(name_server or [f"ns.{parent}"])
    try:
        last = Snapshot.open(output.read_bytes()).meta.serial if output.exists() else 0
    except (SnapshotError, OSError):
        last = 0
    meta = Meta(
        zone=apex,
        serial=writer.serial_after(last, now),
        created_at=now,
        refresh_by=now + max(REFRESH_S, expire_days * 86_400),
        expire_at=now + max(EXPIRE_S, expire_days * 86_400),
        mname=servers[0],
        rname=f"hostmaster.{parent}",
        ns=servers,
        lookup_url="",
        allow_special=allow_special,
    )
    left_out = None if allow_special else LeftOut()
    if text is None:
        text = f"Listed: {settings_of(context).publish.site_url.rstrip('/')}/lookup/$"
    lines: Iterator[writer.PackedEntry]
    if kind == "plain":
        lines = read_list(source, text=text, left_out=left_out)
    else:
        lines = read_rbldnsd(source, kind, text=text, left_out=left_out)
    try:
        with _progress(lines, total=lines_of(source), words="reading") as entries:
            data = writer.build_packed(entries, meta)
        replace(output, data)
    except (ListError, SnapshotError, PublishError) as problem:
        fail(str(problem))
    if left_out is not None and left_out.count:
        words = f"{left_out.count} lines are special-purpose space and were left out"
        print(f"{words} ({source}, {left_out.first}); --allow-special takes them", file=sys.stderr)
    _describe(Snapshot.open(data), output)


@app.command()
def export(
    file: Annotated[pathlib.Path, typer.Argument(metavar="FILE", help="snapshot file")],
    kind: Annotated[str, typer.Option("--format", help=", ".join(exports.FORMATS))],
    output: Annotated[pathlib.Path, typer.Option(help="replaced as a whole or not at all")],
) -> None:
    """Write what a snapshot lists in another format. Equal snapshots give equal bytes."""
    if kind not in exports.FORMATS:
        fail(f"{kind!r} is no format; there are {', '.join(exports.FORMATS)}")
    try:
        snapshot = Snapshot.open(file.read_bytes())
        write_lines(output, exports.FORMATS[kind][1](snapshot))
    except SnapshotError as problem:
        fail(f"{file} cannot be read: {problem}")
    except OSError as problem:
        fail(f"{problem.filename or file}: {problem.strerror}")


@app.command()
def info(file: Annotated[pathlib.Path, typer.Argument(metavar="FILE")]) -> None:
    """Check a snapshot file completely and say what it holds."""
    try:
        _describe(Snapshot.open(file.read_bytes()), file)
    except OSError as problem:
        fail(f"cannot read {file}: {problem.strerror}")
    except SnapshotError as problem:
        fail(f"{file} cannot be served: {problem}")


def _describe(snapshot: Snapshot, file: pathlib.Path) -> None:
    meta, counts = snapshot.meta, snapshot.counts()
    rows = {
        "file": str(file),
        "zone": meta.zone,
        "serial": str(meta.serial),
        "created": in_words(meta.created_at),
        "fresh until": in_words(meta.refresh_by),
        "expires": in_words(meta.expire_at),
        "name servers": ", ".join(meta.ns),
        "IPv4": f"{counts.v4_addresses} addresses in {counts.v4_ranges} ranges (test entries included)",
        "IPv6": f"{counts.v6_ranges} ranges",
        "return codes": ", ".join(sorted({f"127.0.0.{value.code}" for value in snapshot.values if value})),
        "body": f"sha256 {snapshot.body_digest.hex()}",
    }
    for name, value in rows.items():
        print(f"{name + ':':14} {value}")


@contextlib.contextmanager
def _progress(items: Iterable[Any], *, total: int, words: str) -> Iterator[Iterable[Any]]:
    """Give `items` with a progress bar around them; on a terminal and for long work only."""
    console = rich.console.Console(stderr=True)
    if not console.is_terminal or total < _BAR_FROM_LINES:
        yield items
        return
    with rich.progress.Progress(console=console, transient=True) as bar:
        yield bar.track(items, total=total, description=words)
