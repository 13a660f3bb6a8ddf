"""The operator ends a listing himself: outside the ladder of waits, with a reason in the audit log."""

import dataclasses

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain import scoring
from feed.domain.address import Address, canonical, emitter_key, packed
from feed.domain.event import Channel
from feed.domain.listing import State
from feed.store import controls, states
from feed.store.rules import Rules
from feed.store.tables import removal


def end(connection: Connection, address: Address, *, rules: Rules, now: int) -> bool:
    """End what is listed or about to be and return whether there was anything; evidence so far is over."""
    plain = canonical(address)
    key = emitter_key(plain)
    row = states.read(connection, key, Channel.MAIN)
    if row is None or row.state.state not in {State.LISTED, State.PENDING}:
        return False
    states.touch(connection, key, Channel.MAIN, address=packed(plain))  # locks the row against intake
    row = states.read(connection, key, Channel.MAIN)
    assert row is not None
    minute = now // 60
    done = scoring.remove(row.state, minute, rules.policy)
    connection.execute(
        sa.insert(removal).values(
            emitter_key=key,
            channel=Channel.MAIN,
            epoch=done.state.epoch,
            accepted_minute=minute,
            proof="operator",
        )
    )
    changed = dataclasses.replace(row, state=done.state)
    states.save(connection, [changed], policy_id=rules.policy_id, trust_id=rules.trust_id)
    controls.next_generation(connection)
    states.add_history(
        connection, key, Channel.MAIN, done.transitions, policy_id=rules.policy_id, trust_id=rules.trust_id
    )
    return True
