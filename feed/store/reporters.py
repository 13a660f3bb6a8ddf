"""Reporters, their hosts and networks, and keys. Functions take a connection and never commit."""

import contextlib
import dataclasses
import hmac
import json
import re
import secrets
from collections.abc import Collection
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain.address import Network, parse_network
from feed.domain.evidence import Standing, Trust
from feed.domain.signing import key_of
from feed.store import grouping, registration
from feed.store.database import Database, StoreError
from feed.store.dialect import Prepared
from feed.store.registration import Fact, RegistrationError
from feed.store.secret import Secret
from feed.store.tables import api_key, reporter, reporter_network, trust_snapshot

SCOPES: Final = ("report", "read", "operate")
FULL_WEIGHT: Final = 20
MOST_SEEDED: Final = 14
SEED_DAYS: Final = 90
_SECONDS_A_DAY: Final = 86_400
# Asked with every report: made once, since making a statement costs more than running it.
_API_KEY: Final = Prepared(
    sa.select(
        api_key.c.secret_hmac, api_key.c.revoked_at, api_key.c.expires_at, api_key.c.source_id,
        api_key.c.scopes, api_key.c.last_used_day,
    ).where(api_key.c.key_id == sa.bindparam("key_id"))
)  # fmt: skip
_REPORTER: Final = Prepared(
    sa.select(
        reporter.c.name, reporter.c.organisation, reporter.c.group_id, reporter.c.weight,
        reporter.c.earned_weight, reporter.c.vetted, reporter.c.suspended_at,
    ).where(reporter.c.source_id == sa.bindparam("source_id"))
)  # fmt: skip
_NO_KEY: Final = (bytes(32), None, None, None, "", 0)
_KEY: Final = re.compile(r"bsf_([0-9a-f]{16})_([0-9a-f]{64})")


class ReporterError(Exception):
    """A reporter or key cannot be made or found; the message says why."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """A registered reporter with what decides whom it may blame."""

    source_id: int
    name: str
    organisation: str
    group_id: int
    weight: int
    vetted: bool
    suspended: bool
    border_hosts: frozenset[str]
    internal_hosts: frozenset[str]
    own_networks: tuple[Network, ...]
    forwarders: tuple[Network, ...]
    own_domains: frozenset[str] = frozenset()
    bounce_domains: frozenset[str] = frozenset()
    prvs_keys: tuple[bytes, ...] = dataclasses.field(default=(), repr=False)
    srs_keys: tuple[bytes, ...] = dataclasses.field(default=(), repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who a key speaks for: a reporter, or an operator (source_id None). used_day: 0 = never before."""

    key_id: str
    source_id: int | None
    scopes: frozenset[str]
    used_day: int = 0


def register(  # one argument for each fact that the operator states
    connection: Connection,
    *,
    name: str,
    organisation: str,
    contact: str,
    now: int,
    border_hosts: Collection[str] = (),
    internal_hosts: Collection[str] = (),
    own_networks: Collection[Network] = (),
    forwarders: Collection[Network] = (),
    group_id: int | None = None,
    weight: int = 0,
    weight_reason: str = "new",
    anchor: bool = False,
) -> int:
    """Insert a reporter and return its source_id; it is a group of its own unless `group_id` is given."""
    taken = connection.execute(sa.select(reporter.c.source_id).where(reporter.c.name == name)).first()
    if taken is not None:
        raise ReporterError(f"there is a reporter named {name} already")
    source_id: int = connection.execute(
        sa.insert(reporter)
        .values(
            name=name,
            organisation=organisation,
            contact=contact,
            group_id=0,
            weight=weight,
            weight_until_day=0,
            weight_reason=weight_reason,
            earned_weight=0,
            anchor=anchor,
            vetted=False,
            created_at=now,
        )
        .returning(reporter.c.source_id)
    ).scalar_one()
    connection.execute(
        sa.update(reporter).where(reporter.c.source_id == source_id).values(group_id=group_id or source_id)
    )
    facts = [(Fact.BORDER_HOST, host) for host in border_hosts]
    facts += [(Fact.INTERNAL_HOST, host) for host in internal_hosts]
    facts += [(Fact.OWN_NETWORK, str(network)) for network in own_networks]
    facts += [(Fact.FORWARDER, str(network)) for network in forwarders]
    for fact, value in facts:
        try:
            registration.add(connection, source_id, fact, value, now=now)
        except RegistrationError as problem:
            raise ReporterError(f"{value}: {problem}") from None
    return source_id


