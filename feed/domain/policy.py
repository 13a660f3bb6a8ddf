"""Policies: every number of scoring, listing and removal, with its unit and its reason.

Two are built in: `COMMUNITY` for a shared feed of many reporters, `PRIVATE` for one provider alone
(DESIGN section 5). An operator changes numbers by a table of overrides, checked here in words.
"""

import dataclasses
import decimal
from collections.abc import Mapping
from typing import Any, Final

from feed.domain.evidence import MICRO, MINUTES_A_DAY, Trust

_HOUR: Final = 60
_DAY: Final = MINUTES_A_DAY


class PolicyError(ValueError):
    """A policy cannot work; the message names the setting and says what is allowed."""


def _points(default: int, *, low: int = 0, high: int = 40) -> Any:
    """Micro-points; an override is written in points (2.5), with at most six decimals."""
    bounds = {"unit": "points", "low": low * MICRO, "high": high * MICRO}
    return dataclasses.field(default=default, metadata=bounds)


def _count(default: int, *, low: int = 0, high: int = 1000) -> Any:
    return dataclasses.field(default=default, metadata={"unit": "count", "low": low, "high": high})


def _minutes(default: int, *, low: int = 0, high: int = 400 * _DAY) -> Any:
    return dataclasses.field(default=default, metadata={"unit": "minutes", "low": low, "high": high})


