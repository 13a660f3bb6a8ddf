"""Freezing twice: the first freeze stands with its time and reason, whoever comes second is told."""

import threading

import pytest
import sqlalchemy as sa

from feed.domain.policy import PRIVATE
from feed.settings import Settings
from feed.store import controls
from feed.store.controls import Control
from feed.store.database import Database
from feed.store.secret import Secret
from feed.store.tables import audit
from feed.web.console import FREEZE
from feed.web.console_actions import ActionError, carry_out
from feed.web.site import Site
from tests.factories import NOW, make_provider_file

AT = int(NOW.timestamp())


@pytest.fixture
def site(database: Database, secret: Secret) -> Site:
    return Site(
        database=database,
        settings=Settings(),
        secret=secret,
        policy=PRIVATE,
        provider_file=make_provider_file(None),
        now=lambda: NOW,
    )


def state(site: Site) -> tuple[Control | None, int]:
    """Return the switch and how often the zones may have changed."""
    with site.database.read() as connection:
        return controls.get(connection, FREEZE), controls.generation(connection)


def trail(site: Site) -> list[tuple[str, str, str]]:
    with site.database.read() as connection:
        rows = connection.execute(sa.select(audit).order_by(audit.c.audit_id))
        return [(row.action, row.actor, row.reason) for row in rows]


def test_a_second_freeze_says_since_when_and_why_and_changes_nothing(site: Site) -> None:
    carry_out(site, "freeze", {"reason": "strange growth"}, actor="one")
    before = state(site)
    assert before[0] == Control(value="on", reason="strange growth", author="one", set_at=AT)
    with pytest.raises(
        ActionError, match=r"Already frozen since 2026-11-25 12:00:00 UTC because: strange growth \(one\)"
    ):
        carry_out(site, "freeze", {"reason": "me too"}, actor="two")
    assert state(site) == before
    assert trail(site) == [("freeze", "one", "strange growth")]


def test_a_freeze_after_a_thaw_is_a_new_one(site: Site) -> None:
    for action, reason in (("freeze", "first"), ("thaw", "over"), ("freeze", "second")):
        carry_out(site, action, {"reason": reason}, actor="one")
    found, changes = state(site)
    assert found is not None
    assert (found.value, found.reason, changes) == ("on", "second", 3)
    assert [line[0] for line in trail(site)] == ["freeze", "thaw", "freeze"]


@pytest.mark.parametrize(
    "before", [pytest.param(False, id="first ever"), pytest.param(True, id="once thawed")]
)
def test_of_many_who_freeze_at_once_one_does_and_all_others_are_told_of_it(site: Site, before: bool) -> None:
    if before:
        carry_out(site, "freeze", {"reason": "first"}, actor="0")
        carry_out(site, "thaw", {"reason": "over"}, actor="0")
    kept = len(trail(site))
    together = threading.Barrier(6)
    said: dict[str, str] = {}

    def freeze(who: str) -> None:
        together.wait()
        try:
            carry_out(site, "freeze", {"reason": f"reason of {who}"}, actor=who)
        except ActionError as problem:
            said[who] = str(problem)

    threads = [threading.Thread(target=freeze, args=(f"n{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ((action, winner, reason),) = trail(site)[kept:]
    assert (action, reason) == ("freeze", f"reason of {winner}")
    assert said.keys() == {f"n{number}" for number in range(6)} - {winner}
    assert all(f"because: reason of {winner} ({winner})" in words for words in said.values())
    found, _ = state(site)
    assert found is not None
    assert (found.value, found.author) == ("on", winner)
