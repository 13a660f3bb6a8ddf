"""kill -9 at random points: the state in the end is that of a run that nobody disturbed.

`BSF_KILLS` sets how often each job is killed on each database.
"""

import contextlib
import datetime as dt
import functools
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from feed.domain.policy import PRIVATE
from feed.domain.providers import Providers
from feed.jobs import retract, score
from feed.jobs.schedule import TICK
from feed.jobs.score import Scorer
from feed.store import bulk, controls, states
from feed.store.database import Database, StoreError
from feed.store.secret import Secret
from feed.store.tables import cell, emitter_state, event, retraction, transition
from tests.conftest import ROOT, fresh_postgresql
from tests.factories import NOW, make_event, make_reporter
from tests.waiting import wait_until

KILLS = int(os.environ.get("BSF_KILLS", "50"))
SECRET = Secret(bytes(32))
EMPTY = Providers.parse("# date: 2026-11-25\n")
BEGIN = int(NOW.timestamp())
EMITTERS = 60


@pytest.fixture(params=["sqlite", "postgresql"])
def pair(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[tuple[Database, Database]]:
    """Return two empty databases of the same kind: one is left in peace, one is not."""
    like = request.getfixturevalue(f"migrated_{request.param}")
    with contextlib.ExitStack() as stack:
        made = []
        for name in ("peace", "killed"):
            if request.param == "sqlite":
                shutil.copy(like, tmp_path / f"{name}.db")
                one = Database(f"sqlite:///{tmp_path}/{name}.db", synchronous="NORMAL")
                stack.callback(one.dispose)
            else:
                server = request.getfixturevalue("postgresql_server")
                unique = f"{name}_{os.getpid()}_{time.time_ns()}"
                one = stack.enter_context(fresh_postgresql(server, unique, like=like))
            made.append(one)
        yield made[0], made[1]


def fill(database: Database, round_number: int) -> None:
    """Give both databases the same new evidence."""
    at = dt.datetime.fromtimestamp(moment(round_number), dt.UTC)
    rnd = random.Random(round_number)
    for source in (1, 2):
        events = [
            make_event(
                event_id=round_number * 1000 + source * 300 + number,
                source_id=source,
                address=f"192.0.2.{rnd.randrange(EMITTERS) + 1}",
                original_key=(round_number * 1000 + source * 300 + number).to_bytes(16, "big"),
                observed_at=at.replace(second=0),
                received_at=at,
            )
            for number in range(12)
        ]
        with database.write() as connection:
            bulk.add_events(connection, events)


def moment(round_number: int) -> int:
    return BEGIN + round_number * 7200


def told(database: Database) -> list[list[str]]:
    with database.read() as connection:
        return [
            sorted(repr(tuple(row)) for row in connection.execute(sa.select(table)))
            for table in (emitter_state, transition, cell, event, retraction)
        ]


def killed_at_random(
    work: Callable[[Database], object], database: Database, rnd: random.Random, *, longest_s: float = 0.09
) -> bool:
    """Run `work` in a process of its own that is killed within `longest_s`; whether it was cut short."""
    url = database.url.render_as_string(hide_password=False)
    child = os.fork()
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException):
            work(Database(url, synchronous="NORMAL"))
            code = 0
        os._exit(code)
    time.sleep(rnd.uniform(0.0, longest_s))
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def run_scorer(database: Database, now: int) -> int:
    return Scorer(database=database, secret=SECRET, policy=PRIVATE, providers=EMPTY).run(now=now).scored


