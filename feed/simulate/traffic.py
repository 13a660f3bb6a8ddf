"""What arrives where on one day, whatever the policy: notifications, genuine or not, and false claims.

A day is drawn from the seed and the day alone, so that two policies see the same mail.
"""

import bisect
import itertools
import math
import random
from collections.abc import Iterator
from typing import Final, NamedTuple

from feed.domain.event import Kind, RecipientClass
from feed.simulate.members import Behaviour, Member
from feed.simulate.scenarios import DAY, FIRST_DAY
from feed.simulate.world import Host, Role, World

VICTIMS: Final = 20
"""Innocents that colluding reporters accuse in one wave."""

WAVES: Final = ((10, 16), (35, 41))
"""First day and first day after of each wave, six days of accusing (scoring.md 6), after the warm-up."""

SLEEPER_VICTIMS: Final = 60
FLOOD_DAYS: Final = range(5, 15)
PROVOKED_DAYS: Final = 6
HONEST_GAP: Final = 0.001
"""Part of genuine notifications that an honest log misses: its user sent through somebody else's server."""

_KINDS: Final = (Kind.DSN_FAIL, Kind.NDR, Kind.AUTO, Kind.DSN_DELAY, Kind.CR, Kind.VIRUS, Kind.MDN)
_KIND_WEIGHTS: Final = tuple(itertools.accumulate((70, 11, 8, 5, 3, 2, 1)))


class Arrival(NamedTuple):
    """One notification at one reporter or trap; `twin`: a second notification about the same original.

    claim: no mail at all, only a lie about one. wrong: genuine, but the reporter's log says otherwise.
    """

    at: int
    host: int
    source_id: int
    kind: Kind
    recipient_class: RecipientClass
    token: int
    original: int
    genuine: bool = False
    claim: bool = False
    wrong: bool = False


