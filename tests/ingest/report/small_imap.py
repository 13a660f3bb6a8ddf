"""A small IMAP server for tests: one mailbox in memory, real sockets, fails where it is told to."""

import contextlib
import re
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator

_FETCH = re.compile(r"UID FETCH (\d+)(?::\*)? \((.+)\)")


class SmallImap:
    """Folders: name to {uid: mail}. refuse: UIDs for which FETCH says NO.

    fail: called with each command line; what it returns is sent instead of the answer (None: the answer),
    and an empty text closes the connection.
    """

    def __init__(self, *, moves: bool = True) -> None:
        self.folders: dict[str, dict[int, bytes]] = {"Traps": {}, "Done": {}}
        self.deleted: set[int] = set()
        self.validity = 7
        self.moves = moves
        self.refuse: set[int] = set()
        self.fail: Callable[[str], str | None] = lambda _: None
        self.commands: list[str] = []
        self.words: set[str] = set()
        self.logins = 0
        self.port = 0

    def answer(self, tag: str, line: str, selected: list[str]) -> bytes:
        word = line.split(" ", maxsplit=1)[0].upper()
        said = "done"
        self.words.add(word)
        if word == "CAPABILITY":
            # As Dovecot does: MOVE is not told before the login.
            said = "* CAPABILITY IMAP4rev1" + " MOVE" * (self.moves and "LOGIN" in self.words)
        elif word == "LOGIN":
            self.logins += 1
            if line != 'LOGIN desk "pass word"':
                return f"{tag} NO login\r\n".encode()
        elif word in {"SELECT", "EXAMINE"}:
            selected[:] = [line.split(" ", 1)[1].strip('"')]
            if selected[0] not in self.folders:
                return f"{tag} NO no such folder\r\n".encode()
            count = len(self.folders[selected[0]])
            said = f"* {count} EXISTS\r\n* OK [UIDVALIDITY {self.validity}] valid"
        elif word == "LOGOUT":
            said = "* BYE"
        elif (found := _FETCH.fullmatch(line)) is not None:
            return self._fetch(tag, self.folders[selected[0]], int(found[1]), found[2], every=":*" in line)
        else:
            self._change(line, self.folders[selected[0]])
        return (f"{said}\r\n" * said.startswith("*") + f"{tag} OK done\r\n").encode()

    def _change(self, line: str, folder: dict[int, bytes]) -> None:
        _, verb, number, *rest = line.split(" ", 3)
        if verb == "STORE":
            self.deleted.add(int(number))
            return
        target = self.folders[rest[0].strip('"')]
        target[max(target, default=0) + 1] = folder[int(number)]
        if verb == "MOVE":
            del folder[int(number)]

    def _fetch(self, tag: str, folder: dict[int, bytes], first: int, what: str, *, every: bool) -> bytes:
        uids = sorted(folder)
        if every:
            chosen = [uid for uid in uids if uid >= first] or uids[-1:]
            lines = [f"* {uids.index(uid) + 1} FETCH (UID {uid})\r\n" for uid in chosen]
            return ("".join(lines) + f"{tag} OK done\r\n").encode()
        if first in self.refuse:
            return f"{tag} NO [UNAVAILABLE] too many open files\r\n".encode()
        if first not in folder:
            return f"{tag} OK nothing\r\n".encode()
        assert "BODY.PEEK[]" in what
        mail = folder[first]
        return b"* 1 FETCH (UID %d BODY[]<0> {%d}\r\n%b)\r\n* 9 EXISTS\r\n%b OK done\r\n" % (
            first,
            len(mail),
            mail,
            tag.encode(),
        )


@contextlib.contextmanager
def small_imap(*, moves: bool = True) -> Iterator[SmallImap]:
    made = SmallImap(moves=moves)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            selected: list[str] = []
            self.wfile.write(b"* OK ready\r\n")
            with contextlib.suppress(OSError):
                while line := self.rfile.readline():
                    tag, _, command = line.decode().rstrip("\r\n").partition(" ")
                    made.commands.append(command)
                    instead = made.fail(command)
                    said = (
                        made.answer(tag, command, selected)
                        if instead is None
                        else instead.replace("TAG", tag).encode()
                    )
                    if not said:
                        self.connection.shutdown(socket.SHUT_RDWR)
                        return
                    self.wfile.write(said)
                    if command.upper().startswith("LOGOUT"):
                        return

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        made.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
