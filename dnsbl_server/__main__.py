"""Command line of the DNS server: `backscatter-dnsbl --snapshot FILE --listen HOST:PORT`."""

import argparse
import os
import pwd
import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from dnsbl_server.cookies import Cookies
from dnsbl_server.listen import ListenError, bind, parse_endpoint
from dnsbl_server.supervise import Parent, StartError, say

CONFIGURATION: Final = 78
"""Exit status where a restart would not help (EX_CONFIG): a taken port, a wrong file, a wrong option."""


def _worker_count(text: str) -> int:
    count = int(text) if text.isascii() and text.isdecimal() else 0
    if not 1 <= count <= 256:  # noqa: PLR2004
        raise argparse.ArgumentTypeError("a number from 1 to 256 is needed")
    return count


def _nap(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= 10_000):  # noqa: PLR2004
        raise argparse.ArgumentTypeError("a number of microseconds from 0 to 10000 is needed")
    return int(text)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="backscatter-dnsbl",
        description="Answer DNSBL queries from snapshot files. A file that is replaced (renamed over) is "
        "used within two seconds; a damaged one is refused and the last good one kept.",
    )
    parser.add_argument(
        "--snapshot", action="append", required=True, type=Path, metavar="FILE", help="one for each zone"
    )
    parser.add_argument(
        "--listen",
        action="append",
        metavar="HOST:PORT",
        help="UDP and TCP; may be repeated; IPv6 as [::1]:53 (default 127.0.0.1:5300)",
    )
    parser.add_argument(
        "--workers",
        type=_worker_count,
        default=os.cpu_count() or 1,
        metavar="N",
        help="UDP processes (default: CPUs)",
    )
    parser.add_argument(
        "--nap-us",
        type=_nap,
        default=100,
        metavar="N",
        help="under load, wait N microseconds for a fuller batch: less work a query for that much latency; "
        "a lone query never waits; 0 to 10000 (default: 100)",
    )
    parser.add_argument("--wait", action="store_true", help="wait for files that are not there yet")
    parser.add_argument("--user", metavar="NAME", help="become this user once the sockets are bound")
    parser.add_argument(
        "--cookie-secret",
        type=Path,
        metavar="FILE",
        help="DNS cookie secrets, one a line in hexadecimal, the newest first; the same on all mirrors "
        "behind one address (default: a new one at each start)",
    )
    parser.add_argument("--no-cookies", action="store_true", help="give no DNS cookies")
    return parser.parse_args(argv)


def _cookies(arguments: argparse.Namespace) -> Cookies | None:
    if arguments.no_cookies:
        return None
    if arguments.cookie_secret is None:
        return Cookies(secrets=(secrets.token_bytes(32),))
    try:
        lines = arguments.cookie_secret.read_text(encoding="ascii").split()
        return Cookies(secrets=tuple(bytes.fromhex(line) for line in lines))
    except (OSError, ValueError):
        # The reason may hold a part of the secret, so it is not passed on.
        raise StartError(
            f"{arguments.cookie_secret}: not readable, or not 32 to 64 hexadecimal digits a line"
        ) from None


def _become(name: str) -> None:
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        raise StartError(f"there is no user {name}") from None
    try:
        os.initgroups(name, user.pw_gid)
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
    except PermissionError:
        raise StartError(f"no permission to become the user {name}") from None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the server until SIGTERM or SIGINT; return the exit status: 0, or 78 when it cannot start."""
    arguments = _arguments(argv)
    try:
        cookies = _cookies(arguments)
        endpoints = [parse_endpoint(text) for text in arguments.listen or ["127.0.0.1:5300"]]
        bound = bind(endpoints, arguments.workers)
        if arguments.user:
            _become(arguments.user)
        parent = Parent(
            arguments.snapshot,
            bound,
            workers=arguments.workers,
            cookies=cookies,
            clock=time.time,
            nap_s=arguments.nap_us / 1e6,
        )
        parent.watch_signals()
        parent.load_all(wait=arguments.wait)
    except (ListenError, StartError) as problem:
        say(str(problem))
        return CONFIGURATION
    parent.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
