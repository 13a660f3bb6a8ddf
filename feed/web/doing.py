"""One action of the operator: what it works with, and how it says that it cannot be done."""

import dataclasses
from collections.abc import Callable, Mapping

from sqlalchemy.engine import Connection

from feed.store import controls
from feed.web.site import Site


class ActionError(Exception):
    """The action cannot be done; the message says why."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """One action under way. given: the fields of the form.

    afterwards: what is done once everything is written, outside the transaction; returns words to add.
    """

    site: Site
    connection: Connection
    actor: str
    reason: str
    now: int
    given: Mapping[str, str]
    afterwards: list[Callable[[], str]] = dataclasses.field(default_factory=list)

    def log(self, action: str, subject: str) -> None:
        """Write the line of the audit log."""
        controls.log(
            self.connection, at=self.now, actor=self.actor, action=action, subject=subject[:100],
            reason=self.reason,
        )  # fmt: skip

    def number(self, name: str, *, least: int, most: int) -> int | None:
        """Return the whole number that a field holds, None if it is none or out of bounds."""
        given = self.given.get(name, "")
        if not (given.isascii() and given.isdigit() and len(given) < 10):  # noqa: PLR2004
            return None
        return int(given) if least <= int(given) <= most else None
