"""One UDP worker: datagrams in, answers out, until the parent is gone. No peer can stop the loop."""

import contextlib
import select
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Final

from dnsbl_server import control, general, limit
from dnsbl_server.batch import AVAILABLE, Batch, Received, set_timer_slack
from dnsbl_server.fast import Fast
from dnsbl_server.holder import Served
from dnsbl_server.metrics import Counters
from dnsbl_server.plain import PlainBatch
from dnsbl_server.querylog import query_log
from dnsbl_server.respond import respond
from dnsbl_server.service import Note, Service
from dnsbl_server.slots import SLOTS, Slots
from dnsbl_server.wire import NXDOMAIN

_KNOWN: Final = 1 << 16
"""Addresses whose admission is remembered."""
_ROUNDS: Final = 16
"""Batches from one socket before the others and the parent are looked at again."""


AnyBatch = Batch | PlainBatch


class Worker:
    """The loop's state: memory for one batch, and the shapes of the present generation.

    The options say how long to wait for more after a batch of two or more, so that batches grow under load;
    a lone query is never delayed.
    """

    def __init__(self, served: Served, clock: Callable[[], float], counters: Counters) -> None:
        """Make the memory."""
        self._served = served
        self._clock = clock
        self._counters = counters
        options = served.options
        self._nap_s = options.nap_s
        self._limit = limit.RateLimit(options.rate_limit) if options.rate_limit else None
        self._access = options.access if options.access.limited else None
        self._known: dict[bytes, int | None] = {}
        self._plain = options.plain or not AVAILABLE
        self._log = query_log(options, clock)
        self._slots = Slots()
        self._fast = self._new_fast()

    def _new_fast(self) -> Fast:
        return Fast(self._served.service, self._slots, watch_cookies=self._limit is not None)

    def batch_for(self, sock: socket.socket) -> AnyBatch:
        """Return the batch of a socket over this worker's memory."""
        return PlainBatch(sock, self._slots) if self._plain else Batch(sock, self._slots)

    def answer_waiting(self, batch: AnyBatch) -> None:
        """Answer what waits at a socket, some batches at most."""
        for _ in range(_ROUNDS):
            received = batch.receive()
            if received is None:
                return
            began = time.perf_counter()
            count = len(received.lengths)
            try:
                silent = self._answer(batch, received)
            except Exception:  # noqa: BLE001 - a fault of ours must cost one batch, not the server
                traceback.print_exc(file=sys.stderr)
                continue
            if self._log is not None:
                for slot in self._log.chosen(count):
                    if slot not in silent:
                        self._log.write(self._slots.reply(slot), batch.client(slot), tcp=False)
            batch.send(count, silent)
            self._counters.took(time.perf_counter() - began, count - len(silent))
            if count < SLOTS:
                if count == 1 or not self._nap_s:
                    return
                time.sleep(self._nap_s)

    def _answer(self, batch: AnyBatch, received: Received) -> list[int]:
        """Answer one batch in its slots; return the slots that stay silent."""
        service = self._served.service
        if self._fast.service is not service:
            self._fast = self._new_fast()
        now = int(self._clock())
        lengths = received.lengths
        if self._access is not None:
            lengths = self._admitted(batch, lengths)
        left = self._fast.answer(lengths, batch.client, now)
        silent = list(received.silent)
        nxdomain = [slot for slot in left if self._general(batch, received, slot, service, silent, now)]
        nxdomain += self._count(batch, len(lengths))
        if self._limit is not None:
            self._limited(batch, nxdomain, silent, now, self._limit)
        return silent

    def _general(
        self, batch: AnyBatch, received: Received, slot: int, service: Service, silent: list[int], now: int
    ) -> bool:
        """Answer one datagram by the general path; return whether that is an NXDOMAIN to be limited."""
        data = self._slots.datagram(slot, received.lengths[slot])
        note = Note()
        if slot in received.cut:
            reply = general.cut(data)
        else:
            reply = respond(data, service, client=batch.client(slot), tcp=False, now=now, note=note)
        if reply is None:
            if slot not in silent:
                silent.append(slot)
            return False
        self._slots.put(slot, reply)
        rcode = reply[3] & 0xF
        self._counters.answered(note, rcode, v6=batch.v6, tcp=False)
        return rcode == NXDOMAIN and not note.trusted

    def _count(self, batch: AnyBatch, count: int) -> list[int]:
        """Count what the fast path answered; return slots of NXDOMAIN to be limited, if limits are set."""
        fast, cells = self._fast, self._counters.cells
        seen = bytes(fast.marks[:count])
        base = self._counters.base(v6=batch.v6, tcp=False)
        for mark in set(seen):
            if mark:
                cells[base + fast.meaning[mark][0]] += seen.count(mark)
        if self._access is not None:
            for slot, mark in enumerate(seen):
                number = self._known.get(batch.client(slot)) if mark else None
                if number is not None:
                    self._counters.client(number)
        if self._limit is None:
            return []
        meaning, trusted = fast.meaning, set(fast.trusted)
        fast.trusted.clear()
        return [
            slot for slot, mark in enumerate(seen) if meaning[mark][1] == NXDOMAIN and slot not in trusted
        ]

    def _admitted(self, batch: AnyBatch, lengths: Sequence[int]) -> list[int]:
        """Return lengths with 0 for datagrams of clients that only the general path may judge."""
        assert self._access is not None
        admitted = list(lengths)
        for slot in range(len(lengths)):
            client = batch.client(slot)
            if client not in self._known:
                if len(self._known) >= _KNOWN:
                    self._known.clear()
                self._known[client] = self._access.client_number(client)
            number = self._known[client]
            if number is None:
                admitted[slot] = 0
        return admitted

    def _limited(
        self, batch: AnyBatch, slots: list[int], silent: list[int], now: int, limiter: limit.RateLimit
    ) -> None:
        """Cut or keep back NXDOMAIN answers in these slots to networks that get too many."""
        for slot in slots:
            if slot in silent:
                continue
            decision = limiter.decide(batch.client(slot), now)
            if decision == limit.SLIP:
                self._slots.put(slot, limit.cut(self._slots.reply(slot)))
                self._counters.limited("slip")
            elif decision == limit.DROP:
                silent.append(slot)
                self._counters.limited("drop")


def run(
    sockets: Sequence[socket.socket],
    line: socket.socket,
    served: Served,
    clock: Callable[[], float],
    counters: Counters,
) -> None:
    """Answer on `sockets` until `line` ends; snapshots that come by it are used at once."""
    set_timer_slack()
    worker = Worker(served, clock, counters)
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
    if handed.history:
        served.attach_history(handed.slot, handed.descriptor)
        return True
    serial = served.attach(handed.slot, handed.descriptor)
    with contextlib.suppress(OSError):  # a parent that is gone is noticed at the next look
        control.acknowledge(line, handed.slot, serial)
    return True
