"""One emitter with everything that is known of it."""

from feed.domain.address import parse_address
from feed.domain.policy import PRIVATE
from feed.domain.providers import Providers
from feed.store import evidence, floods, rules
from feed.store.database import Database
from feed.store.inspection import inspect
from feed.store.secret import Secret
from tests.factories import NOW, make_event, make_reporter

TICK = int(NOW.timestamp())
EMPTY = Providers.parse("# date: 2026-11-25\n")


def test_day_that_weighs_nothing_is_told_and_adds_nothing(database: Database, secret: Secret) -> None:
    with database.write() as connection:
        honest, liar = make_reporter(connection, "honest"), make_reporter(connection, "liar")
        for source in (honest, liar, liar):
            evidence.add_event(connection, make_event(source_id=source))
        floods.mute(connection, liar, day=TICK // 86_400, addresses_n=999, now=TICK)
    with database.read() as connection:
        current = rules.load(connection, policy=PRIVATE, providers=EMPTY, now=TICK)
        found = inspect(
            connection, parse_address("192.0.2.66"), rules=current, secret=secret, tick=TICK // 60
        )
    assert found.explanation is not None
    assert [(one.reason, one.originals) for one in found.explanation.not_counted] == [("muted", 2)]
    assert [one.originals for one in found.explanation.parts] == [1]
    assert found.explanation.score == found.explanation.parts[0].contributes
