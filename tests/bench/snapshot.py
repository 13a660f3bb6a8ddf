"""CPU time of a snapshot of many entries: full build, patch of 3,000 changes, opening.

Run: python tests/bench/snapshot.py [ENTRIES]. Prints machine, Python and medians of five runs.
"""

import dataclasses
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable

from feed.snapshot.format import Meta, Value
from feed.snapshot.reader import Snapshot
from feed.snapshot.writer import PackedEntry, build_packed, patch_packed

RUNS = 5
CHANGES = 3000
NOW = 1_795_000_000
META = Meta(
    zone="bl.example.org", serial=NOW, created_at=NOW, refresh_by=NOW + 900, expire_at=NOW + 172_800,
    mname="ns1.example.net", rname="hostmaster@example.net", ns=("ns1.example.net",),
    lookup_url="https://feed.example.org/lookup/$", allow_special=True,
)  # fmt: skip
LISTED = Value(code=2, unit=32, text="Listed, see https://feed.example.org/lookup/$")


def median_ms(work: Callable[[], object]) -> float:
    """Return the median CPU milliseconds of `work()`."""
    taken = []
    for _ in range(RUNS):
        started = time.process_time()
        work()
        taken.append((time.process_time() - started) * 1000)
    return statistics.median(taken)


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rnd = random.Random(1)
    numbers = rnd.sample(range(1 << 24, 126 << 24), count)
    entries: list[PackedEntry] = [(number.to_bytes(4), 32, LISTED) for number in numbers]
    built = median_ms(lambda: build_packed(entries, META))
    data = build_packed(entries, META)
    last = Snapshot.open(data)
    # Half of the changes take an entry off, half add one.
    off: list[PackedEntry] = [(number.to_bytes(4), 32, None) for number in numbers[: CHANGES // 2]]
    new = [(rnd.randrange(128 << 24, 224 << 24).to_bytes(4), 32, LISTED) for _ in range(CHANGES // 2)]
    meta = dataclasses.replace(META, serial=NOW + 1)
    patched = median_ms(lambda: patch_packed(last, [*off, *new], meta))
    opened = median_ms(lambda: Snapshot.open(data))
    print(f"{platform.machine()}, Python {platform.python_version()}, {count} entries, {RUNS} runs, CPU time")
    print(f"build: {built:.0f} ms; patch of {CHANGES} changes: {patched:.0f} ms; opening: {opened:.0f} ms")


if __name__ == "__main__":
    main()
