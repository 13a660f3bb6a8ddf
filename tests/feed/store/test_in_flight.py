"""One report at a time under one Idempotency-Key, and nobody waits for the dead."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from feed.store.database import Database
from feed.store.in_flight import InFlight, InFlightError

KEY, OTHER = b"\xff" * 32, b"\x00" * 32

HOLD = """
import sys
from feed.store.database import Database
from feed.store.in_flight import InFlight
with InFlight(Database(sys.argv[1])).hold(b"\\xff" * 32):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def in_flight(database: Database) -> Iterator[InFlight]:
    made = InFlight(database)
    yield made
    made.close()


def test_a_key_is_held_once_and_free_afterwards(in_flight: InFlight) -> None:
    for _ in range(2):
        with in_flight.hold(KEY), in_flight.hold(OTHER), pytest.raises(InFlightError), in_flight.hold(KEY):
            pass


def test_a_key_is_free_after_a_failure(in_flight: InFlight) -> None:
    with pytest.raises(ZeroDivisionError), in_flight.hold(KEY):
        raise ZeroDivisionError
    with in_flight.hold(KEY):
        pass


def test_another_process_holds_a_key_until_it_is_killed(database: Database, in_flight: InFlight) -> None:
    url = database.url.render_as_string(hide_password=False)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(InFlightError), in_flight.hold(KEY):
            pass
        process.kill()
        process.wait()
    for _ in range(100_000):  # PostgreSQL notices the lost connection a moment later
        try:
            with in_flight.hold(KEY):
                return
        except InFlightError:
            continue
    pytest.fail("the key of a dead process is held for ever")