def _switch(*, default: bool) -> Any:
    return dataclasses.field(default=default, metadata={"unit": "switch"})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The numbers of one policy; defaults are those of the community policy.

    Points are micro-points, times are minutes unless a name ends in `_days`. Raises `PolicyError` if
    numbers contradict each other.
    """

    name: str

    # Score. Half-life 72 h was the knee between recall and days to delist (scoring.md 6). Day cap and
    # ceiling of one group lie below `list_at`, so one source can never list alone, by arithmetic.
    half_life_minutes: int = _minutes(72 * _HOUR, low=_HOUR, high=60 * _DAY)
    day_cap: int = _points(8 * MICRO, low=1)
    bucket_cap: int = _points(8 * MICRO, low=1)
    weak_cap: int = _points(1 * MICRO, high=8)  # strength 1 adds up to this and no more, for ever
    top_groups: int = _count(5, low=1, high=50)  # bounds the score, and with it the time to expire
    nsu_recipients: int = _count(5, low=1)  # one unknown recipient may be a noreply address or a callout
    evidence_days: int = _count(40, low=1, high=130)  # older cells do not count; 28 d of cap and a margin

    # Thresholds. Listing and delisting lie apart so that nothing flaps.
    list_at: int = _points(10 * MICRO, low=1)
    delist_at: int = _points(4 * MICRO)
    watch_at: int = _points(MICRO // 2)  # below it an address is as good as unknown
    probation_list_at: int = _points(5 * MICRO, low=1)  # after a removal: whoever fixed it has none

    # Gates of any listing.
    quorum_groups: int = _count(2, low=1, high=100)
    support_at: int = _points(3 * MICRO // 2)  # least strong contribution of a group that supports
    # What each group of a quorum must go on adding while an address is listed: without it one reporter
    # that echoes the zone would keep an address in it for ever. 0 asks for nothing.
    keep_support_at: int = _points(3 * MICRO // 2)
    support_minutes: int = _minutes(7 * _DAY, low=_HOUR)  # and its last original of strength >= 3
    originals: int = _count(2, low=1)  # of strength >= 3
    days: int = _count(1, low=1, high=30)  # on so many days ...
    originals_instead_of_days: int = _count(2, low=1)  # ... or so many originals

    # Gates of 127.0.0.2: at least one of the ways that are switched on.
    confirm_by_trap: bool = _switch(default=False)  # any trap or tag original (strength >= 4)
    confirm_by_log_miss: bool = _switch(default=False)  # the reporter's own sent log, with observations
    confirm_by_anchor: bool = _switch(default=True)  # traps of anchor sources
    confirm_by_groups: bool = _switch(default=True)  # many independent groups
    log_miss_originals: int = _count(3, low=1)
    log_miss_days: int = _count(2, low=1, high=30)
    anchor_hits: int = _count(2, low=1)  # one hit is cheap: who knows one trap provokes it by one mail
    anchor_traps: int = _count(
        2, low=1, high=2
    )  # cells keep least and greatest token: 1 or 2 is all they tell
    anchor_gap_minutes: int = _minutes(6 * _HOUR)
    anchor_days: int = _count(2, low=1, high=30)
    # One hit is enough where so many trusted groups support as well: who knows a trap would also have to
    # own their accounts. Without it every fourth emitter waited for a second trap in vain. 0 switches it off.
    anchor_groups: int = _count(5, high=100)
    anchor_window_minutes: int = _minutes(30 * _DAY, low=_DAY, high=40 * _DAY)
    confirm_groups: int = _count(5, low=1, high=100)
    # Of all trusted groups, so that it stays safe as the feed grows. At 25 a third of them in collusion
    # confirmed up to 32 innocents of the simulated world, at 50 four in one of ten (docs/simulation.md).
    confirm_share_percent: int = _count(67, high=100)

    # Gate of 127.0.0.3: so many supporting groups that are trusted (0 = whatever passes the gates above).
    reported_groups: int = _count(4, high=100)
    trusted_weight: int = _count(10, high=20)  # twentieths; 0 trusts every source that is not suspended

    # Guards by observations of the last days.
    guard_days: int = _count(7, low=1, high=40)
    # Genuine mail is remembered for longer: who refuses an address sees nothing genuine from it any more,
    # and what was mixed a month ago still is.
    genuine_days: int = _count(28, low=1, high=40)
    genuine_n: int = _count(3, low=1)
    genuine_percent: int = _count(10, low=1, high=100)  # of the null-sender mail
    # One trusted group is enough: a false word only makes a listing milder and shows on its page, while
    # a genuine notification that was refused is lost. With 2 that happened 2.7 times in 10,000.
    genuine_groups: int = _count(1, low=1, high=100)
    pool_groups: int = _count(2, low=1, high=100)
    pool_seen: int = _count(1000, low=1, high=10**9)  # below it a rate says nothing
    pool_rate_ppm: int = _count(5000, high=10**6)  # originals per million messages: 0.5 %

    # Life of a listing.
    publish_delay_minutes: int = _minutes(10, high=_DAY)
    publish_jitter_minutes: int = _minutes(20, high=_DAY)  # by address; blurs probing for traps
    strike_window_minutes: int = _minutes(90 * _DAY)
    strikes_most: int = _count(4, low=1, high=10)  # each strike halves `delist_at`: one half-life more
    min_listed_minutes: int = _minutes(12 * _HOUR)  # doubles with each strike
    min_listed_most_minutes: int = _minutes(4 * _DAY)
    hard_cap_minutes: int = _minutes(28 * _DAY, low=_HOUR, high=40 * _DAY)
    # So long a listing stands after the last evidence that it cannot have caused itself: a trap hit, or what
    # was seen before it began. Without it as many sources as a quorum that echo the zone keep each other's
    # listings for ever. 14 days cost 1 % of the listed time, of servers that send little, 7 days cost 10.
    # With the seven days that evidence is listed after, the longest echo ends before the cap. 0: never asked.
    renew_minutes: int = _minutes(14 * _DAY)
    probation_minutes: int = _minutes(14 * _DAY)

    # Removal by the listed admin.
    removal_window_minutes: int = _minutes(30 * _DAY, low=_HOUR)
    removal_second_quiet_minutes: int = _minutes(24 * _HOUR)
    removal_third_quiet_minutes: int = _minutes(7 * _DAY)

    def __post_init__(self) -> None:
        rules = (
            (self.delist_at < self.list_at, "delist_at must be below list_at"),
            (self.watch_at < self.list_at, "watch_at must be below list_at"),
            (self.probation_list_at >= self.watch_at, "probation_list_at must not be below watch_at"),
            (self.delist_at < self.probation_list_at, "delist_at must be below probation_list_at"),
            (self.weak_cap <= self.bucket_cap, "weak_cap must not exceed bucket_cap"),
            (self.quorum_groups <= self.top_groups, "quorum_groups must not exceed top_groups"),
            (
                self.keep_support_at <= self.support_at,
                "keep_support_at must not exceed support_at, or what ended would list again",
            ),
            (
                self.hard_cap_minutes <= self.evidence_days * _DAY,
                "hard_cap_minutes must not exceed evidence_days, or a listing would outlive its evidence",
            ),
            (
                self.guard_days + self.genuine_days <= self.evidence_days,
                "guard_days and genuine_days together must not exceed evidence_days, of which cells are read",
            ),
            (
                not self.renew_minutes or self.renew_minutes >= self.min_listed(self.strikes_most),
                "renew_minutes must be 0 or not below the shortest time of a listing",
            ),
            (
                self.support_minutes < self.hard_cap_minutes,
                "support_minutes must be below hard_cap_minutes, or what expired would list again",
            ),
            (
                self.quorum_groups < 2 or self.bucket_cap < self.list_at,  # noqa: PLR2004
                "bucket_cap must be below list_at where a quorum is asked for",
            ),
        )
        for holds, words in rules:
            if not holds:
                raise PolicyError(f"policy {self.name}: {words}")

    def delist_below(self, strikes: int) -> int:
        """Return the micro-points under which a listing with so many strikes ends."""
        return self.delist_at >> (max(1, min(strikes, self.strikes_most)) - 1)

    def keep_support(self, strikes: int) -> int:
        """Return the micro-points that each group of a quorum must add for a listing to go on."""
        return self.keep_support_at >> (max(1, min(strikes, self.strikes_most)) - 1)

    def min_listed(self, strikes: int) -> int:
        """Return for how many minutes a listing with so many strikes does not expire by score."""
        doubled = self.min_listed_minutes << (max(1, min(strikes, self.strikes_most)) - 1)
        return min(doubled, self.min_listed_most_minutes)


COMMUNITY: Final = Policy(name="community")

PRIVATE: Final = Policy(
    name="private",
    list_at=5 * MICRO,
    delist_at=5 * MICRO // 2,
    probation_list_at=5 * MICRO,
    quorum_groups=1,
    keep_support_at=0,
    renew_minutes=0,
    days=2,
    originals_instead_of_days=3,
    confirm_by_trap=True,
    confirm_by_log_miss=True,
    confirm_by_anchor=False,
    confirm_by_groups=False,
    reported_groups=0,
    trusted_weight=0,
    pool_groups=1,  # nobody else is there to give a second denominator
    publish_delay_minutes=0,
    publish_jitter_minutes=0,
)

_NAMED: Final = {policy.name: policy for policy in (COMMUNITY, PRIVATE)}


def policy_named(name: str) -> Policy:
    """Return the built-in policy of this name; raises `PolicyError` naming those there are."""
    try:
        return _NAMED[name]
    except KeyError:
        raise PolicyError(f"there is no policy {name!r}; there are {', '.join(sorted(_NAMED))}") from None


def as_it_was(numbers: Mapping[str, object]) -> Policy:
    """Return a policy that was in force once, from all its settings as they were kept.

    What numbers may be, alone and together, is not asked: other rules held then. Settings that exist no
    more are left out, those that did not exist yet are as today. Raises `PolicyError` if the name is missing
    or a setting is of a wrong type.
    """
    past = object.__new__(Policy)
    for field in dataclasses.fields(Policy):
        value = numbers.get(field.name, field.default)
        wanted = str if field.name == "name" else bool if field.metadata["unit"] == "switch" else int
        if type(value) is not wanted:
            raise PolicyError(f"{field.name} is {value!r}" if field.name in numbers else f"no {field.name}")
        object.__setattr__(past, field.name, value)
    return past


def with_overrides(base: Policy, overrides: Mapping[str, object]) -> Policy:
    """Return `base` with the settings of `overrides` (a TOML table) put over it.

    Points are written in points (`list_at = 12.5`), times in minutes. Raises `PolicyError` for an
    unknown key, a wrong type, a number out of range, or numbers that contradict each other.
    """
    fields = {field.name: field for field in dataclasses.fields(Policy)}
    changes: dict[str, Any] = {}
    for key, value in overrides.items():
        field = fields.get(key)
        if field is None:
            raise PolicyError(f"unknown policy setting {key!r}")
        changes[key] = _text(key, value) if key == "name" else _number(field, value)
    return dataclasses.replace(base, **changes)


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or not value or len(value) > 40:  # noqa: PLR2004
        raise PolicyError(f"{key} must be a text of 1 to 40 characters")
    return value


def _number(field: "dataclasses.Field[Any]", value: object) -> int | bool:
    unit = field.metadata["unit"]
    if unit == "switch":
        if not isinstance(value, bool):
            raise PolicyError(f"{field.name} must be true or false")
        return value
    low, high = field.metadata["low"], field.metadata["high"]
    if unit == "points":
        micro = _micro(field.name, value)
        if not low <= micro <= high:
            raise PolicyError(f"{field.name} must be between {low // MICRO} and {high // MICRO} points")
        return micro
    if isinstance(value, bool) or not isinstance(value, int):
        raise PolicyError(f"{field.name} must be a whole number")
    if not low <= value <= high:
        raise PolicyError(f"{field.name} must be between {low} and {high}")
    return value


def _micro(key: str, value: object) -> int:
    """Return micro-points of a number in points; through the shortest decimal text of a float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PolicyError(f"{key} must be a number of points")
    exact = decimal.Decimal(repr(value))
    if not exact.is_finite() or abs(exact) > 10**6:
        raise PolicyError(f"{key} must be a number of points")
    micro = exact * MICRO
    if micro != int(micro):
        raise PolicyError(f"{key} has more than six decimals")
    return int(micro)


def trusted_groups(trust: Trust, policy: Policy) -> int:
    """Return how many independence groups have a trusted source: the base of `confirm_share_percent`."""
    return len(
        {
            standing.group_id
            for standing in trust.values()
            if not standing.suspended and standing.weight >= max(1, policy.trusted_weight)
        }
    )
