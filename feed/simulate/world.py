"""Who lives in the simulated world: servers, reporters, and how large and how bad it is (scoring.md 7).

Everything is drawn from the seed alone, so that one world can be judged under several policies.
"""

import dataclasses
import enum
import ipaddress
import random
from typing import Final

from feed.domain.address import Address, emitter_key
from feed.domain.evidence import MINUTES_A_DAY

DAY: Final = MINUTES_A_DAY
FIRST_DAY: Final = 20_000
"""The day (since 1970-01-01) on which each world begins: an arbitrary one, nobody's clock is read."""

WARM_UP_DAYS: Final = 20
"""Days before measuring begins: reporters earn their weight in them."""

TRAP_SHARE: Final = 0.08
"""Part of an emitter's notifications that reach the feed's own traps (scoring.md 6 assumes the same)."""


class Role(enum.Enum):
    """What a server does."""

    EMITTER = "emitter"  # accepts, then bounces
    MIXED = "mixed"  # the same, and sends genuine notifications to our reporters as well
    FORWARDER = "forwarder"  # bounces only when somebody provokes it with a known trap as sender
    INNOCENT = "innocent"
    POOL = "pool"  # large shared sender, not in the provider file
    PROVIDER = "provider"  # large shared sender in the provider file
    REFUSER = "refuser"  # refuses in the SMTP dialogue; makes callouts


class Behaviour(enum.Enum):
    """What a reporter does."""

    HONEST = "honest"
    BROKEN = "broken"  # 3 % of its reports are about solicited mail
    ECHOING = "echoing"  # reports what our zone lists
    SKEWED = "skewed"  # its clock is wrong
    REPLAYING = "replaying"  # sends its reports again and again
    SLEEPING = "sleeping"  # good for 20 to 60 days, then lies
    COLLUDING = "colluding"  # earns trust by true reports, then all accuse the same innocents
    FLOODING = "flooding"  # accuses hundreds of innocents a day


class Asks(enum.Enum):
    """Whether the admin of a listed server asks for removal."""

    NEVER = "never"
    REPAIRED = "repaired"
    HOPEFUL = "hopeful"  # asks, repairs nothing


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How many of each there are. emitters: over the whole time, each alive for some 18 days."""

    reporters: int
    emitters: int
    mixed: int
    innocents: int
    pools: int
    providers: int
    forwarders: int
    refusers: int


SCALES: Final = {
    "tiny": Scale(
        reporters=18, emitters=24, mixed=1, innocents=170, pools=1, providers=1, forwarders=1, refusers=1
    ),
    "small": Scale(
        reporters=30, emitters=90, mixed=6, innocents=300, pools=4, providers=3, forwarders=4, refusers=4
    ),
    "full": Scale(
        reporters=100, emitters=250, mixed=10, innocents=3000, pools=5, providers=3, forwarders=20,
        refusers=20,
    ),
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Which part of the reporters turns bad, in percent of all."""

    name: str
    sleeping: int = 0
    colluding: int = 0
    flooding: int = 0


