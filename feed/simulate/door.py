"""The door of a simulated feed: which reports intake takes, by the limits of the report API.

The numbers are those of intake, which stands above this package; a test holds them equal.
"""

import collections
from typing import Final

from feed.simulate.members import Member
from feed.simulate.scenarios import DAY

OLDEST_MINUTES: Final = 7 * DAY
MOST_AHEAD_MINUTES: Final = 10
NEW_QUOTA: Final = 10_000
VETTED_QUOTA: Final = 1_000_000


class Door:
    """Counts what each reporter sent today."""

    def __init__(self) -> None:
        """Nobody has sent anything, nobody is suspended."""
        self.suspended: set[int] = set()
        self._taken: collections.Counter[tuple[int, int]] = collections.Counter()

    def refusal(self, member: Member, observed: int, now: int) -> str:
        """Return why a report is not taken, in one word, or an empty text; what is taken is counted."""
        if member.source_id in self.suspended:
            return "suspended"
        if observed < now - OLDEST_MINUTES:
            return "stale"
        if observed > now + MOST_AHEAD_MINUTES:
            return "future"
        at = (member.source_id, now // DAY)
        if self._taken[at] >= (VETTED_QUOTA if member.vetted else NEW_QUOTA):
            return "quota"
        self._taken[at] += 1
        return ""
