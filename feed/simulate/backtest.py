"""What another policy would have made of the evidence that is stored.

Each emitter's life is replayed from its rows by the real step: events when they were received, trust,
holds, removals and muted days as they were. Only the policy is another.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain import timeline
from feed.domain.address import Address, unpacked
from feed.domain.event import Channel
from feed.domain.evidence import MINUTES_A_DAY
from feed.domain.listing import Code
from feed.domain.policy import Policy, trusted_groups
from feed.store import life, replay, states
from feed.store.database import Database
from feed.store.rules import Past
from feed.store.secret import Secret
from feed.store.tables import event, transition

_SECONDS_A_DAY = 86_400
_PAGE = 1000


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
) -> Iterator[Verdict]:
    """Yield the verdict on every emitter about which anything stands, by address; `now` in seconds.

    Evidence from before the `days` counts as it did then. One emitter is in memory at a time, however many
    there are, each read in a short transaction of its own. Raises `BacktestError` in words at the first.
    """
    since = now // 60 - days * MINUTES_A_DAY
    first_day = now // _SECONDS_A_DAY - life.KEPT_DAYS
    with database.read() as connection:
        past = replay.past_of(connection, now=now)
        total = connection.execute(sa.select(sa.func.count()).select_from(_spoken_of(first_day))).scalar_one()
    if past is None or not total:
        raise BacktestError("there is no scored evidence to replay")
    for done, key in enumerate(_keys(database, first_day=first_day)):
        progress(done, total)
        with database.read() as connection:
            verdict = _judged(connection, key, policy, past, secret, since=since, now=now)
        if verdict is not None:
            yield verdict
    progress(total, total)


def _spoken_of(first_day: int, *, after: bytes = b"") -> sa.Subquery:
    """Select the emitters of which events stand, by key, that lie after one."""
    return (
        sa.select(event.c.emitter_key)
        .where(event.c.channel == Channel.MAIN, event.c.retracted_at.is_(None))
        .where(event.c.received_day >= first_day, event.c.emitter_key > after)
        .distinct()
        .subquery()
    )


def _keys(database: Database, *, first_day: int) -> Iterator[bytes]:
    """Yield all keys in order, read a page at a time."""
    after = b""
    while True:
        mine = _spoken_of(first_day, after=after)
        chosen = sa.select(mine.c.emitter_key).order_by(mine.c.emitter_key).limit(_PAGE)
        with database.read() as connection:
            keys = [bytes(key) for key in connection.execute(chosen).scalars()]
        yield from keys
        if len(keys) < _PAGE:
            return
        after = keys[-1]


def _judged(
    connection: Connection, key: bytes, policy: Policy, past: Past, secret: Secret, *, since: int, now: int
) -> Verdict | None:
    row = states.read(connection, key, Channel.MAIN)
    if row is None:
        return None
    lived = life.life_of(connection, row, past, secret, now=now)
    other = dataclasses.replace(lived, eras=_under(lived.eras, policy))
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
