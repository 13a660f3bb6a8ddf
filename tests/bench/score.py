"""How many addresses a second `step` judges on one core, with five cells each.

Run: python tests/bench/score.py [ADDRESSES]. Prints machine, Python and the median of five runs, in CPU time.
"""

import platform
import statistics
import sys
import time

from feed.domain.evidence import MICRO, Cell, Standing, Trust
from feed.domain.listing import EmitterState, Inputs
from feed.domain.policy import COMMUNITY, PRIVATE, Policy
from feed.domain.scoring import step

DAY = 1440
TODAY = 20_000
RUNS = 5


def inputs_of(number: int) -> Inputs:
    """Return five cells of one to three sources over the last days, different for each number."""
    cells = []
    for k in range(5):
        day = TODAY - (number + k) % 6
        at = day * DAY + (number * 37 + k * 211) % DAY
        n = 1 + (number >> k) % 4
        cells.append(
            Cell(
                source_id=1 + (number + k) % 3 + k // 3,
                day=day,
                epoch=0,
                points=3 * MICRO * n,
                n=n,
                n_u=(0, 0, 0, n, 0, 0),
                log_miss_n=n,
                first_at=at,
                last_at=at,
                strong_at=at,
                observed=number % 4 == 0,
                null_n=20,
            )
        )
    return Inputs(cells=cells, jitter_seed=number, trusted_groups=5)


def run(addresses: int, policy: Policy, trust: Trust, *, again: bool) -> tuple[float, dict[str, int]]:
    """Return addresses a second and how many ended in which state; `again`: rescored an hour later."""
    tick = (TODAY + 1) * DAY
    work = [inputs_of(number) for number in range(addresses)]
    states = [EmitterState()] * addresses
    if again:
        states = [step(EmitterState(), given, policy, trust, tick).state for given in work]
    start = time.process_time()
    done = [
        step(state, given, policy, trust, tick + 60 * again).state
        for state, given in zip(states, work, strict=True)
    ]
    seconds = time.process_time() - start
    ends: dict[str, int] = {}
    for state in done:
        ends[state.state.word] = ends.get(state.state.word, 0) + 1
    return addresses / seconds, ends


def main() -> None:
    addresses = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    trust = {
        source: Standing(source_id=source, group_id=source, weight=14 + source, anchor=source == 1)
        for source in range(1, 6)
    }
    print(f"{platform.processor() or platform.machine()}, CPython {platform.python_version()}")
    for policy in (PRIVATE, COMMUNITY):
        for again in (False, True):
            runs = [run(addresses, policy, trust, again=again) for _ in range(RUNS)]
            rate = statistics.median(rate for rate, _ in runs)
            name = "rescored" if again else "new"
            print(f"{policy.name:10} {name:9} {rate:9,.0f} addresses/s   {runs[0][1]}")


if __name__ == "__main__":
    main()
