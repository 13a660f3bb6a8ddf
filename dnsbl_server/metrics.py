"""Counters in memory that all processes share, one set for each worker, and their text for Prometheus.

Counting must not slow answers down: the fast path marks each answer with a small number, and a batch is
added up once. No two processes write to one set, so nothing is locked.
"""

import mmap
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from dnsbl_server.service import Note
from feed.snapshot.format import Meta

TYPES: Final = {
    1: "A", 2: "NS", 6: "SOA", 15: "MX", 16: "TXT", 28: "AAAA", 252: "AXFR", 251: "IXFR", 255: "ANY",
}  # fmt: skip
RCODES: Final = {
    0: "NOERROR",
    1: "FORMERR",
    2: "SERVFAIL",
    3: "NXDOMAIN",
    4: "NOTIMP",
    5: "REFUSED",
    9: "NOTAUTH",
}
LATENCY_S: Final = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5)
WRONG: Final = ("name", "octet", "length")
LIMITED: Final = ("slip", "drop")
WHOLE, STEPS, CURRENT = TRANSFERS = ("whole", "steps", "current")

_TYPE_NAMES: Final = (*TYPES.values(), "other")
_RCODE_NAMES: Final = (*RCODES.values(), "other")
_TYPE_AT: Final = {number: at for at, number in enumerate(TYPES)}
_RCODE_AT: Final = {number: at for at, number in enumerate(RCODES)}
_INNER: Final = len(_TYPE_NAMES) * len(_RCODE_NAMES)
_FAMILIES: Final = ("ipv4", "ipv6")
_TRANSPORTS: Final = ("udp", "tcp")
_NANOSECONDS: Final = 1_000_000_000


def inner(zone: int, qtype: int, rcode: int) -> int:
    """Return the place of an answer among those of one family and transport. zone: -1 = none."""
    kind = _TYPE_AT.get(qtype, len(TYPES))
    return (zone + 1) * _INNER + kind * len(_RCODE_NAMES) + _RCODE_AT.get(rcode, len(RCODES))


