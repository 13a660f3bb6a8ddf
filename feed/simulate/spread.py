"""One number over many seeds: mean, median, ends, and a one-sided bound at 95 % confidence.

Three bounds, each named where it stands. `t`: of the mean over seeds. `Wilson`: of a share pooled over all
seeds, for what is a number of things of a number of things. `rule of three`: the exact form of the rule of
three, 1 - 0.05^(1/n), where a pooled share is 0 (or 1) of n, for which a mean without any spread would
claim to be sure. Things of one world share its attack and its weather, so the bounds of the latter two are
somewhat too narrow; the number of seeds stands beside them.
"""

import dataclasses
import math
import statistics
from collections.abc import Sequence
from typing import Final

from feed.simulate.metric import Metric, Part

_Z: Final = 1.6448536269514722
"""One-sided 95 % of the normal distribution."""

_T: Final = (
    6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812, 1.796, 1.782, 1.771, 1.761, 1.753,
    1.746, 1.740, 1.734, 1.729, 1.725, 1.721, 1.717, 1.714, 1.711, 1.708, 1.706, 1.703, 1.701, 1.699, 1.697,
)  # fmt: skip
"""One-sided 95 % of Student's t for 1 to 30 degrees of freedom."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A metric over seeds. n: seeds with a value; missed: of them do not reach the target.

    value: the pooled share; of a count the largest; else the mean. bound: how bad it may be, at
    95 % confidence; of a count it is the share of things, not their number. bound_by: `t`, `Wilson`,
    `rule of three`, or empty where there is none. part: pooled over the seeds.
    """

    metric: Metric
    n: int
    mean: float | None
    median: float | None
    least: float | None
    most: float | None
    value: float | None
    missed: int
    bound: float | None = None
    bound_by: str = ""
    part: Part | None = None

    @property
    def reached(self) -> bool | None:
        """Whether the value over all seeds reaches the target; None: no target, or nothing to judge."""
        return self.metric.is_reached_by(self.value)

    @property
    def sure(self) -> bool | None:
        """Whether the bound reaches the target too; None where no bound can be compared with one."""
        return None if self.metric.is_count else self.metric.is_reached_by(self.bound)


def spread(all_: Sequence[Metric]) -> Spread:
    """Return one metric of several seeds, at least one, as a spread."""
    known = [one.value for one in all_ if one.value is not None]
    part = _pooled(all_)
    metric = dataclasses.replace(all_[0], value=None, part=None)
    if not known:
        return Spread(metric=metric, n=0, mean=None, median=None, least=None, most=None, value=None, missed=0)
    mean = statistics.fmean(known)
    value = mean
    if metric.is_count:
        value = max(known)
    elif part is not None and _is_share(all_):
        value = part.found / part.total * metric.per
    bound, bound_by = _bound(metric, known, part, shares=_is_share(all_))
    return Spread(
        metric=metric, n=len(known), mean=mean, median=statistics.median(known), least=min(known),
        most=max(known), value=value, missed=sum(one.reached is False for one in all_), bound=bound,
        bound_by=bound_by, part=part,
    )  # fmt: skip


def _pooled(all_: Sequence[Metric]) -> Part | None:
    parts = [one.part for one in all_ if one.part is not None]
    pooled = Part(sum(part.found for part in parts), sum(part.total for part in parts))
    return pooled if pooled.total else None


def _is_share(all_: Sequence[Metric]) -> bool:
    """Whether each value is its part as a share: then the pooled share stands for all seeds."""
    return all(
        one.part is None
        or one.value is None
        or (one.part.total > 0 and math.isclose(one.value, one.per * one.part.found / one.part.total))
        for one in all_
    )


def _bound(
    metric: Metric, known: Sequence[float], part: Part | None, *, shares: bool
) -> tuple[float | None, str]:
    if not metric.target:
        return None, ""
    upper = metric.at_least is None
    if part is not None and (metric.is_count or shares):
        return _share_bound(part, metric, upper=upper)
    if len(known) < 2:  # noqa: PLR2004 - one seed says nothing about others
        return None, ""
    margin = t_quantile(len(known) - 1) * statistics.stdev(known) / math.sqrt(len(known))
    return statistics.fmean(known) + (margin if upper else -margin), "t"


def _share_bound(part: Part, metric: Metric, *, upper: bool) -> tuple[float, str]:
    none = part.found == 0 if upper else part.found == part.total
    if none:
        rest = 1 - 0.05 ** (1 / part.total)
        return (rest if upper else 1 - rest) * metric.per, "rule of three"
    return wilson(part, upper=upper) * metric.per, "Wilson"


def wilson(part: Part, *, upper: bool) -> float:
    """Return the one-sided 95 % Wilson bound of a share."""
    share, n = part.found / part.total, part.total
    middle = share + _Z * _Z / (2 * n)
    margin = _Z * math.sqrt(share * (1 - share) / n + _Z * _Z / (4 * n * n))
    return (middle + margin if upper else middle - margin) / (1 + _Z * _Z / n)


def t_quantile(freedom: int) -> float:
    """Return the one-sided 95 % quantile of Student's t; above 30 degrees by its expansion."""
    if freedom <= len(_T):
        return _T[freedom - 1]
    return _Z + (_Z**3 + _Z) / (4 * freedom)
