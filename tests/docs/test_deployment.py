"""What the documentation tells an operator to run is what the programs take."""

import pathlib
import re
import shlex
import tomllib

import pytest

from dnsbl_server.arguments import parse
from feed.settings import Settings
from tests.conftest import ROOT

UNITS = sorted((ROOT / "docs" / "systemd").glob("*.service"))


def _command(text: str) -> list[str]:
    found = re.search(r"^ExecStart=((?:.*\\\n)*.*)$", text, re.MULTILINE)
    assert found is not None
    return shlex.split(found[1].replace("\\\n", " "))


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_start_programs_that_exist(unit: pathlib.Path) -> None:
    program = _command(unit.read_text())[0].rpartition("/")[2]
    assert f"{program} = " in (ROOT / "pyproject.toml").read_text()


def test_the_dns_unit_gives_arguments_that_are_taken() -> None:
    arguments = parse(_command((ROOT / "docs/systemd/backscatter-dnsbl.service").read_text())[1:])
    assert (arguments.wait, arguments.workers, len(arguments.snapshot)) == (True, 2, 2)


def test_settings_in_the_documentation_are_taken() -> None:
    text = (ROOT / "docs/operator.md").read_text()
    block = "\n".join(line[4:] for line in text.splitlines() if line.startswith("    "))
    values = tomllib.loads(block.partition("backscatter-feed")[0])
    settings = Settings(**values)
    assert settings.publish.zone == "bl.example.org"


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: pathlib.Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (ROOT / "docs" / target).exists(), target