class Counters:
    """The counters of one worker. zones, clients: how many there are."""

    def __init__(self, zones: int, clients: int) -> None:
        self._zones = zones
        self._clients = clients
        self._block = (zones + 1) * _INNER
        self._latency = 4 * self._block
        self._limited = self._latency + len(LATENCY_S) + 2
        self._wrong = self._limited + len(LIMITED)
        self._denied = self._wrong + len(WRONG)
        self._transfers = self._denied + 1
        self._by_client = self._transfers + len(TRANSFERS)
        size = self._by_client + clients
        self.cells: memoryview = memoryview(mmap.mmap(-1, size * 8)).cast("Q")

    def base(self, *, v6: bool, tcp: bool) -> int:
        """Return where the answers of a family and transport begin in `cells`; `inner` counts from there."""
        return (2 * tcp + v6) * self._block

    def answered(self, note: Note, rcode: int, *, v6: bool, tcp: bool) -> None:
        """Count one answer of the general path."""
        cells = self.cells
        cells[self.base(v6=v6, tcp=tcp) + inner(note.zone, note.qtype, rcode)] += 1
        if note.wrong:
            cells[self._wrong + WRONG.index(note.wrong)] += 1
        if note.refused:
            cells[self._denied] += 1
        if note.transfer:
            cells[self._transfers + TRANSFERS.index(note.transfer)] += 1
        if note.client >= 0:
            cells[self._by_client + note.client] += 1

    def client(self, number: int) -> None:
        """Count one answer for a client that was answered by the fast path."""
        self.cells[self._by_client + number] += 1

    def took(self, seconds: float, count: int) -> None:
        """Count `count` answers that took so long from the socket to the socket."""
        self.cells[self._latency + bisect_left(LATENCY_S, seconds)] += count
        self.cells[self._latency + len(LATENCY_S) + 1] += int(seconds * _NANOSECONDS) * count

    def limited(self, how: str) -> None:
        """Count an answer that rate limiting has cut or kept back."""
        self.cells[self._limited + LIMITED.index(how)] += 1

    def merged(self, others: Iterable["Counters"]) -> "Counters":
        """Return the sum of all; `self` is one of `others` only if it is to be counted."""
        total = Counters(self._zones, self._clients)
        for other in others:
            for at, number in enumerate(other.cells):
                if number:
                    total.cells[at] += number
        return total

    def lines(self, zones: Sequence[str], clients: Sequence[str]) -> Iterator[str]:
        """Yield these counters as Prometheus text."""
        yield from _head(
            "bsf_dns_answers_total", "counter", "Answers by zone, type, rcode, transport and family."
        )
        for block in range(4):
            tcp, v6 = divmod(block, 2)
            for at in range(self._block):
                number = self.cells[block * self._block + at]
                if number:
                    zone, rest = divmod(at, _INNER)
                    kind, rcode = divmod(rest, len(_RCODE_NAMES))
                    labels = {
                        "zone": zones[zone - 1] if zone else "",
                        "type": _TYPE_NAMES[kind],
                        "rcode": _RCODE_NAMES[rcode],
                        "transport": _TRANSPORTS[tcp],
                        "family": _FAMILIES[v6],
                    }
                    yield _line("bsf_dns_answers_total", number, labels)
        yield from self._histogram()
        groups: tuple[tuple[str, str, int, str, Sequence[str]], ...] = (
            (
                "bsf_dns_limited_total",
                "Answers cut (slip) or kept back (drop) by rate limiting.",
                self._limited,
                "how",
                LIMITED,
            ),
            ("bsf_dns_wrong_use_total", "Names that are no address.", self._wrong, "how", WRONG),
            (
                "bsf_dns_transfers_total",
                "Transfers of the whole zone, of what changed, and to who was current.",
                self._transfers,
                "how",
                TRANSFERS,
            ),
            (
                "bsf_dns_client_queries_total",
                "Queries of clients let in by network or key.",
                self._by_client,
                "client",
                clients,
            ),
        )
        for name, what, start, label, values in groups:
            yield from _head(name, "counter", what)
            for at, value in enumerate(values):
                yield _line(name, self.cells[start + at], {label: value})
        yield from _head("bsf_dns_denied_total", "counter", "Queries refused by access lists.")
        yield _line("bsf_dns_denied_total", self.cells[self._denied], {})

    def _histogram(self) -> Iterator[str]:
        name = "bsf_dns_latency_seconds"
        yield from _head(name, "histogram", "From the arrival of a batch to its last answer.")
        total = 0
        for at, bound in enumerate(LATENCY_S):
            total += self.cells[self._latency + at]
            yield _line(name + "_bucket", total, {"le": f"{bound:g}"})
        total += self.cells[self._latency + len(LATENCY_S)]
        yield _line(name + "_bucket", total, {"le": "+Inf"})
        yield _line(name + "_sum", self.cells[self._latency + len(LATENCY_S) + 1] / _NANOSECONDS, {})
        yield _line(name + "_count", total, {})


def exposition(
    counters: Sequence[Counters], metas: Sequence[Meta], clients: Sequence[str], now: float
) -> bytes:
    """Return everything as Prometheus text. metas: of the served lists, by zone number."""
    zones = [meta.zone for meta in metas]
    lines = [*counters[0].merged(counters).lines(zones, clients)]
    ages = [max(0.0, now - meta.created_at) for meta in metas]
    left = [meta.expire_at - now for meta in metas]
    gauges: tuple[tuple[str, str, Sequence[float]], ...] = (
        ("bsf_dns_serial", "Serial of the list that is served.", [meta.serial for meta in metas]),
        ("bsf_dns_age_seconds", "Age of the list that is served.", ages),
        ("bsf_dns_expires_seconds", "Seconds until it is too old to be served.", left),
    )
    for name, what, numbers in gauges:
        lines += _head(name, "gauge", what)
        lines += [_line(name, number, {"zone": zone}) for zone, number in zip(zones, numbers, strict=True)]
    return ("\n".join(lines) + "\n").encode()


def _head(name: str, kind: str, what: str) -> tuple[str, str]:
    return f"# HELP {name} {what}", f"# TYPE {name} {kind}"


def _line(name: str, number: float, labels: Mapping[str, str]) -> str:
    inside = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
    return f"{name}{{{inside}}} {number}" if inside else f"{name} {number}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def http_reply(request: bytes, body: bytes) -> bytes:
    """Return the HTTP answer to a request head: the metrics at /metrics, 404 elsewhere."""
    words = request.split(b"\r\n", 1)[0].split()
    found = len(words) >= 2 and words[0] in (b"GET", b"HEAD") and words[1].split(b"?")[0] == b"/metrics"  # noqa: PLR2004
    status, content = (b"200 OK", body) if found else (b"404 Not Found", b"the metrics are at /metrics\n")
    head = (
        b"HTTP/1.1 " + status + b"\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
        b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(content)
    )
    return head if words[:1] == [b"HEAD"] else head + content
