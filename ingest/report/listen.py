"""Facts that mail servers learn inside the SMTP dialogue: one line in, one word out, on a local socket.

Exim's `readsocket`, a Postfix policy script or a shell with `socat` write one line of `name=value` fields
with a tab between them. The answer is `ok` once the report is on disk, `refused` for a line that never can
be one, and `failed` if the same line may pass later; no request ever waits for a feed. A name that comes
twice is refused, so a value cannot smuggle in another.
"""

import contextlib
import datetime as dt
import json
import os
import pathlib
import re
import socket
import socketserver
import stat
from collections.abc import Callable, Iterator
from typing import Any, Final

from ingest.report.keys import Keys
from ingest.report.networks import Peers, address
from ingest.report.settings import CLASSES, Settings
from ingest.report.spool import REPORT, Item, Spool, SpoolError
from ingest.report.submit import FRESH_S, stamp

LONGEST_LINE: Final = 8192
TIMEOUT_S: Final = 5.0
_BACKLOG: Final = 512
_NAMES: Final = frozenset({"class", "ip", "from", "rcpt", "helo", "id", "kind"})
_KINDS: Final = frozenset({"dsn_fail", "dsn_delay", "dsn_ok", "ndr", "auto", "cr", "virus", "mdn", "sav"})
_HOST: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_MINUTE_S: Final = 60


class LineError(ValueError):
    """A line is no report; the message says why."""


def fields_of(line: bytes) -> dict[str, str]:
    """Return the fields of a line; raises LineError."""
    if not line.endswith(b"\n"):
        raise LineError("the line is too long or has no end")
    found: dict[str, str] = {}
    for part in line.rstrip(b"\r\n").decode("utf-8", "replace").split("\t"):
        name, mark, value = part.partition("=")
        if not mark or name not in _NAMES:
            raise LineError(f"{name[:20]!r} is none of {', '.join(sorted(_NAMES))}")
        if name in found:
            raise LineError(f"{name} comes twice")
        found[name] = value
    return found


def item_of(said: dict[str, str], *, keys: Keys, peers: Peers, now: int) -> Item | None:
    """Return the report of these fields, None for what is no evidence; raises LineError.

    The same mail told again within its minute, or at any time with the same `id`, is the same report.
    """
    found = address(said.get("ip", "").strip("[]").removeprefix("IPv6:"))
    if found is None:
        raise LineError("ip is no address")
    peer = peers.of(str(found).encode())
    recipient_class, kind = said.get("class", "unknown"), said.get("kind", "ndr")
    if recipient_class not in CLASSES or kind not in _KINDS:
        raise LineError("class or kind is not known")
    if "@" not in said.get("rcpt", ""):
        raise LineError("rcpt is no mail address")
    is_null = said.get("from", "") in {"", "<>"}
    if peer is None or peer.own or peer.forwarder or (not is_null and recipient_class != "trap"):
        return None
    recipient = said["rcpt"].strip("<>").encode()
    own = said.get("id", "").strip("<> ") or str(now // _MINUTE_S)
    digest = keys.digest(b"told", str(found).encode(), recipient.lower(), own.encode())
    record: dict[str, Any] = {
        "client_ip": str(found),
        "observed_at": stamp(now),
        "null_sender": is_null,
        "kind": kind,
        "recipient_class": recipient_class,
        "recipient_token": keys.address(recipient).hex(),
        "digest": digest,
    }
    if _HOST.fullmatch(said.get("helo", "")):
        record["helo"] = said["helo"]
    return Item(kind=REPORT, body=json.dumps(record).encode(), identity=digest, stale_at=now + FRESH_S)


def answer(line: bytes, spool: Spool, *, keys: Keys, peers: Peers, now: int) -> bytes:
    """Return the word for a line, after the report of it is on disk."""
    try:
        item = item_of(fields_of(line), keys=keys, peers=peers, now=now)
        if item is None:
            return b"ok left out\n"
        return b"ok\n" if spool.put(item) else b"ok known\n"
    except LineError as problem:
        return f"refused {problem}\n".encode("ascii", "replace")
    except SpoolError as problem:
        return f"failed {problem}\n".encode("ascii", "replace")


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = _BACKLOG


@contextlib.contextmanager
def listening(
    path: pathlib.Path,
    mode: int,
    settings: Settings,
    spool: Spool,
    keys: Keys,
    clock: Callable[[], dt.datetime],
) -> Iterator[socketserver.BaseServer]:
    """Give a server on a socket with these permissions; a socket that nobody serves any more is replaced.

    Raises OSError, with the path of what stands in the way.
    """
    peers = Peers(own=settings.own_networks, forwarders=settings.forwarders)

    class Handler(socketserver.StreamRequestHandler):
        timeout = TIMEOUT_S

        def handle(self) -> None:
            with contextlib.suppress(OSError):
                line = self.rfile.readline(LONGEST_LINE)
                if line:
                    now = int(clock().timestamp())
                    self.wfile.write(answer(line, spool, keys=keys, peers=peers, now=now))

    _clear(path)
    old = os.umask(0o777 & ~mode)
    try:
        server = _Server(str(path), Handler)
    finally:
        os.umask(old)
    with server:
        try:
            yield server
        finally:
            path.unlink(missing_ok=True)


def _clear(path: pathlib.Path) -> None:
    """Remove a socket that a killed process left; anything else stays and is an error."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(17, "there is a file that is no socket", str(path))
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise OSError(98, "another process listens", str(path))
