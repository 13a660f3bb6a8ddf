"""What `explain` prints of one address: first whether this very address is listed, then why."""

from typing import Any

import rich.console
import rich.table

from feed.commands.times import minute_in_words
from feed.domain.address import network_of
from feed.store.inspection import Inspection, inspection_json

_SAID_FIRST = frozenset({"address", "listed", "published", "by_hand", "exempt", "history", "removals"})

_HEADS = {"contributes": "adds", "supports": "backs", "strongest": "up to"}
"""Short heads: a terminal of 80 columns takes every number whole."""


def print_explained(found: Inspection, *, policy: str) -> None:
    """Print an inspection for people. policy: the name of the one in force."""
    console = rich.console.Console(highlight=False)
    console.print(f"[bold]{found.address}[/bold]: {_standing(found)}", soft_wrap=True)
    for one in found.by_hand:
        words = f"{one.network}, 127.0.0.{one.code}, until {minute_in_words(one.until_minute)}: {one.reason}"
        console.print(f"  listed by hand: {words}", soft_wrap=True, markup=False)
    if found.exempt:
        console.print("  an exemption keeps it out of the list")
    if found.explanation is None:
        return
    document = {name: value for name, value in inspection_json(found).items() if name not in _SAID_FIRST}
    parts, gates, not_counted = (document.pop(name, []) for name in ("parts", "gates", "not_counted"))
    whose = network_of(found.address, 64) if found.address.version == 6 else found.address  # noqa: PLR2004
    console.print(f"What was reported of {whose}, under policy {policy}:")
    for name, value in document.items():
        console.print(f"  {name.replace('_', ' ') + ':':17} {_word(value)}", soft_wrap=True)
    for title, rows in (("gates", gates), ("what the score is made of", parts), ("not counted", not_counted)):
        _print_rows(console, title, rows)
    for change in found.history:
        words = f"{change.from_state.word} -> {change.to_state.word}  {change.cause}"
        console.print(f"  {minute_in_words(change.at)}  {words}")


def _standing(found: Inspection) -> str:
    """Return whether this very address is listed, and else what of its /64 is."""
    if found.entry is not None:
        return f"listed as {found.entry.network}, 127.0.0.{found.code}"
    if found.row is None:
        return "not listed; nobody reported it"
    others = "; ".join(f"{one.network}, 127.0.0.{one.code}" for one in found.published)
    return f"not listed; of the same /64 only this is: {others}" if others else "not listed"


def _print_rows(console: rich.console.Console, title: str, rows: Any) -> None:
    if not isinstance(rows, list) or not rows:
        console.print(f"  {title}: none")
        return
    table = rich.table.Table(
        title=title, title_justify="left", box=None, padding=(0, 1, 0, 0), pad_edge=False
    )
    told = [
        {_HEADS.get(name, name): _word(value) for name, value in _days_joined(row).items()} for row in rows
    ]
    for name in told[0]:
        words = [row[name] for row in told]
        head = name.replace("_", " ")
        longest = max(len(word) for text in (head, *words) for word in text.split() or [""])
        is_number = not any(" " in text for text in words)
        table.add_column(head, min_width=longest, no_wrap=is_number, overflow="fold")
    for row in told:
        table.add_row(*row.values())
    console.print(table, crop=False)


def _days_joined(row: dict[str, Any]) -> dict[str, Any]:
    """Return `row` with its first and last day as one text, which takes half the width."""
    if "first_day" not in row:
        return row
    joined = {name: value for name, value in row.items() if name not in {"first_day", "last_day"}}
    return joined | {"days": " to ".join(dict.fromkeys((row["first_day"], row["last_day"])))}


def _word(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
