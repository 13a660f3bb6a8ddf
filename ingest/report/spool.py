"""The disk spool: one file an item and feed, so that each feed has its own state and none waits for another.

    SPOOL/FEED/queue/NAME    waits; SPOOL/FEED/dead/NAME: refused for good; SPOOL/FEED/pause: not before
    SPOOL/FEED/lock          held while the feed is flushed; SPOOL/FEED/aside: being written

An item is written aside, synced and renamed, so a process killed at any point leaves it whole or not at
all. Its name is made from its content: put twice, it is one item, and the feed knows it by that name
(Idempotency-Key). It is removed only after the feed answered, so it may be sent twice and counts once.
"""

import base64
import contextlib
import dataclasses
import errno
import fcntl
import hashlib
import json
import os
import pathlib
import secrets
from collections.abc import Iterator
from typing import Any, Final

LARGEST_ITEM: Final = 1 << 20
_ASIDE_LIFE_S: Final = 3600
_DEAD_LIFE_S: Final = 30 * 86_400
REPORT, RAW, OBSERVATION = "report", "raw", "observation"


class SpoolError(Exception):
    """An item could not be kept; the message says why. The caller still has it and may try again."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing to tell a feed. kind: REPORT and OBSERVATION have JSON as body, RAW a mail with its claim.

    stale_at: seconds since 1970 after which the feed would refuse it. attempts, not_before: of this feed.
    """

    kind: str
    body: bytes
    claim: dict[str, str] = dataclasses.field(default_factory=dict)
    identity: str = ""
    stale_at: int = 0
    attempts: int = 0
    not_before: float = 0.0
    refusal: str = ""

    @property
    def name(self) -> str:
        """The item's file name and Idempotency-Key: the same for the same content."""
        stable = self.identity.encode() or self.body + json.dumps(sorted(self.claim.items())).encode()
        return hashlib.sha256(self.kind.encode() + b"\0" + stable).hexdigest()

    def to_bytes(self) -> bytes:
        """Return the content of the item's file."""
        fields = dataclasses.asdict(self) | {"body": base64.b64encode(self.body).decode()}
        return json.dumps(fields).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Item":
        """Return the item in a file; raises ValueError for anything else."""
        fields: dict[str, Any] = json.loads(data)
        try:
            return cls(**fields | {"body": base64.b64decode(fields["body"], validate=True)})
        except (TypeError, KeyError) as problem:
            raise ValueError(str(problem)) from None


class FeedSpool:
    """The part of the spool for one feed."""

    def __init__(self, root: pathlib.Path, feed: str) -> None:
        """Name the folders; they are made when something is kept."""
        self.folder = root / feed
        self.queue, self.dead, self._aside = (self.folder / name for name in ("queue", "dead", "aside"))

    def put(self, item: Item) -> bool:
        """Keep an item; returns False if it waits already or was refused. Raises SpoolError."""
        name = item.name
        try:
            for folder in (self.queue, self.dead, self._aside):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if (self.queue / name).exists() or (self.dead / name).exists():
                return False
            self._write(self.queue / name, item.to_bytes())
        except OSError as problem:
            raise SpoolError(f"{self.folder}: {problem.strerror or problem}") from None
        return True

    def names(self) -> list[str]:
        """Return the names of all waiting items."""
        try:
            return sorted(path.name for path in self.queue.iterdir())
        except FileNotFoundError:
            return []

    def read(self, name: str) -> Item | None:
        """Return a waiting item, None if it is gone; one that cannot be read is moved to the dead."""
        path = self.queue / name
        try:
            with path.open("rb") as file:
                return Item.from_bytes(file.read(2 * LARGEST_ITEM))
        except FileNotFoundError:
            return None
        except ValueError:
            path.replace(self.dead / name)
            return None

    def update(self, name: str, item: Item) -> None:
        """Keep an item's new state."""
        self._write(self.queue / name, item.to_bytes())

    def remove(self, name: str) -> None:
        """Forget an item that the feed has answered."""
        with contextlib.suppress(FileNotFoundError):
            (self.queue / name).unlink()

    def bury(self, name: str, item: Item) -> None:
        """Move an item to the dead, with the reason."""
        self._write(self.dead / name, item.to_bytes())
        self.remove(name)

    def pause(self) -> tuple[float, int]:
        """Return (not before, failures in a row) of the whole feed."""
        try:
            said = json.loads((self.folder / "pause").read_bytes())
            return float(said["not_before"]), int(said["failures"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0.0, 0

    def set_pause(self, not_before: float, failures: int) -> None:
        """Let the whole feed rest until a moment; 0 failures: go on at once."""
        if failures == 0:
            with contextlib.suppress(FileNotFoundError):
                (self.folder / "pause").unlink()
            return
        self._write(
            self.folder / "pause", json.dumps({"not_before": not_before, "failures": failures}).encode()
        )

    @contextlib.contextmanager
    def lock(self) -> Iterator[bool]:
        """Hold the feed's lock; gives False if another process flushes it at this moment."""
        self._aside.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / "lock").open("wb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as problem:
                if problem.errno not in {errno.EWOULDBLOCK, errno.EACCES}:
                    raise
                yield False
                return
            yield True

    def sweep(self, *, now: float) -> None:
        """Remove what killed writers left aside, and the dead of a month ago."""
        for folder, life_s in ((self._aside, _ASIDE_LIFE_S), (self.dead, _DEAD_LIFE_S)):
            for path in folder.iterdir() if folder.is_dir() else ():
                with contextlib.suppress(FileNotFoundError):
                    if path.stat().st_mtime < now - life_s:
                        path.unlink()

    def _write(self, path: pathlib.Path, data: bytes) -> None:
        aside = self._aside / f"{path.name}.{secrets.token_hex(4)}"
        try:
            handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(handle)
            aside.replace(path)
        except OSError:
            aside.unlink(missing_ok=True)
            raise
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class Spool:
    """The spools of all feeds."""

    def __init__(self, root: pathlib.Path, feeds: tuple[str, ...]) -> None:
        """Take the folder and the names of the feeds."""
        self.feeds = {name: FeedSpool(root, name) for name in feeds}

    def put(self, item: Item) -> bool:
        """Keep an item for every feed; returns whether it was new to one. Raises SpoolError.

        After an error some feeds may have it; putting it again gives it to the others.
        """
        added = [spool.put(item) for spool in self.feeds.values()]
        return any(added)
