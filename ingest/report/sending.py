"""From mails to items for the spool: facts as JSON by default, the mail itself only when asked for."""

import argparse
import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from typing import Any, Final

from ingest.report.classify import Kind
from ingest.report.facts import Facts
from ingest.report.index import Index
from ingest.report.keys import Keys, domain_of, untagged
from ingest.report.mails import mails
from ingest.report.networks import Peers, address
from ingest.report.notice import Notice, read_notice
from ingest.report.scan import judge_facts
from ingest.report.settings import Settings
from ingest.report.spool import RAW, REPORT, Item, Spool
from ingest.report.submit import FRESH_S, stamp

UNKNOWN: Final = "unknown"


class Sender:
    """Spools mails. spooled, known, left_out: how many went which way; left_out are no evidence."""

    def __init__(
        self, settings: Settings, keys: Keys, index: Index | None, spool: Spool, options: argparse.Namespace
    ) -> None:
        """Take options: recipient_class, client_ip, recipient, raw."""
        self._settings, self._keys, self._index, self._spool = settings, keys, index, spool
        self._options = options
        self._peers = Peers(own=settings.own_networks, forwarders=settings.forwarders)
        self.spooled = self.known = self.left_out = 0

    def send_all(self, paths: Iterable[str], *, now: dt.datetime) -> None:
        """Spool all mails at the paths; raises SpoolError or OSError, and then a repeat loses nothing."""
        for path in paths:
            for mail in mails(path):
                self.send(mail, now=now)

    def send(self, mail: bytes, *, now: dt.datetime) -> bool:
        """Spool one mail and return whether it is evidence; raises SpoolError, and then it may come again."""
        item = self._item(mail, now=int(now.timestamp()))
        if item is None:
            self.left_out += 1
        elif self._spool.put(item):
            self.spooled += 1
        else:
            self.known += 1
        return item is not None

    def _item(self, mail: bytes, *, now: int) -> Item | None:
        notice = read_notice(
            mail, border_hosts=self._settings.border_hosts, internal_hosts=self._settings.internal_hosts
        )
        claim = self._claim(notice, now=now)
        if claim is None or claim["at"] < now - FRESH_S:
            return None
        at = claim.pop("at")
        # A mail that no server of ours has stamped yet may come from two servers in the same words.
        told = self._options.client_ip
        digest = hashlib.sha256(f"{told}\0".encode() + mail if told else mail).hexdigest()
        if self._options.raw:
            texts = {
                "class" if name == "recipient_class" else name: _text(value) for name, value in claim.items()
            }
            return Item(kind=RAW, body=mail, claim=texts, identity=digest, stale_at=at + FRESH_S)
        if notice.kind is None or "client_ip" not in claim:
            return None
        original = notice.originals[0] if notice.originals else None
        record: dict[str, Any] = {
            "null_sender": notice.null_sender is True,
            "kind": notice.kind,
            "digest": digest,
        }
        if original is not None:
            record["original_key"] = self._keys.of(b"id", original).hex()
        return Item(
            kind=REPORT, body=json.dumps(record | claim).encode(), identity=digest, stale_at=at + FRESH_S
        )

    def _claim(self, notice: Notice, *, now: int) -> dict[str, Any] | None:
        """Return the claim with the moment as `at`, None if the mail answers mail of ours or is our own."""
        at = min(notice.at or now, now)
        claim: dict[str, Any] = {"at": at, "observed_at": stamp(at), "recipient_class": UNKNOWN}
        client = self._options.client_ip or (notice.client.decode() if notice.client else "")
        if client:
            found = address(client)
            peer = self._peers.of(client.encode())
            if found is None or peer is None or peer.own or peer.forwarder:
                return None
            claim["client_ip"] = str(found)
        recipient = (self._options.recipient.encode() if self._options.recipient else notice.recipient) or b""
        if recipient:
            claim["recipient_token"] = self._keys.address(recipient).hex()
        if notice.null_sender is not None:
            claim["null_sender"] = notice.null_sender
        if self._options.recipient_class:
            claim["recipient_class"] = self._options.recipient_class
            return claim
        return self._by_index(claim, notice, recipient, at=at)

    def _by_index(
        self, claim: dict[str, Any], notice: Notice, recipient: bytes, *, at: int
    ) -> dict[str, Any] | None:
        if self._index is None or not notice.null_sender or not recipient:
            return claim
        domain = domain_of(recipient)
        facts = Facts(
            refused=False,
            recipient=self._keys.address(recipient).hex(),
            plain=self._keys.address(untagged(recipient) or recipient).hex(),
            signed=untagged(recipient) is not None,
            unique=b"=" in recipient.rpartition(b"@")[0],
            originals=tuple(
                self._keys.of(b"id", one).hex() for one in notice.originals if one != notice.message_id
            ),
            match=any(domain_of(one) == domain for one in notice.original_senders),
            own_domain=not self._settings.domains or domain.decode("latin-1") in self._settings.domains,
            tagged_domain=domain.decode("latin-1") in self._settings.tagged_domains,
        )
        kind, _, days = judge_facts(self._index, facts, self._settings, at=at)
        if kind is Kind.GENUINE:
            return None
        if kind is not Kind.UNKNOWN:
            claim |= {"recipient_class": kind.value, "lookback_days": days}
        if kind is Kind.LOG_MISS:
            claim["original_recipient_match"] = True
        return claim


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
