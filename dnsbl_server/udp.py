"""One UDP worker: datagrams in, answers out, until the parent is gone. No peer can stop the loop."""

import contextlib
import select
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Final

from dnsbl_server import control, general
from dnsbl_server.holder import Served
from dnsbl_server.respond import respond

_BATCH: Final = 64
"""Datagrams from one socket before the others and the parent are looked at again."""
_ROOM: Final = 4096
"""Four times what any resolver sends; a longer datagram is cut by the kernel and answered FORMERR."""
_CONTROL_ROOM: Final = 64


def run(
    sockets: Sequence[socket.socket], line: socket.socket, served: Served, clock: Callable[[], float]
) -> None:
    """Answer on `sockets` until `line` ends; snapshots that come by it are used at once."""
    by_descriptor = {sock.fileno(): sock for sock in sockets}
    poll = select.poll()
    poll.register(line, select.POLLIN)
    listening = False
    while True:
        if served.complete and not listening:
            for sock in sockets:
                poll.register(sock, select.POLLIN)
            listening = True
        for descriptor, _ in poll.poll():
            if descriptor in by_descriptor:
                _answer_waiting(by_descriptor[descriptor], served, int(clock()))
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


def _answer_waiting(sock: socket.socket, served: Served, now: int) -> None:
    """Answer what waits at `sock`, at most one batch."""
    for _ in range(_BATCH):
        try:
            data, ancillary, flags, peer = sock.recvmsg(_ROOM, _CONTROL_ROOM, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            continue  # an error report about an earlier answer; the socket is fine
        if not peer[1]:
            continue  # port 0 cannot be answered: a spoofed datagram
        try:
            if flags & socket.MSG_TRUNC:
                reply = general.cut(data)
            else:
                client = socket.inet_pton(sock.family, peer[0].partition("%")[0])
                reply = respond(data, served.service, client=client, tcp=False, now=now)
        except Exception:  # noqa: BLE001 - a fault of ours must cost one answer, not the server
            traceback.print_exc(file=sys.stderr)
            continue
        if reply is not None:
            # The control data names our address; sent back, it makes the answer leave from there.
            with contextlib.suppress(OSError):
                sock.sendmsg([reply], ancillary, socket.MSG_DONTWAIT, peer)
