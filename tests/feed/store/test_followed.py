"""A file that is followed: changes are taken once, what is broken leaves the last good copy."""

import os
import pathlib
import threading

import pytest

from feed.store.followed import Followed

AT = 1_795_000_000.0


class World:
    """A file of one number, a clock, and what was told."""

    def __init__(self, path: pathlib.Path, *, known: int | None = 1) -> None:
        self.path = path
        self.now = AT
        self.said: list[str] = []
        self.reads = 0
        self.write("1")
        self.now += 60
        self.file = Followed(path, self.read, known=known, taken=self.taken, refused=self.refused)

    def read(self, path: pathlib.Path) -> int:
        self.reads += 1
        return int(path.read_text())

    def taken(self, fresh: int) -> None:
        self.said.append(f"now {fresh}")

    def refused(self, problem: Exception, known: int | None) -> None:
        self.said.append(f"{type(problem).__name__}, {known} stays")

    def write(self, text: str) -> None:
        """Write the file in place, now."""
        self.path.write_text(text)
        os.utime(self.path, (self.now, self.now))

    def look(self, *, after: float = 0) -> int | None:
        self.now += after
        return self.file.look(now=self.now)


@pytest.fixture
def world(tmp_path: pathlib.Path) -> World:
    made = World(tmp_path / "number")
    made.look()
    return made


def test_a_look_at_an_unchanged_file_reads_nothing(world: World) -> None:
    before = world.reads
    assert [world.look(after=1) for _ in range(5)] == [1] * 5
    assert (world.reads, world.said) == (before, [])


def test_a_change_is_taken_by_the_first_look_after_it_rests(world: World) -> None:
    world.write("2")
    assert world.look(after=60) == 2
    assert world.look() == 2
    assert world.said == ["now 2"]


def test_a_file_being_written_is_left_until_it_rests(world: World) -> None:
    world.write("2")  # the beginning of 23
    assert world.look(after=1) == 1
    world.write("23")
    assert world.look(after=1) == 1
    assert world.look(after=1) == 23


@pytest.mark.parametrize(
    "dated",
    [
        pytest.param(AT - 86_400, id="older than the last"),
        pytest.param(AT + 86_400, id="in times to come"),
        pytest.param(AT, id="the date of the last"),
    ],
)
def test_a_file_put_in_the_place_of_the_last_is_taken_whatever_its_date(world: World, dated: float) -> None:
    aside = world.path.with_name("aside")
    aside.write_text("7")
    os.utime(aside, (dated, dated))
    aside.replace(world.path)
    world.look()
    assert world.look(after=3) == 7


def test_a_clock_that_was_put_back_keeps_nothing_waiting(world: World) -> None:
    world.write("2")
    world.look(after=1)
    assert world.look(after=-7200) == 2


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        pytest.param("nonsense", "ValueError, 1 stays", id="broken"),
        pytest.param("", "ValueError, 1 stays", id="empty"),
        pytest.param(None, "FileNotFoundError, 1 stays", id="gone"),
    ],
)
def test_what_cannot_be_used_leaves_the_last_good_copy_and_is_told_once(
    world: World, broken: str | None, words: str
) -> None:
    if broken is None:
        world.path.unlink()
    else:
        world.write(broken)
    assert [world.look(after=60) for _ in range(4)] == [1] * 4
    assert world.said == [words]
    world.write("3")
    assert world.look(after=60) == 3
    assert world.said == [words, "now 3"]


def test_a_file_that_comes_back_as_it_was_is_in_force_without_a_word(world: World) -> None:
    aside = world.path.rename(world.path.with_name("aside"))
    world.look()
    world.look(after=60)
    aside.rename(world.path)
    assert world.look(after=60) == 1
    assert world.said == ["FileNotFoundError, 1 stays"]


def test_what_changed_between_start_and_first_look_is_seen(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path / "number", known=0)
    assert world.look() == 1


def test_without_a_file_what_is_known_stays(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path / "number")
    fixed = Followed(None, world.read, known=5, taken=world.taken, refused=world.refused)
    assert fixed.look(now=AT) == 5
    assert not world.reads


def test_who_looks_while_another_reads_gets_the_last_copy_and_never_waits(world: World) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def slow(path: pathlib.Path) -> int:
        reading.set()
        assert go_on.wait(60)
        return int(path.read_text())

    world.file = Followed(world.path, slow, known=1, taken=world.taken, refused=world.refused)
    world.write("2")
    world.now += 60
    other = threading.Thread(target=world.look)
    other.start()
    try:
        assert reading.wait(60)
        assert world.look() == 1
    finally:
        go_on.set()
        other.join()
    assert world.look() == 2


def test_without_a_good_copy_whoever_comes_meanwhile_waits_for_the_first(world: World) -> None:
    reading, go_on = threading.Event(), threading.Event()
    found: list[int | None] = []

    def slow(path: pathlib.Path) -> int:
        reading.set()
        assert go_on.wait(60)
        return int(path.read_text())

    world.file = Followed(world.path, slow, known=None, taken=world.taken, refused=world.refused)
    both = [threading.Thread(target=lambda: found.append(world.look())) for _ in range(2)]
    for one in both:
        one.start()
    assert reading.wait(60)
    assert not found
    go_on.set()
    for one in both:
        one.join()
    assert found == [1, 1]
    assert world.said == ["now 1"]
