"""The commands that take mails and facts as they come: mailboxes, a local socket, a milter."""

import argparse
import contextlib
import signal
import sys
import time
from typing import Final

from ingest.report import imap, listen, milter
from ingest.report.commands import (
    EX_TEMPFAIL,
    Clock,
    CommandError,
    complain,
    flush_all,
    index_at,
    keys_of,
    settings_of,
    spool_of,
)
from ingest.report.keys import Keys
from ingest.report.networks import Peers
from ingest.report.sending import Sender
from ingest.report.settings import ImapSettings, Settings
from ingest.report.spool import Spool

_PAUSE_S: Final = 1.0


def run_imap(options: argparse.Namespace, clock: Clock) -> int:
    """Report from the folders of mailboxes, again and again until interrupted; --once: one look."""
    settings = settings_of(options)
    if not settings.imap:
        raise CommandError("no [[imap]] is configured, see docs/report-adapters.md")
    spool, keys = spool_of(settings), keys_of(settings)
    failures = dict.fromkeys((box.name for box in settings.imap), 0)
    due = dict.fromkeys(failures, 0.0)
    while True:
        for box in settings.imap:
            if time.monotonic() >= due[box.name]:
                failures[box.name] = (
                    0 if _polled(box, settings, keys, spool, clock) else failures[box.name] + 1
                )
                rest = imap.wait_s(failures[box.name]) if failures[box.name] else options.every
                due[box.name] = time.monotonic() + rest
        flush_all(settings, clock, quiet=True)
        if options.once:
            return 1 if any(failures.values()) else 0
        time.sleep(_PAUSE_S)


def _polled(box: ImapSettings, settings: Settings, keys: Keys, spool: Spool, clock: Clock) -> bool:
    """Look into one folder; returns whether that went well."""
    words = argparse.Namespace(
        recipient_class=box.recipient_class, client_ip=None, recipient=None, raw=box.raw
    )
    try:
        with contextlib.ExitStack() as stack:
            path = settings.state / "index.sqlite"
            index = stack.enter_context(index_at(path)) if path.exists() else None
            sender = Sender(settings, keys, index, spool, words)
            done = imap.poll(box, settings.state / "imap", lambda mail: sender.send(mail, now=clock()))
    except (imap.ImapError, CommandError, OSError) as problem:
        complain(f"{problem}; nothing is lost, it is tried again")
        return False
    if done.seen or done.put_off:
        print(
            f"{box.name}: {done.seen} mails, spooled {sender.spooled}, known already {sender.known}, "
            f"left out {sender.left_out}, moved {done.moved}, put off {done.put_off}",
            flush=True,
        )
    return True


def run_listen(options: argparse.Namespace, clock: Clock) -> int:
    """Take lines from mail servers on a local socket and spool them, until interrupted."""
    settings = settings_of(options)
    spool, keys = spool_of(settings), keys_of(settings)
    with listen.listening(options.socket, options.mode, settings, spool, keys, clock) as server:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        print(f"listening on {options.socket}", flush=True)
        server.serve_forever()
    return 0


def run_tell(options: argparse.Namespace, clock: Clock) -> int:
    """Spool one report made of `name=value` words; 0 once it is on disk, 75 if it may pass later."""
    settings = settings_of(options)
    line = "\t".join(options.fields).encode("utf-8", "surrogateescape") + b"\n"
    peers = Peers(own=settings.own_networks, forwarders=settings.forwarders)
    said = listen.answer(
        line, spool_of(settings), keys=keys_of(settings), peers=peers, now=int(clock().timestamp())
    ).decode()
    if said.startswith("ok"):
        return 0
    complain(said.strip())
    return EX_TEMPFAIL if said.startswith("failed") else 1


def run_milter(options: argparse.Namespace, clock: Clock) -> int:
    """Serve as a milter that only writes to the spool, until interrupted."""
    settings = settings_of(options)
    spool, keys = spool_of(settings), keys_of(settings)
    path = settings.state / "index.sqlite"

    def take(words: argparse.Namespace, mail: bytes) -> bool:
        with contextlib.ExitStack() as stack:
            index = stack.enter_context(index_at(path)) if path.exists() else None
            return Sender(settings, keys, index, spool, words).send(mail, now=clock())

    try:
        traps = frozenset(one.lower() for one in options.trap)
        milter.run(options.socket, take, traps=traps, raw=options.raw, complain=complain)
    except milter.MilterError as problem:
        raise CommandError(str(problem)) from None
    return 0
