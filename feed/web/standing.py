"""What asking for a removal would bring at this moment, in words for every page that offers one."""

import dataclasses

from feed.domain.address import Address
from feed.domain.listing import State
from feed.domain.removal import Accepted, NotBySelf, Wait
from feed.store import inspection, removals, rules
from feed.web.finding_words import ends_words
from feed.web.messages import text
from feed.web.site import Site
from feed.web.wording import left, moment


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What asking would bring now. rung: which removal of the ladder it would be, 0 if there is none.

    epoch: accepted removals so far, to which proofs are bound.
    """

    decision: Accepted | Wait | NotBySelf | None
    words: str
    ends: str | None
    rung: int
    epoch: int

    @property
    def can_ask(self) -> bool:
        """Whether a proven owner would be removed now."""
        return isinstance(self.decision, Accepted)


def standing_of(site: Site, address: Address, *, now: int) -> Standing:
    """Return the standing of `address` at `now`, in seconds."""
    with site.database.read() as connection:
        found = rules.load(connection, policy=site.policy, providers=site.providers, now=now)
        seen = inspection.inspect(connection, address, rules=found, secret=site.secret, tick=now // 60)
        decision = removals.preview(connection, address, rules=found, now=now)
    recent = sum(1 for minute in seen.removals if minute > now // 60 - site.policy.removal_window_minutes)
    match decision:
        case Accepted():
            words = text("removal.now")
        case Wait():
            words = text(
                "removal.wait", when=moment(decision.until * 60), left=left(decision.until - now // 60)
            )
        case NotBySelf():
            words = text(
                "removal.by_self",
                hostmaster=site.settings.publish.hostmaster,
                when=moment(decision.until * 60),
            )
        case None:
            held = seen.row is not None and seen.row.state.state is State.HELD
            words = text("removal.held_nothing" if held else "removal.nothing")
    return Standing(
        decision=decision,
        words=words,
        ends=ends_words(seen) if decision is not None else None,
        rung=min(recent + 1, 4) if decision is not None else 0,
        epoch=seen.row.state.epoch if seen.row is not None else 0,
    )
