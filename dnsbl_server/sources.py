"""The snapshot files as the parent sees them: read when they change, refused when bad, with their history."""

import dataclasses
import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from dnsbl_server import history
from dnsbl_server.holder import Loaded, Signature, load, parts_of, signature_of
from dnsbl_server.say import StartError, say
from feed.snapshot.format import SnapshotError
from feed.snapshot.reader import Snapshot


@dataclasses.dataclass(kw_only=True, eq=False)
class Source:
    """One snapshot file. tried: the version that was last read, good or bad. log: of what changed in it."""

    path: Path
    log: history.Log
    loaded: Loaded | None = None
    tried: Signature | None = None


class Sources:
    """All snapshot files, by slot. clock: unix time. keep: whether what changes is kept for transfers."""

    def __init__(
        self, paths: Sequence[Path], folder: Path | None, clock: Callable[[], float], *, keep: bool
    ) -> None:
        self._sources = [Source(path=path, log=history.Log(folder)) for path in paths]
        self._clock = clock
        self._keep = keep

    def __iter__(self) -> Iterator[Source]:
        """Yield the sources by slot."""
        return iter(self._sources)

    def __getitem__(self, slot: int) -> Source:
        return self._sources[slot]

    def __len__(self) -> int:
        return len(self._sources)

    def missing(self) -> list[Source]:
        """Read what is not there yet; return what still is not."""
        return [source for source in self._sources if source.loaded is None and not self._refresh(source)]

    def complete(self) -> None:
        """Check what was read against each other, and take up the history; raises `StartError`."""
        zones = [source.loaded.zone for source in self._sources if source.loaded]
        twice = {zone for zone in zones if zones.count(zone) > 1}
        if twice:
            raise StartError(f"two snapshots hold the zone {min(twice)}")
        for source in self._sources:
            if source.loaded and self._keep:
                self._recall(source, source.loaded)

    def look(self, *, force: bool) -> Iterator[tuple[int, Loaded | None]]:
        """Yield the slots with a new list, and what was there before, which the caller closes."""
        for slot, source in enumerate(self._sources):
            before = source.loaded
            if self._refresh(source, force=force):
                yield slot, before

    def close(self) -> None:
        """Close all descriptors, in a child that was handed its own."""
        for source in self._sources:
            os.close(source.log.descriptor)
            if source.loaded:
                os.close(source.loaded.descriptor)

    def remember(self, slot: int, before: Loaded | None) -> None:
        """Note what leads from the list before to the present one, for those who have that one."""
        source = self._sources[slot]
        if self._keep and before is not None and source.loaded is not None:
            self._remember(source, source.loaded, parts_of(before.descriptor)[0])

    def _refresh(self, source: Source, *, force: bool = False) -> bool:
        """Read the file if it is another one than last time; return whether there is a new list.

        A file that cannot be used is named once, and what was there before is kept.
        """
        signature = signature_of(source.path)
        if signature is None:
            if source.loaded is None and source.tried is None:
                say(f"{source.path}: there is no such file, or it cannot be read")
                source.tried = (0, 0, 0, 0)
            return False
        if signature == source.tried and not force:
            return False
        source.tried = signature
        try:
            loaded = load(source.path)
        except (OSError, SnapshotError) as problem:
            kept = f"; still answering from serial {source.loaded.serial}" if source.loaded else ""
            say(f"{source.path}: not used: {problem}{kept}")
            return False
        refused = self._refusal(source, loaded)
        if refused:
            say(f"{source.path}: not used: {refused}")
            os.close(loaded.descriptor)
            return False
        source.tried = loaded.signature
        source.loaded = loaded
        return True

    def _refusal(self, source: Source, loaded: Loaded) -> str | None:
        """Return why a valid snapshot must not take the place of the present one, or None."""
        present = source.loaded
        others = {other.loaded.zone for other in self._sources if other.loaded and other is not source}
        if present is None:
            return None
        if loaded.zone in others:
            return f"the zone {loaded.zone} is in another snapshot already"
        if loaded.expire_at <= self._clock() < present.expire_at:
            return f"it is out of date; still answering from serial {present.serial}"
        if loaded.serial < present.serial:
            say(f"{source.path}: the serial goes back from {present.serial} to {loaded.serial}")
        return None

    def _recall(self, source: Source, loaded: Loaded) -> None:
        """Take up the history where the last run of the server left it."""
        served = source.log.open(loaded.zone)
        if served is None or served.serial != loaded.serial:
            self._remember(source, loaded, served)

    def _remember(self, source: Source, loaded: Loaded, old: Snapshot | None) -> None:
        new, _ = parts_of(loaded.descriptor)
        if old is not None and (old.serial, old.body_digest) == (new.serial, new.body_digest):
            return
        try:
            entry = history.step(old, new, int(self._clock())) if old else None
        except Exception:  # noqa: BLE001 - it only costs secondaries a whole transfer
            traceback.print_exc()
            entry = None
        source.log.add(entry, memoryview(new.data()))
