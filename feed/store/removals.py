"""Removals: what can be asked now, and an accepted one in a single transaction.

An accepted removal ends the listing at once, whatever the job is doing: it takes the state row, counts
the epoch on, and from then on no evidence of that minute or before counts again.
"""

import dataclasses
import secrets
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain import scoring
from feed.domain.address import Address, canonical, emitter_key, packed, unpacked
from feed.domain.event import Channel
from feed.domain.listing import Code, State
from feed.domain.removal import Accepted, Decision, NotBySelf, Wait, decide_removal
from feed.store import controls, manual, states
from feed.store.rules import Rules
from feed.store.tables import removal, ticket

_SECONDS_A_MINUTE: Final = 60
_OUTCOMES: Final = {Accepted: "accepted", Wait: "wait", NotBySelf: "operator", type(None): "nothing"}
_ENDS: Final = frozenset({State.LISTED, State.PENDING})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What was asked and what became of it.

    outcome: accepted, wait, operator (for these two until_minute says when it can be asked again), or
    nothing (the address was not listed). asked_at: seconds. was_code: last octet of the return code before.
    """

    ticket_id: str
    address: Address
    kind: str
    asked_at: int
    outcome: str
    until_minute: int
    proof: str
    epoch: int | None
    was_code: int
    comment: str | None


def accepted_minutes(connection: Connection, key: bytes, channel: Channel) -> list[int]:
    """Return the minutes of the accepted removals of an emitter, oldest first."""
    rows = connection.execute(
        sa.select(removal.c.accepted_minute)
        .where(removal.c.emitter_key == key, removal.c.channel == channel)
        .order_by(removal.c.epoch)
    )
    return [int(minute) for minute in rows.scalars()]


def preview(connection: Connection, address: Address, *, rules: Rules, now: int) -> Decision | None:
    """Return what asking at `now` (seconds) would bring, None where nothing is listed.

    What the operator listed by hand can be removed at once: the ladder is for what evidence brings back.
    """
    decision = _decide(connection, address, rules=rules, now=now)
    by_hand = manual.covering(connection, address, minute=now // _SECONDS_A_MINUTE)
    return Accepted() if decision is None and by_hand else decision


def _decide(connection: Connection, address: Address, *, rules: Rules, now: int) -> Decision | None:
    key = emitter_key(address)
    row = states.read(connection, key, Channel.MAIN)
    if row is None or row.state.state not in _ENDS:
        return None
    return decide_removal(
        accepted_minutes(connection, key, Channel.MAIN),
        row.state.last_evidence_at,
        now // _SECONDS_A_MINUTE,
        rules.policy,
    )


def ask(
    connection: Connection,
    *,
    address: Address,
    rules: Rules,
    now: int,
    proof: str,
    comment: str | None = None,
) -> Ticket:
    """Decide on a removal for a proven owner, carry it out if it is accepted, and return the ticket."""
    plain = canonical(address)
    key = emitter_key(plain)
    if states.read(connection, key, Channel.MAIN) is not None:
        states.touch(connection, key, Channel.MAIN, address=packed(plain))  # locks the row against intake
    decision = _decide(connection, plain, rules=rules, now=now)
    by_hand = 0
    if decision is None or isinstance(decision, Accepted):
        by_hand = manual.end_covering(connection, plain, by="removal", now=now)
    row = states.read(connection, key, Channel.MAIN)
    made = Ticket(
        ticket_id=secrets.token_urlsafe(24),
        address=plain,
        kind="removal",
        asked_at=now,
        outcome="accepted" if by_hand else _OUTCOMES[type(decision)],
        until_minute=decision.until if isinstance(decision, (Wait, NotBySelf)) else 0,
        proof=proof,
        epoch=None,
        was_code=row.state.code if row is not None else Code.NONE,
        comment=comment,
    )
    if isinstance(decision, Accepted) and row is not None:
        made = dataclasses.replace(made, epoch=accept(connection, row, rules=rules, now=now, proof=proof))
    values = dataclasses.asdict(made) | {"address": packed(plain), "emitter_key": key}
    connection.execute(sa.insert(ticket).values(values))
    return made


def accept(connection: Connection, row: states.Row, *, rules: Rules, now: int, proof: str) -> int:
    """Carry out a removal on a row locked by this transaction, and return the new epoch."""
    minute = now // _SECONDS_A_MINUTE
    done = scoring.remove(row.state, minute, rules.policy)
    connection.execute(
        sa.insert(removal).values(
            emitter_key=row.key,
            channel=row.channel,
            epoch=done.state.epoch,
            accepted_minute=minute,
            proof=proof,
        )
    )
    states.save(
        connection,
        [dataclasses.replace(row, state=done.state)],
        policy_id=rules.policy_id,
        trust_id=rules.trust_id,
    )
    controls.next_generation(connection)
    states.add_history(
        connection, row.key, row.channel, done.transitions, policy_id=rules.policy_id, trust_id=rules.trust_id
    )
    return done.state.epoch


def find_ticket(connection: Connection, ticket_id: str) -> Ticket | None:
    """Return the ticket with that id, if there is one."""
    row = connection.execute(sa.select(ticket).where(ticket.c.ticket_id == ticket_id)).mappings().first()
    if row is None:
        return None
    names = {field.name for field in dataclasses.fields(Ticket)} - {"address"}
    return Ticket(address=unpacked(bytes(row["address"])), **{name: row[name] for name in names})
