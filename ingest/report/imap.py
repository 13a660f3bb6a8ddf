"""Reporting what lies in a folder of an IMAP mailbox, such as the one of an abuse desk.

A mail is spooled, and only then, if wanted at all, moved. What is not evidence stays where it is, and so does
everything when anything fails: the connection, the spool, the server. Nothing is ever deleted, and nothing is
marked as read. How far the folder was read is kept beside the spool, by UID (RFC 3501 section 2.3.1.1); a
mail that the server cannot give now is asked for again next time and holds up no other. parsedmarc 211, 219,
292 and 168 are what happens otherwise.
"""

import binascii
import contextlib
import dataclasses
import imaplib
import json
import os
import pathlib
import re
import secrets
import ssl
from collections.abc import Callable, Iterator
from typing import Any, Final

from ingest.report.mails import LARGEST
from ingest.report.settings import ImapSettings
from ingest.report.spool import SpoolError

TIMEOUT_S: Final = 60
MOST_ASIDE: Final = 1000
"""Mails that the server could not give, remembered to be asked for again."""
_UID: Final = re.compile(rb"\bUID (\d{1,10})\b")
_VALIDITY: Final = re.compile(rb"(\d{1,10})")

Take = Callable[[bytes], bool]
"""Spools a mail and returns whether it is evidence; raises SpoolError."""


class ImapError(Exception):
    """The mailbox cannot be read now; the message says why. Nothing was lost; try again later."""


