"""`backscatter-feed doctor`: asks a resolver the way a mail server would and says in words what is wrong.

Every check is one that users of block lists have needed: their list seemed empty, or listed the world, and
the reason was the resolver (dnsbl-serving.md 7: 5, 6, 14, 23, 24; RFC 5782 section 5).
"""

import dataclasses
import ipaddress
import pathlib
import re
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Final

import typer

from feed.commands.asking import SILENT, Reply, Server, ask
from feed.commands.failure import fail
from feed.commands.opened import settings_of

OK: Final = "ok"
WARN: Final = "warn"
BAD: Final = "FAIL"
STALE_S: Final = 900
DEAD_S: Final = 6 * 3600
_DNS_PORT: Final = 53
_FRESHNESS: Final = re.compile(r"serial=(\d+) created=(\d+) ")
_LOOPBACK: Final = ipaddress.ip_network("127.0.0.0/8")
_MAPPED_TEST: Final = ".".join(reversed(ipaddress.IPv6Address("::ffff:127.0.0.2").exploded.replace(":", "")))
_RESOLV_CONF: Final = pathlib.Path("/etc/resolv.conf")

Ask = Callable[[str, str], Reply]
"""Name and type to reply."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the report."""

    level: str
    text: str


def through_resolver(question: Ask, zone: str, *, token: str, now: int) -> Iterator[Finding]:
    """Yield what a consumer behind this resolver would meet. token: a name that nobody has asked for."""
    listed = question(f"2.0.0.127.{zone}", "A")
    text = question(f"2.0.0.127.{zone}", "TXT")
    finding = _test_entry(listed, text, zone)
    yield finding
    if finding.level == BAD and listed.rcode in (SILENT, "REFUSED", "SERVFAIL") and not text.answers:
        return
    if finding.level == OK:
        yield (
            Finding(level=OK, text=f"it has a text: {text.answers[0]}")
            if text.answers
            else Finding(level=WARN, text="the test entry has no TXT record: the resolver loses it")
        )
    yield _not_listed(question(f"1.0.0.127.{zone}", "A"))
    yield _rewriting(question(f"{token}.{zone}", "A"))
    yield _minimisation(
        [question(f"{name}.{zone}", kind) for name in ("127", "0.0.127") for kind in ("A", "NS")]
    )
    mapped = question(f"{_MAPPED_TEST}.{zone}", "A")
    yield (
        Finding(level=OK, text="the IPv6 test entry ::FFFF:7F00:2 is listed")
        if _codes(mapped)
        else Finding(level=WARN, text=f"the IPv6 test entry ::FFFF:7F00:2 is not listed ({mapped.rcode})")
    )
    yield _freshness(question(f"_freshness.{zone}", "TXT"), now, "the list seen through the resolver")


def _codes(reply: Reply) -> list[str]:
    return [each for each in reply.answers if ipaddress.ip_address(each) in _LOOPBACK]


def _test_entry(listed: Reply, text: Reply, zone: str) -> Finding:
    """Return the finding of the one question that shows nearly everything."""
    outside = [each for each in listed.answers if each not in _codes(listed)]
    if "127.0.0.2" in listed.answers:
        return Finding(level=OK, text="the test entry 127.0.0.2 is listed")
    if outside:
        words = f"the test entry answers {outside[0]}, which no block list gives: somebody rewrites answers"
    elif listed.answers:
        words = f"the test entry answers {listed.answers[0]} instead of 127.0.0.2: wrong zone, or no access"
    elif listed.rcode == SILENT:
        words = f"the resolver does not answer ({listed.why})"
    elif listed.rcode == "REFUSED":
        words = (
            "REFUSED: the list, or this resolver, does not answer you; use an own resolver, or ask with a key"
        )
    elif text.answers:
        words = (
            "the test entry has its text but no address: the resolver drops answers in 127.0.0.0/8 "
            f"(protection against rebinding). The list seems empty; make an exception for {zone} (unbound: "
            "private-domain, dnsmasq: rebind-domain-ok, BIND: except-from)"
        )
    elif listed.rcode == "SERVFAIL":
        words = "SERVFAIL: the name servers of the list cannot be reached, or their data is too old"
    elif listed.rcode == "NXDOMAIN":
        words = f"the test entry 127.0.0.2 is not listed: {zone} is no working block list, or is misspelled"
    else:
        words = f"the test entry 127.0.0.2 has no address ({listed.rcode}): a resolver in between drops it"
    return Finding(level=BAD, text=words)


def _not_listed(reply: Reply) -> Finding:
    if _codes(reply):
        return Finding(
            level=BAD,
            text="127.0.0.1 is listed: the list is broken or lists the whole world; do not use it",
        )
    if reply.answers:
        return Finding(
            level=BAD, text=f"127.0.0.1 answers {reply.answers[0]}: the resolver rewrites NXDOMAIN, see below"
        )
    return Finding(
        level=OK if reply.rcode == "NXDOMAIN" else WARN, text=f"127.0.0.1 is not listed ({reply.rcode})"
    )


def _rewriting(reply: Reply) -> Finding:
    if reply.answers:
        return Finding(
            level=BAD,
            text=f"a name that does not exist answers {reply.answers[0]}: the resolver rewrites NXDOMAIN, "
            "often to show advertisements. Every address seems listed; use another resolver, and accept only "
            "127.0.0.2 and 127.0.0.3 as answers",
        )
    return Finding(level=OK, text="names that do not exist stay so")


