"""An SMTP server of a test on loopback: takes mail, keeps envelope and bytes, refuses on demand."""

import dataclasses
import email
import email.message
import email.policy
import socket
import threading
from typing import BinaryIO, cast


@dataclasses.dataclass(frozen=True)
class Taken:
    """One mail as it came."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes

    @property
    def message(self) -> email.message.EmailMessage:
        """The mail, read."""
        return email.message_from_bytes(self.data, policy=email.policy.default)


class MailSink:
    """Serves one connection after the other.

    `answers` replaces the reply to a command, as in {"RCPT": "450 later"}; CONNECT and END (of the data) too.
    `drop_after`: the command after which the connection is cut.
    """

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.answers: dict[str, str] = {}
        self.commands: list[str] = []
        self.drop_after: str | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._stopping = False
        self._listener.settimeout(0.1)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._stopping = True
        self._thread.join(2)
        self._listener.close()

    def _serve(self) -> None:
        while not self._stopping:
            try:
                talk, _ = self._listener.accept()
            except TimeoutError:
                continue
            talk.settimeout(5)
            with talk, talk.makefile("rwb") as stream:
                try:
                    self._converse(cast(BinaryIO, stream))
                except OSError:
                    continue

    def _converse(self, stream: BinaryIO) -> None:
        def say(words: str) -> None:
            stream.write(words.encode() + b"\r\n")
            stream.flush()

        sender, recipients = "", list[str]()
        say(self.answers.get("CONNECT", "220 sink"))
        for raw in stream:
            line = raw.decode("ascii", "replace").rstrip("\r\n")
            self.commands.append(line)
            verb, value = line[:4].upper(), line.partition(":")[2].strip()
            if self.drop_after == verb:
                return
            if verb in self.answers:
                say(self.answers[verb])
                continue
            if verb == "MAIL":
                sender, recipients = value.partition(" ")[0], []
            if verb == "RCPT":
                recipients.append(value.strip("<>"))
            if verb == "DATA":
                say("354 go on")
                self.taken.append(Taken(sender, tuple(recipients), _data(stream)))
            say({"QUIT": "221 bye", "DATA": self.answers.get("END", "250 taken")}.get(verb, "250 ok"))
            if verb == "QUIT":
                return


def _data(stream: BinaryIO) -> bytes:
    lines: list[bytes] = []
    for line in stream:
        if line == b".\r\n":
            break
        lines.append(line.removeprefix(b"."))
    return b"".join(lines)
