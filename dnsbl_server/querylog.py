"""A sample of the queries, on request: what a few of them asked, and roughly from where.

One JSON object a line: `at` (unix seconds), `transport`, `client` (the /24 or /56 of the asker, never his
address), `name`, `type`, `rcode`. A key label in a name is written as the name of its client. Without the
option nothing of any query is kept.
"""

import contextlib
import json
import os
import random
from collections.abc import Callable, Mapping
from typing import Final

from dnsbl_server import wire
from dnsbl_server.access import Access
from dnsbl_server.metrics import RCODES, TYPES
from dnsbl_server.options import Options
from feed.snapshot.format import masked_text

_NETWORK: Final = {4: 24, 16: 56}
"""Bits that are kept, by the length of the address: what rate limiting counts by, too."""


class QueryLog:
    """Writes one of about `every` answers to `descriptor`, which was opened for appending.

    The distance between two of them is random, so that no pattern of queries hides between them or is all
    that is seen. A full disk costs the line.
    """

    def __init__(
        self, descriptor: int, every: int, access: Access, clock: Callable[[], float], rng: random.Random
    ) -> None:
        self._descriptor = descriptor
        self._every = every
        self._names: Mapping[bytes, str] = {
            label: access.names[number] for label, number in access.labels.items()
        }
        self._clock = clock
        self._random = rng
        self._next = self._step() - 1

    def _step(self) -> int:
        return self._random.randint(1, 2 * self._every - 1)

    def chosen(self, count: int) -> list[int]:
        """Return which of the next `count` answers are to be written, ascending."""
        found = []
        while self._next < count:
            found.append(self._next)
            self._next += self._step()
        self._next -= count
        return found

    def write(self, reply: bytes, client: bytes, *, tcp: bool) -> None:
        """Write what one answer was about; an answer without a readable question is left out."""
        text = line(reply, client, tcp=tcp, now=int(self._clock()), names=self._names)
        if text:
            with contextlib.suppress(OSError):
                os.write(self._descriptor, text)


def query_log(options: Options, clock: Callable[[], float]) -> QueryLog | None:
    """Return the log that the options ask for, for one process, or None."""
    if options.query_log is None:
        return None
    descriptor, every = options.query_log
    return QueryLog(descriptor, every, options.access, clock, random.Random())  # noqa: S311 - which are seen


def line(reply: bytes, client: bytes, *, tcp: bool, now: int, names: Mapping[bytes, str]) -> bytes:
    """Return the line about an answer of ours, b"" where it has no question. names: by key label."""
    _, flags, questions, *_ = wire.HEADER.unpack_from(reply)
    if not questions:
        return b""
    labels: list[bytes] = []
    at = wire.HEADER_LEN
    while reply[at]:
        labels.append(reply[at + 1 : at + 1 + reply[at]])
        at += 1 + reply[at]
    qtype, _ = wire.PAIR.unpack_from(reply, at + 1)
    shown = [names.get(label.lower(), label.decode("latin-1")) for label in labels]
    record = {
        "at": now,
        "transport": "tcp" if tcp else "udp",
        "client": masked_text(client, _NETWORK[len(client)]) if len(client) in _NETWORK else "",
        "name": ".".join(shown),
        "type": TYPES.get(qtype, f"TYPE{qtype}"),
        "rcode": RCODES.get(flags & 0xF, str(flags & 0xF)),
    }
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"
