"""What a line of a mail log says, the same for every mail server.

These are named tuples and not dataclasses because one is made for nearly every line of a log of millions.
All texts are bytes as they stood in the log; addresses of hosts are still unchecked text.
"""

from typing import NamedTuple


class Line(NamedTuple):
    """One entry of a log. at: seconds since 1970, UTC. host: who logged it, empty if the log does not say."""

    at: int
    host: bytes
    program: bytes
    text: bytes


class Came(NamedTuple):
    """A mail came in. address: of the client, None if local. trusted: authenticated or submitted locally."""

    queue_id: bytes
    address: bytes | None
    name: bytes | None
    trusted: bool
    sender: bytes | None = None
    message_id: bytes | None = None
    recipients: tuple[bytes, ...] = ()


class Told(NamedTuple):
    """More about a mail: its envelope sender (empty: null sender) or its own Message-ID."""

    queue_id: bytes
    sender: bytes | None = None
    message_id: bytes | None = None


class Went(NamedTuple):
    """A delivery was tried. relay: address of the server it was offered to, None if local or none."""

    queue_id: bytes
    recipient: bytes
    relay: bytes | None


class Returned(NamedTuple):
    """What a notification carries of the mail that it returns: its Message-ID, its sender."""

    queue_id: bytes
    message_id: bytes | None = None
    sender: bytes | None = None


class Ended(NamedTuple):
    """The mail left the queue."""

    queue_id: bytes


class Refused(NamedTuple):
    """A null sender asked for a recipient that does not exist and was refused at RCPT."""

    address: bytes
    name: bytes | None
    recipient: bytes


class Scanned(NamedTuple):
    """All that a content filter says about a mail in one line."""

    queue_id: bytes
    address: bytes | None
    trusted: bool
    sender: bytes | None
    message_id: bytes | None
    recipients: tuple[bytes, ...] = ()
    originals: tuple[bytes, ...] = ()
    original_senders: tuple[bytes, ...] = ()


Event = Came | Told | Went | Returned | Ended | Refused | Scanned
