"""Everything beside evidence that decides a score: policy, trust, provider file, exemptions."""

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain.address import Address, emitter_key, packed
from feed.domain.cells import without_muted
from feed.domain.evidence import Cell, Trust
from feed.domain.gates import groups_needed
from feed.domain.intervals import NetworkIndex
from feed.domain.listing import ActiveHold, Hold, Inputs
from feed.domain.policy import Policy, as_it_was, trusted_groups
from feed.domain.providers import Providers
from feed.domain.timeline import Era
from feed.store import exemptions, floods, reporters
from feed.store.database import StoreError
from feed.store.exemptions import Exemption
from feed.store.secret import Secret
from feed.store.tables import policy_snapshot, trust_snapshot

_SECONDS_A_DAY = 86_400
_SECONDS_A_MINUTE = 60
_Stored = TypeVar("_Stored")
_Decoded = TypeVar("_Decoded")
_UNSAID = {"keep_support_at": 0, "anchor_groups": 0, "renew_minutes": 0}
"""Settings that older snapshots do not name, with what was done then."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is in force at one tick. policy_id and trust_id name the snapshots kept of it.

    muted: (source, day) of reports that weigh nothing until reviewed.
    """

    policy: Policy
    trust: Trust
    providers: Providers | None
    exemptions: NetworkIndex[Exemption]
    policy_id: int
    trust_id: int
    trusted_groups: int
    muted: frozenset[tuple[int, int]] = frozenset()

    def holds(self, address: Address) -> list[ActiveHold]:
        """Return what keeps `address` (its /64 for IPv6) from being listed, or additions from being made."""
        found = [
            ActiveHold(kind=one.kind, until=one.until_minute, words=one.reason)
            for one in exemptions.covering(self.exemptions, address, whole_64=True)
        ]
        provider = _provider_hold(self.providers, address)
        return [*found, provider] if provider is not None else found

    def inputs(self, address: Address, cells: Sequence[Cell], secret: Secret) -> Inputs:
        """Return the inputs of `scoring.step` for one emitter."""
        muted: list[Cell] = []
        if self.muted:
            muted = [cell for cell in cells if (cell.source_id, cell.day) in self.muted]
            cells = without_muted(cells, self.muted)
        return Inputs(
            cells=cells,
            muted=muted,
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
        exemptions=exemptions.index(connection, minute=now // _SECONDS_A_MINUTE),
        muted=floods.muted(connection),
        policy_id=0,
        trust_id=0,
        trusted_groups=trusted_groups(trust, policy),
    )


def recorded(connection: Connection, rules: Rules) -> Rules | None:
    """Return `rules` with their snapshots' numbers, None unless exactly these were the last in force."""
    policy_id = _policy_recorded(connection, rules)
    trust_id = reporters.trust_recorded(connection, rules.trust)
    if policy_id is None or trust_id is None:
        return None
    return dataclasses.replace(rules, policy_id=policy_id, trust_id=trust_id)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Concerned:
    """Whom a change of rules concerns: everybody, or what these sources spoke of."""

    everybody: bool
    sources: frozenset[int] = frozenset()


def concerned(connection: Connection, rules: Rules) -> Concerned:
    """Return whose score may differ under `rules` from what it was under the last ones in force."""
    before = reporters.last_trust(connection)
    if before is None or _policy_recorded(connection, rules) is None:
        return Concerned(everybody=True)
    needed = [
        groups_needed(rules.policy, trusted_groups(trust, rules.policy)) for trust in (before, rules.trust)
    ]
    changed = {
        source_id
        for source_id in before.keys() | rules.trust.keys()
        if before.get(source_id) != rules.trust.get(source_id)
    }
    return Concerned(everybody=needed[0] != needed[1], sources=frozenset(changed))


def record(connection: Connection, rules: Rules, *, now: int) -> Rules:
    """Keep snapshots of the policy with the provider ranges and of the trust, and number them."""
    table = policy_snapshot
    policy_id = _policy_recorded(connection, rules)
    if policy_id is None:
        made = sa.insert(table).values(
            name=rules.policy.name,
            body=_body(rules),
            providers=_providers_text(rules.providers),
            since_at=now,
        )
        policy_id = int(connection.execute(made.returning(table.c.policy_id)).scalar_one())
    trust_id = reporters.record_trust(connection, rules.trust, now=now)
    return dataclasses.replace(rules, policy_id=policy_id, trust_id=trust_id)


def _policy_recorded(connection: Connection, rules: Rules) -> int | None:
    """Return the number of the last policy snapshot if it equals `rules`."""
    table = policy_snapshot
    last = connection.execute(
        sa.select(table.c.policy_id, table.c.body).order_by(table.c.policy_id.desc()).limit(1)
    ).first()
    return int(last.policy_id) if last is not None and last.body == _body(rules) else None


def _body(rules: Rules) -> str:
    text = _providers_text(rules.providers)
    digest = hashlib.sha256(text.encode()).hexdigest() if text is not None else "unreadable"
    return json.dumps({"policy": dataclasses.asdict(rules.policy), "providers": digest}, sort_keys=True)


def _providers_text(providers: Providers | None) -> str | None:
    if providers is None:
        return None
    spans = [[start.hex(), name] for start, name in zip(providers.starts, providers.names, strict=True)]
    return json.dumps([providers.date.isoformat(), providers.network_count, spans])


def _providers_of(text: str | None) -> Providers | None:
    if text is None:
        return None
    date, count, spans = json.loads(text)
    return Providers(
        dt.date.fromisoformat(date),
        tuple(bytes.fromhex(start) for start, _ in spans),
        tuple(name for _, name in spans),
        count,
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """All rules that were in force since a minute, in order of time, for replays; at least one.

    Each: its first minute, the policy, the provider ranges, the trust, and the numbers of the snapshots.
    """

    eras: tuple[tuple[int, Policy, Providers | None, Trust, int, int], ...]

    def of(self, address: Address) -> list[Era]:
        """Return the eras as they bear on one emitter."""
        return [
            Era(
                since=since, policy=policy, trust=trust, trusted_groups=trusted_groups(trust, policy),
                policy_id=policy_id, trust_id=trust_id, provider=_provider_hold(providers, address),
            )
            for since, policy, providers, trust, policy_id, trust_id in self.eras
        ]  # fmt: skip


def past(connection: Connection, *, since: int) -> Past | None:
    """Return the rules in force from minute `since` on; None if nothing was ever scored.

    Raises `StoreError` naming the snapshot if one cannot be read.
    """
    policies = _since(connection, policy_snapshot, since)
    trusts = _since(connection, trust_snapshot, since)
    if not policies or not trusts:
        return None
    decoded = {
        row.policy_id: (
            _read(f"policy snapshot {row.policy_id}", _policy_of, row.body),
            _read(f"provider ranges of policy snapshot {row.policy_id}", _providers_of, row.providers),
        )
        for row in policies
    }
    standings = {
        row.trust_id: _read(f"trust snapshot {row.trust_id}", reporters.trust_of, row.body) for row in trusts
    }
    eras = []
    for minute in sorted({row.since_at // _SECONDS_A_MINUTE for row in (*policies, *trusts)}):
        policy_id = _in_force(policies, minute).policy_id
        trust_id = _in_force(trusts, minute).trust_id
        eras.append((minute, *decoded[policy_id], standings[trust_id], policy_id, trust_id))
    return Past(eras=tuple(eras))


def _policy_of(body: str) -> Policy:
    numbers = json.loads(body)["policy"]
    return as_it_was(_UNSAID | {"genuine_days": numbers["guard_days"]} | numbers)


def _read(what: str, decode: Callable[[_Stored], _Decoded], stored: _Stored) -> _Decoded:
    try:
        return decode(stored)
    except (ValueError, TypeError, KeyError, LookupError) as problem:
        raise StoreError(f"{what} cannot be read ({problem}), so the past cannot be told anew") from problem


def is_newest(connection: Connection, known: Past) -> bool:
    """Return whether no other rules came into force since `known` was read."""
    *_, policy_id, trust_id = known.eras[-1]
    newest = sa.select(
        sa.select(sa.func.max(policy_snapshot.c.policy_id)).scalar_subquery(),
        sa.select(sa.func.max(trust_snapshot.c.trust_id)).scalar_subquery(),
    )
    return tuple(connection.execute(newest).one()) == (policy_id, trust_id)


def _since(connection: Connection, table: sa.Table, minute: int) -> list[sa.Row[Any]]:
    """Return the snapshots in force from `minute` on, oldest first."""
    number = table.primary_key.columns[0]
    first = sa.select(sa.func.max(number)).where(table.c.since_at <= minute * _SECONDS_A_MINUTE)
    rows = connection.execute(
        sa.select(table).where(number >= sa.func.coalesce(first.scalar_subquery(), 0)).order_by(number)
    )
    return list(rows.all())


def _in_force(rows: Sequence[sa.Row[Any]], minute: int) -> sa.Row[Any]:
    """Return the last of `rows` that began by the end of `minute`, else the first."""
    begun = [row for row in rows if row.since_at // _SECONDS_A_MINUTE <= minute]
    return begun[-1] if begun else rows[0]


def _provider_hold(providers: Providers | None, address: Address) -> ActiveHold | None:
    if providers is None:
        return ActiveHold(kind=Hold.SOURCE_FAILED, words="the provider file cannot be read")
    name = providers.find(address)
    return ActiveHold(kind=Hold.PROVIDER, words=name) if name is not None else None