def _minimisation(replies: Sequence[Reply]) -> Finding:
    if any(reply.rcode == "NXDOMAIN" for reply in replies):
        return Finding(
            level=BAD,
            text="a part of the test entry's name does not exist (NXDOMAIN at 127 or 0.0.127): resolvers "
            "that minimise names (RFC 9156) find no listing. A name server of it is not ours, or too old",
        )
    wrong = [reply.rcode for reply in replies if reply.rcode != "NOERROR"]
    if wrong:
        return Finding(level=WARN, text=f"parts of names answer {wrong[0]}: minimising resolvers may stumble")
    return Finding(level=OK, text="parts of names exist, as resolvers that minimise names need it")


def _freshness(reply: Reply, now: int, what: str) -> Finding:
    match = _FRESHNESS.match(reply.answers[0]) if reply.answers else None
    if match is None:
        return Finding(level=WARN, text=f"{what} does not say how old it is (_freshness has no TXT)")
    age = max(0, now - int(match[2]))
    level = OK if age <= STALE_S else WARN if age <= DEAD_S else BAD
    return Finding(level=level, text=f"{what} is {age} seconds old (serial {match[1]})")


def name_servers(
    servers: Sequence[tuple[str, Callable[[str, str, bool], Reply]]], zone: str, *, now: int
) -> Iterator[Finding]:
    """Yield what each name server says, and which one lags. servers: name, and (name, type, tcp) to reply."""
    serials: dict[str, int] = {}
    for label, question in servers:
        soa = question(zone, "SOA", False)
        words = soa.answers[0].replace("(", " ").replace(")", " ").split() if soa.answers else []
        if soa.rcode == SILENT:
            yield Finding(level=BAD, text=f"{label} does not answer ({soa.why})")
            continue
        if not words or not soa.authoritative:
            yield Finding(level=BAD, text=f"{label} is not a name server of {zone} ({soa.rcode})")
            continue
        serials[label] = int(words[2])
        if question(f"2.0.0.127.{zone}", "A", False).answers != ("127.0.0.2",):
            yield Finding(level=BAD, text=f"{label} does not list the test entry 127.0.0.2")
        if not question(zone, "SOA", True).answers:
            yield Finding(level=WARN, text=f"{label} does not answer by TCP")
        yield _freshness(question(f"_freshness.{zone}", "TXT", False), now, label)
    newest = max(serials.values(), default=0)
    for label, serial in serials.items():
        lag = newest - serial
        if lag > STALE_S:
            yield Finding(level=BAD, text=f"{label} is {lag} seconds behind the newest (serial {serial})")


def doctor(
    context: typer.Context,
    resolver: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="resolver to ask (default: the system's)")
    ] = None,
    zone: Annotated[str | None, typer.Option(help="zone (default: the one that is published here)")] = None,
    name_server: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST:PORT", help="also ask this name server, may be repeated (default: all)"),
    ] = None,
) -> None:
    """Ask a resolver as a mail server would; say in words what is wrong. Exit status 1 when something is."""
    now = int(time.time())  # noqa: TID251 - an entry point
    apex = (zone or settings_of(context).publish.zone).rstrip(".").lower()
    server = server_at(resolver) if resolver else _system_resolver()
    print(f"asking {server} about {apex}")
    findings = list(
        through_resolver(
            lambda name, kind: ask(server, name, kind), apex, token=f"nobody-{secrets.token_hex(6)}", now=now
        )
    )
    chosen = [server_at(text) for text in name_server or ()] or list(_found(server, apex))
    findings += name_servers([(str(each), _direct(each)) for each in chosen], apex, now=now)
    for finding in findings:
        print(f"{finding.level:4} {finding.text}")
    raise SystemExit(any(finding.level == BAD for finding in findings))


def _direct(server: Server) -> Callable[[str, str, bool], Reply]:
    return lambda name, kind, tcp: ask(server, name, kind, recurse=False, tcp=tcp)


def server_at(text: str) -> Server:
    """Return the server that HOST, HOST:PORT or [HOST]:PORT spells; ends the command otherwise."""
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        host, port = text, str(_DNS_PORT)
    words = f"{text!r} is not ADDRESS:PORT, for example 127.0.0.1:53"
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 1 << 16):
        fail(words)
    try:
        address = ipaddress.ip_address(host.strip("[]").replace("localhost", "127.0.0.1"))
    except ValueError:
        fail(words)
    return Server(host=str(address), port=int(port))


def _system_resolver() -> Server:
    try:
        lines = _RESOLV_CONF.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        lines = []
    named = [line.split()[1] for line in lines if line.startswith("nameserver ") and line[11:].strip()]
    if not named:
        fail(f"{_RESOLV_CONF} names no resolver; give one with --resolver")
    return Server(host=named[0].partition("%")[0], port=_DNS_PORT)


def _found(resolver: Server, zone: str) -> Iterator[Server]:
    """Yield the addresses of the zone's name servers as the resolver knows them."""
    for name in ask(resolver, zone, "NS").answers:
        for kind in ("A", "AAAA"):
            for address in ask(resolver, name, kind).answers:
                yield Server(host=address, port=_DNS_PORT)
