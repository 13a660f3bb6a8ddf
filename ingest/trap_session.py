"""One SMTP session of the trap receiver: bytes of the client in, replies and what was learned out.

No sockets and no clock: `trap_server` moves the bytes. The grammar is that of RFC 5321 without its leniency:
only CR LF ends a line and only CR LF . CR LF ends a mail, so that a mail which another server would take for
two is one here. Whatever a client sends, a session keeps at most one mail of `Limits.kept_bytes` and one
line. That is why it is written here: aiosmtpd 1.4.6 keeps a line that never ends, whatever its limit
(measured by `tests.bench.trap_connections`).

Nothing is ever relayed or answered by mail: a mail is taken, judged, and then refused in the session.
"""

import collections
import dataclasses
import re
from collections.abc import Collection
from typing import Final

from ingest.mail import limits

LINE_BYTES: Final = 1024
"""A command with its line end. RFC 5321 asks for 512 and leaves room for extensions (4.5.3.1.4)."""
MOST_RECIPIENTS: Final = 20
MOST_COMMANDS: Final = 400
MOST_MAILS: Final = 50
MOST_ERRORS: Final = 10
_MOST_REMEMBERED: Final = 5
"""Recipients of one callout that are counted."""

_PATH: Final = re.compile(rb"[ \t]*<(?:@[^<>\r\n:]{0,400}:)?([^<>\r\n\x00]{0,320})>((?: [^\r\n]*)?)")
_NAME: Final = re.compile(rb"[!-~]{1,255}")
_SIZE: Final = re.compile(rb"(?:^| )SIZE=(\d{1,15})(?= |$)", re.IGNORECASE)
_PARAMETERS: Final = frozenset({b"SIZE", b"BODY", b"SMTPUTF8", b"AUTH"})

