"""The commands of `backscatter-report`; `__main__` gives them the clock and the arguments."""

import argparse
import contextlib
import dataclasses
import datetime as dt
import fcntl
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Final

from ingest.report import neighbours, picture, propose
from ingest.report.client import FeedClient, FeedError
from ingest.report.flush import Flush
from ingest.report.follow import Follower
from ingest.report.index import Index, IndexFileError
from ingest.report.keys import Keys, secret_at
from ingest.report.networks import NetworkError, network, read_networks
from ingest.report.scan import scan
from ingest.report.sending import Sender
from ingest.report.settings import (
    DEFAULT_FILE,
    Settings,
    SettingsError,
    read_settings,
    zone_of,
)
from ingest.report.spool import Spool, SpoolError
from ingest.report.submit import FRESH_S, submit

EX_TEMPFAIL: Final = 75
"""sysexits.h: a mail server that pipes mail to us keeps it and tries again."""
_DAY_S: Final = 86_400
_PRUNE_S: Final = 3600
_PAUSE_S: Final = 1.0
_SUBMIT_S: Final = 30.0

Clock = Callable[[], dt.datetime]


class CommandError(Exception):
    """A command cannot be done; the message says why."""


def settings_of(options: argparse.Namespace) -> Settings:
    """Return the settings of the file with what the command line adds; raises CommandError."""
    try:
        if options.config is not None or DEFAULT_FILE.exists():
            settings = read_settings(options.config or DEFAULT_FILE)
        else:
            settings = Settings()
        changes: dict[str, object] = {}
        if options.state is not None:
            changes["state"] = options.state
        if getattr(options, "domain", None):
            changes["domains"] = settings.domains | {one.lower() for one in options.domain}
        if getattr(options, "own_network", None):
            changes["own_networks"] = (*settings.own_networks, *map(network, options.own_network))
        if getattr(options, "forwarder", None):
            changes["forwarders"] = (*settings.forwarders, *map(network, options.forwarder))
        if getattr(options, "complete", False):
            changes["complete"] = True
        if getattr(options, "providers", None):
            changes["providers"] = options.providers
        if getattr(options, "zone", None):
            changes["zone"] = zone_of(options.zone)
        return dataclasses.replace(settings, **changes)  # type: ignore[arg-type]
    except (SettingsError, NetworkError) as problem:
        raise CommandError(str(problem)) from None


def complain(words: str) -> None:
    """Say on standard error what went wrong."""
    print(f"backscatter-report: {words}", file=sys.stderr)


def keys_of(settings: Settings) -> Keys:
    """Return the keys of the state folder; raises CommandError."""
    try:
        return Keys(secret_at(settings.state / "index.key"))
    except ValueError as problem:
        raise CommandError(str(problem)) from None


@contextlib.contextmanager
def index_at(path: pathlib.Path | None) -> Iterator[Index]:
    """Give the open index; raises CommandError."""
    try:
        with contextlib.closing(Index(path)) as index:
            yield index
    except (IndexFileError, sqlite3.Error) as problem:
        raise CommandError(f"index: {problem}") from None


