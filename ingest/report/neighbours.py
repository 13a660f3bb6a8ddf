"""Forwarders and own servers elsewhere, proposed from logs: whoever passes mail on must never be charged.

A bounce that a forwarder or a backup MX passes on has an empty sender and comes from an innocent address
(field-review.md 13). Four signs in a log point at them; none is proof, so each becomes a proposal with its
reason and its count, for a person to look at.
"""

import collections
import dataclasses
import datetime as dt
import hashlib
from collections.abc import Callable, Iterable
from typing import Final

from ingest.report.events import Came, Ended, Event, Returned, Told, Went
from ingest.report.keys import domain_of
from ingest.report.networks import Network, Peers
from ingest.report.software import parser_of
from ingest.report.sources import BROKEN, opened

LEAST: Final = 2
"""Mails with a sign before a server is named: one may be a mistake of somebody's."""
_MOST_IN_FLIGHT: Final = 50_000
_MOST_SENT: Final = 1_000_000
_SRS: Final = (b"srs0=", b"srs0+", b"srs0-", b"srs1=", b"srs1+", b"srs1-")

SIGNS: Final = {
    "mail_came_back": "mail that left here with a sender of yours came back from it",
    "srs": "it sends with rewritten senders (SRS)",
    "other_domain": "bounces from it return mail of another domain",
    "own_name": "its verified name lies in a domain of yours: own server or backup MX",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A server that seems to pass mail on. signs: word of `SIGNS` to the number of mails that show it."""

    address: str
    name: str
    signs: dict[str, int]

    @property
    def is_own(self) -> bool:
        """Whether it seems to be one of the reporter's own."""
        return "own_name" in self.signs

    @property
    def words(self) -> str:
        """Return the reasons in words."""
        return "; ".join(f"{SIGNS[sign]} ({count})" for sign, count in self.signs.items())


@dataclasses.dataclass(slots=True)
class _Mail:
    """A mail in flight. address, name: of a client from outside, empty otherwise."""

    address: str = ""
    name: bytes = b""
    trusted: bool = False
    sender: bytes | None = None
    message_id: bytes | None = None
    recipients: list[bytes] = dataclasses.field(default_factory=list)
    originals: list[bytes] = dataclasses.field(default_factory=list)


class Neighbours:
    """Takes the events of logs, oldest first."""

    def __init__(self, *, own: Iterable[Network], domains: Iterable[str]) -> None:
        """Take the reporter's networks and domains."""
        self._peers = Peers(own=own, forwarders=())
        self._domains = frozenset(one.lower().encode() for one in domains)
        self._flight: dict[tuple[bytes, bytes], _Mail] = {}
        self._sent: dict[bytes, None] = {}
        self._signs: dict[str, collections.Counter[str]] = {}
        self._names: dict[str, str] = {}

    def take(self, host: bytes, event: Event) -> None:
        """Take one event of a host's log."""
        if isinstance(event, Came):
            self._came(host, event)
            return
        if not isinstance(event, Told | Went | Returned | Ended):
            return
        mail = self._flight.get((host, event.queue_id))
        if mail is None:
            if not isinstance(event, Returned):
                return
            mail = self._new(host, event.queue_id)
        if isinstance(event, Told):
            mail.sender = event.sender if event.sender is not None else mail.sender
            mail.message_id = event.message_id or mail.message_id
        elif isinstance(event, Returned):
            if event.sender is not None:
                mail.originals.append(event.sender)
        elif isinstance(event, Went):
            mail.recipients.append(event.recipient)
            self._went(mail, event)
        else:
            self._end(self._flight.pop((host, event.queue_id)))

    def found(self) -> list[Neighbour]:
        """Return the servers with signs, the plainest first."""
        for mail in self._flight.values():
            self._end(mail)
        self._flight.clear()
        proposed = []
        for address, signs in self._signs.items():
            plain = {sign: signs[sign] for sign in SIGNS if signs[sign] >= LEAST}
            if plain:
                proposed.append(Neighbour(address=address, name=self._names.get(address, ""), signs=plain))
        return sorted(proposed, key=lambda one: (-sum(one.signs.values()), one.address))

    def _new(self, host: bytes, queue_id: bytes) -> _Mail:
        if len(self._flight) >= _MOST_IN_FLIGHT:
            self._end(self._flight.pop(next(iter(self._flight))))
        mail = self._flight[host, queue_id] = _Mail()
        return mail

    def _came(self, host: bytes, event: Came) -> None:
        before = self._flight.pop((host, event.queue_id), None)
        mail = self._new(host, event.queue_id)
        if before is not None and not before.address and before.sender is None:
            mail.originals = before.originals  # Exim names what its ACL saw before it names the mail
        mail.trusted, mail.sender, mail.message_id = event.trusted, event.sender, event.message_id
        mail.recipients.extend(event.recipients)
        peer = self._peers.of(event.address) if event.address is not None else None
        if peer is None or peer.own:
            mail.trusted = mail.trusted or event.address is None or peer is not None
        elif not event.trusted:
            mail.address, mail.name = peer.text, event.name or b""

    def _went(self, mail: _Mail, event: Went) -> None:
        peer = self._peers.of(event.relay) if event.relay is not None else None
        if mail.sender and mail.message_id and mail.trusted and peer is not None and not peer.own:
            if len(self._sent) >= _MOST_SENT:
                del self._sent[next(iter(self._sent))]
            self._sent[_key(mail.message_id)] = None

    def _end(self, mail: _Mail) -> None:
        if not mail.address:
            return
        if mail.name:
            self._names[mail.address] = mail.name.decode("ascii", "replace")
        if _in(mail.name.lower().rstrip(b"."), self._domains):
            self._sign(mail, "own_name")
        if mail.sender:
            if mail.sender.lower().startswith(_SRS):
                self._sign(mail, "srs")
            if (
                mail.message_id
                and _in(domain_of(mail.sender), self._domains)
                and _key(mail.message_id) in self._sent
            ):
                self._sign(mail, "mail_came_back")
        elif mail.sender == b"" and mail.recipients and mail.originals:
            ours = {domain_of(one) for one in mail.recipients}
            if not any(domain_of(one) in ours for one in mail.originals):
                self._sign(mail, "other_domain")

    def _sign(self, mail: _Mail, sign: str) -> None:
        self._signs.setdefault(mail.address, collections.Counter())[sign] += 1


def _key(message_id: bytes) -> bytes:
    return hashlib.blake2b(message_id, digest_size=16).digest()


def _in(name: bytes, domains: frozenset[bytes]) -> bool:
    labels = name.split(b".")
    return any(b".".join(labels[place:]) in domains for place in range(len(labels)))


def neighbours_in(
    paths: Iterable[str],
    *,
    own: Iterable[Network],
    domains: Iterable[str],
    zone: dt.tzinfo,
    now: dt.datetime,
    complain: Callable[[str], None],
) -> list[Neighbour]:
    """Return the servers that logs propose; a log that cannot be read is complained about."""
    collected = Neighbours(own=own, domains=domains)
    ages: list[tuple[int, str]] = []
    for path in paths:
        try:
            with opened(path, zone=zone, now=now) as source:
                ages.append((source.first_at, path))
        except BROKEN as problem:
            complain(f"{path}: {problem}; passed over")
    for _, path in sorted(ages):
        try:
            with opened(path, zone=zone, now=now) as source:
                for entries, _ in source.batches(0):
                    for line in entries:
                        parser = parser_of(line.program) if line is not None else None
                        event = parser(line.text) if line is not None and parser is not None else None
                        if line is not None and event is not None:
                            collected.take(line.host, event)
        except BROKEN as problem:
            complain(f"{path}: {problem}; read up to there")
    return collected.found()
