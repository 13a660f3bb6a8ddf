"""How many requests one network may make: a bucket a network, in memory, of bounded size.

Kept here rather than taken from a library because the clock is passed in and the memory must stay
bounded when each request comes from another IPv6 network. Each process counts for itself.
"""

import collections
import dataclasses
import threading
from typing import Final

NETWORKS: Final = 100_000
"""Buckets kept at once; beyond, the one longest unused is forgotten, which means full again."""


@dataclasses.dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Throttle:
    """Allow `burst` requests at once for each name, refilled evenly within `period_s` seconds."""

    def __init__(self, *, burst: int, period_s: int, names: int = NETWORKS) -> None:
        self.burst = burst
        self.period_s = period_s
        self._names = names
        self._buckets: collections.OrderedDict[str, _Bucket] = collections.OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, name: str, *, now: float) -> int:
        """Take one request of `name`; return 0 if it is allowed, else after how many seconds to come back.

        now: seconds. A clock that was set back refills nothing and locks nobody out.
        """
        rate = self.burst / self.period_s
        with self._lock:
            bucket = self._buckets.pop(name, None) or _Bucket(left=self.burst, at=now)
            bucket.left = min(self.burst, bucket.left + max(0.0, now - bucket.at) * rate)
            bucket.at = now
            allowed = bucket.left >= 1
            if allowed:
                bucket.left -= 1
            self._buckets[name] = bucket
            if len(self._buckets) > self._names:
                self._buckets.popitem(last=False)
            return 0 if allowed else max(1, int((1 - bucket.left) / rate + 0.999))
