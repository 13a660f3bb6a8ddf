"""What may be said about an address in public: one value behind the page and the JSON. Pure.

Counts go out in bands and times to the day, and no score: whoever sends test mails through a server must
not read off here which of them reached a trap (ux-ecosystem.md 1.2). Sources stay unnamed.
"""

import dataclasses
from typing import Any, Final

from feed.domain.address import Address, network_of, packed
from feed.domain.listing import Code, EmitterState, Hold, State
from feed.store.inspection import Inspection
from feed.store.manual import Manual
from feed.store.states import Change
from feed.web.chart import Bar, listed_bars
from feed.web.finding_words import HistoryLine, facts, history, never_words, sentences, summary
from feed.web.messages import text
from feed.web.reported import Gate, Reported, reported_of
from feed.web.wording import band, date, iso

_IPV6: Final = 6
_REMOVABLE: Final = frozenset({State.LISTED, State.PENDING})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What page and JSON show of one address at one time.

    never: why it can never be listed, None for ordinary space. listed: whether DNS should answer for
    this very address. can_ask: whether there is something to remove. sentences: below the state, most
    important first. Minutes are since 1970, None if there is none.
    """

    address: Address
    never: str | None
    listed: bool
    state: State | None
    state_word: str
    code: Code
    unit: int
    sentences: tuple[str, ...]
    summary: str
    facts: tuple[tuple[str, str], ...]
    why: tuple[str, ...]
    reason: str
    hold: Hold | None
    gates: tuple[Gate, ...]
    history: tuple[HistoryLine, ...]
    reported: Reported
    listed_minute: int | None
    ends_minute: int | None
    was_listed_until_minute: int | None
    can_ask: bool
    show_advice: bool
    bars: tuple[Bar, ...]
    at: int


def find(seen: Inspection, *, now: int, allow_special: bool) -> Finding:
    """Return what is said about the address of `seen`. now: seconds."""
    address, row = seen.address, seen.row
    state = row.state if row is not None else EmitterState(unit=32 if address.version == 4 else 64)  # noqa: PLR2004
    never = never_words(address, allow_special=allow_special)
    covers = state.unit != 128 or (row is not None and row.address == packed(address))  # noqa: PLR2004
    removable = covers and state.state in _REMOVABLE
    by_hand = _by_hand(seen)
    if by_hand is not None and seen.code is by_hand.code:
        state, covers = dataclasses.replace(state, **_as_listed(by_hand)), True
    listed = never is None and state.code is not Code.NONE and covers
    reported = reported_of(seen.explanation)
    until = None if listed else _was_listed_until(seen.history)
    hold = Hold(state.hold) if state.state is State.HELD and state.hold else None
    unit = _unit(address, state, reported) if covers else 64
    shown = never is None and bool(reported.n or reported.idle)
    return Finding(
        address=address,
        never=never,
        listed=listed,
        state=state.state if row is not None or by_hand is not None else None,
        state_word=text("state.listed" if listed else "state.not_listed"),
        code=state.code if listed else Code.NONE,
        unit=unit,
        sentences=tuple(sentences(seen, state, never=never, covers=covers, until=until)),
        summary=summary(reported, unit) if shown and reported.n else "",
        facts=tuple(facts(address, state, reported, unit=unit, listed=listed, now=now)) if shown else (),
        why=(text(f"why.{state.reason}"),) if listed and state.reason else (),
        reason=state.reason,
        hold=hold,
        gates=reported.gates if shown and reported.n and not listed and hold is None else (),
        history=tuple(history(seen.history)) if never is None else (),
        reported=reported,
        listed_minute=state.listed_at if listed else None,
        ends_minute=(by_hand.until_minute if by_hand is not None else reported.ends_minute)
        if listed
        else None,
        was_listed_until_minute=until,
        can_ask=never is None and (removable or by_hand is not None),
        show_advice=shown and bool(reported.n),
        bars=tuple(listed_bars(seen.history, now_minute=now // 60)) if never is None else (),
        at=now,
    )


def _by_hand(seen: Inspection) -> Manual | None:
    """Return the listing by hand that DNS answers for, if there is one."""
    return None if seen.exempt else min(seen.by_hand, key=lambda one: one.code, default=None)


def _as_listed(one: Manual) -> dict[str, Any]:
    return {"state": State.LISTED, "code": one.code, "unit": one.unit, "hold": 0, "reason": "by_hand"}


def finding_json(found: Finding) -> dict[str, Any]:
    """Return the finding for programs: the numbers of the page, no others. Times are ISO 8601 in UTC."""
    reported = found.reported
    return {
        "address": str(found.address),
        "scope": str(network_of(found.address, found.unit)),
        "listed": found.listed,
        "state": found.state.word if found.state is not None else None,
        "code": f"127.0.0.{int(found.code)}" if found.code is not Code.NONE else None,
        "reason": found.reason or None,
        "hold": found.hold.word if found.hold is not None else None,
        "never": found.never,
        "words": [found.state_word, *found.sentences],
        "reports": _band_json(reported.n),
        "sources": _band_json(reported.sources),
        "kinds": [kind.word for kind in reported.kinds],
        "not_counted": [{"reason": reason} | _band_json(n) for reason, n in reported.idle],
        "first_day": date(reported.first_day) if reported.first_day is not None else None,
        "last_day": date(reported.last_day) if reported.last_day is not None else None,
        "gates": [{"name": gate.key, "met": gate.met} for gate in found.gates],
        "listed_since": _iso_minute(found.listed_minute),
        "next_change_at": _iso_minute(reported.next_minute if found.listed else None),
        "ends_at": _iso_minute(found.ends_minute),
        "was_listed_until": _iso_minute(found.was_listed_until_minute),
        "as_of": iso(found.at),
    }


def finding_lines(found: Finding) -> list[str]:
    """Return the finding for a terminal: the sentences and facts of the page, one a line."""
    lines = [f"{found.address}: {found.state_word}", *found.sentences, *found.why]
    return [*lines, *(f"{name}: {value}" for name, value in found.facts)]


def _band_json(number: int) -> dict[str, int | None]:
    low, high = band(number)
    return {"at_least": low, "at_most": high}


def _iso_minute(minute: int | None) -> str | None:
    return None if minute is None else iso(minute * 60)


def _unit(address: Address, state: EmitterState, reported: Reported) -> int:
    """Return the width that is spoken of: what is published, else what reports are counted by."""
    if address.version != _IPV6:
        return 32
    return 128 if state.unit == 128 and reported.n else 64  # noqa: PLR2004


def _was_listed_until(history: list[Change]) -> int | None:
    """Return the minute at which the last listing ended, None if there was none."""
    return next(
        (
            change.at
            for change in history
            if change.from_state is State.LISTED and change.to_state is not State.LISTED
        ),
        None,
    )