def test_scoring_killed_at_random_points_ends_as_if_nothing_had_been(
    pair: tuple[Database, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score, "CHUNK", 4)
    rnd = random.Random(1)
    for database in pair:
        with database.write() as connection:
            for name in ("one", "two"):
                make_reporter(connection, name)
    kills = cut = halves = 0
    peace, killed = pair
    for round_number in range(10 * KILLS):
        now = moment(round_number)
        for database in pair:
            fill(database, round_number)
            if round_number % 3 == 0:
                with database.write() as connection:
                    states.make_due(connection, bytes(16), b"\xff" * 16)
        started = time.monotonic()
        whole = run_scorer(peace, now)
        # As long as the same work took here and now, and a connection before it: on a busy machine more.
        longest_s = 0.03 + 1.5 * (time.monotonic() - started)
        kills += 1
        work = functools.partial(run_scorer, now=now)
        cut += killed_at_random(work, killed, rnd, longest_s=longest_s)
        halves += 0 < run_scorer(killed, now) < whole
        if cut >= KILLS and halves >= KILLS // 10:
            break
    assert cut >= KILLS, f"{kills} runs, only {cut} of them were cut short"
    assert halves >= KILLS // 10, f"only {halves} runs were cut between two transactions"
    assert told(killed) == told(peace)
    assert len(told(peace)[1]) > EMITTERS


def lie(database: Database, round_number: int) -> int:
    """Let a new reporter speak of some emitters as well; return its number."""
    at = dt.datetime.fromtimestamp(moment(round_number), dt.UTC)
    rnd = random.Random(-round_number)
    with database.write() as connection:
        source_id = make_reporter(connection, f"liar {round_number}")
        events = [
            make_event(
                event_id=round_number * 1000 + 900 + number,
                source_id=source_id,
                address=f"192.0.2.{emitter}",
                original_key=(round_number * 1000 + 900 + number).to_bytes(16, "big"),
                observed_at=at.replace(second=0) - dt.timedelta(days=number % 2),
                received_at=at,
            )
            for number, emitter in enumerate(rnd.sample(range(1, EMITTERS + 1), 10))
        ]
        bulk.add_events(connection, events)
    return source_id


def test_retraction_killed_at_random_points_ends_as_if_nothing_had_been(
    pair: tuple[Database, Database],
) -> None:
    rnd = random.Random(2)
    for database in pair:
        with database.write() as connection:
            for name in ("one", "two"):
                make_reporter(connection, name)
    peace, killed = pair
    cut = halves = ended = 0
    for round_number in range(5 * KILLS):
        now = moment(round_number)
        clock = functools.partial(int, now)
        numbers = []
        for database in pair:
            fill(database, round_number)
            source_id = lie(database, round_number)
            run_scorer(database, now)
            with database.write() as connection:
                numbers.append(retract.begin(connection, source_id, author="t", reason="lied", now=now))
        started = time.monotonic()
        ended += retract.carry_out(peace, SECRET, numbers[0], clock=clock).ended_n
        longest_s = 0.03 + time.monotonic() - started
        work = functools.partial(retract.carry_out, secret=SECRET, number=numbers[1], clock=clock)
        while cut < KILLS and killed_at_random(work, killed, rnd, longest_s=longest_s):
            cut += 1
            with killed.read() as connection:
                halves += 0 < retract.find(connection, numbers[1]).emitters_n < 10
        assert retract.carry_out(killed, SECRET, numbers[1], clock=clock).done_at == now
        if cut >= KILLS and halves >= 1:
            break
    assert cut >= KILLS, f"only {cut} runs were cut short"
    assert halves
    assert ended
    assert told(killed) == told(peace)
    with killed.read() as connection:
        assert retract.unfinished(connection, before=now + 1) == []


def scheduler(database: Database, folder: pathlib.Path) -> "subprocess.Popen[bytes]":
    config = folder / "feed.toml"
    url = database.url.render_as_string(hide_password=False)
    config.write_text(
        f'[store]\nurl = "{url}"\nsecret_file = "{folder}/secret"\n[score]\ntick_s = 1\n'
        f'[publish]\nfolder = "{folder}/snapshots"\n',
        encoding="utf-8",
    )
    return subprocess.Popen(
        [sys.executable, "-m", "feed", "--config", str(config), "schedule"],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def last_tick(database: Database) -> int:
    try:
        with database.read() as connection:
            mark = controls.get(connection, TICK)
    except StoreError:
        return 0
    return int(mark.value) if mark is not None else 0


def ticked_after(database: Database, moment: int) -> bool:
    return last_tick(database) > moment


def report(database: Database, number: int) -> None:
    now = dt.datetime.fromtimestamp(int(time.time()), dt.UTC)
    with database.write() as connection:
        bulk.add_events(
            connection,
            [
                make_event(
                    address=f"192.0.2.{number}", received_at=now,
                    observed_at=now.replace(second=0) - dt.timedelta(days=back),
                )
                for back in (0, 1)
            ],
        )  # fmt: skip


def listed(database: Database) -> set[str]:
    with database.read() as connection:
        return {".".join(map(str, key[12:16])) for key in states.published(connection)}


def is_listed(database: Database, address: str) -> bool:
    return address in listed(database)


@pytest.mark.e2e
def test_two_schedulers_one_killed_no_tick_is_lost_and_none_done_twice(
    database: Database, tmp_path: pathlib.Path
) -> None:
    with database.write() as connection:
        make_reporter(connection, "one")
    report(database, 1)
    processes: list[Any] = []
    try:
        processes = [scheduler(database, tmp_path) for _ in range(2)]
        wait_until(lambda: "192.0.2.1" in listed(database), seconds=60, words=lambda: "nobody scored")
        for number in range(2, 6):
            victim = processes.pop(0)
            victim.kill()
            victim.wait()
            killed_at = last_tick(database)
            report(database, number)
            processes.append(scheduler(database, tmp_path))
            wait_until(
                functools.partial(is_listed, database, f"192.0.2.{number}"),
                seconds=60, words=lambda: "nobody took over",
            )  # fmt: skip
            wait_until(
                functools.partial(ticked_after, database, killed_at), seconds=20, words=lambda: "no tick"
            )
        with database.read() as connection:
            rows = connection.execute(
                sa.select(transition.c.emitter_key, sa.func.count()).group_by(transition.c.emitter_key)
            ).all()
        assert sorted(count for _, count in rows) == [1] * 5
    finally:
        for process in processes:
            process.kill()
            process.wait()
