"""One number by which a policy is judged, with its target and what it rests on."""

import dataclasses
from typing import NamedTuple


class Part(NamedTuple):
    """`found` of `total`; what is counted is told by the metric."""

    found: int
    total: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A number and its target, if any: at least, at most, or below.

    value: None if there was nothing to judge. part: what it rests on, where that is a number of things.
    is_count: the value is `part.found` itself, of which none is wanted or which is shown as it is.
    per: for a share, how many it is said of (10,000 for the refused notifications, else 1).
    """

    name: str
    value: float | None
    digits: int = 0
    at_least: float | None = None
    at_most: float | None = None
    below: float | None = None
    part: Part | None = None
    is_count: bool = False
    per: int = 1

    @property
    def target(self) -> str:
        """The target in words, empty if there is none."""
        if self.at_least is not None:
            return f">= {self.at_least:g}"
        if self.below is not None:
            return f"< {self.below:g}"
        if self.at_most is not None:
            return "0" if self.at_most == 0 else f"<= {self.at_most:g}"
        return ""

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None: no target, or nothing to judge."""
        return self.is_reached_by(self.value)

    def is_reached_by(self, value: float | None) -> bool | None:
        """Whether `value` would reach the target of this metric."""
        if value is None or not self.target:
            return None
        if self.at_least is not None:
            return value >= self.at_least
        if self.below is not None:
            return value < self.below
        return self.at_most is None or value <= self.at_most
