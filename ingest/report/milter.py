"""A milter that only writes to the spool, for Postfix and sendmail. Needs pymilter (Debian: python3-milter).

It looks at mail with an empty sender and at all mail to traps, keeps the first 256 kB of it until its end,
and spools what it proves. It never refuses, changes or delays anything: on any trouble of its own the mail
goes on as if it were not there.
"""

import argparse
import importlib
from collections.abc import Callable
from typing import Any, Final

from ingest.report.mails import LARGEST

TIMEOUT_S: Final = 60
_MOST_RECIPIENTS: Final = 5

Take = Callable[[argparse.Namespace, bytes], bool]
"""Spools a mail with what is known of it, as `Sender.send` does."""


class MilterError(Exception):
    """The milter cannot run; the message says why."""


class Seen:
    """What one connection has said of the mail that it is sending."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self.client = ""
        self.sender: str | None = None
        self.recipients: list[str] = []
        self.parts: list[bytes] = []
        self.size = 0

    def begin(self, sender: str) -> None:
        """Take the envelope sender of a new mail, `<>` for none."""
        self.sender, self.recipients, self.parts, self.size = sender.strip("<>"), [], [], 0

    def keep(self, data: bytes) -> None:
        """Keep a piece of the mail while there is room."""
        if self.size < LARGEST:
            self.parts.append(data[: LARGEST - self.size])
            self.size += len(data)

    def mail(self, recipient: str) -> bytes:
        """Return the mail as the own server would store it: with the fields that say how it came."""
        head = f"Return-Path: <{self.sender or ''}>\r\nX-Original-To: {recipient}\r\n"
        return head.encode("utf-8", "surrogateescape") + b"".join(self.parts)


def is_trap(recipient: str, traps: frozenset[str]) -> bool:
    """Return whether a recipient or its domain is a trap."""
    lower = recipient.lower()
    return lower in traps or lower.rpartition("@")[2] in traps


def spool(seen: Seen, take: Take, *, traps: frozenset[str], raw: bool) -> int:
    """Spool what a finished mail proves for its first recipients; returns how many; raises SpoolError."""
    count = 0
    for recipient in dict.fromkeys(seen.recipients[:_MOST_RECIPIENTS]):
        trap = is_trap(recipient, traps)
        if seen.sender and not trap:
            continue
        words = argparse.Namespace(
            recipient_class="trap" if trap else "", client_ip=seen.client, recipient=recipient, raw=raw
        )
        count += take(words, seen.mail(recipient))
    return count


def run(place: str, take: Take, *, traps: frozenset[str], raw: bool, complain: Callable[[str], None]) -> None:
    """Serve on a milter socket such as `unix:/run/bsf.sock` or `inet:8890@127.0.0.1`; raises MilterError."""
    try:
        library: Any = importlib.import_module("Milter")
    except ImportError as problem:
        raise MilterError(f"pymilter is needed (Debian: python3-milter): {problem}") from None

    def end(seen: Seen) -> None:
        try:
            if seen.client:
                spool(seen, take, traps=traps, raw=raw)
        except Exception as problem:  # noqa: BLE001 - no trouble of ours may ever touch a mail
            complain(f"a mail was not spooled: {type(problem).__name__}: {problem}")

    library.factory = _class_of(library, end, traps)
    library.set_exception_policy(library.CONTINUE)
    library.runmilter("backscatter-report", place, TIMEOUT_S)


def _class_of(library: Any, end: Callable[[Seen], None], traps: frozenset[str]) -> type:
    as_bytes: Callable[[Callable[..., Any]], Callable[..., Any]] = library.decode("bytes")

    class Spooling(library.Base):  # type: ignore[misc]
        def __init__(self) -> None:
            self.seen = Seen()

        def connect(self, _name: str, _family: int, address: Any) -> Any:
            self.seen.client = str(address[0]) if isinstance(address, tuple) else ""
            return library.CONTINUE

        def envfrom(self, sender: str, *_: str) -> Any:
            self.seen.begin(sender)
            return library.CONTINUE

        def envrcpt(self, recipient: str, *_: str) -> Any:
            self.seen.recipients.append(recipient.strip("<>"))
            return library.CONTINUE

        def data(self) -> Any:
            wanted = not self.seen.sender or any(is_trap(one, traps) for one in self.seen.recipients)
            return library.CONTINUE if wanted else library.ACCEPT

        @as_bytes
        def header(self, name: str, value: bytes) -> Any:
            self.seen.keep(name.encode("ascii", "replace") + b": " + value.replace(b"\n", b"\r\n") + b"\r\n")
            return library.CONTINUE

        def eoh(self) -> Any:
            self.seen.keep(b"\r\n")
            return library.CONTINUE

        def body(self, block: bytes) -> Any:
            self.seen.keep(block)
            return library.CONTINUE

        def eom(self) -> Any:
            end(self.seen)
            return library.CONTINUE

    return Spooling
