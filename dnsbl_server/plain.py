"""Datagrams one by one, where the system has no calls for many, or an operator wants none of them.

The same answers from the same memory, and the same promises: an answer leaves from the address that was
asked, and a peer that cannot be answered costs nobody else his answer. It costs about twice the work.
"""

import select
import socket
from typing import Any, Final

from dnsbl_server.batch import CONTROL_ROOM, SEND_PATIENCE_MS, Received
from dnsbl_server.slots import EXTRA, SLOTS, STRIDE, Slots

_Control = list[tuple[int, int, bytes]]


class PlainBatch:
    """Does for one socket what `batch.Batch` does, with Python's own calls."""

    def __init__(self, sock: socket.socket, slots: Slots) -> None:
        self._sock: Final = sock
        self._slots: Final = slots
        self._poll = select.poll()
        self._poll.register(sock, select.POLLOUT)
        self.v6: Final = sock.family == socket.AF_INET6
        wildcard = sock.getsockname()[0] in ("0.0.0.0", "::")  # noqa: S104 - told, not bound here
        self._control_room = CONTROL_ROOM if wildcard else 0
        self._peers: list[tuple[Any, _Control]] = []

    def receive(self) -> Received | None:
        """Return what waits, at most one batch, without waiting; None when there is nothing."""
        self._peers = []
        received = Received([], [], [])
        lengths: list[int] = []
        while len(lengths) < SLOTS:
            try:
                data, control, flags, peer = self._sock.recvmsg(STRIDE + EXTRA, self._control_room)
            except OSError:  # nothing more, or an error that a former peer has left
                break
            slot = len(lengths)
            self._slots.receive(slot, data)
            if flags & socket.MSG_TRUNC:
                received.cut.append(slot)
            if not peer[1]:
                received.silent.append(slot)  # port 0 cannot be answered
            self._peers.append((peer, control))
            lengths.append(len(data))
        return received._replace(lengths=lengths) if lengths else None

    def client(self, slot: int) -> bytes:
        """Return the packed address of the sender of a datagram."""
        host = self._peers[slot][0][0]
        return socket.inet_pton(self._sock.family, host.partition("%")[0])

    def send(self, count: int, silent: list[int]) -> None:
        """Send the answers of the first `count` slots but for the silent ones, each in its turn."""
        for slot in range(count):
            if slot not in silent and not self._sent(slot) and self._poll.poll(SEND_PATIENCE_MS):
                self._sent(slot)

    def _sent(self, slot: int) -> bool:
        """Send one answer; return False when there is no room for it now."""
        peer, control = self._peers[slot]
        try:
            self._sock.sendmsg([self._slots.reply(slot)], control, socket.MSG_DONTWAIT, peer)
        except BlockingIOError:
            return False
        except OSError:
            pass  # exactly this answer cannot be sent; the others can
        return True
