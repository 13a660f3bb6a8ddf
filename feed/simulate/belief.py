"""Who is believed how far in a simulation: earned daily from cells and history, as the live job would.

Traps of the feed weigh in full and are anchors. A vetted reporter starts with the seeded weight; what
it earns counts where that is more (DESIGN section 5).
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from feed.domain.evidence import MINUTES_A_DAY, Standing, Trust
from feed.domain.listing import NEVER, Code
from feed.domain.reliability import FULL_WEIGHT, Reliability, Span, novel_confirmations, weight_of
from feed.simulate.book import Book, Change
from feed.simulate.members import Member

SEEDED: Final = 14
"""Weight of a vetted reporter in twentieths: 0.7."""

_LOOK_BACK_DAYS: Final = 16
"""Cells of so many days may hold a report and a hit within seven days of each other that are news today."""


class Belief:
    """The standing of each member, day by day."""

    def __init__(self, members: tuple[Member, ...], *, alone: bool) -> None:
        """Start with seeds only."""
        self._members = members
        self._alone = alone
        self._known = {member.source_id: Reliability() for member in members if not member.trap}
        self._credited: dict[bytes, dict[int, int]] = defaultdict(dict)
        self._spans: dict[bytes, list[Span]] = defaultdict(list)
        self._trapped: dict[bytes, int] = {}
        self._suspended: set[int] = set()

    def saw_trap(self, key: bytes, at: int) -> None:
        """Note that a trap of the feed was hit: only then may somebody have earned something."""
        self._trapped[key] = at

    def saw(self, change: Change) -> None:
        """Note from when to when an emitter was published."""
        spans = self._spans[change.key]
        is_open = bool(spans) and spans[-1][1] == NEVER
        if change.code is not Code.NONE and not is_open:
            spans.append((change.at, NEVER))
        elif change.code is Code.NONE and is_open:
            spans[-1] = (spans[-1][0], change.at)

    def suspend(self, source_id: int) -> None:
        """Let nothing of a reporter count from now on."""
        self._suspended.add(source_id)

    def contradict(self, source_id: int, day: int) -> None:
        """Note an upheld dispute."""
        self._known[source_id] = self._known[source_id].contradict(day)

    def daily(self, book: Book, day: int) -> Trust:
        """Return the standings of `day`, after the credits of the days before."""
        trust = self.standings(day)
        for key in sorted(self._trapped):
            if self._trapped[key] < (day - _LOOK_BACK_DAYS) * MINUTES_A_DAY:
                del self._trapped[key]
                continue
            credited = self._credited[key]
            cells = book.cells_of(key, day - _LOOK_BACK_DAYS)
            earned = novel_confirmations(cells, trust, self._spans[key], credited=credited)
            for source_id, minute in earned.items():
                if source_id in self._known:
                    credited[source_id] = minute
                    self._known[source_id] = self._known[source_id].credit(minute // MINUTES_A_DAY)
        return self.standings(day)

    def standings(self, day: int) -> Trust:
        """Return who weighs what on `day`."""
        return {member.source_id: self._standing(member, day) for member in self._members}

    def weights(self, day: int) -> Mapping[int, int]:
        """Return the weight of each reporter that is no trap."""
        return {source_id: self._earned(source_id, day) for source_id in self._known}

    def _earned(self, source_id: int, day: int) -> int:
        return weight_of(self._known[source_id], day)

    def _standing(self, member: Member, day: int) -> Standing:
        weight = FULL_WEIGHT
        if not member.trap and not self._alone:
            weight = max(SEEDED if member.vetted else 0, self._earned(member.source_id, day))
        return Standing(
            source_id=member.source_id, group_id=member.group_id, weight=weight, anchor=member.trap,
            suspended=member.source_id in self._suspended,
        )  # fmt: skip
