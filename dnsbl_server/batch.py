"""Many datagrams a system call: recvmmsg and sendmmsg over the memory of `slots.Slots`.

What is sent back reuses what was received: the peer's address, and on a wildcard socket the control data
that names our address, so that the answer leaves from there (engineering.md, "DNS processes" 4).
"""

import ctypes
import errno
import mmap
import select
import socket
import sys
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from dnsbl_server.slots import EXTRA, SLOTS, STRIDE, VECTORS, Slots

_NAME_ROOM: Final = 28
"""Length of sockaddr_in6; sockaddr_in takes 16 of it."""
CONTROL_ROOM: Final = 64
_HEADER: Final = 64
"""Bytes of struct mmsghdr (64-bit Linux), little-endian: flags at 48, the length of the message at 56."""
_FLAGS_AT: Final = 48
_LENGTH_AT: Final = 56
_PORT_AT: Final = 2
_ZEROS: Final = tuple(bytes(count) for count in range(SLOTS + 1))
_PR_SET_TIMERSLACK: Final = 29
SEND_PATIENCE_MS: Final = 20
"""How long a full send buffer may hold a batch up before one answer is given up."""


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Msghdr(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("namelen", ctypes.c_uint32),
        ("iov", ctypes.c_void_p),
        ("iovlen", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("controllen", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Mmsghdr(ctypes.Structure):
    _fields_ = (("header", _Msghdr), ("length", ctypes.c_uint))


_libc = ctypes.CDLL(None, use_errno=True)
_recvmmsg: Any = getattr(_libc, "recvmmsg", None)
_sendmmsg: Any = getattr(_libc, "sendmmsg", None)
AVAILABLE: Final = (
    _recvmmsg is not None
    and _sendmmsg is not None
    and sys.platform == "linux"
    and sys.byteorder == "little"
    and ctypes.sizeof(ctypes.c_void_p) == 8  # noqa: PLR2004 - the layout of the headers below
)
"""Whether this system has both calls, and structures that look as ours do; else there is `plain`."""
if AVAILABLE:
    _recvmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p)
    _sendmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)


class Received(NamedTuple):
    """One batch. lengths: of the datagrams. silent: slots that must not be answered. cut: too long ones."""

    lengths: Sequence[int]
    silent: list[int]
    cut: list[int]


class Batch:
    """The message headers of one socket over the slots that all sockets of a worker share."""

    def __init__(self, sock: socket.socket, slots: Slots) -> None:
        """Lay the headers out; they point into memory that is kept as long as this object."""
        self._descriptor: Final = sock.fileno()
        self._poll = select.poll()
        self._poll.register(sock, select.POLLOUT)
        v6 = self.v6 = sock.family == socket.AF_INET6
        begin, size = (8, 16) if v6 else (4, 4)
        self._clients: Final = tuple(
            slice(at + begin, at + begin + size) for at in range(0, SLOTS * _NAME_ROOM, _NAME_ROOM)
        )
        wildcard = sock.getsockname()[0] in ("0.0.0.0", "::")  # noqa: S104 - told, not bound here
        # What the kernel writes for one IP_PKTINFO or IPV6_PKTINFO, padded (CMSG_SPACE).
        control = (40 if v6 else 32) if wildcard else 0
        self._names: Final = mmap.mmap(-1, SLOTS * _NAME_ROOM)
        self._controls: Final = mmap.mmap(-1, SLOTS * CONTROL_ROOM)
        self._pieces: Final = (_Iovec * (2 * SLOTS))()
        self._headers: Final = mmap.mmap(-1, SLOTS * _HEADER)
        self._incoming: Final = (_Mmsghdr * SLOTS).from_buffer(self._headers)
        self._outgoing: Final = (_Mmsghdr * SLOTS)()
        self._slots: Final = slots  # keeps the memory
        names, controls = (
            ctypes.addressof(ctypes.c_char.from_buffer(m)) for m in (self._names, self._controls)
        )
        vectors = ctypes.addressof(ctypes.c_char.from_buffer(slots.vectors))
        pieces = ctypes.addressof(self._pieces)
        namelen = 28 if v6 else 16
        for slot in range(SLOTS):
            self._pieces[2 * slot] = _Iovec(slots.address + slot * STRIDE, STRIDE)
            self._pieces[2 * slot + 1] = _Iovec(slots.rooms[slot], EXTRA)
            place = names + slot * _NAME_ROOM, controls + slot * CONTROL_ROOM
            self._incoming[slot].header = _Msghdr(
                place[0], namelen, pieces + slot * VECTORS, 2, place[1], CONTROL_ROOM if control else 0, 0
            )
            self._outgoing[slot].header = _Msghdr(
                place[0], namelen, vectors + slot * VECTORS, 2, place[1] if control else None, control, 0
            )
        # The kernel shortens the length of the control data to what it wrote; nothing else needs renewing.
        self._fresh: Final = bytes(self._incoming) if control else b""
        self._incoming_at = ctypes.addressof(self._incoming)
        self._outgoing_at = ctypes.addressof(self._outgoing)

    def receive(self) -> Received | None:
        """Return what waits, at most one batch, without waiting; None when there is nothing."""
        if self._fresh:
            ctypes.memmove(self._incoming_at, self._fresh, len(self._fresh))
        count = _recvmmsg(self._descriptor, self._incoming_at, SLOTS, socket.MSG_DONTWAIT, None)
        if count <= 0:
            return None
        # Byte by byte over all headers: a slice is one step, where each number would be one.
        headers, end = self._headers, count * _HEADER
        zeros = _ZEROS[count]
        lengths: Sequence[int] = headers[_LENGTH_AT:end:_HEADER]
        high = headers[_LENGTH_AT + 1 : end : _HEADER]
        if high != zeros:
            lengths = [low | more << 8 for low, more in zip(lengths, high, strict=True)]
        flags = headers[_FLAGS_AT:end:_HEADER]
        cut = []
        if flags != zeros:
            cut = [slot for slot, flag in enumerate(flags) if flag & socket.MSG_TRUNC]
        # Port 0 cannot be answered, and one such answer would cost others theirs.
        ports = [self._names[at : count * _NAME_ROOM : _NAME_ROOM] for at in (_PORT_AT, _PORT_AT + 1)]
        silent = []
        if 0 in ports[0] and 0 in ports[1]:
            silent = [slot for slot, pair in enumerate(zip(*ports, strict=True)) if not any(pair)]
        return Received(lengths, silent, cut)

    def client(self, slot: int) -> bytes:
        """Return the packed address of the sender of a datagram."""
        return self._names[self._clients[slot]]

    def send(self, count: int, silent: list[int]) -> None:
        """Send the answers of the first `count` slots but for the silent ones, each in its turn."""
        at = 0
        for stop in (*sorted(silent), count):
            while at < stop:
                at += self._send_run(at, stop)
            at = stop + 1

    def _send_run(self, at: int, stop: int) -> int:
        """Send some of the slots from `at` to before `stop`; return how many are dealt with."""
        sent = _sendmmsg(self._descriptor, self._outgoing_at + at * _HEADER, stop - at, socket.MSG_DONTWAIT)
        if sent > 0:
            return int(sent)
        problem = ctypes.get_errno()
        if problem == errno.EINTR or (problem == errno.EAGAIN and self._poll.poll(SEND_PATIENCE_MS)):
            return 0
        return 1  # exactly this answer cannot be sent; the others can


def set_timer_slack() -> None:
    """Let short sleeps of this process be as short as asked for; without effect where not allowed."""
    if hasattr(_libc, "prctl"):
        _libc.prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
