"""One UDP worker: datagrams in, answers out, until the parent is gone. No peer can stop the loop."""

import contextlib
import select
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Final

from dnsbl_server import control, general
from dnsbl_server.batch import Batch, Received, set_timer_slack
from dnsbl_server.fast import SLOTS, Fast, Slots
from dnsbl_server.holder import Served
from dnsbl_server.respond import respond

_ROUNDS: Final = 16
"""Batches from one socket before the others and the parent are looked at again."""


class Worker:
    """The loop's state: memory for one batch, and the shapes of the present generation.

    nap_s: how long to wait for more after a batch of two or more, so that batches grow under load; a lone
    query is never delayed. 0 = never.
    """

    def __init__(self, served: Served, clock: Callable[[], float], nap_s: float) -> None:
        """Make the memory."""
        self._served = served
        self._clock = clock
        self._nap_s = nap_s
        self._slots = Slots()
        self._fast = Fast(served.service, self._slots)

    def batch_for(self, sock: socket.socket) -> Batch:
        """Return the batch of a socket over this worker's memory."""
        return Batch(sock, self._slots)

    def answer_waiting(self, batch: Batch) -> None:
        """Answer what waits at a socket, some batches at most."""
        for _ in range(_ROUNDS):
            received = batch.receive()
            if received is None:
                return
            count = len(received.lengths)
            try:
                silent = self._answer(batch, received)
            except Exception:  # noqa: BLE001 - a fault of ours must cost one batch, not the server
                traceback.print_exc(file=sys.stderr)
                continue
            batch.send(count, silent)
            if count < SLOTS:
                if count == 1 or not self._nap_s:
                    return
                time.sleep(self._nap_s)

    def _answer(self, batch: Batch, received: Received) -> list[int]:
        """Answer one batch in its slots; return the slots that stay silent."""
        service = self._served.service
        if self._fast.service is not service:
            self._fast = Fast(service, self._slots)
        now = int(self._clock())
        left = self._fast.answer(received.lengths, batch.client, now)
        silent = list(received.silent)
        for slot in left:
            data = self._slots.datagram(slot, received.lengths[slot])
            if slot in received.cut:
                reply = general.cut(data)
            else:
                reply = respond(data, service, client=batch.client(slot), tcp=False, now=now)
            if reply is not None:
                self._slots.put(slot, reply)
            elif slot not in silent:
                silent.append(slot)
        return silent


def run(
    sockets: Sequence[socket.socket],
    line: socket.socket,
    served: Served,
    clock: Callable[[], float],
    nap_s: float,
) -> None:
    """Answer on `sockets` until `line` ends; snapshots that come by it are used at once."""
    set_timer_slack()
    worker = Worker(served, clock, nap_s)
    batches = {sock.fileno(): worker.batch_for(sock) for sock in sockets}
    poll = select.poll()
    poll.register(line, select.POLLIN)
    listening = False
    while True:
        if served.complete and not listening:
            for sock in sockets:
                poll.register(sock, select.POLLIN)
            listening = True
        for descriptor, _ in poll.poll():
            if descriptor in batches:
                worker.answer_waiting(batches[descriptor])
            elif not take_snapshot(line, served):
                return


def take_snapshot(line: socket.socket, served: Served) -> bool:
    """Attach what the parent hands over and say so; False when the parent is gone."""
    handed = control.take(line)
    if handed is None:
        return False
    serial = served.attach(handed.slot, handed.descriptor)
    with contextlib.suppress(OSError):  # a parent that is gone is noticed at the next look
        control.acknowledge(line, handed.slot, serial)
    return True
