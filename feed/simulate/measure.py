"""The numbers by which a policy is judged, from what happened in a run (scoring.md 7, DESIGN section 10)."""

import collections
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from feed.domain.evidence import MICRO
from feed.domain.listing import NEVER, Code, State
from feed.simulate.metric import Metric, Part
from feed.simulate.outcome import Outcome, Story
from feed.simulate.scenarios import DAY
from feed.simulate.world import Host, Role, World

GOOD: Final = frozenset({Role.INNOCENT, Role.POOL, Role.PROVIDER, Role.REFUSER})
"""Servers whose genuine notifications nobody may lose."""

STILL_TRUE_DAYS: Final = 28
ENOUGH_POINTS: Final = 15 * MICRO
FLAP_DAYS: Final = 7
FLAP_STARTS: Final = 3
"""So many entries into the main zone in so many days, removals aside, are flapping."""


class Span(NamedTuple):
    """From when and until before when a host had a code; `cause` ended it, empty at the end of the run."""

    host: int
    code: Code
    start: int
    end: int
    cause: str


def spans_of(outcome: Outcome) -> list[Span]:
    """Return who had which code when, in order of start; clipped to the measured time."""
    world = outcome.world
    by_host: dict[int, list[tuple[int, Code, str]]] = defaultdict(list)
    for number, change in outcome.changes:
        by_host[number].append((change.at, change.code, change.cause))
    spans: list[Span] = []
    for number, lines in by_host.items():
        for at, (start, code, _) in enumerate(lines):
            if code is Code.NONE:
                continue
            end, cause = (lines[at + 1][0], lines[at + 1][2]) if at + 1 < len(lines) else (world.until, "")
            if (
                at
                and lines[at - 1][1] is code
                and spans
                and spans[-1].host == number
                and spans[-1].end == start
            ):
                spans[-1] = spans[-1]._replace(end=end, cause=cause)  # only the reason changed
            else:
                spans.append(Span(number, code, start, end, cause))
    clipped = [span._replace(start=max(span.start, world.measured_from)) for span in spans]
    return sorted(
        (span for span in clipped if span.end > span.start), key=lambda span: (span.start, span.host)
    )


def false_part(span: Span, host: Host, story: Story) -> int:
    """Return for how many minutes of a listing the host sent no backscatter of its own accord lately."""
    if host.role not in {Role.EMITTER, Role.MIXED}:
        return span.end - span.start
    last = story.last_sent_at + STILL_TRUE_DAYS * DAY
    return max(0, span.end - max(span.start, last))


def measure(outcome: Outcome) -> list[Metric]:
    """Return all metrics of one run, in the order of the table."""
    spans = spans_of(outcome)
    return [
        *_precision(outcome, spans),
        *_wronged(outcome, spans),
        *_recall(outcome, spans),
        *_delays(outcome),
        *_expiries(outcome, spans),
        *_genuine(outcome),
        *_flaps(outcome, spans),
    ]


def _precision(outcome: Outcome, spans: Sequence[Span]) -> Iterable[Metric]:
    """Yield precision in IP-days; its part is the listed servers of which no minute was wrong."""
    world = outcome.world
    for code in (Code.CONFIRMED, Code.REPORTED):
        listed: collections.Counter[int] = collections.Counter()
        wrong: collections.Counter[int] = collections.Counter()
        for span in spans:
            if span.code is code:
                listed[span.host] += span.end - span.start
                wrong[span.host] += false_part(span, world.hosts[span.host], outcome.stories[span.host])
        total = listed.total()
        floor = (0.995 if world.scenario.lies else 0.999) if code is Code.CONFIRMED else None
        yield Metric(
            name=f"precision at .{code} (IP-days)", value=1 - wrong.total() / total if total else None,
            at_least=floor, part=Part(sum(not wrong[host] for host in listed), len(listed)), digits=4,
        )  # fmt: skip
        yield Metric(name=f"listed at .{code} (IP-days)", value=total / DAY)


def _wronged(outcome: Outcome, spans: Sequence[Span]) -> Iterable[Metric]:
    """Yield how many of those were listed who must not be."""
    world = outcome.world
    for code, roles, name in (
        (Code.CONFIRMED, {Role.INNOCENT}, "innocents ever at .2"),
        (Code.REPORTED, {Role.INNOCENT}, "innocents ever at .3"),
        (Code.CONFIRMED, {Role.POOL, Role.PROVIDER}, "pools and providers ever at .2"),
        (Code.REPORTED, {Role.POOL, Role.PROVIDER}, "pools and providers ever at .3"),
        (Code.CONFIRMED, {Role.REFUSER, Role.FORWARDER}, "refusing or provoked servers ever at .2"),
    ):
        found = {span.host for span in spans if span.code is code and world.hosts[span.host].role in roles}
        part = Part(len(found), len(world.of(*roles)))
        yield Metric(
            name=name, value=len(found), at_most=0 if code is Code.CONFIRMED else None, part=part,
            is_count=True,
        )  # fmt: skip
    yield Metric(
        name="innocents still listed a tick after all liars were suspended", value=outcome.left_over,
        at_most=0, part=Part(outcome.left_over, len(world.of(Role.INNOCENT))), is_count=True,
    )  # fmt: skip


def _recall(outcome: Outcome, spans: Sequence[Span]) -> Iterable[Metric]:
    groups = 1 if outcome.world.alone else 2
    seen = [
        host.number
        for host in outcome.world.of(Role.EMITTER)
        if outcome.stories[host.number].points >= ENOUGH_POINTS
        and len(outcome.stories[host.number].groups) >= groups
    ]
    confirmed = {span.host for span in spans if span.code is Code.CONFIRMED}
    listed = {span.host for span in spans}
    yield Metric(name="emitters with 15 points and 2 groups", value=len(seen))
    for name, found, floor in (("recall at .2", confirmed, 0.75), ("recall at .2 or .3", listed, 0.85)):
        part = Part(sum(number in found for number in seen), len(seen))
        value = part.found / part.total if part.total else None
        yield Metric(name=name, value=value, at_least=floor, part=part, digits=4)


