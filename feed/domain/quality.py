"""How good a month of the feed and of each reporter was, in the six measures of threat feeds. Pure.

Volume, differential and exclusive contribution, latency, accuracy and coverage as Li et al. (2019, "Reading
the tea leaves") measure them, with the feed's own traps as the truth (scoring.md 2). Voices are independence
groups: what two reporters of one organisation say is said once.
"""

import collections
import dataclasses
from collections.abc import Iterable, Mapping
from typing import Final

from feed.domain.evidence import Trust

_HALF: Final = 50
_NINE_TENTHS: Final = 90


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What one source said of one emitter in the month. first_at: minute. trapped: at a trap of its own."""

    source_id: int
    originals: int
    first_at: int
    trapped: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One emitter of the month. listed: at any time in it. listed_at: when its first listing in it began."""

    sightings: tuple[Sighting, ...]
    listed: bool
    listed_at: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReporterQuality:
    """One reporter. Shares are 0 to 1, None where there is nothing to divide by.

    originals, emitters: volume. differential: share of its emitters that the feed did not list.
    nearest: the reporter of another group that saw most of them, and the share that even he did not.
    exclusive: share that no other group reported. shared, latency_minutes: emitters that others reported
    too, and the median time after the first of them. confirmed: share that a trap of another group saw,
    the least that is right. contradicted: reports proven wrong. coverage: of what traps of others saw,
    the share that it reported.
    """

    source_id: int
    originals: int
    emitters: int
    differential: float | None
    nearest: int | None
    nearest_differential: float | None
    exclusive: float | None
    shared: int
    latency_minutes: int | None
    confirmed: float | None
    contradicted: int
    coverage: float | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FeedQuality:
    """The feed. listings, emitters: that began, and of how many; originals and reported: behind them.

    differential: share of its listed emitters that its best reporter alone did not report: what joining is
    worth. exclusive: share that one group alone reported. latency_*: minutes from the first report in the
    month to the listing. accuracy: share of its emitters that neither a retraction nor an upheld dispute
    took back. coverage: of what traps saw, the share that was listed.
    """

    listings: int
    emitters: int
    reported: int
    originals: int
    differential: float | None
    exclusive: float | None
    latency_minutes: int | None
    latency_p90_minutes: int | None
    accuracy: float | None
    coverage: float | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """A month, from first_day to last_day (days since 1970). complete: nothing was too much to look at."""

    first_day: int
    last_day: int
    complete: bool
    feed: FeedQuality
    reporters: tuple[ReporterQuality, ...]


@dataclasses.dataclass(slots=True)
class _Sums:
    """What is added up for one reporter."""

    originals: int = 0
    emitters: int = 0
    unlisted: int = 0
    exclusive: int = 0
    confirmed: int = 0
    latencies: collections.Counter[int] = dataclasses.field(default_factory=collections.Counter)
    together: collections.Counter[int] = dataclasses.field(default_factory=collections.Counter)
    of_listed: int = 0


