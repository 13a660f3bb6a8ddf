"""What was reported of an address, taken from its explanation as far as the public may see it. Pure."""

import dataclasses
from typing import Final

from feed.domain.event import Kind
from feed.domain.explanation import Explanation
from feed.web.messages import text


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One criterion: stable word, what it is, and whether it is met."""

    key: str
    name: str
    met: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """Numbers of notifications that count, of sources behind them, and of what no longer counts.

    kinds: in the order of their numbers. Days since 1970. idle: stable words and numbers of originals
    that add nothing. gates: what any listing takes. Minutes since 1970: next change by itself, rounded up
    to the hour, and latest end, to the day: the exact end would tell the minute of the last notification,
    and with it which recipient was a trap.
    """

    n: int = 0
    sources: int = 0
    kinds: tuple[Kind, ...] = ()
    first_day: int | None = None
    last_day: int | None = None
    idle: tuple[tuple[str, int], ...] = ()
    next_minute: int | None = None
    ends_minute: int | None = None
    gates: tuple[Gate, ...] = ()


NOTHING: Final = Reported()


def reported_of(explanation: Explanation | None) -> Reported:
    """Return what the public may see of `explanation`; of an address nobody reported: nothing."""
    if explanation is None:
        return NOTHING
    return Reported(
        n=explanation.originals,
        sources=len(explanation.parts),
        kinds=explanation.kinds,
        first_day=explanation.first_day,
        last_day=explanation.last_day,
        idle=tuple((entry.reason, entry.originals) for entry in explanation.not_counted),
        next_minute=_up(explanation.next_change_at, 60),
        ends_minute=_up(explanation.expires_at, 1440),
        gates=tuple(
            Gate(key=gate.name, name=text(f"gate.{gate.name}"), met=gate.met)
            for gate in explanation.gates
            if gate.side == "listing"
        ),
    )


def _up(minute: int | None, step: int) -> int | None:
    return None if minute is None else -(-minute // step) * step
