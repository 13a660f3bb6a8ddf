"""Days that weigh nothing, of groups that flood and of who reports a canary.

Found in memory as `feed.jobs.trust`, `feed.store.standing` and `feed.store.copying` find them.
"""

import collections
from collections.abc import Callable, Collection, Iterable
from typing import Final

from feed.domain import cells
from feed.domain.address import emitter_key, neighbourhood
from feed.domain.event import Event
from feed.domain.evidence import MINUTES_A_DAY, Cell, Trust
from feed.jobs.trust import LOOK_BACK_DAYS, NEW_ADDRESSES_A_DAY
from feed.store.copying import LEAST_STRENGTH

CellsOf = Callable[[bytes], Iterable[Cell]]

_NOBODY: Final[frozenset[bytes]] = frozenset()


class Floods:
    """Who spoke of how many emitters on which day, and which of these days weigh nothing."""

    def __init__(self, canaries: Collection[bytes] = ()) -> None:
        """Nobody floods. canaries: emitters that are listed by hand and never send."""
        self._canaries = frozenset(canaries)
        self._copied: set[tuple[int, int]] = set()
        self.muted: set[tuple[int, int]] = set()
        self._spoken: dict[tuple[int, int], set[bytes]] = collections.defaultdict(set)
        self._grown: set[tuple[int, int]] = set()

    def saw(self, event: Event) -> None:
        """Note an event of the main channel."""
        at = (event.source_id, cells.minute_of(event.observed_at) // MINUTES_A_DAY)
        key = emitter_key(event.address)
        if key not in self._spoken[at]:
            self._spoken[at].add(key)
            self._grown.add(at)
            if key in self._canaries and event.strength >= LEAST_STRENGTH:
                self._copied.add(at)

    def spoken_of(self, source_id: int, day: int) -> Collection[bytes]:
        """Return the emitters of which a source spoke on a day."""
        return self._spoken.get((source_id, day), _NOBODY)

    def found(self, today: int, trust: Trust, cells_of: CellsOf) -> list[tuple[int, int]]:
        """Return, and keep, which (source, day) of the last week weigh nothing from now on.

        Only days on which somebody spoke of a further emitter since the last call can be new among them.
        """
        groups: dict[int, set[int]] = collections.defaultdict(set)
        for source_id, one in sorted(trust.items()) if self._grown else ():
            groups[one.group_id].add(source_id)
        grown = {
            (trust[source_id].group_id, day)
            for source_id, day in self._grown
            if source_id in trust and day >= today - LOOK_BACK_DAYS
        }
        self._grown.clear()
        fresh = [at for at in sorted(self._copied - self.muted) if not trust[at[0]].anchor]
        self.muted.update(fresh)
        for group_id, day in sorted(grown):
            group = groups[group_id]
            sources = sorted(source_id for source_id in group if not trust[source_id].anchor)
            spoken = set().union(*(self.spoken_of(source_id, day) for source_id in sources))
            if len(spoken) <= NEW_ADDRESSES_A_DAY:
                continue
            new = (key for key in spoken if _is_new_and_alone(cells_of(key), sources, group, day))
            alone = len({neighbourhood(key) for key in new})
            if alone > NEW_ADDRESSES_A_DAY:
                fresh += [(one, day) for one in sources if (one, day) not in self.muted]
        self.muted.update(fresh)
        return fresh


def _is_new_and_alone(
    known: Iterable[Cell], sources: Collection[int], group: Collection[int], day: int
) -> bool:
    """Whether these sources speak first in their group on `day` of an emitter that nobody else saw well."""
    mine = False
    for cell in known:
        if cell.source_id not in group:
            if cell.strong_at:
                return False
        elif cell.n and cell.day < day:
            return False
        elif cell.n and cell.day == day and cell.source_id in sources:
            mine = True
    return mine