class Measuring:
    """Adds emitters up, one after the other, in whatever order; memory grows with reporters only."""

    def __init__(self, trust: Trust) -> None:
        """Take the groups and anchors that count."""
        self._trust = trust
        self._groups = {source_id: one.group_id for source_id, one in trust.items()}
        self._anchors = {source_id for source_id, one in trust.items() if one.anchor and not one.suspended}
        self._sums: dict[int, _Sums] = {source_id: _Sums() for source_id in trust}
        self._originals = self._reported = self._listed = self._single = 0
        self._trapped = self._covered = 0
        self._only: collections.Counter[int] = collections.Counter()  # emitters that one group's traps saw
        self._latencies: collections.Counter[int] = collections.Counter()

    def add(self, seen: Seen) -> None:
        """Add one emitter; what a source without a standing said counts nowhere."""
        said = [one for one in seen.sightings if one.source_id in self._groups]
        if not said:
            return
        groups = {self._groups[one.source_id] for one in said}
        traps = {
            self._groups[one.source_id] for one in said if one.trapped and one.source_id in self._anchors
        }
        self._reported += 1
        self._originals += sum(one.originals for one in said)
        self._trapped += bool(traps)
        self._covered += bool(traps) and seen.listed
        if seen.listed:
            self._listed += 1
            self._single += len(groups) == 1
        first = min(one.first_at for one in said)
        if seen.listed_at is not None:
            self._latencies[max(0, seen.listed_at - first)] += 1
        for one in said:
            self._add_sighting(one, said, groups, traps, listed=seen.listed)
        if len(traps) == 1:
            self._only.update(traps)

    def _add_sighting(
        self, one: Sighting, said: list[Sighting], groups: set[int], traps: set[int], *, listed: bool
    ) -> None:
        mine = self._groups[one.source_id]
        others = [other for other in said if self._groups[other.source_id] != mine]
        sums = self._sums[one.source_id]
        sums.originals += one.originals
        sums.emitters += 1
        sums.unlisted += not listed
        sums.of_listed += listed
        sums.exclusive += len(groups) == 1
        sums.confirmed += bool(traps - {mine})
        if others:
            sums.latencies[max(0, one.first_at - min(other.first_at for other in others))] += 1
            sums.together.update(other.source_id for other in others)

    def reporters(self, contradicted: Mapping[int, int]) -> tuple[ReporterQuality, ...]:
        """Return all reporters, the busiest first. contradicted: reports proven wrong by source."""
        found = [
            self._reporter(source_id, sums, contradicted.get(source_id, 0))
            for source_id, sums in self._sums.items()
        ]
        return tuple(sorted(found, key=lambda one: (-one.emitters, one.source_id)))

    def _reporter(self, source_id: int, sums: _Sums, contradicted: int) -> ReporterQuality:
        nearest, common = min(sums.together.items(), key=lambda item: (-item[1], item[0]), default=(None, 0))
        return ReporterQuality(
            source_id=source_id,
            originals=sums.originals,
            emitters=sums.emitters,
            differential=_share(sums.unlisted, sums.emitters),
            nearest=nearest,
            nearest_differential=_share(sums.emitters - common, sums.emitters),
            exclusive=_share(sums.exclusive, sums.emitters),
            shared=sums.latencies.total(),
            latency_minutes=_quantile(sums.latencies, _HALF),
            confirmed=_share(sums.confirmed, sums.emitters),
            contradicted=contradicted,
            # Its own traps are no test of it.
            coverage=_share(sums.confirmed, self._trapped - self._only[self._groups[source_id]]),
        )

    def feed(self, *, listings: int, emitters: int, judged: int, wrong: int) -> FeedQuality:
        """Return the feed. judged: emitters of listings that began; wrong: those that never should have."""
        best = max((sums.of_listed for sums in self._sums.values()), default=0)
        return FeedQuality(
            listings=listings,
            emitters=emitters,
            reported=self._reported,
            originals=self._originals,
            differential=_share(self._listed - best, self._listed),
            exclusive=_share(self._single, self._listed),
            latency_minutes=_quantile(self._latencies, _HALF),
            latency_p90_minutes=_quantile(self._latencies, _NINE_TENTHS),
            accuracy=_share(judged - wrong, judged),
            coverage=_share(self._covered, self._trapped),
        )


def measure(trust: Trust, emitters: Iterable[Seen]) -> Measuring:
    """Return the sums over `emitters`."""
    made = Measuring(trust)
    for seen in emitters:
        made.add(seen)
    return made


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _quantile(counts: Mapping[int, int], percent: int) -> int | None:
    """Return the least value that at least `percent` of all are not above, None of nothing."""
    needed = sum(counts.values()) * percent
    passed = 0
    for value in sorted(counts):
        passed += counts[value] * 100
        if passed >= needed:
            return value
    return None
