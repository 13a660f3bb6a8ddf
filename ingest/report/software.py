"""Which parser reads the entries of which program."""

import functools
from collections.abc import Callable

from ingest.report import exim, postfix, rspamd
from ingest.report.events import Event, Line


@functools.lru_cache(maxsize=4096)
def parser_of(program: bytes) -> Callable[[bytes], Event | None] | None:
    """Return the parser for entries of a program, None if they never matter."""
    if program in {b"exim", b"exim4"}:
        return exim.parse
    if program == b"rspamd":
        return rspamd.parse
    return postfix.parser_of(program)


def parse(line: Line) -> Event | None:
    """Return what an entry says, None for all that does not matter; never raises."""
    parser = parser_of(line.program)
    return parser(line.text) if parser is not None else None
