"""Who reports in the simulated world: the feed's traps, honest people, and those who err or lie."""

import dataclasses
import enum
import random
from typing import Final

from feed.simulate.scenarios import DAY, FIRST_DAY, Scale, Scenario

TRAP_DOMAINS: Final = 3

FLOODS: Final = (400, 150)
"""Claims a day of those who flood: more than the feed takes from one group, and just below it."""

LOUD_FLOOD: Final = 11_000
"""Claims a day of the loudest of them: more than a new reporter's quota."""

SKEWS: Final = (-2 * DAY, -180, 180, -8 * DAY, 5)
"""Wrong clocks, in minutes: what is too old or lies ahead is refused, a little ahead counts as now."""


class Behaviour(enum.Enum):
    """What a reporter does."""

    HONEST = "honest"
    BROKEN = "broken"  # 3 % of its reports are about solicited mail
    ECHOING = "echoing"  # reports what our zone lists
    SKEWED = "skewed"  # its clock is wrong
    REPLAYING = "replaying"  # sends its reports again and again
    SLEEPING = "sleeping"  # good for 20 to 60 days, then lies
    COLLUDING = "colluding"  # earns trust by true reports, then all accuse the same innocents
    SYBIL = "sybil"  # the same, but all of them are known to be one organisation
    FLOODING = "flooding"  # accuses hundreds of innocents a day


LIARS: Final = frozenset({Behaviour.SLEEPING, Behaviour.COLLUDING, Behaviour.SYBIL, Behaviour.FLOODING})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One reporter, or one of the feed's own trap domains (`trap`).

    group_id: its independence group, its own number unless it is a sybil. share: its part of all mail.
    tags: whether its outbound mail is tagged. refuses: it refuses null-sender mail from 127.0.0.2.
    observes: it sends observations; counts: with totals. lies_at: from that minute on. flood: claims a day.
    """

    source_id: int
    group_id: int
    behaviour: Behaviour
    trap: bool = False
    share: float = 0.0
    tags: bool = False
    refuses: bool = False
    observes: bool = False
    counts: bool = False
    vetted: bool = False
    skew: int = 0
    lies_at: int = 0
    flood: int = 0


def draw_members(rng: random.Random, scale: Scale, scenario: Scenario) -> tuple[Member, ...]:
    """Return three trap domains and the reporters; the bad ones are drawn among all that are not vetted."""
    count = scale.reporters
    bad = [
        behaviour
        for behaviour, percent in (
            (Behaviour.SLEEPING, scenario.sleeping),
            (Behaviour.COLLUDING, scenario.colluding),
            (Behaviour.SYBIL, scenario.sybils),
            (Behaviour.FLOODING, scenario.flooding),
            (Behaviour.BROKEN, 10),
            (Behaviour.ECHOING, scenario.echoing),
            (Behaviour.SKEWED, 2),
            (Behaviour.REPLAYING, 2),
        )
        for _ in range(-(-count * percent // 100))
    ]
    vetted = count // 5
    behaviours = bad + [Behaviour.HONEST] * (count - len(bad) - vetted)
    rng.shuffle(behaviours)
    behaviours = [Behaviour.HONEST] * vetted + behaviours
    shares = [min(15.0, rng.lognormvariate(0.0, 1.0)) for _ in behaviours]
    floods = [LOUD_FLOOD, *FLOODS * count]
    sybils = TRAP_DOMAINS + 1 + behaviours.index(Behaviour.SYBIL) if Behaviour.SYBIL in behaviours else 0
    members = _traps()
    for number, (behaviour, share) in enumerate(zip(behaviours, shares, strict=True)):
        source_id = len(members) + 1
        wakes = FIRST_DAY * DAY + rng.randrange(20 * DAY, 60 * DAY)
        members.append(
            Member(
                source_id=source_id,
                group_id=sybils if behaviour is Behaviour.SYBIL else source_id,
                behaviour=behaviour,
                share=share / sum(shares),
                tags=rng.random() < 0.15,  # noqa: PLR2004
                refuses=rng.random() * 100 < scenario.refusing,
                observes=rng.random() < 0.8,  # noqa: PLR2004
                counts=rng.random() < 0.5,  # noqa: PLR2004
                vetted=number < vetted,
                skew=rng.choice(SKEWS) if behaviour is Behaviour.SKEWED else 0,
                lies_at=wakes if behaviour is Behaviour.SLEEPING else 0,
                flood=floods.pop(0) if behaviour is Behaviour.FLOODING else 0,
            )
        )
    return tuple(members)


def _traps() -> list[Member]:
    return [
        Member(source_id=number, group_id=number, behaviour=Behaviour.HONEST, trap=True)
        for number in range(1, TRAP_DOMAINS + 1)
    ]


def one_alone() -> tuple[Member, ...]:
    """Return one provider, which has traps of its own and nobody beside it."""
    return (
        Member(
            source_id=1, group_id=1, behaviour=Behaviour.HONEST, share=1.0, refuses=True, observes=True,
            counts=True, vetted=True,
        ),
    )  # fmt: skip
