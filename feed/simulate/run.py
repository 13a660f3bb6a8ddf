"""One world under one policy, day by day, with a clock that nobody reads.

Mail arrives as `traffic` drew it; who refuses listed mail sees less of it; the door takes reports or not;
the book scores; admins of listed servers repair and ask for removal; trust is reckoned each night, and the
operator suspends in the morning who flooded.
"""

import collections
import dataclasses
import functools
import random
from collections.abc import Callable, Iterator
from typing import Final

from feed.domain import cells
from feed.domain.address import emitter_key
from feed.domain.event import (
    Attestation,
    Channel,
    Event,
    Kind,
    Provenance,
    RecipientClass,
    channel_of,
    strength_of,
)
from feed.domain.listing import Code, State
from feed.simulate.belief import Belief
from feed.simulate.book import Book, Change, Observation, aware
from feed.simulate.door import Door
from feed.simulate.members import LIARS, Behaviour, Member
from feed.simulate.outcome import Outcome, Story
from feed.simulate.scenarios import DAY, FIRST_DAY
from feed.simulate.traffic import Arrival, Traffic
from feed.simulate.world import Asks, Host, Role, World

CONTRADICTED: Final = 0.01
"""Part of false reports that somebody disputes with success (scoring.md 6)."""

OBSERVED_AT: Final = 3
"""Minute of the day at which reporters send what they observed the day before."""

OPERATOR_AT: Final = 540
"""Minute of the day at which the operator looks at days that weigh nothing, and suspends whose they are."""

ECHO_AT: Final = 3
REPLAY_AT: Final = 4

_ATTESTED: Final = {
    RecipientClass.TRAP: Attestation.U5,
    RecipientClass.TAG_MISSING: Attestation.U4,
    RecipientClass.LOG_MISS: Attestation.U3,
    RecipientClass.NO_SUCH_USER: Attestation.U2,
    RecipientClass.UNKNOWN: Attestation.U1,
}


