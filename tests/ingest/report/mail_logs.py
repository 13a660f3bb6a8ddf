"""Logs made up for tests: what Postfix, Exim and rspamd write for a few kinds of mail, as classic syslog."""

import dataclasses
import datetime as dt
import random

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NOW = dt.datetime(2026, 11, 25, 12, 0, tzinfo=dt.UTC)


def classic(at: dt.datetime) -> str:
    return f"{MONTHS[at.month - 1]} {at.day:2} {at:%H:%M:%S}"


@dataclasses.dataclass
class PostfixLog:
    """Collects entries with their times; `text` gives them in order."""

    host: str = "mx1"
    entries: list[tuple[dt.datetime, int, str]] = dataclasses.field(default_factory=list)
    number: int = 0

    def add(self, at: dt.datetime, daemon: str, text: str) -> None:
        self.number += 1
        self.entries.append(
            (at, self.number, f"{classic(at)} {self.host} postfix/{daemon}[{at.minute}]: {text}")
        )

    def queue_id(self) -> str:
        self.number += 1
        return f"{self.host.upper().replace('MX', '4')}{self.number:08X}"

    def sent(
        self, at: dt.datetime, *, sender: str, recipient: str, message_id: str, relay: str = "198.51.100.1"
    ) -> None:
        one = self.queue_id()
        self.add(
            at,
            "submission/smtpd",
            f"{one}: client=unknown[203.0.113.9], sasl_method=PLAIN, sasl_username={sender}",
        )
        self.add(at, "cleanup", f"{one}: message-id=<{message_id}>")
        self.add(at, "qmgr", f"{one}: from=<{sender}>, size=1200, nrcpt=1 (queue active)")
        self.add(
            at,
            "smtp",
            f"{one}: to=<{recipient}>, relay=mx.there.example[{relay}]:25, delay=1, delays=0/0/0.5/0.5, "
            "dsn=2.0.0, status=sent (250 ok)",
        )
        self.add(at, "qmgr", f"{one}: removed")

    def bounced(
        self,
        at: dt.datetime,
        *,
        client: str,
        recipient: str,
        own_id: str,
        original: str | None = None,
        original_sender: str | None = None,
        name: str = "mail.emitter.example",
        helo: str = "mail.emitter.example",
    ) -> None:
        one = self.queue_id()
        tail = f"from {name}[{client}]; from=<> to=<{recipient}> proto=ESMTP helo=<{helo}>"
        self.add(at, "smtpd", f"{one}: client={name}[{client}]")
        self.add(at, "cleanup", f"{one}: message-id=<{own_id}>")
        if original is not None:
            self.add(at, "cleanup", f"{one}: info: body Message-ID: <{original}> {tail}")
        if original_sender is not None:
            self.add(at, "cleanup", f"{one}: info: body X-Postfix-Sender: rfc822; {original_sender} {tail}")
        self.add(at, "qmgr", f"{one}: from=<>, size=3456, nrcpt=1 (queue active)")
        self.add(
            at,
            "lmtp",
            f"{one}: to=<{recipient}>, relay=mx1[private/dovecot-lmtp], delay=0.1, delays=0/0/0/0.1, "
            "dsn=2.0.0, status=sent (250 2.0.0 saved)",
        )
        self.add(at, "qmgr", f"{one}: removed")

    def refused(
        self, at: dt.datetime, *, client: str, recipient: str, helo: str = "mail.emitter.example"
    ) -> None:
        self.add(
            at,
            "smtpd",
            f"NOQUEUE: reject: RCPT from mail.emitter.example[{client}]: 550 5.1.1 <{recipient}>: Recipient "
            f"address rejected: User unknown in virtual mailbox table; from=<> to=<{recipient}> proto=ESMTP "
            f"helo=<{helo}>",
        )

    def quiet(self, start: dt.datetime, end: dt.datetime, *, hours: int = 3) -> None:
        """Fill a time with the entries that any mail server writes."""
        at = start
        while at < end:
            self.add(at, "anvil", "statistics: max connection rate 1/60s")
            self.add(at, "smtpd", "connect from unknown[203.0.113.77]")
            at += dt.timedelta(hours=hours)

    def text(self) -> bytes:
        return "".join(line + "\n" for _, _, line in sorted(self.entries)).encode()