SCENARIOS: Final = {
    one.name: one
    for one in (
        Scenario(name="calm"),
        Scenario(name="sleepers", sleeping=20),
        Scenario(name="colluders", colluding=33, flooding=3),
    )
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One server. Rates are mails a day towards all reporters and traps together; times are minutes.

    seen: all its mail a day, told by reporters that count (0: nobody counts). from_at, until_at: when it
    sends backscatter.
    """

    number: int
    address: Address
    role: Role
    rate: float = 0.0
    bursty: bool = False
    genuine: float = 0.0
    seen: int = 0
    from_at: int = 0
    until_at: int = 0
    asks: Asks = Asks.NEVER

    @property
    def key(self) -> bytes:
        """The emitter key."""
        return emitter_key(self.address)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One reporter, or one of the feed's own trap domains (`trap`).

    share: its part of all mail. tags: whether its outbound mail is tagged. refuses: it refuses null-sender
    mail from 127.0.0.2. observes: it sends observations; counts: with totals. lies_at: from that minute on.
    """

    source_id: int
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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All of it. alone: one provider with its own traps is the only reporter, as the private policy means."""

    seed: int
    days: int
    warm_up_days: int
    scenario: Scenario
    alone: bool
    hosts: tuple[Host, ...]
    members: tuple[Member, ...]

    @property
    def first_at(self) -> int:
        """The minute at which it begins."""
        return FIRST_DAY * DAY

    @property
    def measured_from(self) -> int:
        """The minute at which measuring begins."""
        return self.first_at + self.warm_up_days * DAY

    @property
    def total_days(self) -> int:
        """How many days pass, the warm-up included."""
        return self.warm_up_days + self.days

    @property
    def until(self) -> int:
        """The minute at which it ends."""
        return self.measured_from + self.days * DAY

    def of(self, *roles: Role) -> list[Host]:
        """Return the hosts of some roles."""
        return [host for host in self.hosts if host.role in roles]


def build(
    seed: int, days: int, scale: Scale, scenario: Scenario, *, alone: bool, warm_up_days: int = WARM_UP_DAYS
) -> World:
    """Return the world of `seed`; `days` are those measured, the warm-up comes before."""
    hosts_rng, members_rng = (random.Random(f"{seed}/{what}") for what in ("hosts", "members"))  # noqa: S311 - a world, not a secret
    return World(
        seed=seed,
        days=days,
        warm_up_days=warm_up_days,
        scenario=scenario,
        alone=alone,
        hosts=_hosts(hosts_rng, warm_up_days + days, scale),
        members=_alone() if alone else _members(members_rng, scale, scenario),
    )


def _hosts(rng: random.Random, days: int, scale: Scale) -> tuple[Host, ...]:
    first, length = FIRST_DAY * DAY, days * DAY
    hosts: list[Host] = []

    def add(role: Role, **facts: object) -> None:
        number = len(hosts)
        address = _address(number, is_ipv6=role in {Role.EMITTER, Role.INNOCENT} and number % 10 == 0)
        hosts.append(Host(number=number, address=address, role=role, **facts))  # type: ignore[arg-type]

    for _ in range(scale.emitters):
        start = first + rng.randrange(-10 * DAY, length)
        add(
            Role.EMITTER,
            rate=_log_normal(rng, 4.0, 1.1, 80.0),
            bursty=rng.random() < 0.4,  # noqa: PLR2004
            genuine=0.002,
            from_at=start,
            until_at=start + DAY + int(rng.expovariate(1 / (17 * DAY))),
            asks=rng.choices(list(Asks), (65, 25, 10))[0],
        )
    for _ in range(scale.mixed):
        add(
            Role.MIXED, rate=_log_normal(rng, 4.0, 0.8, 40.0), genuine=_log_normal(rng, 1.5, 0.8, 10.0),
            from_at=first, until_at=first + length,
        )  # fmt: skip
    for _ in range(scale.forwarders):
        add(Role.FORWARDER, genuine=0.3, from_at=first + rng.randrange(length))
    for number in range(scale.pools):
        add(
            Role.POOL, rate=3.0, genuine=25.0, seen=200_000 if number % 2 else 0,
            from_at=first, until_at=first + length,
        )  # fmt: skip
    for _ in range(scale.providers):
        add(Role.PROVIDER, rate=4.0, genuine=100.0, seen=1_000_000, from_at=first, until_at=first + length)
    for _ in range(scale.refusers):
        add(Role.REFUSER, rate=2.0, genuine=0.3, from_at=first, until_at=first + length)
    for _ in range(scale.innocents):
        add(Role.INNOCENT, genuine=_log_normal(rng, 0.2, 1.0, 5.0))
    return tuple(hosts)


def _members(rng: random.Random, scale: Scale, scenario: Scenario) -> tuple[Member, ...]:
    """Return three trap domains and the reporters; the bad ones are drawn among all that are not vetted."""
    count = scale.reporters
    bad = [
        behaviour
        for behaviour, percent in (
            (Behaviour.SLEEPING, scenario.sleeping),
            (Behaviour.COLLUDING, scenario.colluding),
            (Behaviour.FLOODING, scenario.flooding),
            (Behaviour.BROKEN, 10),
            (Behaviour.ECHOING, 2),
            (Behaviour.SKEWED, 2),
            (Behaviour.REPLAYING, 2),
        )
        for _ in range(-(-count * percent // 100))
    ]
    vetted = count // 5
    behaviours = bad + [Behaviour.HONEST] * (count - len(bad) - vetted)
    rng.shuffle(behaviours)
    behaviours = [Behaviour.HONEST] * vetted + behaviours
    shares = [_log_normal(rng, 1.0, 1.0, 15.0) for _ in behaviours]
    members = [Member(source_id=number, behaviour=Behaviour.HONEST, trap=True) for number in (1, 2, 3)]
    for number, (behaviour, share) in enumerate(zip(behaviours, shares, strict=True)):
        wakes = FIRST_DAY * DAY + rng.randrange(20 * DAY, 60 * DAY)
        members.append(
            Member(
                source_id=len(members) + 1,
                behaviour=behaviour,
                share=share / sum(shares),
                tags=rng.random() < 0.15,  # noqa: PLR2004
                refuses=rng.random() < 0.5,  # noqa: PLR2004
                observes=rng.random() < 0.8,  # noqa: PLR2004
                counts=rng.random() < 0.5,  # noqa: PLR2004
                vetted=number < vetted,
                skew=rng.choice((-2 * DAY, -180, 180)) if behaviour is Behaviour.SKEWED else 0,
                lies_at=wakes if behaviour is Behaviour.SLEEPING else 0,
            )
        )
    return tuple(members)


def _alone() -> tuple[Member, ...]:
    return (
        Member(
            source_id=1, behaviour=Behaviour.HONEST, share=1.0, refuses=True, observes=True, counts=True,
            vetted=True,
        ),
    )  # fmt: skip


def _address(number: int, *, is_ipv6: bool) -> Address:
    """Return an address of benchmark or documentation space: nobody's."""
    if is_ipv6:
        return ipaddress.IPv6Address(int(ipaddress.IPv6Address("2001:db8::25")) + (number << 64))
    return ipaddress.IPv4Address(int(ipaddress.IPv4Address("198.18.0.0")) + 7 * number + 1)


def _log_normal(rng: random.Random, median: float, sigma: float, most: float) -> float:
    return min(most, median * rng.lognormvariate(0.0, sigma))
