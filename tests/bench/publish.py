"""CPU time of one publication tick with many entries: nothing changed, and one address changed.

Run: python tests/bench/publish.py [ENTRIES]. Prints machine, Python and medians of five runs.
"""

import dataclasses
import pathlib
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

from feed.domain.event import Channel
from feed.domain.listing import Code, EmitterState, State
from feed.jobs.publish import publish
from feed.settings import PublishSettings
from feed.store import controls, states
from feed.store.database import Database
from feed.store.upgrade import upgrade

RUNS = 5
NOW = 1_795_000_000
FIRST = 8 << 24


def fill(database: Database, first: int, count: int) -> None:
    """List `count` IPv4 addresses from number `first` on."""
    state = EmitterState(state=State.LISTED, code=Code.CONFIRMED)
    for start in range(first, first + count, 1000):
        with database.write() as connection:
            rows = []
            for number in range(start, min(start + 1000, first + count)):
                key = bytes(10) + b"\xff\xff" + (FIRST + 3 * number).to_bytes(4, "big")
                rows.append(states.touch(connection, key, Channel.MAIN, address=key))
            listed = [dataclasses.replace(row, state=state) for row in rows]
            states.save(connection, listed, policy_id=1, trust_id=1)
            controls.next_generation(connection)


def median_cpu_s(work: Callable[[int], object]) -> float:
    """Return the median CPU seconds of `work(run)`."""
    taken = []
    for run in range(RUNS):
        started = time.process_time()
        work(run)
        taken.append(time.process_time() - started)
    return statistics.median(taken)


def main() -> None:
    """Measure and print."""
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with tempfile.TemporaryDirectory() as name:
        database = Database(f"sqlite:///{name}/feed.db", synchronous="NORMAL")
        upgrade(database)
        settings = PublishSettings(folder=pathlib.Path(name) / "snapshots")
        fill(database, 0, entries)
        publish(database, settings, now=NOW)
        idle = median_cpu_s(lambda run: publish(database, settings, now=NOW + run))
        renewed = median_cpu_s(lambda run: publish(database, settings, now=NOW + 100 * (run + 1)))

        def one_more(run: int) -> None:
            fill(database, entries + run, 1)
            publish(database, settings, now=NOW + 1000 + run)

        changed = median_cpu_s(one_more)
        database.dispose()
    print(
        f"{platform.machine()}, Python {platform.python_version()}, {entries} entries, two zones, {RUNS} runs"
    )
    print(f"nothing changed: {idle * 1000:.0f} ms CPU; renewed: {renewed * 1000:.0f} ms")
    print(f"one more entry: {changed * 1000:.0f} ms CPU")


if __name__ == "__main__":
    main()
