"""What each emitter earned its reporters, kept beside what it was made from.

Weights are made anew each night from 130 days of events. Few emitters change in a day, so what the others
earned is kept, and made anew when anything that it depends on is another: the emitter's events or listings,
or the group, anchor or suspension of who spoke of it. Every row is also made anew each month, because events
past their time leave without a word.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain.event import Channel
from feed.domain.evidence import Trust
from feed.store import standing
from feed.store.dialect import put_all
from feed.store.tables import confirmation, emitter_state, event

AGAIN_DAYS: Final = 30

Credits = list[tuple[int, int]]
"""(source, day) of each novel confirmation."""


class _Inputs(NamedTuple):
    """What tells whether a state's evidence or listing changed."""

    version: int
    since_minute: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Earned:
    """What one emitter earned. sources: who spoke of it; inputs, standing: what it was made from."""

    key: bytes
    credits: Credits
    sources: tuple[int, ...]
    inputs: _Inputs
    standing: bytes
    again_day: int

    def values(self) -> dict[str, Any]:
        """Return the row."""
        return {
            "emitter_key": self.key, "version": self.inputs.version,
            "since_minute": self.inputs.since_minute, "standing": self.standing,
            "found": json.dumps([self.sources, self.credits], separators=(",", ":")),
            "again_day": self.again_day,
        }  # fmt: skip

    @classmethod
    def of(cls, row: sa.Row[Any]) -> Self:
        """Return what a row holds."""
        sources, earned = json.loads(row.found)
        return cls(
            key=bytes(row.emitter_key),
            credits=[(source_id, day) for source_id, day in earned],
            sources=tuple(sources),
            inputs=_Inputs(row.version, row.since_minute),
            standing=bytes(row.standing),
            again_day=row.again_day,
        )


def of_keys(
    connection: Connection, keys: Sequence[bytes], trust: Trust, *, day: int
) -> tuple[list[Earned], list[Earned]]:
    """Return what emitters (up to a thousand) earned on `day`, and those of it that are to be stored."""
    table = confirmation
    rows = connection.execute(sa.select(table).where(table.c.emitter_key.in_(keys)))
    kept = {bytes(row.emitter_key): Earned.of(row) for row in rows}
    now = _inputs(connection, keys)
    found, fresh = [], []
    for key in keys:
        old = kept.get(key)
        if (
            old is None
            or old.again_day <= day
            or old.inputs != now.get(key)
            or old.standing != _standing(old.sources, trust)
        ):
            # The first time they are spread over the month, so that no night has all of them again.
            wait = AGAIN_DAYS if old is not None else 1 + int.from_bytes(_hash(key), "big") % AGAIN_DAYS
            old = _made(connection, key, trust, now.get(key, _Inputs(0, 0)), again_day=day + wait)
            fresh.append(old)
        found.append(old)
    return found, fresh


def save(connection: Connection, fresh: Sequence[Earned]) -> None:
    """Store what was made anew."""
    put_all(connection, confirmation, [one.values() for one in fresh])


def _inputs(connection: Connection, keys: Sequence[bytes]) -> dict[bytes, _Inputs]:
    table = emitter_state
    rows = connection.execute(
        sa.select(table.c.emitter_key, table.c.version, table.c.since_minute).where(
            table.c.emitter_key.in_(keys), table.c.channel == Channel.MAIN
        )
    )
    return {bytes(key): _Inputs(version, since) for key, version, since in rows}


def _made(connection: Connection, key: bytes, trust: Trust, inputs: _Inputs, *, again_day: int) -> Earned:
    spoke = sa.select(event.c.source_id).where(
        event.c.emitter_key == key, event.c.channel == Channel.MAIN, event.c.retracted_at.is_(None)
    )
    sources = tuple(sorted(connection.execute(spoke.distinct()).scalars()))
    return Earned(
        key=key,
        credits=sorted(standing.confirmations(connection, key, trust)) if len(sources) > 1 else [],
        sources=sources,
        inputs=inputs,
        standing=_standing(sources, trust),
        again_day=again_day,
    )


def _standing(sources: Iterable[int], trust: Trust) -> bytes:
    """Return 16 bytes that differ where these sources' groups, anchors or suspensions do."""
    said = [
        (source_id, one.group_id, one.anchor, one.suspended)
        for source_id in sources
        if (one := trust.get(source_id)) is not None
    ]
    return _hash(repr(said).encode())


def _hash(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()
