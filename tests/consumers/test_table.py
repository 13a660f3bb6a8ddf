"""What the ways to ask the zones lead to, in real Postfix and Exim: the table of ux-ecosystem.md 3.1."""

import functools
from typing import Any

import pytest

from tests.consumers.running import laboratory, mail_server, place

pytestmark = pytest.mark.e2e

CASES = (
    "listed, empty sender",
    "listed, IPv6, empty sender",
    "listed, normal sender",
    "reported, empty sender",
    "clean, empty sender",
    "callout from listed",
)
OK = "accepted"
RCPT, DATA, LATER = "rcpt 554", "data 554", "data 450"
POSTFIX = {
    "A: class, at RCPT": (RCPT, RCPT, OK, OK, OK, RCPT),
    "B: texthash, at RCPT": (RCPT, RCPT, OK, OK, OK, RCPT),
    "C: inline, at RCPT": (RCPT, RCPT, OK, OK, OK, RCPT),
    "D: as printed": (DATA, DATA, OK, OK, OK, OK),
    "E: too early": (OK, OK, OK, OK, OK, OK),
    "F: not pinned, zone that answers everything": (DATA, DATA, OK, DATA, DATA, OK),
    "F: pinned, zone that answers everything": (OK, OK, OK, OK, OK, OK),
    "B4: as printed, resolver that invents answers": (OK, OK, OK, OK, OK, OK),
    # Whoever forgets the code refuses confirmed emitters only, since the main zone holds nothing else.
    "not pinned, our zone": (DATA, DATA, OK, OK, OK, OK),
    "not pinned, no condition on the sender, our zone": (RCPT, RCPT, RCPT, OK, OK, RCPT),
    "not pinned, scoring zone": (DATA, DATA, OK, DATA, OK, OK),
    "pinned, scoring zone": (DATA, DATA, OK, OK, OK, OK),
    "G: both codes": (DATA, DATA, OK, DATA, OK, OK),
    "J: defer_if_reject": (LATER, LATER, OK, OK, OK, OK),
}
POSTSCREEN = {"K: postscreen": ("rcpt 550", "rcpt 550", "rcpt 550", OK, OK, "rcpt 550")}
EXIM = {
    "at RCPT": ("rcpt 550", "rcpt 550", OK, OK, OK, "rcpt 550"),
    "as printed": ("data 550", "data 550", OK, OK, OK, OK),
}
EXPECTED = {"postfix": POSTFIX, "postscreen": POSTSCREEN, "exim": EXIM}


@functools.cache
def _answers(software: str) -> dict[str, Any]:
    with place() as folder:
        mail_server("exim" if software == "exim" else "postfix", folder)
        (folder / "lab").mkdir()
        return laboratory("table", software, str(folder / "lab"))


@pytest.mark.parametrize(
    ("software", "name"), [(software, name) for software, rows in EXPECTED.items() for name in rows]
)
def test_each_way_to_ask_does_what_the_table_says(software: str, name: str) -> None:
    assert _answers(software)[name] == dict(zip(CASES, EXPECTED[software][name], strict=True))


@pytest.mark.parametrize("software", EXPECTED)
def test_every_configuration_that_is_tried_is_in_the_table(software: str) -> None:
    assert set(_answers(software)) == set(EXPECTED[software])
