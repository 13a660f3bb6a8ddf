"""Lives of emitters on a real database: actions at minutes, with a scheduler that is always awake."""

import dataclasses
import datetime as dt
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from hypothesis import strategies as st

from feed.domain.address import emitter_key, parse_address, parse_network
from feed.domain.event import Attestation, Channel, Event, Kind, RecipientClass
from feed.domain.listing import Hold
from feed.domain.policy import COMMUNITY, PRIVATE, Policy, with_overrides
from feed.domain.providers import Providers
from feed.jobs.score import Scorer
from feed.store import evidence, exemptions, removals, rules, states
from feed.store.columns import metadata
from feed.store.database import Database
from feed.store.secret import Secret
from feed.store.tables import cell, emitter_state, event, reporter, transition
from tests.factories import make_event, make_reporter

SECRET = Secret(bytes(32))
PROVIDERS = Providers.parse("# date: 2026-11-25\n203.0.112.0/24 example\n")
ADDRESSES = ("192.0.2.66", "2001:db8::1", "2001:db8::2")
START = 1_790_000_000 // 86_400 * 1440
DAY = 1440
END = START + 22 * DAY
SOURCES = 3

HASTY = with_overrides(
    COMMUNITY,
    {
        "confirm_groups": 2,
        "confirm_share_percent": 0,
        "publish_delay_minutes": 5,
        "publish_jitter_minutes": 9,
    },
)
POLICIES = (PRIVATE, HASTY)


@dataclasses.dataclass(frozen=True, slots=True)
class Action:
    """What happens at a minute. what: event, observation, removal, exemption, weight or nothing."""

    minute: int
    what: str
    source: int = 1
    address: str = ADDRESSES[0]
    number: int = 0
    strength: int = 4
    back: int = 30
    kind: Kind = Kind.DSN_FAIL


KINDS = ["event"] * 8 + ["observation", "removal", "exemption", "weight", "nothing"]
_CLASSES = {
    1: RecipientClass.UNKNOWN, 2: RecipientClass.NO_SUCH_USER, 3: RecipientClass.LOG_MISS,
    4: RecipientClass.TRAP,
}  # fmt: skip

actions = st.builds(
    Action,
    minute=st.integers(0, 20 * DAY).map(lambda minute: START + minute),
    what=st.sampled_from(KINDS),
    source=st.integers(1, SOURCES),
    address=st.sampled_from(ADDRESSES),
    number=st.integers(0, 6),
    strength=st.sampled_from([4, 4, 4, 3, 2, 1]),
    back=st.sampled_from([1, 30, 600, DAY, 3 * DAY]),
    kind=st.sampled_from([Kind.DSN_FAIL, Kind.DSN_FAIL, Kind.AUTO, Kind.SAV]),
)
lives = st.lists(actions, min_size=3, max_size=22).map(
    lambda found: sorted(found, key=lambda one: one.minute)
)


