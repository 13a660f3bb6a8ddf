"""What a tick costs beside rows that nothing changes, and whether scoring keeps up with a day of events.

Run: python tests/bench/tick.py [IDLE] [EVENTS] [FOLDER]. On SQLite, in CPU time of this process, as ratios.
Defaults: 10,000,000 idle rows (2 GB, some minutes to write), 100,000 events.
"""

import datetime as dt
import pathlib
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator

from feed.domain.event import Channel, Event
from feed.domain.listing import NEVER
from feed.domain.policy import PRIVATE
from feed.domain.providers import Providers
from feed.jobs.score import Scorer
from feed.store import bulk, dialect, states
from feed.store.database import Database
from feed.store.secret import Secret
from feed.store.tables import emitter_state
from feed.store.upgrade import upgrade
from tests.factories import NOW, make_event, make_reporter

CHANGED = 2000
RUNS = 7
SOURCES = 20
A_DAY = 1_000_000
BATCH = 500
TICK_S = 15
START = int(NOW.timestamp())


def opened(path: pathlib.Path) -> Database:
    database = Database(f"sqlite:///{path}", synchronous="NORMAL")
    upgrade(database)
    with database.write() as connection:
        for number in range(SOURCES):
            make_reporter(connection, f"r{number}", anchor=number < 2)
    return database


def scorer(database: Database) -> Scorer:
    providers = Providers.parse("# date: 2026-11-25\n")
    return Scorer(database=database, secret=Secret(bytes(32)), policy=PRIVATE, providers=providers)


def events(rnd: random.Random, number: int, *, addresses: int, at: int) -> Iterator[Event]:
    when = dt.datetime.fromtimestamp(at, dt.UTC)
    for _ in range(number):
        # A few emitters send most of it: the square is near what was seen of backscatter.
        address = int(addresses * rnd.random() ** 2)
        yield make_event(
            event_id=rnd.getrandbits(62), source_id=1 + rnd.randrange(SOURCES),
            address=f"{20 + address // 65_536}.{address // 256 % 256}.{address % 256}.9",
            original_key=rnd.randbytes(16), recipient_token=rnd.randrange(1, 1000), received_at=when,
            observed_at=(when - dt.timedelta(minutes=rnd.randrange(600))).replace(second=0),
        )  # fmt: skip


def add_idle(database: Database, number: int) -> None:
    """Write rows of emitters that were seen long ago: nothing is due, nothing is listed."""
    fresh = states.fresh_values() | {
        "channel": int(Channel.MAIN), "next_due_minute": NEVER, "version": 1, "scored_version": 1,
        "policy_id": 1, "trust_id": 1,
    }  # fmt: skip
    for first in range(0, number, 20_000):
        rows = []
        for at in range(first, min(first + 20_000, number)):
            key = bytes(10) + b"\xff\xff" + (0x64000000 + at * 7).to_bytes(4, "big")
            rows.append(fresh | {"emitter_key": key, "address": key})
        with database.write() as connection:
            dialect.insert_rows(connection, emitter_state, rows)


def tick(database: Database, rnd: random.Random, at: int) -> float:
    """Return the CPU seconds of a tick that scores what `CHANGED` new events are about."""
    new = list(events(rnd, CHANGED, addresses=CHANGED, at=at))
    for first in range(0, len(new), BATCH):
        with database.write() as connection:
            bulk.add_events(connection, new[first : first + BATCH])
    start = time.process_time()
    scorer(database).run(now=at)
    return time.process_time() - start


def idle(folder: pathlib.Path, number: int) -> None:
    """Give two databases the same events, one of them beside idle rows, turn about."""
    alone, beside = opened(folder / "alone.db"), opened(folder / "beside.db")
    add_idle(beside, number)
    seconds: list[tuple[float, float]] = []
    for run in range(RUNS):
        at = START + run * TICK_S
        seconds.append((tick(alone, random.Random(run), at), tick(beside, random.Random(run), at)))
    del seconds[0]  # the first compiles statements
    medians = [statistics.median(pair[place] for pair in seconds) for place in (0, 1)]
    ratio = statistics.median(two / one for one, two in seconds)
    print(f"tick of {CHANGED:,} new events, alone: {1000 * medians[0]:.0f} ms of CPU")
    print(f"the same beside {number:,} idle rows: {1000 * medians[1]:.0f} ms, ratio {ratio:.3f}")
    alone.dispose()
    beside.dispose()


def day(folder: pathlib.Path, number: int) -> None:
    """Take events in batches and score at every tick, as the clock of a day of a million would have it."""
    database = opened(folder / "day.db")
    rnd = random.Random(4)
    a_tick = max(1, A_DAY * TICK_S // 86_400)
    taken = writing = scoring = 0.0
    worst = 0.0
    while taken < number:
        now = START + int(taken * 86_400 / A_DAY)
        new = list(events(rnd, a_tick, addresses=50_000, at=now))
        begin = time.process_time()
        with database.write() as connection:
            bulk.add_events(connection, new)
        middle = time.process_time()
        scorer(database).run(now=now)
        end = time.process_time()
        taken, writing, scoring = taken + a_tick, writing + middle - begin, scoring + end - middle
        worst = max(worst, end - begin)
    each = (writing + scoring) / taken
    print(f"{taken:,.0f} events at the rate of {A_DAY:,} a day, {a_tick} a tick of {TICK_S} s:")
    print(f"stored {1e6 * writing / taken:.0f} us, scored {1e6 * scoring / taken:.0f} us of CPU an event")
    print(f"a day needs {each * A_DAY:,.0f} s: {100 * each * A_DAY / 86_400:.1f} % of one core")
    print(f"the longest tick took {100 * worst / TICK_S:.1f} % of its time")
    database.dispose()


def main() -> None:
    numbers = [int(text.replace(",", "")) for text in sys.argv[1:3]]
    rows, evidence = (*numbers, *(10_000_000, 100_000)[len(numbers) :])
    print(f"{platform.processor() or platform.machine()}, CPython {platform.python_version()}")
    with tempfile.TemporaryDirectory(dir=sys.argv[3] if len(sys.argv) > 3 else None) as name:
        idle(pathlib.Path(name), rows)
        day(pathlib.Path(name), evidence)


if __name__ == "__main__":
    main()
