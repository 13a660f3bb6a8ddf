"""The parent's side of the judging children: a pool that any thread may ask.

Children are programs of their own, started before the first mail, since a process with threads must not
fork. Each judges one mail at a time. One that dies, hangs or talks nonsense is killed and replaced, and
the mail it had is too complex: the next mail never meets what the last one left. Time that a child did not
spend on the mail (a machine that is overloaded or asleep) is not held against the mail: the reporter is
told to come back.
"""

import contextlib
import os
import pathlib
import queue
import select
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Sequence
from typing import Final

import structlog

from feed.domain.event import Kind, Verdict
from ingest import judge_wire
from ingest.judge_wire import ANSWER, Question, WireError
from ingest.mail.judgement import Judgement, Refusal

KILL_AFTER_S: Final = 2.0
"""Wall time of one mail. The slowest of 900 real ones takes 20 ms."""
WAIT_S: Final = 5.0
"""The longest that a report waits for a free child; then it is told to come back."""
_BUSY_SHARE: Final = 0.5
"""A child whose time is up had at least this share of it on a processor; one that had less gets more time,
since the machine is to blame."""
_MOST_WAITS: Final = 5
"""How often the time is given at most; then the reporter is told to come back."""
PROGRAM: Final = ("-m", "ingest.judge_child")
_ROOT: Final = pathlib.Path(__file__).resolve().parent.parent
_log = structlog.get_logger()


class BusyError(Exception):
    """No child became free in time, or none can be started."""


class _LostError(Exception):
    """The child is gone or useless; the word says how. fault: whether the mail is to blame."""

    def __init__(self, how: str, *, fault: bool = True) -> None:
        super().__init__(how)
        self.fault = fault


class Judges:
    """A fixed number of children. `judge` may be called from any thread; `close` ends them all."""

    def __init__(
        self,
        number: int,
        *,
        kill_after_s: float = KILL_AFTER_S,
        wait_s: float = WAIT_S,
        program: Sequence[str] = PROGRAM,
    ) -> None:
        """Take the number of children; they start with `start`, or when first needed.

        program: arguments for the interpreter, another only where a test needs a judge that misbehaves.
        """
        self._kill_after_s = kill_after_s
        self._wait_s = wait_s
        self._free: queue.LifoQueue[_Child] = queue.LifoQueue()
        self._children = [_Child(program) for _ in range(number)]
        self._closed = threading.Event()
        for child in self._children:
            self._free.put(child)
        weakref.finalize(self, _end_all, self._children)

    def start(self) -> None:
        """Start the children now, so that the first report need not wait for one."""
        for child in self._children:
            with contextlib.suppress(OSError):  # `judge` tries again and says so if it cannot
                child.start()

    @property
    def pids(self) -> list[int]:
        """Process ids of the children that run."""
        return [child.process.pid for child in self._children if child.process is not None]

    def judge(self, question: Question) -> Judgement:
        """Return the judgement of a child; raises `BusyError`. A lost child means `too_complex`."""
        if self._closed.is_set():
            raise BusyError("the judges are closed")
        try:
            child = self._free.get(timeout=self._wait_s)
        except queue.Empty:
            raise BusyError("all judges are busy") from None
        try:
            return self._ask(child, question)
        finally:
            self._free.put(child)

    def _ask(self, child: "_Child", question: Question) -> Judgement:
        try:
            child.start()
        except OSError as problem:
            if not self._closed.is_set():
                _log.error("judge_not_started", errno=problem.errno)
            raise BusyError("no judge can be started") from None
        try:
            answer = child.ask(judge_wire.encode_question(question), seconds=self._kill_after_s)
            return judge_wire.decode_judgement(answer)
        except (_LostError, WireError) as problem:
            status = child.end()
            if self._closed.is_set():
                raise BusyError("the judges are closed") from None
            _log.warning("judge_lost", how=str(problem), status=status)
            with contextlib.suppress(OSError):
                child.start()
            if isinstance(problem, _LostError) and not problem.fault:
                raise BusyError("the judge got no time") from None
            return _LOST

    def close(self) -> None:
        """End all children; a report whose mail is being judged is told to come back."""
        self._closed.set()
        for child in self._children:
            child.retire()
        while True:  # those in use are ended by the thread that uses them
            try:
                self._free.get_nowait().end()
            except queue.Empty:
                return


