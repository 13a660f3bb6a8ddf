"""The memory of a batch: where datagrams are received, and where their answers stand. Knows no sockets."""

import ctypes
import mmap
import struct
from typing import Final

SLOTS: Final = 64
STRIDE: Final = 80
"""Bytes of a slot, all folded in one go: enough for an IPv4 query with EDNS. What is longer runs over into
the slot's extra room."""
EXTRA: Final = 1536
"""Room of a slot for the rest of a long datagram, and then for an answer that is made for it alone."""
ROOMS: Final = SLOTS * STRIDE
"""Where the extra rooms begin."""
VECTORS: Final = 32
"""Bytes of the two scatter vectors of an answer: where and how long (what is in the slot, the rest)."""
VECTOR: Final = struct.Struct("<QQQ")
"""What of the vectors changes: how long the first is, where the second is and how long."""


class Slots:
    """buffer: SLOTS datagrams of STRIDE bytes, then SLOTS extra rooms. vectors: of each answer, 32 bytes.

    The first eight bytes of the vectors (where the datagram is) never change. rooms: address of each extra
    room.
    """

    def __init__(self) -> None:
        """Make the memory; it is anonymous, so that its pages are small and ours alone."""
        self.buffer: Final = mmap.mmap(-1, SLOTS * (STRIDE + EXTRA))
        self.address: Final = ctypes.addressof(ctypes.c_char.from_buffer(self.buffer))
        self.rooms: Final = tuple(self.address + ROOMS + slot * EXTRA for slot in range(SLOTS))
        self.vectors: Final = mmap.mmap(-1, SLOTS * VECTORS)
        for slot in range(SLOTS):
            self.vectors[slot * VECTORS : slot * VECTORS + 8] = struct.pack(
                "<Q", self.address + slot * STRIDE
            )

    def receive(self, slot: int, data: bytes) -> None:
        """Put a datagram into a slot, as the kernel would."""
        at, extra = slot * STRIDE, ROOMS + slot * EXTRA
        begin, rest = data[:STRIDE], data[STRIDE:]
        self.buffer[at : at + len(begin)] = begin
        self.buffer[extra : extra + len(rest)] = rest

    def datagram(self, slot: int, length: int) -> bytes:
        """Return the datagram in a slot, with what ran over."""
        at, extra = slot * STRIDE, ROOMS + slot * EXTRA
        if length <= STRIDE:
            return self.buffer[at : at + length]
        return self.buffer[at : at + STRIDE] + self.buffer[extra : extra + length - STRIDE]

    def put(self, slot: int, reply: bytes) -> None:
        """Make `reply` the answer of a slot."""
        extra = ROOMS + slot * EXTRA
        self.buffer[extra : extra + len(reply)] = reply
        vector = VECTOR.pack(0, self.rooms[slot], len(reply))
        self.vectors[slot * VECTORS + 8 : slot * VECTORS + VECTORS] = vector

    def reply(self, slot: int) -> bytes:
        """Return the answer of a slot as it will be sent."""
        pieces = struct.unpack_from("<QQQQ", self.vectors, slot * VECTORS)
        return b"".join(ctypes.string_at(pieces[n], pieces[n + 1]) for n in (0, 2))
