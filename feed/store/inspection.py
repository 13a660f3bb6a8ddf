"""One emitter with everything that is known of it: the same object for page, API and command line."""

import dataclasses
import datetime as dt
import functools
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy.engine import Connection

from feed.domain.address import Address, Network, canonical, emitter_key, network_of, unpacked
from feed.domain.event import Channel
from feed.domain.explain import explain, group_label
from feed.domain.explanation import Explanation, explanation_json
from feed.domain.listing import Code, State
from feed.store import evidence, exemptions, manual, states
from feed.store.manual import Manual
from feed.store.removals import accepted_minutes
from feed.store.rules import Rules
from feed.store.secret import Secret
from feed.store.states import WHOLE_IPV6 as WHOLE

_SECONDS_A_MINUTE: Final = 60


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One entry of the list once all is published: the address or network that is meant, and its code."""

    network: Network
    code: Code


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
    def published(self) -> tuple[Published, ...]:
        """What is listed of its emitter and by hand; of a /64 it may be another address alone."""
        found = [Published(network=one.network, code=one.code) for one in self.by_hand]
        if self.row is not None and self.row.state.code:
            state = self.row.state
            at = unpacked(state.address or self.key)
            found.append(Published(network=network_of(at, state.unit), code=state.code))
        return tuple(one for one in found if not (self.exempt and self.address in one.network))

    @property
    def entry(self) -> Published | None:
        """The entry that decides the answer for this very address, None if it is not listed."""
        mine = [one for one in self.published if self.address in one.network]
        return min(mine, key=lambda one: one.code, default=None)

    @property
    def state(self) -> State:
        """LISTED if this very address is listed, else where its emitter stands."""
        if self.entry is not None:
            return State.LISTED
        return self.row.state.state if self.row is not None else State.CLEAR

    @property
    def code(self) -> Code:
        """The return code of this very address once all is published; NONE if it is not listed."""
        return self.entry.code if self.entry is not None else Code.NONE


def inspect(
    connection: Connection, address: Address, *, rules: Rules, secret: Secret, tick: int
) -> Inspection:
    """Return what is known of `address` (of its /64 for IPv6) at `tick`, a minute."""
    plain = canonical(address)
    key = emitter_key(plain)
    row = states.read(connection, key, Channel.MAIN)
    alone = row is not None and row.state.unit == WHOLE
    told = [] if row is None else list(explanations(connection, [row], rules=rules, secret=secret, tick=tick))
    return Inspection(
        address=plain,
        key=key,
        row=row,
        explanation=told[0][1] if told else None,
        history=states.history(connection, key, Channel.MAIN),
        removals=accepted_minutes(connection, key, Channel.MAIN),
        by_hand=tuple(manual.covering(connection, plain, minute=tick)),
        exempt=bool(exemptions.covering(rules.exemptions, plain, whole_64=not alone)),
    )


def explanations(
    connection: Connection, rows: Sequence[states.Row], *, rules: Rules, secret: Secret, tick: int
) -> Iterator[tuple[states.Row, Explanation]]:
    """Give each of up to a thousand rows with its explanation at minute `tick`, and thereby its score."""
    cells = evidence.cells_of_many(connection, [row.key for row in rows], first_day=rules.first_day(tick))
    for row in rows:
        labels = secret.mac("group", row.key)
        yield (
            row,
            explain(
                row.state,
                rules.inputs(unpacked(row.address), cells.get((row.key, row.channel), []), secret),
                rules.policy,
                rules.trust,
                tick,
                label=functools.partial(group_label, labels, row.key),
            ),
        )


def inspection_json(found: Inspection, *, history: bool = True) -> dict[str, Any]:
    """Return an inspection as plain values, the same for API and command line.

    listed, code and prefix_published are of the asked address; score, what makes it up, and the state of an
    address that is not listed are of its emitter (for IPv6 of its /64); published names what of that is
    listed. by_hand is without its author, whose name is not for readers.
    """
    document: dict[str, Any] = {"address": str(found.address), "listed": found.entry is not None}
    if found.explanation is None:
        document |= {"score": 0.0, "parts": []}
    else:
        document |= explanation_json(found.explanation)
    document |= {
        "state": found.state.word,
        "code": _code(found.code),
        "prefix_published": found.entry.network.prefixlen if found.entry is not None else None,
        "published": [{"network": str(one.network), "code": _code(one.code)} for one in found.published],
        "by_hand": [
            {
                "code": _code(one.code),
                "prefix": one.unit,
                "reason": one.reason,
                "until": day(one.until_minute),
            }
            for one in found.by_hand
        ],
        "exempt": found.exempt,
    }
    if history:
        document["history"] = [
            {
                "day": day(change.at), "from": change.from_state.word, "to": change.to_state.word,
                "code": _code(change.code), "cause": change.cause,
            }
            for change in found.history
        ]  # fmt: skip
        document["removals"] = [day(minute) for minute in found.removals]
    return document


def day(minute: int) -> str | None:
    """Return the UTC day of a minute since 1970 as a text, None for 0, which stands for never."""
    if not minute:
        return None
    return dt.datetime.fromtimestamp(minute * _SECONDS_A_MINUTE, dt.UTC).date().isoformat()


def _code(code: Code) -> str | None:
    return f"127.0.0.{code.value}" if code else None
