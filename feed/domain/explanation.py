"""The explanation as an object, and as plain values for JSON: the same for API, page and command line.

Groups carry a label that differs from emitter to emitter, days instead of times, and no recipient, so that
neither reporters nor traps can be told from it (scoring.md 5).
"""

import dataclasses
import datetime as dt
from typing import Any, Final

from feed.domain.event import Kind
from feed.domain.evidence import MICRO
from feed.domain.listing import Code, Hold, State

_UNIX_DAY: Final = dt.date(1970, 1, 1)
_UNIX: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One condition: what there is and what is asked for, in micro-points if `in_points`.

    side: `listing` (all are needed), `confirmed` (one of them), `reported`, `guard` (have at most need), or
    `staying` (what a listing needs to go on).
    """

    name: str
    side: str
    have: int
    need: int
    met: bool
    in_points: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one independence group adds. weight: twentieths; bucket, contributes: micro-points.

    contributes is 0 for a group beyond the largest that count. strongest: greatest strength seen.
    """

    label: str
    weight: int
    bucket: int
    contributes: int
    supports: bool
    originals: int
    strongest: int
    kinds: tuple[Kind, ...]
    first_day: int
    last_day: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NotCounted:
    """Originals that add nothing.

    reason: `before_removal`, `may_echo`, `too_old`, `no_weight`, `suspended`, `muted`, `unproven` or
    `few_recipients`.
    """

    reason: str
    originals: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The whole reason. Times: minutes since 1970 UTC or None; days: days since 1970 or None.

    score is the sum of `contributes` over `parts`. threshold: the score at which it would be listed now;
    delist_below: the one under which a listing ends. next_change_at: when it changes by itself if
    nothing new comes. expires_at: the latest end of a listing.
    """

    policy: str
    state: State
    code: Code
    unit: int
    since_at: int | None
    listed_at: int | None
    score: int
    threshold: int
    delist_below: int
    strikes: int
    reasons: tuple[str, ...]
    gates: tuple[Gate, ...]
    parts: tuple[Part, ...]
    not_counted: tuple[NotCounted, ...]
    originals: int
    kinds: tuple[Kind, ...]
    first_day: int | None
    last_day: int | None
    hold: Hold | None
    hold_words: str
    next_change_at: int | None
    expires_at: int | None


def explanation_json(explanation: Explanation) -> dict[str, object]:
    """Return plain values for JSON: words for enums, points as numbers, UTC times and dates as text.

    Points have at most six decimals, so the decimal texts of `contributes` add up to that of `score`.
    """
    e = explanation
    return {
        "policy": e.policy,
        "state": e.state.word,
        "code": f"127.0.0.{e.code.value}" if e.code else None,
        "prefix_published": e.unit,
        "since": _time(e.since_at),
        "listed_at": _time(e.listed_at),
        "score": _points(e.score),
        "threshold": _points(e.threshold),
        "delist_below": _points(e.delist_below),
        "strikes": e.strikes,
        "reasons": list(e.reasons),
        "gates": [_gate_json(gate) for gate in e.gates],
        "parts": [_part_json(part) for part in e.parts],
        "not_counted": [dataclasses.asdict(entry) for entry in e.not_counted],
        "originals": e.originals,
        "kinds": [kind.word for kind in e.kinds],
        "first_day": _date(e.first_day),
        "last_day": _date(e.last_day),
        "hold": e.hold.word if e.hold else None,
        "hold_words": e.hold_words or None,
        "next_change_at": _time(e.next_change_at),
        "expires_at": _time(e.expires_at),
    }


def _gate_json(gate: Gate) -> dict[str, Any]:
    amount = _points if gate.in_points else int
    return {
        "name": gate.name,
        "side": gate.side,
        "have": amount(gate.have),
        "need": amount(gate.need),
        "met": gate.met,
    }


def _part_json(part: Part) -> dict[str, Any]:
    return {
        "group": part.label,
        "weight": part.weight * 5 / 100,
        "bucket": _points(part.bucket),
        "contributes": _points(part.contributes),
        "supports": part.supports,
        "originals": part.originals,
        "strongest": f"U{part.strongest}",
        "kinds": [kind.word for kind in part.kinds],
        "first_day": _date(part.first_day),
        "last_day": _date(part.last_day),
    }


def _points(micro: int) -> float:
    return micro / MICRO


def _time(minute: int | None) -> str | None:
    if minute is None:
        return None
    return (_UNIX + dt.timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _date(day: int | None) -> str | None:
    return None if day is None else (_UNIX_DAY + dt.timedelta(days=day)).isoformat()