_LOST: Final = Judgement(
    kind=Kind.NONE, verdict=Verdict.UNVERIFIABLE, refusal=Refusal.TOO_COMPLEX, defects=("judge_lost",)
)


def _end_all(children: "list[_Child]") -> None:
    for child in children:
        child.end()


class _Child:
    """One child process and its two pipes; used by one thread at a time, ended by any."""

    def __init__(self, program: Sequence[str]) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self._program = program
        self._retired = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the process unless it runs; raises `OSError`, also when it is retired."""
        with self._lock:
            if self._retired:
                raise ChildProcessError
            if self.process is not None and self.process.poll() is None:
                return
            if self.process is not None:
                _close_pipes(self.process)
            self.process = None
            self.process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-P", "-s", *self._program],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # a traceback would quote the mail
                bufsize=0,
                cwd="/",
                env={"PYTHONPATH": str(_ROOT), "LC_ALL": "C.UTF-8"},  # none of our settings, no keys
            )
            for pipe in (self.process.stdin, self.process.stdout):
                assert pipe is not None
                os.set_blocking(pipe.fileno(), False)

    def ask(self, frame: bytes, *, seconds: float) -> bytes:
        """Return what the child answers; raises `_LostError` when it dies or time is up."""
        process = self.process
        if process is None or process.stdin is None or process.stdout is None:
            raise _LostError("ended")
        timer = _Timer(process.pid, seconds)
        try:
            _write(process.stdin.fileno(), frame, timer)
            (size,) = ANSWER.unpack(_read(process.stdout.fileno(), ANSWER.size, timer))
            if size > judge_wire.LONGEST_ANSWER:
                raise _LostError("nonsense")
            return _read(process.stdout.fileno(), size, timer)
        except (OSError, ValueError):
            raise _LostError("died") from None

    def retire(self) -> None:
        """Kill the process for good; its pipes stay open for the thread that may be reading them."""
        with self._lock:
            self._retired = True
            if self.process is not None and self.process.poll() is None:
                self.process.kill()

    def end(self) -> int | None:
        """Kill the process, if any, and return its exit status (negative: the signal)."""
        with self._lock:
            process, self.process = self.process, None
            if process is None:
                return None
            if process.poll() is None:
                process.kill()
            status = process.wait()
            _close_pipes(process)
            return status


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _processor_s(pid: int) -> float | None:
    """Return the processor time of a process so far, None where it cannot be told (no /proc)."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return None


class _Timer:
    """The time that one mail may take, longer while the child waits for a processor."""

    def __init__(self, pid: int, seconds: float) -> None:
        self._pid = pid
        self._seconds = seconds
        self._before = _processor_s(pid)
        self._end = time.monotonic() + seconds
        self._last = self._end + (_MOST_WAITS - 1) * seconds

    @property
    def left_s(self) -> float:
        """Seconds until `expire` is due."""
        return max(self._end - time.monotonic(), 0.0)

    def expire(self) -> None:
        """Raise `_LostError`, or give more time to a child that had too little of a processor."""
        now = _processor_s(self._pid)
        if self._before is None or now is None or now - self._before >= self._seconds * _BUSY_SHARE:
            raise _LostError("too_slow")
        if self._end >= self._last:
            raise _LostError("no_time", fault=False)
        self._end += self._seconds


def _wait(descriptor: int, event: int, timer: _Timer) -> None:
    poller = select.poll()
    poller.register(descriptor, event)
    while not poller.poll(timer.left_s * 1000):
        timer.expire()


def _write(descriptor: int, frame: bytes, timer: _Timer) -> None:
    rest = memoryview(frame)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            _wait(descriptor, select.POLLOUT, timer)


def _read(descriptor: int, size: int, timer: _Timer) -> bytes:
    parts: list[bytes] = []
    while size:
        try:
            part = os.read(descriptor, size)
        except BlockingIOError:
            _wait(descriptor, select.POLLIN, timer)
            continue
        if not part:
            raise _LostError("died")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
