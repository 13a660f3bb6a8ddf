"""All that ever bore on one emitter, read from the store to be replayed (`feed.domain.timeline`)."""

import dataclasses
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain.address import Address, parse_network, unpacked
from feed.domain.address import packed as packed_of
from feed.domain.event import Channel
from feed.domain.evidence import MINUTES_A_DAY
from feed.domain.listing import ActiveHold, EmitterState, Hold
from feed.domain.timeline import Flooded, Held, Timeline
from feed.store import evidence, exemptions, floods, removals, states
from feed.store.exemptions import Exemption
from feed.store.rules import Past
from feed.store.secret import Secret
from feed.store.tables import exemption

KEPT_DAYS: Final = 130
"""For so long events are kept: strikes look back 90 days, evidence 40."""

_SECONDS_A_MINUTE: Final = 60


def known_since(now: int) -> int:
    """Return the first minute of which everything is still known."""
    return now // _SECONDS_A_MINUTE - KEPT_DAYS * MINUTES_A_DAY


def life_of(connection: Connection, row: states.Row, past: Past, secret: Secret, *, now: int) -> Timeline:
    """Return all that ever bore on the emitter of `row`, to be replayed, perhaps without some of it."""
    address = unpacked(row.key)
    begin = known_since(now)
    events = evidence.events_of(connection, row.key, channel=Channel.MAIN)
    removed = removals.accepted_minutes(connection, row.key, Channel.MAIN)
    early = [minute for minute in removed if minute < begin]
    observations = evidence.observations_of(connection, row.key)
    sources = sorted({one.source_id for one in events} | {one.source_id for one in observations})
    return Timeline(
        eras=past.of(address),
        events=events,
        observations=observations,
        removals=removed[len(early) :],
        held=_held(connection, address, since=begin),
        flooded=_flooded(connection, sources),
        jitter_seed=secret.number("jitter", row.key),
        is_ipv6=packed_of(address) == address.packed,
        start=EmitterState(
            epoch=len(early),
            unit=32 if address.version == 4 else 64,  # noqa: PLR2004
            listed_at=row.state.listed_at if row.state.listed_at < begin else 0,
        ),
    )


def _held(connection: Connection, address: Address, *, since: int) -> list[Held]:
    """Return all exemptions and holds that ever covered `address` since a minute."""
    rows = connection.execute(sa.select(exemption).where(exemption.c.until_minute > since)).all()
    found = []
    for row in rows:
        one = Exemption(
            exemption_id=row.exemption_id, network=parse_network(row.network), kind=Hold(row.kind),
            reason=row.reason, author=row.author, until_minute=row.until_minute,
        )  # fmt: skip
        if exemptions.covers(one, address):
            hold = ActiveHold(kind=one.kind, until=one.until_minute, words=one.reason)
            held = Held(since=row.created_at // _SECONDS_A_MINUTE, hold=hold)
            if row.ended_at is not None:
                held = dataclasses.replace(held, ended=row.ended_at // _SECONDS_A_MINUTE)
            found.append(held)
    return found


def _flooded(connection: Connection, sources: list[int]) -> list[Flooded]:
    found = []
    for one in floods.of_sources(connection, sources):
        flooded = Flooded(source_id=one.source_id, day=one.day, since=one.set_at // _SECONDS_A_MINUTE)
        if one.reviewed_at is not None:
            flooded = dataclasses.replace(flooded, reviewed=one.reviewed_at // _SECONDS_A_MINUTE)
        found.append(flooded)
    return found
