"""What another policy would have made of the evidence that is stored.

Each emitter's life is replayed from its rows by the real step: events when they were received, trust,
holds, removals and muted days as they were. Only the policy is another.
"""

import dataclasses
from collections.abc import Callable, Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain import timeline
from feed.domain.address import Address, unpacked
from feed.domain.event import Channel
from feed.domain.evidence import MINUTES_A_DAY
from feed.domain.listing import Code
from feed.domain.policy import Policy, trusted_groups
from feed.store import replay, states
from feed.store.database import Database
from feed.store.rules import Past
from feed.store.secret import Secret
from feed.store.tables import event, transition

_SECONDS_A_DAY = 86_400


class BacktestError(Exception):
    """There is nothing to replay; the message says why."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of an emitter: its code at the end, the strictest within the days asked for, and why."""

    code: Code
    strictest: Code
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One emitter under both. live: what happened; other: what would have."""

    address: Address
    live: Fate
    other: Fate

    @property
    def change(self) -> str:
        """`added`, `gone`, `code`, `now` (the same code at other times) or empty if nothing differs."""
        if self.live.strictest is not self.other.strictest:
            if self.live.strictest is Code.NONE:
                return "added"
            return "gone" if self.other.strictest is Code.NONE else "code"
        return "now" if self.live.code is not self.other.code else ""


def backtest(
    database: Database,
    policy: Policy,
    *,
    secret: Secret,
    days: int,
    now: int,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> list[Verdict]:
    """Return the verdict on every emitter about which anything stands, by address; `now` in seconds.

    Evidence from before the `days` counts as it did then. Raises `BacktestError` in words.
    """
    minute = now // 60
    since = minute - days * MINUTES_A_DAY
    with database.read() as connection:
        past = replay.past_of(connection, now=now)
        keys = _keys(connection, first_day=now // _SECONDS_A_DAY - replay.KEPT_DAYS)
    if past is None or not keys:
        raise BacktestError("there is no scored evidence to replay")
    found = []
    for done, key in enumerate(keys):
        progress(done, len(keys))
        with database.read() as connection:
            verdict = _judged(connection, key, policy, past, secret, since=since, now=now)
        if verdict is not None:
            found.append(verdict)
    progress(len(keys), len(keys))
    return found


def _keys(connection: Connection, *, first_day: int) -> list[bytes]:
    chosen = sa.select(event.c.emitter_key).where(
        event.c.channel == Channel.MAIN, event.c.retracted_at.is_(None), event.c.received_day >= first_day
    )
    return sorted(bytes(key) for key in connection.execute(chosen.distinct()).scalars())


def _judged(
    connection: Connection, key: bytes, policy: Policy, past: Past, secret: Secret, *, since: int, now: int
) -> Verdict | None:
    row = states.read(connection, key, Channel.MAIN)
    if row is None:
        return None
    life = replay.life_of(connection, row, past, secret, now=now)
    other = dataclasses.replace(life, eras=_under(life.eras, policy))
    replayed = timeline.replay(other, until=now // 60)
    return Verdict(
        address=unpacked(row.address if row.state.unit == states.WHOLE_IPV6 else row.key),
        live=Fate(
            code=row.state.code,
            strictest=_strictest(_history(connection, key), since),
            reason=row.state.reason,
        ),
        other=Fate(
            code=replayed.state.code,
            strictest=_strictest(
                [(one.transition.at, one.transition.to_code) for one in replayed.history], since
            ),
            reason=replayed.state.reason,
        ),
    )


def _under(eras: Sequence[timeline.Era], policy: Policy) -> list[timeline.Era]:
    """Return the same eras under one policy."""
    return [
        dataclasses.replace(era, policy=policy, trusted_groups=trusted_groups(era.trust, policy))
        for era in eras
    ]


def _history(connection: Connection, key: bytes) -> list[tuple[int, Code]]:
    table = transition
    rows = connection.execute(
        sa.select(table.c.at_minute, table.c.code)
        .where(table.c.emitter_key == key, table.c.channel == Channel.MAIN, table.c.void_at.is_(None))
        .order_by(table.c.seq)
    )
    return [(row.at_minute, Code(row.code)) for row in rows]


def _strictest(history: Iterable[tuple[int, Code]], since: int) -> Code:
    """Return the strictest code in force at minute `since` or later: .2 before .3 before none."""
    standing, found = Code.NONE, set()
    for at, code in history:
        if at > since:
            found.add(standing)
            found.add(code)
        standing = code
    found.add(standing)
    return min(found - {Code.NONE}, default=Code.NONE)