@contextlib.contextmanager
def _alone(state: pathlib.Path) -> Iterator[None]:
    """Keep other scans off this state: two at once would not see each other's mails in flight."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / "index.lock").open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(
                f"another scan or follow uses {state}; wait, or name another --state"
            ) from None
        yield


def spool_of(settings: Settings) -> Spool:
    """Return the spool of all configured feeds; raises CommandError."""
    if not settings.feeds:
        raise CommandError("no [[feed]] is configured; `backscatter-report init` prints an example")
    return Spool(settings.state / "spool", tuple(feed.name for feed in settings.feeds))


def run_scan(options: argparse.Namespace, clock: Clock) -> int:
    """Scan logs and show what would be reported; with --submit report it."""
    settings, now = settings_of(options), clock()
    has_state = options.state is not None or options.config is not None or DEFAULT_FILE.exists()
    if options.submit and not settings.domains:
        raise CommandError("name your domains before you submit: --domain, or `domains` in the settings")
    spool = spool_of(settings) if options.submit else None
    keys = keys_of(settings) if has_state else Keys(random.SystemRandom().randbytes(32))
    zone = settings.zone or now.astimezone().tzinfo or dt.UTC
    with contextlib.ExitStack() as stack:
        if has_state:
            stack.enter_context(_alone(settings.state))
        index = stack.enter_context(index_at(settings.state / "index.sqlite" if has_state else None))
        reading = scan(options.logs, index, keys, settings, zone=zone, now=now, complain=complain)
        last = int(now.timestamp()) + _DAY_S
        found = index.judged(since=int(now.timestamp()) - options.days * _DAY_S, until=last)
        providers = read_networks(settings.providers) if settings.providers else None
        kept = "kept" if has_state else "not kept"
        print(f"{reading.lines} lines read; an index of {index.bytes_used() // 1024} KiB, {kept}")
        print(picture.table(found, providers=providers, stale_before=int(now.timestamp()) - FRESH_S))
        if drawn := picture.days(found, zone=zone):
            print(f"\n{drawn}")
        if listed := picture.worst(found):
            print(f"\naddresses with most of it:\n{listed}")
        if spool is None:
            print("\nnothing was sent: this was a dry run. --submit reports it.")
            return 0
        reports, observations = submit(index, spool, now=int(now.timestamp()))
    print(f"\nspooled: {reports} reports, {observations} observations")
    return flush_all(settings, clock)


def run_follow(options: argparse.Namespace, clock: Clock) -> int:
    """Follow logs until interrupted; report as evidence comes in if --submit is given."""
    settings = settings_of(options)
    if "-" in options.logs:
        raise CommandError(
            "follow reads files; for a journal: "
            "journalctl --cursor-file=FILE -o export | backscatter-report scan -"
        )
    if options.submit and not settings.domains:
        raise CommandError("name your domains before you submit: --domain, or `domains` in the settings")
    spool = spool_of(settings) if options.submit else None
    zone = settings.zone or clock().astimezone().tzinfo or dt.UTC
    with _alone(settings.state), index_at(settings.state / "index.sqlite") as index:
        follower = Follower(options.logs, index, keys_of(settings), settings, zone=zone)
        pruned = sent = time.monotonic() - _PRUNE_S
        while True:
            read = follower.step(now=clock(), complain=complain)
            if spool is not None and time.monotonic() - sent >= _SUBMIT_S:
                submit(index, spool, now=int(clock().timestamp()))
                flush_all(settings, clock, quiet=True)
                sent = time.monotonic()
            if time.monotonic() - pruned >= _PRUNE_S:
                follower.prune(now=clock())
                pruned = time.monotonic()
            if options.once:
                return 0
            if read == 0:
                time.sleep(_PAUSE_S)


def run_send(options: argparse.Namespace, clock: Clock) -> int:
    """Spool mails from stdin, files, Maildirs and mbox files, then try to send them."""
    try:
        settings = settings_of(options)
        spool = spool_of(settings)
        with contextlib.ExitStack() as stack:
            path = settings.state / "index.sqlite"
            index = stack.enter_context(index_at(path)) if path.exists() else None
            sender = Sender(settings, keys_of(settings), index, spool, options)
            sender.send_all(options.mails or ["-"], now=clock())
    except (SpoolError, CommandError, OSError) as problem:
        complain(f"nothing is lost, try again: {problem}")
        return EX_TEMPFAIL
    print(f"spooled: {sender.spooled}, known already: {sender.known}, left out: {sender.left_out}")
    if not options.later:
        flush_all(settings, clock, quiet=True)
    return 0


def run_flush(options: argparse.Namespace, clock: Clock) -> int:
    """Send what is spooled; exit 1 if something still waits."""
    return flush_all(settings_of(options), clock)


def flush_all(settings: Settings, clock: Clock, *, quiet: bool = False) -> int:
    """Send what is spooled for each feed; returns 1 if something still waits."""
    spool, waiting = spool_of(settings), 0
    for feed in settings.feeds:
        try:
            client = FeedClient(feed.url, feed.key_file.read_text(encoding="ascii", errors="replace").strip())
            part = spool.feeds[feed.name]
            done = Flush(part, client, now=lambda: clock().timestamp(), chance=random.SystemRandom()).run()
        except (OSError, FeedError) as problem:
            complain(f"{feed.name}: {problem}")
            waiting += 1
            continue
        waiting += done.waiting
        words = f"{feed.name}: sent {done.sent}, refused {done.refused}, waiting {done.waiting}"
        if not quiet:
            print(words + (f" ({done.words})" if done.words else ""))
        elif done.words:
            complain(f"{words} ({done.words})")
    return 1 if waiting else 0


def run_init(options: argparse.Namespace, clock: Clock) -> int:
    """Print reporter settings proposed from the mail server's configuration, and from its logs if named."""
    if options.postfix:
        found = propose.from_postfix(_configuration(options, ["postconf", "-x"]))
    else:
        text = _configuration(options, ["exim", "-bP", "primary_hostname"], ["exim", "-bP", "config"])
        found = propose.from_exim(text)
    for host in options.backup_mx:
        if not found.add_network(host):
            raise CommandError(f"--backup-mx: {host} is no address and no network")
    forwarders = [*options.forwarder, *_from_logs(options, found, clock())]
    command = propose.operator_command(
        found, organisation=options.organisation, contact=options.contact, forwarders=forwarders
    )
    print(f"# For the operator of the feed:\n# {command}")
    for note in found.notes:
        print(f"# NOTE {note}")
    if found.backup_domains:
        print(
            f"# NOTE you relay for {', '.join(found.backup_domains)}: if you are their backup MX,\n"
            "# their own servers send their mail and get its bounces: scan their logs too, or leave them out"
        )
    print("# NOTE a backup MX of yours elsewhere passes bounces on: name it with --backup-mx ADDRESS")
    print(propose.client_file(found, forwarders=forwarders))
    return 0


