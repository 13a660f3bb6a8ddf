"""What the command line of the DNS server takes."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path


def _worker_count(text: str) -> int:
    count = int(text) if text.isascii() and text.isdecimal() else 0
    if not 1 <= count <= 256:  # noqa: PLR2004
        raise argparse.ArgumentTypeError("a number from 1 to 256 is needed")
    return count


def _nap(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= 10_000):  # noqa: PLR2004
        raise argparse.ArgumentTypeError("a number of microseconds from 0 to 10000 is needed")
    return int(text)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the arguments; ends the program with status 2 and words for wrong ones."""
    parser = argparse.ArgumentParser(
        prog="backscatter-dnsbl",
        description="Answer DNSBL queries from snapshot files. A file that is replaced (renamed over) is "
        "used within two seconds; a damaged one is refused and the last good one kept.",
    )
    parser.add_argument(
        "--snapshot", action="append", required=True, type=Path, metavar="FILE", help="one for each zone"
    )
    parser.add_argument(
        "--snapshot-url",
        action="append",
        default=[],
        metavar="URL",
        help="mirror: fetch the first --snapshot from the first URL, and so on; what is on the disk is "
        "answered from while the origin is away",
    )
    parser.add_argument(
        "--pull-every", type=_seconds, default=15, metavar="SECONDS", help="how often (default: 15)"
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
    parser.add_argument(
        "--cookie-siphash",
        action="store_true",
        help="cookies as RFC 9018 has them, for an address that BIND, Knot, NSD or others answer from too",
    )
    parser.add_argument("--no-cookies", action="store_true", help="give no DNS cookies")
    _secondary_arguments(parser)
    parser.add_argument(
        "--allow-query",
        action="append",
        metavar="CIDR",
        help="answer these networks only, REFUSED to others; may be repeated",
    )
    parser.add_argument(
        "--client-keys",
        type=Path,
        metavar="FILE",
        help="answer names with a key label, <reversed>.<key>.<zone>, and REFUSED without; lines KEY [NAME]",
    )
    parser.add_argument(
        "--rate-limit",
        type=_rate,
        default=0,
        metavar="N",
        help="NXDOMAIN answers a second for one /24 or /56 and worker; what is more is cut or kept back, "
        "never by TCP or with a cookie of ours (default: no limit)",
    )
    parser.add_argument("--metrics", metavar="HOST:PORT", help="give Prometheus metrics at /metrics there")
    parser.add_argument(
        "--query-log",
        type=Path,
        metavar="FILE",
        help="append a sample of the queries there, a JSON line each: time, transport, /24 or /56 of the "
        "asker, name, type and rcode (default: nothing of a query is kept)",
    )
    parser.add_argument(
        "--query-log-sample",
        type=_sample,
        default=1000,
        metavar="N",
        help="one of about N queries is written, 1 = all (default: 1000)",
    )
    parser.add_argument(
        "--plain-sockets",
        action="store_true",
        help="one system call for each datagram, as is also done where the system has none for many",
    )
    return parser.parse_args(argv)


def _secondary_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allow-transfer",
        action="append",
        default=[],
        metavar="CIDR|key:NAME",
        help="who may have whole zones by AXFR and IXFR; may be repeated (default: nobody)",
    )
    parser.add_argument(
        "--tsig-key",
        type=Path,
        metavar="FILE",
        help="TSIG keys, as tsig-keygen writes them or lines NAME BASE64; hmac-sha256",
    )
    parser.add_argument(
        "--notify",
        action="append",
        default=[],
        metavar="HOST:PORT[,KEY]",
        help="tell this secondary of new serials, signed with a key; may be repeated",
    )
    parser.add_argument(
        "--history",
        type=Path,
        metavar="FOLDER",
        help="keep there what changed in 72 hours, so that IXFR goes on after a restart",
    )


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 86_400):  # noqa: PLR2004
        raise argparse.ArgumentTypeError("a number of seconds from 1 to 86400 is needed")
    return int(text)


def _sample(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 1_000_000_000):  # noqa: PLR2004
        raise argparse.ArgumentTypeError("one of how many is needed, 1 = all")
    return int(text)


def _rate(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= 10_000_000):  # noqa: PLR2004
        raise argparse.ArgumentTypeError("a number of answers a second is needed, 0 = no limit")
    return int(text)
