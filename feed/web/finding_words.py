"""The words about an address in public: sentences, table and history, for page and terminal. Pure."""

import dataclasses
from typing import Final

from feed.domain.address import Address, network_of, special_purpose
from feed.domain.explanation import Explanation
from feed.domain.listing import Code, EmitterState, Hold, State
from feed.store.inspection import Inspection
from feed.store.states import Change
from feed.web.messages import text
from feed.web.reported import Reported, reported_of
from feed.web.wording import band_words, date, left, moment

_HISTORY_MOST: Final = 20


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """One change of state: `when` for people, `at` seconds."""

    at: int
    when: str
    what: str


def never_words(address: Address, *, allow_special: bool) -> str | None:
    """Return why `address` can never be listed, as a sentence, None if it can.

    allow_special: zones under .test take special-purpose space.
    """
    why = special_purpose(address, trial=allow_special)
    return None if why is None else text("state.never_why", why=why)


def ends_words(seen: Inspection) -> str | None:
    """Return when the listing ends by itself at the latest, as a sentence, None if nothing is listed."""
    ends = reported_of(seen.explanation).ends_minute
    return None if ends is None else text("removal.ends", when=moment(ends * 60))


def sentences(
    seen: Inspection,
    state: EmitterState,
    *,
    never: str | None,
    covers: bool,
    until: int | None,
) -> list[str]:
    """Return the sentences below the state, most important first. until: when it was listed last."""
    if never is not None:
        return [text("state.never"), never]
    words: list[str] = []
    if seen.row is None and state.state is not State.LISTED:
        return [text("state.unknown")]
    if not covers:
        words.append(_other_words(seen) if state.code is not Code.NONE else text("state.watch"))
    elif state.state is State.LISTED:
        words.append(text(f"state.code_{int(state.code)}"))
    elif state.state is State.HELD and state.hold:
        words += [text("state.held"), _hold_words(seen.explanation, Hold(state.hold))]
    else:
        words.append(_state_words(state, reported_of(seen.explanation)))
    if until is not None:
        words.append(text("state.was_until", when=moment(until * 60)))
    return words


def _other_words(seen: Inspection) -> str:
    """Return which other address of the /64 is listed."""
    return text("state.other_128", others=", ".join(str(one.network) for one in seen.published))


def _state_words(state: EmitterState, reported: Reported) -> str:
    if state.state is State.CLEAR and not reported.n:
        return text("state.clear" if reported.idle else "state.unknown")
    if state.state is State.CLEAR:
        return text("state.watch")
    return text(f"state.{state.state.word}")


def _hold_words(explanation: Explanation | None, hold: Hold) -> str:
    """Return why it is held. The operator's own reasons are not for the public, a provider's name is."""
    return text(f"hold.{hold.word}", words=explanation.hold_words if explanation is not None else "")


def summary(reported: Reported, unit: int) -> str:
    """Return in one sentence how much was reported, of what, by how many."""
    one = reported.n == 1
    notifications = text("facts.reports_one" if one else "facts.reports_many", n=band_words(reported.n))
    scope = text("facts.unit_64" if unit == 64 else "facts.unit_address")  # noqa: PLR2004
    key = "facts.sentence_one" if reported.sources == 1 else "facts.sentence_many"
    return text(key, sources=band_words(reported.sources), reports=notifications, scope=scope)


def facts(
    address: Address, state: EmitterState, reported: Reported, *, unit: int, listed: bool, now: int
) -> list[tuple[str, str]]:
    """Return names and values of the table. now: seconds."""
    scope = (
        text("facts.scope_64", network=network_of(address, 64))
        if unit == 64  # noqa: PLR2004
        else text("facts.scope_address")
    )
    rows = [(text("facts.scope"), scope)]
    if listed:
        rows.append((text("facts.code"), f"127.0.0.{int(state.code)}"))
        rows.append((text("facts.listed_since"), moment(state.listed_at * 60)))
    if listed and reported.ends_minute is not None:
        ends = moment(reported.ends_minute * 60)
        rows.append(
            (
                text("facts.expires"),
                text("facts.expires_by", when=ends, left=left(reported.ends_minute - now // 60)),
            )
        )
    if listed and reported.next_minute is not None:
        after = moment(reported.next_minute * 60)
        rows.append(
            (
                text("facts.next"),
                text("facts.next_text", when=after, left=left(reported.next_minute - now // 60)),
            )
        )
    if reported.n:
        rows.append((text("facts.reports"), band_words(reported.n)))
        rows.append((text("facts.sources"), band_words(reported.sources)))
        rows.append((text("facts.kinds"), ", ".join(kind.phrase for kind in reported.kinds)))
    if reported.first_day is not None and reported.last_day is not None:
        rows.append((text("facts.first"), date(reported.first_day)))
        rows.append((text("facts.last"), date(reported.last_day)))
    if reported.idle:
        idle = [
            text("facts.idle_text", n=band_words(n), why=text(f"idle.{reason}"))
            for reason, n in reported.idle
        ]
        rows.append((text("facts.idle"), ", ".join(idle)))
    return rows


def history(changes: list[Change]) -> list[HistoryLine]:
    """Return the latest changes as lines."""
    return [
        HistoryLine(at=change.at * 60, when=moment(change.at * 60), what=_change_words(change))
        for change in changes[:_HISTORY_MOST]
    ]


def _change_words(change: Change) -> str:
    if change.to_state is State.LISTED:
        key = "cause.code" if change.from_state is State.LISTED else "cause.listed"
        return text(key, code=int(change.code))
    if change.cause == "removal":
        return text("cause.removal")
    return text(f"cause.{change.to_state.word}")
