"""Cells of one emitter, who is believed, and one step through its life."""

from typing import Any

from feed.domain.evidence import MICRO, Cell, Standing, Trust
from feed.domain.listing import ActiveHold, EmitterState, Inputs, Step
from feed.domain.policy import PRIVATE, Policy
from feed.domain.scoring import step

DAY = 1440
D0 = 20_000
"""A day; tests count days from it."""

T0 = D0 * DAY


def cell(source: int, day: int = 0, **fields: Any) -> Cell:
    """Return a cell of `day` days after D0 with its times at noon unless given."""
    at = T0 + day * DAY + 720
    values: dict[str, Any] = {"first_at": at, "last_at": at, "addr_min": b"a", "addr_max": b"a"}
    return Cell(source_id=source, day=D0 + day, **{"epoch": 0, **values, **fields})


def log_miss(source: int, day: int = 0, n: int = 1, at: int | None = None, **fields: Any) -> Cell:
    """Return a cell of `n` originals of strength 3."""
    moment = T0 + day * DAY + 720 if at is None else at
    values: dict[str, Any] = {
        "points": 3 * MICRO * n,
        "n": n,
        "n_u": (0, 0, 0, n, 0, 0),
        "log_miss_n": n,
        "first_at": moment,
        "last_at": moment,
        "strong_at": moment,
    }
    return cell(source, day, **{**values, **fields})


def trap(source: int, day: int = 0, n: int = 1, at: int | None = None, token: int = 1, **fields: Any) -> Cell:
    """Return a cell of `n` originals of strength 5 at a trap."""
    moment = T0 + day * DAY + 720 if at is None else at
    values: dict[str, Any] = {
        "points": 5 * MICRO * n,
        "n": n,
        "n_u": (0, 0, 0, 0, 0, n),
        "first_at": moment,
        "last_at": moment,
        "strong_at": moment,
        "trap_n": n,
        "trap_first_at": moment,
        "trap_last_at": moment,
        "trap_token_min": token,
        "trap_token_max": token,
    }
    return cell(source, day, **{**values, **fields})


def trust_of(*weights: int, anchors: tuple[int, ...] = ()) -> Trust:
    """Return one source and group for each weight, ids from 1."""
    return {
        source: Standing(source_id=source, group_id=100 + source, weight=weight, anchor=source in anchors)
        for source, weight in enumerate(weights, start=1)
    }


FULL = trust_of(20, 20, 20, 20, 20, 20, 20, 20)
SOLE = trust_of(20)


def run(
    cells: list[Cell],
    tick: int,
    policy: Policy = PRIVATE,
    trust: Trust = FULL,
    *,
    state: EmitterState | None = None,
    holds: tuple[ActiveHold, ...] = (),
    **more: Any,
) -> Step:
    inputs = Inputs(cells=cells, holds=holds, **more)
    return step(state or EmitterState(), inputs, policy, trust, tick)


NOON = T0 + 720
