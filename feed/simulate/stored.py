"""The same feed on a database: intake, scoring job and removals are the ones of production.

Slow, and there to show that the book in memory says nothing else.
"""

import ipaddress
from collections.abc import Sequence

import sqlalchemy as sa

from feed.domain.address import Address
from feed.domain.event import Channel, Event
from feed.domain.evidence import Cell, Trust
from feed.domain.listing import Code, EmitterState, State
from feed.domain.policy import Policy
from feed.domain.providers import Providers
from feed.jobs import trust as trusting
from feed.jobs.score import Scorer
from feed.simulate.book import Change, Observation
from feed.simulate.scenarios import DAY, FIRST_DAY
from feed.store import evidence, manual, removals, reporters, rules, states, usage
from feed.store.database import Database
from feed.store.secret import Secret
from feed.store.tables import reporter, transition

_SECONDS_A_DAY = 86_400


class StoredBook:
    """A book on a migrated, empty database."""

    def __init__(
        self,
        database: Database,
        policy: Policy,
        *,
        secret: Secret,
        providers: Providers | None,
        canaries: Sequence[Address] = (),
    ) -> None:
        """Take the database, and list the canary addresses by hand."""
        self.database = database
        with database.write() as connection:
            for address in canaries:
                manual.add(
                    connection, network=ipaddress.ip_network(address), code=Code.CONFIRMED,
                    reason="listed by hand", author="operator", now=FIRST_DAY * _SECONDS_A_DAY,
                    until_minute=(FIRST_DAY + 400) * DAY, allow_special=True, canary=True,
                )  # fmt: skip
        self._scorer = Scorer(database=database, secret=secret, policy=policy, providers=providers)
        self._seen = 0  # lines of history that were returned

    def report(self, event: Event) -> None:
        """Take an event, and count it as intake does."""
        with self.database.write() as connection:
            evidence.add_event(connection, event)
            day = int(event.received_at.timestamp()) // _SECONDS_A_DAY
            usage.count(connection, event.source_id, day=day, events=1)

    def observe(self, observation: Observation) -> None:
        """Take an observation."""
        with self.database.write() as connection:
            evidence.add_observation(
                connection,
                observation.address,
                source_id=observation.source_id,
                day=observation.day,
                null_n=observation.null_n,
                genuine_n=observation.genuine_n,
                seen_24h=observation.seen_24h,
            )

    def trust(self, standings: Trust) -> None:
        """Write the standings as those of registered reporters."""
        with self.database.write() as connection:
            known = set(connection.execute(sa.select(reporter.c.source_id)).scalars())
            for source_id in sorted(standings):
                one = standings[source_id]
                if source_id not in known:
                    made = reporters.register(
                        connection, name=f"reporter {source_id}", organisation=f"organisation {source_id}",
                        contact=f"postmaster@reporter{source_id}.example", now=0, weight=one.weight,
                        anchor=one.anchor, group_id=one.group_id,
                    )  # fmt: skip
                    assert made == source_id
                connection.execute(
                    sa.update(reporter)
                    .where(reporter.c.source_id == source_id)
                    .values(weight=one.weight, anchor=one.anchor, suspended_at=0 if one.suspended else None)
                )

    def mute_floods(self, minute: int) -> list[tuple[int, int]]:
        """Run the jobs that find days which weigh nothing."""
        return [
            muted
            for job in (trusting.mute_copies, trusting.mute_floods)
            for muted in job(self.database, self._scorer.policy, now=minute * 60)
        ]

    def tick(self, minute: int) -> list[Change]:
        """Run the scoring job."""
        self._scorer.run(now=minute * 60)
        return self._fresh()

    def _fresh(self) -> list[Change]:
        """Return the lines of history that were not returned yet, by time and emitter."""
        rowid: sa.ColumnElement[int] = sa.literal_column("rowid")
        chosen = sa.select(transition, rowid.label("line")).where(rowid > self._seen).order_by(rowid)
        with self.database.read() as connection:
            rows = connection.execute(chosen).all()
        self._seen = rows[-1].line if rows else self._seen
        return [
            Change(
                bytes(row.emitter_key), row.at_minute, State(row.from_state), State(row.to_state),
                Code(row.code), row.cause, row.score,
            )
            for row in rows
        ]  # fmt: skip

    def remove(self, address: Address, minute: int) -> list[Change]:
        """Ask for removal."""
        with self.database.write() as connection:
            current = rules.load(
                connection, policy=self._scorer.policy, providers=self._scorer.providers, now=minute * 60
            )
            removals.ask(connection, address=address, rules=current, now=minute * 60, proof="address")
        return self._fresh()

    def cells_of(self, key: bytes, first_day: int) -> list[Cell]:
        """Return the main channel's cells of an emitter."""
        with self.database.read() as connection:
            found = evidence.cells_of_many(connection, [key], first_day=first_day)
        return found.get((key, Channel.MAIN), [])

    def state_of(self, key: bytes) -> EmitterState:
        """Return an emitter's row as it was last scored."""
        with self.database.read() as connection:
            row = states.read(connection, key, Channel.MAIN)
        return row.state if row is not None else EmitterState()
