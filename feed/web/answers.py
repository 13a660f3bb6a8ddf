"""Answers of name servers, for the table on pages and for programs. Pure."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

from feed.web.ask_dns import Answer
from feed.web.messages import text
from feed.web.wording import moment

_FIRST_TIME: Final = 1_600_000_000
"""Serials from here on are times (max(last + 1, unix time)); smaller ones are shown as numbers only."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRow:
    """One row of the table. from_where: which server said it, with which serial."""

    zone: str
    outcome: str
    words: str
    from_where: str


def answer_rows(answers: Sequence[Answer], names: Mapping[str, str]) -> list[AnswerRow]:
    """Return rows in words. names: under which the servers are shown."""
    return [
        AnswerRow(
            zone=one.zone,
            outcome=one.outcome,
            words=text(f"dns.{one.outcome}", codes=", ".join(one.codes)),
            from_where=_from_where(one, names.get(one.server, one.server)),
        )
        for one in answers
    ]


def answer_lines(answers: Sequence[Answer], names: Mapping[str, str]) -> list[str]:
    """Return a line for each answer, for a terminal."""
    return [f"DNS {row.zone}: {row.words} ({row.from_where})" for row in answer_rows(answers, names)]


def answer_json(answer: Answer) -> dict[str, Any]:
    """Return one answer for programs."""
    return dataclasses.asdict(answer) | {"codes": list(answer.codes)}


def _from_where(answer: Answer, server: str) -> str:
    if answer.serial is None:
        return text("dns.from", server=server)
    when = moment(answer.serial) if answer.serial >= _FIRST_TIME else None
    key = "dns.from_serial" if when is None else "dns.from_changed"
    return text(key, server=server, serial=answer.serial, when=when)