@dataclasses.dataclass(frozen=True)
class Week:
    """A log of many days and what is true about it: counts by what really happened."""

    log: bytes
    genuine: int
    backscatter: int
    refused: int


def long_log(seed: int, *, days: int = 12, backscatter_days: int = 3, log: PostfixLog | None = None) -> Week:
    """Return a log with own mail, genuine bounces of it, and backscatter over the last days."""
    chance = random.Random(seed)
    log = log or PostfixLog()
    start = NOW - dt.timedelta(days=days)
    log.quiet(start, NOW, hours=3)
    genuine = backscatter = refused = 0
    for number in range(days * 40):
        at = start + dt.timedelta(minutes=36 * number + chance.randrange(30))
        if at > NOW - dt.timedelta(hours=1):
            break
        user, message_id = f"user{chance.randrange(20)}@own.example", f"m{seed}-{number}@own.example"
        log.sent(at, sender=user, recipient=f"r{number}@there.example", message_id=message_id)
        if chance.random() < 0.1:
            genuine += 1
            log.bounced(
                min(at + dt.timedelta(minutes=chance.randrange(5000)), NOW - dt.timedelta(minutes=1)),
                client=f"198.51.100.{chance.randrange(2, 9)}",
                name="mx.there.example",
                recipient=user,
                own_id=f"dsn{number}@mx.there.example",
                original=message_id,
                original_sender=user,
            )
    for number in range(300):
        at = NOW - dt.timedelta(minutes=1 + chance.randrange(backscatter_days * 1440))
        client = f"192.0.2.{chance.randrange(1, 200)}"
        if chance.random() < 0.5:
            backscatter += 1
            user = f"user{chance.randrange(20)}@own.example"
            log.bounced(
                at,
                client=client,
                recipient=user,
                own_id=f"b{number}@mail.emitter.example",
                original=f"forged{number}@own.example",
                original_sender=user,
            )
        else:
            refused += 1
            log.refused(at, client=client, recipient=f"nobody{number}@own.example")
    return Week(log.text(), genuine, backscatter, refused)


@dataclasses.dataclass
class EximLog:
    """Entries of Exim's main log."""

    entries: list[tuple[dt.datetime, int, str]] = dataclasses.field(default_factory=list)
    number: int = 0

    def add(self, at: dt.datetime, text: str) -> None:
        self.number += 1
        self.entries.append((at, self.number, f"{at:%Y-%m-%d %H:%M:%S} {text}"))

    def message_id(self) -> str:
        self.number += 1
        return f"1t{self.number:04d}-{self.number:06d}-Ab"

    def quiet(self, start: dt.datetime, end: dt.datetime) -> None:
        at = start
        while at < end:
            self.add(at, "Start queue run: pid=77")
            at += dt.timedelta(hours=1)

    def sent(self, at: dt.datetime, *, sender: str, recipient: str, message_id: str) -> None:
        one = self.message_id()
        self.add(at, f"{one} <= {sender} H=(pc) [203.0.113.9] P=esmtpsa A=plain:u S=900 id={message_id}")
        self.add(
            at,
            f"{one} => {recipient} R=dnslookup T=remote_smtp H=mx.there.example [198.51.100.1] X=TLS "
            'C="250 ok"',
        )
        self.add(at, f"{one} Completed")

    def bounced(
        self,
        at: dt.datetime,
        *,
        client: str,
        recipient: str,
        own_id: str,
        original: str,
        sender: str,
        helo: str = "mail.emitter.example",
        subject: str = "Mail delivery failed",
    ) -> None:
        one = self.message_id()
        self.add(at, f"{one} bsf-original <{original}> sender <{sender}>")
        self.add(
            at,
            f"{one} <= <> H=mail.emitter.example ({helo}) [{client}] P=esmtps X=TLS CV=no S=2345 id={own_id} "
            f'T="{subject}" for {recipient}',
        )
        self.add(at, f"{one} => {recipient.partition('@')[0]} <{recipient}> R=local_user T=maildir")
        self.add(at, f"{one} Completed")

    def refused(self, at: dt.datetime, *, client: str, recipient: str) -> None:
        self.add(
            at,
            f"H=mail.emitter.example [{client}] X=TLS CV=no F=<> rejected RCPT <{recipient}>: "
            "Unrouteable address",
        )

    def text(self) -> bytes:
        return "".join(line + "\n" for _, _, line in sorted(self.entries)).encode()
