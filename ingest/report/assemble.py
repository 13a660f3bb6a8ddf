"""From the entries of a log to what was sent and what arrived; everything leaves as keyed hashes.

A mail has several entries, told apart by host and queue id. It was sent if somebody authenticated or local
gave it in, or if it was offered to a server outside: mail passed on inside the house, or taken from outside
for a mailbox here, is neither. The mails in flight are kept with the index, so a log may end anywhere.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from ingest.report import index as kinds
from ingest.report.events import Came, Ended, Event, Refused, Returned, Scanned, Told, Went
from ingest.report.facts import Facts
from ingest.report.in_flight import Mail, frozen, thawed
from ingest.report.index import Arrival, Index
from ingest.report.keys import Keys, domain_of, untagged
from ingest.report.networks import Peer, Peers

MOST_IN_FLIGHT: Final = 50_000
"""Mails whose end was not seen. A queue has hundreds; a hostile or cut log could leave millions."""
_MOST_LISTED: Final = 20
_SOON_S: Final = 600
_DAY_S: Final = 86_400
MAIL_SERVER, FILTER = range(2)


class Assembler:
    """Takes events in the order of each log and gives facts to the index on `flush`."""

    def __init__(
        self,
        index: Index,
        keys: Keys,
        peers: Peers,
        *,
        domains: frozenset[bytes] = frozenset(),
        tagged_domains: frozenset[bytes] = frozenset(),
    ) -> None:
        """Take over the mails in flight that the index kept."""
        self._index, self._keys, self._peers = index, keys, peers
        self._domains, self._tagged = domains, tagged_domains
        self._flight: dict[tuple[bytes, bytes], Mail] = thawed(index.state("flight"))
        self._known: dict[tuple[int, bytes], tuple[int, int]] = {}
        self._seen: dict[tuple[str, int, int], int] = {}
        self._arrivals: list[Arrival] = []
        self.sending: set[bytes] = set()
        """Hosts whose log shows mail that left."""
        self._take: dict[type[Event], Callable[[bytes, int, Any], None]] = {
            Came: self._came,
            Told: self._told,
            Went: self._went,
            Returned: self._returned,
            Ended: self._ended,
            Refused: self._refused,
            Scanned: self._scanned,
        }

    def take(self, host: bytes, at: int, event: Event) -> None:
        """Take one event; at: seconds since 1970."""
        self._take[type(event)](host, at, event)

    def pending(self) -> int:
        """Return how many facts wait for `flush`."""
        return len(self._known) + len(self._seen) + len(self._arrivals)

    def flush(self) -> None:
        """Give everything to the index, inside its transaction, with the mails still in flight.

        Arrivals in flight are given too, with what is known of them by now: the end of their mail may never
        be logged, and the index joins what comes later.
        """
        for (host, queue_id), mail in self._flight.items():
            if mail.message_id is not None:  # it is part of the arrival's name, which must not change later
                self._close(host, queue_id, mail)
        self._index.know(self._known)
        self._index.count(self._seen)
        for arrival in self._arrivals:
            self._index.arrive(arrival)
        self._index.keep("flight", frozen(self._flight))
        self._known, self._seen, self._arrivals = {}, {}, []

    def _mail(self, host: bytes, queue_id: bytes, at: int) -> Mail:
        key = (host, queue_id)
        mail = self._flight.get(key)
        if mail is None:
            mail = self._flight[key] = Mail(at)
            self._make_room()
        return mail

    def _make_room(self) -> None:
        if len(self._flight) > MOST_IN_FLIGHT:
            host, queue_id = key = next(iter(self._flight))
            self._close(host, queue_id, self._flight.pop(key))

    def _outside(self, address: bytes | None) -> Peer | None:
        peer = self._peers.of(address) if address is not None else None
        return None if peer is None or peer.own else peer

    def _came(self, host: bytes, at: int, event: Came) -> None:
        before = self._flight.get((host, event.queue_id))
        mail = self._flight[host, event.queue_id] = Mail(
            at, trusted=event.trusted, sender=event.sender, message_id=event.message_id
        )
        self._make_room()
        mail.recipients.extend(event.recipients[:_MOST_LISTED])
        if before is not None and before.sender is None and not before.address and at - before.at < _SOON_S:
            # Exim names what its ACL saw before it names the mail.
            mail.originals, mail.original_senders = before.originals, before.original_senders
        peer = self._outside(event.address)
        if peer is not None and not event.trusted:
            mail.address, mail.name, mail.forwarder = peer.text, event.name or b"", peer.forwarder
            key = (peer.text, at // _DAY_S, MAIL_SERVER)
            self._seen[key] = self._seen.get(key, 0) + 1
        if event.trusted and event.sender:
            self._send(host, mail)
            for recipient in event.recipients:
                self._pair(mail, recipient, None)

    def _told(self, host: bytes, at: int, event: Told) -> None:
        mail = self._mail(host, event.queue_id, at)
        if event.sender is not None:
            mail.sender = event.sender
        if event.message_id is not None:
            mail.message_id = event.message_id

    def _went(self, host: bytes, at: int, event: Went) -> None:
        mail = self._mail(host, event.queue_id, at)
        if not mail.sender:
            if len(mail.recipients) < _MOST_LISTED:
                mail.recipients.append(event.recipient)
            return
        peer = self._outside(event.relay)
        if peer is not None or mail.trusted:
            self._send(host, mail)
            self._pair(mail, event.recipient, peer)

    def _returned(self, host: bytes, at: int, event: Returned) -> None:
        mail = self._mail(host, event.queue_id, at)
        if event.message_id is not None and len(mail.originals) < _MOST_LISTED:
            mail.originals.append(event.message_id)
        if event.sender is not None and len(mail.original_senders) < _MOST_LISTED:
            mail.original_senders.append(event.sender)

    def _ended(self, host: bytes, _at: int, event: Ended) -> None:
        mail = self._flight.pop((host, event.queue_id), None)
        if mail is not None:
            self._close(host, event.queue_id, mail)

    def _refused(self, _host: bytes, at: int, event: Refused) -> None:
        peer = self._outside(event.address)
        if peer is None:
            return
        day = at // _DAY_S
        address, recipient = peer.text.encode(), event.recipient.lower()
        stable = (b"refused", address, recipient, b"%d" % day)
        mail = Mail(at, peer.text, event.name or b"", forwarder=peer.forwarder)
        facts = self._facts(mail, recipient, refused=True, digest=self._keys.digest(*stable))
        self._arrivals.append(Arrival(self._keys.of(*_split(stable)), at, peer.text, facts.to_json()))

    def _scanned(self, host: bytes, at: int, event: Scanned) -> None:
        peer = self._outside(event.address)
        mail = Mail(
            at, trusted=event.trusted or peer is None, sender=event.sender, message_id=event.message_id
        )
        mail.recipients.extend(event.recipients[:_MOST_LISTED])
        if peer is not None and not event.trusted:
            mail.address, mail.forwarder = peer.text, peer.forwarder
            mail.originals.extend(event.originals)
            mail.original_senders.extend(event.original_senders)
            key = (peer.text, at // _DAY_S, FILTER)
            self._seen[key] = self._seen.get(key, 0) + 1
            self._close(host, event.queue_id, mail)
        elif event.trusted and event.sender:
            self._send(host, mail)
            for recipient in event.recipients:
                self._pair(mail, recipient, None)

    def _close(self, host: bytes, queue_id: bytes, mail: Mail) -> None:
        if mail.sender:
            if mail.trusted:
                self._send(host, mail)
            return
        if mail.sender is None or not mail.address:
            return
        recipient = mail.recipients[0].lower() if mail.recipients else b""
        own_id = mail.message_id or b"%d" % (mail.at // _DAY_S)
        stable = (b"mail", mail.address.encode(), queue_id, own_id)
        facts = self._facts(mail, recipient, refused=False, digest=self._keys.digest(*stable))
        self._arrivals.append(Arrival(self._keys.of(*_split(stable)), mail.at, mail.address, facts.to_json()))

    def _facts(self, mail: Mail, recipient: bytes, *, refused: bool, digest: str) -> Facts:
        keys, domain = self._keys, domain_of(recipient)
        plain = _plain(recipient)
        servers = [mail.address.encode(), *_parents(mail.name)]
        originals = dict.fromkeys(one for one in mail.originals if one != mail.message_id)
        return Facts(
            refused=refused,
            digest=digest,
            recipient=keys.address(recipient).hex() if recipient else "",
            plain=keys.address(plain).hex() if recipient else "",
            signed=untagged(recipient) is not None,
            unique=b"=" in recipient.rpartition(b"@")[0],
            originals=tuple(keys.of(b"id", one).hex() for one in originals),
            match=bool(domain) and any(domain_of(one) == domain for one in mail.original_senders),
            pairs=tuple(keys.pair(plain, one).hex() for one in servers) if recipient else (),
            forwarder=mail.forwarder,
            own_domain=domain in self._domains if self._domains else True,
            tagged_domain=domain in self._tagged,
        )

    def _send(self, host: bytes, mail: Mail) -> None:
        """Remember the Message-ID and the envelope sender of a mail that left, once a mail."""
        if mail.indexed or not mail.sender:
            return
        mail.indexed = True
        self.sending.add(host)
        day = mail.at // _DAY_S
        if mail.message_id is not None:
            self._remember(kinds.ID, self._keys.of(b"id", mail.message_id), day)
        self._remember(kinds.SENDER, self._keys.address(mail.sender), day)
        self._remember(kinds.PLAIN, self._keys.address(_plain(mail.sender)), day)

    def _pair(self, mail: Mail, recipient: bytes, peer: Peer | None) -> None:
        assert mail.sender is not None
        sender, day = _plain(mail.sender), mail.at // _DAY_S
        if peer is not None:
            self._remember(kinds.PAIR, self._keys.pair(sender, peer.text.encode()), day)
        if domain := domain_of(recipient):
            self._remember(kinds.PAIR, self._keys.pair(sender, domain), day)

    def _remember(self, kind: int, key: bytes, day: int) -> None:
        old = self._known.get((kind, key))
        self._known[kind, key] = (day, 1) if old is None else (max(old[0], day), old[1] + 1)


def _split(stable: tuple[bytes, ...]) -> tuple[bytes, bytes]:
    return stable[0], b"\0".join(stable[1:])


def _plain(address: bytes) -> bytes:
    """Return an address without its signature and its extension."""
    found = untagged(address) or address
    local, mark, domain = found.rpartition(b"@")
    return local.partition(b"+")[0] + mark + domain if local else found


def _parents(name: bytes) -> Iterable[bytes]:
    """Return a host name and the domains above it, without the top-level domain."""
    labels = name.lower().rstrip(b".").split(b".")[-6:]
    return (b".".join(labels[place:]) for place in range(len(labels) - 1))
