"""Everything beside evidence that decides a score: policy, trust, provider file, exemptions."""

import dataclasses
import json
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain.address import Address, emitter_key, packed
from feed.domain.evidence import Cell, Trust
from feed.domain.listing import ActiveHold, Hold, Inputs
from feed.domain.policy import Policy, trusted_groups
from feed.domain.providers import Providers
from feed.store import exemptions, reporters
from feed.store.exemptions import Exemption
from feed.store.secret import Secret
from feed.store.tables import policy_snapshot

_SECONDS_A_DAY = 86_400
_SECONDS_A_MINUTE = 60


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is in force at one tick. policy_id and trust_id name the snapshots kept of it."""

    policy: Policy
    trust: Trust
    providers: Providers | None
    exemptions: list[Exemption]
    policy_id: int
    trust_id: int
    trusted_groups: int

    def holds(self, address: Address) -> list[ActiveHold]:
        """Return what keeps `address` (its /64 for IPv6) from being listed, or additions from being made."""
        found = [
            ActiveHold(kind=one.kind, until=one.until_minute, words=one.reason)
            for one in exemptions.covering(self.exemptions, address, whole_64=True)
        ]
        if self.providers is None:
            found.append(ActiveHold(kind=Hold.SOURCE_FAILED, words="the provider file cannot be read"))
        elif (name := self.providers.find(address)) is not None:
            found.append(ActiveHold(kind=Hold.PROVIDER, words=name))
        return found

    def inputs(self, address: Address, cells: Sequence[Cell], secret: Secret) -> Inputs:
        """Return the inputs of `scoring.step` for one emitter."""
        return Inputs(
            cells=cells,
            holds=self.holds(address),
            jitter_seed=secret.number("jitter", emitter_key(address)),
            is_ipv6=packed(address) == address.packed,
            trusted_groups=self.trusted_groups,
        )

    def first_day(self, tick: int) -> int:
        """Return the first day whose cells can still count at `tick` (a minute)."""
        return tick // 1440 - self.policy.evidence_days


def load(connection: Connection, *, policy: Policy, providers: Providers | None, now: int) -> Rules:
    """Return the rules in force at `now` (seconds), without writing anything.

    providers None: the provider file could not be read; then nothing new is listed.
    """
    trust = reporters.trust(connection, day=now // _SECONDS_A_DAY)
    return Rules(
        policy=policy,
        trust=trust,
        providers=providers,
        exemptions=exemptions.in_force(connection, minute=now // _SECONDS_A_MINUTE),
        policy_id=0,
        trust_id=0,
        trusted_groups=trusted_groups(trust, policy),
    )


def recorded(connection: Connection, rules: Rules) -> Rules | None:
    """Return `rules` with their snapshots' numbers, None unless exactly these were the last in force."""
    table = policy_snapshot
    last = connection.execute(sa.select(table).order_by(table.c.policy_id.desc()).limit(1)).first()
    trust_id = reporters.trust_recorded(connection, rules.trust)
    if last is None or last.body != _body(rules) or trust_id is None:
        return None
    return dataclasses.replace(rules, policy_id=int(last.policy_id), trust_id=trust_id)


def record(connection: Connection, rules: Rules, *, now: int) -> Rules:
    """Keep snapshots of the policy (with the date of the provider file) and of the trust, and number them."""
    table = policy_snapshot
    made = sa.insert(table).values(name=rules.policy.name, body=_body(rules), since_at=now)
    policy_id = int(connection.execute(made.returning(table.c.policy_id)).scalar_one())
    trust_id = reporters.record_trust(connection, rules.trust, now=now)
    return dataclasses.replace(rules, policy_id=policy_id, trust_id=trust_id)


def _body(rules: Rules) -> str:
    providers = (
        f"{rules.providers.date} {rules.providers.network_count}"
        if rules.providers is not None
        else "unreadable"
    )
    return json.dumps({"policy": dataclasses.asdict(rules.policy), "providers": providers}, sort_keys=True)