def _delays(outcome: Outcome) -> Iterable[Metric]:
    """Yield two delays: what the machinery adds, and what the gates ask for."""
    lags = [lag for at, lag in outcome.lags if at >= outcome.world.measured_from]
    yield _at_most("minutes from gates met to listed, median", _median(lags), 15 + 20)
    yield _at_most("minutes from gates met to listed, p95", _percentile(lags, 95), 60)
    first: dict[int, int] = {}
    for number, change in outcome.changes:
        if change.code is not Code.NONE and change.at >= outcome.stories[number].second_group_at > 0:
            first.setdefault(number, change.at - outcome.stories[number].second_group_at)
    hours = [
        minutes / 60
        for number, minutes in first.items()
        if outcome.world.hosts[number].role is Role.EMITTER
        and outcome.world.hosts[number].from_at >= outcome.world.measured_from
    ]
    yield Metric(name="hours from second source to listed, median", value=_median(hours), digits=1)
    yield Metric(name="hours from second source to listed, p95", value=_percentile(hours, 95), digits=1)


def _expiries(outcome: Outcome, spans: Sequence[Span]) -> Iterable[Metric]:
    """Yield how long a listing outlives the last notification, for emitters that stopped."""
    world = outcome.world
    ends: dict[int, int] = {}
    open_ends: list[float] = []
    for span in spans:
        ends[span.host] = span.end if span.cause else NEVER
    days = []
    for number, end in sorted(ends.items()):
        host, story = world.hosts[number], outcome.stories[number]
        stopped = host.role is Role.EMITTER and host.until_at < world.until and not story.repaired_at
        if not stopped:
            continue
        if end == NEVER:
            open_ends.append((world.until - story.last_sent_at) / DAY)
        elif end >= story.last_sent_at:
            days.append((end - story.last_sent_at) / DAY)
    yield _at_most("days from last notification to unlisted, median", _median(days), 7, digits=1)
    yield _at_most(
        "days from last notification to unlisted, max", max(days + open_ends, default=None), 28, digits=1
    )


def _genuine(outcome: Outcome) -> Iterable[Metric]:
    total = sum(outcome.genuine.values())
    refused = sum(n for (_, code), n in outcome.refused.items() if code is Code.CONFIRMED)
    good = sum(n for (role, code), n in outcome.refused.items() if code is Code.CONFIRMED and role in GOOD)
    yield Metric(name="genuine notifications", value=total)
    yield Metric(
        name="genuine refused by .2, in 10,000", value=refused * 10_000 / total if total else None, below=1,
        part=Part(refused, total), per=10_000, digits=2,
    )  # fmt: skip
    known_good = sum(n for role, n in outcome.genuine.items() if role in GOOD)
    yield Metric(
        name="genuine refused by .2 at known-good servers", value=good, at_most=0,
        part=Part(good, known_good), is_count=True,
    )  # fmt: skip


def _flaps(outcome: Outcome, spans: Sequence[Span]) -> Iterable[Metric]:
    starts: dict[int, list[int]] = defaultdict(list)
    removed = {
        (number, change.at) for number, change in outcome.changes if change.to_state is State.PROBATION
    }
    for span in spans:
        if span.code is Code.CONFIRMED and (span.host, span.end) not in removed:
            starts[span.host].append(span.start)
    flapping = sum(
        any(
            late - early < FLAP_DAYS * DAY for early, late in zip(all_, all_[FLAP_STARTS - 1 :], strict=False)
        )
        for all_ in starts.values()
    )
    name = f"servers that entered the main zone {FLAP_STARTS} times in {FLAP_DAYS} days"
    part = Part(flapping, len(starts))
    yield Metric(name=name, value=flapping, at_most=0, part=part, is_count=True)
    times = [len(all_) for all_ in starts.values()]
    yield Metric(
        name="entries into the main zone a listed server", value=statistics.fmean(times) if times else None,
        digits=2,
    )  # fmt: skip


def _at_most(name: str, value: float | None, bound: float, digits: int = 0) -> Metric:
    return Metric(name=name, value=value, at_most=bound, digits=digits)


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _percentile(values: Sequence[float], percent: int) -> float | None:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)] if values else None


def by_day(outcome: Outcome) -> Mapping[str, list[float | None]]:
    """Return series for a picture, one number for each measured day: state at its end, delays within it."""
    world = outcome.world
    spans = spans_of(outcome)
    series: dict[str, list[float | None]] = defaultdict(list)
    for day in range(world.days):
        start = world.measured_from + day * DAY
        now = start + DAY - 1
        standing = [span for span in spans if span.start <= now < span.end]
        wrong = [span for span in standing if not _is_true(world, outcome.stories, span, now)]
        for name, pool in (("listed", standing), ("false", wrong)):
            for code in (Code.CONFIRMED, Code.REPORTED):
                series[f"{name} .{code}"].append(sum(span.code is code for span in pool))
        lags = [lag for at, lag in outcome.lags if start <= at < start + DAY]
        series["minutes to list"].append(_median(lags))
    return series


def _is_true(world: World, stories: Sequence[Story], span: Span, now: int) -> bool:
    role, last = world.hosts[span.host].role, stories[span.host].last_sent_at
    return role in {Role.EMITTER, Role.MIXED} and last > now - STILL_TRUE_DAYS * DAY