def find(connection: Connection, source_id: int) -> Reporter:
    """Return the reporter; raises `ReporterError` if there is none."""
    rows = _REPORTER.rows(connection, source_id=source_id)
    if not rows:
        raise ReporterError("there is no such reporter")
    name, organisation, group_id, weight, earned_weight, vetted, suspended_at = rows[0]
    facts = registration.facts_of(connection, source_id)
    return Reporter(
        source_id=source_id,
        name=name,
        organisation=organisation,
        group_id=group_id,
        weight=max(weight, earned_weight),
        vetted=bool(vetted),
        suspended=suspended_at is not None,
        border_hosts=frozenset(facts[Fact.BORDER_HOST]),
        internal_hosts=frozenset(facts[Fact.INTERNAL_HOST]),
        own_networks=tuple(map(parse_network, facts[Fact.OWN_NETWORK])),
        forwarders=tuple(map(parse_network, facts[Fact.FORWARDER])),
        own_domains=frozenset(facts[Fact.OWN_DOMAIN]),
        bounce_domains=frozenset(facts[Fact.BOUNCE_DOMAIN]),
        prvs_keys=tuple(map(key_of, facts[Fact.PRVS_KEY])),
        srs_keys=tuple(map(key_of, facts[Fact.SRS_KEY])),
    )


def find_by_name(connection: Connection, name: str) -> Reporter:
    """Return the reporter called `name`; raises `ReporterError` if there is none."""
    source_id = connection.execute(sa.select(reporter.c.source_id).where(reporter.c.name == name)).scalar()
    if source_id is None:
        raise ReporterError(f"there is no reporter named {name}")
    return find(connection, source_id)


def everyone(connection: Connection) -> list[Reporter]:
    """Return all reporters by name."""
    ids = connection.execute(sa.select(reporter.c.source_id).order_by(reporter.c.name)).scalars()
    return [find(connection, source_id) for source_id in ids.all()]


def suspend(connection: Connection, source_id: int, *, now: int | None) -> None:
    """Make nothing of the reporter count from now on; `now` None lifts it."""
    connection.execute(sa.update(reporter).where(reporter.c.source_id == source_id).values(suspended_at=now))