class Life:
    """Plays actions on a database that it empties first."""

    def __init__(self, database: Database, policy: Policy = PRIVATE) -> None:
        self.database = database
        self.scorer = Scorer(database=database, secret=SECRET, policy=policy, providers=PROVIDERS)
        with database.write() as connection:
            emptied = [one for one in metadata.sorted_tables if one.name != "audit"]
            for table in reversed(emptied):
                connection.execute(sa.delete(table))
            for name in ("one", "two", "three"):
                number = make_reporter(connection, name, anchor=name == "two", now=START * 60)
                mapped = {"one": 1, "two": 2, "three": 3}[name]
                if number != mapped:
                    connection.execute(
                        sa.update(reporter)
                        .where(reporter.c.source_id == number)
                        .values(source_id=mapped, group_id=mapped)
                    )

    def play(
        self,
        actions: Sequence[Action],
        *,
        skip: Callable[[Action], bool] = lambda _one: False,
        hasty: bool = False,
        end: int = END,
    ) -> None:
        """Let actions happen, in order of time, with ticks around each minute in which anything does.

        All of a minute is judged together, and removals are accepted of what was judged: history is kept
        by the minute, so nothing finer could be told again. hasty: a tick after every single action.
        end: minute before which the last tick is.
        """
        numbered = [(number, one) for number, one in enumerate(actions) if not skip(one)]
        for minute, group in itertools.groupby(numbered, key=lambda pair: pair[1].minute):
            self.scorer.run(now=minute * 60 - 1)
            for position, action in sorted(group, key=lambda pair: pair[1].what == "removal"):
                if hasty or action.what == "removal":
                    self.scorer.run(now=minute * 60 + 10)
                with self.database.write() as connection:
                    self._do(connection, action, position)
            self.scorer.run(now=minute * 60 + 30)
        self.scorer.run(now=end * 60 - 1)

    def event(self, action: Action, position: int) -> Event:
        at = dt.datetime.fromtimestamp(action.minute * 60 + 5, dt.UTC)
        return make_event(
            event_id=position + 1,
            source_id=action.source,
            address=action.address,
            kind=action.kind,
            attestation=Attestation(action.strength),
            recipient_class=_CLASSES[action.strength],
            original_key=bytes([action.number]) * 16,
            recipient_token=action.number % 3,
            observed_at=at.replace(second=0) - dt.timedelta(minutes=action.back),
            received_at=at,
        )

    def _do(self, connection: sa.Connection, action: Action, position: int) -> None:
        now = action.minute * 60 + 5
        if action.what == "event":
            evidence.add_event(connection, self.event(action, position))
        elif action.what == "observation":
            evidence.add_observation(
                connection, parse_address(action.address), source_id=action.source,
                day=action.minute // DAY, null_n=20, genuine_n=action.number, seen_24h=50, now=now,
            )  # fmt: skip
        elif action.what == "removal":
            self.remove(connection, action.address, now=now)
        elif action.what == "exemption":
            exemptions.add(
                connection, network=parse_network(action.address), kind=Hold.EXEMPT, reason="test",
                author="test", now=now, until_minute=action.minute + action.back,
            )  # fmt: skip
        elif action.what == "weight":
            connection.execute(
                sa.update(reporter)
                .where(reporter.c.source_id == action.source)
                .values(weight=20 - 5 * (action.number % 2))
            )

    def remove(self, connection: sa.Connection, address: str, *, now: int) -> None:
        """Accept a removal whatever the state: in both worlds it is a fact."""
        key = emitter_key(parse_address(address))
        row = states.touch(connection, key, Channel.MAIN, address=key)
        current = rules.load(connection, policy=self.scorer.policy, providers=PROVIDERS, now=now)
        removals.accept(connection, row, rules=current, now=now, proof="dns")

    def settle(self, minute: int) -> None:
        """Judge everybody at `minute`."""
        with self.database.write() as connection:
            states.make_due(connection, bytes(16), b"\xff" * 16)
        self.scorer.run(now=minute * 60)

    def told(self) -> dict[str, Any]:
        """Return all that a world is: states, history that stands, cells and standing events."""
        with self.database.read() as connection:
            return _rows(connection)


def _rows(connection: sa.Connection) -> dict[str, Any]:
    found: dict[str, Any] = {"state": {}, "history": {}}
    for key, channel in connection.execute(sa.select(emitter_state.c.emitter_key, emitter_state.c.channel)):
        row = states.read(connection, bytes(key), Channel(channel))
        assert row is not None
        found["state"][bytes(key), channel] = row.state
    table = transition
    for one in connection.execute(
        sa.select(table).where(table.c.void_at.is_(None)).order_by(table.c.channel, table.c.seq)
    ):
        found["history"].setdefault((bytes(one.emitter_key), one.channel), []).append(
            (one.at_minute, one.from_state, one.to_state, one.code, one.cause, one.score)
        )
    found["cell"] = sorted(repr(tuple(row)) for row in connection.execute(sa.select(cell)))
    found["event"] = sorted(
        row.event_id for row in connection.execute(sa.select(event).where(event.c.retracted_at.is_(None)))
    )
    return found
