"""Command line of the DNS server: `backscatter-dnsbl --snapshot FILE --listen HOST:PORT`."""

import argparse
import os
import pwd
import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dnsbl_server import access, tsig
from dnsbl_server.cookies import Cookies
from dnsbl_server.listen import Bound, ListenError, bind, bind_tcp, name_of, parse_endpoint
from dnsbl_server.options import Options, Target
from dnsbl_server.supervise import Parent, StartError, say

if TYPE_CHECKING:
    from dnsbl_server.pull import Source

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


def _pulled(arguments: argparse.Namespace) -> "list[Source]":
    urls = arguments.snapshot_url
    if not urls:
        return []
    from dnsbl_server.pull import Source

    if len(urls) != len(arguments.snapshot):
        raise StartError("each --snapshot-url needs its --snapshot FILE, in the same order")
    wrong = [url for url in urls if not url.startswith(("http://", "https://"))]
    if wrong:
        raise StartError(f"{wrong[0]}: only http:// and https:// are fetched")
    return [Source(url, path) for url, path in zip(urls, arguments.snapshot, strict=True)]


def _rate(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= 10_000_000):  # noqa: PLR2004
        raise argparse.ArgumentTypeError("a number of answers a second is needed, 0 = no limit")
    return int(text)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        raise StartError(f"{path}: cannot be read as text") from None


def _keys(path: Path | None) -> dict[bytes, tsig.Key]:
    if path is None:
        return {}
    try:
        return tsig.parse_keys(_text_of(path))
    except tsig.KeyFileError as problem:
        raise StartError(f"{path}: {problem}") from None


def _access(arguments: argparse.Namespace, keys: tsig.Keys) -> access.Access:
    try:
        networks, names = access.parse_transfer(arguments.allow_transfer)
        transfer_keys = frozenset(tsig.wire_name(name) for name in names)
        query = arguments.allow_query and tuple(access.parse_network(text) for text in arguments.allow_query)
        labels = {} if arguments.client_keys is None else access.parse_labels(_text_of(arguments.client_keys))
    except ValueError as problem:
        raise StartError(str(problem)) from None
    unknown = transfer_keys - keys.keys()
    if unknown:
        raise StartError("--allow-transfer names a key that --tsig-key does not hold")
    before = len(query or ())
    return access.Access(
        query=query or None,
        labels={label.encode(): before + at for at, label in enumerate(labels)},
        transfer=networks,
        transfer_keys=transfer_keys,
        names=(*map(str, query or ()), *labels.values()),
    )


def _targets(texts: Sequence[str], keys: tsig.Keys) -> tuple[Target, ...]:
    targets = []
    for text in texts:
        where, comma, name = text.partition(",")
        endpoint = parse_endpoint(where)
        key = keys.get(tsig.wire_name(name)) if comma else None
        if comma and key is None:
            raise StartError(f"--notify {text}: --tsig-key does not hold this key")
        targets.append(Target(host=str(endpoint.address), port=endpoint.port, key=key))
    return tuple(targets)


def _options(arguments: argparse.Namespace, bound: Sequence[Bound]) -> Options:
    keys = _keys(arguments.tsig_key)
    sources = {
        int(each.tcp.family): str(each.endpoint.address)
        for each in reversed(bound)
        if not each.endpoint.address.is_unspecified
    }
    return Options(
        cookies=_cookies(arguments),
        access=_access(arguments, keys),
        keys=keys,
        nap_s=arguments.nap_us / 1e6,
        rate_limit=arguments.rate_limit,
        notify=_targets(arguments.notify, keys),
        notify_from=sources,
        metrics=bind_tcp(parse_endpoint(arguments.metrics)) if arguments.metrics else None,
    )


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
        pulled = _pulled(arguments)
        endpoints = [parse_endpoint(text) for text in arguments.listen or ["127.0.0.1:5300"]]
        bound = bind(endpoints, arguments.workers)
        options = _options(arguments, bound)
        if arguments.user:
            _become(arguments.user)
        parent = Parent(
            arguments.snapshot,
            bound,
            workers=arguments.workers,
            options=options,
            clock=time.time,
            folder=arguments.history,
            pulled=pulled,
            pull_s=arguments.pull_every,
        )
        parent.watch_signals()
        parent.load_all(wait=arguments.wait or bool(pulled))
    except (ListenError, StartError) as problem:
        say(str(problem))
        return CONFIGURATION
    if options.metrics is not None:
        say(f"metrics on {name_of(options.metrics)}")
    parent.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
