"""Answers of name servers, for the table on pages and for programs. Pure."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

from feed.web.ask_dns import Answer
from feed.web.messages import text
from feed.web.wording import moment

_FIRST_TIME: Final = 1_600_000_000
"""Serials from here on are times (max(last + 1, unix time)); smaller ones are shown as numbers only."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRow:
    """One row of the table; `serial` is empty if the server told none."""

    zone: str
    server: str
    outcome: str
    words: str
    serial: str


def answer_rows(answers: Sequence[Answer]) -> list[AnswerRow]:
    """Return rows in words."""
    return [
        AnswerRow(
            zone=one.zone,
            server=one.server,
            outcome=one.outcome,
            words=text(f"dns.{one.outcome}", codes=", ".join(one.codes)),
            serial=_serial(one.serial),
        )
        for one in answers
    ]


def answer_json(answer: Answer) -> dict[str, Any]:
    """Return one answer for programs."""
    return dataclasses.asdict(answer) | {"codes": list(answer.codes)}


def _serial(serial: int | None) -> str:
    if serial is None:
        return ""
    if serial < _FIRST_TIME:
        return text("dns.serial_plain", serial=serial)
    return text("dns.serial_text", serial=serial, when=moment(serial))
