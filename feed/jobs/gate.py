"""The gate before publication: it holds additions, never endings (DESIGN section 6).

A flood that trips it must not keep an innocent listed, so what ended by removal, exemption, expiry or
VOID always leaves. Only a shrink that nothing explains keeps the last good list.
"""

import dataclasses
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Final

from feed.domain.listing import Code

Entries = dict[bytes, int]
"""Published unit to return code: 16 bytes of the packed address and one byte for the width (32, 64, 128)."""

GATE_ABOVE: Final = 1000
"""Growth and shrink are judged only above so many entries: a young list doubles every day."""
GROWTH_A_TICK: Final = 0.25
GROWTH_A_DAY: Final = 1.0
SHRINK: Final = 0.5


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """Entries that may go out, how many additions are held, and why."""

    entries: Entries
    held_n: int = 0
    alarm: str | None = None


def gate(
    wanted: Entries,
    before: Entries,
    *,
    frozen: bool = False,
    released: bool = False,
    yesterday: int | None = None,
    ended: Callable[[bytes], bool] = lambda _key: False,
) -> Gated:
    """Return what may go out. before: published now.

    frozen, released: the operator's switches. yesterday: entries a day ago. ended: whether an entry left
    for a reason, a change of state or an exemption. From .3 to .2 is an addition, from .2 to .3 an ending.
    """
    vanished = {key for key in before.keys() - wanted.keys() if not ended(key)}
    if len(before) > GATE_ABOVE and len(vanished) > SHRINK * len(before):
        alarm = f"{len(vanished)} of {len(before)} entries vanished without a reason"
        return Gated(entries=_without_additions(wanted, before, vanished), alarm=alarm)
    added = {key for key, code in wanted.items() if before.get(key) not in (code, Code.CONFIRMED)}
    why = None
    if frozen:
        why = "publication is frozen by the operator"
    elif released:
        why = None
    elif len(before) > GATE_ABOVE and len(added) > GROWTH_A_TICK * len(before):
        why = f"{len(added)} additions to {len(before)} entries in one tick"
    elif yesterday is not None and yesterday > GATE_ABOVE and len(wanted) > (1 + GROWTH_A_DAY) * yesterday:
        why = f"{len(wanted)} entries, {yesterday} a day ago"
    if why is None or not added:
        return Gated(entries=wanted, alarm=why if frozen else None)
    return Gated(entries=_without_additions(wanted, before, set()), held_n=len(added), alarm=why)


def _without_additions(wanted: Entries, before: Entries, kept: AbstractSet[bytes]) -> Entries:
    """Return what of `before` goes on: entries that are wanted, with the milder code, and those in `kept`."""
    return {
        key: max(code, wanted.get(key, code)) for key, code in before.items() if key in wanted or key in kept
    }