REFUSED_MAIL: Final = b"550 5.7.1 "
TRY_LATER: Final = b"451 4.3.2 Busy, try again later\r\n"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """kept_bytes: of a mail, the rest is counted and dropped. largest_bytes: beyond it a mail is refused."""

    kept_bytes: int = limits.MESSAGE_BYTES
    largest_bytes: int = 10 * 1024 * 1024


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Traps:
    """What is a trap: whole domains and single addresses, all lower case."""

    domains: Collection[str] = frozenset()
    addresses: Collection[str] = frozenset()

    def holds(self, address: str) -> bool:
        """Return whether mail to `address` (lower case) is for a trap."""
        return address in self.addresses or address.rpartition("@")[2] in self.domains


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail that came in whole; the client waits for the reply. sender: empty for a null sender."""

    helo: str
    sender: str
    recipients: tuple[str, ...]
    message: bytes
    truncated: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Callout:
    """A session that named recipients for a null sender and then sent no mail."""

    helo: str
    recipients: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """Bytes to send."""

    data: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class StartTls:
    """The client waits for the handshake; afterwards the session begins again (`secured`)."""


@dataclasses.dataclass(frozen=True, slots=True)
class Close:
    """The connection is to be closed once everything was sent."""


Output = Mail | Callout | Reply | StartTls | Close


class Session:
    """The state of one connection. `receive`, `answer` and `end` return what is to be done, in order."""

    def __init__(self, *, hostname: str, traps: Traps, limits: Limits, offers_tls: bool = False) -> None:
        """Take what never changes; `greet` begins.

        refusals: what was refused so far, by reason; whoever counts them takes them out.
        """
        self.refusals: collections.Counter[str] = collections.Counter()
        self._hostname, self._traps, self._limits = hostname.encode("ascii", "replace"), traps, limits
        self._offers_tls = offers_tls
        self._buffer = bytearray()
        self._out: list[Output] = []
        self._helo = ""
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._data: _Data | None = None
        self._waits = self._closed = self._skips = False
        self._can_keep = True
        self._commands = self._mails = self._errors = 0

    @property
    def held_bytes(self) -> int:
        """How much of what the client sent is kept at this moment."""
        return len(self._buffer) + (len(self._data.kept) if self._data is not None else 0)

    @property
    def waits(self) -> bool:
        """Whether nothing more is to be read before `answer` or `secured`."""
        return self._waits

    def greet(self) -> list[Output]:
        """Begin."""
        return [Reply(b"220 " + self._hostname + b" ESMTP\r\n")]

    def receive(self, data: bytes, *, can_keep: bool = True) -> list[Output]:
        """Take bytes of the client. can_keep False: there is no memory for mails, they are put off."""
        if self._closed:
            return []
        self._buffer += data
        self._can_keep = can_keep
        if self._data is not None and not can_keep:
            self._data.put_off()
        return self._go_on()

    def answer(self, reply: bytes) -> list[Output]:
        """Give the reply to the mail that was handed out last, and go on with what was sent meanwhile."""
        self._waits = False
        self._reply(reply)
        return self._go_on()

    def secured(self) -> list[Output]:
        """Begin again behind a handshake: nothing said in the clear counts (RFC 3207 section 4.2)."""
        self._waits = self._offers_tls = False
        self._buffer.clear()
        self._helo = ""
        self._forget()
        return self._flush()

    def end(self) -> list[Output]:
        """Take the client as gone; a mail that it had not finished is none."""
        self._closed = True
        self._buffer.clear()
        if self._data is not None:
            self._data = None
            self._forget()
        else:
            self._abandon()
        return self._flush()

    def dismiss(self, words: bytes) -> list[Output]:
        """End the session from this side with 421."""
        if not self._closed:
            self._hang_up(b"421 4.3.2 " + words + b"\r\n")
        return self._flush()

    def _go_on(self) -> list[Output]:
        while not self._waits and not self._closed:
            if self._data is not None:
                if not self._take_data(self._data):
                    break
            elif not self._take_line():
                break
        return self._flush()

    def _flush(self) -> list[Output]:
        out, self._out = self._out, []
        return out

    def _reply(self, data: bytes) -> None:
        if self._out and isinstance(last := self._out[-1], Reply):
            self._out[-1] = Reply(last.data + data)
        else:
            self._out.append(Reply(data))

    def _hang_up(self, reply: bytes) -> None:
        self._abandon()
        self._reply(reply)
        self._out.append(Close())
        self._closed = True
        self._buffer.clear()
        self._data = None

    def _wrong(self, reply: bytes) -> None:
        self._errors += 1
        if self._errors > MOST_ERRORS:
            self._hang_up(b"421 4.7.0 Too many errors\r\n")
        else:
            self._reply(reply)

    # Lines

    def _take_line(self) -> bool:
        """Take one command, and return whether there was one."""
        end = self._buffer.find(b"\r\n")
        if end < 0:
            if len(self._buffer) >= LINE_BYTES:
                # The rest of a line that is too long is dropped until it ends; a last CR may begin that end.
                self._skips = True
                del self._buffer[: -1 if self._buffer.endswith(b"\r") else None]
            return False
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        if self._skips or len(line) + 2 > LINE_BYTES:
            self._skips = False
            self._wrong(b"500 5.5.2 Line too long\r\n")
            return True
        self._commands += 1
        if self._commands > MOST_COMMANDS:
            self._hang_up(b"421 4.7.0 Too many commands\r\n")
        elif b"\n" in line or b"\r" in line or b"\0" in line:
            self._wrong(b"500 5.5.2 Bare line ends are not taken\r\n")
        else:
            verb, _, rest = line.partition(b" ")
            self._command(verb.upper(), rest)
        return True

    def _command(self, verb: bytes, rest: bytes) -> None:
        match verb:
            case b"EHLO" | b"HELO":
                self._hello(verb, rest)
            case b"MAIL":
                self._mail(rest)
            case b"RCPT":
                self._recipient(rest)
            case b"DATA":
                self._begin_data(rest)
            case b"RSET":
                self._abandon()
                self._reply(b"250 2.0.0 Ok\r\n")
            case b"NOOP":
                self._reply(b"250 2.0.0 Ok\r\n")
            case b"VRFY":
                self._reply(b"252 2.0.0 Send some mail, it will be seen\r\n")
            case b"QUIT":
                self._hang_up(b"221 2.0.0 Bye\r\n")
            case b"STARTTLS":
                self._start_tls(rest)
            case _:
                self._wrong(b"502 5.5.1 Command not known\r\n")

    def _hello(self, verb: bytes, rest: bytes) -> None:
        name = rest.strip()
        if not _NAME.fullmatch(name):
            self._wrong(b"501 5.5.4 A name is needed\r\n")
            return
        self._abandon()
        self._helo = name.decode("ascii")
        if verb == b"HELO":
            self._reply(b"250 " + self._hostname + b"\r\n")
            return
        words = [self._hostname, b"PIPELINING", b"SIZE %d" % self._limits.largest_bytes]
        words += [b"STARTTLS"] if self._offers_tls else []
        words += [b"ENHANCEDSTATUSCODES", b"8BITMIME", b"SMTPUTF8"]
        lines = [b"250-" + word for word in words[:-1]] + [b"250 " + words[-1]]
        self._reply(b"\r\n".join(lines) + b"\r\n")

    def _path(self, rest: bytes, keyword: bytes) -> tuple[str, bytes] | None:
        if rest[: len(keyword)].upper() != keyword:
            return None
        found = _PATH.fullmatch(rest[len(keyword) :])
        if found is None:
            return None
        return found[1].decode("utf-8", "replace").strip(), found[2].strip()

    def _mail(self, rest: bytes) -> None:
        found = self._path(rest, b"FROM:")
        if not self._helo:
            self._wrong(b"503 5.5.1 EHLO first\r\n")
        elif self._sender is not None:
            self._wrong(b"503 5.5.1 One sender at a time\r\n")
        elif found is None:
            self._wrong(b"501 5.5.4 MAIL FROM:<address> is needed\r\n")
        elif {one.partition(b"=")[0].upper() for one in found[1].split()} - _PARAMETERS:
            self._wrong(b"555 5.5.4 Parameter not known\r\n")
        elif (size := _SIZE.search(found[1])) is not None and int(size[1]) > self._limits.largest_bytes:
            self.refusals["too_large"] += 1
            self._wrong(b"552 5.3.4 Too large\r\n")
        else:
            self._sender = found[0]
            self._reply(b"250 2.1.0 Ok\r\n")

    def _recipient(self, rest: bytes) -> None:
        found = self._path(rest, b"TO:")
        if self._sender is None:
            self._wrong(b"503 5.5.1 MAIL first\r\n")
        elif found is None or "@" not in found[0] or found[1]:
            self._wrong(b"501 5.5.4 RCPT TO:<address> is needed\r\n")
        elif not self._traps.holds(address := found[0].rstrip(".").lower()):
            self.refusals["no_trap"] += 1
            self._wrong(b"550 5.7.1 No such recipient here\r\n")
        elif len(self._recipients) >= MOST_RECIPIENTS:
            self._wrong(b"452 4.5.3 Too many recipients\r\n")
        else:
            self._recipients.append(address)
            self._reply(b"250 2.1.5 Ok\r\n")

    def _start_tls(self, rest: bytes) -> None:
        if not self._offers_tls:
            self._wrong(b"502 5.5.1 Command not known\r\n")
        elif rest.strip():
            self._wrong(b"501 5.5.4 STARTTLS takes no argument\r\n")
        elif self._buffer:
            # What was sent behind it in the clear must never be taken for a command inside the tunnel.
            self._hang_up(b"421 4.7.0 Nothing may follow STARTTLS\r\n")
        else:
            self._abandon()
            self._waits = True
            self._reply(b"220 2.0.0 Go on\r\n")
            self._out.append(StartTls())

    # Mails

    def _begin_data(self, rest: bytes) -> None:
        if not self._recipients or self._sender is None:
            self._wrong(b"503 5.5.1 A recipient first\r\n")
        elif rest.strip():
            self._wrong(b"501 5.5.4 DATA takes no argument\r\n")
        elif self._mails >= MOST_MAILS:
            self._hang_up(b"421 4.7.0 Too many mails at once\r\n")
        else:
            self._mails += 1
            self._data = _Data(self._limits)
            if not self._can_keep:
                self._data.put_off()
            self._reply(b"354 End with a dot\r\n")

    def _take_data(self, data: "_Data") -> bool:
        """Take what there is of a mail, and return whether it is over."""
        is_over = data.take(self._buffer)
        if data.is_hopeless:
            self._data = None
            self._forget()
            self.refusals["too_large"] += 1
            self._hang_up(b"552 5.3.4 Too large\r\n")
            return True
        if not is_over:
            return False
        sender, recipients = self._sender or "", tuple(self._recipients)
        self._data = None
        self._forget()
        if data.is_too_large:
            self.refusals["too_large"] += 1
            self._reply(b"552 5.3.4 Too large\r\n")
        elif data.is_put_off:
            self.refusals["no_memory"] += 1
            self._reply(TRY_LATER)
        else:
            self._waits = True
            self._out.append(
                Mail(
                    helo=self._helo,
                    sender=sender,
                    recipients=recipients,
                    message=bytes(data.kept),
                    truncated=data.is_truncated,
                )
            )
        return True

    def _abandon(self) -> None:
        """Forget the transaction; recipients for a null sender without a mail were a callout."""
        if self._sender == "" and self._recipients:
            seen = tuple(dict.fromkeys(self._recipients))[:_MOST_REMEMBERED]
            self._out.append(Callout(helo=self._helo, recipients=seen))
        self._forget()

    def _forget(self) -> None:
        self._sender = None
        self._recipients = []


class _Data:
    """A mail on its way in. kept: its first bytes, dots removed (RFC 5321 section 4.5.2)."""

    def __init__(self, limits: Limits) -> None:
        self.kept = bytearray()
        self.is_put_off = False
        self._limits = limits
        self._bytes = 0
        self._at_line_start = True

    @property
    def is_too_large(self) -> bool:
        """Whether it is larger than what is taken."""
        return self._bytes > self._limits.largest_bytes

    @property
    def is_hopeless(self) -> bool:
        """Whether it goes on and on: waiting for its end to refuse it costs more than it is worth."""
        return self._bytes > 2 * self._limits.largest_bytes

    @property
    def is_truncated(self) -> bool:
        """Whether only its beginning was kept."""
        return self._bytes > len(self.kept)

    def put_off(self) -> None:
        """Keep nothing of it."""
        self.is_put_off = True
        self.kept.clear()

    def take(self, buffer: bytearray) -> bool:
        """Move what is sure from `buffer`, and return whether the end of the mail was there."""
        place = 0
        while place < len(buffer):
            if self._at_line_start:
                head = bytes(buffer[place : place + 3])
                if head == b".\r\n":
                    del buffer[: place + 3]
                    return True
                if b".\r\n".startswith(head):
                    break  # it may become the end
                place += head[:1] == b"."
            end = buffer.find(b"\r\n", place)
            if end < 0:
                # A last CR may begin a line end.
                stop = len(buffer) - buffer.endswith(b"\r")
                self._at_line_start = False
            else:
                stop = end + 2
                self._at_line_start = True
            self._keep(buffer, place, stop)
            place = stop
            if end < 0:
                break
        del buffer[:place]
        return False

    def _keep(self, buffer: bytearray, start: int, stop: int) -> None:
        self._bytes += stop - start
        room = self._limits.kept_bytes - len(self.kept)
        if room > 0 and not self.is_put_off:
            self.kept += buffer[start : min(stop, start + room)]