class Traffic:
    """The mail of a world."""

    def __init__(self, world: World) -> None:
        """Prepare what is the same each day."""
        self.world = world
        self.members = [member for member in world.members if not member.trap]
        self.traps = [member for member in world.members if member.trap]
        self._shares = list(itertools.accumulate(member.share for member in self.members))
        self._senders = [host for host in world.hosts if host.genuine]
        self._genuine = list(itertools.accumulate(host.genuine for host in self._senders))
        self._emitters = [host for host in world.hosts if host.rate]
        innocents = [host.number for host in world.of(Role.INNOCENT)]
        self._innocents = innocents
        self._victims = [innocents[20 + i * VICTIMS : 20 + (i + 1) * VICTIMS] for i in range(len(WAVES))]
        self._sleeper_victims = innocents[100 : 100 + SLEEPER_VICTIMS]
        self._broken_rate = self._rate_of_broken()

    def _rate_of_broken(self) -> float:
        """Return which part of its genuine mail a broken reporter reports, so that 3 % of its reports are."""
        length = self.world.total_days * DAY
        true = sum(
            host.rate * max(0, min(host.until_at, self.world.until) - max(host.from_at, self.world.first_at))
            for host in self._emitters
        )
        return 0.03 * true / length / self._genuine[-1]

    def day(self, number: int) -> list[Arrival]:
        """Return what arrives on day `number` (0 = first of the warm-up), by minute."""
        rng = random.Random(f"{self.world.seed}/{number}")  # noqa: S311 - a world, not a secret
        originals = itertools.count(number << 40)
        start = (FIRST_DAY + number) * DAY
        found = list(self._backscatter(rng, start, originals))
        found += self._genuine_mail(rng, start, originals)
        found += self._provoked(rng, start, originals)
        found += self._lies(rng, number, start, originals, {one.host for one in found if not one.genuine})
        found.sort(key=lambda one: (one.at, one.original))
        return found

    def _backscatter(
        self, rng: random.Random, start: int, originals: "itertools.count[int]"
    ) -> Iterator[Arrival]:
        for host in self._emitters:
            first, last = max(start, host.from_at), min(start + DAY, host.until_at)
            if first >= last:
                continue
            rate = host.rate
            if host.bursty:  # one day in seven brings most of it
                rate *= 5.0 if rng.random() < 0.15 else 0.3  # noqa: PLR2004
            for _ in range(_poisson(rng, rate * (last - first) / DAY)):
                yield from self._notification(rng, host, rng.randrange(first, last), next(originals))

    def _notification(self, rng: random.Random, host: Host, at: int, original: int) -> Iterator[Arrival]:
        if host.role is Role.REFUSER:  # it never bounces; it only asks whether an address exists
            member = self._member(rng)
            yield Arrival(
                at, host.number, member.source_id, Kind.SAV, RecipientClass.NO_SUCH_USER, 0, original
            )
            return
        kind = rng.choices(_KINDS, cum_weights=_KIND_WEIGHTS)[0]
        if self.world.alone:
            trapped = rng.random() * 100 < self.world.scenario.trap_percent
            member = self.members[0]
        else:
            trapped = rng.random() * 100 < self.world.scenario.trap_percent
            member = rng.choice(self.traps) if trapped else self._member(rng)
        recipient_class = RecipientClass.TRAP if trapped else _attested(rng, member)
        one = Arrival(
            at, host.number, member.source_id, kind, recipient_class, rng.randrange(1, 21), original
        )
        yield one
        if kind is Kind.DSN_FAIL and rng.random() < 0.1:  # noqa: PLR2004 - a delay notice came before
            yield one._replace(at=max(start_of(at), at - 240), kind=Kind.DSN_DELAY)

    def _member(self, rng: random.Random) -> Member:
        return self.members[
            bisect.bisect(self._shares, rng.random() * self._shares[-1], hi=len(self._shares) - 1)
        ]

    def _genuine_mail(
        self, rng: random.Random, start: int, originals: "itertools.count[int]"
    ) -> Iterator[Arrival]:
        for _ in range(_poisson(rng, self._genuine[-1])):
            at = bisect.bisect(self._genuine, rng.random() * self._genuine[-1], hi=len(self._genuine) - 1)
            member = self._member(rng)
            gap = self._broken_rate if member.behaviour is Behaviour.BROKEN else HONEST_GAP
            yield Arrival(
                start + rng.randrange(DAY), self._senders[at].number, member.source_id, Kind.DSN_FAIL,
                RecipientClass.LOG_MISS, rng.randrange(1, 21), next(originals), genuine=True,
                wrong=rng.random() < gap,
            )  # fmt: skip

    def _provoked(
        self, rng: random.Random, start: int, originals: "itertools.count[int]"
    ) -> Iterator[Arrival]:
        """Yield what forwarders send to the one trap address that somebody found out, and beside it."""
        source_id = (self.traps or self.members)[0].source_id
        for host in self.world.of(Role.FORWARDER):
            if not host.from_at // DAY <= start // DAY < host.from_at // DAY + PROVOKED_DAYS:
                continue
            one = Arrival(
                start + rng.randrange(DAY), host.number, source_id, Kind.DSN_FAIL, RecipientClass.TRAP, 1,
                next(originals),
            )  # fmt: skip
            yield one
            if self.world.scenario.paired:
                member = self.members[host.number % len(self.members)]
                yield one._replace(source_id=member.source_id, recipient_class=RecipientClass.LOG_MISS)

    def _lies(
        self,
        rng: random.Random,
        number: int,
        start: int,
        originals: "itertools.count[int]",
        emitting: set[int],
    ) -> Iterator[Arrival]:
        measured = number - self.world.warm_up_days
        true = sorted(emitting & {host.number for host in self.world.of(Role.EMITTER)})
        for member in self.members:
            about: list[int] = []
            if member.behaviour in {Behaviour.COLLUDING, Behaviour.SYBIL}:
                about = rng.sample(true, min(3, len(true)))
                for victims, (first, end) in zip(self._victims, WAVES, strict=True):
                    about += victims if first <= measured < end else []
            elif member.behaviour is Behaviour.SLEEPING and start >= member.lies_at:
                about = rng.sample(self._sleeper_victims, min(5, len(self._sleeper_victims)))
            elif member.behaviour is Behaviour.FLOODING and measured in FLOOD_DAYS:
                about = [rng.choice(self._innocents) for _ in range(member.flood)]
            for host in about:
                yield Arrival(
                    start + rng.randrange(DAY), host, member.source_id, Kind.DSN_FAIL,
                    RecipientClass.TAG_MISSING, rng.randrange(1, 21), next(originals), claim=True,
                )  # fmt: skip


def start_of(at: int) -> int:
    """Return the first minute of the day of `at`."""
    return at // DAY * DAY


def _attested(rng: random.Random, member: Member) -> RecipientClass:
    draw = rng.random()
    if member.tags and draw < 0.5:  # noqa: PLR2004
        return RecipientClass.TAG_MISSING
    if draw < 0.7:  # noqa: PLR2004
        return RecipientClass.LOG_MISS
    return RecipientClass.NO_SUCH_USER if draw < 0.85 else RecipientClass.UNKNOWN  # noqa: PLR2004


def _poisson(rng: random.Random, mean: float) -> int:
    """Return a Poisson number; for a large mean the rounded normal one, which nobody could tell apart."""
    if mean > 60:  # noqa: PLR2004
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    floor, product, count = math.exp(-mean), rng.random(), 0
    while product > floor:
        product *= rng.random()
        count += 1
    return count
