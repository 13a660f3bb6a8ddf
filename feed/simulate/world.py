"""The simulated world: which servers live in it, and who reports (scoring.md 7).

Everything is drawn from the seed alone, so that one world can be judged under several policies.
"""

import dataclasses
import enum
import ipaddress
import random

from feed.domain.address import Address, emitter_key
from feed.domain.providers import Providers
from feed.simulate.members import Member, draw_members, one_alone
from feed.simulate.scenarios import DAY, FIRST_DAY, WARM_UP_DAYS, Scale, Scenario


class Role(enum.Enum):
    """What a server does."""

    EMITTER = "emitter"  # accepts, then bounces
    MIXED = "mixed"  # the same, and sends genuine notifications to our reporters as well
    FORWARDER = "forwarder"  # bounces only when somebody provokes it with a known trap as sender
    INNOCENT = "innocent"
    POOL = "pool"  # large shared sender, not in the provider file
    PROVIDER = "provider"  # large shared sender in the provider file
    REFUSER = "refuser"  # refuses in the SMTP dialogue; makes callouts
    CANARY = "canary"  # never sends; listed by hand, so that who reports it has copied the zone


class Asks(enum.Enum):
    """Whether the admin of a listed server asks for removal."""

    NEVER = "never"
    REPAIRED = "repaired"
    HOPEFUL = "hopeful"  # asks, repairs nothing


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

    @property
    def canaries(self) -> list[Address]:
        """What the operator lists by hand although it never sends."""
        return [host.address for host in self.of(Role.CANARY)]

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
        hosts=_hosts(hosts_rng, warm_up_days + days, scale, canaries=0 if alone else scenario.canaries),
        members=one_alone() if alone else draw_members(members_rng, scale, scenario),
    )


def providers_of(world: World) -> Providers:
    """Return the provider file of a world, through the real reader."""
    lines = [f"{host.address}/32 provider {host.number}" for host in world.of(Role.PROVIDER)]
    return Providers.parse("\n".join(["# date: 2024-10-04", *lines, ""]))


def _hosts(rng: random.Random, days: int, scale: Scale, *, canaries: int) -> tuple[Host, ...]:
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
    for _ in range(canaries):
        add(Role.CANARY)
    return tuple(hosts)


def _address(number: int, *, is_ipv6: bool) -> Address:
    """Return an address of private or documentation space: nobody's; each in a /24 or /48 of its own."""
    host, network = divmod(number, 1 << 16)
    if is_ipv6:
        return ipaddress.IPv6Address(
            int(ipaddress.IPv6Address("2001:db8::25")) + (network << 80) + (host << 64)
        )
    return ipaddress.IPv4Address(int(ipaddress.IPv4Address("10.0.0.1")) + (network << 8) + host)


def _log_normal(rng: random.Random, median: float, sigma: float, most: float) -> float:
    return min(most, median * rng.lognormvariate(0.0, sigma))
