"""The line between the parent and one worker: descriptors down, serials up, and its end is the end.

A SOCK_SEQPACKET pair, so that one message is one message. A worker that reads end-of-file has lost its
parent and leaves; so nobody is orphaned, whichever way the parent went.
"""

import os
import socket
import struct
from typing import Final, NamedTuple

_SLOT: Final = struct.Struct("<I")
_ACK: Final = struct.Struct("<II")
_HISTORY: Final = 1 << 31


class Handed(NamedTuple):
    """What is given to a worker: of which of the server's files, and the descriptor.

    history: it is the log of what changed (`history.Log`), not a sealed snapshot.
    """

    slot: int
    descriptor: int
    history: bool = False


def pair() -> tuple[socket.socket, socket.socket]:
    """Return the parent's and the worker's end."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    return ours, theirs


def hand(line: socket.socket, slot: int, descriptor: int, *, history: bool = False) -> None:
    """Give a descriptor to the worker; raises `OSError` when it is gone or does not read."""
    socket.send_fds(line, [_SLOT.pack(slot | _HISTORY if history else slot)], [descriptor])


def take(line: socket.socket) -> Handed | None:
    """Return what the parent gives next, waiting for it; None when the parent is gone."""
    try:
        data, descriptors, _, _ = socket.recv_fds(line, _SLOT.size, 1)
    except OSError:
        return None
    if len(data) != _SLOT.size or len(descriptors) != 1:
        for descriptor in descriptors:
            os.close(descriptor)
        return None
    (slot,) = _SLOT.unpack(data)
    return Handed(slot & ~_HISTORY, descriptors[0], history=bool(slot & _HISTORY))


def acknowledge(line: socket.socket, slot: int, serial: int) -> None:
    """Tell the parent what is being answered from."""
    line.send(_ACK.pack(slot, serial))


def acknowledged(line: socket.socket) -> tuple[int, int] | None:
    """Return slot and serial that the worker answers from, or None when the worker is gone.

    Raises `BlockingIOError` when there is nothing to read yet.
    """
    try:
        data = line.recv(_ACK.size)
    except BlockingIOError:
        raise
    except OSError:
        return None
    if len(data) != _ACK.size:
        return None
    slot, serial = _ACK.unpack(data)
    return slot, serial
