"""The parent: verifies snapshots, hands them out, keeps the workers alive, ends everything cleanly.

It answers no query itself, so that checking a list of a million entries delays nobody.
"""

import contextlib
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

from dnsbl_server import control
from dnsbl_server.holder import Served
from dnsbl_server.listen import Bound
from dnsbl_server.metrics import Counters
from dnsbl_server.options import Options
from dnsbl_server.say import StartError, say
from dnsbl_server.sources import Sources
from dnsbl_server.workers import Worker, pull_worker, tcp_worker, udp_worker

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
        self._sources = Sources(paths, folder, clock, keep=options.transfers)
        self._bound = bound
        self._options = options
        self._clock = clock
        self._selector = selectors.DefaultSelector()
        self._stopping = False
        self._reread = False
        self._announced = False
        self._wake_in, self._wake_out = socket.socketpair()
        counters = [Counters(len(paths), len(options.access.names)) for _ in range(workers + 1)]
        self._workers = [udp_worker(n, bound, counters[n]) for n in range(workers)]
        self._tcp = tcp_worker(bound, counters)
        self._workers.append(self._tcp)
        self._fetcher = pull_worker(pulled, pull_s) if pulled else None
        if self._fetcher is not None:
            self._workers.append(self._fetcher)

    def load_all(self, *, wait: bool) -> None:
        """Read every file; raises `StartError` when one is not there, unless told to wait for it."""
        said = False
        if self._fetcher is not None:
            self._start(self._fetcher, time.monotonic())
        while True:
            missing = self._sources.missing()
            if not missing or self._stopping:
                break
            if not wait:
                raise StartError(f"{missing[0].path}: no snapshot to answer from (see above)")
            if not said:
                say(f"waiting for {', '.join(str(source.path) for source in missing)}")
                said = True
            time.sleep(LOOK_S / 4)
        self._sources.complete()

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

    def _look(self) -> None:
        force, self._reread = self._reread, False
        for slot, before in self._sources.look(force=force):
            source = self._sources[slot]
            assert source.loaded is not None
            say(f"{source.path}: zone {source.loaded.zone} has serial {source.loaded.serial}")
            for worker in self._workers:
                if worker is not self._tcp:
                    self._hand(worker, slot)
            if before is not None:
                # Transfers must know the way before they know the list; answers need not wait for that.
                self._sources.remember(slot, before)
                os.close(before.descriptor)
            self._hand(self._tcp, slot)

    def _hand(self, worker: Worker, slot: int) -> None:
        loaded = self._sources[slot].loaded
        if worker.line is None or loaded is None or worker is self._fetcher:
            return
        worker.waiting.setdefault(slot, time.monotonic())
        with contextlib.suppress(OSError):  # a dead worker is started again, a stuck one is ended
            if worker is self._tcp and self._options.transfers:
                control.hand(worker.line, slot, self._sources[slot].log.descriptor, history=True)
            control.hand(worker.line, slot, loaded.descriptor)

    def _hear(self, worker: Worker) -> None:
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

    def _start(self, worker: Worker, now: float) -> None:
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

    def _child(self, worker: Worker, ours: socket.socket, theirs: socket.socket) -> Never:
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
            self._sources.close()
            gc.disable()  # nothing in the loops makes cycles
            worker.body(worker.sockets, theirs, Served(len(self._sources), self._options), self._clock)
            code = 0
        except BaseException:  # noqa: BLE001 - the child must end here, whatever it was
            traceback.print_exc(file=sys.stderr)
        finally:
            os._exit(code)

    def _drop_line(self, worker: Worker) -> None:
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
