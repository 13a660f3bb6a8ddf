"""What a run leaves behind: the history of the feed beside what really happened."""

import collections
import dataclasses

from feed.domain.listing import Code
from feed.simulate.book import Change
from feed.simulate.world import Role, World


@dataclasses.dataclass(slots=True)
class Story:
    """What really happened to one host: times are minutes, 0 = never.

    points: honest evidence that came in, micro-points, since measuring began; groups: of whom.
    """

    points: int = 0
    groups: set[int] = dataclasses.field(default_factory=set)
    second_group_at: int = 0
    last_sent_at: int = 0
    repaired_at: int = 0


@dataclasses.dataclass(slots=True)
class Outcome:
    """All that measuring needs.

    lags: minutes from the evidence that met the gates to the listing. turned_away: reports that intake did
    not take, by reason. muted: (reporter, day) that weigh nothing; suspended: when the operator did so.
    left_over: innocents still listed one tick after all liars were suspended, at the end.
    """

    world: World
    tick_minutes: int
    stories: list[Story]
    changes: list[tuple[int, Change]] = dataclasses.field(default_factory=list)
    lags: list[tuple[int, int]] = dataclasses.field(default_factory=list)
    genuine: collections.Counter[Role] = dataclasses.field(default_factory=collections.Counter)
    refused: collections.Counter[tuple[Role, Code]] = dataclasses.field(default_factory=collections.Counter)
    turned_away: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    muted: list[tuple[int, int]] = dataclasses.field(default_factory=list)
    suspended: dict[int, int] = dataclasses.field(default_factory=dict)
    events: int = 0
    left_over: int = 0
