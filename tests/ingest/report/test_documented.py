"""Every command that the pages and units for reporters show is one that the program takes."""

import argparse
import pathlib
import re
import shlex

import pytest

from ingest.report.__main__ import _parser
from tests.conftest import ROOT

PAGES = [
    ROOT / "docs" / name
    for name in ("first-hour.md", "report-adapters.md", "report-exim.md", "report-postfix.md",
                 "report-rspamd.md", "traps.md")
]  # fmt: skip
UNITS = sorted((ROOT / "docs" / "systemd").glob("backscatter-report*.service"))


def commands(text: str) -> list[list[str]]:
    """Return the arguments of each command of the reporter's program in a text."""
    joined = re.sub(r"\\\n\s*", " ", text)
    found = re.findall(
        r"(?m)^(?:    .*?|ExecStart=\S*|.*\| )backscatter-report ([a-z-]+ ?[^\n#|;>`]*)", joined
    )
    words = [shlex.split(one.replace('"$RECIPIENT"', "a@b.example").replace('"$@"', "")) for one in found]
    return [one[1:] if one[0] == "backscatter-report" else one for one in words]


@pytest.mark.parametrize("page", [*PAGES, *UNITS], ids=lambda page: page.name)
def test_commands_are_taken(page: pathlib.Path) -> None:
    parser = _parser()
    for arguments in commands(page.read_text(encoding="utf-8")):
        try:
            options = parser.parse_args(arguments)
        except SystemExit:
            pytest.fail(f"{page.name}: backscatter-report {' '.join(arguments)}")
        assert isinstance(options, argparse.Namespace)


def test_the_pages_show_every_command() -> None:
    shown = {arguments[0] for page in PAGES for arguments in commands(page.read_text(encoding="utf-8"))}
    parser = _parser()
    actions = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    assert shown >= set(actions[0].choices) - {"sample", "flush"}