def _from_logs(options: argparse.Namespace, found: propose.Proposal, now: dt.datetime) -> list[str]:
    """Add own servers that the logs show to the proposal, and return the forwarders, with a note for each."""
    zone = now.astimezone().tzinfo or dt.UTC
    own = tuple(map(network, found.networks))
    proposed = neighbours.neighbours_in(
        options.log, own=own, domains=found.domains, zone=zone, now=now, complain=complain
    )
    for one in proposed:
        found.notes.append(f"{one.address} {one.name}: {one.words}; take it out if that is wrong")
        if one.is_own:
            found.add_network(one.address)
    return [one.address for one in proposed if not one.is_own]


def _configuration(options: argparse.Namespace, *programs: list[str]) -> str:
    if options.file is not None:
        return pathlib.Path(options.file).read_text(encoding="utf-8", errors="replace")
    texts = []
    for name, *arguments in programs:
        program = [_program(name), *arguments]
        try:
            done = subprocess.run(  # noqa: S603 - fixed programs, no shell
                program, capture_output=True, text=True, errors="replace", timeout=60, check=True
            )
        except subprocess.CalledProcessError as problem:
            said = problem.stderr.strip().rpartition("\n")[2] or f"exit status {problem.returncode}"
            raise CommandError(f"{' '.join(program)}: {said}") from None
        except (OSError, subprocess.SubprocessError) as problem:
            raise CommandError(f"{' '.join(program)}: {problem}") from None
        texts.append(done.stdout)
    return "\n".join(texts)


def _program(name: str) -> str:
    """Return the path of a program; Debian names Exim exim4, and cron has no sbin in its path."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"
    found = (shutil.which(one, path=path) for one in (name, f"{name}4"))
    return next((one for one in found if one is not None), name)
