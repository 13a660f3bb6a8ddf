"""The write discipline: nobody is refused, nothing is half-written, readers see one state."""

import contextlib
import multiprocessing
import os
import pathlib
import time

import pytest

from feed.domain.event import Channel
from feed.store import controls, states, upgrade
from feed.store.controls import Control
from feed.store.database import Database, StoreBusyError, StoreError, file_lock

KEY = bytes(16)
WRITES = 40


def _touch_often(url: str) -> None:
    database = Database(url)
    for _ in range(WRITES):
        with database.write() as connection:
            states.touch(connection, KEY, Channel.MAIN, address=KEY)


def test_processes_that_write_at_once_all_succeed(database: Database) -> None:
    url = database.url.render_as_string(hide_password=False)
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_touch_often, args=(url,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    with database.read() as connection:
        row = states.read(connection, KEY, Channel.MAIN)
    assert row is not None
    assert row.version == 3 * WRITES


def test_exception_inside_a_write_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as connection:
        controls.put(connection, "freeze", Control(value="on", reason="r", author="a", set_at=1))
        raise RuntimeError
    with database.read() as connection:
        assert controls.get(connection, "freeze") is None


def test_reader_sees_one_state_while_another_writes(database: Database) -> None:
    with database.read() as reader:
        assert controls.get(reader, "freeze") is None
        with database.write() as writer:
            controls.put(writer, "freeze", Control(value="on", reason="r", author="a", set_at=1))
        assert controls.get(reader, "freeze") is None


def test_readers_cannot_write(database: Database) -> None:
    with pytest.raises(StoreError), database.read() as connection:
        controls.put(connection, "freeze", Control(value="on", reason="r", author="a", set_at=1))


def test_lock_that_is_held_too_long_is_an_error_in_words(tmp_path: pathlib.Path) -> None:
    with (
        file_lock(tmp_path / "lock", wait_s=1),
        pytest.raises(StoreBusyError, match="locked by another process"),
        file_lock(tmp_path / "lock", wait_s=0),
    ):
        pass


def test_row_touched_while_it_is_scored_stays_dirty(database: Database) -> None:
    """A report that arrives during scoring is not lost: the older version is not written back."""
    with database.write() as connection:
        before = states.touch(connection, KEY, Channel.MAIN, address=KEY)
        states.touch(connection, KEY, Channel.MAIN, address=KEY)
        states.save(connection, [before], policy_id=1, trust_id=1)
        after = states.read(connection, KEY, Channel.MAIN)
    assert after is not None
    assert after.state.next_due_at == states.DIRTY


def _rise_often(url: str) -> None:
    database = Database(url)
    for _ in range(WRITES):
        with database.write() as connection:
            controls.next_generation(connection)


def test_no_change_of_the_zones_is_ever_counted_twice(database: Database) -> None:
    """Two removals at once must give two generations, or the second would never be published."""
    url = database.url.render_as_string(hide_password=False)
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_rise_often, args=(url,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    with database.read() as connection:
        assert controls.generation(connection) == 3 * WRITES


def _opened_at(url: str, moment: float) -> bool:
    """Open a database in a process of its own at a moment; return whether that went well."""
    child = os.fork()
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException):
            database = Database(url)
            while time.monotonic() < moment:
                pass
            upgrade.current(database)
            code = 0
        os._exit(code)
    return bool(child)


def test_new_file_opened_by_many_at_once_is_opened_by_all(tmp_path: pathlib.Path) -> None:
    """SQLite refuses who switches a new file to WAL while another does, without waiting."""
    for number in range(40):
        moment = time.monotonic() + 0.02
        for _ in range(6):
            _opened_at(f"sqlite:///{tmp_path}/{number}.db", moment)
        assert [os.wait()[1] for _ in range(6)] == [0] * 6


def test_files_of_the_database_are_read_by_nobody_else(tmp_path: pathlib.Path) -> None:
    before = os.umask(0o022)
    try:
        database = Database(f"sqlite:///{tmp_path}/feed.db")
        upgrade.upgrade(database)
        with database.read():
            modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert set(modes) == {"feed.db", "feed.db-wal", "feed.db-shm", "feed.db.lock"}
    assert set(modes.values()) == {0o600}
    database.dispose()