@dataclasses.dataclass(slots=True)
class Position:
    """How far a folder was read. aside: UIDs before `last` that the server could not give."""

    validity: int = 0
    last: int = 0
    aside: list[int] = dataclasses.field(default_factory=list)

    @classmethod
    def read(cls, path: pathlib.Path) -> "Position":
        """Return what `write` kept; a file that is none means to read the folder again."""
        try:
            said = json.loads(path.read_bytes())
            return cls(int(said["validity"]), int(said["last"]), [int(uid) for uid in said["aside"]])
        except (OSError, ValueError, KeyError, TypeError):
            return cls()

    def write(self, path: pathlib.Path) -> None:
        """Keep it, whole or not at all; raises OSError."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            with aside.open("w", encoding="ascii") as file:
                json.dump(dataclasses.asdict(self), file)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        except OSError:
            aside.unlink(missing_ok=True)
            raise


@dataclasses.dataclass(slots=True)
class Round:
    """What one look into a folder did: mails seen, of them evidence, moved, and put off."""

    seen: int = 0
    evidence: int = 0
    moved: int = 0
    put_off: int = 0


def poll(box: ImapSettings, positions: pathlib.Path, take: Take) -> Round:
    """Look into a folder once and give each new mail to `take`; raises ImapError.

    The position moves on only after a mail was taken, so a run that ends anywhere is made good by the next:
    the spool knows a mail that comes twice.
    """
    path = positions / f"{box.name}.json"
    done = Round()
    try:
        with _connected(box) as server:
            position = _selected(server, box, Position.read(path))
            for uid in _new(server, position):
                _one(server, box, position, uid, take, done)
                position.write(path)
    except (imaplib.IMAP4.error, OSError, EOFError, ssl.SSLError) as problem:
        raise ImapError(_words(box, problem)) from None
    except SpoolError as problem:
        raise ImapError(f"{box.name}: {problem}; the mail stays where it is") from None
    return done


def _words(box: ImapSettings, problem: Exception) -> str:
    text = str(problem.args[0]) if problem.args else type(problem).__name__
    if isinstance(problem, OSError) and problem.strerror:
        text = problem.strerror
    return f"{box.name}: {box.host}: {''.join(one if one.isprintable() else '?' for one in text[:300])}"


@contextlib.contextmanager
def _connected(box: ImapSettings) -> Iterator[imaplib.IMAP4]:
    server: imaplib.IMAP4
    if box.security == "tls":
        context = ssl.create_default_context()
        server = imaplib.IMAP4_SSL(box.host, box.port, ssl_context=context, timeout=TIMEOUT_S)
    else:
        server = imaplib.IMAP4(box.host, box.port, timeout=TIMEOUT_S)
    try:
        if box.security == "starttls":
            server.starttls(ssl.create_default_context())
        server.login(box.user, box.password_file.read_text(encoding="utf-8").rstrip("\r\n"))
        # What a server can do it says in full only behind the login; imaplib keeps what it said before.
        said = _first(_ok(server.capability(), "CAPABILITY"))
        server.capabilities = tuple(said.decode("ascii", "replace").upper().split())
        yield server
        with contextlib.suppress(imaplib.IMAP4.error, OSError):
            server.logout()
    finally:
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            server.shutdown()


def _selected(server: imaplib.IMAP4, box: ImapSettings, known: Position) -> Position:
    """Open the folder and return the position in it; a folder made anew is read from its beginning."""
    _ok(server.select(_quoted(box.folder), readonly=not box.move_to), "SELECT")
    found = _VALIDITY.search(_first(server.response("UIDVALIDITY")[1]))
    if found is None:
        raise imaplib.IMAP4.error("the server says no UIDVALIDITY")
    validity = int(found[1])
    return known if known.validity == validity else Position(validity)


def _new(server: imaplib.IMAP4, position: Position) -> list[int]:
    """Return the UIDs to look at: what was put off, then what is new, oldest first."""
    # Not SEARCH: its answer is one line, and imaplib takes no line beyond a million bytes.
    answer = _ok(server.uid("FETCH", f"{position.last + 1}:*", "(UID)"), "FETCH")
    uids = {int(said[1]) for one in answer if isinstance(one, bytes) and (said := _UID.search(one))}
    # `*` is the last mail even when it lies before the range.
    return position.aside.copy() + sorted(uid for uid in uids if uid > position.last)


def _one(
    server: imaplib.IMAP4, box: ImapSettings, position: Position, uid: int, take: Take, done: Round
) -> None:
    """Look at one mail and move the position past it."""
    status, data = server.uid("FETCH", str(uid), f"(UID BODY.PEEK[]<0.{LARGEST}>)")
    if status == "OK":
        mail = _body(data, uid)
        if mail is not None:
            done.seen += 1
            if take(mail):
                done.evidence += 1
                done.moved += _moved(server, box, uid)
        # None: somebody took the mail out of the folder meanwhile.
        position.aside = [one for one in position.aside if one != uid]
    else:
        done.put_off += 1
        if uid not in position.aside and len(position.aside) < MOST_ASIDE:
            position.aside.append(uid)
    position.last = max(position.last, uid)


def _body(data: list[Any], uid: int) -> bytes | None:
    """Return the mail of this UID in an answer; a server may tell of other mails in between."""
    for part in data:
        if isinstance(part, tuple) and len(part) == 2:  # noqa: PLR2004 - the line and its literal
            said = _UID.search(part[0])
            if said is None or int(said[1]) == uid:
                return bytes(part[1])
    return None


def _moved(server: imaplib.IMAP4, box: ImapSettings, uid: int) -> bool:
    """Move a mail that was spooled, if wanted: MOVE (RFC 6851), and without it a copy and a mark.

    A mail is never expunged by us: without MOVE the copy exists before the mark is set, and the mailbox
    is cleared by its owner.
    """
    if not box.move_to:
        return False
    if "MOVE" in server.capabilities:
        return server.uid("MOVE", str(uid), _quoted(box.move_to))[0] == "OK"
    if server.uid("COPY", str(uid), _quoted(box.move_to))[0] != "OK":
        return False
    return server.uid("STORE", str(uid), "+FLAGS.SILENT", r"(\Deleted)")[0] == "OK"


def _ok(answer: tuple[str, list[Any]], command: str) -> list[Any]:
    if answer[0] != "OK":
        words = _first(answer[1]).decode("utf-8", "replace")
        raise imaplib.IMAP4.error(f"{command}: {words or answer[0]}")
    return answer[1]


def _first(data: list[Any] | None) -> bytes:
    return next((one for one in data or [] if isinstance(one, bytes)), b"")


def _quoted(folder: str) -> str:
    """Return a folder's name as a quoted string; letters beyond ASCII in modified UTF-7 (RFC 3501 5.1.3)."""
    parts: list[str] = []
    for ascii_, other in re.findall(r"([ -~]+)|([^ -~]+)", folder):
        if ascii_:
            parts.append(ascii_.replace("&", "&-"))
        else:
            code = binascii.b2a_base64(other.encode("utf-16-be"), newline=False).decode()
            parts.append("&" + code.rstrip("=").replace("/", ",") + "-")
    name = "".join(parts).replace("\\", r"\\").replace('"', r"\"")
    return f'"{name}"'


def wait_s(failures: int) -> float:
    """Return the seconds to wait after so many failures in a row: doubled each time, at most 15 minutes."""
    return min(30.0 * (1 << min(failures - 1, 10)), 900.0)
