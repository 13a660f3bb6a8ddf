"""All in one: a table of argument lists, run, restarted with back-off, and ended together."""

import ctypes
import dataclasses
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

from feed.settings import Settings

CONFIGURATION: Final = 78
"""Exit code of a child that cannot work as it is set up (EX_CONFIG): restarting would not help."""

_COMMUNITY_RATE: Final = 2000
"""NXDOMAIN answers a second for a network, far above what a mail hub asks; a private feed has no limit."""
_PAUSES_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_HEALTHY_S: Final = 60.0
_GRACE_S: Final = 4.0
_LOOK_S: Final = 0.1
_PR_SET_PDEATHSIG: Final = 1


@dataclasses.dataclass(slots=True)
class _Child:
    name: str
    arguments: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures: int = 0
    start_at: float = 0.0


def dns_arguments(settings: Settings) -> list[str]:
    """Return the arguments of the DNS server for both zones, as `[dns]` sets it."""
    dns = settings.dns
    rate = dns.rate_limit
    if rate is None:
        rate = 0 if settings.score.policy == "private" else _COMMUNITY_RATE
    options: dict[str, Sequence[object]] = {
        "--workers": [dns.workers],
        "--listen": dns.listen,
        "--snapshot": [*settings.publish.files.values()],
        "--allow-query": dns.allow_query,
        "--client-keys": [dns.client_keys],
        "--rate-limit": [rate],
        "--allow-transfer": dns.allow_transfer,
        "--tsig-key": [dns.tsig_key],
        "--notify": dns.notify,
        "--history": [dns.history],
        "--cookie-secret": [dns.cookie_secret],
        "--metrics": [dns.metrics],
        "--query-log": [dns.query_log],
        "--query-log-sample": [dns.query_log_sample],
    }
    given = [
        text for name, values in options.items() for value in values if value is not None
        for text in (name, str(value))
    ]  # fmt: skip
    switches = {"--plain-sockets": dns.plain_sockets, "--cookie-siphash": dns.cookie_siphash}
    return ["--wait", *given, *(name for name, on in switches.items() if on)]


def run(table: dict[str, Sequence[str]], *, clock: Callable[[], float] = time.monotonic) -> int:
    """Run every argument list of `table` until SIGTERM or SIGINT; return the exit code.

    A child that ends is started again, later each time. One that says it is misconfigured ends all.
    """
    stopping = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    children = [_Child(name, arguments) for name, arguments in table.items()]
    code = 0
    while not stopping and code == 0:
        for child in children:
            if child.process is None:
                if clock() >= child.start_at:
                    child.process = subprocess.Popen(child.arguments, preexec_fn=_end_with_parent)  # noqa: S603, PLW1509
                    child.started_at = clock()
            elif child.process.poll() is not None:
                code = code or _ended(child, clock())
        time.sleep(_LOOK_S)
    _end(children)
    return code


def _ended(child: _Child, now: float) -> int:
    """Note when to start `child` again; return an exit code if everything should end instead."""
    assert child.process is not None
    if child.process.returncode == CONFIGURATION:
        print(f"{child.name} cannot work as it is set up (see above); everything ends", file=sys.stderr)
        return CONFIGURATION
    child.failures = 0 if now - child.started_at >= _HEALTHY_S else child.failures + 1
    pause = _PAUSES_S[min(child.failures, len(_PAUSES_S)) - 1] if child.failures else 0.0
    print(f"{child.name} ended with {child.process.returncode}, starts again in {pause:g} s", file=sys.stderr)
    child.process, child.start_at = None, now + pause
    return 0


def _end(children: Sequence[_Child]) -> None:
    running = [child.process for child in children if child.process is not None]
    for process in running:
        process.terminate()
    end = time.monotonic() + _GRACE_S
    for process in running:
        try:
            process.wait(max(end - time.monotonic(), 0.01))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _end_with_parent() -> None:
    """Have the kernel end this child if the parent is killed (Linux); elsewhere do nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