def new_key(
    connection: Connection,
    secret: Secret,
    *,
    source_id: int | None,
    scopes: Collection[str],
    author: str,
    now: int,
    expires_at: int | None = None,
) -> str:
    """Store a new key and return it; this is the only time that it exists in the clear."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown:
        raise ReporterError(f"unknown scope {', '.join(unknown)}; there are {', '.join(SCOPES)}")
    key_id, secret_part = secrets.token_hex(8), secrets.token_hex(32)
    connection.execute(
        sa.insert(api_key).values(
            key_id=key_id,
            source_id=source_id,
            secret_hmac=secret.mac("key", secret_part.encode()),
            scopes=" ".join(sorted(scopes)),
            created_at=now,
            expires_at=expires_at,
            last_used_day=0,
            author=author,
        )
    )
    return f"bsf_{key_id}_{secret_part}"


def revoke_key(connection: Connection, key_id: str, *, now: int) -> bool:
    """End a key; returns whether it was in force."""
    found = connection.execute(
        sa.update(api_key)
        .where(api_key.c.key_id == key_id, api_key.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return found.rowcount == 1


def authenticate(connection: Connection, secret: Secret, key: str, *, now: int) -> Principal | None:
    """Return whom `key` speaks for, or None for a wrong, ended or malformed key.

    The comparison takes the same time for a wrong secret as for an unknown key id.
    """
    shape = _KEY.fullmatch(key)
    if shape is None:
        return None
    rows = _API_KEY.rows(connection, key_id=shape[1])
    stored, revoked_at, expires_at, source_id, scopes, used_day = rows[0] if rows else _NO_KEY
    right = hmac.compare_digest(secret.mac("key", shape[2].encode()), stored)
    if not rows or not right or revoked_at is not None:
        return None
    if expires_at is not None and expires_at <= now:
        return None
    return Principal(
        key_id=shape[1], source_id=source_id, scopes=frozenset(scopes.split()), used_day=used_day
    )


def note_use(database: Database, found: Principal, *, now: int) -> None:
    """Note that a key was used on this day, once a day and in a transaction of its own.

    A database that is busy or full keeps nobody from reporting: then the next use is noted.
    """
    day = now // _SECONDS_A_DAY
    if found.used_day >= day:
        return
    mine = (api_key.c.key_id == found.key_id) & (api_key.c.last_used_day < day)
    with contextlib.suppress(StoreError), database.write() as connection:
        connection.execute(sa.update(api_key).where(mine).values(last_used_day=day))


def trust(connection: Connection, *, day: int) -> Trust:
    """Return the standing of every source as the score uses it on `day`.

    The weight is what the operator gave while it lasts, or what was earned, whichever is more. Groups are
    those of `grouping`, named by their lowest source.
    """
    rows = connection.execute(sa.select(reporter).order_by(reporter.c.source_id)).all()
    networks: dict[int, list[str]] = {}
    own = sa.select(reporter_network).where(reporter_network.c.role == "own")
    for row in connection.execute(own):
        networks.setdefault(row.source_id, []).append(row.network)
    groups = grouping.groups(
        [
            grouping.Member(
                source_id=row.source_id, declared=row.group_id, organisation=row.organisation,
                contact=row.contact, networks=tuple(networks.get(row.source_id, ())),
            )
            for row in rows
        ]
    )  # fmt: skip
    return {
        row.source_id: Standing(
            source_id=row.source_id,
            group_id=groups[row.source_id],
            weight=max(given_weight(row, day=day), row.earned_weight),
            anchor=row.anchor,
            suspended=row.suspended_at is not None,
        )
        for row in rows
    }


def given_weight(row: sa.Row[Any], *, day: int) -> int:
    """Return the weight that the operator gave to the reporter of `row` while it lasts, in twentieths."""
    return int(row.weight) if row.weight_until_day == 0 or row.weight_until_day >= day else 0


def seed(connection: Connection, source_id: int, *, weight: int, until_day: int, reason: str) -> None:
    """Give a vetted reporter a weight until a day, so that a young feed is not empty.

    Raises `ReporterError` for more than 14 twentieths: alone it never reaches what confirmed reports earn.
    """
    if not 0 <= weight <= MOST_SEEDED:
        raise ReporterError(f"a seeded weight is 0 to {MOST_SEEDED} twentieths")
    connection.execute(
        sa.update(reporter)
        .where(reporter.c.source_id == source_id)
        .values(weight=weight, weight_until_day=until_day, weight_reason=reason, vetted=True)
    )


def last_trust(connection: Connection) -> Trust | None:
    """Return the trust that was in force last, None if nothing was ever scored."""
    table = trust_snapshot
    body = connection.execute(sa.select(table.c.body).order_by(table.c.trust_id.desc()).limit(1)).scalar()
    return trust_of(body) if body is not None else None


def trust_of(body: str) -> Trust:
    """Return the standings of a stored snapshot."""
    names = [field.name for field in dataclasses.fields(Standing)]
    found = [Standing(**dict(zip(names, values, strict=True))) for values in json.loads(body)]
    return {standing.source_id: standing for standing in found}


def trust_recorded(connection: Connection, standings: Trust) -> int | None:
    """Return the number of the last trust snapshot if it equals `standings`."""
    table = trust_snapshot
    last = connection.execute(sa.select(table).order_by(table.c.trust_id.desc()).limit(1)).first()
    return int(last.trust_id) if last is not None and last.body == _trust_body(standings) else None


def record_trust(connection: Connection, standings: Trust, *, now: int) -> int:
    """Keep a snapshot of `standings` and return its number; an equal last one is not repeated."""
    known = trust_recorded(connection, standings)
    if known is not None:
        return known
    table = trust_snapshot
    made = sa.insert(table).values(body=_trust_body(standings), since_at=now).returning(table.c.trust_id)
    return int(connection.execute(made).scalar_one())


def _trust_body(standings: Trust) -> str:
    return json.dumps([dataclasses.astuple(standings[source_id]) for source_id in sorted(standings)])
