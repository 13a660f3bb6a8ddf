"""One emitter with everything that is known of it: the same object for page, API and command line."""

import dataclasses

from sqlalchemy.engine import Connection

from feed.domain.address import Address, canonical, emitter_key, packed
from feed.domain.event import Channel
from feed.domain.explain import explain, group_label
from feed.domain.explanation import Explanation
from feed.domain.listing import Code, EmitterState
from feed.store import evidence, exemptions, manual, states
from feed.store.manual import Manual
from feed.store.removals import accepted_minutes
from feed.store.rules import Rules
from feed.store.secret import Secret
from feed.store.states import WHOLE_IPV6 as WHOLE


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """row and explanation are None for an address that nobody ever reported. removals: minutes.

    by_hand: what an operator lists it by. exempt: whether an exemption keeps it out whatever is listed.
    """

    address: Address
    key: bytes
    row: states.Row | None
    explanation: Explanation | None
    history: list[states.Change]
    removals: list[int]
    by_hand: tuple[Manual, ...] = ()
    exempt: bool = False

    @property
    def code(self) -> Code:
        """The return code of this very address once all is published; NONE if it is not listed."""
        codes = [one.code for one in self.by_hand]
        state = self.row.state if self.row is not None else EmitterState()
        if state.code and (state.unit != WHOLE or state.address == packed(self.address)):
            codes.append(state.code)
        return Code.NONE if self.exempt else min(codes, default=Code.NONE)


def inspect(
    connection: Connection, address: Address, *, rules: Rules, secret: Secret, tick: int
) -> Inspection:
    """Return what is known of `address` (of its /64 for IPv6) at `tick`, a minute."""
    plain = canonical(address)
    key = emitter_key(plain)
    row = states.read(connection, key, Channel.MAIN)
    alone = row is not None and row.state.unit == WHOLE
    explanation = None
    if row is not None:
        cells = evidence.cells_of_many(connection, [key], first_day=rules.first_day(tick)).get(
            (key, Channel.MAIN), []
        )
        labels = secret.mac("group", key)
        explanation = explain(
            row.state,
            rules.inputs(plain, cells, secret),
            rules.policy,
            rules.trust,
            tick,
            label=lambda group_id: group_label(labels, key, group_id),
        )
    return Inspection(
        address=plain,
        key=key,
        row=row,
        explanation=explanation,
        history=states.history(connection, key, Channel.MAIN),
        removals=accepted_minutes(connection, key, Channel.MAIN),
        by_hand=tuple(manual.covering(connection, plain, minute=tick)),
        exempt=bool(exemptions.covering(rules.exemptions, plain, whole_64=not alone)),
    )
