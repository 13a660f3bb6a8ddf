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
from dnsbl_server.arguments import parse
from dnsbl_server.cookies import SIPHASH_SECRET, Cookies
from dnsbl_server.listen import Bound, ListenError, bind, bind_tcp, name_of, parse_endpoint
from dnsbl_server.options import Options, Target
from dnsbl_server.say import StartError, say
from dnsbl_server.supervise import Parent

if TYPE_CHECKING:
    from dnsbl_server.pull import Source

CONFIGURATION: Final = 78
"""Exit status where a restart would not help (EX_CONFIG): a taken port, a wrong file, a wrong option."""


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
        plain=arguments.plain_sockets,
        query_log=_query_log(arguments.query_log, arguments.query_log_sample),
    )


def _query_log(path: Path | None, every: int) -> tuple[int, int] | None:
    """Open the log before privileges are dropped; a rotation must copy and cut, the file stays the same."""
    if path is None:
        return None
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640), every
    except OSError as problem:
        raise StartError(f"--query-log {path}: {problem.strerror}") from None


def _cookies(arguments: argparse.Namespace) -> Cookies | None:
    if arguments.no_cookies:
        return None
    if arguments.cookie_secret is None:
        length = SIPHASH_SECRET if arguments.cookie_siphash else 32
        return Cookies(secrets=(secrets.token_bytes(length),), siphash=arguments.cookie_siphash)
    try:
        lines = arguments.cookie_secret.read_text(encoding="ascii").split()
        return Cookies(secrets=tuple(bytes.fromhex(line) for line in lines), siphash=arguments.cookie_siphash)
    except (OSError, ValueError):
        # The reason may hold a part of the secret, so it is not passed on.
        raise StartError(
            f"{arguments.cookie_secret}: not readable, or not 32 to 64 hexadecimal digits a line "
            "(32 with --cookie-siphash)"
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
    arguments = parse(argv)
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
