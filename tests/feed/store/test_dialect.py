"""What the driver runs by itself fails, matches and merges as SQLAlchemy's own statements do."""

from typing import Any

import pytest
import sqlalchemy as sa

from feed.store.database import Database, StoreError
from feed.store.dialect import COPY_FROM, Prepared, execute, insert_all, matching, merge_all
from feed.store.tables import control, removal

NAMES = ("name", "set_at", "value", "reason", "author")
REMOVAL = ("epoch", "emitter_key", "channel", "accepted_minute", "proof")
SIZES = pytest.mark.parametrize("size", [1, 2, COPY_FROM, COPY_FROM + 7])


def _controls(size: int, at: int) -> list[tuple[Any, ...]]:
    return [(f"c{number}", at, "v", "r", "a") for number in range(size)]


def _added(new: Any) -> dict[str, Any]:
    return {"set_at": control.c.set_at + new.set_at}


@SIZES
def test_row_that_is_there_is_refused_as_a_broken_constraint(database: Database, size: int) -> None:
    with database.write() as connection:
        insert_all(connection, control, NAMES, _controls(size, 1))
    with pytest.raises(sa.exc.IntegrityError), database.write() as connection:
        insert_all(connection, control, NAMES, _controls(size, 2))
    with database.read() as connection:
        assert set(connection.execute(sa.select(control.c.set_at)).scalars()) == {1}


@SIZES
def test_merging_inserts_what_is_new_and_changes_what_is_there(database: Database, size: int) -> None:
    with database.write() as connection:
        insert_all(connection, control, NAMES, [("c0", 5, "old", "r", "a")])
        merge_all(connection, control, NAMES, _controls(size, 2), change=_added)
    with database.read() as connection:
        found = {row.name: row.set_at for row in connection.execute(sa.select(control))}
        value = connection.execute(sa.select(control.c.value).where(control.c.name == "c0")).scalar_one()
    assert found == {f"c{number}": 2 for number in range(size)} | {"c0": 7}
    assert value == "old"


@pytest.mark.parametrize("one_by_one", [False, True])
@pytest.mark.parametrize("pairs", [1, 3, 4])
def test_only_whole_keys_match_and_only_under_the_condition(
    database: Database, one_by_one: bool, pairs: int
) -> None:
    keys = [bytes([number]) * 16 for number in range(6)]
    with database.write() as connection:
        rows = [(1, key, 1 + number % 2, number, "dns") for number, key in enumerate(keys)]
        insert_all(connection, removal, REMOVAL, rows)
    names = (removal.c.accepted_minute, removal.c.emitter_key)
    wanted = [(key, 1) for key in keys[:pairs]]
    with database.read() as connection:
        found = matching(
            connection, names, (removal.c.emitter_key, removal.c.channel), wanted, also=BELOW,
            one_by_one=one_by_one, limit=2,
        )  # fmt: skip
        alone = matching(connection, names, (removal.c.emitter_key,), [(keys[5],)])
    assert sorted(found) == [(0, keys[0])]
    assert alone == [(5, keys[5])]


BELOW = (removal.c.accepted_minute < sa.bindparam("limit"),)


def test_missing_value_is_an_error_and_not_null(database: Database) -> None:
    asked = Prepared(sa.select(control.c.value).where(control.c.name == sa.bindparam("name")))
    with database.read() as connection, pytest.raises(KeyError):
        asked.rows(connection)


def test_failure_of_the_driver_is_said_in_words_without_values(database: Database) -> None:
    with pytest.raises(StoreError) as failure, database.read() as connection:
        execute(connection, "SELECT secret_thing FROM nowhere")
    assert "nowhere" in str(failure.value)