class Simulation:
    """One run. Give it a book and call `run`."""

    def __init__(self, world: World, book: Book, *, tick_minutes: int = 5) -> None:
        """Prepare; nothing has happened yet."""
        self.world = world
        self.book = book
        self.outcome = Outcome(world, tick_minutes, [Story() for _ in world.hosts])
        self._members = {member.source_id: member for member in world.members}
        self._numbers = {host.key: host.number for host in world.hosts}
        self._codes = {host.number: Code.CONFIRMED for host in world.of(Role.CANARY)}
        self._belief = Belief(world.members, alone=world.alone)
        self._door = Door()
        self._event_ids = iter(range(1, 1 << 62))
        self._rng = random.Random(f"{world.seed}/run")  # noqa: S311 - a world, not a secret
        self._sent: dict[int, list[Event]] = collections.defaultdict(list)
        self._null: collections.Counter[tuple[int, int]] = collections.Counter()
        self._matched: collections.Counter[tuple[int, int]] = collections.Counter()
        self._asking: dict[int, int] = {}
        self._last_report_at: dict[int, int] = {}
        self._met_at: dict[int, int] = {}

    def run(self, progress: Callable[[int], None] = lambda _day: None) -> Outcome:
        """Let all days pass; `progress` is told the number of each."""
        traffic = Traffic(self.world)
        for number in range(self.world.total_days):
            self._day(number, traffic.day(number))
            progress(number)
        self._clear_up()
        return self.outcome

    def _day(self, number: int, arrivals: list[Arrival]) -> None:
        day = FIRST_DAY + number
        start, tick = day * DAY, self.outcome.tick_minutes
        self.book.trust(self._belief.daily(self.book, day))
        moments: list[tuple[int, Callable[[int], None]]] = [
            (one.at, functools.partial(self._arrive, one=one)) for one in arrivals
        ]
        moments += self._duties(start)
        moments.sort(key=lambda moment: moment[0])
        at = 0
        for now in range(start + tick, start + DAY + 1, tick):
            while at < len(moments) and moments[at][0] < now:
                moments[at][1](moments[at][0])
                at += 1
            self.outcome.muted += self.book.mute_floods(now)
            self._saw(self.book.tick(now), now)
            for host in [host for host, when in self._asking.items() if when <= now]:
                del self._asking[host]
                self._ask(self.world.hosts[host], now)

    def _duties(self, start: int) -> Iterator[tuple[int, Callable[[int], None]]]:
        """Yield what is done by the clock: reporters echo, replay and observe, the operator looks."""
        yield start + OPERATOR_AT, self._look
        for member in self.world.members:
            if member.behaviour is Behaviour.ECHOING:
                yield start + ECHO_AT, functools.partial(self._echo, member=member)
            elif member.behaviour is Behaviour.REPLAYING:
                yield start + REPLAY_AT, functools.partial(self._replay, member=member)
        yield start + OBSERVED_AT, self._observe

    def _arrive(self, now: int, *, one: Arrival) -> None:
        """Deliver one notification, or a lie about one, to its reporter."""
        host, member = self.world.hosts[one.host], self._members[one.source_id]
        story, code = self.outcome.stories[one.host], self._codes.get(one.host, Code.NONE)
        if one.claim:
            self._report(one, now, false=host.role is not Role.EMITTER)
            return
        if one.genuine:
            if now >= self.world.measured_from:
                self.outcome.genuine[host.role] += 1
                self.outcome.refused[host.role, code] += 1
        elif story.repaired_at:
            return
        else:
            story.last_sent_at = now
        self._null[one.source_id, one.host] += 1
        if member.refuses and code is Code.CONFIRMED and one.recipient_class is not RecipientClass.TRAP:
            return  # refused at the door: the feed starves of it
        if not one.genuine:
            self._report(one, now, false=False)
        elif one.wrong:
            self._report(one, now, false=True)
        else:
            self._matched[one.source_id, one.host] += 1

    def _report(self, one: Arrival, now: int, *, false: bool) -> None:
        """Send one report; who lies or errs is found out sometimes."""
        member = self._members[one.source_id]
        attestation = _ATTESTED[one.recipient_class]
        provenance = Provenance.P4 if member.trap else Provenance.P3
        if not self._enters(member, now + member.skew, now):
            return
        event = Event(
            event_id=next(self._event_ids),
            source_id=one.source_id,
            address=self.world.hosts[one.host].address,
            kind=one.kind,
            recipient_class=one.recipient_class,
            attestation=attestation,
            provenance=provenance,
            strength=strength_of(attestation, provenance),
            observed_at=aware(min(now + member.skew, now)),
            received_at=aware(now),
            epoch=0,
            original_key=one.original.to_bytes(16, "big"),
            recipient_token=one.token,
        )
        self._hand_in(event, one.host, now)
        if false and not member.trap and self._rng.random() < CONTRADICTED:
            self._belief.contradict(one.source_id, now // DAY)
        if not one.claim and not false:
            self._note(event, one.host, now)
        if member.behaviour is Behaviour.REPLAYING:
            self._sent[member.source_id] = [*self._sent[member.source_id][-19:], event]

    def _enters(self, member: Member, observed: int, now: int) -> bool:
        refusal = self._door.refusal(member, observed, now)
        if refusal:
            self.outcome.turned_away[refusal] += 1
        return not refusal

    def _hand_in(self, event: Event, host: int, now: int) -> None:
        self.book.report(event)
        self.outcome.events += 1
        self._last_report_at[host] = now
        if self._members[event.source_id].trap:
            self._belief.saw_trap(self.world.hosts[host].key, now)

    def _note(self, event: Event, host: int, now: int) -> None:
        """Keep the honest evidence of the measured time, for the recall."""
        if now < self.world.measured_from or channel_of(event.kind) is not Channel.MAIN or event.strength < 2:  # noqa: PLR2004
            return
        story = self.outcome.stories[host]
        story.points += cells.points_of(event.kind, event.recipient_class, event.strength)
        story.groups.add(event.source_id)
        if len(story.groups) == 2 and not story.second_group_at:  # noqa: PLR2004
            story.second_group_at = now

    def _echo(self, now: int, *, member: Member) -> None:
        """Report everything that the zone holds, as if seen."""
        for host in sorted(host for host, code in self._codes.items() if code is not Code.NONE):
            original = (1 << 100) + (now << 20) + host
            self._report(
                Arrival(
                    now,
                    host,
                    member.source_id,
                    Kind.DSN_FAIL,
                    RecipientClass.LOG_MISS,
                    1,
                    original,
                    claim=True,
                ),
                now,
                false=False,
            )

    def _replay(self, now: int, *, member: Member) -> None:
        """Send the last reports again, under new numbers, as a client does that lost its receipts."""
        for event in self._sent[member.source_id]:
            if not self._enters(member, cells.minute_of(event.observed_at), now):
                continue
            again = dataclasses.replace(event, event_id=next(self._event_ids), received_at=aware(now))
            self._hand_in(again, self._numbers[emitter_key(event.address)], now)

    def _look(self, now: int) -> None:
        """Let the operator suspend everybody of whom a day before today weighs nothing."""
        self._suspend({source_id for source_id, day in self.outcome.muted if day < now // DAY}, now)

    def _suspend(self, sources: set[int], now: int) -> None:
        fresh = sources - self.outcome.suspended.keys()
        if not fresh:
            return
        for source_id in sorted(fresh):
            self.outcome.suspended[source_id] = now
            self._belief.suspend(source_id)
        self._door.suspended |= fresh
        self.book.trust(self._belief.standings(now // DAY))

    def _clear_up(self) -> None:
        """Suspend all who lied, when all is over, and count the innocents whom that does not free."""
        liars = {member.source_id for member in self.world.members if member.behaviour in LIARS}
        now = self.world.until
        for source_id in sorted(liars):
            self._belief.suspend(source_id)
        self.book.trust(self._belief.standings(now // DAY))
        codes = dict(self._codes)
        for change in self.book.tick(now + self.outcome.tick_minutes):
            codes[self._numbers[change.key]] = change.code
        self.outcome.left_over = sum(
            codes.get(host.number, Code.NONE) is not Code.NONE for host in self.world.of(Role.INNOCENT)
        )

    def _observe(self, now: int) -> None:
        """Send the observations of yesterday, with totals where a reporter counts."""
        yesterday = now // DAY - 1
        said = set(self._null) | {
            (member.source_id, host.number)
            for host in self.world.hosts
            if host.seen
            for member in self.world.members
            if member.counts
        }
        for source_id, number in sorted(said):
            member, host = self._members[source_id], self.world.hosts[number]
            if not member.observes or source_id in self._door.suspended:
                continue
            null = self._null[source_id, number]
            seen = round(host.seen * member.share) if member.counts else 0
            self.book.observe(
                Observation(
                    host.address,
                    source_id,
                    yesterday,
                    null,
                    self._matched[source_id, number],
                    max(null, seen),
                )
            )
        self._null.clear()
        self._matched.clear()

    def _saw(self, changes: list[Change], now: int) -> None:
        """Follow what the feed did: who is published, who will ask for removal."""
        for change in changes:
            number = self._numbers[change.key]
            self._codes[number] = change.code
            self._belief.saw(change)
            self.outcome.changes.append((number, change))
            if change.to_state is State.PENDING:
                self._met_at[number] = min(
                    change.at, max(self._last_report_at[number], change.at - self.outcome.tick_minutes)
                )
            elif change.to_state is State.LISTED and change.from_state is not State.LISTED:
                met = self._met_at.pop(number, change.at - self.outcome.tick_minutes)
                self.outcome.lags.append((change.at, change.at - met))
                if self.world.hosts[number].asks is not Asks.NEVER and number not in self._asking:
                    patience = self._rng.randrange(DAY, 4 * DAY)
                    self._asking[number] = now + patience

    def _ask(self, host: Host, now: int) -> None:
        """Repair the server, or only say so, and ask for removal."""
        if host.asks is Asks.REPAIRED:
            self.outcome.stories[host.number].repaired_at = now
        self._saw(self.book.remove(host.address, now), now)
