"""Half-life decay in integers: the same bits on every machine and in every order.

Sums of floats change with their order (engineering.md, database 10), and `2 ** x` differs in the last
bit between C libraries. Here 2^(-k/half-life) is a table at 40 bits for one half-life; whole half-lives
are shifts.
"""

import decimal
import functools
from typing import Final

BITS: Final = 40
"""Bits of a table entry: a bucket of 8 points is off by less than one micro-point."""

_ROOT_BITS: Final = 200
_ROOT_DIGITS: Final = 80


@functools.lru_cache(maxsize=8)
def decay_table(half_life_minutes: int) -> tuple[int, ...]:
    """Return 2^(-k/half_life) for k = 0 .. half_life - 1, times 2^40, rounded down.

    Raises `ValueError` for a half-life below one minute.
    """
    if half_life_minutes < 1:
        raise ValueError("a half-life is at least one minute")
    with decimal.localcontext(prec=_ROOT_DIGITS):
        root = decimal.Decimal(2) ** (decimal.Decimal(-1) / half_life_minutes)
        step = int(root * (1 << _ROOT_BITS))
    value = 1 << _ROOT_BITS
    table = []
    for _ in range(half_life_minutes):
        table.append(value >> (_ROOT_BITS - BITS))
        value = value * step >> _ROOT_BITS
    return tuple(table)


def decayed(points: int, minutes: int, half_life_minutes: int = 4320) -> int:
    """Return what is left of `points` after `minutes`, rounded down; a negative age counts as none.

    Never rises with `minutes`, never falls with `points`, and halves exactly with each half-life.
    """
    if minutes <= 0:
        return points
    table = decay_table(half_life_minutes)
    halvings, rest = divmod(minutes, half_life_minutes)
    return points * table[rest] >> (BITS + halvings)
