"""Snapshot files: verified by the parent in a sealed copy, attached by the workers without a look.

The copy is what makes the check worth something: nobody can change it between check and use, and a file
that is edited or cut in place cannot kill a worker that has it mapped (engineering.md, "DNS processes" 1).
"""

import dataclasses
import fcntl
import mmap
import os
from pathlib import Path
from typing import Final

from dnsbl_server import blocks
from dnsbl_server.general import zone_of
from dnsbl_server.options import Options
from dnsbl_server.service import Service
from dnsbl_server.zone import Zone, Zones
from feed.snapshot.header import size_of
from feed.snapshot.reader import Snapshot

_SEALS: Final = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
MAX_BYTES: Final = 1 << 31
"""Two hundred million entries. A larger file is no list but a mistake: cut here, it will not verify."""

Signature = tuple[int, int, int, int]
"""Device, inode, modification time in ns and size: a renamed file always has another one."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A verified snapshot in a sealed descriptor. The owner closes `descriptor`."""

    descriptor: int
    signature: Signature
    zone: str
    serial: int
    expire_at: int


def signature_of(path: Path) -> Signature | None:
    """Return what tells one version of the file from the next, or None when it cannot be seen."""
    try:
        return _signature(path.stat())
    except OSError:
        return None


def _signature(status: os.stat_result) -> Signature:
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size


def load(path: Path) -> Loaded:
    """Return the verified copy of the file; raises `OSError` or a `SnapshotError` leaf."""
    descriptor = os.memfd_create("snapshot", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with path.open("rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            _copy(file.fileno(), descriptor, min(status.st_size, MAX_BYTES))
        # Only this process holds the copy so far, so it cannot change between this check and the seals.
        snapshot = Snapshot.open(_mapped(descriptor))
        # Made here because making it takes longer than an answer may.
        os.pwrite(descriptor, blocks.packed(snapshot), os.fstat(descriptor).st_size)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
    except BaseException:
        os.close(descriptor)
        raise
    meta = snapshot.meta
    return Loaded(
        descriptor=descriptor,
        signature=_signature(status),
        zone=meta.zone,
        serial=meta.serial,
        expire_at=meta.expire_at,
    )


def _copy(source: int, target: int, size: int) -> None:
    """Copy at most `size` bytes; a file that is longer or shorter by now will not verify."""
    copied = 0
    while copied < size:
        step = os.sendfile(target, source, copied, size - copied)
        if not step:
            break
        copied += step


def _mapped(descriptor: int) -> mmap.mmap | bytes:
    if not os.fstat(descriptor).st_size:
        return b""  # a map of nothing is an error; the reader says it better
    # Private, because a shared map of a write-sealed file is refused before Linux 6.7.
    return mmap.mmap(descriptor, 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)


def parts_of(descriptor: int) -> tuple[Snapshot, blocks.Blocks]:
    """Return the snapshot in a sealed descriptor and its blocks."""
    view = memoryview(_mapped(descriptor))
    size = size_of(view)
    return Snapshot.attach(view[:size]), blocks.Blocks.read(view[size:])


class Served:
    """What one worker answers from: a zone in each slot, and the service made of them.

    `service` is replaced as a whole; whoever took it for one message keeps its generation.
    """

    def __init__(self, slots: int, options: Options) -> None:
        """Make room for as many zones as the server has snapshot files."""
        self._zones: list[Zone | None] = [None] * slots
        self._logs: list[memoryview | bytes] = [b""] * slots
        self.options = options
        self.service = self._made()

    def _made(self) -> Service:
        options = self.options
        return Service(
            zones=Zones(zone for zone in self._zones if zone),
            cookies=options.cookies,
            access=options.access,
            keys=options.keys,
        )

    def attach(self, slot: int, descriptor: int) -> int:
        """Answer from the sealed snapshot in `descriptor` from now on; closes it, returns its serial."""
        try:
            zone = zone_of(*parts_of(descriptor), number=slot)
        finally:
            os.close(descriptor)
        self._zones[slot] = zone
        self.service = self._made()
        return zone.snapshot.serial

    def attach_history(self, slot: int, descriptor: int) -> None:
        """Tell transfers of what is in this log from now on; closes the descriptor."""
        try:
            self._logs[slot] = memoryview(_mapped(descriptor))
        finally:
            os.close(descriptor)

    def history(self, slot: int) -> memoryview | bytes:
        """Return the log of a zone."""
        return self._logs[slot]

    @property
    def complete(self) -> bool:
        """Whether every slot has its zone."""
        return all(self._zones)
