"""One feed with four reporters on a real database, and what people do to it."""

import datetime as dt
from typing import Any

from feed.domain.address import emitter_key, parse_address, parse_network
from feed.domain.event import Channel, Event
from feed.domain.listing import Hold, State
from feed.domain.policy import PRIVATE, Policy
from feed.domain.providers import Providers
from feed.jobs.score import Scorer
from feed.store import evidence, exemptions, removals, rules, states
from feed.store.database import Database
from feed.store.secret import Secret
from tests.factories import NOW, make_event, make_reporter

SECRET = Secret(bytes(32))
EMPTY = Providers.parse("# date: 2026-11-25\n")
TICK = int(NOW.timestamp())
HOUR, DAY = 3600, 86_400
EMITTER = "203.0.112.66"


class World:
    """Four reporters in groups of their own, the first two with traps that are anchors."""

    def __init__(self, database: Database, policy: Policy = PRIVATE) -> None:
        self.database = database
        self.policy = policy
        self.providers: Providers | None = EMPTY
        with database.write() as connection:
            for number in range(4):
                make_reporter(connection, f"r{number}", anchor=number < 2)

    def hit(self, *, at: int = TICK, source: int = 1, address: str = EMITTER, **change: Any) -> Event:
        when = dt.datetime.fromtimestamp(at, dt.UTC)
        new = make_event(
            source_id=source, address=address, observed_at=when.replace(second=0), received_at=when, **change
        )
        with self.database.write() as connection:
            return evidence.add_event(connection, new)

    def list_it(self, *, address: str = EMITTER, at: int = TICK) -> None:
        for source in (1, 2):
            for days in (2.2, 1.1, 0.1):
                self.hit(
                    at=int(at - days * DAY), source=source, address=address, recipient_token=int(days) + 1
                )

    def tick(self, at: int = TICK, address: str = EMITTER) -> states.Row:
        scorer = Scorer(database=self.database, secret=SECRET, policy=self.policy, providers=self.providers)
        scorer.run(now=at)
        with self.database.read() as connection:
            row = states.read(connection, emitter_key(parse_address(address)), Channel.MAIN)
        assert row is not None
        return row

    def remove(self, at: int = TICK) -> str:
        with self.database.write() as connection:
            current = rules.load(connection, policy=self.policy, providers=self.providers, now=at)
            address = parse_address(EMITTER)
            return removals.ask(connection, address=address, rules=current, now=at, proof="dns").outcome

    def exempt(self, network: str, *, at: int = TICK) -> None:
        with self.database.write() as connection:
            exemptions.add(
                connection, network=parse_network(network), kind=Hold.EXEMPT, reason="shared", author="t",
                now=at, until_minute=at // 60 + 10**6,
            )  # fmt: skip


def listed(world: World, at: int = TICK) -> states.Row:
    world.list_it(at=at)
    world.tick(at)
    row = world.tick(at + HOUR)
    assert row.state.state is State.LISTED
    return row
