"""The parent: verifies snapshots, hands them out, keeps the workers alive, ends everything cleanly.

It answers no query itself, so that checking a list of a million entries delays nobody.
"""

import contextlib
import dataclasses
import functools
import gc
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Never

from dnsbl_server import control, history, udp
from dnsbl_server.holder import Loaded, Served, Signature, load, parts_of, signature_of
from dnsbl_server.listen import Bound
from dnsbl_server.metrics import Counters
from dnsbl_server.options import Options
from feed.snapshot.format import SnapshotError
from feed.snapshot.reader import Snapshot

if TYPE_CHECKING:
    from dnsbl_server.pull import Source

LOOK_S: Final = 1.0
"""How often the directory entries of the snapshot files are looked at."""
_BACKOFF_S: Final = (0.1, 10.0)
_SETTLED_S: Final = 30.0
"""A worker that lived so long starts again at once."""
_ACK_S: Final = 10.0
"""A worker that has not taken a new list by then is stuck, and answers from an old one."""
_GRACE_S: Final = 2.0
_LAST_S: Final = 4.0
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)

Body = Callable[[Sequence[socket.socket], socket.socket, Served, Callable[[], float]], None]


class StartError(Exception):
    """The server cannot start; the message says why."""


@dataclasses.dataclass(kw_only=True, eq=False)
class _Source:
    """One snapshot file. tried: the version that was last read, good or bad. log: of what changed in it."""

    path: Path
    log: history.Log
    loaded: Loaded | None = None
    tried: Signature | None = None


@dataclasses.dataclass(kw_only=True, eq=False)
class _Worker:
    """One child and what it needs to be started again. pid 0 = not running; next_at: when to start it."""

    name: str
    body: Body
    sockets: tuple[socket.socket, ...]
    pid: int = 0
    line: socket.socket | None = None
    started_at: float = 0.0
    next_at: float = 0.0
    failures: int = 0
    waiting: dict[int, float] = dataclasses.field(default_factory=dict)


def say(text: str) -> None:
    """Write one line to standard error."""
    print(f"backscatter-dnsbl: {text}", file=sys.stderr, flush=True)


def _run_tcp(
    sockets: Sequence[socket.socket],
    line: socket.socket,
    served: Served,
    clock: Callable[[], float],
    counters: Sequence[Counters],
) -> None:
    from dnsbl_server import tcp  # asyncio costs 5 MB, which UDP workers do not need

    tcp.run(sockets, line, served, clock, counters)


def _run_pull(
    _sockets: Sequence[socket.socket],
    line: socket.socket,
    _served: Served,
    clock: Callable[[], float],
    *,
    sources: "Sequence[Source]",
    interval_s: float,
) -> None:
    from dnsbl_server import pull  # the HTTP client costs 6 MB

    pull.run(sources, line, clock, say, interval_s)


