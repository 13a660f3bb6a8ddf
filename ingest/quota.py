"""What a reporter may still send today, and the header fields that say so.

`RateLimit-Policy` and `RateLimit` as structured fields (draft-ietf-httpapi-ratelimit-headers-11): a list
of policies by name with quota `q` and window `w`, and what remains, `r`, for `t` more seconds.
"""

import dataclasses
import datetime as dt
from typing import Final

from feed.store.reporters import Reporter

NEW: Final = 10_000
"""Events a day of a new reporter: ten times the largest mail site of the pilot's size."""
VETTED: Final = 1_000_000
SECONDS_A_DAY: Final = 86_400


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """limit: events a day. left: of them today. reset_s: seconds until the day (UTC) is over."""

    limit: int
    left: int
    reset_s: int

    def after(self, left: int) -> "Quota":
        """Return the same quota with so much left."""
        return dataclasses.replace(self, left=max(left, 0))

    @property
    def headers(self) -> dict[str, str]:
        """The header fields of every answer to a report."""
        return {
            "RateLimit-Policy": f'"day";q={self.limit};w={SECONDS_A_DAY}',
            "RateLimit": f'"day";r={self.left};t={self.reset_s}',
        }

    @property
    def wait_headers(self) -> dict[str, str]:
        """The same for the answer that nothing is left, with when to come back."""
        return self.after(0).headers | {"Retry-After": str(self.reset_s)}


def quota_of(reporter: Reporter, *, used: int, now: dt.datetime) -> Quota:
    """Return the quota of a reporter who sent `used` events on the day of `now`."""
    limit = VETTED if reporter.vetted else NEW
    return Quota(
        limit=limit,
        left=max(limit - used, 0),
        reset_s=SECONDS_A_DAY - int(now.timestamp()) % SECONDS_A_DAY,
    )
