"""What the pages are made from: one value that the entry point builds and every route takes."""

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any

from feed.domain.policy import Policy
from feed.domain.providers import Providers
from feed.settings import Settings
from feed.store.database import Database
from feed.store.followed import Followed
from feed.store.secret import Secret


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Everything that the pages need. now: gives an aware UTC time.

    provider_file: looked at by each page that needs it. openapi: gives the description of the report API,
    None where it is not served. quotas: events a day of a new and of a vetted reporter. The limits are
    per network (/24, /64) and per process: so many at once, refilled evenly over a minute or an hour.
    """

    database: Database
    settings: Settings
    secret: Secret
    policy: Policy
    provider_file: Followed[Providers]
    now: Callable[[], dt.datetime]
    lookups_a_minute: int = 60
    removals_an_hour: int = 10
    downloads_an_hour: int = 1000
    openapi: Callable[[], dict[str, Any]] | None = None
    quotas: tuple[int, int] | None = None

    @property
    def providers(self) -> Providers | None:
        """The provider ranges in force now; None: there was never a good file."""
        return self.provider_file.look(now=self.seconds())

    def seconds(self) -> int:
        """Return the present second since 1970-01-01 UTC."""
        return int(self.now().timestamp())
