"""The gate before publication: it holds additions, never endings (DESIGN section 6).

A flood that trips it must not keep an innocent listed, so what ended by removal, exemption, expiry or
VOID always leaves. Only a shrink that nothing explains keeps the last good list.
"""

import dataclasses
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


def gate(wanted: Entries, before: Entries, *, frozen: bool, yesterday: int | None, endings: int) -> Gated:
    """Return what may go out. before: published now. endings: listings that ended since then.

    A change from .3 to .2 counts as an addition, one from .2 to .3 as an ending.
    """
    gone = before.keys() - wanted.keys()
    if len(before) > GATE_ABOVE and len(gone) > SHRINK * len(before) and endings < len(gone):
        return Gated(entries=before, alarm=f"{len(gone)} of {len(before)} entries vanished without a reason")
    added = {key for key, code in wanted.items() if before.get(key) not in (code, Code.CONFIRMED)}
    why = None
    if frozen:
        why = "publication is frozen by the operator"
    elif len(before) > GATE_ABOVE and len(added) > GROWTH_A_TICK * len(before):
        why = f"{len(added)} additions to {len(before)} entries in one tick"
    elif yesterday is not None and yesterday > GATE_ABOVE and len(wanted) > (1 + GROWTH_A_DAY) * yesterday:
        why = f"{len(wanted)} entries, {yesterday} a day ago"
    if why is None or not added:
        return Gated(entries=wanted, alarm=why if frozen else None)
    kept = {
        key: before[key] if key in added else code
        for key, code in wanted.items()
        if key not in added or key in before
    }
    return Gated(entries=kept, held_n=len(added), alarm=why)