class Parent:
    """All state of the parent process. clock: unix time in seconds. folder: for the history, or None.

    pulled: snapshots that are fetched every `pull_s` seconds.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        bound: Sequence[Bound],
        *,
        workers: int,
        options: Options,
        clock: Callable[[], float],
        folder: Path | None = None,
        pulled: "Sequence[Source]" = (),
        pull_s: float = 15.0,
    ) -> None:
        self._sources = [_Source(path=path, log=history.Log(folder)) for path in paths]
        self._bound = bound
        self._options = options
        self._clock = clock
        self._selector = selectors.DefaultSelector()
        self._stopping = False
        self._reread = False
        self._announced = False
        self._wake_in, self._wake_out = socket.socketpair()
        counters = [Counters(len(paths), len(options.access.names)) for _ in range(workers + 1)]
        self._workers = [
            _Worker(
                name=f"udp {n + 1}",
                body=functools.partial(udp.run, counters=counters[n]),
                sockets=tuple(b.udp[n] for b in bound),
            )
            for n in range(workers)
        ]
        tcp_sockets = tuple(b.tcp for b in bound)
        self._tcp = _Worker(
            name="tcp", body=functools.partial(_run_tcp, counters=counters), sockets=tcp_sockets
        )
        self._workers.append(self._tcp)
        self._fetcher: _Worker | None = None
        if pulled:
            body = functools.partial(_run_pull, sources=pulled, interval_s=pull_s)
            self._fetcher = _Worker(name="pull", body=body, sockets=())
            self._workers.append(self._fetcher)

    def load_all(self, *, wait: bool) -> None:
        """Read every file; raises `StartError` when one is not there, unless told to wait for it."""
        said = False
        if self._fetcher is not None:
            self._start(self._fetcher, time.monotonic())
        while True:
            missing = [
                source for source in self._sources if source.loaded is None and not self._refresh(source)
            ]
            if not missing or self._stopping:
                break
            if not wait:
                raise StartError(f"{missing[0].path}: no snapshot to answer from (see above)")
            if not said:
                say(f"waiting for {', '.join(str(source.path) for source in missing)}")
                said = True
            time.sleep(LOOK_S / 4)
        zones = [source.loaded.zone for source in self._sources if source.loaded]
        twice = {zone for zone in zones if zones.count(zone) > 1}
        if twice:
            raise StartError(f"two snapshots hold the zone {min(twice)}")
        for source in self._sources:
            if source.loaded and self._options.transfers:
                self._recall(source, source.loaded)

    def watch_signals(self) -> None:
        """From now on SIGTERM and SIGINT end the server, SIGHUP reads the files again."""
        for end in (self._wake_in, self._wake_out):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wake_out.fileno(), warn_on_full_buffer=False)
        for number in _SIGNALS:
            signal.signal(number, self._on_signal)
        self._selector.register(self._wake_in, selectors.EVENT_READ, None)

    def _on_signal(self, number: int, _frame: object) -> None:
        self._stopping = self._stopping or number in (signal.SIGTERM, signal.SIGINT)
        self._reread = self._reread or number == signal.SIGHUP

    def run(self) -> None:
        """Keep the workers running until told to stop; then end them."""
        gc.collect()
        gc.freeze()
        look_at = time.monotonic() + LOOK_S
        while not self._stopping:
            now = time.monotonic()
            self._start_due(now)
            for key, _ in self._selector.select(max(0.0, min(look_at, self._next_start()) - now)):
                if key.data is None:
                    with contextlib.suppress(BlockingIOError):
                        self._wake_in.recv(4096)
                else:
                    self._hear(key.data)
            now = time.monotonic()
            self._reap(now)
            if now >= look_at or self._reread:
                self._look()
                self._kill_stuck(now)
                look_at = now + LOOK_S
        self._end()

    def _next_start(self) -> float:
        return min((worker.next_at for worker in self._workers if not worker.pid), default=float("inf"))

    # Snapshots ------------------------------------------------------------------------------------

    def _refresh(self, source: _Source, *, force: bool = False) -> bool:
        """Read the file if it is another one than last time; return whether there is a new list.

        A file that cannot be used is named once, and what was there before is kept.
        """
        signature = signature_of(source.path)
        if signature is None:
            if source.loaded is None and source.tried is None:
                say(f"{source.path}: there is no such file, or it cannot be read")
                source.tried = (0, 0, 0, 0)
            return False
        if signature == source.tried and not force:
            return False
        source.tried = signature
        try:
            loaded = load(source.path)
        except (OSError, SnapshotError) as problem:
            kept = f"; still answering from serial {source.loaded.serial}" if source.loaded else ""
            say(f"{source.path}: not used: {problem}{kept}")
            return False
        refused = self._refusal(source, loaded)
        if refused:
            say(f"{source.path}: not used: {refused}")
            os.close(loaded.descriptor)
            return False
        source.tried = loaded.signature
        source.loaded = loaded
        return True

    def _refusal(self, source: _Source, loaded: Loaded) -> str | None:
        """Return why a valid snapshot must not take the place of the present one, or None."""
        present = source.loaded
        others = {other.loaded.zone for other in self._sources if other.loaded and other is not source}
        if present is None:
            return None
        if loaded.zone in others:
            return f"the zone {loaded.zone} is in another snapshot already"
        if loaded.expire_at <= self._clock() < present.expire_at:
            return f"it is out of date; still answering from serial {present.serial}"
        if loaded.serial < present.serial:
            say(f"{source.path}: the serial goes back from {present.serial} to {loaded.serial}")
        return None

    def _look(self) -> None:
        force, self._reread = self._reread, False
        for slot, source in enumerate(self._sources):
            before = source.loaded
            if self._refresh(source, force=force) and source.loaded:
                say(f"{source.path}: zone {source.loaded.zone} has serial {source.loaded.serial}")
                for worker in self._workers:
                    if worker is not self._tcp:
                        self._hand(worker, slot)
                if before is not None:
                    if self._options.transfers:
                        old = parts_of(before.descriptor)[0]
                        self._remember(source, source.loaded, old)
                    os.close(before.descriptor)
                self._hand(self._tcp, slot)

    def _recall(self, source: _Source, loaded: Loaded) -> None:
        """Take up the history where the last run of the server left it."""
        served = source.log.open(loaded.zone)
        if served is None or served.serial != loaded.serial:
            self._remember(source, loaded, served)

    def _remember(self, source: _Source, loaded: Loaded, old: Snapshot | None) -> None:
        """Note what leads from the old list to the new one, for those who have the old one."""
        new, _ = parts_of(loaded.descriptor)
        if old is not None and (old.serial, old.body_digest) == (new.serial, new.body_digest):
            return
        try:
            entry = history.step(old, new, int(self._clock())) if old else None
        except Exception:  # noqa: BLE001 - it only costs secondaries a whole transfer
            traceback.print_exc(file=sys.stderr)
            entry = None
        source.log.add(entry, memoryview(new.data()))

    def _hand(self, worker: _Worker, slot: int) -> None:
        loaded = self._sources[slot].loaded
        if worker.line is None or loaded is None or worker is self._fetcher:
            return
        worker.waiting.setdefault(slot, time.monotonic())
        with contextlib.suppress(OSError):  # a dead worker is started again, a stuck one is ended
            if worker is self._tcp and self._options.transfers:
                control.hand(worker.line, slot, self._sources[slot].log.descriptor, history=True)
            control.hand(worker.line, slot, loaded.descriptor)

    def _hear(self, worker: _Worker) -> None:
        """Take acknowledgements of one worker, or notice that it is gone."""
        while worker.line is not None:
            try:
                heard = control.acknowledged(worker.line)
            except BlockingIOError:
                return
            if heard is None:
                self._drop_line(worker)
                return
            slot, serial = heard
            loaded = self._sources[slot].loaded
            if loaded and loaded.serial == serial:
                worker.waiting.pop(slot, None)
            if not self._announced and not any(each.waiting or not each.pid for each in self._workers):
                self._announced = True
                self._announce()

    def _announce(self) -> None:
        for source in self._sources:
            if source.loaded:
                say(f"{source.path}: zone {source.loaded.zone} has serial {source.loaded.serial}")
        for bound in self._bound:
            say(f"serving on {bound.endpoint}")

    # Workers --------------------------------------------------------------------------------------

    def _start_due(self, now: float) -> None:
        for worker in self._workers:
            if not worker.pid and worker.next_at <= now:
                self._start(worker, now)

    def _start(self, worker: _Worker, now: float) -> None:
        ours, theirs = control.pair()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if not pid:
            self._child(worker, ours, theirs)
        theirs.close()
        worker.pid, worker.line, worker.started_at = pid, ours, now
        worker.waiting = {}
        self._selector.register(ours, selectors.EVENT_READ, worker)
        for slot in range(len(self._sources)):
            self._hand(worker, slot)

    def _child(self, worker: _Worker, ours: socket.socket, theirs: socket.socket) -> Never:
        """Be the worker. The other workers' lines must close here, or they would outlive the parent."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in _SIGNALS:
                ignore = number in (signal.SIGINT, signal.SIGHUP)
                signal.signal(number, signal.SIG_IGN if ignore else signal.SIG_DFL)
            self._selector.close()
            lines = [other.line for other in self._workers if other.line]
            for sock in (ours, self._wake_in, self._wake_out, *lines):
                sock.close()
            for other in self._workers:
                if other is not worker:
                    for sock in other.sockets:
                        sock.close()
            if self._options.metrics is not None and worker is not self._tcp:
                self._options.metrics.close()
            for source in self._sources:
                os.close(source.log.descriptor)
                if source.loaded:
                    os.close(source.loaded.descriptor)
            gc.disable()  # nothing in the loops makes cycles
            worker.body(worker.sockets, theirs, Served(len(self._sources), self._options), self._clock)
            code = 0
        except BaseException:  # noqa: BLE001 - the child must end here, whatever it was
            traceback.print_exc(file=sys.stderr)
        finally:
            os._exit(code)

    def _drop_line(self, worker: _Worker) -> None:
        if worker.line is not None:
            self._selector.unregister(worker.line)
            worker.line.close()
            worker.line = None

    def _reap(self, now: float) -> None:
        """Notice workers that ended, and plan their next start."""
        for worker in self._workers:
            if not worker.pid:
                continue
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if not pid:
                continue
            code = os.waitstatus_to_exitcode(status)
            worker.failures = 0 if now - worker.started_at > _SETTLED_S else worker.failures + 1
            delay = min(_BACKOFF_S[1], _BACKOFF_S[0] * 2 ** (worker.failures - 1)) if worker.failures else 0.0
            worker.pid, worker.next_at = 0, now + delay
            self._drop_line(worker)
            if not self._stopping:
                why = f"was ended by signal {-code}" if code < 0 else f"ended with status {code}"
                say(f"worker {worker.name} {why}; starting it again")

    def _kill_stuck(self, now: float) -> None:
        for worker in self._workers:
            if worker.pid and any(now - since > _ACK_S for since in worker.waiting.values()):
                say(f"worker {worker.name} does not take the new list; ending it")
                os.kill(worker.pid, signal.SIGKILL)
                worker.waiting = {}

    def _end(self) -> None:
        """End all workers: by closing their lines, then by signals, within four seconds."""
        began = time.monotonic()
        for worker in self._workers:
            self._drop_line(worker)
        asked = False
        while any(worker.pid for worker in self._workers):
            spent = time.monotonic() - began
            number = signal.SIGKILL if spent > _LAST_S else signal.SIGTERM
            if spent > _LAST_S or (spent > _GRACE_S and not asked):
                asked = True
                for worker in self._workers:
                    if worker.pid:
                        os.kill(worker.pid, number)
            time.sleep(0.01)
            self._reap(time.monotonic())
        say("ended")
