"""Beginning a calibration: its run is noted, then its mails go to the reporter's mail server.

The console and `reporter canary` begin it by the same functions. Nothing is sent inside the transaction: a
slow mail server keeps nobody from writing.
"""

import dataclasses
import datetime as dt
import smtplib
import time
from collections.abc import Iterator
from typing import Final

from sqlalchemy.engine import Connection

from feed.domain.address import Address
from feed.domain.canary import Canary, CanaryError, make_canaries
from feed.store import canaries, controls, reporters
from feed.store.secret import Secret

TIMEOUT_S: Final = 30.0
"""For each answer of the mail server, of which some wait on purpose before they greet."""

_SMTP: Final = 25
_LONGEST_HOST: Final = 253


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the operator says of a calibration.

    to: a mailbox of the reporter. address, host: from which, and from which machine, the mails reach him.
    authserv_id: his name in Authentication-Results, empty for the first of his border hosts.
    """

    name: str
    to: str
    address: Address
    host: str
    authserv_id: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A run that is noted, and its mails, which stand nowhere else."""

    run_id: int
    wanted: Wanted
    mails: tuple[Canary, ...]


def begin(
    connection: Connection, secret: Secret, wanted: Wanted, *, token: str, author: str, reason: str, now: int
) -> Begun:
    """Make the mails of a run and note it, with its line in the audit log.

    token: new and secret. reason: empty where none is asked for. Raises `ReporterError` or `CanaryError`.
    """
    found = reporters.find_by_name(connection, wanted.name)
    known_as = (wanted.authserv_id or min(found.border_hosts, default="")).lower()
    mails = make_canaries(
        recipient=wanted.to, sender_host=wanted.host.lower(), border_hosts=found.border_hosts,
        internal_hosts=found.internal_hosts, authserv_id=known_as, token=token,
        at=dt.datetime.fromtimestamp(now, dt.UTC),
    )  # fmt: skip
    run_id = canaries.start(
        connection, secret, found.source_id, token=token, address=wanted.address, authserv_id=known_as,
        mails=len(mails), author=author, now=now,
    )  # fmt: skip
    why = f"calibration from {wanted.address}" + (f": {reason}" if reason else "")
    controls.log(
        connection, at=now, actor=author, action="reporter_canary", subject=wanted.name[:100],
        reason=why[:200],
    )  # fmt: skip
    return Begun(run_id=run_id, wanted=wanted, mails=mails)


def deliver(
    begun: Begun, server: tuple[str, int], *, bind: bool, within_s: float = float("inf")
) -> Iterator[tuple[str, str]]:
    """Send the mails of a run, each over a connection of its own; give its name and why it was not sent.

    That is empty for what was taken. bind: send from the address of the run, which must be this machine's.
    within_s: no mail is begun later than that.
    """
    end = time.monotonic() + within_s
    source = (str(begun.wanted.address), 0) if bind else None
    for one in begun.mails:
        left = end - time.monotonic()
        yield one.name, _sent(one, begun.wanted.to, server, source, left) if left > 0 else "no time was left"


def _sent(mail: Canary, to: str, server: tuple[str, int], source: tuple[str, int] | None, left: float) -> str:
    host, port = server
    try:
        with smtplib.SMTP(
            host, port, local_hostname=mail.helo, timeout=min(TIMEOUT_S, left), source_address=source
        ) as smtp:
            smtp.sendmail("", [to], mail.message)
    except smtplib.SMTPRecipientsRefused as problem:
        code, words = problem.recipients[to]
        return f"{code} {words.decode('utf-8', 'replace')}"
    except (OSError, ValueError) as problem:  # smtplib's own errors are OSErrors
        return str(problem) or type(problem).__name__
    return ""


def mail_server(text: str) -> tuple[str, int]:
    """Return host and port of HOST, HOST:PORT or [IPv6]:PORT; raises `CanaryError` for anything else."""
    bare = text.removeprefix("[")
    host, mark, port = bare.rpartition("]:" if text.startswith("[") else ":")
    if not mark:
        host, port = bare.removesuffix("]"), str(_SMTP)
    is_host = 0 < len(host) <= _LONGEST_HOST and host.isascii() and host.isprintable() and " " not in host
    if not is_host or not (port.isascii() and port.isdecimal()) or not 0 < int(port[:6]) <= 65535:  # noqa: PLR2004
        raise CanaryError(f"{text[:100]} is no HOST:PORT")
    return host, int(port)
